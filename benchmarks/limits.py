"""Activities that do nothing for the books: what a cycle costs when billing itself costs nothing."""

from __future__ import annotations

from temporalio import activity

from domain.calendar import local_date
from domain.ids import derived
from domain.outcome import Billed, Charged
from gateways.parties import PartiesFor
from gateways.ports import ChargeRequest
from workflows import stubs
from workflows.stubs import Perform, Performed


class EmptyInvoices(stubs.InvoiceActivities):
    """Says that the period is billed, and writes nothing."""

    @activity.defn
    async def bill_period(self, command: Perform) -> Performed:
        deal, step = command.deal, command.step
        outcome = Billed(
            invoice_id=derived("inv", deal.id, step.subject, step.number),
            invoice_number="NONE-000001",
            due_on=local_date(command.now, deal.zone),
            method="card",
            settled=False,
            ladder=(),
        )
        return Performed(step=step, outcome=outcome, now=command.now)

    @activity.defn
    async def bill_milestone(self, command: Perform) -> Performed:
        raise AssertionError(f"nothing is reached here: {command.step}")


class BarePayments(stubs.PaymentActivities):
    """Makes the very same call at the gateway, and writes nothing."""

    def __init__(self, parties: PartiesFor, *, amount_minor: int, customer_ref: str, method_ref: str) -> None:
        self.parties = parties
        self.amount_minor, self.customer_ref, self.method_ref = amount_minor, customer_ref, method_ref

    @activity.defn
    async def charge_payment(self, command: Perform) -> Performed:
        deal, step = command.deal, command.step
        request = ChargeRequest(
            key=step.key(deal.id),
            deal_id=deal.id,
            invoice_id=step.subject,
            amount_minor=self.amount_minor,
            currency=deal.currency,
            customer_ref=self.customer_ref,
            method_ref=self.method_ref,
        )
        answer = await self.parties.entity(deal.entity_id, virtual=deal.clock.virtual).payments.charge(request)
        return Performed(step=step, outcome=Charged(status=answer.status.value, settled=True), now=command.now)

    @activity.defn
    async def resolve_payment(self, command: Perform) -> Performed:
        raise AssertionError(f"nothing is unknown here: {command.step}")
