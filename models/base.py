"""Column conventions of every table: names decide types (`*_minor` BIGINT, `currency` CHAR(3)), text is TEXT."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

from sqlalchemy import (
    ARRAY,
    CHAR,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Integer,
    Text,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.base import SchemaEventTarget
from sqlmodel import Field, SQLModel
from sqlmodel.sql.sqltypes import AutoString

SQLModel.metadata.naming_convention = {
    "pk": "%(table_name)s_pk",
    "fk": "%(table_name)s_%(column_0_N_name)s_fk",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_ix",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}

# Top-level None is SQL NULL, never JSON null: jsonb_populate_recordset (models/write.py) knows no other, so the
# ORM path must agree. None inside a document stays JSON null.
DOCUMENT = JSONB(none_as_null=True)

Json = Annotated[dict[str, Any], Field(sa_type=DOCUMENT)]
OptionalJson = Annotated[dict[str, Any] | None, Field(sa_type=DOCUMENT)]
Texts = Annotated[list[str], Field(sa_type=ARRAY(Text))]
Quantity = Annotated[Decimal, Field(max_digits=28, decimal_places=12)]
Share = Annotated[Decimal, Field(max_digits=9, decimal_places=6)]
"""A rate such as 0.2 (20 %): NUMERIC(9,6)."""

Recorded = Annotated[datetime | None, Field(nullable=False, sa_column_kwargs={"server_default": text("now()")})]
"""Filled by the database's machine clock; every other date of a row comes from the step that wrote it."""

Serial = Annotated[int | None, Field(primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])]


@event.listens_for(Column, "before_parent_attach", propagate=True)
def _type_by_name(column: SchemaEventTarget, _table: SchemaEventTarget) -> None:
    """Give each column the type its name promises; SQLModel's own defaults are VARCHAR and INTEGER."""
    if not isinstance(column, Column):
        return
    if isinstance(column.type, AutoString):
        column.type = CHAR(3) if column.name == "currency" else Text()
    elif isinstance(column.type, Integer) and column.name.endswith("_minor"):
        column.type = BigInteger()


class Row(SQLModel):
    """The base of every table. Rows are values to be written: made in one go, unknown columns refused.

    SQLModel's own constructor sets column by column through both of its parents, 50 µs a row: as much as PostgreSQL
    needs to store it.
    """

    def __init__(self, **values: Any) -> None:
        table = type(self)
        if not values.keys() <= table.model_fields.keys():
            unknown = ", ".join(sorted(values.keys() - table.model_fields.keys()))
            raise TypeError(f"{table.__name__} has no column {unknown}")
        self.__dict__.update(_defaults(table) | values)
        object.__setattr__(self, "__pydantic_fields_set__", set(values))
        object.__setattr__(self, "__pydantic_extra__", None)
        object.__setattr__(self, "__pydantic_private__", None)


@cache
def _defaults(table: type[Row]) -> dict[str, Any]:
    return {name: field.default for name, field in table.model_fields.items() if not field.is_required()}


def one_of(column: str, values: Sequence[str]) -> CheckConstraint:
    """A status list as text + CHECK: a native ENUM stays behind after a downgrade."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def currency_code(column: str = "currency") -> CheckConstraint:
    """Three capital letters, as ISO 4217 spells them."""
    return CheckConstraint(f"{column} ~ '^[A-Z]{{3}}$'", name=column)


def not_negative(*columns: str) -> CheckConstraint:
    return CheckConstraint(" AND ".join(f"{column} >= 0" for column in columns), name="not_negative")


def positive(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} > 0", name=f"{column}_positive")


def together(table: str, columns: dict[str, str]) -> ForeignKeyConstraint:
    """A composite foreign key: what belongs together (deal and entity, invoice and deal) cannot be mixed up."""
    return ForeignKeyConstraint(list(columns), [f"{table}.{target}" for target in columns.values()])
