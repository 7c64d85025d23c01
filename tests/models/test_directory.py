"""Asking reads those concerned and nobody else: who is named, who is in the roles, their deputies and managers, and theirs."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from domain.approving.asking import Whom
from models import directory
from models.access import PersonRow
from models.database import Database
from models.directory import AbsenceRow, CalendarRow
from models.write import write

AT = datetime(2027, 3, 1, 9, tzinfo=UTC)
PEOPLE = {  # who: roles, manager, country
    "ann@x": (["desk"], "Max@x", "DE"),
    "bob@x": (["desk", "night"], None, "DE"),
    "cleo@x": (["other"], None, "FR"),
    "dan@x": ([], "eve@x", "AE"),
    "eve@x": ([], None, "ES"),
    "max@x": ([], "vera@x", ""),
    "vera@x": (["heads"], "max@x", "US"),  # a circle
    "zoe@x": (["sales"], "ann@x", "IT"),
    "yan@x": (["sales"], None, "IT"),
}
ABSENCES = {  # who: deputy, from and until in days from now
    ("ann@x", "cleo@x"): (2, 9),
    ("cleo@x", "Dan@x"): (0, 9),
    ("bob@x", "yan@x"): (-9, -1),
    ("zoe@x", "yan@x"): (0, 9),
}


async def test_those_concerned_are_read_and_nobody_else(database: Database) -> None:
    rows = [
        PersonRow(email=who, name=who, groups=groups, manager=manager, country=country)
        for who, (groups, manager, country) in PEOPLE.items()
    ]
    absences = [
        AbsenceRow(
            id=f"{who}-{to}", person=who, delegate_to=to, since=AT + timedelta(days=since), until=AT + timedelta(days=until),
            created_by="a", created_at=AT,
        )
        for (who, to), (since, until) in ABSENCES.items()
    ]  # fmt: skip
    calendars = [
        CalendarRow(country=country, version=version, content={"zone": zone}, created_by="a", created_at=AT)
        for country, version, zone in (
            ("DE", 1, "UTC"),
            ("DE", 2, "Europe/Berlin"),
            ("IT", 1, "Europe/Rome"),
            ("*", 1, "UTC"),
        )
    ]
    async with database.transaction() as session:
        await write(session, [*rows, *absences, *calendars])
        await session.execute(text("UPDATE absences SET revoked_at = now() WHERE person = 'zoe@x'"))
    async with database.session() as session:
        found = await directory.around(session, AT, Whom(people=("nobody@x",), roles=("desk",)))
        every = await directory.everybody(session, AT)
        none = await directory.around(session, AT, Whom())
    known = [person.email for person in found.directory.people]
    assert sorted(known) == ["ann@x", "bob@x", "cleo@x", "dan@x", "eve@x", "max@x", "vera@x"]
    assert sorted(found.contacts) == sorted(known)
    assert sorted((d.person, d.to) for d in found.directory.delegations) == [("ann@x", "cleo@x"), ("cleo@x", "dan@x")]
    assert [country for country, _ in found.calendars.countries] == ["*", "DE"]
    assert found.calendars.of("DE").zone == "Europe/Berlin"
    assert sorted(person.email for person in every.directory.people) == sorted(PEOPLE)
    assert (none.directory.people, none.directory.delegations) == ((), ())
