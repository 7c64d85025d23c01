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
from functools import cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database
from models.deal import DealRow
from models.statement import FENCE, Shape, missed, statement

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
class NextNumber:
    """The next number of a gapless series, taken by the very statement that writes it: the series' row is locked no
    longer than that. Columns and texts say `said` (the lead, then the count with at least so many digits) and `count`
    as long as it is not known; `mark` makes both of them words that nobody else says, such as the row's id.
    """

    entity_id: str
    series: str
    lead: str
    digits: int
    mark: str

    @property
    def said(self) -> str:
        return f"<number of {self.mark}>"

    @property
    def count(self) -> str:
        return f"<count of {self.mark}>"

    def of(self, count: int) -> str:
        """What is written where `said` stands, once the count is known."""
        return f"{self.lead}{count:0{self.digits}d}"


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
    sql, values = _prepared(rows, fence, updates)
    if not values:
        return True
    try:
        row = (await (await session.connection()).exec_driver_sql(sql, values)).one()
    except DBAPIError as error:
        await session.rollback()
        _raise_named(error, updates)
        raise
    except BaseException:
        await session.rollback()
        raise
    if row[0] == 0:
        await session.rollback()
    return bool(row[0])


async def write_alone(
    database: Database,
    rows: Iterable[SQLModel] = (),
    *,
    fence: Fence,
    updates: Sequence[Update] = (),
    number: NextNumber | None = None,
) -> int | None:
    """The same without a transaction around it: the statement is one, committed when this returns. Raises the same.

    None: the turn was taken, nothing was written and the series stands where it was. Else the count that the series
    gave (0 where no number was asked for).
    """
    sql, values = _prepared(rows, fence, updates, number)
    try:
        row = await database.row(sql, *values)
    except DBAPIError as error:
        if (found := missed(error)) is not None and found[0] == FENCE:
            return None
        _raise_named(error, updates)
        raise
    return row[1] if row is not None and row[0] else None


_Groups = dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]]


def _prepared(
    rows: Iterable[SQLModel], fence: Fence | None, updates: Sequence[Update], number: NextNumber | None = None
) -> tuple[str, tuple[Any, ...]]:
    """The statement and its parameters; there are none where there is nothing to write."""
    groups = _groups(rows)
    shape = Shape(
        fence="" if fence is None else "opening" if fence.row is not None else "turn",
        fence_columns=_fence_columns(fence),
        inserts=tuple(groups),
        updates=tuple((_table(u.table).name, tuple(u.values), tuple(u.where), u.rows) for u in updates),
        numbered=number is not None,
    )
    named = _parameters(groups, fence, updates, number)
    if not named:
        return "", ()
    text = statement(shape)
    return text.sql, text.values(named)


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


def _parameters(
    groups: _Groups, fence: Fence | None, updates: Sequence[Update], number: NextNumber | None
) -> dict[str, Any]:
    parameters: dict[str, Any] = {f"i{place}": _json(group) for place, group in enumerate(groups.values())}
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
    for place, update in enumerate(updates):
        if not update.values or not update.where or None in update.where.values():
            raise ValueError(f"an update of {update.table.__name__} needs values, and a where without NULL")
        if update.table is DealRow and fence is not None:
            raise ValueError("the deal's row is updated by its fence")
        parameters[f"v{place}"] = _json(_record(update.table, update.values))
        parameters[f"w{place}"] = _json(_record(update.table, update.where))
    if number is not None:
        parameters |= {
            "number_entity": number.entity_id,
            "number_series": number.series,
            "number_lead": json.dumps(number.lead, ensure_ascii=False)[1:-1],  # it goes into JSON
            "number_digits": number.digits,
            "number_said": number.said,
            "number_count": number.count,
        }
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


_ENCODER = json.JSONEncoder(default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _json(document: Any) -> str:
    return _ENCODER.encode(document)


@cache
def _table(model: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(model.__tablename__)]


@cache
def _order() -> dict[str, int]:
    return {table.name: place for place, table in enumerate(SQLModel.metadata.sorted_tables)}


def _raise_named(error: DBAPIError, updates: Sequence[Update]) -> None:
    """What a caller acts upon gets a name; every other error stays as it is."""
    cause = getattr(error.orig, "__cause__", None) or error.orig  # a session's wraps the driver's
    if getattr(cause, "sqlstate", None) == UNIQUE_VIOLATION:
        table, constraint = getattr(cause, "table_name", ""), getattr(cause, "constraint_name", "")
        raise DuplicateRow(table, constraint, getattr(cause, "detail", "") or "") from error
    if (found := missed(error)) is not None:
        update = updates[int(found[0].removeprefix("u"))]
        raise WrongRowCount(_table(update.table).name, update.where, update.rows, found[1]) from error
