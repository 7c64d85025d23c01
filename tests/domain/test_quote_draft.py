"""Quote drafts: read with their defaults, or refused field by field."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from domain.discount import Discount
from domain.errors import Problem
from domain.quote_draft import Draft, DraftInvalid, DraftLine, Group, QuoteTerms, Stretch

DRAFT: dict[str, Any] = {
    "price_book": "acme",
    "currency": "EUR",
    "term_months": 36,
    "method": "transfer",
    "signer": {"name": "Ada Blue", "email": "ada@blue.example"},
    "discount_percent": "5",
    "lines": [
        {"product": "seats", "quantity": 20, "discount_percent": "10"},
        {"product": "support", "charge": "base", "quantity": "1"},
    ],
}


def draft(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(DRAFT) | changes


def line(**changes: Any) -> dict[str, Any]:
    return draft(lines=[{"product": "seats", "quantity": 20} | changes], discount_percent=0)


def test_a_draft_is_read_with_its_defaults() -> None:
    terms = Draft.parse(DRAFT).terms
    assert terms == QuoteTerms(
        term_months=36,
        interval_months=1,
        start="provisioning",
        net_days=30,
        method="transfer",
        auto_renew=False,
        notice_days=30,
        uplift_percent=Decimal(0),
        valid_days=30,
        signer_name="Ada Blue",
        signer_email="ada@blue.example",
    )
    card = Draft.parse(draft(method="card", start="2026-04-01", price_book_version="3", interval_months="12"))
    assert (card.terms.net_days, card.terms.start, card.price_book_version, card.terms.interval_months) == (
        0,
        "2026-04-01",
        3,
        12,
    )
    assert Draft.parse(draft(start="signature", auto_renew="yes")).terms.auto_renew is True


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (draft(interval_months=2), Problem("interval_months", "expected one of 1, 3, 12, found '2'")),
        (draft(term_months=7, interval_months=3), Problem("interval_months", "does not divide the term of 7 months")),
        (draft(term_months=0), Problem("term_months", "expected 1 to 120, found 0")),
        (
            draft(start="soon"),
            Problem("start", "expected provisioning, signature or a date as in 2026-01-31, found 'soon'"),
        ),
        (draft(currency="EURO"), Problem("currency", "'EURO' is not an ISO 4217 currency with a minor unit")),
        (
            draft(signer={"name": "Ada", "email": "ada"}),
            Problem("signer.email", "expected a mail address, found 'ada'"),
        ),
        (draft(signer=None), Problem("signer", "is missing")),
        (draft(discount_percent="100.1"), Problem("discount_percent", "expected 0 to 100, found 100.1")),
        (draft(discount_percent="-1"), Problem("discount_percent", "expected 0 to 100, found -1")),
        (draft(discount_amount="10"), Problem("discount_amount", "give discount_percent or discount_amount, not both")),
        (draft(lines=[]), Problem("lines", "is empty")),
        (
            draft(colour="red"),
            Problem(
                "colour",
                "unknown field; known here: alternatives, auto_renew, clauses, coupons, currency, delivery, discount_amount, discount_percent, groups, interval_months, language, lines, method, net_days, notice_days, partner, price_book, price_book_version, signer, start, target_amount, term_months, uplift_percent, valid_days",
            ),
        ),
        (line(quantity=0), Problem("lines[0].quantity", "must be above 0, found 0")),
        (line(quantity=-5), Problem("lines[0].quantity", "must be above 0, found -5")),
        (line(quantity="1000000001"), Problem("lines[0].quantity", "must be at most 1,000,000,000, found 1000000001")),
        (line(quantity="many"), Problem("lines[0].quantity", "expected a number, found 'many'")),
        (
            line(quantity=1.5),
            Problem("lines[0].quantity", 'a number with a fraction must be text, such as "0.10": a float is not exact'),
        ),
        (
            line(discount_amount="-1"),
            Problem("lines[0].discount_amount", "expected 0 to 9223372036854775807, found -1"),
        ),
        (draft(lines=[{"product": "seats", "quantity": 3}] * 2001), Problem("lines", "has more than 2,000 lines")),
    ],
)
def test_a_draft_is_refused_by_field(mapping: dict[str, Any], problem: Problem) -> None:
    with pytest.raises(DraftInvalid) as refusal:
        Draft.parse(mapping)
    found = list(refusal.value.problems)
    assert found[0] == problem
    assert len(found) == 1 or problem.path == "signer"


ALTERNATIVES = [{"name": "good"}, {"name": "best", "lines": [{"product": "seats", "quantity": 9}]}]
RAMP = [{"months": 12, "quantity": 20}, {"months": 24, "quantity": 40, "unit_price": "11"}]


def test_a_draft_says_everything() -> None:
    found = Draft.parse(
        draft(
            delivery="link",
            language="fr",
            partner={"name": "Resell Ltd", "margin_percent": "15"},
            coupons=["spring-20"],
            clauses=["Liability is capped"],
            groups=[{"name": "platform", "discount_percent": "10"}],
            lines=[
                {
                    "product": "seats",
                    "group": "platform",
                    "attributes": {"region": "eu"},
                    "start": "2026-06-15",
                    "discount_percent": "5",
                    "ramp": RAMP,
                },
                {"product": "setup", "quantity": 1, "milestone": "go live", "target_price": "900"},
            ],
        )
    )
    terms = found.terms
    assert (terms.delivery, terms.language, terms.clauses) == ("link", "fr", ("Liability is capped",))
    assert (terms.partner_name, terms.partner_percent, found.coupons) == ("Resell Ltd", Decimal(15), ("SPRING-20",))
    assert found.groups == (Group(name="platform", discount=Discount(percent=Decimal(10))),)
    assert found.lines == (
        DraftLine(
            product="seats",
            charge="",
            quantity=Decimal(20),
            discount=Discount(percent=Decimal(5)),
            group="platform",
            attributes={"region": "eu"},
            start="2026-06-15",
            ramp=(
                Stretch(months=12, quantity=Decimal(20), discount=Discount(percent=Decimal(5))),
                Stretch(months=24, quantity=Decimal(40), discount=Discount(target=Decimal(11))),
            ),
        ),
        DraftLine(
            product="setup",
            charge="",
            quantity=Decimal(1),
            discount=Discount(target=Decimal(900)),
            milestone="go live",
        ),
    )


def test_alternatives_are_whole_drafts() -> None:
    found = Draft.parse(draft(alternatives=[*ALTERNATIVES, {"name": "long", "term_months": 48, "recommended": "yes"}]))
    offers = dict(found.offers())
    assert (list(offers), found.recommended) == (["good", "best", "long"], "long")
    assert offers["good"].lines == found.lines
    assert (offers["good"].terms, offers["long"].terms.term_months) == (found.terms, 48)
    assert [line.quantity for line in offers["best"].lines] == [Decimal(9)]
    assert all(each.alternatives == () for each in offers.values())
    assert Draft.parse(DRAFT).offers() == (("", Draft.parse(DRAFT)),)


@pytest.mark.parametrize(
    ("mapping", "path", "message"),
    [
        (draft(delivery="fax"), "delivery", "expected one of signature, link, found 'fax'"),
        (draft(language="de"), "language", "expected one of en, fr, found 'de'"),
        (draft(partner={"name": "Resell"}), "partner.margin_percent", "is missing"),
        (draft(coupons=["no good"]), "coupons[0]", "expected a coupon's code such as SPRING-20, found 'no good'"),
        (draft(coupons=["A", "a"]), "coupons[1]", "'A' is there twice"),
        (draft(clauses=["x" * 2001]), "clauses[0]", f"expected text of 1 to 2,000 characters, found {'x' * 2001!r}"),
        (draft(target_amount="5"), "target_amount", "give target_amount or a discount, not both"),
        (
            line(target_price="5", discount_amount="1"),
            "lines[0].target_price",
            "give target_price or a discount, not both",
        ),
        (line(group="core"), "lines[0].group", "there is no group 'core'; known: none"),
        (
            line(start="soon"),
            "lines[0].start",
            "expected provisioning, signature or a date as in 2026-01-31, found 'soon'",
        ),
        (line(ramp=RAMP), "lines[0].quantity", "give quantity or ramp, not both"),
        (line(quantity=None, ramp=RAMP[:1]), "lines[0].ramp", "comes to 12 months, the term is 36"),
        (
            line(quantity=None, ramp=[{"months": 7, "quantity": 1}, {"months": 29, "quantity": 1}])
            | {"interval_months": 12},
            "lines[0].ramp[0].months",
            "is not whole billing periods of 12 months: 7",
        ),
        (
            line(quantity=None, ramp=[{"months": 36, "quantity": 1, "unit_price": "1", "discount_percent": "1"}]),
            "lines[0].ramp[0].unit_price",
            "give unit_price or a discount, not both",
        ),
        (draft(groups=[{"name": "a"}, {"name": "a"}]), "groups[1].name", "'a' is there twice"),
        (draft(alternatives=ALTERNATIVES[:1]), "alternatives", "expected 2 to 4, found 1"),
        (draft(alternatives=ALTERNATIVES * 3), "alternatives", "expected 2 to 4, found 6"),
        (draft(alternatives=[*ALTERNATIVES, {"name": "good"}]), "alternatives[2].name", "'good' is there twice"),
        (
            draft(alternatives=[{"name": "a", "recommended": True}, {"name": "b", "recommended": True}]),
            "alternatives",
            "recommend one of them, not several",
        ),
        (
            draft(lines=None, alternatives=ALTERNATIVES),
            "alternatives[0].lines",
            "is missing",
        ),
        (
            draft(alternatives=[{"name": "a", "term_months": 13, "interval_months": 3}, {"name": "b"}]),
            "alternatives[0].interval_months",
            "does not divide the term of 13 months",
        ),
        (
            draft(alternatives=[{"name": "a", "lines": [{"product": "seats", "quantity": 0}]}, {"name": "b"}]),
            "alternatives[0].lines[0].quantity",
            "must be above 0, found 0",
        ),
        (
            line(quantity=None, ramp=RAMP) | {"alternatives": [{"name": "a"}, {"name": "b", "term_months": 12}]},
            "lines[0].ramp",
            "comes to 36 months, the term is 12",
        ),
        (
            draft(lines=[{"product": "seats", "quantity": 3}] * 1001, alternatives=[{"name": "a"}, {"name": "b"}]),
            "alternatives",
            "have 2,002 lines in all, more than 2,000",
        ),
    ],
)
def test_what_is_wrong_with_the_wider_draft_is_named(mapping: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(DraftInvalid) as refusal:
        Draft.parse(mapping)
    assert Problem(path, message) in refusal.value.problems


def test_a_draft_may_have_two_thousand_lines() -> None:
    assert len(Draft.parse(draft(lines=[{"product": "seats", "quantity": 3}] * 2000)).lines) == 2000


def test_a_line_discount_of_the_shape_of_none_is_none() -> None:
    assert Draft.parse(line()).lines == (DraftLine(product="seats", charge="", quantity=Decimal(20)),)
    assert Draft.parse(line(discount_amount="1.5")).lines[0].discount == Discount(amount=Decimal("1.5"))
