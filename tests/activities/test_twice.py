"""Every activity under a turn that is taken: nothing is written, nothing leaves the house, and the answer is what took it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.message import Cancel, Decide, Retry, Submit, Verdict
from domain.outcome import Failed
from domain.step import Step, StepKind
from models.directory import AbsenceRow
from sandbox.process import SandboxProcess
from tests.activities.hand import DESK, Hand, hand
from tests.place import PEOPLE, START
from workflows.steps import AT_A_GATEWAY, IN_OUR_BOOKS
from workflows.stubs import GiveUp, Note, Perform

DISCOUNTED = [{"product": "team", "quantity": 20, "discount_percent": "15"}]


@pytest.fixture
async def h(database_url: str, outside: SandboxProcess) -> AsyncIterator[Hand]:
    async with hand(database_url, outside) as made:
        yield made


async def test_a_life_with_every_kind_of_step_each_run_twice(h: Hand) -> None:
    """`Hand.step` runs each step twice and compares books and outside; this life has every step there is."""
    day: dict[str, Any] = {
        "since": datetime(2027, 1, 2, tzinfo=UTC),
        "until": datetime(2027, 1, 3, tzinfo=UTC),
        "created_at": START,
    }
    await h.place.add(
        [AbsenceRow(id="abs", person=DESK, delegate_to=PEOPLE["vp"][0], away=False, created_by=DESK, **day)]
    )
    await h.revise(lines=DISCOUNTED, auto_renew=True, uplift_percent="5")
    await h.say(Submit(version=1))
    await h.until("2027-01-05")  # looked up anew, reminded, escalated
    order = h.deal.orders[0]
    decided = Decide(version=1, content_hash=order.content_hash, approve=True, reason="fine", groups=("sales_manager",))
    await h.say(decided, by=DESK)
    await h.revise(lines=DISCOUNTED)  # takes the envelope back
    await h.until("2027-03-01")  # nobody submits it: it expires
    await h.revise(term_months=3, notice_days=30)
    await h.say(Submit(version=3))
    await h.place.behave("provisioner", email="ap@globex.example", fail_step="users", times=1, for_good=True)
    await h.signed()  # fails for good at the third step, is undone
    assert isinstance(h.performed[-3].outcome, Failed)
    await h.say(Retry())
    await h.place.behave("card", email="ap@globex.example", script=["succeed", "insufficient_funds"])
    await h.until("2027-06-01")  # the third month is not paid: reminders, suspension, cancellation, access
    assert h.deal.closed == "not paid"
    # the end of a term is in the test below; resolving in `test_payment.py`, showing in `test_customer.py`, the rest in
    # `test_plan.py`
    elsewhere = {StepKind.RESOLVE, StepKind.END, StepKind.PRESENT, StepKind.MILESTONE, StepKind.REPRICE}
    assert set(StepKind) - set(h.kinds()) == elsewhere


async def test_an_end_run_twice(h: Hand) -> None:
    await h.sold(term_months=1)
    await h.until("2027-02-01")
    assert h.kinds()[-2:] == [StepKind.END, StepKind.ACCESS]
    assert h.deal.closed == "the term ended"


async def test_whatever_is_asked_under_a_taken_turn_is_answered_with_what_took_it(h: Hand) -> None:
    h.twice = False
    await h.revise(term_months=12)
    await h.say(Submit(version=1))
    await h.place.behave("card", email="ap@globex.example", script=["insufficient_funds"])
    await h.signed()
    before = h.deal
    answer = await h.say(Cancel(reason="too dear"))  # takes the turn
    assert answer.verdict is Verdict.ACCEPTED
    took = h.performed[-1]
    books, outside = await h.place.look(), await h.place.effects()
    subjects = {
        StepKind.BILL: "contract-1.1",
        StepKind.MILESTONE: "contract-1.1",
        StepKind.REPRICE: "contract-1",
        StepKind.NOTICE: "contract-1",
        StepKind.END: "contract-1",
        StepKind.ACCESS: "contract-1",
        StepKind.VOID: "env_1",
    }
    invoice_steps = {StepKind.CHARGE, StepKind.RESOLVE, StepKind.MESSAGE, StepKind.SUSPEND, StepKind.CANCEL}
    for kind, method in (IN_OUR_BOOKS | AT_A_GATEWAY).items():
        subject = h.invoice_id if kind in invoice_steps else subjects.get(kind, "order-1")
        number = 201 if kind is StepKind.RESOLVE else 2
        step = Step(kind=kind, subject=subject, number=number, at=before.clock.now)
        command = Perform(deal=before, step=step, now=before.clock.now)
        assert await h.run(method.__name__, command) == took, kind
        assert await h.run("give_up", GiveUp(perform=command, reason="no")) == took, kind
    assert (await h.place.look(), await h.place.effects()) == (books, outside)


async def test_a_turn_that_is_not_there_yet_is_refused_and_nothing_is_written(h: Hand) -> None:
    """A state from the future (a restored database): the step is not performed on books that do not match it."""
    await h.revise()
    books = await h.place.look()
    ahead = replace(h.deal, turn=h.deal.turn + 5)
    step = Step(kind=StepKind.EXPIRE, subject="order-1", number=1, at=h.deal.clock.now + timedelta(days=30))
    command = Perform(deal=ahead, step=step, now=step.at)
    with pytest.raises(Exception, match="the fence of expire did not hold"):
        await h.run("expire_quote", command)
    assert await h.place.look() == books


async def test_a_note_belongs_to_no_step(h: Hand) -> None:
    await h.revise()
    turn = h.deal.turn
    await h.run("note", Note(deal_id=h.deal.id, turn=turn, at=h.deal.clock.now, text="said from outside"))
    assert await h.place.rows("SELECT turn, kind, text FROM timeline ORDER BY id DESC LIMIT 1") == [
        (turn, "note", "said from outside")
    ]
    assert await h.place.one("SELECT turn FROM deals") == turn
