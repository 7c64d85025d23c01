"""How states and messages are written down: JSON by pydantic-core, for Temporal's histories and for the deal's row alike."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from temporalio.contrib.pydantic import pydantic_data_converter

T = TypeVar("T")

data_converter = pydantic_data_converter  # type adapters are cached per type


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_json(value: object) -> Any:
    """A dataclass as plain JSON values (dates as ISO text, decimals as text): what a JSONB column holds."""
    return to_jsonable_python(value)


def from_json(kind: type[T], data: object) -> T:
    """The dataclass again; raises pydantic's ValidationError where the stored value does not fit."""
    value: T = _adapter(kind).validate_python(data)  # type: ignore[arg-type]  # every class is hashable
    return value
