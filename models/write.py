"""The one door for a step's writes: rows of many tables, updates and the deal's fence in ONE statement, all or nothing.

    held = await write(
        session,
        [step_row, timeline_row, invoice_row, *line_rows, entry_row, *journal_rows, outbox_row],
        fence=Fence(deal.id, deal.turn, {"stage": "active", "next_kind": "bill", "next_at": at, "state": state}),
        updates=[Update(ContractRow, {"stage": "active"}, where={"id": contract_id})],
    )

Every insert and update hangs on the fence: where the turn is taken, nothing is written.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from models.deal import DealRow

UNIQUE_VIOLATION = "23505"


class DuplicateRow(Exception):
    """A key that exists already: the same thing was written before. The transaction is rolled back."""

    def __init__(self, table: str, constraint: str, detail: str) -> None:
        super().__init__(f"{table}: {constraint}: {detail}")
        self.table = table
        self.constraint = constraint
        self.detail = detail


class WrongRowCount(Exception):
    """An `Update` met another number of rows than it expected. The transaction is rolled back."""

    def __init__(self, table: str, where: Mapping[str, Any], expected: int, found: int) -> None:
        super().__init__(f"{table} where {dict(where)}: {found} rows changed, expected {expected}")
        self.table = table
        self.where = where
        self.expected = expected
        self.found = found


@dataclass(frozen=True, slots=True)
class Fence:
    """Moves the deal's row from `turn` to `turn + 1` and sets `updates` on it, or holds everything back."""

    deal_id: str
    turn: int
    updates: Mapping[str, Any] = field(default_factory=dict)
    row: DealRow | None = None

    @classmethod
    def opening(cls, row: DealRow) -> "Fence":
        """The deal's first step: inserts its row, at turn 1 whatever the row says. Not held where it exists."""
        return cls(row.id, 0, {}, row)


@dataclass(frozen=True, slots=True)
class Update:
    """`UPDATE table SET values WHERE every column of where equals`, which must meet `rows` rows.

    It sees the rows as they were before the statement: not those inserted by the same `write`, and the deal's own
    row is the fence's.
    """

    table: type[SQLModel]
    values: Mapping[str, Any]
    where: Mapping[str, Any]
    rows: int = 1


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the text of the statement depends on; equal shapes share one prepared statement."""

    fence: str  # "", "opening" or "turn"
    fence_columns: tuple[str, ...]
    inserts: tuple[tuple[str, tuple[str, ...]], ...]
    updates: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]


async def write(
    session: AsyncSession, rows: Iterable[SQLModel] = (), *, fence: Fence | None = None, updates: Sequence[Update] = ()
) -> bool:
    """Write all of it in one statement. True: written. False: the turn was taken; nothing was written and the
    transaction is rolled back (a number taken from a series goes back too), so the caller reads what took it.

    Columns that the database fills (`recorded_at`, serial ids) are left to it where they are None. None is SQL NULL.
    Raises DuplicateRow on a unique key, WrongRowCount where an update missed, and IntegrityError for every other
    constraint; each leaves the transaction rolled back. Raises ValueError or TypeError, before anything is sent, for
    a naive datetime, a float or a column that does not exist.
    """
    groups = _groups(rows)
    shape = _Shape(
        "" if fence is None else "opening" if fence.row is not None else "turn",
        _fence_columns(fence),
        tuple(groups),
        tuple((_table(u.table).name, tuple(u.values), tuple(u.where)) for u in updates),
    )
    parameters = _parameters(groups, fence, updates)
    if not parameters:
        return True
    try:
        counts = (await session.execute(_statement(shape), parameters)).one()
    except IntegrityError as error:
        await session.rollback()
        raise _named(error) from error
    except BaseException:
        await session.rollback()
        raise
    if fence is not None and counts[0] == 0:
        await session.rollback()
        return False
    for update, found in zip(updates, counts[1:], strict=True):
        if found != update.rows:
            await session.rollback()
            raise WrongRowCount(_table(update.table).name, update.where, update.rows, found)
    return True


# ------------------------------------------------------------------ the statement
# ruff: noqa: S608 (every name in the text is a table's or column's own, checked before; every value is a parameter)


@lru_cache(maxsize=512)
def _statement(shape: _Shape) -> TextClause:
    gate = " WHERE EXISTS (SELECT FROM fence)" if shape.fence else ""
    parts = [_fence_sql(shape)] if shape.fence else []
    for number, (table, columns) in enumerate(shape.inserts):
        listed = _listed(columns)
        parts.append(
            f"i{number} AS (INSERT INTO {_quoted(table)} ({listed}) SELECT {listed} "
            f"FROM jsonb_populate_recordset(CAST(NULL AS {_quoted(table)}), CAST(:i{number} AS jsonb)){gate})"
        )
    for number, (table, columns, where) in enumerate(shape.updates):
        name = _quoted(table)
        matches = " AND ".join(f"t.{_quoted(c)} = w.{_quoted(c)}" for c in where)
        parts.append(
            f"u{number} AS (UPDATE {name} AS t SET {_assignments(columns)} "
            f"FROM jsonb_populate_record(CAST(NULL AS {name}), CAST(:v{number} AS jsonb)) AS v, "
            f"jsonb_populate_record(CAST(NULL AS {name}), CAST(:w{number} AS jsonb)) AS w "
            f"WHERE {matches}{' AND EXISTS (SELECT FROM fence)' if shape.fence else ''} RETURNING 1)"
        )
    counted = ["(SELECT count(*) FROM fence)" if shape.fence else "CAST(1 AS bigint)"]
    counted += [f"(SELECT count(*) FROM u{number})" for number in range(len(shape.updates))]
    return text(f"WITH {', '.join(parts)} SELECT {', '.join(counted)}")


def _fence_sql(shape: _Shape) -> str:
    listed = _listed(shape.fence_columns)
    if shape.fence == "opening":
        return (
            f"fence AS (INSERT INTO deals ({listed}) SELECT {listed} "
            "FROM jsonb_populate_record(CAST(NULL AS deals), CAST(:fence AS jsonb)) WHERE true "
            "ON CONFLICT (id) DO NOTHING RETURNING 1)"
        )
    assigned = f", {_assignments(shape.fence_columns)}" if shape.fence_columns else ""
    # id and turn are compared as plain parameters: after a wait for the row's lock only they are judged again
    return (
        f"fence AS (UPDATE deals AS t SET turn = t.turn + 1{assigned} "
        "FROM jsonb_populate_record(CAST(NULL AS deals), CAST(:fence AS jsonb)) AS v "
        "WHERE t.id = CAST(:deal_id AS text) AND t.turn = CAST(:turn AS integer) RETURNING 1)"
    )


def _assignments(columns: Iterable[str]) -> str:
    return ", ".join(f"{_quoted(c)} = v.{_quoted(c)}" for c in columns)


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(_quoted(c) for c in columns)


def _quoted(name: str) -> str:
    return f'"{name}"'


# ------------------------------------------------------------------ its parameters


_Groups = dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]]


def _groups(rows: Iterable[SQLModel]) -> _Groups:
    """Rows by table and filled columns, in the order of the foreign keys: writers lock in one order."""
    groups: _Groups = {}
    for row in rows:
        values = _values(row)
        groups.setdefault((_table(type(row)).name, tuple(values)), []).append(values)
    order = _order()
    return dict(sorted(groups.items(), key=lambda group: order[group[0][0]]))


def _values(row: SQLModel) -> dict[str, Any]:
    """The columns to send: all but those that the database fills and the row leaves open."""
    given = vars(row)
    return {
        name: value if value is None or kind is JSONB else _value(name, value)
        for name, kind, filled in _columns(type(row))
        if (value := given.get(name)) is not None or not filled
    }


def _parameters(groups: _Groups, fence: Fence | None, updates: Sequence[Update]) -> dict[str, Any]:
    parameters: dict[str, Any] = {f"i{number}": _json(group) for number, group in enumerate(groups.values())}
    if fence is not None:
        if "turn" in fence.updates:
            raise ValueError("the fence moves the turn itself")
        if fence.row is None:
            parameters |= {
                "deal_id": fence.deal_id,
                "turn": fence.turn,
                "fence": _json(_record(DealRow, fence.updates)),
            }
        else:
            parameters["fence"] = _json(_values(fence.row) | {"turn": 1})
    for number, update in enumerate(updates):
        if not update.values or not update.where or None in update.where.values():
            raise ValueError(f"an update of {update.table.__name__} needs values, and a where without NULL")
        if update.table is DealRow and fence is not None:
            raise ValueError("the deal's row is updated by its fence")
        parameters[f"v{number}"] = _json(_record(update.table, update.values))
        parameters[f"w{number}"] = _json(_record(update.table, update.where))
    return parameters


def _record(model: type[SQLModel], values: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {name: kind for name, kind, _ in _columns(model)}
    unknown = [name for name in values if name not in kinds]
    if unknown:
        raise ValueError(f"{model.__tablename__} has no column {', '.join(unknown)}")
    return {name: value if kinds[name] is JSONB else _value(name, value) for name, value in values.items()}


@cache
def _columns(model: type[SQLModel]) -> tuple[tuple[str, type, bool], ...]:
    """Name, kind of type, and whether the database fills it."""
    return tuple((c.name, type(c.type), c.server_default is not None) for c in _table(model).columns)


def _value(name: str, value: Any) -> Any:
    """A value as `jsonb_populate_recordset` reads it back exactly: decimals as text, bytes as hex."""
    if isinstance(value, (str, int)):
        return value
    if isinstance(value, (Decimal, date)):
        return _plain(value)
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, float):
        raise TypeError(f"{name}: a float ({value}) is no amount; use int or Decimal")
    return value


def _plain(value: Any) -> str:
    """What JSON has no word for."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is no number")
        return str(value)
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise ValueError(f"{value} has no time zone")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written")


def _fence_columns(fence: Fence | None) -> tuple[str, ...]:
    if fence is None:
        return ()
    return tuple(fence.updates) if fence.row is None else tuple(_values(fence.row))


def _json(document: Any) -> str:
    return json.dumps(document, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@cache
def _table(model: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(model.__tablename__)]


@cache
def _order() -> dict[str, int]:
    return {table.name: place for place, table in enumerate(SQLModel.metadata.sorted_tables)}


def _named(error: IntegrityError) -> Exception:
    cause = error.orig.__cause__ if error.orig is not None else None
    if getattr(cause, "sqlstate", None) != UNIQUE_VIOLATION:
        return error
    return DuplicateRow(
        getattr(cause, "table_name", ""), getattr(cause, "constraint_name", ""), getattr(cause, "detail", "") or ""
    )
