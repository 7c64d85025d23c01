"""A quote version as it is kept: one offer or several, each with its priced lines, terms and totals, in one canonical content.

A field that says no more than its default is not written: a plain quote has the content (and the hash) it always had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from decimal import Decimal
from functools import cache
from typing import cast

from domain.document import decimal_text
from domain.quoting.alternative import UnknownAlternative
from domain.quoting.facts import Facts, worst
from domain.quoting.priced import ADVANCE, ONE_TIME, RECURRING, PricedLine, PricedSegment, plain_segment
from domain.quoting.terms import QuoteTerms
from domain.quoting.totals import Totals, totals

__all__ = [
    "PricedLine",
    "PricedQuote",
    "PricedSegment",
    "QuoteOffers",
    "Totals",
    "UnknownAlternative",
    "content",
    "from_content",
    "offer",
    "offers",
    "shown",
    "totals",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedQuote:
    """One priced offer. `provisioning`: the steps of all its products, each once, in order; `coupons`: those taken."""

    price_book: str
    price_book_version: int
    price_book_hash: str
    currency: str
    terms: QuoteTerms
    lines: tuple[PricedLine, ...]
    totals: Totals
    provisioning: tuple[str, ...]
    coupons: tuple[str, ...] = ()
    segment: str = ""
    entity: str = ""

    @property
    def facts(self) -> Facts:
        """What an approval policy looks at; its discount is the highest of the total and of any stretch of any line."""
        segments = [segment for line in self.lines for segment in line.stretches(self.terms.periods)]
        regions = (line.attributes.get("region", "") for line in self.lines)
        return Facts(
            discount_percent=max(
                self.totals.discount_percent, *(each.discount_percent for each in segments), Decimal(0)
            ),
            acv_minor=self.totals.acv_minor,
            tcv_minor=self.totals.tcv_minor,
            term_months=self.terms.term_months,
            net_days=self.terms.net_days,
            currency=self.currency,
            margin_percent=self.totals.margin_percent,
            below_floor=any(each.below_floor for each in segments),
            ramp=any(line.ramp for line in self.lines),
            clauses=self.terms.clauses,
            products=tuple(dict.fromkeys(line.product for line in self.lines)),
            regions=tuple(dict.fromkeys(region for region in regions if region)),
            segment=self.segment,
            method=self.terms.method,
            one_time_minor=sum(line.net_minor for line in self.lines if line.kind == ONE_TIME),
            partner_percent=self.terms.partner_percent,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteOffers:
    """All offers of a version by name; a version without alternatives has one, named ''."""

    offers: tuple[tuple[str, PricedQuote], ...]
    recommended: str = ""

    @property
    def headline(self) -> PricedQuote:
        """The offer to speak of while the customer has not picked one: the recommended."""
        return dict(self.offers)[self.recommended]

    @property
    def facts(self) -> Facts:
        """The worst of all offers: whoever approves the version approves each of them."""
        return worst([quote.facts for _, quote in self.offers])

    @property
    def apart(self) -> tuple[Facts, ...]:
        """The facts of each offer alone, where there are several: the worst of two figures may hide what one of them needs."""
        return tuple(quote.facts for _, quote in self.offers) if len(self.offers) > 1 else ()


def content(version: PricedQuote | QuoteOffers) -> dict[str, object]:
    """The canonical content of a version: plain JSON values, decimals as text. Its hash is the version's hash."""
    return _content(version, everything=False)


def shown(version: PricedQuote | QuoteOffers) -> dict[str, object]:
    """The same with every field written out, for whoever shows it."""
    return _content(version, everything=True)


def from_content(mapping: Mapping[str, object]) -> PricedQuote:
    """The offer that `content` wrote; of a version with alternatives, the recommended one."""
    return offers(mapping).headline


def offers(mapping: Mapping[str, object]) -> QuoteOffers:
    """All offers of a content; `content` and this undo each other."""
    if "alternatives" not in mapping:
        return QuoteOffers(offers=(("", _quote(mapping)),))
    parts = cast("list[dict[str, object]]", mapping["alternatives"])
    return QuoteOffers(
        offers=tuple(
            (cast("str", part["name"]), _quote(cast("Mapping[str, object]", part["offer"]))) for part in parts
        ),
        recommended=cast("str", mapping["recommended"]),
    )


def offer(mapping: Mapping[str, object], chosen: str = "") -> PricedQuote:
    """The offer that was picked ('' where there is but one). Raises UnknownAlternative."""
    found = dict(offers(mapping).offers)
    if chosen not in found:
        raise UnknownAlternative(alternative=chosen, offered=tuple(found))
    return found[chosen]


def _content(version: PricedQuote | QuoteOffers, *, everything: bool) -> dict[str, object]:
    if isinstance(version, PricedQuote):
        return _quote_mapping(version, everything=everything)
    if [name for name, _ in version.offers] == [""]:
        return _quote_mapping(version.headline, everything=everything)
    return {
        "alternatives": [
            {"name": name, "offer": _quote_mapping(quote, everything=everything)} for name, quote in version.offers
        ],
        "recommended": version.recommended,
    }


def _quote_mapping(quote: PricedQuote, *, everything: bool) -> dict[str, object]:
    plain = all(_is_plain(line, quote.terms.periods) for line in quote.lines) and not quote.coupons
    sums = _written(quote.totals, everything=everything or not plain)
    if plain and not everything:  # what else its totals say follows from its lines
        sums = {name: sums[name] for name, required, _ in _fields(Totals) if required}
    found = _written(replace(quote, lines=()), everything=everything)
    return found | {
        "terms": _written(quote.terms, everything=everything),
        "lines": [_line_mapping(line, quote.terms.periods, everything=everything) for line in quote.lines],
        "totals": sums,
    }


def _line_mapping(line: PricedLine, periods: int, *, everything: bool) -> dict[str, object]:
    found = _written(line, everything=everything)
    found.pop("segments", None)
    segments = line.stretches(periods)
    if everything or segments != (plain_segment(line, periods),):
        found["segments"] = [_written(segment, everything=everything) for segment in segments]
    return found


def _is_plain(line: PricedLine, periods: int) -> bool:
    return (
        line.kind == RECURRING
        and line.timing == ADVANCE
        and not line.start
        and line.stretches(periods) == (plain_segment(line, periods),)
    )


def _quote(mapping: Mapping[str, object]) -> PricedQuote:
    terms = QuoteTerms(**_read(QuoteTerms, cast("Mapping[str, object]", mapping["terms"])))  # type: ignore[arg-type]
    lines = tuple(_line(each, terms.periods) for each in cast("list[Mapping[str, object]]", mapping["lines"]))
    return PricedQuote(
        **{  # type: ignore[arg-type] # by the field's own annotation
            **_read(PricedQuote, mapping),
            "terms": terms,
            "lines": lines,
            "totals": _totals(cast("Mapping[str, object]", mapping["totals"]), lines, terms),
        }
    )


def _totals(mapping: Mapping[str, object], lines: tuple[PricedLine, ...], terms: QuoteTerms) -> Totals:
    if "over_term" in mapping:
        return Totals(**_read(Totals, mapping))  # type: ignore[arg-type]
    return totals(lines, terms, discount_percent=Decimal(cast("str", mapping["discount_percent"])))


def _line(mapping: Mapping[str, object], periods: int) -> PricedLine:
    segments = cast("list[Mapping[str, object]]", mapping.get("segments", []))
    line = PricedLine(
        **{  # type: ignore[arg-type]
            **_read(PricedLine, mapping),
            "segments": tuple(PricedSegment(**_read(PricedSegment, each)) for each in segments),  # type: ignore[arg-type]
        }
    )
    return line if segments else replace(line, segments=(plain_segment(line, periods),))


@cache
def _fields(cls: type) -> tuple[tuple[str, bool, object], ...]:
    """Each field with whether it is always written, and its default."""
    return tuple(
        (
            field.name,
            field.default is MISSING and field.default_factory is MISSING,
            field.default_factory() if field.default_factory is not MISSING else field.default,
        )
        for field in fields(cls)
    )


@cache
def _decimals(cls: type) -> frozenset[str]:
    return frozenset(field.name for field in fields(cls) if str(field.type).startswith("Decimal"))


def _written(value: object, *, everything: bool) -> dict[str, object]:
    found: dict[str, object] = {}
    cls: type = type(value)
    for name, required, default in _fields(cls):
        item = getattr(value, name)
        if required or everything or item != default:
            found[name] = _plain(item)
    return found


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, Mapping):
        return dict(value)
    return list(cast("Iterable[object]", value)) if isinstance(value, tuple) else value


def _read(cls: type, mapping: Mapping[str, object]) -> dict[str, object]:
    """Text back to Decimal and lists to tuples, as the fields of `cls` are annotated; what is not there has its default."""
    found = {}
    decimals = _decimals(cls)
    for name, _, _ in _fields(cls):
        if name not in mapping:
            continue
        value = mapping[name]
        if value is not None and name in decimals:
            value = Decimal(cast("str", value))
        elif isinstance(value, list):
            value = tuple(value)
        found[name] = value
    return found
