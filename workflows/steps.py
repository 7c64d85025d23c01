"""Step kind → the activity that performs it: the contents page of a deal's life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from domain.state import Deal
from domain.step import Step, StepKind
from workflows.policies import BOOKS_AWAY, DATABASE, FIRST_PAUSE, GATEWAY, LONGEST_PAUSE, PATIENT
from workflows.stubs import (
    ApprovalActivities,
    ContractActivities,
    DunningActivities,
    EntitlementActivities,
    GiveUp,
    InvoiceActivities,
    MessageActivities,
    MigrationActivities,
    PaymentActivities,
    Perform,
    Performed,
    PresentationActivities,
    QuoteActivities,
    SignatureActivities,
)

# fmt: off
IN_OUR_BOOKS: dict[StepKind, Callable[..., Any]] = {
    StepKind.TAKE:     MessageActivities.take,
    StepKind.PRICE:    QuoteActivities.price_quote,
    StepKind.ASK:      ApprovalActivities.ask_for_approval,
    StepKind.LOOK:     ApprovalActivities.look_up_approvers,
    StepKind.REMIND:   ApprovalActivities.remind_approvers,
    StepKind.ESCALATE: ApprovalActivities.escalate_approval,
    StepKind.EXPIRE:   QuoteActivities.expire_quote,
    StepKind.PRESENT:  PresentationActivities.present_quote,
    StepKind.BOOK:     ContractActivities.book_contract,
    StepKind.ACTIVATE: ContractActivities.activate_contract,
    StepKind.END:      ContractActivities.end_contract,
    StepKind.REPRICE:  MigrationActivities.reprice_contract,
    StepKind.BILL:     InvoiceActivities.bill_period,
    StepKind.MILESTONE: InvoiceActivities.bill_milestone,
    StepKind.NOTICE:   QuoteActivities.offer_renewal,
    StepKind.MESSAGE:  DunningActivities.send_reminder,
    StepKind.SUSPEND:  DunningActivities.suspend_contract,
    StepKind.CANCEL:   DunningActivities.cancel_contract,
}
AT_A_GATEWAY: dict[StepKind, Callable[..., Any]] = {
    StepKind.VOID:       SignatureActivities.void_envelope,
    StepKind.SEND:       SignatureActivities.send_for_signature,
    StepKind.PROVISION:  EntitlementActivities.provision,
    StepKind.COMPENSATE: EntitlementActivities.compensate,
    StepKind.ACCESS:     EntitlementActivities.set_access,
    StepKind.CHARGE:     PaymentActivities.charge_payment,
    StepKind.RESOLVE:    PaymentActivities.resolve_payment,
}
# fmt: on


async def perform(command: Perform) -> Performed:
    """Perform one step; one that fails for good is recorded as failed, under the same turn."""
    kind = command.step.kind
    summary = summary_of(command.deal, command.step)
    try:
        if kind in IN_OUR_BOOKS:
            return await _in_our_books(IN_OUR_BOOKS[kind], command, summary)
        return await _at_a_gateway(AT_A_GATEWAY[kind], command, summary)
    except FailureError as error:
        return await workflow.execute_activity_method(
            MessageActivities.give_up,
            GiveUp(perform=command, reason=reason_of(error)),
            summary=f"{summary}: give up",
            **PATIENT,
        )


async def _at_a_gateway(method: Callable[..., Any], command: Perform, summary: str) -> Performed:
    """Tried as often as the gateway's policy says; our own database being away is no try of the gateway's."""
    pause = FIRST_PAUSE
    while True:
        try:
            done: Performed = await workflow.execute_activity_method(method, command, summary=summary, **GATEWAY)
        except FailureError as error:
            if not is_away(error):
                raise
        else:
            return done
        await workflow.sleep(pause, summary="the database is away")  # days of it must not fill the history
        pause = min(2 * pause, LONGEST_PAUSE)


async def _in_our_books(method: Callable[..., Any], command: Perform, summary: str) -> Performed:
    try:
        done: Performed = await workflow.execute_local_activity_method(method, command, summary=summary, **DATABASE)
    except FailureError as error:
        if is_final(error):
            raise
        done = await workflow.execute_activity_method(method, command, summary=summary, **PATIENT)
    return done


def summary_of(deal: Deal, step: Step) -> str:
    """What Temporal's own UI shows beside the activity."""
    return f"{step.kind.value} {step.subject} #{step.number} (turn {deal.turn})"


def cause_of(error: FailureError) -> BaseException | None:
    """What the activity raised. A regular activity's error comes wrapped, a local one's comes bare."""
    return error.cause if isinstance(error, ActivityError) else error


def is_final(error: FailureError) -> bool:
    """A refusal by the rules: trying again cannot help."""
    cause = cause_of(error)
    return isinstance(cause, ApplicationError) and cause.non_retryable


def is_away(error: FailureError) -> bool:
    """Our own database did not answer: the step is none the worse for it, and its key makes another round safe."""
    cause = cause_of(error)
    return isinstance(cause, ApplicationError) and cause.type == BOOKS_AWAY


def reason_of(error: FailureError) -> str:
    """In one line, what an operator has to know."""
    cause = cause_of(error)
    if isinstance(cause, ApplicationError):
        return f"{cause.type}: {cause.message}" if cause.type else cause.message
    return str(cause or error)
