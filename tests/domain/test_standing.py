"""Where a deal stands, in one line: stage, what it waits for, who has to move, since when, what comes next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.message import Cancel, Retry, Revise, Submit, Withdraw
from domain.standing import standing
from domain.step import StepKind
from tests.domain.lives import DESK, NEED, OWNER, START, TERMS, Life, Outside, days


def line(life: Life) -> tuple[str, str, str]:
    place = standing(life.deal)
    return place.stage, place.waits_for, place.who


def test_a_deal_from_its_first_day_to_its_last() -> None:
    life = Life(
        Outside(
            needs=(NEED,),
            provisioning=("tenant",),
            broken={"tenant": 1},
            customer=("sign", "decline"),
            customer_after=days(2),
        )
    )
    assert line(life) == ("quote", "draft", OWNER)
    life.quoted()
    assert line(life) == ("quote", "submission", OWNER)
    life.say(Submit(version=1))
    assert line(life) == ("approval", "approval", "desk")
    assert standing(life.deal).next_kind == "remind"
    assert standing(life.deal).next_at == START + days(1)
    life.decide()
    assert line(life) == ("signature", "signature", "the customer")
    life.play(START + days(3))
    assert line(life) == ("provisioning", "operator", "ops")
    assert standing(life.deal).parked == "order-1: provisioning failed and was rolled back: tenant is broken"
    life.say(Retry())
    assert line(life) == ("active", "next period", "q2c")
    assert standing(life.deal).next_kind == "bill"
    life.play(START + days(368))
    assert line(life) == ("ended", "nothing", "")
    assert (standing(life.deal).next_kind, standing(life.deal).next_at) == ("", None)
    assert standing(life.deal).since == datetime(2028, 2, 3, tzinfo=UTC), "when its access was gone"


@pytest.mark.parametrize(
    ("customer", "stage"), [("decline", ("quote", "revision", OWNER)), ("ignore", ("quote", "revision", OWNER))]
)
def test_what_comes_back_unsigned_waits_for_sales(customer: str, stage: tuple[str, str, str]) -> None:
    life = Life(Outside(customer=(customer,)))
    life.submitted()
    life.play(START + days(31))
    assert line(life) == stage


def test_rejected_refused_and_withdrawn_wait_for_sales() -> None:
    rejected = Life(Outside(needs=(NEED,))).submitted()
    rejected.decide(approve=False)
    refused = Life()
    refused.say(Revise(draft_id="bad", draft_hash="h"))
    withdrawn = Life().quoted()
    withdrawn.say(Withdraw(reason="no"))
    assert [line(life) for life in (rejected, refused, withdrawn)] == [("quote", "revision", OWNER)] * 3


def test_dunning_and_suspension_show() -> None:
    life = Life(Outside(card=("soft",))).submitted()
    assert line(life) == ("active", "payment", "the customer")
    life.play(START + days(10))
    assert line(life) == ("suspended", "payment", "the customer")
    life.play(START + days(40))
    assert line(life) == ("ended", "nothing", "")
    assert life.deal.closed == "not paid"


def test_a_charge_in_flight_waits_for_the_gateway_and_an_open_invoice_for_the_account() -> None:
    flying = Life(Outside(card=("pending:captured",))).submitted()
    assert line(flying) == ("active", "payment", "payment gateway")
    terms = Life(Outside(terms=replace(TERMS, method="transfer", net_days=30), pays_after=None)).submitted()
    assert line(terms) == ("active", "payment", "the customer")


def test_a_renewal_that_waits_shows_beside_the_running_contract() -> None:
    life = Life(Outside(renewal_needs=(NEED,), terms=replace(TERMS, term_months=3), customer=("sign", "ignore")))
    life.submitted()
    life.play(START + days(60))
    assert line(life) == ("active", "renewal approval", "desk")
    life.decide(by=DESK)
    assert line(life) == ("active", "renewal signature", "the customer")


def test_an_ended_contract_still_waits_for_its_money_and_then_for_its_access() -> None:
    life = Life(
        Outside(terms=replace(TERMS, term_months=1, method="transfer", net_days=60), customer=("sign", "decline"))
    ).submitted()
    life.play(START + days(35))
    assert line(life) == ("ended", "payment", "the customer")
    life.outside.failing.clear()
    closing = Life(Outside(terms=replace(TERMS, term_months=1), customer=("sign", "decline"))).submitted()
    closing.outside.failing.add(StepKind.ACCESS)
    closing.play(START + days(35))
    assert line(closing) == ("ended", "operator", "ops")
    closing.deal = closing.deal.with_contract(lambda c: c.brought_back())
    assert line(closing) == ("ended", "closing", "the customer")


def test_undoing_is_still_provisioning() -> None:
    life = Life(Outside(provisioning=("a", "b"), broken={"b": -1})).submitted()
    life.outside.failing.add(StepKind.END)
    life.say(Cancel(reason="no"))
    assert line(life) == ("provisioning", "operator", "ops")
    life.deal = life.deal.with_contract(lambda c: replace(c, parked=""))
    assert line(life) == ("provisioning", "closing", "q2c")


def test_it_waits_for_the_next_period_only_when_no_period_is_due() -> None:
    life = Life()
    seen: list[tuple[str, str, str]] = []
    life.watch = lambda *_: seen.append(line(life))
    life.submitted()
    life.play(START + days(40))
    paid = [("active", "payment", "the customer"), ("active", "next period", "q2c")]
    active = [place for place in seen if place[0] == "active"]
    assert active == [("active", "billing", "q2c"), *paid, *paid], "the second period is billed when its day comes"
