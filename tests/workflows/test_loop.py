"""The loop itself: it finishes what it began, waits out what is down, comes back from where it was, and never spins."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError

from domain.message import Message, Retry, Verdict
from domain.step import StepKind
from tests.domain.parties import OWNER
from tests.workflows.simulated import Play, Simulated, active, play
from workflows import policies
from workflows.deal import DealWorkflow
from workflows.stubs import Perform, Performed

MONTH = timedelta(days=32)


@pytest.fixture
async def p(temporal_client: Client) -> AsyncIterator[Play]:
    async with play(temporal_client, active(Simulated())) as made:
        yield made


@pytest.mark.parametrize("kind", [StepKind.BILL, StepKind.CHARGE])
async def test_a_cancel_request_finishes_the_step_says_so_and_a_message_starts_the_deal_again(
    p: Play, kind: StepKind
) -> None:
    """Cancelling the workflow is not cancelling the deal: nothing fails, nothing parks, nothing is lost."""
    hold = p.simulated.hold(kind)
    moving = asyncio.create_task(p.advance(p.simulated.deal.clock.now + MONTH))
    await hold.entered.wait()
    await p.handle.cancel()
    hold.go.set()
    with pytest.raises(WorkflowFailureError) as ended:
        await p.handle.result()
    assert isinstance(ended.value.cause, CancelledError)
    with pytest.raises((WorkflowUpdateFailedError, RPCError)):  # it asked again, and nobody was there
        await moving
    done = p.simulated.taken[max(p.simulated.taken)]  # a request during a local activity may meet the step after it
    assert (done.step.kind, done.outcome.kind) in {(StepKind.BILL, "billed"), (StepKind.CHARGE, "charged")}
    assert p.simulated.notes == [
        "The workflow was cancelled from outside; a message to the deal starts it again from its last state"
    ]
    inbox_id = p.simulated.tell(None, message_id="fact/later")
    await p.client.start_workflow(
        DealWorkflow.run,
        p.simulated.deal,
        id=p.handle.id,
        task_queue=p.queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal="fact_came",
        start_signal_args=[inbox_id],
    )
    p.handle = p.client.get_workflow_handle(p.handle.id)
    await p.until(lambda deal: deal.answer("fact/later") is not None)
    await p.advance(p.simulated.deal.clock.now + MONTH)
    assert (await p.state()).parkings == ()
    assert len(p.simulated.bills) in {2, 3}
    assert p.simulated.kinds().count(StepKind.BILL) == len(p.simulated.bills)


async def test_a_cancel_request_to_a_deal_at_rest(p: Play) -> None:
    await p.handle.cancel()
    with pytest.raises(WorkflowFailureError) as ended:
        await p.handle.result()
    assert isinstance(ended.value.cause, CancelledError)
    assert len(p.simulated.notes) == 1


async def test_books_that_are_down_hold_up_the_step_not_the_deal(p: Play) -> None:
    """After one local try the same step goes on as a regular activity: commands are still answered or refused."""
    down = True
    p.simulated.down = lambda command: down and command.step.kind is not StepKind.CHARGE
    moving = asyncio.create_task(p.advance(p.simulated.deal.clock.now + MONTH))
    while p.simulated.asked[StepKind.BILL] < 3:  # the local activity, then tries of the regular one
        await asyncio.sleep(0.02)
    reply = await p.update(Message(id="c1", by=OWNER, body=Retry(subject="nothing")))
    assert not reply.settled
    for number in range(policies.MOST_WAITING - 1):
        await p.handle.signal("fact_came", p.simulated.tell(None, message_id=f"fact/d{number}"))
    with pytest.raises(WorkflowUpdateFailedError):
        await p.update(Message(id="c2", by=OWNER, body=Retry(subject="nothing")))
    down = False
    await moving
    deal = await p.until(lambda deal: not deal.inbox)
    assert deal.answer("c1") is not None
    assert deal.answer("c2") is None
    assert (len(p.simulated.bills), deal.parkings) == (2, ())
    assert p.simulated.messages().count("c1") == 1


async def test_an_answer_that_was_lost_is_folded_as_it_happened(p: Play) -> None:
    """The turn is taken and nobody knows: the step asked for again, under that turn, is answered with what took it."""
    real = p.simulated._perform
    lost: list[Performed] = []

    async def losing(command: Perform) -> Performed:
        done = await real(command)
        if command.step.kind is StepKind.BILL and not lost:
            lost.append(done)
            await asyncio.sleep(30)  # longer than the activity may take: its answer is nobody's
        return done

    p.simulated._perform = losing  # type: ignore[method-assign]
    await p.advance(p.simulated.deal.clock.now + MONTH)
    assert len(lost) == 1
    assert len(p.simulated.bills) == 2
    deal = await p.state()
    assert (deal.turn, deal.parkings) == (len(p.simulated.taken), ())


async def test_a_step_that_fails_for_good_parks_its_subject_and_the_rest_goes_on(p: Play) -> None:
    p.simulated.outside.failing.add(StepKind.BILL)
    await p.advance(p.simulated.deal.clock.now + MONTH)
    deal = await p.state()
    assert deal.parkings == (("contract-1", "OutOfOrder: it cannot be done"),)
    assert (len(p.simulated.bills), p.simulated.asked[StepKind.BILL]) == (1, 1)  # a refusal is not tried again
    reply = await p.say(Retry())
    assert reply.answer is not None
    assert reply.answer.verdict is Verdict.ACCEPTED
    assert (await p.until(lambda deal: not deal.collections)).parkings == ()
    assert len(p.simulated.bills) == 2


async def test_carried_over_at_its_own_count(temporal_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """History length stands still within one task: our own count ends a run."""
    monkeypatch.setattr(policies, "MOST_STEPS_OF_A_RUN", 10)
    async with play(temporal_client, active(Simulated())) as p:
        await p.advance(p.simulated.deal.clock.now + timedelta(days=330))
        assert len(p.simulated.bills) == 11
        latest = temporal_client.get_workflow_handle(p.handle.id)
        assert (await latest.describe()).run_id != p.handle.first_execution_run_id
