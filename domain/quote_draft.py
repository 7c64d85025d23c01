"""A draft is what a person asks a quote for: lines of a price book, discounts, terms; checked in shape, not yet priced.

As a document (numbers whole or as text):

    price_book: acme             # the one for the currency, the account's segment and the legal entity unless said
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
    delivery: signature          # or link: shown to the customer by a share link, accepted there, then signed
    language: en                 # or fr: of the documents
    partner: {name: Resell Ltd, margin_percent: "15"}
    coupons: [SPRING-20]         # each on what the one before left
    clauses: ["Liability is …"]  # beside our standard terms
    discount_percent: "5"        # or discount_amount: major units per billing period; or target_amount: what is left of the first
    groups:
      - {name: platform, discount_percent: "10"}      # or discount_amount, or target_amount
    lines:
      - {product: seats, charge: monthly, quantity: 20, discount_percent: "10"}   # or discount_amount, or target_price
      - product: seats
        group: platform
        attributes: {region: eu}
        start: 2026-06-15        # or provisioning, or signature; with the term unless said
        ramp:                    # instead of quantity: whole billing periods that make up the term
          - {months: 12, quantity: 20, discount_percent: "10"}
          - {months: 24, quantity: 40, unit_price: "11.00"}   # the price agreed for this stretch
      - {product: setup, quantity: 1, milestone: go-live}     # a milestone charge: due when it is reached
    alternatives:                # two to four complete offers; what one does not say is as above
      - {name: good, lines: […]}
      - {name: better, recommended: true, lines: […], term_months: 24}

`charge` may be left out where the product has only one. `target_price` (and `unit_price` of a stretch) is the net price of one
unit for the interval of the price; a stretch without a discount of its own has its line's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.discount import Discount
from domain.document import Reader
from domain.errors import InvalidDocument, Problem
from domain.quoting.draft_line import NAME, NAME_SHAPE, DraftLine, Group, Stretch, read_discount, read_group, read_line
from domain.quoting.terms import QuoteTerms, read_span, read_terms

__all__ = ["MOST_LINES", "Alternative", "Draft", "DraftInvalid", "DraftLine", "Group", "QuoteTerms", "Stretch"]

MOST_LINES = 2_000
MOST_COUPONS = 10
FEWEST_ALTERNATIVES, MOST_ALTERNATIVES = 2, 4
COUPON = r"[A-Z0-9][A-Z0-9_-]{0,39}"


class DraftInvalid(InvalidDocument):
    """A draft with problems, each with its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One of several complete offers, of which the customer picks one."""

    name: str
    recommended: bool
    terms: QuoteTerms
    discount: Discount
    lines: tuple[DraftLine, ...]
    groups: tuple[Group, ...] = ()
    coupons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`lines`, `discount`, `groups`, `coupons` and `terms` are those of the only offer, or what alternatives fall back to."""

    price_book: str
    price_book_version: int | None
    currency: str
    terms: QuoteTerms
    discount: Discount
    lines: tuple[DraftLine, ...]
    groups: tuple[Group, ...] = ()
    coupons: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()

    @property
    def recommended(self) -> str:
        """The name of the alternative that is recommended: the first unless said; '' where there are none."""
        names = [each.name for each in self.alternatives if each.recommended] or [a.name for a in self.alternatives]
        return names[0] if names else ""

    def offers(self) -> tuple[tuple[str, Draft], ...]:
        """Each complete offer as a draft of its own, by name; a draft without alternatives is one offer named ''."""
        if not self.alternatives:
            return (("", self),)
        return tuple(
            (
                each.name,
                replace(
                    self,
                    terms=each.terms,
                    discount=each.discount,
                    lines=each.lines,
                    groups=each.groups,
                    coupons=each.coupons,
                    alternatives=(),
                ),
            )
            for each in self.alternatives
        )

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
        several = reader.has("alternatives")
        draft = cls(
            price_book=reader.text("price_book", ""),
            price_book_version=(
                reader.whole("price_book_version", minimum=1, maximum=10**6)
                if reader.has("price_book_version")
                else None
            ),
            currency=reader.currency("currency"),
            terms=read_terms(reader),
            discount=read_discount(reader, "target_amount"),
            lines=_lines(reader) if not several or reader.has("lines") else (),
            groups=_groups(reader),
            coupons=_coupons(reader),
        )
        if several:
            draft = replace(draft, alternatives=_alternatives(reader, draft))
        if draft.price_book_version is not None and not draft.price_book:
            reader.problem("price_book", "is missing: a version is of a price book")
        reader.end()
        _check(draft, problems)
        if problems:
            raise DraftInvalid(problems=tuple(dict.fromkeys(problems)))  # alternatives may inherit the same one
        return draft


def _lines(reader: Reader) -> tuple[DraftLine, ...]:
    sections = reader.sections("lines")
    if len(sections) > MOST_LINES:
        reader.problem("lines", f"has more than {MOST_LINES:,} lines")
    return tuple(read_line(each) for each in sections[:MOST_LINES])


def _groups(reader: Reader) -> tuple[Group, ...]:
    groups = tuple(read_group(each) for each in reader.sections("groups", required=False))
    _refuse_twins([group.name for group in groups], "groups", ".name", reader)
    return groups


def _coupons(reader: Reader) -> tuple[str, ...]:
    codes = reader.texts("coupons", pattern=f"(?i:{COUPON})", shape="a coupon's code such as SPRING-20")
    if len(codes) > MOST_COUPONS:
        reader.problem("coupons", f"has more than {MOST_COUPONS} coupons")
    codes = tuple(code.upper() for code in codes)
    _refuse_twins(codes, "coupons", "", reader)
    return codes


def _alternatives(reader: Reader, base: Draft) -> tuple[Alternative, ...]:
    sections = reader.sections("alternatives")
    found = tuple(_alternative(each, base) for each in sections[:MOST_ALTERNATIVES])
    if not FEWEST_ALTERNATIVES <= len(sections) <= MOST_ALTERNATIVES:
        reader.problem("alternatives", f"expected {FEWEST_ALTERNATIVES} to {MOST_ALTERNATIVES}, found {len(sections)}")
    _refuse_twins([each.name for each in found], "alternatives", ".name", reader)
    if sum(each.recommended for each in found) > 1:
        reader.problem("alternatives", "recommend one of them, not several")
    return found


def _alternative(reader: Reader, base: Draft) -> Alternative:
    term, interval = read_span(reader, term=base.terms.term_months, interval=base.terms.interval_months)
    own_discount = any(reader.has(name) for name in ("discount_percent", "discount_amount", "target_amount"))
    alternative = Alternative(
        name=reader.text("name", pattern=NAME, shape=NAME_SHAPE),
        recommended=reader.flag("recommended", default=False),
        terms=replace(base.terms, term_months=term, interval_months=interval),
        discount=read_discount(reader, "target_amount") if own_discount else base.discount,
        lines=_lines(reader) if reader.has("lines") or not base.lines else base.lines,
        groups=_groups(reader) if reader.has("groups") else base.groups,
        coupons=_coupons(reader) if reader.has("coupons") else base.coupons,
    )
    reader.end()
    return alternative


def _check(draft: Draft, problems: list[Problem]) -> None:
    """What only the whole can tell: ramps that do not fill the term, groups that nobody named, too many lines in all."""
    count = sum(len(offer.lines) for _, offer in draft.offers())
    if draft.alternatives and count > MOST_LINES:
        problems.append(Problem("alternatives", f"have {count:,} lines in all, more than {MOST_LINES:,}"))
    for number, (name, offer) in enumerate(draft.offers()):
        inherited = not name or offer.lines is draft.lines
        path = "" if inherited else f"alternatives[{number}]."
        known = {group.name for group in offer.groups}
        for index, line in enumerate(offer.lines):
            where = f"{path}lines[{index}]"
            if line.group and line.group not in known:
                said = ", ".join(sorted(known)) or "none"
                problems.append(Problem(f"{where}.group", f"there is no group {line.group!r}; known: {said}"))
            _check_ramp(line, offer.terms, where, problems)


def _check_ramp(line: DraftLine, terms: QuoteTerms, where: str, problems: list[Problem]) -> None:
    if not line.ramp:
        return
    for number, stretch in enumerate(line.ramp):
        if stretch.months % terms.interval_months:
            message = f"is not whole billing periods of {terms.interval_months} months: {stretch.months}"
            problems.append(Problem(f"{where}.ramp[{number}].months", message))
    if (total := sum(stretch.months for stretch in line.ramp)) != terms.term_months:
        problems.append(Problem(f"{where}.ramp", f"comes to {total} months, the term is {terms.term_months}"))


def _refuse_twins(names: Sequence[str], path: str, field: str, reader: Reader) -> None:
    for i, each in enumerate(names):
        if each and each in names[:i]:
            reader.problem(f"{path}[{i}]{field}", f"{each!r} is there twice")
