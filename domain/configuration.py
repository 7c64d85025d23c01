"""What may be sold together is data of the price book: rules per product, checked over all lines at once, each with its cure.

As part of a price book:

    rules:
      - {product: sso, requires: [platform]}              # all of them must be in the quote
      - {product: starter, excludes: [platform]}          # none of them may
      - {product: storage, only_with: [platform, starter]}   # at least one of them must
      - {product: seats, minimum_quantity: 5, maximum_quantity: 5000}   # of all its lines, at any time of the term
      - {product: seats, term_months: [12, 24, 36], interval_months: [1, 12]}
      - {product: hosting, attributes: [{name: region, values: [eu, us], required: true}]}
      - product: suite                                    # a bundle: how many lines of each option it takes
        options: [{name: support, products: [silver, gold], minimum: 1, maximum: 1}]

A rule says nothing about a quote without its product. `minimum` of an option is 0 and `maximum` is open unless said; an
attribute without values may have any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Protocol

from domain.catalogue.product_rule import AttributeRule, Option, ProductRule, parse_rules, refuse_unknown, rule_mapping
from domain.document import decimal_text
from domain.errors import InvalidDocument, Problem

__all__ = [
    "AttributeRule",
    "ConfigurationBroken",
    "Option",
    "ProductRule",
    "Violation",
    "check",
    "parse_rules",
    "refuse_broken",
    "refuse_unknown",
    "rule_mapping",
]


class ConfigurationBroken(InvalidDocument):
    """Lines that the price book does not sell like this: each problem names the lines and how to mend them."""


class Stretch(Protocol):
    """A stretch of a ramp, as the draft has it."""

    @property
    def months(self) -> int: ...
    @property
    def quantity(self) -> Decimal: ...


class Line(Protocol):
    """A line, as the draft has it."""

    @property
    def product(self) -> str: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def attributes(self) -> Mapping[str, str]: ...
    @property
    def ramp(self) -> Sequence[Stretch]: ...


class Terms(Protocol):
    """The terms, as the draft has them."""

    @property
    def term_months(self) -> int: ...
    @property
    def interval_months(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that is broken by lines (from 0): what is wrong, and how to satisfy it. `field` is the one at fault, if any."""

    rule: str
    lines: tuple[int, ...]
    message: str
    cure: str
    field: str = ""

    @property
    def problem(self) -> Problem:
        """The violation as a problem of the draft, at the path of its lines."""
        suffix = f".{self.field}" if self.field else ""
        return Problem(", ".join(f"lines[{line}]{suffix}" for line in self.lines), f"{self.message}: {self.cure}")


def check(lines: Sequence[Line], rules: Sequence[ProductRule], terms: Terms) -> tuple[Violation, ...]:
    """Every rule that the lines break, in the order of the rules; none: the price book sells this.

    >>> from domain.quote_draft import DraftLine
    >>> from domain.quoting.terms import QuoteTerms
    >>> terms = QuoteTerms(term_months=12, interval_months=1, start="signature", net_days=30, method="card", valid_days=30,
    ...     auto_renew=False, notice_days=30, uplift_percent=Decimal(0), signer_name="", signer_email="")
    >>> [found] = check([DraftLine(product="sso", charge="", quantity=Decimal(1))],
    ...     [ProductRule(product="sso", requires=("platform",))], terms)
    >>> print(found.problem.path, found.problem.message)
    lines[0] sso requires platform, which the quote does not have: add platform or remove sso
    """
    by_product: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        by_product.setdefault(line.product, []).append(number)
    return tuple(
        violation
        for rule in rules
        if rule.product in by_product
        for violation in _Check(rule, lines, by_product, terms).violations()
    )


def refuse_broken(lines: Sequence[Line], rules: Sequence[ProductRule], terms: Terms) -> None:
    """Raises ConfigurationBroken with every rule that the lines break."""
    if violations := check(lines, rules, terms):
        raise ConfigurationBroken(problems=tuple(violation.problem for violation in violations))


class _Check:
    """One rule over the lines of one quote that has its product."""

    def __init__(
        self, rule: ProductRule, lines: Sequence[Line], by_product: Mapping[str, Sequence[int]], terms: Terms
    ) -> None:
        self.rule, self.lines, self.by_product, self.terms = rule, lines, by_product, terms
        self.own = tuple(by_product[rule.product])
        self.name = rule.product

    def violations(self) -> list[Violation]:
        return [*self._company(), *self._quantity(), *self._time(), *self._attributes(), *self._options()]

    def _found(
        self, kind: str, message: str, cure: str, *, lines: tuple[int, ...] | None = None, field: str = ""
    ) -> Violation:
        return Violation(rule=kind, lines=self.own if lines is None else lines, message=message, cure=cure, field=field)

    def _company(self) -> list[Violation]:
        rule, name = self.rule, self.name
        found = [
            self._found(
                "requires", f"{name} requires {other}, which the quote does not have", f"add {other} or remove {name}"
            )
            for other in rule.requires
            if other not in self.by_product
        ]
        for other in rule.excludes:
            if there := tuple(self.by_product.get(other, ())):
                both = tuple(sorted({*self.own, *there}))
                found.append(
                    self._found("excludes", f"{name} excludes {other}", f"remove {name} or {other}", lines=both)
                )
        if rule.only_with and not any(other in self.by_product for other in rule.only_with):
            said = _either(rule.only_with)
            found.append(self._found("only_with", f"{name} is sold only with {said}", f"add {said} or remove {name}"))
        return found

    def _quantity(self) -> list[Violation]:
        low, high = self.rule.minimum_quantity, self.rule.maximum_quantity
        if low is None and high is None:
            return []
        found: list[Violation] = []
        for month, quantity in _quantities([self.lines[number] for number in self.own]):
            when = f" from month {month + 1} on" if month else ""
            if low is not None and quantity < low:
                message = f"{_name_of(self.name, quantity)} is below the minimum of {decimal_text(low)}{when}"
                cure = f"add {decimal_text(low - quantity)} or remove {self.name}"
                found.append(self._found("minimum_quantity", message, cure, field="quantity"))
            if high is not None and quantity > high:
                message = f"{_name_of(self.name, quantity)} is over the maximum of {decimal_text(high)}{when}"
                cure = f"take off {decimal_text(quantity - high)}"
                found.append(self._found("maximum_quantity", message, cure, field="quantity"))
        return found

    def _time(self) -> list[Violation]:
        found = []
        for kind, allowed, said, words in (
            ("term_months", self.rule.term_months, self.terms.term_months, "for terms of"),
            ("interval_months", self.rule.interval_months, self.terms.interval_months, "with billing periods of"),
        ):
            if allowed and said not in allowed:
                either = _either([str(each) for each in allowed])
                message = f"{self.name} is sold {words} {either} months, not {said}"
                found.append(self._found(kind, message, f"set {kind} to {either} or remove {self.name}"))
        return found

    def _attributes(self) -> list[Violation]:
        found = []
        for rule in self.rule.attributes:
            for number in self.own:
                said = self.lines[number].attributes.get(rule.name)
                values = _either(rule.values) if rule.values else "a value"
                where: tuple[int, ...] = (number,)
                field = f"attributes.{rule.name}"
                if said is None and rule.required:
                    message, cure = f"{self.name} needs the attribute {rule.name}", f"give it {values}"
                    found.append(self._found("attributes", message, cure, lines=where, field=field))
                elif said is not None and rule.values and said not in rule.values:
                    message = f"{self.name} has no {rule.name} {said!r}"
                    found.append(self._found("attributes", message, f"give it {values}", lines=where, field=field))
        return found

    def _options(self) -> list[Violation]:
        found = []
        for option in self.rule.options:
            taken = tuple(sorted(n for product in option.products for n in self.by_product.get(product, ())))
            said = _either(option.products)
            if len(taken) < option.minimum:
                message = f"{self.name} takes at least {_lines(option.minimum)} of {option.name}, found {len(taken)}"
                found.append(self._found("options", message, f"add {option.minimum - len(taken)} of {said}"))
            if option.maximum is not None and len(taken) > option.maximum:
                message = f"{self.name} takes at most {_lines(option.maximum)} of {option.name}, found {len(taken)}"
                cure = f"remove {len(taken) - option.maximum} of {said}"
                found.append(self._found("options", message, cure, lines=tuple(sorted({*self.own, *taken}))))
        return found


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def _name_of(product: str, quantity: Decimal) -> str:
    return f"the quantity of {product}, {decimal_text(quantity)},"


def _quantities(lines: Sequence[Line]) -> list[tuple[int, Decimal]]:
    """The quantity of all lines together, from each month on in which it changes."""
    changes: dict[int, Decimal] = {}
    for line in lines:
        before = Decimal(0)
        starts = [0, *accumulate(stretch.months for stretch in line.ramp)]
        for month, quantity in zip(starts, [each.quantity for each in line.ramp] or [line.quantity], strict=False):
            changes[month] = changes.get(month, Decimal(0)) + quantity - before
            before = quantity
    months = sorted(changes)
    return list(zip(months, accumulate(changes[month] for month in months), strict=True))


def _either(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
