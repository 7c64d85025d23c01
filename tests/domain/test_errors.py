"""Errors: a stable type, one kind, where, a hint, typed facts."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import domain
from domain import errors
from domain.errors import Conflict, DomainError, Forbidden, Invalid, InvalidDocument, Kind, NotFound, Problem, plain


@dataclass(kw_only=True, eq=False)
class QuoteTooOld(Conflict):
    expired_on: date
    share: Decimal = Decimal("0.50")


class JustNo(Forbidden):
    """Nothing to tell."""


def test_an_error_tells_what_where_and_how_to_mend() -> None:
    error = QuoteTooOld(expired_on=date(2026, 1, 31), where="lines[0]", hint="price again")
    assert str(error) == "lines[0]: quote too old (expired_on 2026-01-31, share 0.50)"
    assert error.to_mapping() == {
        "type": "QuoteTooOld",
        "kind": "conflict",
        "text": "quote too old (expired_on 2026-01-31, share 0.50)",
        "where": "lines[0]",
        "hint": "price again",
        "facts": {"expired_on": "2026-01-31", "share": "0.50"},
    }


def test_an_error_without_facts_is_its_name() -> None:
    assert str(JustNo()) == "just no"
    assert [each.kind for each in (Invalid, Conflict, NotFound, Forbidden)] == list(Kind)


def test_a_document_error_lists_every_problem() -> None:
    error = InvalidDocument(problems=(Problem("a[0]", "is missing"), Problem("", "expected fields by name, found 3")))
    assert str(error) == "a[0]: is missing; expected fields by name, found 3"
    assert error.to_mapping()["facts"] == {
        "problems": [
            {"path": "a[0]", "message": "is missing"},
            {"path": "", "message": "expected fields by name, found 3"},
        ]
    }


def test_facts_become_plain_values() -> None:
    at = datetime(2026, 1, 31, tzinfo=UTC)
    assert plain((None, True, 3, "x", Decimal("1E+2"), at, Kind.INVALID, [b"x"])) == [
        None,
        True,
        3,
        "x",
        "100",
        "2026-01-31T00:00:00+00:00",
        "invalid",
        ["b'x'"],
    ]


def test_no_two_errors_share_a_type_and_each_has_a_kind() -> None:
    for module in pkgutil.iter_modules(domain.__path__):
        importlib.import_module(f"domain.{module.name}")
    found: list[type[DomainError]] = []
    waiting = [DomainError]
    while waiting:
        inner = [each for each in waiting.pop().__subclasses__() if each.__module__.startswith("domain.")]
        waiting += inner
        found += inner
    names = [each.__name__ for each in found]
    assert sorted(names) == sorted(set(names))
    assert {each.kind for each in found} == set(Kind)
    tree = errors.__doc__ or ""
    ours = {
        "pricing",
        "money",
        "calendar",
        "discount",
        "quote",
        "tax",
        "invoice",
        "ledger",
        "price_book",
        "approving.policy",
        "dunning_policy",
        "quote_draft",
    }
    assert [
        each.__name__ for each in found if each.__module__.removeprefix("domain.") in ours and each.__name__ not in tree
    ] == []
