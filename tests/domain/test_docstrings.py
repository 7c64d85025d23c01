"""The worked figures in the docstrings of the rules are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

MODULES = (
    "billing_plan calendar cash_application configuration coupon discount document dunning_policy errors ids "
    "invoice ledger money price_book pricing promotion quote quote_diff quote_draft quote_version quoting.facts "
    "quoting.proration quoting.ramp quoting.totals quoting.waterfall rating.charge rating.step tax "
    "approving.asking approving.calendar approving.check approving.condition approving.evidence approving.machine "
    "approving.needing approving.people approving.policy approving.reapproval approving.sentence approving.space "
    "approving.tryout"
)


@pytest.mark.parametrize("name", MODULES.split())
def test_the_figures_in_the_docstrings_are_true(name: str) -> None:
    module = importlib.import_module(f"domain.{name}")
    failed, _ = doctest.testmod(module, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert failed == 0


def test_the_figures_of_the_rules_of_quotes_are_true() -> None:
    rules = Path(__file__).parents[2] / "docs" / "rules" / "quotes.md"
    failed, attempted = doctest.testfile(str(rules), module_relative=False, encoding="utf-8")
    assert (failed, attempted > 20) == (0, True)
