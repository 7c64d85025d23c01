"""All that happened, read back once through the API, with the outside's own count beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from demo.client import Json
from demo.furnish import House, Sandbox
from demo.records import Deal
from domain.calendar import local_date

SIDE_BY_SIDE = 6
Totals = dict[str, tuple[int, int]]  # currency -> (how many, sum in minor units)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStory:
    """One deal of the book: its page, its timeline, its invoices, receipts and attempts to collect."""

    deal: Deal
    page: Json
    timeline: list[Json]
    invoices: list[Json]
    receipts: list[Json]
    attempts: list[Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """One sandbox's books beside what the outside says: money in by source, both sides, by currency."""

    sandbox: Sandbox
    balance: list[Json]
    ours: Mapping[str, Totals]  # card, bank
    outside: Mapping[str, Totals]
    failed_steps: Mapping[str, int]  # deal id -> provisioning steps that the outside let fail

    @property
    def sums(self) -> dict[str, int]:
        """The trial balance's sum per currency, in minor units; zero where the books are right."""
        found: dict[str, int] = {}
        for row in self.balance:
            found[row["currency"]] = found.get(row["currency"], 0) + row["balance"]["minor"]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    ends_at: datetime
    cases: list[CaseStory]
    books: list[Books]

    def today(self, deal: Deal) -> date:
        """The last day of the play, where the deal's seller is."""
        zone = next(b.sandbox.entity.zone for b in self.books if b.sandbox.entity.id == deal.entity)
        return local_date(self.ends_at, zone)


async def read(house: House, ends_at: datetime) -> Story:
    """Read every deal and every sandbox's books. Raises Refused."""
    gate = asyncio.Semaphore(SIDE_BY_SIDE)
    names: dict[str, Json] = {}
    for sandbox in house.sandboxes:
        names |= {page["name"]: page for page in await house.admin.pages("/v1/deals", entity=sandbox.id)}

    async def one(deal: Deal) -> CaseStory:
        async with gate:
            return await _case(house, deal, names[deal.name]["id"])

    cases = await asyncio.gather(*(one(deal) for deal in house.book.deals if deal.name in names))
    books = [await _books(house, sandbox) for sandbox in house.sandboxes]
    return Story(ends_at=ends_at, cases=cases, books=books)


async def _case(house: House, deal: Deal, deal_id: str) -> CaseStory:
    admin = house.admin
    return CaseStory(
        deal=deal,
        page=await admin.get(f"/v1/deals/{deal_id}"),
        timeline=await admin.pages(f"/v1/deals/{deal_id}/timeline"),
        invoices=await admin.pages("/v1/invoices", deal=deal_id),
        receipts=await admin.pages("/v1/payments", deal=deal_id),
        attempts=await admin.pages("/v1/payments/attempts", deal=deal_id),
    )


async def _books(house: House, sandbox: Sandbox) -> Books:
    receipts = await house.admin.pages("/v1/payments", entity=sandbox.id)
    log = (await house.world.ask("/control/log", account=sandbox.id))["entries"]
    ours = {
        source: _total((r["amount"]["currency"], r["amount"]["minor"]) for r in receipts if r["source"] == source)
        for source in ("card", "bank")
    }
    kinds = {"card": "charge.captured", "bank": "transfer.booked"}
    outside = {
        source: _total((e["currency"], e["amount_minor"]) for e in log if e["party"] == source and e["kind"] == kind)
        for source, kind in kinds.items()
    }
    failed: dict[str, int] = {}
    for entry in log:
        if entry["kind"] == "step.failed":
            failed[entry["subject"]] = failed.get(entry["subject"], 0) + 1
    balance = await house.admin.get("/v1/journal/trial-balance", entity=sandbox.id)
    return Books(sandbox=sandbox, balance=balance, ours=ours, outside=outside, failed_steps=failed)


def _total(amounts: Iterable[tuple[str, int]]) -> Totals:
    found: Totals = {}
    for currency, minor in amounts:
        count, total = found.get(currency, (0, 0))
        found[currency] = (count + 1, total + minor)
    return found
