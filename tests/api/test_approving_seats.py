"""What is said of a person reaches the approvals that are open: at once, and for sure where a crash came between."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import text

from api.approving.world import groups_of
from api.caller import Caller, Role
from api.relay import Relay
from api.store import sql
from tests.api.approving import DISCOUNTED, Asked, asked
from tests.api.house import DRAFT, House
from tests.api.sharing import books, one, rows, until

LATE = "INSERT INTO seat_changes (id, person, reason, recorded_at) VALUES (:id, :person, 'away', now() - interval '4 seconds')"
AWAY = """
    INSERT INTO absences (id, person, delegate_to, since, until, away, groups, created_by, created_at)
    VALUES (:id, :person, :to, '2026-01-01', '2099-01-01', true, '{}', 'dana@acme.example', now())
"""


async def write(home: House, query: str, **values: str) -> None:
    """What the API committed before it died."""
    async with home.database.transaction() as session:
        await sql(session, text(query), values)


async def seated(ask: Asked, *names: str) -> None:
    """Once the deal's tables know it."""
    query = "SELECT string_agg(s->>'holder', ' ' ORDER BY s->>'holder') FROM approval_requests, jsonb_array_elements(seats) s WHERE deal_id = :id"
    await until(ask.house, query, " ".join(f"{name}@acme.example" for name in names), id=ask.deal_id)


async def test_what_a_crash_left_untold_is_told_once(home: House, account: str) -> None:
    """The absence and the word that it changes who decides are one transaction; what came after it never happened."""
    ask = await asked(home, account)
    said = {"id": "abs_crash", "person": "dana@acme.example"}
    await write(home, AWAY, **said, to="vera@acme.example")
    await write(home, LATE, **said)
    relay: Relay = home.app.state.relay
    await relay.once()
    await seated(ask, "denis", "vera")
    assert await one(home, "SELECT count(*) FROM seat_changes WHERE told_at IS NULL AND id = 'abs_crash'") == 0

    while await one(home, "SELECT count(*) FROM notices WHERE sent_at IS NULL AND refused_at IS NULL"):
        await relay.once()  # a round waits for a channel for half a second only

    # the relay died before it wrote down that it was told: nothing changes by telling it again
    before = await books(home)
    await write(home, LATE, id="abs_again", person="dana@acme.example")
    await relay.once()
    after = await books(home)
    assert {name for name in before if before[name] != after[name]} <= {"seat_changes"}

    # she is back, and is asked again at once
    back = await home.as_["admin"].post("/v1/absences/abs_crash/revoke")
    assert back.status_code == 200, back.text
    await seated(ask, "dana", "denis")
    told = "SELECT content ->> 'reason', content ->> 'to' FROM approval_entries WHERE deal_id = :id AND kind = 'reseated' ORDER BY id"
    assert await rows(home, told, id=ask.deal_id) == [
        ("away", "vera@acme.example, denis@acme.example"),
        ("dana@acme.example is back", "dana@acme.example, denis@acme.example"),
    ]


async def test_a_key_for_a_group_puts_its_person_into_the_group(home: House, account: str) -> None:
    """Beside the groups they were in; whatever case their address is written in; ending the key changes nothing of it."""
    ask = await asked(home, account)
    said = {"person": "Vera@Acme.example", "role": "deal_desk", "groups": ["sales_manager", "vp"]}
    made = await home.as_["admin"].post("/v1/keys", said)
    assert made.status_code == 201, made.text
    await seated(ask, "dana", "denis", "vera")
    await home.as_["admin"].post(f"/v1/keys/{made.json()['id']}/revoke")
    vera = (await home.as_["admin"].get("/v1/people/VERA@acme.example")).json()
    assert (vera["email"], vera["name"], vera["groups"]) == ("vera@acme.example", "Vera Vice", ["sales_manager", "vp"])
    assert await one(home, "SELECT count(*) FROM people WHERE lower(email) = 'vera@acme.example'") == 1

    # an admin takes her out again, and somebody new in; a name in capitals is the same person
    left = await home.as_["admin"].post("/v1/people", {"email": "VERA@acme.example", "name": "Vera", "groups": ["vp"]})
    assert left.json()["email"] == "vera@acme.example"
    await seated(ask, "dana", "denis")
    await home.as_["admin"].post("/v1/people", {"email": "nora@acme.example", "name": "N", "groups": ["sales_manager"]})
    await seated(ask, "dana", "denis", "nora")


async def test_who_opens_a_deal_for_somebody_else_priced_it(home: House, account: str) -> None:
    """Neither approves it: not the owner, whatever the case of their address, nor the admin, who joins the group later."""
    said = {
        "name": "For Sam",
        "account_id": account,
        "owner": "Sam@acme.example",
        "draft": {**DRAFT, "lines": DISCOUNTED},
    }
    opened = await home.as_["admin"].post("/v1/deals", said)
    assert opened.status_code == 201, opened.text
    deal = opened.json()["id"]
    submitted = await home.as_["sales"].post(f"/v1/deals/{deal}/submit", {"version": 1})
    assert submitted.status_code == 200, submitted.text
    admin = str(await one(home, "SELECT by FROM quote_drafts WHERE deal_id = :id", id=deal))
    await home.as_["admin"].post("/v1/people", {"email": admin, "name": "A", "groups": ["sales_manager"]})
    decision = {"version": 1, "verb": "approve", "reason": "mine"}
    refused = await home.as_["admin"].post(f"/v1/deals/{deal}/decide", decision)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:q2c:problem:OwnDeal")
    query = "SELECT s->>'holder' FROM approval_requests, jsonb_array_elements(seats) s WHERE deal_id = :id"
    assert not {admin, "sam@acme.example"} & {holder for (holder,) in await rows(home, query, id=deal)}


async def test_whoever_left_speaks_for_no_group_whatever_their_key_says(home: House) -> None:
    def caller(person: str) -> Caller:
        return Caller(person=person, role=Role.DEAL_DESK, groups=("of_the_key",), key_id="key")

    gone = {"email": "lee@acme.example", "name": "L", "groups": ["vp"], "left_at": "2026-06-01T00:00:00Z"}
    await home.as_["admin"].post("/v1/people", gone)
    before = datetime(2026, 5, 31, tzinfo=UTC)
    assert await groups_of(home.database, caller("Lee@acme.example")) == ()
    assert await groups_of(home.database, caller("Lee@acme.example"), at=before) == ("vp",)
    assert await groups_of(home.database, caller("nobody@acme.example")) == ("of_the_key",)


CROWD = """
    INSERT INTO people (email, name, groups, country, language, zone, slack)
    SELECT 'c' || n || '@acme.example', 'C' || n, '{sales_manager}', '', 'en', 'UTC', '' FROM generate_series(10, 60) n
"""


async def test_of_a_group_asked_as_a_whole_each_decides_by_their_link(home: House, account: str) -> None:
    """A member whom no seat names, and who stands in for one from outside as long as that one is away."""
    await write(home, CROWD)
    await write(home, AWAY, id="abs_crowd", person="c10@acme.example", to="olga@acme.example")
    ask = await asked(home, account, "c11@acme.example")
    await seated(ask, "olga")
    assert await one(home, "SELECT anyone FROM approval_requests WHERE deal_id = :id", id=ask.deal_id)
    page = await ask.get()
    assert (page.status_code, 'value="approve"' in page.text) == (200, True)
    olga = await ask.for_("olga@acme.example")
    assert "C10" in (await olga.get()).text, "she speaks for C10"
    assert (await (await ask.for_("sam@acme.example")).get()).status_code == 403
    await home.as_["admin"].post("/v1/absences/abs_crowd/revoke")
    await until(home, "SELECT seats = '[]' FROM approval_requests WHERE deal_id = :id", True, id=ask.deal_id)
    assert (await olga.get()).status_code == 403
    await ask.send("approve", reason="as any of us would")
    await until(home, "SELECT count(*) FROM approval_votes WHERE deal_id = :id", 1, id=ask.deal_id)
    voted = "SELECT by, hands FROM approval_votes WHERE deal_id = :id"
    assert await rows(home, voted, id=ask.deal_id) == [("c11@acme.example", ["c11@acme.example"])]
