"""How states and messages are written down: JSON by pydantic-core, for Temporal's histories and for the deal's row alike."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)

T = TypeVar("T")


@lru_cache(maxsize=512)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


class _Json(PydanticJSONPlainPayloadConverter):
    """The SDK makes a converter per workflow, and with it a cache; a deal's type takes milliseconds to learn, so all share one."""

    def __init__(self) -> None:
        super().__init__()
        self._type_adapter = _adapter


class PayloadConverter(CompositePayloadConverter):
    """The SDK's own, but for JSON."""

    def __init__(self) -> None:
        usual = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(_Json() if isinstance(each, JSONPlainPayloadConverter) else each for each in usual))


data_converter = DataConverter(payload_converter_class=PayloadConverter)


def to_json(value: object) -> Any:
    """A dataclass as plain JSON values (dates as ISO text, decimals as text): what a JSONB column holds."""
    return to_jsonable_python(value)


def from_json(kind: type[T], data: object) -> T:
    """The dataclass again; raises pydantic's ValidationError where the stored value does not fit."""
    value: T = _adapter(kind).validate_python(data)  # type: ignore[arg-type]  # every class is hashable
    return value
