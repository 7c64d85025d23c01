"""A list is read by cursor: opaque, stable under inserts, never an offset."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from api.errors import Refusal

Item = TypeVar("Item")
Row = TypeVar("Row")

LARGEST_PAGE = 200

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="How many items at most.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before.")]


class Page(BaseModel, Generic[Item]):
    """One page: `next_cursor` is null on the last one."""

    items: list[Item]
    next_cursor: str | None = Field(default=None, description="Give it as `cursor` to read on; null at the end.")


def encode(*key: str | int | date | datetime) -> str:
    """The place after which the next page begins.

    >>> decode(encode(7, "d_1"), int, str)
    (7, 'd_1')
    """
    plain = [part.isoformat() if isinstance(part, date) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def decode(cursor: str, *types: type) -> tuple[object, ...]:
    """A cursor's parts, each of its type. Raises a 422 refusal for anything that we did not make."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return tuple(_typed(part, type_) for part, type_ in zip(parts, types, strict=True))
    except (ValueError, TypeError, binascii.Error, UnicodeDecodeError) as error:
        raise Refusal(
            422,
            "CursorInvalid",
            "the cursor is not one of ours",
            where="query.cursor",
            hint="give next_cursor unchanged",
        ) from error


def _typed(part: object, type_: type) -> object:
    if type_ in {date, datetime} and isinstance(part, str):
        return type_.fromisoformat(part)
    if type(part) is not type_:
        raise ValueError
    return part


def page(rows: Sequence[Row], limit: int, key: Callable[[Row], str], out: Callable[[Row], Item]) -> Page[Item]:
    """A page from `limit + 1` rows: the one too many only says that there is more."""
    shown = rows[:limit]
    return Page(items=[out(row) for row in shown], next_cursor=key(shown[-1]) if len(rows) > limit else None)
