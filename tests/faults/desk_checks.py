"""What must hold of approvals when everything has settled: votes, links, notices and evidence, against what people were told."""

from __future__ import annotations

from collections import Counter
from typing import Any

import asyncpg

from domain.approving.evidence import verify
from gateways.email import message_id
from gateways.slack import mark_of
from settings import Settings
from tests.faults.desk import BY_CHAT, PEOPLE, Desk
from tests.whole import Whole

_OUT = "('approved', 'presented', 'accepted', 'out_for_signature', 'signed', 'booked', 'provisioning', 'done')"
_VOTES = """
SELECT {what} FROM approval_votes x
 WHERE x.content_hash = v.content_hash AND x.deal_id = v.deal_id AND x.verb = 'approve' AND x.group_name = '{group}'
"""
_BREACHES = {
    "a person with two voices": """
        SELECT request_id, by FROM approval_votes GROUP BY request_id, by HAVING count(*) > 1""",
    "a link spent on nothing": """
        SELECT l.id, l.deal_id, m.error FROM decision_links l LEFT JOIN link_messages m ON m.ref = l.used_ref
         WHERE l.used_at IS NOT NULL AND (m.told_at IS NULL OR m.error <> '')""",
    "a word that was taken and is no vote, or another's": """
        SELECT m.ref, m.verb FROM link_messages m JOIN decision_links l ON l.id = m.link_id
          LEFT JOIN approval_votes v ON v.ref = m.ref AND v.deal_id = m.deal_id AND v.by = l.person AND v.verb = m.verb
                                    AND v.content_hash = l.content_hash
         WHERE m.error = '' AND m.verb <> 'comment' AND v.id IS NULL""",
    "a vote by a link that was not spent on it": """
        SELECT v.id FROM approval_votes v WHERE v.channel = 'link'
           AND NOT EXISTS (SELECT FROM decision_links l WHERE l.used_ref = v.ref AND l.person = v.by)""",
    "a version that went out and that nobody approved": f"""
        SELECT v.deal_id, v.version, v.status FROM quote_versions v JOIN quote_drafts f ON f.id = v.draft_id
         WHERE v.status IN {_OUT} AND (f.content ->> 'discount_percent')::numeric > 10
           AND NOT EXISTS ({_VOTES.format(what="1", group="deal_desk")})""",  # noqa: S608
    "a steep version that went out without two of finance": f"""
        SELECT v.deal_id, v.version, v.status FROM quote_versions v JOIN quote_drafts f ON f.id = v.draft_id
         WHERE v.status IN {_OUT} AND (f.content ->> 'discount_percent')::numeric > 20
           AND ({_VOTES.format(what="count(DISTINCT x.by)", group="finance")}) < 2""",  # noqa: S608
    "a level that was asked before the one below had approved": """
        SELECT r.id FROM approval_requests r JOIN approval_requests b
            ON (b.deal_id, b.order_number, b.version) = (r.deal_id, r.order_number, r.version) AND b.level < r.level
         WHERE b.status <> 'approved' OR b.decided_at > r.asked_at""",
    "somebody asked twice of the same": """
        SELECT deal_id, person, channel, payload ->> 'version', payload -> 'asks' FROM notices WHERE kind = 'ask'
         GROUP BY 1, 2, 3, 4, 5 HAVING count(*) > 1""",
}  # fmt: skip


async def desk_breaches(whole: Whole, desk: Desk) -> list[str]:
    """Every promise about approvals that does not hold, in words; nothing: all is well."""
    connection = await asyncpg.connect(whole.system.database_url)
    try:
        found = [f"{what}: {dict(row)}" for what, query in _BREACHES.items() for row in await connection.fetch(query)]
        return [
            *found,
            *await _told(connection, desk),
            *await _notices(connection, whole),
            *await _evidence(connection, whole),
        ]
    finally:
        await connection.close()


async def _told(connection: Any, desk: Desk) -> list[str]:
    """Whoever was told that they decided has one vote that says so, and there is no other vote by a link."""
    rows = await connection.fetch("SELECT deal_id, by, verb, version FROM approval_votes WHERE channel = 'link'")
    votes = Counter((row["deal_id"], row["by"], row["verb"], row["version"]) for row in rows)
    told = Counter((each.deal_id, each.word.who, each.word.verb, each.word.version) for each in desk.told)
    return [f"told and not voted, or voted and not told: {each}" for each in (told - votes) + (votes - told)] + (
        [] if told else ["nobody decided anything by a link"]
    )


async def _notices(connection: Any, whole: Whole) -> list[str]:
    """Each notice reached its inbox, under its own mark, unless nobody waited for it any more; and nothing is in an inbox
    that no step told.
    """
    sender = Settings.model_fields["mail_from"].default
    rows = await connection.fetch(
        "SELECT key, person, channel, overtaken FROM notices WHERE person LIKE '%@acme.example'"
    )
    marks = [
        (row["person"], mark_of(row["key"]) if row["channel"] == "slack" else message_id(row["key"], sender))
        for row in rows
    ]
    due = Counter(marks)
    overtaken = {mark for mark, row in zip(marks, rows, strict=True) if row["overtaken"]}
    had: set[tuple[str, str]] = set()
    for person in (each["email"] for each in PEOPLE):
        mails = (await whole.outside.get("/control/mails", params={"to": person})).json()["mails"]
        had |= {(person, mail["message_id"]) for mail in mails}
    for person, channel in BY_CHAT.items():
        posts = (await whole.outside.get("/control/slack", params={"channel": channel})).json()["posts"]
        had |= {(person, post["blocks"][0]["block_id"]) for post in posts}
    asked = {each for each in due if any(each[0] == person["email"] for person in PEOPLE)}
    found = [f"a notice under one key {n} times: {each}" for each, n in due.items() if n > 1]
    found += [f"a notice that reached nobody: {each}" for each in asked - had - overtaken]
    return found + [f"a notice that no step wrote: {each}" for each in had - asked]


async def _evidence(connection: Any, whole: Whole) -> list[str]:
    """The evidence of every deal that was decided is whole, and says of every vote what the books say."""
    found = []
    for (deal_id,) in await connection.fetch("SELECT DISTINCT deal_id FROM approval_entries"):
        made = await whole.get(f"/v1/deals/{deal_id}/evidence")
        found += [f"evidence of {deal_id}: {breach}" for breach in verify(made)]
        rows = await connection.fetch(
            "SELECT by, verb, ref, content_hash FROM approval_votes WHERE deal_id = $1", deal_id
        )
        votes = Counter((row["by"], row["verb"], row["ref"], row["content_hash"]) for row in rows)
        verbs = {row["verb"] for row in rows}
        said = Counter((e["by"], e["kind"], e["ref"], e["content_hash"]) for e in made["entries"] if e["kind"] in verbs)
        found += [f"evidence of {deal_id} and its votes differ: {each}" for each in (votes - said) + (said - votes)]
    return found
