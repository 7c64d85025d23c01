"""Business hours and days by the approver's country: tables over holidays, weekends, closing time and summer time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.approving.calendar import Business, Calendars, CalendarsInvalid, NeverOpen, Patience
from domain.calendar import local_date
from domain.errors import Problem

EASTER = frozenset({date(2027, 3, 26), date(2027, 3, 29)})
BERLIN = Business(zone="Europe/Berlin", holidays=EASTER)  # 9 to 17 is 8 to 16 UTC in winter, 7 to 15 from 28 March
DUBAI = Business(zone="Asia/Dubai", weekend=frozenset({4, 5}))  # Friday and Saturday
AUCKLAND = Business(zone="Pacific/Auckland")  # 9 to 17 is 20 to 4 UTC, of the day before, until 3 April 2027
KOLKATA = Business(zone="Asia/Kolkata")  # 9 to 17 is 3:30 to 11:30 UTC, the whole year
NEPAL = Business(zone="Asia/Kathmandu", weekend=frozenset({5}))  # a quarter more; Saturday alone
LORD_HOWE = Business(
    zone="Australia/Lord_Howe"
)  # half an hour of summer time, until 4 April 2027: 22:00, then 22:30 UTC
YEARS_END = Business(
    zone="Europe/Berlin",
    holidays=frozenset({date(2027, 12, 24), date(2027, 12, 31), date(2028, 1, 1), date(2028, 1, 6)}),
)
APIA = Business(zone="Pacific/Apia", holidays=frozenset({date(2028, 1, 1), date(2028, 1, 3)}))  # UTC+13
NIGHT = Business(
    zone="Europe/Berlin", weekend=frozenset(), opens=time(2, 30), closes=time(3)
)  # no such hour on 28 March


def at(said: str) -> datetime:
    return datetime.fromisoformat(said).replace(tzinfo=UTC)


def patience(said: str) -> Patience:
    found = Patience.read(said)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("business", "since", "said", "due"),
    [
        (BERLIN, "2027-03-01 10:00", "24 hours", "2027-03-02 10:00"),
        (BERLIN, "2027-03-27 23:30", "1 days", "2027-03-28 22:30"),  # the same hour on the wall, one hour less to wait
        (BERLIN, "2027-03-01 10:00", "1 business_days", "2027-03-02 10:00"),
        (BERLIN, "2027-03-05 10:00", "1 business_days", "2027-03-08 10:00"),  # Friday
        (BERLIN, "2027-03-06 10:00", "1 business_days", "2027-03-09 08:00"),  # Saturday: from Monday's opening
        (BERLIN, "2027-03-25 10:00", "1 business_days", "2027-03-30 09:00"),  # Maundy Thursday, and summer time begins
        (BERLIN, "2027-03-25 20:00", "1 business_days", "2027-03-31 07:00"),  # after closing: from Tuesday's opening
        (BERLIN, "2027-03-01 05:00", "4 business_hours", "2027-03-01 12:00"),  # before opening
        (BERLIN, "2027-03-01 14:00", "4 business_hours", "2027-03-02 10:00"),  # over the night
        (BERLIN, "2027-03-01 08:00", "8 business_hours", "2027-03-01 16:00"),  # a whole day ends at closing
        (BERLIN, "2027-03-01 08:00", "9 business_hours", "2027-03-02 09:00"),
        (BERLIN, "2027-03-25 15:00", "2 business_hours", "2027-03-30 08:00"),  # over Easter
        (BERLIN, "2027-03-01 16:00", "1 business_hours", "2027-03-02 09:00"),  # at closing, today is over
        (DUBAI, "2027-03-04 10:00", "1 business_days", "2027-03-07 10:00"),  # Thursday to Sunday
        (Business(), "2027-03-05 12:00", "1 business_days", "2027-03-08 12:00"),
        (AUCKLAND, "2027-03-01 21:00", "1 business_days", "2027-03-02 21:00"),  # their Tuesday
        (AUCKLAND, "2027-03-04 21:00", "1 business_days", "2027-03-07 21:00"),  # their Friday to their Monday
        (AUCKLAND, "2027-03-04 20:00", "9 business_hours", "2027-03-07 21:00"),
        (AUCKLAND, "2027-03-05 21:00", "1 business_hours", "2027-03-07 21:00"),  # their Saturday
        (AUCKLAND, "2027-03-31 21:00", "2 days", "2027-04-02 21:00"),
        (AUCKLAND, "2027-03-31 21:00", "4 days", "2027-04-04 22:00"),  # an hour later: their winter time has begun
        (KOLKATA, "2027-03-05 11:00", "1 business_days", "2027-03-08 11:00"),  # their Friday, half past four
        (KOLKATA, "2027-03-05 11:00", "1 business_hours", "2027-03-08 04:00"),  # half an hour left, half on Monday
        (KOLKATA, "2027-03-01 18:40", "1 days", "2027-03-02 18:40"),  # past midnight there
        (NEPAL, "2027-03-05 11:10", "8 business_hours", "2027-03-07 11:10"),  # five minutes of Friday, then Sunday
        (LORD_HOWE, "2027-04-01 23:00", "2 business_days", "2027-04-05 23:30"),  # their Friday at 10 to Tuesday at 10
        (LORD_HOWE, "2027-04-03 12:00", "1 days", "2027-04-04 12:30"),
        (YEARS_END, "2027-12-23 15:00", "1 business_days", "2027-12-27 15:00"),  # Christmas falls on the weekend
        (YEARS_END, "2027-12-30 15:30", "1 business_hours", "2028-01-03 08:30"),  # over the year's end
        (YEARS_END, "2027-12-30 10:00", "3 business_days", "2028-01-05 10:00"),
        (YEARS_END, "2027-12-30 10:00", "4 business_days", "2028-01-07 10:00"),  # Epiphany
        (YEARS_END, "2027-12-31 22:59", "1 days", "2028-01-01 22:59"),  # a minute before midnight there
        (YEARS_END, "2028-02-28 10:00", "1 business_days", "2028-02-29 10:00"),
        (APIA, "2027-12-30 22:00", "1 business_days", "2028-01-03 22:00"),  # it is the 31st there, and the 4th when due
        (
            NIGHT,
            "2027-03-27 00:00",
            "1 business_hours",
            "2027-03-29 01:00",
        ),  # half an hour on the 27th, none on the 28th
    ],
)
def test_when_a_patience_is_over(business: Business, since: str, said: str, due: str) -> None:
    assert business.due(at(since), patience(said)) == at(due)


@pytest.mark.parametrize("said", ["", "soon", "0 hours", "1 hour", "1.5 days", "9000 hours", "2 weeks", "-1 days"])
def test_what_is_no_patience(said: str) -> None:
    assert Patience.read(said) is None


def test_the_shorter_of_two_patiences() -> None:
    said = ("1 hours", "1 business_hours", "1 days", "1 business_days")
    assert [patience(each).nominal for each in said] == sorted({patience(each).nominal for each in said})


def test_a_calendar_without_a_working_day_is_refused() -> None:
    never = Business(weekend=frozenset(range(7)))
    with pytest.raises(NeverOpen):
        never.due(at("2027-03-01 10:00"), Patience(1, "business_days"))


instants = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
businesses = st.builds(
    Business,
    zone=st.sampled_from(
        (
            "Europe/Berlin",
            "Asia/Dubai",
            "America/New_York",
            "Pacific/Auckland",
            "UTC",
            "Asia/Kolkata",
            "Australia/Lord_Howe",
        )
    ),
    weekend=st.frozensets(st.integers(0, 6), max_size=4),
    holidays=st.frozensets(st.dates(date(2026, 1, 1), date(2029, 3, 1)), max_size=30),
)
units = st.sampled_from(("hours", "days", "business_hours", "business_days"))


@settings(deadline=None)
@given(businesses, instants, st.integers(1, 60), units)
def test_business_time_ends_in_business_time(business: Business, since: datetime, amount: int, unit: str) -> None:
    due = business.due(since, Patience(amount, unit))
    assert due > since
    if unit.startswith("business"):
        on = local_date(due, business.zone)
        assert business.works(on)
        opens, closes = business.day(on)
        assert opens <= due <= closes


@settings(deadline=None)
@given(businesses, instants, st.integers(1, 60), units)
def test_more_patience_is_never_over_sooner(business: Business, since: datetime, amount: int, unit: str) -> None:
    assert business.due(since, Patience(amount, unit)) < business.due(since, Patience(amount + 1, unit))


@settings(deadline=None)
@given(businesses, instants, instants, st.integers(1, 40), units)
def test_who_is_asked_later_is_due_no_sooner(
    business: Business, one: datetime, other: datetime, amount: int, unit: str
) -> None:
    early, late = sorted((one, other))
    slack = timedelta(hours=1) if unit == "days" else timedelta(0)  # clocks go back: one wall hour comes twice
    assert business.due(early, Patience(amount, unit)) <= business.due(late, Patience(amount, unit)) + slack


@settings(deadline=None)
@given(businesses, instants, st.integers(1, 20))
def test_business_days_count_the_working_days_between(business: Business, since: datetime, amount: int) -> None:
    due = local_date(business.due(since, Patience(amount, "business_days")), business.zone)
    on = local_date(since, business.zone)
    between = sum(business.works(on + timedelta(days=n)) for n in range(1, (due - on).days + 1))
    assert between in (amount, amount + 1), "one more where it began outside of working hours"


def test_calendars_by_country() -> None:
    calendars = Calendars.parse(
        {
            "DE": {"zone": "Europe/Berlin", "holidays": ["2027-03-26", "2027-03-29"]},
            "AE": {"zone": "Asia/Dubai", "weekend": ["fri", "sat"]},
            "*": {"zone": "Europe/Paris", "opens": "08:30", "closes": "18:00"},
        }
    )
    assert calendars.of("DE") == BERLIN
    assert calendars.of("AE") == DUBAI
    assert calendars.of("FR") == Business(zone="Europe/Paris", opens=time(8, 30), closes=time(18))
    assert calendars.of("") == calendars.of("FR")
    assert Calendars().of("FR") == Business()


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ({"Germany": {"zone": "UTC"}}, Problem("Germany", "expected a country of two letters such as DE, or *")),
        ({"DE": {}}, Problem("DE.zone", "is missing")),
        ({"DE": {"zone": "Berlin"}}, Problem("DE.zone", "'Berlin' is not an IANA time zone such as Europe/Berlin")),
        (
            {"DE": {"zone": "UTC", "weekend": ["Sunday"]}},
            Problem("DE.weekend[0]", "expected a weekday such as sat, found 'Sunday'"),
        ),
        (
            {"DE": {"zone": "UTC", "weekend": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}},
            Problem("DE.weekend", "leaves no day to work on"),
        ),
        ({"DE": {"zone": "UTC", "closes": "08:00"}}, Problem("DE.closes", "is not after opens (09:00)")),
        ({"DE": {"zone": "UTC", "opens": "17:00"}}, Problem("DE.closes", "is not after opens (17:00)")),
        (
            {"DE": {"zone": "UTC", "holidays": ["2027-02-30"]}},
            Problem("DE.holidays[0]", "expected a date as in 2026-01-31, found '2027-02-30'"),
        ),
        ({"DE": {"zone": "UTC", "feast": 1}}, None),
    ],
)
def test_calendars_are_refused_by_field(mapping: dict[str, Any], problem: Problem | None) -> None:
    with pytest.raises(CalendarsInvalid) as refusal:
        Calendars.parse(mapping)
    assert problem is None or refusal.value.problems == (problem,)
