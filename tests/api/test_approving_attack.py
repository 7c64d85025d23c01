"""Approvals under attack from inside: a page that is older than the question, somebody who left, two at once, a race with sales."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.approving.evidence import verify
from domain.document import content_hash
from tests.api.approving import Asked, asked, people
from tests.api.conftest import Caller
from tests.api.house import DRAFT, POLICY, STARTS_AT, House
from tests.api.sharing import one, rows, until

VOTES = "SELECT by, level, verb FROM approval_votes WHERE deal_id = :id ORDER BY at, level, id"


@pytest.fixture(scope="module")
async def account(home: House) -> str:
    made = await home.furnish()
    await people(home)
    rule = {**POLICY["rules"][0], "require": [{"group": "sales_manager"}, {"level": 2, "group": "board"}]}
    await home.as_["admin"].post("/v1/policies/approval", {**POLICY, "rules": [rule]})
    await home.control("behaviour", {"party": "signature", "account": "trial", "email": "*", "action": "ignore"})
    for name in ("dana", "vera"):
        one_of = {"email": f"{name}@acme.example", "name": name, "groups": ["sales_manager", "board"]}
        assert (await home.as_["admin"].post("/v1/people", one_of)).status_code == 201
    return made


async def key_of(home: House, person: str, role: str = "finance") -> Caller:
    """A key of a person, by which they call."""
    made = await home.as_["admin"].post("/v1/keys", {"person": person, "role": role})
    assert made.status_code == 201, made.text
    return Caller(home.client, made.json()["key"])


async def says(who: Caller, ask: Asked, verb: str, **more: Any) -> Any:
    body = {"version": 1, "verb": verb, "reason": "so", **more}
    return await who.post(f"/v1/deals/{ask.deal_id}/decide", body)


async def test_a_page_decides_what_it_showed_and_not_what_is_asked_since(home: House, account: str) -> None:
    """Dana sits at both levels. The page before her asks for the first; while she reads, a colleague grants it."""
    ask = await asked(home, account)
    nonce = await ask.nonce("approve")
    denis = await key_of(home, "denis@acme.example")
    assert (await says(denis, ask, "approve")).status_code == 200
    await until(home, "SELECT count(*) FROM approval_requests WHERE deal_id = :id AND level = 2", 1, id=ask.deal_id)

    stale = await ask.send("approve", nonce)

    assert stale.headers["location"].endswith("said=stale")
    assert await rows(home, VOTES, id=ask.deal_id) == [("denis@acme.example", 1, "approve")]
    again = await ask.send("approve")
    assert again.headers["location"].endswith("said=approve")
    assert await rows(home, VOTES, id=ask.deal_id) == [
        ("denis@acme.example", 1, "approve"),
        ("dana@acme.example", 2, "approve"),
    ]


async def test_a_forgotten_key_of_somebody_who_left_says_nothing(home: House, account: str) -> None:
    ask = await asked(home, account)
    lena = {"email": "lena@acme.example", "name": "Lena", "groups": ["sales_manager"]}
    assert (await home.as_["admin"].post("/v1/people", lena)).status_code == 201
    key = await key_of(home, "Lena@acme.example")
    assert (await home.as_["admin"].post("/v1/people", {**lena, "left_at": STARTS_AT})).status_code == 201

    for verb in ("approve", "reject", "comment"):
        refused = await says(key, ask, verb)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:q2c:problem:HasLeft")
    commented = await key.post(f"/v1/deals/{ask.deal_id}/comments", {"version": 1, "text": "so"})

    assert commented.status_code == 403
    assert await rows(home, VOTES, id=ask.deal_id) == []
    assert await ask.status() == "in_approval"


async def test_two_of_any_at_once_are_two_words_and_one_grant(home: House, account: str) -> None:
    """Both are heard or one is told that it is decided: nobody's word is counted at a level they did not mean."""
    ask = await asked(home, account)
    denis, vera = await key_of(home, "denis@acme.example"), await key_of(home, "vera@acme.example")

    answers = await asyncio.gather(*(says(each, ask, "approve", group="sales_manager") for each in (denis, vera)))

    codes = sorted(each.status_code for each in answers)
    assert codes[0] == 200
    assert codes[1] in {200, 403, 409}
    votes = await rows(home, VOTES, id=ask.deal_id)
    assert [level for _, level, _ in votes] == [1] * codes.count(200)


@pytest.mark.parametrize("ending", ["revise", "withdraw"])
async def test_a_decision_that_meets_the_end_of_its_version_is_one_or_the_other(
    home: House, account: str, ending: str
) -> None:
    ask = await asked(home, account)
    nonce = await ask.nonce("approve")
    body = {"draft": DRAFT} if ending == "revise" else {"reason": "not now"}

    decided, ended = await asyncio.gather(
        ask.send("approve", nonce), home.as_["sales"].post(f"/v1/deals/{ask.deal_id}/{ending}", body)
    )

    assert ended.status_code == 200, ended.text
    votes = await rows(home, VOTES, id=ask.deal_id)
    said = decided.headers.get("location", "").rpartition("=")[2]
    assert (said == "approve") == (votes == [("dana@acme.example", 1, "approve")])
    assert said == "approve" or decided.status_code == 410 or said.startswith(("refused", "heard"))
    after = {"revise": {"superseded"}, "withdraw": {"withdrawn"}}[ending]
    await until(home, "SELECT status FROM quote_versions WHERE deal_id = :id AND version = 1", *after, id=ask.deal_id)
    assert await one(home, "SELECT count(*) FROM envelopes WHERE deal_id = :id", id=ask.deal_id) == 0


@pytest.mark.parametrize("turning", ["\u202e", "\u2066", "\u202a"])
async def test_no_name_and_no_reason_turns_the_text_beside_it(home: House, account: str, turning: str) -> None:
    """`5 % off` before an approver must not be 30 % read backwards."""
    ask = await asked(home, account)
    named = {"name": f"Globex {turning}% 5", "account_id": account, "draft": DRAFT}
    refused = [
        await home.as_["sales"].post("/v1/deals", named),
        await home.as_["admin"].post("/v1/people", {"email": "eve@acme.example", "name": f"Eve{turning}"}),
        await says(await key_of(home, "vera@acme.example"), ask, "comment", reason=f"fine {turning}% 5"),
        await ask.send("approve", reason=f"fine {turning}% 5"),
    ]
    assert [each.status_code for each in refused] == [422] * 4
    assert await rows(home, VOTES, id=ask.deal_id) == []


# --- evidence ---------------------------------------------------------------------------------------------------------


async def test_what_needed_nobody_bears_witness_of_its_policy(home: House, account: str) -> None:
    """Why did nobody approve this? By which policy, on which version, on which facts."""
    deal = await home.open(account)
    made = (await home.as_["finance"].get(f"/v1/deals/{deal['id']}/evidence")).json()
    (entry,) = made["entries"]
    hash_ = await one(home, "SELECT content_hash FROM quote_versions WHERE deal_id = :id", id=deal["id"])
    assert (entry["kind"], entry["policy"], entry["content_hash"]) == ("auto", "standard/2", hash_)
    assert (entry["reason"], entry["seen"]["discount_percent"]) == ("no rule of the policy holds", "0")


async def test_evidence_without_its_last_entries_was_never_exported(home: House, account: str) -> None:
    """Somebody cuts off the rejection and computes every hash anew: whole in itself, and unknown to us."""
    ask = await asked(home, account)
    assert (await ask.send("reject", reason="too steep")).status_code == 303
    path = f"/v1/deals/{ask.deal_id}/evidence"
    made = (await home.as_["finance"].get(path)).json()
    assert [each["kind"] for each in made["entries"]] == ["asked", "reject"]

    cut = {name: value for name, value in made.items() if name != "sha256"} | {"entries": made["entries"][:-1]}
    cut["sha256"] = content_hash(cut)

    assert verify(cut) == ()
    assert (await home.as_["finance"].get(f"{path}/{cut['sha256']}")).status_code == 404
    kept = await home.as_["finance"].get(f"{path}/{made['sha256']}")
    assert (kept.status_code, kept.json()) == (200, made)
    other = await home.open(account)
    assert (await home.as_["finance"].get(f"/v1/deals/{other['id']}/evidence/{made['sha256']}")).status_code == 404
