"""The lines of one offer, priced: each by itself, then down the waterfall with all others, stretch by stretch of the term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Protocol

from domain.coupon import Coupon, UnknownCoupon, check
from domain.discount import NO_DISCOUNT, Discount
from domain.errors import DomainError
from domain.price_book import PriceBook, Product
from domain.promotion import Promotion
from domain.quoting.asked import AskedLine, asked_lines
from domain.quoting.draft_line import DraftLine, Group
from domain.quoting.own_price import OwnPrice, own_price
from domain.quoting.priced import PER_PERIOD, PricedLine, PricedSegment
from domain.quoting.ramp import cut, joined
from domain.quoting.terms import QuoteTerms
from domain.quoting.waterfall import Fall, Taker, Waterfall, half_up

_FOUR_DECIMALS = Decimal("0.0001")
_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)


class Asked(Protocol):
    """One offer as the draft asks for it."""

    @property
    def terms(self) -> QuoteTerms: ...
    @property
    def discount(self) -> Discount: ...
    @property
    def lines(self) -> Sequence[DraftLine]: ...
    @property
    def groups(self) -> Sequence[Group]: ...
    @property
    def coupons(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """The priced lines, the discount on the list of the whole term as stated, and the products that are in it, in order."""

    lines: tuple[PricedLine, ...]
    discount_percent: Decimal
    products: tuple[Product, ...]


def priced_lines(asked: Asked, book: PriceBook, *, on: date, coupons: Mapping[str, Coupon]) -> Offered:
    """Price the lines of an offer on a day. An error names its field; see `quote.price` for which there are."""
    return _Pricing(asked, book, on=on, coupons=coupons).offered()


class _Pricing:
    """One offer while it is priced. `segments`: those of each line so far, by its index."""

    def __init__(self, asked: Asked, book: PriceBook, *, on: date, coupons: Mapping[str, Coupon]) -> None:
        self.asked, self.book, self.on = asked, book, on
        self.terms = asked.terms
        self.lines = asked_lines(asked.lines, book, interval_months=self.terms.interval_months)
        self.once = [line.index for line in self.lines if line.charge.kind not in PER_PERIOD]
        self.recurring = [line.index for line in self.lines if line.charge.kind in PER_PERIOD]
        self.coupons = self._coupons(coupons)
        self.waterfall = Waterfall(self._takers(), book.currency)
        self.own: dict[tuple[int, int, int], OwnPrice] = {}
        self.shares = _Shares()
        self.segments: dict[int, list[PricedSegment]] = {line.index: [] for line in self.lines}

    def offered(self) -> Offered:
        """All lines, over the whole term."""
        self._check_coupons()
        changes = [begins for line in self.lines for begins, _, _ in line.stretches]
        changes += [promotion.periods for promotion in self.book.promotions if promotion.periods]
        changes += [coupon.periods for coupon in self.coupons if coupon.periods]
        for begins, ends in cut(self.terms.periods, changes):
            self._stretch(self.recurring, begins, ends)
        self._stretch(self.once, 0, 1)
        return Offered(
            lines=tuple(self._line(line) for line in self.lines),
            discount_percent=self.shares.of_all,
            products=tuple({line.product.id: line.product for line in self.lines}.values()),
        )

    def _stretch(self, indexes: Sequence[int], begins: int, ends: int) -> None:
        """Price billing periods `[begins, ends)` of some lines together."""
        if not indexes:
            return
        own = {index: self._own(self.lines[index], begins) for index in indexes}
        falls = self.waterfall.over(
            {index: each.net_minor for index, each in own.items()},
            from_period=begins,
            in_period=indexes is self.recurring,
        )
        for index in indexes:
            self.segments[index].append(self._segment(self.lines[index], own[index], falls[index], begins, ends))

    def _segment(self, line: AskedLine, own: OwnPrice, fall: Fall, begins: int, ends: int) -> PricedSegment:
        taken = fall.taken
        return PricedSegment(
            from_period=begins,
            to_period=ends,
            quantity=line.at(begins)[1].quantity,
            list_minor=own.list_minor,
            net_minor=fall.left,
            promotion_minor=own.promotion_minor,
            line_discount_minor=own.line_discount_minor,
            group_discount_minor=taken.get("group_discount_minor", 0),
            header_discount_minor=taken.get("header_discount_minor", 0),
            coupon_minor=taken.get("coupon_minor", 0),
            partner_minor=taken.get("partner_minor", 0),
            discount_percent=self.shares.percent((own.share, *fall.shares), weight=own.list_minor * (ends - begins)),
            explain=own.explain,
            cost_minor=own.cost_minor,
            floor_minor=own.floor_minor,
            estimate_minor=_estimate(own, fall),
            estimate_explain=own.estimate_explain,
        )

    def _line(self, line: AskedLine) -> PricedLine:
        draft, charge, product = line.draft, line.charge, line.product
        segments = joined(self.segments[line.index])
        first = segments[0]
        return PricedLine(
            line_no=line.index + 1,
            product=product.id,
            description=product.name,
            charge=charge.id,
            model=charge.model,
            quantity=first.quantity,
            unit_label=product.unit,
            list_minor=first.list_minor,
            line_discount_minor=first.line_discount_minor,
            header_discount_minor=first.header_discount_minor,
            uplift_minor=0,
            net_minor=first.net_minor,
            discount_percent=first.discount_percent,
            revenue_account=charge.revenue_account,
            explain=first.explain,
            price=line.document,
            kind=charge.kind,
            timing=charge.timing,
            group=draft.group,
            start=draft.start,
            milestone=draft.milestone,
            attributes=draft.attributes,
            names=dict(product.names),
            unit_names=dict(product.unit_names),
            promotion=self._own(line, 0).promotion,
            promotion_minor=first.promotion_minor,
            group_discount_minor=first.group_discount_minor,
            coupon_minor=first.coupon_minor,
            partner_minor=first.partner_minor,
            ramp=len(draft.ramp) > 1,
            segments=segments,
        )

    def _own(self, line: AskedLine, period: int) -> OwnPrice:
        """The line by itself in a billing period: what its ramp says there, with the promotions that still last."""
        promotions = self._lasting(period)
        number, stretch, rating = line.at(period)
        key = (line.index, number, len(promotions))
        if key not in self.own:
            try:
                self.own[key] = own_price(
                    rating,
                    line.charge,
                    stretch.quantity,
                    stretch.discount,
                    product=line.product.id,
                    promotions=promotions,
                    months=self.terms.interval_months,
                    currency=self.book.currency,
                    on=self.on,
                )
            except DomainError as error:
                error.where = line.discount_path(number)
                raise
        return self.own[key]

    def _lasting(self, period: int) -> Sequence[Promotion]:
        return [each for each in self.book.promotions if each.periods is None or period < each.periods]

    def _coupons(self, known: Mapping[str, Coupon]) -> list[Coupon]:
        found = []
        for number, code in enumerate(self.asked.coupons):
            if code not in known:
                raise UnknownCoupon(code=code, where=f"coupons[{number}]")
            found.append(known[code])
        return found

    def _check_coupons(self) -> None:
        """Each coupon against the lines it is for, after what is their own, in the first billing period."""
        for number, coupon in enumerate(self.coupons):
            fitting = [line for line in self.lines if coupon.applies_to(line.product.id)]
            fitting = [line for line in fitting if line.charge.kind in PER_PERIOD] or fitting
            first = sum(self._own(line, 0).net_minor for line in fitting) if fitting else None
            try:
                check(coupon, on=self.on, currency=self.book.currency, first_period_minor=first)
            except DomainError as error:
                error.where = f"coupons[{number}]"
                raise

    def _takers(self) -> list[Taker]:
        takers = []
        for number, group in enumerate(self.asked.groups):
            if group.discount != NO_DISCOUNT:
                lines = frozenset(line.index for line in self.lines if line.draft.group == group.name)
                takers.append(
                    self._taker("group_discount_minor", group.discount, lines, f"groups[{number}].", stated=True)
                )
        every = frozenset(range(len(self.lines)))
        if self.asked.discount != NO_DISCOUNT:
            takers.append(self._taker("header_discount_minor", self.asked.discount, every, "", stated=True))
        for number, coupon in enumerate(self.coupons):
            lines = frozenset(line.index for line in self.lines if coupon.applies_to(line.product.id))
            discount = Discount(percent=coupon.percent, amount=coupon.amount)
            where = f"coupons[{number}]"
            takers.append(self._taker("coupon_minor", discount, lines, where, until=coupon.periods))
        if self.terms.partner_percent:
            margin = Discount(percent=self.terms.partner_percent)
            takers.append(self._taker("partner_minor", margin, every, "partner."))
        return takers

    def _taker(
        self,
        part: str,
        discount: Discount,
        lines: frozenset[int],
        where: str,
        *,
        stated: bool = False,
        until: int | None = None,
    ) -> Taker:
        return Taker(
            part=part,
            discount=discount,
            lines=lines,
            where=where,
            until=until,
            stated=stated,
            gentle=not stated,
            in_period=any(self.lines[index].charge.kind in PER_PERIOD for index in lines),
        )


class _Shares:
    """Shares as people stated them, each taken from what the one before left, together in percent, 4 decimals."""

    def __init__(self) -> None:
        self._together: dict[tuple[tuple[int, int], ...], Fraction] = {}
        self._weights: dict[tuple[tuple[int, int], ...], int] = {}

    def percent(self, shares: Sequence[Fraction], *, weight: int) -> Decimal:
        """The shares of one segment, whose list over the term is its weight in the whole."""
        key = tuple(share.as_integer_ratio() for share in shares if share)  # hashes far faster than fractions
        if key not in self._together:
            kept = Fraction(1)
            for share in shares:
                kept *= 1 - share
            self._together[key] = 1 - kept
        self._weights[key] = self._weights.get(key, 0) + weight
        return _percent(self._together[key])

    @property
    def of_all(self) -> Decimal:
        """The share of the list of all segments, by their weights."""
        whole = sum(self._weights.values())
        taken = sum((share * self._weights[key] for key, share in self._together.items()), Fraction())
        return _percent(taken / whole) if whole else Decimal(0)


@lru_cache(maxsize=1024)
def _percent(part: Fraction) -> Decimal:
    whole = _WIDE.divide(Decimal(part.numerator * 100), Decimal(part.denominator))
    return whole.quantize(_FOUR_DECIMALS, context=_WIDE) if part else Decimal(0)


def _estimate(own: OwnPrice, fall: Fall) -> int:
    """The expected usage after every percentage: amounts are taken from what is committed to."""
    if not own.estimate:
        return 0
    left = Fraction(own.estimate) * (1 - own.share)
    for percent in fall.percents:
        left *= 1 - percent
    return half_up(left)
