"""The text of a step's one statement, by its shape: steps of one shape share one text, which each connection prepares once.

A statement that must not be kept ends itself: what a count should be is cast to an integer where it is not so, and the
cast fails with the part's name. All of it is undone then, without a transaction around it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy.exc import DBAPIError

# ruff: noqa: S608 (every name in the text is a table's or column's own, checked before; every value is a parameter)

FENCE = "fence"
_MISSED = re.compile(r'"(\w+) met (\d+)"')


@dataclass(frozen=True, slots=True)
class Shape:
    """What the text depends on."""

    fence: str  # "", "opening" or "turn"
    fence_columns: tuple[str, ...]
    inserts: tuple[tuple[str, tuple[str, ...]], ...]  # table, columns
    updates: tuple[tuple[str, tuple[str, ...], tuple[str, ...], int], ...]  # table, columns, where, how many rows
    numbered: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """Its first column says whether the fence held, its second which number the series gave."""

    sql: str
    names: tuple[str, ...]

    def values(self, named: Mapping[str, Any]) -> tuple[Any, ...]:
        """The parameters $1, $2, … in their order."""
        return tuple(named[name] for name in self.names)


def missed(error: DBAPIError) -> tuple[str, int] | None:
    """Which part of a statement ended it, and how many rows that had met; None for every other error."""
    found = _MISSED.search(str(error.orig))
    return None if found is None else (found[1], int(found[2]))


@dataclass(slots=True)
class _Parameters:
    numbered: bool
    names: list[str] = field(default_factory=list)

    def __call__(self, name: str, kind: str) -> str:
        if name not in self.names:
            self.names.append(name)
        return f"CAST(${self.names.index(name) + 1} AS {kind})"

    def document(self, name: str) -> str:
        """JSON, in which marks stand for the number as long as it is not known."""
        if not self.numbered:
            return self(name, "jsonb")
        said = f"replace({self(name, 'text')}, {self('number_said', 'text')}, number.said)"
        return f"CAST(replace({said}, {self('number_count', 'text')}, number.count) AS jsonb)"


@lru_cache(maxsize=512)
def statement(shape: Shape) -> Statement:
    """One WITH of all parts; every part hangs on the fence."""
    given = _Parameters(shape.numbered)
    source = "number, " if shape.numbered else ""
    gate = f" WHERE EXISTS (SELECT FROM {FENCE})" if shape.fence else ""
    parts = [_number_sql(given)] if shape.numbered else []
    if shape.fence:
        parts.append(_fence_sql(shape, given, source))
    for place, (table, columns) in enumerate(shape.inserts):
        parts.append(
            f"i{place} AS (INSERT INTO {_quoted(table)} ({_listed(columns)}) SELECT {_listed(columns)} "
            f"FROM {source}jsonb_populate_recordset(CAST(NULL AS {_quoted(table)}), {given.document(f'i{place}')}){gate})"
        )
    for place, (table, columns, where, _) in enumerate(shape.updates):
        null = f"CAST(NULL AS {_quoted(table)})"
        matches = " AND ".join(f"t.{_quoted(column)} = w.{_quoted(column)}" for column in where)
        parts.append(
            f"u{place} AS (UPDATE {_quoted(table)} AS t SET {_assignments(columns)} "
            f"FROM {source}jsonb_populate_record({null}, {given.document(f'v{place}')}) AS v, "
            f"jsonb_populate_record({null}, {given(f'w{place}', 'jsonb')}) AS w "
            f"WHERE {matches}{gate.replace('WHERE', 'AND')} RETURNING 1)"
        )
    return Statement(f"WITH {', '.join(parts)} SELECT {', '.join(_results(shape))}", tuple(given.names))


def _results(shape: Shape) -> list[str]:
    held = _count(FENCE) if shape.fence else "CAST(1 AS bigint)"
    results = [held, "(SELECT last FROM number)" if shape.numbered else "CAST(0 AS bigint)"]
    if shape.numbered and shape.fence:
        results.append(_must(FENCE, "1"))  # else the series would keep a number that nobody has
    for place, (*_, rows) in enumerate(shape.updates):
        results.append(_must(f"u{place}", f"{rows} * {held}"))
    return results


def _count(part: str) -> str:
    return f"(SELECT count(*) FROM {part})"


def _must(part: str, wanted: str) -> str:
    return f"CASE WHEN {_count(part)} = {wanted} THEN 0 ELSE CAST('{part} met ' || {_count(part)} AS integer) END AS {part}"


def _number_sql(given: _Parameters) -> str:
    """The next number, in digits and as it is said; the series' row stays locked until the statement has ended."""
    return (
        f"taken AS (INSERT INTO series AS s (entity_id, name, last) VALUES ({given('number_entity', 'text')}, "
        f"{given('number_series', 'text')}, 1) ON CONFLICT (entity_id, name) DO UPDATE SET last = s.last + 1 "
        "RETURNING last), "
        f"number AS (SELECT last, CAST(last AS text) AS count, {given('number_lead', 'text')} || lpad(CAST(last AS text), "
        f"greatest({given('number_digits', 'integer')}, length(CAST(last AS text))), '0') AS said FROM taken)"
    )


def _fence_sql(shape: Shape, given: _Parameters, source: str) -> str:
    record = f"{source}jsonb_populate_record(CAST(NULL AS deals), {given.document(FENCE)}) AS v"
    if shape.fence == "opening":
        listed = _listed(shape.fence_columns)
        return (
            f"{FENCE} AS (INSERT INTO deals ({listed}) SELECT {listed} FROM {record} WHERE true "
            "ON CONFLICT (id) DO NOTHING RETURNING 1)"
        )
    assigned = f", {_assignments(shape.fence_columns)}" if shape.fence_columns else ""
    # id and turn are compared as plain parameters: after a wait for the row's lock only they are judged again
    return (
        f"{FENCE} AS (UPDATE deals AS t SET turn = t.turn + 1{assigned} FROM {record} "
        f"WHERE t.id = {given('deal_id', 'text')} AND t.turn = {given('turn', 'integer')} RETURNING 1)"
    )


def _assignments(columns: Iterable[str]) -> str:
    return ", ".join(f"{_quoted(column)} = v.{_quoted(column)}" for column in columns)


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(_quoted(column) for column in columns)


def _quoted(name: str) -> str:
    return f'"{name}"'
