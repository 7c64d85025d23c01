"""A draft is what a person asks a quote for: lines of a price book, discounts, terms; checked in shape, not yet priced.

As a document (numbers whole or as text):

    price_book: acme
    price_book_version: 3        # the latest unless said
    currency: EUR
    term_months: 36
    interval_months: 1           # 1, 3 or 12; divides the term
    start: provisioning          # or signature, or a date as in 2026-04-01
    method: transfer             # or card
    net_days: 30                 # 0 for card, 30 for transfer unless said
    auto_renew: true             # false unless said
    notice_days: 60              # 30 unless said
    uplift_percent: "5"          # on renewal; 0 unless said
    valid_days: 30               # how long the quote stands
    signer: {name: Ada Blue, email: ada@blue.example}
    discount_percent: "5"        # or discount_amount: major units per billing period
    lines:
      - {product: seats, charge: monthly, quantity: 20, discount_percent: "10"}   # or discount_amount

`charge` may be left out where the product has only one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.discount import NO_DISCOUNT, Discount
from domain.document import Reader
from domain.errors import InvalidDocument, Problem
from domain.money import LARGEST_MINOR
from domain.price_book import LARGEST_QUANTITY

METHODS = ("card", "transfer")
STARTS = ("provisioning", "signature")
INTERVALS = (1, 3, 12)
LONGEST_TERM = 120
MOST_LINES = 200
EMAIL = r"[^@\s]+@[^@\s]+"


class DraftInvalid(InvalidDocument):
    """A draft with problems, each with its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLine:
    product: str
    charge: str
    quantity: Decimal
    discount: Discount = NO_DISCOUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteTerms:
    """What is agreed beside the lines: how long, how often billed, how paid, how renewed."""

    term_months: int
    interval_months: int
    start: str  # provisioning, signature or an ISO date
    net_days: int
    method: str
    auto_renew: bool
    notice_days: int
    uplift_percent: Decimal
    valid_days: int
    signer_name: str
    signer_email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    price_book: str
    price_book_version: int | None
    currency: str
    terms: QuoteTerms
    discount: Discount
    lines: tuple[DraftLine, ...]

    @classmethod
    def parse(cls, mapping: Mapping[str, object]) -> Draft:
        """Read a draft; raises DraftInvalid with every problem in it.

        >>> Draft.parse({"price_book": "acme", "currency": "EUR", "term_months": 7, "interval_months": 3,
        ...     "signer": {"name": "Ada", "email": "ada@blue.example"}, "lines": [{"product": "seats", "quantity": -1}]})
        Traceback (most recent call last):
        domain.quote_draft.DraftInvalid: interval_months: does not divide the term of 7 months; lines[0].quantity: \
must be above 0, found -1
        """
        problems: list[Problem] = []
        reader = Reader(mapping, problems)
        lines = reader.sections("lines")
        draft = cls(
            price_book=reader.text("price_book"),
            price_book_version=(
                reader.whole("price_book_version", minimum=1, maximum=10**6)
                if reader.has("price_book_version")
                else None
            ),
            currency=reader.currency("currency"),
            terms=_terms(reader),
            discount=_discount(reader),
            lines=tuple(_line(each) for each in lines[:MOST_LINES]),
        )
        if len(lines) > MOST_LINES:
            reader.problem("lines", f"has more than {MOST_LINES} lines")
        reader.end()
        if problems:
            raise DraftInvalid(problems=tuple(problems))
        return draft


def _terms(reader: Reader) -> QuoteTerms:
    term = reader.whole("term_months", 12, minimum=1, maximum=LONGEST_TERM)
    interval = int(reader.choice("interval_months", tuple(str(each) for each in INTERVALS), "1"))
    if term % interval:
        reader.problem("interval_months", f"does not divide the term of {term} months")
    method = reader.choice("method", METHODS, "card")
    signer = reader.section("signer")
    terms = QuoteTerms(
        term_months=term,
        interval_months=interval,
        start=_start(reader),
        net_days=reader.whole("net_days", 0 if method == "card" else 30, minimum=0, maximum=365),
        method=method,
        auto_renew=reader.flag("auto_renew", default=False),
        notice_days=reader.whole("notice_days", 30, minimum=0, maximum=365),
        uplift_percent=reader.decimal("uplift_percent", Decimal(0), minimum=0, maximum=100),
        valid_days=reader.whole("valid_days", 30, minimum=1, maximum=365),
        signer_name=signer.text("name"),
        signer_email=signer.text("email", pattern=EMAIL, shape="a mail address"),
    )
    signer.end()
    return terms


def _start(reader: Reader) -> str:
    said = reader.text("start", STARTS[0])
    if said in STARTS:
        return said
    try:
        return date.fromisoformat(said).isoformat()
    except ValueError:
        reader.problem("start", f"expected provisioning, signature or a date as in 2026-01-31, found {said!r}")
        return STARTS[0]


def _line(reader: Reader) -> DraftLine:
    line = DraftLine(
        product=reader.text("product"),
        charge=reader.text("charge", ""),
        quantity=_quantity(reader),
        discount=_discount(reader),
    )
    reader.end()
    return line


def _quantity(reader: Reader) -> Decimal:
    before = len(reader.problems)
    quantity = reader.decimal("quantity", minimum=-(10**30), maximum=10**30)
    if len(reader.problems) > before:
        return Decimal(1)
    if quantity <= 0:
        reader.problem("quantity", f"must be above 0, found {quantity}")
    elif quantity > LARGEST_QUANTITY:
        reader.problem("quantity", f"must be at most {LARGEST_QUANTITY:,}, found {quantity}")
    return quantity


def _discount(reader: Reader) -> Discount:
    percent = reader.decimal("discount_percent", Decimal(0), minimum=0, maximum=100)
    amount = reader.decimal("discount_amount", Decimal(0), minimum=0, maximum=LARGEST_MINOR)
    if percent and amount:
        reader.problem("discount_amount", "give discount_percent or discount_amount, not both")
        return NO_DISCOUNT
    if not 0 <= percent <= 100 or amount < 0:  # noqa: PLR2004 — the problem is named already
        return NO_DISCOUNT
    return Discount(percent=percent, amount=amount)
