"""What must hold when everything has settled, whoever was killed: asked of the database, of the workflows and of the outside's own log."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date
from typing import Any

import asyncpg
from temporalio.client import Client, WorkflowExecutionStatus

from domain.calendar import add_months, local_date
from domain.ids import deal_workflow_id
from tests.faults.campaign import Played
from tests.whole import Whole
from workflows.converter import data_converter

ZONE = "Europe/Berlin"

# one row per thing that is not at rest yet
_UNSETTLED = """
SELECT 'fact' AS what, id, kind || ' ' || status AS detail FROM inbox WHERE status IN ('new', 'signalled')
UNION ALL SELECT 'draft', id, '' FROM quote_drafts WHERE delivered_at IS NULL
UNION ALL SELECT 'event', key, topic FROM outbox WHERE delivered_at IS NULL
UNION ALL SELECT 'mail', key, error FROM mails WHERE sent_at IS NULL
UNION ALL SELECT 'notice', key, error FROM notices WHERE sent_at IS NULL AND NOT overtaken
UNION ALL SELECT 'decision', ref, verb FROM link_messages WHERE told_at IS NULL
UNION ALL SELECT 'step', d.id, d.next_kind FROM deals d JOIN legal_entities e ON e.id = d.entity_id
           WHERE d.next_at <= coalesce(e.clock_at, now())
"""

# grows whenever anybody did anything, or was told anything
_DONE = "SELECT (SELECT sum(turn) FROM deals) AS turns, (SELECT count(*) FROM inbox) AS facts"

# one row per breach
_BREACHES = {
    "two steps, or none, under one turn": """
        SELECT d.id, d.turn, s.n, s.first, s.last FROM deals d
          JOIN (SELECT deal_id, count(*) n, min(turn) AS first, max(turn) AS last FROM deal_steps GROUP BY deal_id) s
            ON s.deal_id = d.id
         WHERE s.n <> d.turn OR s.first <> 0 OR s.last <> d.turn - 1""",
    "numbers with a gap": """
        SELECT s.entity_id, s.name, s.last, count(i.id) n, min(i.sequence), max(i.sequence) FROM series s
          LEFT JOIN invoices i ON i.entity_id = s.entity_id AND i.series = s.name WHERE s.name = 'invoices'
         GROUP BY s.entity_id, s.name, s.last
        HAVING count(i.id) <> s.last OR coalesce(max(i.sequence), 0) <> s.last OR coalesce(min(i.sequence), 1) <> 1""",
    "an invoice twice for one period": """
        SELECT contract_id, period_start FROM invoices GROUP BY contract_id, period_start HAVING count(*) > 1""",
    "an entry that does not balance": """
        SELECT entry_id, sum(amount_minor) FROM journal_lines GROUP BY entry_id HAVING sum(amount_minor) <> 0""",
    "books that do not balance": """
        SELECT e.entity_id, e.currency, sum(l.amount_minor) FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id
         GROUP BY e.entity_id, e.currency HAVING sum(l.amount_minor) <> 0""",
    "an invoice without its one entry": """
        SELECT i.entity_id, i.number, count(e.id) FROM invoices i
          LEFT JOIN journal_entries e ON e.source_kind = 'invoice' AND e.source_id = i.id
         WHERE i.total_minor <> 0 GROUP BY i.id HAVING count(e.id) <> 1""",
    "a card receipt without its one entry": """
        SELECT r.gateway_ref, count(e.id) FROM receipts r
          LEFT JOIN journal_entries e ON e.source_kind = 'receipt' AND e.source_id = r.id
         WHERE r.source = 'card' GROUP BY r.gateway_ref HAVING count(e.id) <> 1""",
    "an invoice paid by other than its receipts": """
        SELECT i.entity_id, i.number, i.paid_minor, coalesce(sum(a.amount_minor), 0) FROM invoices i
          LEFT JOIN cash_applications a ON a.invoice_id = i.id
         GROUP BY i.id HAVING i.paid_minor <> coalesce(sum(a.amount_minor), 0)""",
    "receivables other than what is open": """
        SELECT i.entity_id, (SELECT sum(o.total_minor - o.paid_minor) FROM invoices o WHERE o.entity_id = i.entity_id) AS open,
               (SELECT sum(l.amount_minor) FROM journal_lines l JOIN journal_entries e ON e.id = l.entry_id
                 WHERE e.entity_id = i.entity_id AND l.account = 'accounts_receivable') AS booked
          FROM invoices i GROUP BY i.entity_id
        HAVING (SELECT sum(o.total_minor - o.paid_minor) FROM invoices o WHERE o.entity_id = i.entity_id)
            <> (SELECT sum(l.amount_minor) FROM journal_lines l JOIN journal_entries e ON e.id = l.entry_id
                 WHERE e.entity_id = i.entity_id AND l.account = 'accounts_receivable')""",
}
_TERMS = """
SELECT c.deal_id, t.term, t.starts_on, t.ends_on, t.interval_months, c.ends_on AS contract_ends, c.stage,
       coalesce(e.clock_at, now()) AS now,
       (SELECT array_agg(i.period_start ORDER BY i.period_no) FROM invoices i
         WHERE i.contract_id = c.id AND i.term = t.term) AS billed
  FROM contracts c JOIN contract_terms t ON t.contract_id = c.id JOIN legal_entities e ON e.id = c.entity_id
 WHERE t.starts_on IS NOT NULL
"""


async def settle(whole: Whole, entities: Sequence[str], seconds: float = 120.0) -> None:
    """Wait until nobody has anything left to do, nor had while we looked around. Raises TimeoutError that names what is left."""
    connection = await asyncpg.connect(whole.system.database_url)
    until = time.monotonic() + seconds
    left: list[str] = []
    try:
        while time.monotonic() < until:
            # a webhook that came after our look at the books is in them by now: they must be as they were before it
            before = await connection.fetchrow(_DONE)
            left = [f"{row['what']} {row['id']} {row['detail']}" for row in await connection.fetch(_UNSETTLED)]
            for entity in entities:
                left += await _webhooks(whole, entity)
            if not left and await connection.fetchrow(_DONE) == before:
                return
            await asyncio.sleep(0.5)
    finally:
        await connection.close()
    raise TimeoutError(f"{len(left)} things never settled: {left[:10]}")


async def _webhooks(whole: Whole, entity: str) -> list[str]:
    """What the outside still has to tell: in a sandbox by its clock; on the wall late ones too, they are late by seconds."""
    hooks = (await whole.outside.get("/control/hooks", params={"account": entity})).json()["deliveries"]
    clock = (await whole.outside.get("/control/clock", params={"account": entity})).json()
    waiting = [hook for hook in hooks if hook["state"] != "delivered"]
    return [f"webhook {hook['event']}" for hook in waiting if not clock["virtual"] or hook["due"] <= clock["now"]]


async def breaches(whole: Whole, deals: Sequence[Played]) -> list[str]:
    """Every promise that does not hold, in words; nothing: all is well."""
    connection = await asyncpg.connect(whole.system.database_url)
    try:
        found = [f"{what}: {dict(row)}" for what, query in _BREACHES.items() for row in await connection.fetch(query)]
        found += await _stages(connection, deals)
        found += [breach for row in await connection.fetch(_TERMS) for breach in _periods(row)]
        for entity in sorted({deal.entity for deal in deals}):
            found += await _charges(connection, whole, entity)
            found += await _effects(whole, entity)
            found += await _transfers(connection, whole, entity)
        return found + await _workflows(connection, whole)
    finally:
        await connection.close()


async def _stages(connection: Any, deals: Sequence[Played]) -> list[str]:
    rows = {row["id"]: row for row in await connection.fetch("SELECT id, stage, parked FROM deals")}
    found = [f"{deal.name} was lost" for deal in deals if deal.id not in rows]
    found += [f"deal {id_} was never opened by anybody" for id_ in rows.keys() - {deal.id for deal in deals}]
    for deal in deals:
        row = rows.get(deal.id)
        if row is not None and (row["stage"] != deal.fate.ends or row["parked"]):
            found.append(f"{deal.name} ({deal.id}) is {row['stage']}, not {deal.fate.ends}; parked: {row['parked']!r}")
        terms = await connection.fetchval(
            "SELECT count(*) FROM contract_terms t JOIN contracts c ON c.id = t.contract_id WHERE c.deal_id = $1",
            deal.id,
        )
        if deal.fate.ends == "active" and terms < deal.fate.renews:
            found.append(f"{deal.name} has {terms} terms, not {deal.fate.renews}")
        unpaid = await connection.fetchval(
            "SELECT count(*) FROM invoices WHERE deal_id = $1 AND status <> 'paid' AND method = 'card'", deal.id
        )
        if unpaid and deal.fate.ends == "active" and not deal.fate.token.startswith("pm_sepa"):
            found.append(f"{deal.name} has {unpaid} invoices that its card did not pay")
    return found


def _periods(row: Any) -> list[str]:
    """Every period that began by now is invoiced, in its order, and no other."""
    today = local_date(row["now"].astimezone(UTC), ZONE)
    stop: date = min(row["contract_ends"] or date.max, row["ends_on"])
    due: list[date] = []
    start, number = row["starts_on"], 0
    while start < stop and start <= today:
        due.append(start)
        number += 1
        start = add_months(row["starts_on"], number * row["interval_months"])
    billed = row["billed"] or []
    if row["stage"] == "ended" and billed == due[: len(billed)] and billed:
        return []  # how far a contract that was cancelled had come is its own story
    return [] if billed == due else [f"periods of {row['deal_id']}: invoiced {billed}, due {due}"]


async def _charges(connection: Any, whole: Whole, entity: str) -> list[str]:
    """Every charge that the gateway captured is in the books once, and the other way round; no invoice is charged twice."""
    log = await whole.log(entity, "charge.captured")
    rows = await connection.fetch(
        "SELECT gateway_ref, amount_minor, invoice_id FROM receipts WHERE entity_id = $1 AND source = 'card'", entity
    )
    captured = Counter((entry["subject"], entry["amount_minor"]) for entry in log)
    booked = Counter((row["gateway_ref"], row["amount_minor"]) for row in rows)
    found = [f"captured at the gateway, not booked once: {each}" for each in captured - booked]
    found += [f"booked, not captured: {each}" for each in booked - captured]
    keys = Counter(entry["key"] for entry in log)
    found += [f"charged {n} times under the key {key}" for key, n in keys.items() if n > 1]
    invoices = Counter(entry["data"]["metadata"].get("invoice_id", "") for entry in log)
    return found + [f"invoice {invoice} was collected {n} times" for invoice, n in invoices.items() if n > 1]


async def _effects(whole: Whole, entity: str) -> list[str]:
    """The provisioner and the signature provider did each thing once."""
    log = await whole.log(entity)
    kinds = {"step.performed", "step.compensated", "access.set", "envelope.sent"}
    keys = Counter((entry["kind"], entry["key"]) for entry in log if entry["kind"] in kinds)
    return [f"{entity}: {kind} {n} times under {key}" for (kind, key), n in keys.items() if n > 1]


async def _transfers(connection: Any, whole: Whole, entity: str) -> list[str]:
    booked = Counter(entry["subject"] for entry in await whole.log(entity, "transfer.booked"))
    rows = await connection.fetch(
        "SELECT id, gateway_ref FROM receipts WHERE entity_id = $1 AND source = 'bank'", entity
    )
    lines = await connection.fetchval("SELECT count(*) FROM bank_lines WHERE entity_id = $1", entity)
    found = [f"{entity}: transfer {each} booked {n} times" for each, n in booked.items() if n > 1]
    if lines != len(booked) or len(rows) != len(booked):
        found.append(f"{entity}: {len(booked)} transfers at the bank, {lines} lines and {len(rows)} receipts here")
    return found


async def _workflows(connection: Any, whole: Whole) -> list[str]:
    """Every deal that lives has a running workflow, which stands at the turn of its row."""
    client = await Client.connect(whole.system.temporal_address, data_converter=data_converter)
    found = []
    for row in await connection.fetch("SELECT id, turn, stage, state ->> 'closed' AS closed FROM deals"):
        handle = client.get_workflow_handle(deal_workflow_id(row["id"]))
        status = (await handle.describe()).status
        if row["closed"]:
            if status is not WorkflowExecutionStatus.COMPLETED:
                found.append(f"{row['id']} is over, its workflow is {status}")
        elif status is not WorkflowExecutionStatus.RUNNING:
            found.append(f"{row['id']} ({row['stage']}) has a workflow that is {status}")
        elif (turn := (await handle.query("state"))["turn"]) != row["turn"]:
            found.append(f"{row['id']} is at turn {row['turn']}, its workflow at {turn}")
    return found
