"""What a request may look like: unknown members are refused, words have a length, codes have a form."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from domain.calendar import UnknownZone, local_date
from domain.money import UnknownCurrency, exponent

NAME = "^[a-z][a-z0-9_-]{1,39}$"


class Schema(BaseModel):
    """A request: nothing unknown passes."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Out(BaseModel):
    """An answer. It is read from rows by attribute."""

    model_config = ConfigDict(from_attributes=True)


def _currency(code: str) -> str:
    try:
        exponent(code)
    except UnknownCurrency as error:
        raise ValueError(f"{code} is not a currency of ISO 4217") from error
    return code


def _zone(name: str) -> str:
    try:
        local_date(datetime(2026, 1, 1, tzinfo=UTC), name)
    except UnknownZone as error:
        raise ValueError(f"{name} is not an IANA time zone") from error
    return name


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{at} is before the first or after the last instant there is") from error


# what turns the direction of the text behind it: a name with one of them could show a figure beside it the other way round
TURNING = "\u202a-\u202e\u2066-\u2069"
MOST = 2**31 - 1  # of a whole number, as the tables hold it

Id = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
VersionNumber = Annotated[int, Field(ge=1, le=MOST)]
OwnId = Annotated[str, Field(pattern=NAME, description="An id of your choice; made for you where it is left out.")]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=f"^[^\\r\\n\\x00{TURNING}]*$")]
Text = Annotated[str, Field(max_length=2000, pattern=f"^[^\\x00{TURNING}]*$")]
Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+$")]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1, two letters")]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217"), AfterValidator(_currency)]
Zone = Annotated[str, Field(max_length=60, description="IANA time zone"), AfterValidator(_zone)]
Language = Annotated[Literal["en", "fr"], Field(description="of documents and pages")]
At = Annotated[AwareDatetime, AfterValidator(_utc)]
Share = Annotated[
    Decimal,
    Field(ge=0, lt=1, max_digits=9, decimal_places=6),
    PlainSerializer(lambda v: format(v, "f"), return_type=str, when_used="json"),
]
Figure = Annotated[Decimal, PlainSerializer(lambda v: format(v.normalize(), "f"), return_type=str, when_used="json")]

__all__ = [
    "At",
    "Country",
    "Currency",
    "Email",
    "Figure",
    "Id",
    "Language",
    "Line",
    "Out",
    "OwnId",
    "Schema",
    "Share",
    "Text",
    "VersionNumber",
    "Zone",
    "date",
]
