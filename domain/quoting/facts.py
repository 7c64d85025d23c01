"""The facts of a priced offer that an approval policy may look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a policy may look at: the highest discount as stated (percent), values in minor units, the terms.

    `margin_percent` is None where no cost is known; `regions` are the `region` attributes of the lines; `segment` is the
    account's; `clauses` are the texts beside our standard terms.
    """

    discount_percent: Decimal
    acv_minor: int
    tcv_minor: int
    term_months: int
    net_days: int
    currency: str
    margin_percent: Decimal | None = None
    below_floor: bool = False
    ramp: bool = False
    clauses: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    segment: str = ""
    method: str = ""
    one_time_minor: int = 0
    partner_percent: Decimal = Decimal(0)


def worst(facts: Sequence[Facts]) -> Facts:
    """The facts of several offers as one: the worst of each figure, all of what is in any of them.

    >>> one = Facts(discount_percent=Decimal(5), acv_minor=10, tcv_minor=30, term_months=36, net_days=30, currency="EUR",
    ...             margin_percent=Decimal(40))
    >>> both = worst([one, replace(one, discount_percent=Decimal(20), acv_minor=5, margin_percent=Decimal(10))])
    >>> both.discount_percent, both.acv_minor, both.margin_percent
    (Decimal('20'), 10, Decimal('10'))
    """
    margins = [each.margin_percent for each in facts if each.margin_percent is not None]
    return replace(
        facts[0],
        discount_percent=max(each.discount_percent for each in facts),
        acv_minor=max(each.acv_minor for each in facts),
        tcv_minor=max(each.tcv_minor for each in facts),
        term_months=max(each.term_months for each in facts),
        net_days=max(each.net_days for each in facts),
        margin_percent=min(margins) if margins else None,
        below_floor=any(each.below_floor for each in facts),
        ramp=any(each.ramp for each in facts),
        clauses=tuple(dict.fromkeys(clause for each in facts for clause in each.clauses)),
        products=tuple(dict.fromkeys(product for each in facts for product in each.products)),
        regions=tuple(dict.fromkeys(region for each in facts for region in each.regions)),
        one_time_minor=max(each.one_time_minor for each in facts),
        partner_percent=max(each.partner_percent for each in facts),
    )
