"""A charge in the words of a language: its unit price, tiers and conditions, as a customer reads them on a rate card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast

from gateways.words import Words

_MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
_TIERED = frozenset({"volume", "graduated", "stairstep", "capacity", "graduated_percentage"})
_LONGEST = 12  # tiers or combinations on a page; a longer table stays in the price book


def price_text(price: Mapping[str, object], *, unit: str, currency: str, words: Words) -> tuple[str, ...]:
    """One text per line of the page; empty for a model that has no words here."""
    model = str(price.get("model", ""))
    told = _Told(price, unit=unit, currency=currency, words=words)
    if model in _TIERED:
        lines = [words(f"model_{model}"), *told.tiers()]
    elif words.has(f"model_{model}"):
        lines = [told.head(model), *told.cells()]
    else:
        return ()
    return (*lines, *told.conditions())


class _Told:
    def __init__(self, price: Mapping[str, object], *, unit: str, currency: str, words: Words) -> None:
        self.price, self.unit, self.currency, self.words = price, unit, currency, words
        self.periodic = str(price.get("kind", "recurring")) in {"recurring", "usage"}
        self.interval = words(f"period_{_MONTHS.get(str(price.get('per', 'month')), 1)}")

    def money(self, name: str, within: Mapping[str, object] | None = None) -> str:
        return self.words.price(_decimal((within or self.price).get(name)), self.currency)

    def head(self, model: str) -> str:
        key = f"model_{model}"
        if not self.periodic and self.words.has(f"{key}_once"):
            key += "_once"
        return self.words(
            key,
            price=self.money("unit_price"),
            unit=self.unit,
            interval=self.interval,
            size=self.words.number(_decimal(self.price.get("package_size", 1))),
            percent=self.words.percent(_decimal(self.price.get("percent"))),
        )

    def tiers(self) -> list[str]:
        """`up to 1,000: 0.010 each + 5.00 flat`; the last one says above what."""
        tiers = cast("Sequence[Mapping[str, object]]", self.price.get("tiers", ()))
        lines = []
        below = ""
        for tier in tiers[:_LONGEST]:
            bound = self._bound(tier)
            if bound:
                where = self.words("tier_to", to=bound)
            else:
                where = self.words("tier_above", above=below) if below else self.words("tier_all")
            lines.append(self.words("tier", where=where, price=self._tier(tier)))
            below = bound
        return [*lines, "…"] if len(tiers) > _LONGEST else lines

    def _bound(self, tier: Mapping[str, object]) -> str:
        """Up to where a tier goes; of a capacity over several meters, up to where of each."""
        if bounds := cast("Mapping[str, object]", tier.get("bounds") or {}):
            return ", ".join(f"{name} {self.words.number(_decimal(bound))}" for name, bound in bounds.items())
        return self.words.number(_decimal(tier["up_to"])) if tier.get("up_to") is not None else ""

    def _tier(self, tier: Mapping[str, object]) -> str:
        each = (
            self.words("tier_price", price=self.money("unit_price", tier)) if _decimal(tier.get("unit_price")) else ""
        )
        fee = self.words("tier_fee", fee=self.money("flat_fee", tier)) if _decimal(tier.get("flat_fee")) else ""
        percent = self.words.percent(_decimal(tier.get("percent"))) if _decimal(tier.get("percent")) else ""
        return " + ".join(part for part in (each, percent, fee) if part) or self.words.price(Decimal(0), self.currency)

    def cells(self) -> list[str]:
        """The prices of a matrix: `eu, gold: 1.20`."""
        lines = []
        for cell in cast("Sequence[Mapping[str, object]]", self.price.get("cells", ())):
            named = ", ".join(str(value) for value in cast("Mapping[str, object]", cell.get("when", {})).values())
            where = named or self.words("tier_all")
            lines.append(self.words("tier", where=where, price=self.money("unit_price", cell)))
        if self.price.get("default_price") is not None:
            otherwise = self.words("tier_all") if not lines else self.words("cell_otherwise")
            lines.append(self.words("tier", where=otherwise, price=self.money("default_price")))
        return [*lines[:_LONGEST], "…"] if len(lines) > _LONGEST else lines

    def conditions(self) -> list[str]:
        """What is free, what is paid at least and at most, what a pricing unit is worth."""
        found = self._amounts()
        if included := _decimal(self.price.get("included_quantity")):
            found.append(self.words("included_units", n=self.words.number(included), unit=self.unit))
        commitment = cast("Mapping[str, object]", self.price.get("commitment") or {})
        if _decimal(commitment.get("amount")):
            found.append(
                self.words("commitment_amount", amount=self.money("amount", commitment), interval=self.interval)
            )
        if units := _decimal(commitment.get("quantity")):
            committed = self.words.number(units)
            found.append(self.words("commitment_quantity", n=committed, unit=self.unit, interval=self.interval))
        if unit := cast("Mapping[str, object]", self.price.get("pricing_unit") or {}):
            rate = f"{self.money('rate', unit)} {self.currency}"
            found.append(self.words("in_pricing_unit", name=str(unit.get("name", "")), rate=rate))
        return found

    def _amounts(self) -> list[str]:
        found = []
        if _decimal(self.price.get("transaction_fee")):
            found.append(self.words("transaction_fee", fee=self.money("transaction_fee")))
        if self.price.get("overage_price") is not None:
            found.append(self.words("overage", price=self.money("overage_price")))
        return found + [
            self.words(name, amount=self.money(name), interval=self.interval)
            for name in ("minimum_amount", "maximum_amount")
            if self.price.get(name) is not None
        ]


def _decimal(value: object) -> Decimal:
    """A number of a document, written as text; zero where there is none."""
    return Decimal(value) if isinstance(value, str | int | Decimal) and str(value) else Decimal(0)
