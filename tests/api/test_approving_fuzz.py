"""Whatever is sent to a route of approvals is taken or refused with a problem that says why: never a failure of ours."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import httpx

from tests.api.approving import asked, people
from tests.api.house import DRAFT, POLICY, House

NASTY: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**63, 10**40, 1.5, "", " ", "\x00", "a\x00b", "\ud800", "\u202ex", "x" * 5000, [], {}, [[]],
    ["\x00"], [None] * 60, {"a": {"b": []}}, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2027-03-22",
    "İ@x.example", "a@\ud800.example", "1e999", "NaN", "-0", "%00", "'; --", "{{7*7}}", "../..",
)  # fmt: skip

TIMES = 30  # each body in so many forms
OF_ALL: dict[str, Any] = {
    "name": "standard",
    "stands_days": 90,
    "auto_approve": [{"tcv_below": {"EUR": "1000"}, "discount_percent_below": "5"}],
    "rules": [
        {
            "name": "steep",
            "when": {"any": [{"discount_percent_over": "10"}, {"acv_over": {"EUR": "100000"}}], "not": {"segment_in": ["public"]}},
            "require": [{"level": 1, "group": "desk"}, {"level": 2, "group": "finance", "quorum": 2}],
            "remind_after": "8 business_hours",
            "escalate": [{"after": "2 business_days", "to": "manager"}, {"after": "10 days", "to": "sales"}],
        }
    ],
    "groups": {"finance": [{"people": ["fiona@acme.example"], "regions": ["eu"]}, {"roles": ["finance"]}]},
}  # fmt: skip


def mutated(chance: random.Random, body: Any) -> Any:
    """The same with one or two places of it otherwise: replaced, left out, added."""
    made = copy.deepcopy(body)
    for _ in range(chance.randint(1, 2)):
        at: Any = made
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = chance.choice(keys)
            if isinstance(at[key], dict | list) and at[key] and chance.random() < 0.7:
                at = at[key]
                continue
            what = chance.random()
            if what < 0.75:
                at[key] = copy.deepcopy(chance.choice(NASTY))
            elif what < 0.9:
                del at[key]
            elif isinstance(at, dict):
                at[f"{key}\x00"] = copy.deepcopy(at[key])
            break
    return made


def bodies(deal_id: str) -> list[tuple[str, str, Any]]:
    """Who says what where: each of them is well formed, and refused or harmless as it is."""
    deal = f"/v1/deals/{deal_id}"
    mentions = ["vera@acme.example"]
    draft = {**DRAFT, "lines": [{"product": "team", "quantity": 20, "discount_percent": "5"}]}
    times = {"since": "2027-03-22T00:00:00+00:00", "until": "2027-03-29T00:00:00+00:00"}
    person = {
        "email": "new@acme.example",
        "name": "N",
        "groups": ["vp"],
        "manager": "vera@acme.example",
        "country": "DE",
    }
    known = {**person, "left_at": times["since"], "language": "fr", "zone": "Europe/Paris", "slack": "#x"}
    absent = {
        "person": "olga@acme.example",
        "delegate_to": "vera@acme.example",
        **times,
        "away": True,
        "groups": ["vp"],
    }
    says = {"version": 7, "reason": "so"}
    hours = {"zone": "Europe/Berlin", "opens": "09:00", "closes": "17:00", "holidays": ["2027-03-26"]}
    return [
        ("deal_desk", f"{deal}/decide", {**says, "verb": "approve", "group": "x", "mentions": mentions}),
        ("deal_desk", f"{deal}/decide", {**says, "verb": "changes", "draft": draft, "content_hash": "0" * 64}),
        ("deal_desk", f"{deal}/decide", {**says, "verb": "delegate", "to": "vera@acme.example"}),
        ("sales", f"{deal}/comments", {"version": 7, "text": "so", "mentions": mentions}),
        ("admin", f"{deal}/apply-policy", says),
        ("admin", "/v1/absences", absent),
        ("admin", "/v1/people", known),
        ("admin", "/v1/keys", {"person": "new@acme.example", "role": "finance", "groups": ["vp"]}),
        ("admin", "/v1/calendars", {"DE": hours}),
        ("deal_desk", "/v1/policies/approval", {**POLICY, "name": "other"}),
        ("sales", "/v1/approval-policies/check", OF_ALL),
        ("deal_desk", "/v1/approval-policies/try", {"deal_id": deal_id, "policy": OF_ALL}),
        ("deal_desk", "/v1/approval-policies/try", {"deal_id": deal_id}),
    ]


ADDRESSES = (
    "/v1/people/%00",
    "/v1/people/x%ED%A0%80",
    "/v1/people?group=%00",
    "/v1/people?cursor=%00",
    "/v1/absences?person=%00",
    "/v1/absences?at=x",
    "/v1/absences?at=0001-01-01T00:00:00%2B14:00",
    "/v1/approvals?mine=maybe",
    "/v1/notices?person=%00",
    "/v1/deals/%00/evidence",
    "/v1/deals/%00/evidence.pdf",
)


def told(answer: httpx.Response) -> bool:
    """Taken, or refused with a problem."""
    refused = answer.status_code < 500 and answer.headers.get("content-type") == "application/problem+json"
    return answer.status_code < 300 or refused


async def test_nothing_that_is_sent_makes_us_fail(home: House) -> None:
    account = await home.furnish()
    await people(home)
    ask = await asked(home, account)
    chance = random.Random(4)
    failed: list[str] = []
    for role, path, body in bodies(ask.deal_id):
        for n in range(TIMES):
            sent = json.dumps(mutated(chance, body) if n else body).encode()
            answer = await home.as_[role].post(path, content=sent, headers={"Content-Type": "application/json"})
            if not told(answer):
                failed.append(f"{answer.status_code} {path} {sent[:300]!r} {answer.text[:200]}")
    for path in ADDRESSES:
        answers = [await home.as_["admin"].get(path), await home.as_["admin"].post(f"{path}/revoke", {"version": 1})]
        failed += [f"{each.status_code} {path} {each.text[:200]}" for each in answers if not told(each)]
    assert not failed, "\n".join(failed)
    assert await ask.status() == "in_approval"
