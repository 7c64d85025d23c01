"""Who works here and when, in a terminal: people and calendars are imported, listed by group, and told where they are wrong."""

import json
from pathlib import Path

from tests.cli.conftest import Q2c

PEOPLE = """people:
  - {email: ines@acme.example, name: Ines Berg, role: finance, groups: [treasury], manager: otto@acme.example, country: AT}
  - {email: otto@acme.example, name: Otto Weiss, role: finance, groups: [board], country: AT, zone: Europe/Vienna}
"""
CALENDARS = """# two of them
AT: {zone: Europe/Vienna, holidays: [2027-01-06]}
"*": {zone: Europe/London}
"""


def test_people_are_listed_by_group(q2c: Q2c, tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    q2c("import", str(tmp_path / "people.yaml"))

    listed = q2c("people", "--group", "treasury").out.splitlines()
    assert [line.split() for line in listed[1:]] == [
        ["ines@acme.example", "Ines", "Berg", "treasury", "otto@acme.example", "AT", "UTC"]
    ]
    assert {"ines@acme.example", "otto@acme.example"} <= {
        each["email"] for each in json.loads(q2c("people", "--json").out)
    }
    assert q2c("people", "--group", "tresury").out == "nobody is in tresury\n"


def test_calendars_are_imported_once(q2c: Q2c, tmp_path: Path) -> None:
    path = tmp_path / "calendars.yaml"
    path.write_text(CALENDARS, encoding="utf-8")

    assert [line.split()[1:] for line in q2c("import", str(path)).out.splitlines()] == [
        ["AT", "version", "1"],
        ["*", "version", "1"],
    ]
    assert q2c("import", str(path)).out.count("as it was") == 2

    path.write_text(CALENDARS.replace("Europe/Vienna", "Europe/Wien"), encoding="utf-8")
    refused = q2c("import", str(path), fails=1).err
    assert refused.startswith(f"{path}:2:12: AT.zone: 'Europe/Wien' is not an IANA time zone")


def test_what_is_no_mail_address_is_told_in_words(q2c: Q2c) -> None:
    refused = q2c("key", "create", "--person", "dana", "--role", "deal_desk", fails=1).err
    assert "  person: expected a mail address such as dana@acme.example, found 'dana'\n" in refused
    said = ("absence", "add", "--since", "2027-03-04", "--until", "2027-03-03")
    assert "until is not after since" in q2c(*said, fails=1).err
    assert "Value error" not in q2c(*said, fails=1).err
