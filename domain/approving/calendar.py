"""Patience is counted in hours and days, or in the working hours and days of the approver's country.

As a document, one calendar per country and `*` for all others:

    DE: {zone: Europe/Berlin, opens: "09:00", closes: "17:00", holidays: ["2027-03-26", "2027-03-29"]}
    AE: {zone: Asia/Dubai, weekend: [sat, sun]}      # the defaults: sat and sun, 09:00 to 17:00, no holidays
    "*": {zone: UTC}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.calendar import UnknownZone, local_date
from domain.document import Reader
from domain.errors import Invalid, InvalidDocument, Problem

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OTHERS = "*"
MOST_DAYS = 3_660  # as far as a calendar is searched for a working day
CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
# one unit's nominal length in minutes: only to tell which of two patiences is the shorter one
NOMINAL = {"hours": 60, "business_hours": 180, "days": 1_440, "business_days": 2_016}
SHAPE = "a patience such as 24 hours, 8 business_hours, 3 days or 2 business_days"


class CalendarsInvalid(InvalidDocument):
    """Business calendars with problems, each with its path."""


@dataclass(kw_only=True, eq=False)
class NeverOpen(Invalid):
    """A calendar without a working day in ten years."""

    country: str
    hint: str = "leave at least one day of the week outside the weekend"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long somebody may be silent: `24 hours`, `3 days`, `8 business_hours`, `2 business_days`.

    >>> str(Patience.read("2 business_days")), Patience.read("24 hours").nominal, Patience.read("soon")
    ('2 business_days', 1440, None)
    """

    amount: int
    unit: str

    @classmethod
    def read(cls, said: str) -> Patience | None:
        """The patience that was written, None where it is none (1 to 8760 of a known unit)."""
        found = re.fullmatch(r"([1-9][0-9]{0,3}) (hours|days|business_hours|business_days)", said)
        if found is None or int(found[1]) > 8_760:  # noqa: PLR2004 — a year of hours, told in the docstring
            return None
        return cls(int(found[1]), found[2])

    @property
    def nominal(self) -> int:
        """About how many minutes that is."""
        return self.amount * NOMINAL[self.unit]

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """When people of one country work. Holidays are plain dates: nothing here knows a country's feasts."""

    zone: str = "UTC"
    weekend: frozenset[int] = frozenset({5, 6})
    opens: time = time(9)
    closes: time = time(17)
    holidays: frozenset[date] = frozenset()

    def works(self, on: date) -> bool:
        """Is that a working day?

        >>> Business(holidays=frozenset({date(2027, 3, 26)})).works(date(2027, 3, 26))
        False
        """
        return on.weekday() not in self.weekend and on not in self.holidays

    def day(self, on: date) -> tuple[datetime, datetime]:
        """The instants (UTC) between which that date is worked, on the clocks of the zone."""
        zone = ZoneInfo(self.zone)
        opens, closes = (datetime.combine(on, at, tzinfo=zone).astimezone(UTC) for at in (self.opens, self.closes))
        return opens, max(opens, closes)

    def due(self, since: datetime, patience: Patience) -> datetime:
        """When the patience is over. Raises NeverOpen.

        A business day ends at the hour at which it began, on the next working day; begun outside working hours, it is
        counted from the next opening. On Maundy Thursday at 15:00 in Berlin two business days last until Wednesday
        15:00, over Good Friday, the weekend and Easter Monday:

        >>> berlin = Business(zone="Europe/Berlin", holidays=frozenset({date(2027, 3, 26), date(2027, 3, 29)}))
        >>> berlin.due(datetime(2027, 3, 25, 14, tzinfo=UTC), Patience(2, "business_days")).isoformat()
        '2027-03-31T13:00:00+00:00'
        >>> berlin.due(datetime(2027, 3, 25, 14, tzinfo=UTC), Patience(4, "business_hours")).isoformat()
        '2027-03-30T09:00:00+00:00'
        >>> berlin.due(datetime(2027, 3, 25, 14, tzinfo=UTC), Patience(48, "hours")).isoformat()
        '2027-03-27T14:00:00+00:00'
        """
        match patience.unit:
            case "hours":
                return since + timedelta(hours=patience.amount)
            case "days":
                return self._same_hour(since, local_date(since, self.zone) + timedelta(days=patience.amount))
            case "business_days":
                return self._business_days(self._opening(since), patience.amount)
            case _:
                return self._business_hours(since, timedelta(hours=patience.amount))

    def _same_hour(self, since: datetime, on: date) -> datetime:
        zone = ZoneInfo(self.zone)
        return datetime.combine(on, since.astimezone(zone).time(), tzinfo=zone).astimezone(UTC)

    def _next_working(self, on: date) -> date:
        """That date, or the first working day after it."""
        for ahead in range(MOST_DAYS):
            if self.works(on + timedelta(days=ahead)):
                return on + timedelta(days=ahead)
        raise NeverOpen(country=self.zone)

    def _opening(self, since: datetime) -> datetime:
        """`since` where it is within working hours, otherwise the next opening."""
        on = local_date(since, self.zone)
        if self.works(on):
            opens, closes = self.day(on)
            if since < closes:
                return max(since, opens)
        return self.day(self._next_working(on + timedelta(days=1)))[0]

    def _business_days(self, since: datetime, number: int) -> datetime:
        on = local_date(since, self.zone)
        for _ in range(number):
            on = self._next_working(on + timedelta(days=1))
        return self._same_hour(since, on)

    def _business_hours(self, since: datetime, left: timedelta) -> datetime:
        at = self._opening(since)
        while True:
            _, closes = self.day(local_date(at, self.zone))
            if at + left <= closes:
                return at + left
            left -= closes - at
            at = self._opening(closes)


@dataclass(frozen=True, slots=True)
class Calendars:
    """A calendar for each country; one that is not listed works as `*` says, or Monday to Friday, 9 to 17 UTC."""

    countries: tuple[tuple[str, Business], ...] = ()

    @classmethod
    def parse(cls, mapping: Mapping[str, object]) -> Calendars:
        """Read calendars by country (two letters, or `*`); raises CalendarsInvalid with every problem.

        >>> Calendars.parse({"DE": {"zone": "Europe/Berlin"}}).of("DE").zone
        'Europe/Berlin'
        """
        problems: list[Problem] = []
        reader = Reader(mapping, problems)
        found = []
        for country in reader.names():
            if not re.fullmatch(r"[A-Z]{2}|\*", country):
                reader.problem(country, "expected a country of two letters such as DE, or *")
            found.append((country, _business(reader.section(country))))
        if problems:
            raise CalendarsInvalid(problems=tuple(problems))
        return cls(tuple(found))

    def of(self, country: str) -> Business:
        """How people of this country work."""
        known = dict(self.countries)
        return known.get(country) or known.get(OTHERS) or Business()


def _business(reader: Reader) -> Business:
    zone = reader.text("zone")
    try:
        local_date(datetime(2027, 1, 1, tzinfo=UTC), zone or "UTC")
    except UnknownZone:
        reader.problem("zone", f"{zone!r} is not an IANA time zone such as Europe/Berlin")
    weekend = reader.texts("weekend", ("sat", "sun"), pattern="|".join(WEEKDAYS), shape="a weekday such as sat")
    opens, closes = (
        reader.text(name, usual, pattern=CLOCK, shape="an hour such as 09:00")
        for name, usual in (("opens", "09:00"), ("closes", "17:00"))
    )
    if opens >= closes:
        reader.problem("closes", f"is not after opens ({opens})")
    if set(weekend) == set(WEEKDAYS):
        reader.problem("weekend", "leaves no day to work on")
    holidays = reader.texts("holidays", pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}", shape="a date as in 2026-01-31")
    days = {on for i, said in enumerate(holidays) if (on := _date(reader, f"holidays[{i}]", said)) is not None}
    reader.end()
    if reader.problems:
        return Business()
    return Business(
        zone=zone,
        weekend=frozenset(WEEKDAYS.index(day) for day in weekend),
        opens=time.fromisoformat(opens),
        closes=time.fromisoformat(closes),
        holidays=frozenset(days),
    )


def _date(reader: Reader, name: str, said: str) -> date | None:
    try:
        return date.fromisoformat(said)
    except ValueError:
        reader.problem(name, f"expected a date as in 2026-01-31, found {said!r}")
        return None
