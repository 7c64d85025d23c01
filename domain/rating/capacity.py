"""Capacity is paid by the tier that the peak reaches, over one meter or over several at once."""

from __future__ import annotations

from dataclasses import dataclass

from domain.document import decimal_text
from domain.errors import Invalid
from domain.rating.charge import ZERO, Charge, Tier
from domain.rating.measured import Measured, PropertyMissing
from domain.rating.step import RatedStep, Steps
from domain.rating.tiers import stairstep


@dataclass(kw_only=True, eq=False)
class PeakBeyondTiers(Invalid):
    """Peaks that no tier of the capacity covers."""

    peaks: tuple[str, ...]
    hint: str = "leave the last tier open, or let `beyond` say what the rest costs"


def capacity(charge: Charge, measured: Measured) -> Steps:
    """The flat fee of the first tier whose bounds cover the peaks: 8 users and 120 GB need the tier up to 10 and 200."""
    if not charge.meters:
        return stairstep(charge, measured)
    for meter in charge.meters:
        if meter not in measured.peaks:
            raise PropertyMissing(where="usage", property=meter)
    tier = _covering(charge, measured)
    told = ", ".join(f"{meter} {decimal_text(measured.peaks[meter])}" for meter in charge.meters)
    return [RatedStep(measured.quantity, ZERO, tier.flat_fee, None, tier.flat_fee, "step", told)]


def _covering(charge: Charge, measured: Measured) -> Tier:
    inclusive = charge.tier_bound == "inclusive"
    for tier in charge.tiers:
        if all(
            measured.peaks[meter] < bound or (inclusive and measured.peaks[meter] == bound)
            for meter, bound in tier.bounds
        ):
            return tier
    if charge.beyond == "refuse":
        raise PeakBeyondTiers(
            where="usage", peaks=tuple(f"{meter} {decimal_text(peak)}" for meter, peak in measured.peaks.items())
        )
    return charge.tiers[-1]
