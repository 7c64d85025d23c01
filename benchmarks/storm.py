"""Many deals whose next period falls due at one instant of the wall's clock: copies of one real deal, in a time zone made for it.

Periods begin at local midnight. A zone file whose offset puts a midnight some seconds ahead makes real timers of real
deals fire at that instant, all at once: the first of the month, without waiting for it.
"""

from __future__ import annotations

import asyncio
import json
import struct
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from domain.calendar import add_months
from domain.ids import derived
from domain.state import Deal
from workflows.converter import from_json

BILLED = 12  # periods that the copies have behind them


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One deal of a storm: its state as a workflow starts with it, and its ids."""

    state: Deal
    deal_id: str
    account_id: str
    contract_id: str


def make_zone(folder: Path, name: str, midnight_at: datetime) -> date:
    """Write a zone in which a day begins at `midnight_at`, and return that day. `folder` is searched from now on."""
    day = midnight_at.astimezone(UTC).date() + timedelta(days=1)
    offset = int((datetime(day.year, day.month, day.day, tzinfo=UTC) - midnight_at).total_seconds())
    header = b"TZif" + b"\0" * 16 + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(header + struct.pack(">lBB", offset, 0, 0) + b"BEN\0")
    zoneinfo.reset_tzpath(to=[str(folder)])
    return day


_COPIES = """
WITH n AS (SELECT unnest($1::text[]) AS deal_id, unnest($2::text[]) AS account_id, unnest($3::text[]) AS contract_id,
                  unnest($4::jsonb[]) AS state, unnest($5::text[]) AS number),
a AS (INSERT INTO accounts SELECT (jsonb_populate_record(t, jsonb_build_object('id', n.account_id, 'zone', $9::text))).*
        FROM n, accounts t WHERE t.id = $7 RETURNING 1),
g AS (INSERT INTO gateway_customers SELECT (jsonb_populate_record(t, jsonb_build_object('account_id', n.account_id))).*
        FROM n, gateway_customers t WHERE t.account_id = $7 RETURNING 1),
d AS (INSERT INTO deals SELECT (jsonb_populate_record(t, jsonb_build_object('id', n.deal_id, 'account_id', n.account_id,
                    'state', n.state) || '{"contract_id": null, "next_at": null}')).*
        FROM n, deals t WHERE t.id = $6 RETURNING 1),
c AS (INSERT INTO contracts SELECT (jsonb_populate_record(t, jsonb_build_object('id', n.contract_id,
                    'deal_id', n.deal_id, 'account_id', n.account_id, 'number', n.number))).*
        FROM n, contracts t WHERE t.id = $8 RETURNING 1),
m AS (INSERT INTO contract_terms SELECT (jsonb_populate_record(t, jsonb_build_object('contract_id', n.contract_id))).*
        FROM n, contract_terms t WHERE t.contract_id = $8 RETURNING 1),
l AS (INSERT INTO contract_lines SELECT (jsonb_populate_record(t, jsonb_build_object('contract_id', n.contract_id,
                    'id', n.contract_id || '/' || t.line_no))).*
        FROM n, contract_lines t WHERE t.contract_id = $8 RETURNING 1)
SELECT 1
"""


async def copies(database_url: str, template: str, *, name: str, count: int, day: date, zone: str) -> list[Copy]:
    """`count` copies of the deal `template`, with their accounts and contracts; the next period of each begins on `day`."""
    connection = await asyncpg.connect(database_url)
    try:
        row = await connection.fetchrow("SELECT id, account_id, contract_id, state FROM deals WHERE id = $1", template)
        made = [_copy(row, name, number, day, zone) for number in range(count)]
        await connection.execute(
            _COPIES,
            [copy.deal_id for copy, _ in made],
            [copy.account_id for copy, _ in made],
            [copy.contract_id for copy, _ in made],
            [text for _, text in made],
            [f"{name}-{number}" for number in range(count)],
            row["id"],
            row["account_id"],
            row["contract_id"],
            zone,
        )
    finally:
        await connection.close()
    return [copy for copy, _ in made]


def _copy(row: Any, name: str, number: int, day: date, zone: str) -> tuple[Copy, str]:
    ids = {row[column]: derived(prefix, "copy", name, number) for column, prefix in _PREFIX.items()}
    text = row["state"]
    for old, new in ids.items():
        text = text.replace(old, new)
    state = json.loads(text) | {"zone": zone, "last_charge_at": None, "collections": [], "answers": []}
    term = state["contract"]["terms"][0]
    state["contract"]["zone"] = zone
    months = BILLED * term["interval_months"]
    term |= {"anchor": add_months(day, -months).isoformat(), "billed": BILLED, "months": 3 * months}
    copy = Copy(
        state=from_json(Deal, state),
        deal_id=ids[row["id"]],
        account_id=ids[row["account_id"]],
        contract_id=ids[row["contract_id"]],
    )
    return copy, json.dumps(state)


_PREFIX = {"id": "d", "account_id": "acc", "contract_id": "con"}


async def until(instant: datetime) -> None:
    """Sleep up to an instant of the wall's clock."""
    await asyncio.sleep(max(0.0, (instant - datetime.now(tz=UTC)).total_seconds()))
