"""What is said to a deal: nothing is lost, nothing counts twice, nothing that is said can stop it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from domain.message import Cancel, Message, Retry, Revise, Submit, TakeUp, Verdict, Withdraw
from domain.state import RULES
from domain.step import StepKind
from tests.domain.parties import OWNER
from tests.workflows.simulated import Hold, Play, Simulated, active, play
from workflows import messages, policies
from workflows.deal import DealWorkflow, Reply


@pytest.fixture
async def p(temporal_client: Client) -> AsyncIterator[Play]:
    async with play(temporal_client, active(Simulated())) as made:
        yield made


def message(number: int) -> Message:
    return Message(id=f"m-{number}", by=OWNER, body=Retry(subject="nothing"))


async def held(p: Play, kind: StepKind) -> tuple[Hold, "asyncio.Task[None]"]:
    """The deal stands in the middle of a step of this kind, a month later."""
    hold = p.simulated.hold(kind)
    moving = asyncio.create_task(p.advance(p.simulated.deal.clock.now + timedelta(days=32)))
    await hold.entered.wait()
    return hold, moving


@pytest.mark.parametrize("kind", [StepKind.BILL, StepKind.CHARGE])
async def test_a_hundred_and_fifty_signals_during_one_step(p: Play, kind: StepKind) -> None:
    """During a local activity they fail its workflow task again and again; none is lost, and the step is done once."""
    hold, moving = await held(p, kind)
    before = p.simulated.messages()
    inbox = [p.simulated.tell(None, message_id=f"fact/s{number}") for number in range(150)]
    await asyncio.gather(*(p.handle.signal("fact_came", inbox_id) for inbox_id in inbox))
    hold.go.set()
    await moving
    await p.until(lambda deal: not deal.inbox)
    taken = p.simulated.messages()[len(before) :]
    assert sorted(taken) == sorted(f"fact/{inbox_id}" for inbox_id in inbox)
    assert p.simulated.kinds()[-2:] == [StepKind.BILL, StepKind.CHARGE]
    assert len(p.simulated.bills) == 2
    deal = await p.state()
    assert (deal.turn, deal.parkings) == (len(p.simulated.taken), ())


async def test_commands_across_continue_as_new(temporal_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is answered, whichever run it met; said twice under one id, it is taken in once."""
    monkeypatch.setattr(policies, "MOST_STEPS_OF_A_RUN", 15)
    async with play(temporal_client, active(Simulated())) as p:
        before = len(p.simulated.messages())
        gate = asyncio.Semaphore(8)  # the server takes ten in flight per workflow

        async def ask(number: int) -> Verdict | None:
            async with gate:
                while True:
                    try:
                        reply = await p.update(message(number))
                    except (
                        RPCError
                    ):  # a workflow task failed under buffered signals: the API says 503, the caller comes again
                        await asyncio.sleep(0.05)
                        continue
                    except WorkflowUpdateFailedError as failed:
                        if refused(failed) not in {"Busy", "AcceptedUpdateCompletedWorkflow"}:
                            raise
                        await asyncio.sleep(0.05)
                        continue
                    if reply.settled:
                        return reply.answer.verdict if reply.answer else None

        inbox = [p.simulated.tell(None, message_id=f"fact/s{number}") for number in range(40)]
        latest = temporal_client.get_workflow_handle(p.handle.id)
        asked = asyncio.gather(*(ask(number) for number in range(40) for _ in range(2)))
        for inbox_id in inbox:
            await latest.signal("fact_came", inbox_id)
        assert await asked == [Verdict.REFUSED] * 80  # there is nothing to retry: judged, each of them
        await p.until(lambda deal: not deal.inbox)
        taken = p.simulated.messages()[before:]
        assert sorted(taken) == sorted([f"m-{number}" for number in range(40)] + [f"fact/{each}" for each in inbox])
        assert (await p.state()).turn == len(p.simulated.taken)
        assert (await latest.describe()).run_id != p.handle.first_execution_run_id


def refused(failed: WorkflowUpdateFailedError) -> str:
    assert isinstance(failed.cause, ApplicationError)
    return failed.cause.type or ""


async def test_with_twenty_messages_waiting_commands_are_refused(p: Play) -> None:
    hold, moving = await held(p, StepKind.CHARGE)
    for number in range(policies.MOST_WAITING):
        await p.handle.signal("fact_came", p.simulated.tell(None, message_id=f"fact/b{number}"))
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await p.update(message(1))
    assert refused(failed.value) == "Busy"
    hold.go.set()
    await moving
    await p.until(lambda deal: not deal.inbox)
    assert (await p.say(message(1).body, message_id="m-1")).settled
    assert p.simulated.messages().count("m-1") == 1


async def test_what_the_state_has_no_room_for_is_told_again(p: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that would make the state too large is let go: the inbox still has the fact, and the relay says it again."""
    monkeypatch.setattr(messages, "MOST_FACTS", 5)
    hold, moving = await held(p, StepKind.CHARGE)
    before = len(p.simulated.messages())
    inbox = [p.simulated.tell(None, message_id=f"fact/t{number}") for number in range(8)]
    for inbox_id in inbox:
        await p.handle.signal("fact_came", inbox_id)
    hold.go.set()
    await moving
    await p.until(lambda deal: not deal.inbox)
    assert len(p.simulated.messages()) - before == 5
    for inbox_id in inbox:  # the relay, until the inbox says that each was taken
        await p.handle.signal("fact_came", inbox_id)
    await p.until(lambda _: len(p.simulated.messages()) - before == 8)
    assert sorted(p.simulated.messages()[before:]) == sorted(f"fact/{inbox_id}" for inbox_id in inbox)


async def test_a_command_waits_at_most_three_seconds_for_its_answer(p: Play) -> None:
    hold, moving = await held(p, StepKind.CHARGE)
    reply = await p.update(message(1))  # nobody answers in time
    assert (reply.settled, reply.answer) == (False, None)
    hold.go.set()
    await moving
    assert (await p.say(message(1).body, message_id="m-1")).answer is not None
    assert p.simulated.messages().count("m-1") == 1


async def test_rubbish_signals_do_not_wedge_the_deal(p: Play) -> None:
    """A handler that raises fails or wedges the deal; one that is sent rubbish drops it or takes it in as unexpected."""
    before = await p.state()
    for rubbish in ([], [5], [None], [{"inbox_id": "x"}], [["a"]], ["a", "b"], [""], ["x" * 100_000]):
        await p.handle.signal("fact_came", args=rubbish)
    await p.handle.signal("no_such_signal", "x")
    known = p.simulated.tell(None, message_id="fact/known")
    await p.handle.signal("fact_came", known)
    await p.until(lambda deal: deal.answer("fact/known") is not None and not deal.inbox)
    deal = await p.state()
    assert (deal.contract, deal.collections) == (before.contract, before.collections)
    assert len(deal.answers[-1].message_id) < 300
    assert (await p.say(Retry(subject="nothing"))).settled


async def test_a_message_without_id_or_person_or_of_any_size_is_refused_and_changes_nothing(p: Play) -> None:
    before = await p.state()
    for wrong in (
        Message(id="", by=OWNER, body=Retry()),
        Message(id="m1", by="", body=Retry()),
        Message(id="m2", by=OWNER, body=Cancel(reason="x" * 50_000)),
        Message(id="m" * 5_000, by=OWNER, body=Retry()),
    ):
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await p.update(wrong)
        assert refused(failed.value) in {"MessageIncomplete", "MessageTooLarge"}
    assert await p.state() == before


async def test_a_fact_told_twice_is_taken_in_once(p: Play) -> None:
    inbox_id = p.simulated.tell(None, message_id="fact/f1")
    await asyncio.gather(*(p.handle.signal("fact_came", inbox_id) for _ in range(5)))
    await p.until(lambda deal: deal.answer("fact/f1") is not None)
    await p.handle.signal("fact_came", inbox_id)
    await p.say(Retry(subject="nothing"))
    assert p.simulated.messages().count("fact/f1") == 1


async def test_a_message_for_a_deal_that_is_over_is_answered_by_a_new_run(temporal_client: Client) -> None:
    async with play(temporal_client, Simulated()) as p:
        await p.say(Revise(draft_id="draft-1", draft_hash="h"))
        assert (await p.say(Cancel(reason="no budget"))).answer is not None
        await p.handle.result()
        start = WithStartWorkflowOperation(
            DealWorkflow.run,
            p.simulated.deal,
            id=p.handle.id,
            task_queue=p.queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        late = Message(id="late", by=OWNER, body=Submit(version=1))
        reply = await temporal_client.execute_update_with_start_workflow(
            "submit", late, start_workflow_operation=start, result_type=Reply
        )
        assert reply.answer is not None
        assert (reply.answer.verdict, reply.answer.error) == (Verdict.REFUSED, "DealClosed")
        await (await start.workflow_handle()).result()
        assert p.simulated.messages()[-1] == "late"


async def test_new_rules_are_taken_up_by_a_new_run(p: Play) -> None:
    first = (await p.handle.describe()).run_id
    reply = await p.say(TakeUp(rules=RULES))
    assert reply.answer is not None
    assert reply.answer.verdict is Verdict.ACCEPTED
    latest = p.client.get_workflow_handle(p.handle.id)
    while (await latest.describe()).run_id == first:
        await asyncio.sleep(0.02)
    unknown = await p.say(TakeUp(rules=99))
    assert unknown.answer is not None
    assert unknown.answer.error == "UnknownRules"


async def test_a_real_deals_clock_can_never_be_moved(temporal_client: Client) -> None:
    async with play(temporal_client, Simulated(virtual=False)) as p:
        await p.say(Revise(draft_id="draft-1", draft_hash="h"))
        before = await p.state()
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await p.advance(before.clock.now + timedelta(days=400))
        assert refused(failed.value) == "RealClock"
        assert await p.state() == before


async def test_two_who_move_the_clock_are_each_answered_at_their_own_date(p: Play) -> None:
    now = p.simulated.deal.clock.now
    near, far = now + timedelta(days=32), now + timedelta(days=63)
    await asyncio.gather(p.advance(far), p.advance(near))
    assert (await p.state()).clock.now == far
    assert len(p.simulated.bills) == 3
    await p.advance(near)  # the past is answered at once, and changes nothing
    assert (await p.state()).clock.now == far


async def test_what_came_during_a_step_is_not_lost_by_its_outcome(p: Play) -> None:
    """`self.deal = after(self.deal, step, await …)` would lose what a handler had folded meanwhile."""
    hold, moving = await held(p, StepKind.CHARGE)
    said = asyncio.create_task(p.say(Withdraw(reason="what order?"), message_id="during"))
    signal = p.simulated.tell(None, message_id="fact/during")
    await p.handle.signal("fact_came", signal)
    hold.go.set()
    await moving
    reply = await said
    assert reply.answer is not None
    assert reply.answer.error == "OrderNotOpen"
    deal = await p.until(lambda deal: deal.answer("fact/during") is not None)
    assert deal.collections == ()  # the charge's own outcome was folded too
