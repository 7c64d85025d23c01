"""Audit of the deals' own rows: turns without holes, states at their turn, and nothing left lying about."""

from sqlmodel.ext.asyncio.session import AsyncSession

from models.audit import Breach, Check, breaches


async def turns_have_no_holes(session: AsyncSession) -> list[Breach]:
    """The steps of a deal have the turns 0 to one less than its own, each once."""
    query = """
        SELECT d.id AS deal, d.turn, count(s.*) AS steps, min(s.turn) AS first, max(s.turn) AS last
          FROM deals d LEFT JOIN deal_steps s ON s.deal_id = d.id
         GROUP BY d.id
        HAVING count(s.*) <> d.turn OR coalesce(min(s.turn), 0) <> 0 OR coalesce(max(s.turn), -1) <> d.turn - 1
         ORDER BY d.id LIMIT :most"""
    told = "deal {deal} is at turn {turn}, it has {steps} steps from {first} to {last}"
    return await breaches(session, "turns_have_no_holes", query, told)


async def states_are_at_their_turn(session: AsyncSession) -> list[Breach]:
    """The state that is stored with a deal is that of its turn."""
    query = """
        SELECT id AS deal, turn, (state ->> 'turn')::int AS state_turn FROM deals
         WHERE (state ->> 'turn')::int IS DISTINCT FROM turn ORDER BY id LIMIT :most"""
    return await breaches(
        session, "states_are_at_their_turn", query, "deal {deal} is at turn {turn}, its state at {state_turn}"
    )


async def no_fact_waits(session: AsyncSession) -> list[Breach]:
    """What came from outside was taken in within five minutes."""
    query = """
        SELECT id AS fact, provider, kind, deal_id AS deal, status, recorded_at FROM inbox
         WHERE status IN ('new', 'signalled') AND recorded_at < now() - interval '5 minutes'
         ORDER BY recorded_at, id LIMIT :most"""
    return await breaches(session, "no_fact_waits", query, "{provider} {kind} for {deal} waits since {recorded_at}")


async def no_draft_waits(session: AsyncSession) -> list[Breach]:
    """What a person asked for reached its deal within five minutes."""
    query = """
        SELECT id AS draft, deal_id AS deal, by, recorded_at FROM quote_drafts
         WHERE delivered_at IS NULL AND recorded_at < now() - interval '5 minutes' ORDER BY recorded_at, id LIMIT :most"""
    return await breaches(
        session, "no_draft_waits", query, "draft {draft} of {by} waits for deal {deal} since {recorded_at}"
    )


async def no_attempt_hangs(session: AsyncSession) -> list[Breach]:
    """A payment attempt that was started has an outcome within ten minutes."""
    query = """
        SELECT key AS attempt, deal_id AS deal, invoice_id AS invoice, recorded_at FROM payment_attempts
         WHERE status = 'started' AND recorded_at < now() - interval '10 minutes' ORDER BY recorded_at, key LIMIT :most"""
    return await breaches(
        session, "no_attempt_hangs", query, "attempt {attempt} was started at {recorded_at} and has no outcome"
    )


CHECKS: tuple[Check, ...] = (
    turns_have_no_holes,
    states_are_at_their_turn,
    no_fact_waits,
    no_draft_waits,
    no_attempt_hangs,
)
