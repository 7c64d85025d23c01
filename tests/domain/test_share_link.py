"""What a share link shows and allows, by the state of its version and the date."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime, timedelta

import pytest

from domain import share_link
from domain.share_link import (
    Action,
    AlternativeNeeded,
    NotPossibleNow,
    QuoteNotOffered,
    QuoteReplaced,
    Shared,
    ShareLinkExpired,
    ShareLinkRevoked,
    Showing,
    picked,
)

UNTIL = datetime(2026, 3, 31, tzinfo=UTC)
NOT_OFFERED = ("draft", "priced", "refused", "in_approval", "rejected", "withdrawn")
ALL = {Action.ACCEPT, Action.DECLINE, Action.ASK}


def link(status: str = "presented", *, revoked: bool = False, was_sent: bool = False) -> Shared:
    return Shared(status=status, expires_at=UNTIL, revoked_at=UNTIL if revoked else None, was_sent=was_sent)


@pytest.mark.parametrize(
    ("status", "showing", "allowed"),
    [
        ("presented", Showing.OFFERED, ALL),
        ("approved", Showing.APPROVED, {Action.ASK}),
        ("declined", Showing.DECLINED, {Action.ACCEPT, Action.ASK}),
        ("accepted", Showing.ACCEPTED, {Action.ASK}),
        ("out_for_signature", Showing.ACCEPTED, {Action.ASK}),
        ("noticed", Showing.ACCEPTED, {Action.ASK}),
        ("signed", Showing.SIGNED, set()),
        ("booked", Showing.SIGNED, set()),
        ("provisioning", Showing.SIGNED, set()),
        ("done", Showing.SIGNED, set()),
    ],
)
def test_a_version_that_stands_is_shown(status: str, showing: Showing, allowed: set[Action]) -> None:
    assert link(status).showing(UNTIL) is showing
    assert link(status).allowed(UNTIL) == allowed
    for action in ALL - allowed:
        with pytest.raises(NotPossibleNow):
            link(status).check(action, UNTIL)


@pytest.mark.parametrize("status", NOT_OFFERED)
def test_a_version_that_is_not_on_offer_is_not_shown(status: str) -> None:
    with pytest.raises(QuoteNotOffered):
        link(status).showing(UNTIL)


@pytest.mark.parametrize("status", sorted(share_link.SHOWN))
def test_a_link_ends_with_its_validity(status: str) -> None:
    with pytest.raises(ShareLinkExpired) as caught:
        link(status).showing(UNTIL + timedelta(microseconds=1))
    assert caught.value.expired_at == UNTIL


@pytest.mark.parametrize("status", [*NOT_OFFERED, *sorted(share_link.SHOWN), "superseded", "expired"])
def test_a_link_that_was_taken_back_shows_nothing(status: str) -> None:
    with pytest.raises(ShareLinkRevoked):
        link(status, revoked=True).showing(UNTIL)


def test_a_version_that_was_replaced_says_so_even_after_its_validity() -> None:
    with pytest.raises(QuoteReplaced):
        link("superseded").showing(UNTIL + timedelta(days=400))


def test_an_expired_version_is_expired_whatever_the_date() -> None:
    with pytest.raises(ShareLinkExpired):
        link("expired").showing(UNTIL - timedelta(days=3))


def test_who_declined_the_order_form_itself_does_not_return_through_the_link() -> None:
    assert link("declined", was_sent=True).allowed(UNTIL) == {Action.ASK}


def test_of_several_offers_one_must_be_picked() -> None:
    for said in ("", "cheapest"):
        with pytest.raises(AlternativeNeeded) as caught:
            picked(said, ("good", "better"))
        assert caught.value.known == ("good", "better")


def test_the_figures_in_the_docstrings_are_true() -> None:
    assert doctest.testmod(share_link).failed == 0
