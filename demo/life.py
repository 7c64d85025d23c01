"""One sandbox's book is played from date to date: whoever has something to do then acts, then its clock is moved to the next date.

The engine is asked only through the API, and is never told how a deal ends.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from demo.client import Json
from demo.customers import change_signer, pay, transfer_of
from demo.desk import THINKS_AGAIN, Desk, Do
from demo.fates import Visit
from demo.furnish import House, Sandbox, opening
from demo.people import Case, Office
from demo.post import Post
from demo.visitor import new_link, visit

SIDE_BY_SIDE = 6
BUSY, QUIET = timedelta(days=2), timedelta(days=10)  # how often somebody looks in, at least
BUSY_FOR = timedelta(days=40)
OPS_RETRIES, OPS_GIVES_UP = timedelta(days=1), timedelta(days=5)
CONFIRMS_AFTER = timedelta(days=2)  # a customer who was asked to confirm a charge with their bank
NEXT_MOOD = timedelta(days=90)  # the signer of the renewal acts as the book says from then on
ANSWERS_AFTER = timedelta(hours=2)  # sales answers a customer's question
MOST_MENDED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """How far one sandbox is: for the progress that is shown."""

    sandbox: str
    now: datetime
    opened: int
    running: int
    ended: int
    invoices: int


@dataclass(slots=True)
class Life:
    """The play of one sandbox. `told` hears a Glance after every hop of ours."""

    house: House
    sandbox: Sandbox
    ends_at: datetime
    told: Callable[[Glance], None]
    post: Post
    rise: tuple[Json, Json] | None = None  # a price rise as previewed, and what came of it
    office: Office = field(init=False)
    desk: Desk = field(init=False)
    now: datetime = field(init=False)
    cases: list[Case] = field(init=False)
    _plans: list[tuple[datetime, int, Do]] = field(default_factory=list)
    _count: itertools.count[int] = field(default_factory=itertools.count)
    _seen: dict[str, Json] = field(default_factory=dict)  # invoices by id

    def __post_init__(self) -> None:
        self.office = Office(self.house)
        self.desk = Desk(office=self.office, post=self.post, now=lambda: self.now, plan=self._plan)
        self.now = self.sandbox.starts_at
        mine = [deal for deal in self.house.book.deals if deal.entity == self.sandbox.entity.id]
        courses = self.house.book.courses
        self.cases = [Case(deal=deal, sandbox=self.sandbox, course=courses.get(deal.account)) for deal in mine]

    async def play(self) -> None:
        """From the first deal's morning to the end. Raises Refused where the API says no to somebody."""
        for case in self.cases:
            at = opening(case.deal, self.sandbox.entity)
            self._plan(at, lambda case=case: self.office.open(case))  # type: ignore[misc]
            self._plan(at + NEXT_MOOD, lambda case=case: self._mood(case))  # type: ignore[misc]
            for name, days in case.deal.milestones:
                reached = at + timedelta(days=days)
                self._plan(reached, lambda case=case, name=name: self.office.reach(case, name))  # type: ignore[misc]
        self._plan_rise()
        while True:
            while self._plans and self._plans[0][0] <= self.now:
                await self._act()
                await self._look()
            if self.now >= self.ends_at:
                return
            await self._advance(self._next())
            await self._look()

    def _plan_rise(self) -> None:
        rise = self.house.book.rise
        if rise is None or rise.entity != self.sandbox.entity.id or not set(rise.accounts) & set(self.sandbox.accounts):
            return

        async def do() -> None:
            self.rise = await self.office.raise_prices(rise, self.sandbox)

        self._plan(datetime.combine(rise.on, time(10), ZoneInfo(self.sandbox.entity.zone)), do)

    def _plan(self, at: datetime, do: Do) -> None:
        heapq.heappush(self._plans, (max(at, self.now), next(self._count), do))

    def _next(self) -> datetime:
        quiet = self.now - self.sandbox.starts_at > BUSY_FOR
        stops = [self.now + (QUIET if quiet else BUSY), self.ends_at]
        return min(stops + [at for at, _, _ in self._plans[:1]])

    async def _act(self) -> None:
        """All that people have planned up to now, side by side."""
        due: list[Do] = []
        while self._plans and self._plans[0][0] <= self.now:
            due.append(heapq.heappop(self._plans)[2])
        await _side_by_side(due)

    async def _advance(self, to: datetime) -> None:
        ops = next(person for person in self.house.book.people.values() if person.role == "ops")
        path = f"/v1/sandboxes/{self.sandbox.id}/clock/advance"
        await self.post.quiet()
        await self.house.staff[ops.email].post(
            path, {"to": to.isoformat()}, once=f"clock/{self.sandbox.id}/{to.isoformat()}"
        )
        self.now = to

    # --- looking in ---

    async def _look(self) -> None:
        """See what came since: requests to decide, parked deals, charges to confirm, invoices to pay."""
        pages = {page["id"]: page for page in await self.house.admin.pages("/v1/deals", entity=self.sandbox.id)}
        if any(page["stage"] == "approval" for page in pages.values()):
            await self.desk.look(self.cases)
        for case in self.cases:
            page = pages.get(case.id)
            if page is None:
                continue
            if page["parked"]:
                self._parked(case)
            if case.deal.visits is not None:
                await self._with_customer(case, page)
            self.desk.submission(case, page)
            if page["waits_for"] == "payment" and "authentication_required" in case.deal.card_script:
                await self._confirmation(case)
        await self._invoices()
        ended = sum(page["stage"] == "ended" for page in pages.values())
        running = sum(page["stage"] in {"active", "suspended"} for page in pages.values())
        self.told(
            Glance(
                sandbox=self.sandbox.entity.name,
                now=self.now,
                opened=len(pages),
                running=running,
                ended=ended,
                invoices=len(self._seen),
            )
        )

    async def _with_customer(self, case: Case, page: Json) -> None:
        """The quote is on a page: the customer gets a mail and plans its visits; sales answers, or comes back with another."""
        since = datetime.fromisoformat(page["since"])
        if page["waits_for"] == "customer" and (case.visits or not case.links) and not case.at_customer:
            link = await new_link(self.post, case, self.house)
            case.at_customer = True
            while case.visits:
                what = case.visits.pop(0)
                at = since + timedelta(hours=what.after_hours)
                self._plan(at, lambda what=what: self._visit(case, link, what))  # type: ignore[misc]
                if what.action == "declines":
                    break
        elif page["waits_for"] == "reply":
            for question in (await self.house.admin.get(f"/v1/deals/{case.id}"))["questions"]:
                if question["reply"] is None and question["id"] not in case.replied:
                    case.replied.add(question["id"])
                    at, id_ = datetime.fromisoformat(question["at"]) + ANSWERS_AFTER, question["id"]
                    self._plan(at, lambda id_=id_: self.office.reply(case, id_))  # type: ignore[misc]
        elif page["waits_for"] == "revision" and case.deal.revised and not case.revised:
            case.revised, case.at_customer = True, False
            self._plan(self.now + THINKS_AGAIN, lambda: self.office.revise(case))

    async def _visit(self, case: Case, link: str, what: Visit) -> None:
        await visit(self.house.world, link, self.house.book.accounts[case.deal.account], what)

    def _parked(self, case: Case) -> None:
        """Ops tries once more; what fails for good is given up after some days."""
        if case.with_ops or case.mended >= MOST_MENDED:
            return
        case.mended += 1
        case.with_ops += 1
        self._plan(self.now + OPS_RETRIES, lambda: self.office.retry_parked(case))
        if case.deal.provisioning.for_good:
            case.with_ops += 1
            reason = f"{case.deal.provisioning.fail_step} cannot be provided"
            self._plan(self.now + OPS_GIVES_UP, lambda: self.office.cancel(case, reason))

    async def _confirmation(self, case: Case) -> None:
        page = await self.house.admin.get(f"/v1/deals/{case.id}")
        for one in page["collections"]:
            if one["last_decline"] == "action_required" and one["invoice_id"] not in case.authenticated:
                case.authenticated.add(one["invoice_id"])
                subject = one["invoice_id"]
                self._plan(self.now + CONFIRMS_AFTER, lambda subject=subject: self.office.retry(case, subject))  # type: ignore[misc]

    async def _invoices(self) -> None:
        since = max((invoice["issued_on"] for invoice in self._seen.values()), default=None)
        found = await self.house.admin.pages("/v1/invoices", entity=self.sandbox.id, issued_from=since)
        mine = {case.id: case for case in self.cases if case.id}
        for invoice in found:
            if invoice["id"] in self._seen:
                continue
            self._seen[invoice["id"]] = invoice
            deal = mine[invoice["deal_id"]].deal
            transfer = transfer_of(deal, self.house.book.accounts[deal.account], invoice)
            if transfer is not None and invoice["method"] == "transfer":
                await pay(self.house.world, self.sandbox.id, self.sandbox.bank_account, transfer)

    async def _mood(self, case: Case) -> None:
        account = self.house.book.accounts[case.deal.account]
        await change_signer(self.house.world, self.sandbox.id, account, case.deal.renewal_signer)


async def _side_by_side(due: list[Do]) -> None:
    gate = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(do: Do) -> None:
        async with gate:
            await do()

    await asyncio.gather(*(one(do) for do in due))
