"""One line by itself in one stretch: rated, promoted, discounted by what is its own; with its cost, its floor, its estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from domain.discount import NO_DISCOUNT, Discount, TargetAboveList, after_line_discount, share
from domain.money import EXACT, from_minor, minor_units, round_half_up, round_to
from domain.pricing import Rated, rate
from domain.promotion import Promotion, best
from domain.quoting.priced import USAGE
from domain.rating.charge import ONCE, ZERO, Charge

FLAT = "flat"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPrice:
    """In minor units of one full period: `net_minor` is left of the list after the promotion and the line's own discount.

    `share` is the part that the line's discount takes, as stated. `estimate` is the expected usage at list, not rounded.
    """

    list_minor: int
    promotion_minor: int
    line_discount_minor: int
    net_minor: int
    share: Fraction
    promotion: str
    explain: tuple[str, ...]
    cost_minor: int | None = None
    floor_minor: int | None = None
    estimate: Decimal = ZERO
    estimate_explain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What the rating of a quantity says: of a usage charge, of no usage (its commitment), and of the expected one."""

    rated: Rated
    explain: tuple[str, ...]
    estimate: Decimal = ZERO
    estimate_explain: tuple[str, ...] = ()


def rating(charge: Charge, quantity: Decimal, *, months: int, currency: str, attributes: Mapping[str, str]) -> Rating:
    """Rate a quantity of a charge for a billing period. Raises what `pricing.rate` raises."""
    rated = rate(charge, quantity, months=months, currency=currency, attributes=attributes)
    explain = tuple(step.text for step in rated.steps)
    if charge.kind != USAGE:
        return Rating(rated=rated, explain=explain)
    committed = rate(charge, ZERO, months=months, currency=currency, attributes=attributes)
    return Rating(
        rated=committed,
        explain=tuple(step.text for step in committed.steps),
        estimate=rated.unrounded,
        estimate_explain=explain,
    )


def own_price(  # noqa: PLR0913  (a price has that many sides)
    found: Rating,
    charge: Charge,
    quantity: Decimal,
    discount: Discount,
    *,
    product: str,
    promotions: Sequence[Promotion],
    months: int,
    currency: str,
    on: date,
) -> OwnPrice:
    """Take the promotion and the line's own discount from a rating; both leave one amount, rounded once, half up.

    Raises DiscountTooLarge, TargetAboveList.
    """
    rated = found.rated
    base, listed = rated.unrounded, rated.amount_minor
    promotion = best(promotions, base, currency=currency, product=product, charge=charge.id, quantity=quantity, on=on)
    promoted = listed
    if promotion is not None:
        base = EXACT.subtract(base, promotion.taken(base, currency))
        promoted = min(listed, after_line_discount(base, NO_DISCOUNT, currency=currency))
    if discount == NO_DISCOUNT:
        net, own = promoted, Fraction()
    elif discount.target is not None:
        net = _scaled(discount.target, charge, quantity, months=months, currency=currency)
        if net > promoted:
            raise TargetAboveList(target=from_minor(net, currency), listed=from_minor(promoted, currency))
        own = 1 - Fraction(net, promoted) if promoted else Fraction()
    else:
        net = min(promoted, after_line_discount(base, discount, currency=currency))
        own = share(discount, base, currency=currency)
    costed = charge.kind != USAGE
    return OwnPrice(
        list_minor=listed,
        promotion_minor=listed - promoted,
        line_discount_minor=promoted - net,
        net_minor=net,
        share=own,
        promotion=promotion.name if promotion else "",
        explain=found.explain,
        cost_minor=_maybe(charge.cost, charge, quantity, months=months, currency=currency) if costed else None,
        floor_minor=_maybe(charge.floor, charge, quantity, months=months, currency=currency) if costed else None,
        estimate=found.estimate,
        estimate_explain=found.estimate_explain,
    )


def _maybe(price: Decimal | None, charge: Charge, quantity: Decimal, *, months: int, currency: str) -> int | None:
    """A cost or a floor, which are told as the charge's prices are: maybe in its own pricing unit."""
    if price is None:
        return None
    if charge.pricing_unit is not None:
        price = EXACT.multiply(price, charge.pricing_unit.rate)
    return _scaled(price, charge, quantity, months=months, currency=currency)


def _scaled(price: Decimal, charge: Charge, quantity: Decimal, *, months: int, currency: str) -> int:
    """A unit price of the charge's own interval over a quantity and the months billed, half up; a flat one counts once."""
    units = Decimal(1) if charge.model == FLAT else quantity
    whole = EXACT.multiply(minor_units(price, currency), units)
    if charge.kind in ONCE:
        return round_half_up(whole)
    return int(round_to(EXACT.multiply(whole, Decimal(months)), Decimal(charge.months), 0, "half_up"))
