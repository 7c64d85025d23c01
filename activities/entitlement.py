"""The provisioner: steps forward, compensations backward, and the access a customer has."""

from __future__ import annotations

from sqlmodel import SQLModel
from temporalio import activity

from activities.fence import Books, Effect, Told
from activities.reference import MissingReference
from domain import contract as contracts
from domain.order import Order
from domain.outcome import Done, Failed, Outcome
from gateways.parties import PartiesFor
from gateways.ports import GatewayRefused, Provisioner, ProvisionRequest
from models.account import AccountRow
from models.contract import ContractRow
from models.provisioning import ProvisioningRow
from models.write import Update
from workflows import stubs
from workflows.stubs import Perform, Performed

CONTRACT_STAGE = {contracts.FULL: "active", contracts.SUSPENDED: "suspended"}


class EntitlementActivities(stubs.EntitlementActivities):
    def __init__(self, books: Books, parties: PartiesFor) -> None:
        self.books = books
        self.parties = parties

    @activity.defn
    async def provision(self, command: Perform) -> Performed:
        """Perform one provisioning step. Passing trouble is retried under the same key; a refusal is an outcome."""
        if (taken := await self.books.taken(command.deal)) is not None:
            return taken
        order, name, request = await self._request(command)
        try:
            ref = await self._provisioner(command).perform(request)
        except GatewayRefused as refusal:
            reason = f"{name}: {refusal}"
            row = _row(command, order, name, status="failed", reason=str(refusal))
            failed = _effect(Failed(reason=reason), row, f"Provisioning {name} failed for good: {refusal}")
            return await self.books.record(command, failed)
        row = _row(command, order, name, status="done", ref=ref)
        done = _effect(Done(), row, f"Provisioned {name}")
        return await self.books.record(command, done)

    @activity.defn
    async def compensate(self, command: Perform) -> Performed:
        """Undo one step; undoing what was never done is not an error at the provisioner."""
        if (taken := await self.books.taken(command.deal)) is not None:
            return taken
        order, name, request = await self._request(command)
        await self._provisioner(command).compensate(request)
        effect = Effect(
            outcome=Done(),
            updates=[
                Update(
                    ProvisioningRow,
                    {"status": "compensated", "performed_at": command.now},
                    {"deal_id": command.deal.id, "order_number": order.number, "step_no": command.step.number},
                )
            ],
            told=[Told(text=f"Undone: {name}")],
        )
        return await self.books.record(command, effect)

    @activity.defn
    async def set_access(self, command: Perform) -> Performed:
        """Tell the provisioner what access should be: full, suspended or revoked."""
        deal, step = command.deal, command.step
        if (taken := await self.books.taken(command.deal)) is not None:
            return taken
        running = deal.contract
        if running is None:
            raise MissingReference(what="the contract")
        access = running.access_wanted
        await self._provisioner(command).set_access(
            key=step.key(deal.id), account_id=deal.account_id, deal_id=deal.id, access=access
        )
        stage = CONTRACT_STAGE.get(access)
        effect = Effect(
            outcome=Done(),
            updates=[Update(ContractRow, {"stage": stage}, {"id": running.id})] if stage else (),
            told=[Told(text=f"Access is {access}")],
        )
        return await self.books.record(command, effect)

    def _provisioner(self, command: Perform) -> Provisioner:
        return self.parties.entity(command.deal.entity_id, virtual=command.deal.clock.virtual).provisioner

    async def _request(self, command: Perform) -> tuple[Order, str, ProvisionRequest]:
        deal, step = command.deal, command.step
        order = deal.order(step.subject)
        if order is None or order.provisioning is None:
            raise MissingReference(what=f"the order {step.subject}")
        async with self.books.database.session() as session:
            account = await session.get(AccountRow, deal.account_id)
        if account is None:
            raise MissingReference(what=f"the account {deal.account_id}")
        name = order.provisioning.name(step.number)
        request = ProvisionRequest(
            key=step.key(deal.id),
            deal_id=deal.id,
            account_id=deal.account_id,
            customer_name=account.name,
            customer_email=account.email,
            step=name,
            data={"order": str(order.number), "version": str(order.version)},
        )
        return order, name, request


def _row(command: Perform, order: Order, name: str, *, status: str, ref: str = "", reason: str = "") -> ProvisioningRow:
    return ProvisioningRow(
        deal_id=command.deal.id,
        order_number=order.number,
        step_no=command.step.number,
        step=name,
        status=status,
        ref=ref,
        attempts=activity.info().attempt,
        reason=reason,
        performed_at=command.now,
    )


def _effect(outcome: Outcome, row: SQLModel, line: str) -> Effect:
    return Effect(outcome=outcome, rows=[row], told=[Told(text=line)])
