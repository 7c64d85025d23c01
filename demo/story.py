"""All that happened, read back once through the API, with the outside's own count beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from demo.client import Json
from demo.compare import Pair, pairs
from demo.course import Course
from demo.furnish import House, Sandbox
from demo.life import Life
from demo.people import Case
from demo.records import Deal
from domain.calendar import local_date

SIDE_BY_SIDE = 6
Totals = dict[str, tuple[int, int]]  # currency -> (how many, sum in minor units)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStory:
    """One deal of the book: its page, its timeline, its invoices, receipts and attempts to collect, and what was previewed.

    Of a quote that has a file of its own: its invoices with their lines, the version that was in play last, and who looked.
    """

    deal: Deal
    page: Json
    timeline: list[Json]
    invoices: list[Json]
    receipts: list[Json]
    attempts: list[Json]
    pairs: list[Pair]
    moved: Json = None  # what a price rise did with its contract
    version: Json = None
    shares: Json = None
    evidence: Json = None  # of its approvals, where somebody was asked
    course: Course | None = None  # what that should tell

    @property
    def entries(self) -> list[Json]:
        """All that was asked and said, in order."""
        return self.evidence["entries"] if self.evidence is not None else []

    @property
    def order(self) -> Json:
        """The first order."""
        return self.page["orders"][0]


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
    rises: list[tuple[Json, Json]]  # as previewed, and what came of it

    def today(self, deal: Deal) -> date:
        """The last day of the play, where the deal's seller is."""
        zone = next(b.sandbox.entity.zone for b in self.books if b.sandbox.entity.id == deal.entity)
        return local_date(self.ends_at, zone)


async def read(house: House, ends_at: datetime, lives: Sequence[Life]) -> Story:
    """Read every deal and every sandbox's books. Raises Refused."""
    gate = asyncio.Semaphore(SIDE_BY_SIDE)
    known = {case.deal.name: case for life in lives for case in life.cases if case.id}
    rises = [life.rise for life in lives if life.rise is not None]
    moves = {move["deal_id"]: move for _, after in rises for move in after["deals"]}

    async def one(case: Case) -> CaseStory:
        async with gate:
            return await _case(house, case, moves.get(case.id))

    cases = await asyncio.gather(*(one(known[deal.name]) for deal in house.book.deals if deal.name in known))
    books = [await _books(house, sandbox) for sandbox in house.sandboxes]
    return Story(ends_at=ends_at, cases=cases, books=books, rises=rises)


async def _case(house: House, case: Case, moved: Json) -> CaseStory:
    admin, whole = house.admin, case.deal.whole
    page = await admin.get(f"/v1/deals/{case.id}")
    invoices = await admin.pages("/v1/invoices", deal=case.id)
    if whole:
        invoices = [await admin.get(f"/v1/invoices/{invoice['id']}") for invoice in invoices]
    order, rise = page["orders"][0], house.book.rise
    moved_on = rise.on if rise is not None and moved is not None and moved["status"] == "done" else None
    return CaseStory(
        deal=case.deal,
        page=page,
        timeline=await admin.pages(f"/v1/deals/{case.id}/timeline"),
        invoices=invoices,
        receipts=await admin.pages("/v1/payments", deal=case.id),
        attempts=await admin.pages("/v1/payments/attempts", deal=case.id),
        pairs=pairs(case.preview, order["chosen"], invoices, moved_on=moved_on),
        moved=moved,
        version=await admin.get(f"/v1/quote-versions/{order['versions'][-1]['id']}") if whole else None,
        evidence=await admin.get(f"/v1/deals/{case.id}/evidence") if order["approvals"] else None,
        course=case.course,
        shares=await admin.get(f"/v1/deals/{case.id}/shares") if case.deal.visits is not None else None,
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
