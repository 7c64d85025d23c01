"""A salesperson's tricks against the matrix: what nobody was asked about must not hide behind what they were."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from domain import quote
from domain.approving.case import APPROVE, Approval, Vote
from domain.approving.condition import sheets
from domain.approving.needing import needs
from domain.approving.policy import Matrix
from domain.approving.reapproval import carries, harvest
from domain.need import Ask, Need, Seat
from domain.quote_version import QuoteOffers
from tests.domain.quotes import TODAY, book, draft, offered

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
ANN = "ann@x"


def asked(rule: dict[str, Any], made: QuoteOffers, **more: Any) -> tuple[Need, ...]:
    """What the rule asks about offers, priced as the server prices them."""
    matrix = Matrix.parse({"name": "p", "stands_days": 30, "rules": [rule], **more})
    return needs(matrix, *sheets(made.facts, made.apart, entity="acme"))


def stands(before: tuple[Need, ...], now: tuple[Need, ...]) -> bool:
    """Does the yes to the first question answer the second?"""
    (was,), (need,) = before, now
    seat = Seat(member=ANN, holder=ANN)
    once = Approval.of([was]).asked(1, NOW, [Ask(index=0, seats=(seat,))])
    yes = Vote(by=ANN, said=APPROVE, at=NOW, ref="m", members=(ANN,), hands=(ANN,))
    granted = once.with_request(0, lambda request: request.voted(yes))
    (stand,) = harvest((), granted, version=1, content_hash="v1")
    return carries(need, stand, barred=(), content_hash="v2", at=NOW)


DESK = [{"group": "desk"}]
CLAUSES: dict[str, Any] = {"when": {"clauses_over": 0}, "require": DESK}
LONG = "The supplier is liable for " + "each and every " * 20


@pytest.mark.parametrize(
    ("approved", "revised", "same"),
    [
        (["Liability is capped."], ["Liability is capped."], True),
        (["Liability is capped.", "Data stays in the EU."], ["Data stays in the EU."], True),
        (["Data stays in the EU."], ["Liability is unlimited."], False),
        ([LONG + "euro"], [LONG + "million"], False),
        (["A|B"], ["A B"], False),
        (["A\nB"], ["A B"], False),
        (["A"], ["A", "A, and more"], False),
    ],
)
def test_as_many_clauses_of_other_words_are_others(approved: list[str], revised: list[str], same: bool) -> None:
    """One clause was approved; another in its place is no less worth a look for being one as well."""
    was, now = (quote.price_offers(draft(clauses=each), book(), on=TODAY) for each in (approved, revised))
    assert stands(asked(CLAUSES, was), asked(CLAUSES, now)) is same


def choice(*offers: tuple[int, int]) -> QuoteOffers:
    """Alternatives, each so many seats with so many percent off."""
    return offered(
        *(
            {"name": f"offer-{n}", "lines": [{"product": "seats", "quantity": seats, "discount_percent": str(percent)}]}
            for n, (seats, percent) in enumerate(offers)
        )
    )


SMALL, LARGE = (10, 30), (1000, 5)
SMALL_AND_STEEP: dict[str, Any] = {
    "when": {"discount_percent_over": 20, "not": {"acv_over": 100_000}},
    "require": DESK,
}


def test_a_large_alternative_hides_no_small_one_with_a_steep_discount() -> None:
    (alone,) = asked(SMALL_AND_STEEP, choice(SMALL, SMALL))
    (beside,) = asked(SMALL_AND_STEEP, choice(SMALL, LARGE))
    assert (beside.group, beside.reason) == (alone.group, alone.reason)
    assert asked(SMALL_AND_STEEP, choice(LARGE, LARGE)) == ()


def test_what_approves_one_alternative_approves_no_other() -> None:
    """The large one needs nobody. With it the small one would be signed unseen, since the customer picks."""
    auto = [{"acv_over": 100_000, "discount_percent_below": 35}]
    steep = {"when": {"discount_percent_over": 20}, "require": DESK}
    assert asked(steep, choice((1000, 30), (1000, 30)), auto_approve=auto) == ()
    assert [need.group for need in asked(steep, choice((1000, 30), SMALL), auto_approve=auto)] == ["desk"]


def test_the_least_of_the_alternatives_is_what_was_approved() -> None:
    """A fact of which less is worse is the least of all offers, not that of the largest."""
    approved = asked(SMALL_AND_STEEP, choice(SMALL, LARGE))
    assert stands(approved, asked(SMALL_AND_STEEP, choice(SMALL, (1200, 5))))
    assert not stands(approved, asked(SMALL_AND_STEEP, choice((2, 30), LARGE)))
