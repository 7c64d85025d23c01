"""A priced line: by stretches of billing periods, each with its waterfall from list to net; kept only where it says more.

Waterfall: list → promotion → line → group → header discount → coupons → partner margin → uplift (renewals) → net.
All in minor units of one full billing period; of a one-time or milestone charge, of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

RECURRING, ONE_TIME, USAGE, MILESTONE = "recurring", "one_time", "usage", "milestone"
PER_PERIOD = frozenset({RECURRING, USAGE})
ADVANCE, ARREARS = "advance", "arrears"
TAKEN = (
    "promotion_minor",
    "line_discount_minor",
    "group_discount_minor",
    "header_discount_minor",
    "coupon_minor",
    "partner_minor",
)
WATERFALL = ("list_minor", *TAKEN, "uplift_minor", "net_minor")


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedSegment:
    """Billing periods `[from_period, to_period)` of one line, with one quantity and one waterfall.

    `discount_percent`: line, group and header discount together as stated, 4 decimals. `cost_minor` and `floor_minor`
    are of the same period, None where the price book tells none. `estimate_minor`: what the expected usage comes to.
    """

    from_period: int
    to_period: int
    quantity: Decimal
    list_minor: int
    net_minor: int
    promotion_minor: int = 0
    line_discount_minor: int = 0
    group_discount_minor: int = 0
    header_discount_minor: int = 0
    coupon_minor: int = 0
    partner_minor: int = 0
    uplift_minor: int = 0
    discount_percent: Decimal = Decimal(0)
    explain: tuple[str, ...] = ()
    cost_minor: int | None = None
    floor_minor: int | None = None
    estimate_minor: int = 0
    estimate_explain: tuple[str, ...] = ()

    @property
    def periods(self) -> int:
        return self.to_period - self.from_period

    @property
    def below_floor(self) -> bool:
        """Whether the net is under the lowest price that needs no blessing."""
        return self.floor_minor is not None and self.net_minor < self.floor_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """One line; its own figures are those of its first segment, `explain` tells how the list amount came about.

    `price` is the charge as a document, as it stood in the price book. `start`: '' (with the term), provisioning,
    signature or an ISO date. `promotion` names what the price book took off by itself. `ramp`: asked for in stretches;
    other lines may have several segments, too, where what they share with it changes. `names` and `unit_names`: the
    description and the unit in other languages, as the price book has them.
    """

    line_no: int
    product: str
    description: str
    charge: str
    model: str
    quantity: Decimal
    unit_label: str
    list_minor: int
    line_discount_minor: int
    header_discount_minor: int
    uplift_minor: int
    net_minor: int
    discount_percent: Decimal
    revenue_account: str
    explain: tuple[str, ...]
    price: Mapping[str, object]
    kind: str = RECURRING
    timing: str = ADVANCE
    group: str = ""
    start: str = ""
    milestone: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    promotion: str = ""
    promotion_minor: int = 0
    group_discount_minor: int = 0
    coupon_minor: int = 0
    partner_minor: int = 0
    ramp: bool = False
    segments: tuple[PricedSegment, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    unit_names: Mapping[str, str] = field(default_factory=dict)

    def called(self, language: str) -> str:
        """What is sold, as a reader of this language calls it."""
        return self.names.get(language, self.description)

    def stretches(self, periods: int) -> tuple[PricedSegment, ...]:
        """The segments; of a line that was kept without any (a plain one), the one over all periods of its term."""
        return self.segments or (plain_segment(self, periods),)


def plain_segment(line: PricedLine, periods: int) -> PricedSegment:
    """The only segment of a line that says no more than the line itself."""
    return PricedSegment(
        from_period=0,
        to_period=periods if line.kind in PER_PERIOD else 1,
        quantity=line.quantity,
        list_minor=line.list_minor,
        net_minor=line.net_minor,
        promotion_minor=line.promotion_minor,
        line_discount_minor=line.line_discount_minor,
        group_discount_minor=line.group_discount_minor,
        header_discount_minor=line.header_discount_minor,
        coupon_minor=line.coupon_minor,
        partner_minor=line.partner_minor,
        uplift_minor=line.uplift_minor,
        discount_percent=line.discount_percent,
        explain=line.explain,
    )
