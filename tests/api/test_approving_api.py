"""Approvals through the API: every verb, who is away, who left, calendars, a policy checked, tried and applied, evidence."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from domain.approving.evidence import verify
from tests.api.approving import Asked, asked
from tests.api.house import DRAFT, POLICY, STARTS_AT, House
from tests.api.sharing import books, one, rows, until

HOLIDAYS = {"DE": {"zone": "Europe/Berlin", "holidays": ["2027-03-26"]}}


async def decide(ask: Asked, role: str = "deal_desk", **said: Any) -> Any:
    body = {"version": 1, "reason": "because", **said}
    return await ask.house.as_[role].post(f"/v1/deals/{ask.deal_id}/decide", body)


async def holders(ask: Asked) -> list[str]:
    query = "SELECT s->>'holder' FROM approval_requests r, jsonb_array_elements(r.seats) s WHERE deal_id = :id AND status = 'asked' ORDER BY 1"
    return [holder for (holder,) in await rows(ask.house, query, id=ask.deal_id)]


# --- deciding ---------------------------------------------------------------------------------------------------------


async def test_what_waits_for_me_is_what_i_was_asked_by_name(home: House, account: str) -> None:
    ask = await asked(home, account)

    waiting = (await home.as_["deal_desk"].get("/v1/approvals")).json()
    others = (await home.as_["finance"].get("/v1/approvals")).json()

    mine = next(each for each in waiting if each["deal_id"] == ask.deal_id)
    assert (mine["group"], mine["quorum"], mine["policy"]) == ("sales_manager", 1, "standard/1")
    assert [seat["holder"] for seat in mine["seats"]] == ["dana@acme.example", "denis@acme.example"]
    assert others == []


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"verb": "approve", "approve": False},
        {"verb": "delegate"},
        {"verb": "approve", "to": "vera@acme.example"},
        {"verb": "approve", "draft": DRAFT},
        {"verb": "shrug"},
    ],
)
async def test_a_decision_says_one_thing(home: House, account: str, said: dict[str, Any]) -> None:
    ask = await asked(home, account)
    before = await books(home)

    refused = await decide(ask, **said)

    assert refused.status_code == 422
    after = await books(home)
    assert {name for name in after if after[name] != before[name]} <= {"idempotency_keys"}


async def test_a_delegate_must_work_here(home: House, account: str) -> None:
    ask = await asked(home, account)

    refused = await decide(ask, verb="delegate", to="ghost@acme.example")

    assert (refused.status_code, refused.json()["type"]) == (422, "urn:q2c:problem:UnknownPerson")
    assert await holders(ask) == ["dana@acme.example", "denis@acme.example"]


async def test_a_counter_proposal_is_a_draft_in_the_approvers_name(home: House, account: str) -> None:
    ask = await asked(home, account)
    draft = {**DRAFT, "lines": [{"product": "team", "quantity": 20, "discount_percent": "12"}]}

    answer = await decide(ask, verb="changes", draft=draft)

    assert answer.status_code == 200, answer.text
    await until(home, "SELECT max(version) FROM quote_versions WHERE deal_id = :id", 2, id=ask.deal_id)
    authors = await rows(home, "SELECT by FROM quote_drafts WHERE deal_id = :id ORDER BY created_at", id=ask.deal_id)
    assert authors == [("sam@acme.example",), ("dana@acme.example",)]


async def test_anybody_comments_and_nobody_is_bound_by_it(home: House, account: str) -> None:
    ask = await asked(home, account)
    said = {"version": 1, "text": "The reference is signed.", "mentions": ["dana@acme.example"]}

    answer = await home.as_["sales"].post(f"/v1/deals/{ask.deal_id}/comments", said)

    assert answer.status_code == 200, answer.text
    kept = await rows(home, "SELECT by, text, mentions FROM approval_comments WHERE deal_id = :id", id=ask.deal_id)
    assert kept == [("sam@acme.example", "The reference is signed.", ["dana@acme.example"])]
    assert await ask.status() == "in_approval"


# --- who decides --------------------------------------------------------------------------------------------------------


async def test_a_deputy_is_asked_at_once_and_no_longer_when_i_am_back(home: House, account: str) -> None:
    ask = await asked(home, account)
    desk = home.as_["deal_desk"]
    said = {"delegate_to": "vera@acme.example", "since": STARTS_AT, "until": "2029-01-01T00:00:00Z"}

    made = await desk.post("/v1/absences", said)

    assert made.status_code == 201, made.text
    assert await holders(ask) == ["denis@acme.example", "vera@acme.example"]
    assert [each["id"] for each in (await desk.get("/v1/absences", person="vera@acme.example")).json()] == [
        made.json()["id"]
    ]
    back = await desk.post(f"/v1/absences/{made.json()['id']}/revoke")
    assert back.status_code == 200, back.text
    assert await holders(ask) == ["dana@acme.example", "denis@acme.example"]
    assert (await desk.get("/v1/absences")).json() == []


@pytest.mark.parametrize(
    ("role", "said", "status"),
    [
        ("sales", {"person": "dana@acme.example", "delegate_to": "vera@acme.example"}, 403),
        ("deal_desk", {"delegate_to": "ghost@acme.example"}, 422),
        ("deal_desk", {"delegate_to": "dana@acme.example"}, 422),
        ("deal_desk", {"away": False}, 422),
        ("deal_desk", {"delegate_to": "vera@acme.example", "until": STARTS_AT}, 422),
    ],
)
async def test_an_absence_that_makes_no_sense(
    home: House, account: str, role: str, said: dict[str, Any], status: int
) -> None:
    assert account
    body = {"since": STARTS_AT, "until": "2027-02-01T00:00:00Z", **said}
    refused = await home.as_[role].post("/v1/absences", body)
    assert refused.status_code == status, refused.text
    assert await one(home, "SELECT count(*) FROM absences WHERE revoked_at IS NULL") == 0


async def test_who_leaves_is_asked_no_more(home: House, account: str) -> None:
    said = {"email": "tom@acme.example", "name": "Tom", "groups": ["sales_manager"]}
    await home.as_["admin"].post("/v1/people", said)
    ask = await asked(home, account)
    assert "tom@acme.example" in await holders(ask)

    left = await home.as_["admin"].post("/v1/people", {**said, "left_at": STARTS_AT})

    assert left.status_code == 201, left.text
    assert await holders(ask) == ["dana@acme.example", "denis@acme.example"]
    assert (await (await ask.for_("tom@acme.example")).get()).status_code == 403


async def test_calendars_have_versions(home: House, account: str) -> None:
    assert account
    admin = home.as_["admin"]
    first = await admin.post("/v1/calendars", HOLIDAYS)
    same = await admin.post("/v1/calendars", HOLIDAYS)
    wrong = await admin.post("/v1/calendars", {"DE": {"zone": "Mars/Olympus"}})

    assert (first.status_code, same.status_code, wrong.status_code) == (201, 200, 422)
    assert same.json() == []
    assert wrong.json()["errors"][0]["path"] == "DE.zone"
    known = (await home.as_["sales"].get("/v1/calendars")).json()
    assert [(each["country"], each["version"], each["content"]) for each in known] == [("DE", 1, HOLIDAYS["DE"])]


# --- the policy ---------------------------------------------------------------------------------------------------------


async def test_a_policy_is_checked_with_those_who_work_here(home: House, account: str) -> None:
    assert account
    policy = {**POLICY, "rules": [{"when": {"net_days_over": 30}, "require": [{"group": "nobody_here"}]}]}
    before = await books(home)

    checked = await home.as_["finance"].post("/v1/approval-policies/check", policy, key=None)

    found = {(each["severity"], each["kind"], each["path"]) for each in checked.json()["findings"]}
    assert ("error", "nobody", "rules[0].require[0]") in found
    assert await books(home) == before


async def test_a_policy_is_tried_on_a_deal_and_asks_nobody(home: House, account: str) -> None:
    ask = await asked(home, account)
    policy = {**POLICY, "rules": [{"when": {"discount_percent_over": "15"}, "require": [{"group": "vp"}]}]}
    before = await books(home)

    said = {"deal_id": ask.deal_id, "policy": policy}
    tried = await home.as_["deal_desk"].post("/v1/approval-policies/try", said, key=None)

    assert tried.status_code == 200, tried.text
    assert tried.json()["asks"] == 1
    assert "level 1: any one of vp (discount of 20 % is over 15 %)" in tried.json()["lines"]
    assert "  asked: vera@acme.example" in tried.json()["lines"]
    assert await books(home) == before


async def test_a_policy_changes_what_is_in_flight_only_where_an_admin_says_so(home: House, account: str) -> None:
    ask = await asked(home, account)
    newer = {**POLICY, "rules": [{"when": {"discount_percent_over": "15"}, "require": [{"level": 1, "group": "vp"}]}]}
    assert (await home.as_["admin"].post("/v1/policies/approval", newer)).status_code == 201
    assert await holders(ask) == ["dana@acme.example", "denis@acme.example"]

    refused = await home.as_["deal_desk"].post(f"/v1/deals/{ask.deal_id}/apply-policy", {"version": 1, "reason": "x"})
    assert refused.status_code == 403
    applied = await home.as_["admin"].post(f"/v1/deals/{ask.deal_id}/apply-policy", {"version": 1, "reason": "audit"})

    assert applied.status_code == 200, applied.text
    await until(
        home,
        "SELECT group_name FROM approval_requests WHERE deal_id = :id AND status = 'asked'",
        "vp",
        id=ask.deal_id,
    )
    assert await holders(ask) == ["vera@acme.example"]
    assert (await home.as_["admin"].post("/v1/policies/approval", POLICY)).status_code == 201


# --- evidence -----------------------------------------------------------------------------------------------------------


async def test_evidence_holds_every_word_and_is_kept_as_it_was_exported(home: House, account: str) -> None:
    ask = await asked(home, account)
    assert (await ask.send("comment", reason="who knows them?")).status_code == 303
    assert (await ask.send("approve", reason="strategic account")).status_code == 303

    answer = await home.as_["finance"].get(f"/v1/deals/{ask.deal_id}/evidence")

    made = answer.json()
    assert verify(made) == ()
    kinds = [(each["kind"], each.get("by"), each.get("channel", "")) for each in made["entries"]]
    assert ("approve", "dana@acme.example", "link") in kinds
    assert ("comment", "dana@acme.example", "link") in kinds
    assert kinds[0][0] == "asked"
    approve = next(each for each in made["entries"] if each["kind"] == "approve")
    assert approve["reason"] == "strategic account"
    assert approve["policy"].startswith("standard/")
    assert approve["seen"]["discount_percent"] == "20"
    assert approve["content_hash"] == made["entries"][0]["content_hash"]
    kept = "SELECT sha256 FROM documents WHERE deal_id = :id AND kind = 'evidence'"
    assert await one(home, kept, id=ask.deal_id) == hashlib.sha256(answer.content).hexdigest()
    assert answer.headers["x-evidence-sha256"] == made["sha256"]
    again = await home.as_["finance"].get(f"/v1/deals/{ask.deal_id}/evidence")
    assert again.content == answer.content
    forged = json.loads(answer.content)
    approve = next(each for each in forged["entries"] if each["kind"] == "approve")
    approve["by"] = "sam@acme.example"
    assert verify(forged) != ()


async def test_evidence_is_a_paper_with_the_same_hash(home: House, account: str) -> None:
    ask = await asked(home, account)
    await ask.send("reject", reason="too steep")

    made = (await home.as_["finance"].get(f"/v1/deals/{ask.deal_id}/evidence")).json()
    paper = await home.as_["finance"].get(f"/v1/deals/{ask.deal_id}/evidence.pdf")

    assert paper.headers["content-type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF")
    assert paper.headers["x-evidence-sha256"] == made["sha256"]
    assert (await home.as_["finance"].get("/v1/deals/d_none/evidence.pdf")).status_code == 404
