"""What changed between two versions of a quote: lines, terms and money, offer by offer, as data and in words.

Lines are matched by product, charge and milestone; of several alike, those of the same quantity first, then in their order.
Amounts are net, in minor units: of the first billing period (of what is paid once: the whole), of a year (ACV), of all (TCV).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal

from domain.document import decimal_text
from domain.money import Money, text
from domain.quote_version import PricedLine, PricedQuote, QuoteOffers, offers
from domain.quoting.priced import PER_PERIOD
from domain.quoting.terms import QuoteTerms

ADDED, REMOVED, CHANGED, SAME = "added", "removed", "changed", "same"
_UNITS = {
    "term_months": "months",
    "interval_months": "months",
    "net_days": "days",
    "notice_days": "days",
    "valid_days": "days",
    "uplift_percent": "%",
    "partner_percent": "%",
    "discount_percent": "%",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field before and after, as text; '' where it said nothing."""

    name: str
    before: str
    after: str

    @property
    def text(self) -> str:
        """The change in words.

        >>> FieldChange(name="net_days", before="30", after="45").text
        'net days 30 → 45 days'
        """
        unit = f" {_UNITS[self.name]}" if self.name in _UNITS else ""
        name = self.name.replace("_", " ").removesuffix(" percent").removesuffix(" months")
        return f"{name} {self.before or 'none'} → {self.after or 'none'}{unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyChange:
    """An amount before and after, in minor units."""

    before_minor: int
    after_minor: int

    @property
    def delta_minor(self) -> int:
        return self.after_minor - self.before_minor

    def told(self, currency: str) -> str:
        """The change in words.

        >>> MoneyChange(before_minor=21375, after_minor=25000).told("EUR")
        '213.75 EUR → 250.00 EUR (+36.25)'
        """
        before, after = text(Money(self.before_minor, currency)), text(Money(self.after_minor, currency))
        delta = text(Money(self.delta_minor, currency)).removesuffix(f" {currency}")
        return f"{before} → {after} ({'+' if self.delta_minor >= 0 else ''}{delta})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """A line that was added, removed or changed; the number it has (had) in each version, 0 where it is not there."""

    what: str
    product: str
    charge: str
    description: str
    before_line: int
    after_line: int
    fields: tuple[FieldChange, ...]
    net: MoneyChange
    over_term: MoneyChange
    text: str
    names: Mapping[str, str] = field(default_factory=dict)  # the description in other languages


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferChange:
    """One offer: `what` is added, removed, changed or same. `per_period` is the net of the first billing period."""

    name: str
    what: str
    currency: str
    terms: tuple[FieldChange, ...]
    lines: tuple[LineChange, ...]
    per_period: MoneyChange
    acv: MoneyChange
    tcv: MoneyChange

    @property
    def texts(self) -> tuple[str, ...]:
        """All of it in words, a sentence each: the money first, then terms, then lines."""
        if self.what == SAME:
            return ()
        money = [
            f"{name} {change.told(self.currency)}"
            for name, change in (("per period", self.per_period), ("ACV", self.acv), ("TCV", self.tcv))
            if change.delta_minor
        ]
        return (*money, *(change.text for change in self.terms), *(line.text for line in self.lines))


def diff(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[OfferChange, ...]:
    """Compare the contents of two versions, offer by offer: those of the later version in its order, then those that went.

    Offers are matched by name; a version without alternatives is matched with the recommended one of the other.
    """
    old, new = offers(before), offers(after)
    pairs = _pairs(old, new)
    return tuple(_offer_change(name, was, will) for name, was, will in pairs)


def _pairs(old: QuoteOffers, new: QuoteOffers) -> list[tuple[str, PricedQuote | None, PricedQuote | None]]:
    was, will = dict(old.offers), dict(new.offers)
    if ("" in was) != ("" in will):  # one offer became several, or the other way round
        was = {new.recommended if name == old.recommended else name: quote for name, quote in was.items()}
    pairs = [(name, was.get(name), quote) for name, quote in will.items()]
    return pairs + [(name, quote, None) for name, quote in was.items() if name not in will]


def _offer_change(name: str, was: PricedQuote | None, will: PricedQuote | None) -> OfferChange:
    quote = will or was
    assert quote is not None  # noqa: S101  (a pair has one of them)
    terms = _terms(was, will) if was and will else ()
    lines = _lines(was, will, quote.currency)
    same = was is not None and will is not None and not terms and not lines
    what = SAME if same else CHANGED if was and will else ADDED if will else REMOVED

    def money(field: str) -> MoneyChange:
        return MoneyChange(
            before_minor=getattr(was.totals, field) if was else 0,
            after_minor=getattr(will.totals, field) if will else 0,
        )

    return OfferChange(
        name=name,
        what=what,
        currency=quote.currency,
        terms=terms,
        lines=lines,
        per_period=money("net_minor"),
        acv=money("acv_minor"),
        tcv=money("tcv_minor"),
    )


def _terms(was: PricedQuote, will: PricedQuote) -> tuple[FieldChange, ...]:
    found = [
        _field(field.name, getattr(was.terms, field.name), getattr(will.terms, field.name))
        for field in fields(QuoteTerms)
    ]
    found.append(_field("coupons", was.coupons, will.coupons))
    found.append(_field("currency", was.currency, will.currency))
    found.append(_field("price_book", *(f"{each.price_book}@{each.price_book_version}" for each in (was, will))))
    return tuple(change for change in found if change is not None)


def _lines(was: PricedQuote | None, will: PricedQuote | None, currency: str) -> tuple[LineChange, ...]:
    old, new = was.lines if was else (), will.lines if will else ()
    old_periods, new_periods = was.terms.periods if was else 0, will.terms.periods if will else 0
    changes = [_line_change(before, after, old_periods, new_periods, currency) for before, after in _matched(old, new)]
    return tuple(change for change in changes if change is not None)


def _matched(old: Sequence[PricedLine], new: Sequence[PricedLine]) -> list[tuple[PricedLine | None, PricedLine | None]]:
    """Pairs in the order of the new lines, then the lines that went."""
    left: dict[tuple[str, ...], list[PricedLine]] = {}
    for line in old:
        left.setdefault(_key(line), []).append(line)
    partner: dict[int, PricedLine] = {}
    for exactly in (True, False):
        for number, line in enumerate(new):
            alike = left.get(_key(line), [])
            found = next((each for each in alike if not exactly or _quantities(each) == _quantities(line)), None)
            if number not in partner and found is not None:
                partner[number] = found
                alike.remove(found)
    pairs: list[tuple[PricedLine | None, PricedLine | None]] = [
        (partner.get(number), line) for number, line in enumerate(new)
    ]
    gone = {id(line) for lines in left.values() for line in lines}
    return pairs + [(line, None) for line in old if id(line) in gone]


def _key(line: PricedLine) -> tuple[str, ...]:
    return (line.product, line.charge, line.milestone)


def _line_change(
    was: PricedLine | None, will: PricedLine | None, old_periods: int, new_periods: int, currency: str
) -> LineChange | None:
    line = will or was
    assert line is not None  # noqa: S101  (a pair has one of them)
    changes = _line_fields(was, will) if was and will else ()
    net = MoneyChange(before_minor=was.net_minor if was else 0, after_minor=will.net_minor if will else 0)
    over_term = MoneyChange(
        before_minor=_over_term(was, old_periods) if was else 0,
        after_minor=_over_term(will, new_periods) if will else 0,
    )
    if was and will and not changes and not net.delta_minor and not over_term.delta_minor:
        return None
    what = CHANGED if was and will else ADDED if will else REMOVED
    said = [change.text for change in changes] or ([] if was and will else [f"quantity {_quantities(line)}"])
    each = "per period" if line.kind in PER_PERIOD else "once"
    if net.delta_minor:
        said.append(f"{each} {net.told(currency)}")
    elif over_term.delta_minor:
        said.append(f"over the term {over_term.told(currency)}")
    return LineChange(
        what=what,
        product=line.product,
        charge=line.charge,
        description=line.description,
        before_line=was.line_no if was else 0,
        after_line=will.line_no if will else 0,
        fields=changes,
        net=net,
        over_term=over_term,
        text=f"{line.description} ({line.product}, {line.charge}) {what}: {'; '.join(said)}",
        names=line.names,
    )


def _line_fields(was: PricedLine, will: PricedLine) -> tuple[FieldChange, ...]:
    names = ("discount_percent", "promotion", "group", "start", "timing", "attributes", "price")
    found = [_field("quantity", _quantities(was), _quantities(will))]
    found += [_field(name, getattr(was, name), getattr(will, name)) for name in names]
    return tuple(change for change in found if change is not None)


def _quantities(line: PricedLine) -> str:
    """The quantity, and from which billing period (from 1) on it is another one."""
    said: list[str] = []
    last: Decimal | None = None
    for segment in line.segments:
        if segment.quantity != last:
            amount = decimal_text(segment.quantity)
            said.append(f"{amount} from period {segment.from_period + 1}" if said else amount)
            last = segment.quantity
    return ", ".join(said) or decimal_text(line.quantity)


def _over_term(line: PricedLine, periods: int) -> int:
    return sum(segment.net_minor * segment.periods for segment in line.stretches(periods))


def _field(name: str, before: object, after: object) -> FieldChange | None:
    if before == after:
        return None
    return FieldChange(name=name, before=_said(before), after=_said(after))


def _said(value: object) -> str:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return " / ".join(_said(item) for item in value)
    return str(value)
