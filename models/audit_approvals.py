"""Audit of approvals: nothing goes out unapproved, every decision has its votes, what is carried was decided, nobody on their own."""

from sqlmodel.ext.asyncio.session import AsyncSession

from models.audit import Breach, Check, breaches

_OUT = (
    "v.status IN ('approved', 'presented', 'accepted', 'out_for_signature', 'signed', 'booked', 'provisioning', 'done')"
)
_SAME = """r.deal_id = v.deal_id AND r.order_number = v.order_number AND r.version = v.version"""


async def nothing_goes_out_unapproved(session: AsyncSession) -> list[Breach]:
    """Each approval that a version needed when it was priced is granted, or stands on an earlier decision, before it goes out;
    where an admin applied another policy, what that asked for.
    """
    query = f"""
        SELECT v.id AS version, v.deal_id AS deal, v.status, n ->> 'group' AS group_name, (n ->> 'level')::int AS level
          FROM quote_versions v
          JOIN deal_steps s ON s.deal_id = v.deal_id AND s.kind = 'price' AND s.outcome ->> 'version_id' = v.id
          CROSS JOIN LATERAL jsonb_array_elements(s.outcome -> 'needs') n
         WHERE {_OUT}
           AND NOT EXISTS (SELECT FROM approval_requests r WHERE {_SAME} AND r.status IN ('approved', 'carried')
                            AND r.level = (n ->> 'level')::int AND r.group_name = n ->> 'group')
           AND NOT EXISTS (SELECT FROM approval_entries e
                            WHERE e.deal_id = v.deal_id AND e.kind = 'policy'
                              AND (e.content ->> 'order')::int = v.order_number
                              AND (e.content ->> 'version')::int = v.version)
        UNION
        SELECT v.id, v.deal_id, v.status, r.group_name, r.level
          FROM quote_versions v JOIN approval_requests r ON {_SAME}
         WHERE {_OUT} AND r.status IN ('asked', 'rejected', 'changes_asked', 'lapsed')
         ORDER BY 1, 5, 4 LIMIT :most"""  # noqa: S608 (our own words)
    told = "version {version} of deal {deal} is {status} without the approval of {group_name} at level {level}"
    return await breaches(session, "nothing_goes_out_unapproved", query, told)


async def decisions_have_their_votes(session: AsyncSession) -> list[Breach]:
    """A request that was decided has the votes that decided it: as many different people as its quorum says.

    What was asked of whole groups, before policies were matrices, holds its one decision itself.
    """
    query = """
        SELECT r.id AS request, r.deal_id AS deal, r.status, r.quorum, count(DISTINCT v.by) AS voices
          FROM approval_requests r
          LEFT JOIN approval_votes v
            ON v.deal_id = r.deal_id AND v.order_number = r.order_number AND v.version = r.version
           AND v.level = r.level AND v.group_name = r.group_name
           AND v.verb = CASE r.status WHEN 'approved' THEN 'approve' WHEN 'rejected' THEN 'reject' ELSE 'changes' END
         WHERE r.policy <> '' AND r.status IN ('approved', 'rejected', 'changes_asked')
         GROUP BY r.id
        HAVING count(DISTINCT v.by) < CASE r.status WHEN 'approved' THEN greatest(r.quorum, 1) ELSE 1 END
         ORDER BY 1 LIMIT :most"""
    told = "request {request} of deal {deal} is {status} with {voices} votes, its quorum is {quorum}"
    return await breaches(session, "decisions_have_their_votes", query, told)


async def what_is_carried_was_decided(session: AsyncSession) -> list[Breach]:
    """A decision that a later version stands on is a vote for that group, on the version that is named."""
    query = """
        SELECT r.id AS request, r.deal_id AS deal, r.carried_version AS version, ref
          FROM approval_requests r CROSS JOIN LATERAL unnest(string_to_array(r.carried_ref, ' ')) AS ref
         WHERE r.status = 'carried'
           AND NOT EXISTS (SELECT FROM approval_votes v
                            WHERE v.deal_id = r.deal_id AND v.order_number = r.order_number AND v.ref = ref
                              AND v.version = r.carried_version AND v.verb = 'approve'
                              AND v.level = r.level AND v.group_name = r.group_name)
         ORDER BY 1, 4 LIMIT :most"""
    told = "request {request} of deal {deal} stands on {ref} about version {version}, which approved no such thing"
    return await breaches(session, "what_is_carried_was_decided", query, told)


async def nobody_decides_on_their_own(session: AsyncSession) -> list[Breach]:
    """Nobody has a vote, or a hand in one, about a deal they own or a version they priced."""
    query = """
        SELECT v.id AS vote, v.deal_id AS deal, hand
          FROM approval_votes v
          JOIN deals d ON d.id = v.deal_id
          JOIN quote_versions q ON q.deal_id = v.deal_id AND q.order_number = v.order_number AND q.version = v.version
          LEFT JOIN quote_drafts f ON f.id = q.draft_id
         CROSS JOIN LATERAL unnest(v.hands || v.by) AS hand
         WHERE lower(hand) IN (lower(d.owner), lower(f.by))
         GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT :most"""
    told = "vote {vote} about deal {deal} went through the hands of {hand}, who owns it or priced it"
    return await breaches(session, "nobody_decides_on_their_own", query, told)


CHECKS: tuple[Check, ...] = (
    nothing_goes_out_unapproved,
    decisions_have_their_votes,
    what_is_carried_was_decided,
    nobody_decides_on_their_own,
)
