"""What is performed first: facts, then books, then commands, then what goes outside."""

from __future__ import annotations

from dataclasses import replace

from domain.agenda import agenda, next_at, next_due
from domain.deal import accept
from domain.message import Body, Cancel, FactCame, Message, Revise, Submit
from domain.step import RANK, StepKind
from tests.domain.lives import NEED, START, TERMS, Life, Outside, days


def first(life: Life, at_days: float, *bodies: Body) -> str:
    """The kind of the first step at that day, with these messages in the inbox."""
    now = START + days(at_days)
    deal = life.deal
    for index, body in enumerate(bodies):
        deal = accept(deal, Message(id=f"x{index}", by="a@x", body=body), now)
    step = next_due(deal, now)
    return "nothing" if step is None else f"{step.kind.value} {step.subject}"


def served(**terms: object) -> Life:
    life = Life(Outside(terms=replace(TERMS, **terms)))  # type: ignore[arg-type]  # each term by its name
    life.submitted()
    return life


def test_a_new_deal_has_nothing_to_do() -> None:
    life = Life()
    assert (agenda(life.deal), next_at(life.deal), next_due(life.deal, START + days(999))) == ((), None, None)


def test_the_agenda_is_in_order_and_lists_the_next_step_of_each_noun() -> None:
    steps = agenda(served().deal)
    assert [step.kind.value for step in steps] == ["bill", "notice"]
    assert list(steps) == sorted(steps, key=lambda step: (step.at, RANK[step.kind]))
    assert next_at(served().deal) == steps[0].at


def test_only_what_is_due_is_performed() -> None:
    assert first(served(), 10) == "nothing"
    assert first(served(), 28) == "bill contract-1.1"


def test_a_fact_comes_before_all_even_overdue_books() -> None:
    assert first(served(), 60, Cancel(reason="no"), FactCame(inbox_id="i1")) == "take x1"


def test_a_command_comes_after_the_books_that_were_due_before_it() -> None:
    assert first(served(), 60, Cancel(reason="no")) == "bill contract-1.1"
    assert first(served(), 10, Cancel(reason="no")) == "take x0"


def test_a_command_comes_before_what_goes_outside() -> None:
    life = served()
    life.outside.failing.add(StepKind.CHARGE)
    life.play(START + days(28))
    deal = life.deal
    assert first(life, 29, Cancel(reason="no")) == "take x0"
    assert deal.parkings


def test_books_that_fall_due_after_a_command_came_wait_for_it() -> None:
    life = served()
    deal = accept(life.deal, Message(id="x", by="a@x", body=Cancel(reason="no")), START + days(1))
    step = next_due(deal, START + days(60))
    assert step is not None
    assert step.kind is StepKind.TAKE


def test_a_submit_right_behind_its_revise_finds_the_draft_priced() -> None:
    life = Life(Outside(needs=(NEED,)))
    life.outside.failing.add(StepKind.PRICE)
    life.say(Submit(version=0))
    deal = accept(life.deal, Message(id="a", by="a@x", body=Revise(draft_id="d", draft_hash="h")), START)
    deal = accept(deal, Message(id="b", by="a@x", body=Submit(version=1)), START)
    life.deal = deal
    life.outside.failing.clear()
    life.settle()
    kinds = [f"{p.step.kind.value} {p.step.subject}" for p in life.played[-4:]]
    assert kinds == ["take a", "price order-1", "take b", "ask order-1"]
    assert life.deal.orders[0].stage == "in_approval"


def test_the_end_is_not_on_the_agenda_while_a_renewal_is_parked() -> None:
    life = served(term_months=3, auto_renew=True)
    life.outside.failing.add(StepKind.BOOK)
    life.play(START + days(200))
    assert [subject for subject, _ in life.deal.parkings] == ["order-2"]
    assert life.deal.contract is not None
    assert life.deal.contract.stage == "active"


def test_a_notice_of_no_days_still_comes_before_the_end() -> None:
    life = served(term_months=3, auto_renew=True, notice_days=0)
    life.play(START + days(200))
    assert life.deal.contract is not None
    assert life.deal.contract.last.number == 3
    assert [bill.term for bill in life.bills] == [1, 1, 1, 2, 2, 2, 3]
