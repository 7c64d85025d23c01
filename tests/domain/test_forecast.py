"""A forecast is what is later played when all approve, sign and pay."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from domain.calendar import Period, local_midnight
from domain.forecast import MOST_STEPS, forecast
from domain.message import Cancel, Revise
from domain.outcome import Terms
from domain.state import Deal
from domain.step import StepKind
from tests.domain.lives import NEED, START, TERMS, Life, Outside, days

LEFT_OUT = {"take", "remind", "escalate", "expire"}


def played(life: Life, since: int = 0) -> list[tuple[str, str, int, object]]:
    return [
        (p.step.kind.value, p.step.subject, p.step.number, p.now)
        for p in life.played[since:]
        if p.step.kind.value not in LEFT_OUT
    ]


def told(deal: Deal, until: date | None = None) -> list[tuple[str, str, int, object]]:
    return [(step.kind, step.subject, step.number, step.at) for step in forecast(deal, until=until)]


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles"])
@pytest.mark.parametrize(
    "terms",
    [
        TERMS,
        replace(TERMS, auto_renew=True, interval_months=3),
        replace(TERMS, term_months=36, interval_months=12, notice_days=90),
        replace(TERMS, start="2027-03-31", term_months=5, interval_months=3),
        replace(TERMS, start="signature", method="transfer", net_days=14, auto_renew=True),
        replace(TERMS, arrears=True, term_months=6),
        replace(TERMS, delivery="link", arrears=True, auto_renew=True, term_months=6, interval_months=3),
    ],
)
def test_it_is_what_happens_when_all_sign_and_pay(terms: Terms, zone: str) -> None:
    life = Life(Outside(terms=terms, needs=(NEED,), pays_after=-14), zone=zone).submitted()
    expected = told(life.deal, until=date(2031, 1, 1))
    so_far = len(life.played)
    life.decide()
    if terms.delivery == "link":
        life.read()
    life.play(local_midnight(date(2031, 1, 1), zone))
    assert expected == played(life, so_far)
    assert len(expected) > 8


def test_a_priced_quote_tells_its_whole_term_and_not_the_next() -> None:
    life = Life(Outside(terms=replace(TERMS, auto_renew=True))).quoted()
    bills = [step for step in forecast(life.deal) if step.kind == "bill"]
    assert len(bills) == 12
    assert (bills[0].period, bills[-1].period) == (
        Period(date(2027, 1, 31), date(2027, 2, 28)),
        Period(date(2027, 12, 31), date(2028, 1, 31)),
    )
    assert (bills[3].term, bills[3].number, bills[3].text) == (1, 3, "invoice for 2027-04-30 to 2027-05-30")
    assert [step.kind for step in forecast(life.deal)][-2:] == ["notice", "book"]


def test_the_running_term_is_told_to_its_end() -> None:
    life = Life(Outside(terms=replace(TERMS, auto_renew=True))).submitted()
    life.play(START + days(500))
    steps = forecast(life.deal)
    assert {step.term for step in steps if step.kind == "bill"} == {2}
    assert steps[-1].at == local_midnight(date(2029, 1, 31), "UTC")


def test_an_open_invoice_is_taken_as_paid_and_a_declined_card_as_good_from_its_next_charge() -> None:
    transfer = Life(Outside(terms=replace(TERMS, method="transfer"), pays_after=None)).submitted()
    transfer.play(START + days(55))
    assert transfer.deal.contract is not None
    assert transfer.deal.contract.access == "suspended"
    kinds = {step.kind for step in forecast(transfer.deal)}
    assert kinds == {"access", "bill", "notice", "send", "book"}
    card = Life(Outside(card=("captured", "soft"))).submitted()
    card.play(START + days(29))
    assert [step.kind for step in forecast(card.deal)][:3] == ["charge", "bill", "charge"]


def test_a_charge_in_flight_is_taken_as_captured() -> None:
    life = Life(Outside(card=("lost",))).submitted()
    steps = forecast(life.deal)
    assert [step.kind for step in steps][:2] == ["resolve", "bill"]


def test_what_is_not_priced_parked_or_over_has_no_forecast() -> None:
    life = Life()
    assert forecast(life.deal) == ()
    life.outside.failing.add(StepKind.PRICE)
    life.say(Revise(draft_id="d", draft_hash="h"))
    assert forecast(life.deal) == ()
    life.say(Cancel(reason="no"))
    assert forecast(life.deal) == ()


def test_a_cancelled_contract_is_told_to_its_end() -> None:
    life = Life().submitted()
    life.say(Cancel(reason="sold"))
    assert [step.kind for step in forecast(life.deal)] == ["end", "access"]


def test_an_approved_quote_awaiting_its_desk_is_told_too() -> None:
    life = Life(Outside(needs=(NEED,))).submitted()
    assert [step.kind for step in forecast(life.deal)][:4] == ["send", "book", "activate", "bill"]


def test_forty_years_monthly_are_told_to_their_end() -> None:
    life = Life(Outside(terms=replace(TERMS, term_months=480))).quoted()
    assert len([step for step in forecast(life.deal) if step.kind == "bill"]) == 480


def test_a_forecast_of_a_century_is_cut_where_nobody_reads_on() -> None:
    life = Life(Outside(terms=replace(TERMS, auto_renew=True))).quoted()
    assert len(forecast(life.deal, until=date(2200, 1, 1))) == MOST_STEPS
