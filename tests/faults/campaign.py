"""Fifty deals played by callers who never give up, while servers are killed under them."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.desk import BY_CHAT, MATRIX, PEOPLE, Desk, Word
from tests.faults.fates import REAL, VIRTUAL, Fate, spread
from tests.inbox import Inbox
from tests.whole import Whole

FAULTS = "lost=0.03,error=0.04,slow=0.02,late=0.03,hook_dup=0.2,hook_late=0.2,hook_shuffle=0.2"
VICTIMS = ("worker", "api", "postgres", "temporal")
SANDBOXES = ("trial-a", "trial-b", "trial-c")
STARTS_AT = "2026-01-10T09:00:00Z"
HOPS = ("2026-01-20", "2026-02-05", "2026-02-20", "2026-03-12", "2026-04-01", "2026-04-20")
REAL_ENTITY = "acme"


@dataclass(kw_only=True)
class Played:
    """One deal of the campaign."""

    fate: Fate
    name: str
    entity: str
    id: str = ""
    reached: bool = False


@dataclass(kw_only=True)
class Campaign:
    """The deals, their callers, and the killer."""

    whole: Whole
    deals: list[Played]
    desk: Desk
    seed: int = 0
    say: Callable[[str], None] = lambda _: None
    kills: Counter[str] = field(default_factory=Counter)
    under_way: dict[str, int] = field(default_factory=dict)  # deals not yet where they belong, at each kill
    began: float = field(default_factory=time.monotonic)
    done: bool = False

    async def run(self, rounds: int) -> None:
        """Play every deal to its end while `rounds` rounds of kills go on; returns when all of both is over."""
        sandboxes = dict.fromkeys(SANDBOXES, STARTS_AT)
        await self.whole.furnish(entity=REAL_ENTITY, sandboxes=sandboxes, policy=MATRIX, people=PEOPLE)
        await self._behave(REAL_ENTITY, "signature", "*", {"action": "sign", "after_hours": 0})
        killer = asyncio.create_task(self._kill(rounds))
        real = [deal for deal in self.deals if deal.entity == REAL_ENTITY]
        gate = asyncio.Semaphore(6)
        talked = asyncio.Semaphore(
            len(real)
        )  # decisions by link are made while servers die: these deals wait for nobody
        async with asyncio.TaskGroup() as group:
            for deal in real:
                group.create_task(self._play_real(deal, talked if deal.fate.words else gate))
            for sandbox in SANDBOXES:
                group.create_task(self._play_sandbox(sandbox, gate))
        self._tell("every deal was played")
        self.done = True
        await killer

    def _tell(self, what: str) -> None:
        self.say(f"{time.monotonic() - self.began:6.1f} s  {what}")

    # --- the killer ---

    async def _kill(self, rounds: int) -> None:
        chance = random.Random(self.seed)
        for number in range(rounds):
            for victim in VICTIMS:
                await asyncio.sleep(chance.uniform(1.5, 4.0))
                waiting = sum(not deal.reached for deal in self.deals)
                await asyncio.to_thread(self.whole.system.kill, victim)
                await asyncio.sleep(chance.uniform(0.0, 1.5))
                await asyncio.to_thread(self.whole.system.start, victim)
                self.kills[victim] += 1
                self.under_way[f"{number}/{victim}"] = waiting
                self._tell(f"{victim} was killed and started again ({waiting} deals under way)")

    # --- what all deals begin with ---

    async def _behave(self, entity: str, party: str, email: str, behaviour: dict[str, Any]) -> None:
        await self.whole.control("behaviour", account=entity, party=party, email=email, **behaviour)

    async def _open(self, deal: Played, gate: asyncio.Semaphore) -> None:
        fate, whole = deal.fate, self.whole
        async with gate:
            for party, behaviour in fate.outside.items():
                await self._behave(deal.entity, party, f"{deal.name}@x.example", behaviour)
            method = fate.terms.get("method", "card")
            account = await whole.account(deal.entity, deal.name, method=method, token=fate.token)
            deal.id = await whole.open(deal.name, account, **fate.terms)
            await whole.post(f"/v1/deals/{deal.id}/submit", {"version": 1}, key=f"submit-{deal.name}")
            if fate.reject_first:
                await self._decide(deal, 1, approve=False)
                await self._revise(deal, discount_percent="15")
            if fate.approve:
                await self._decide(deal, 2 if fate.reject_first else 1, approve=True)
        for together in fate.words:
            await self._words(deal, together)

    async def _words(self, deal: Played, together: tuple[Word, ...]) -> None:
        """All who speak at once; a version that was proposed meanwhile is submitted first."""
        version = together[0].version
        if version > 1:
            page = await self._until(deal, lambda page: _priced(page, version))
            if page["waits_for"] == "submission":
                key = f"submit-{version}-{deal.name}"
                await self.whole.post(f"/v1/deals/{deal.id}/submit", {"version": version}, key=key)
        await asyncio.gather(*(self.desk.say(deal.name, deal.id, word) for word in together))

    async def _decide(self, deal: Played, version: int, *, approve: bool) -> None:
        await self._until(deal, lambda page: page["waits_for"] == "approval" and self._asked(page))
        said = {"version": version, "approve": approve, "reason": "as agreed" if approve else "too much"}
        await self.whole.post(f"/v1/deals/{deal.id}/decide", said, key=f"decide-{deal.name}-{version}", by="desk")

    @staticmethod
    def _asked(page: dict[str, Any]) -> bool:
        return any(approval["status"] == "asked" for approval in page["orders"][0]["approvals"])

    async def _revise(self, deal: Played, **terms: Any) -> None:
        draft = {
            "price_book": "acme",
            "currency": "EUR",
            "term_months": 12,
            "interval_months": 1,
            "start": "provisioning",
            "method": "card",
            "signer": {"name": deal.name, "email": f"{deal.name}@x.example"},
            "lines": [{"product": "team", "quantity": 20}],
            **terms,
        }
        await self.whole.post(f"/v1/deals/{deal.id}/revise", {"draft": draft}, key=f"revise-{deal.name}")
        await self._until(deal, lambda page: page["orders"][0]["version"] == 2 and page["waits_for"] == "submission")
        await self.whole.post(f"/v1/deals/{deal.id}/submit", {"version": 2}, key=f"submit-2-{deal.name}")

    async def _until(
        self, deal: Played, there: Callable[[dict[str, Any]], bool], seconds: float = 150.0
    ) -> dict[str, Any]:
        until = time.monotonic() + seconds
        page: dict[str, Any] = {}
        while time.monotonic() < until:
            page = await self.whole.deal(deal.id)
            if there(page):
                return page
            await asyncio.sleep(0.25)
        shown = {name: page.get(name) for name in ("stage", "waits_for", "parked", "collections", "orders")}
        raise TimeoutError(f"{deal.name} ({deal.id}) stays at {shown}")

    # --- on the wall's clock ---

    async def _play_real(self, deal: Played, gate: asyncio.Semaphore) -> None:
        fate, whole = deal.fate, self.whole
        await self._open(deal, gate)
        if fate.gives_up:
            await self._until(deal, lambda page: bool(page["parked"]))
            await whole.post(
                f"/v1/deals/{deal.id}/cancel", {"reason": "cannot be provisioned"}, key=f"cancel-{deal.name}"
            )
            await self._until(deal, lambda page: page["stage"] == "ended")
            deal.reached = True
            return
        await self._until(deal, lambda page: page["stage"] == "active")
        if fate.retry_charge:
            await self._until(deal, lambda page: any(c["last_decline"] for c in page["collections"]))
            await whole.post(f"/v1/deals/{deal.id}/retry", {}, key=f"retry-{deal.name}")
        waits_for = "payment" if fate.pays == "never" else "next period"
        await self._until(deal, lambda page: page["waits_for"] == waits_for)
        deal.reached = True

    async def _transfer(self, entity: str, deals: list[Played]) -> None:
        """Each payer orders the amount of each of its invoices for its due date, once."""
        bank_account = (await self.whole.get(f"/v1/entities/{entity}"))["bank_account"]
        for deal in deals:
            if deal.fate.pays != "transfer":
                continue
            for invoice in (await self.whole.get("/v1/invoices", deal=deal.id))["items"]:
                said = {
                    "account": entity,
                    "to_account": bank_account,
                    "payer": deal.name,
                    "reference": invoice["number"],
                    "amount_minor": invoice["total"]["minor"],
                    "currency": invoice["total"]["currency"],
                    "key": invoice["number"],
                    "on": invoice["due_on"],
                }
                (await self.whole.outside.post("/bank/transfers", json=said)).raise_for_status()

    # --- in a sandbox ---

    async def _play_sandbox(self, sandbox: str, gate: asyncio.Semaphore) -> None:
        whole, mine = self.whole, [deal for deal in self.deals if deal.entity == sandbox]
        async with asyncio.TaskGroup() as group:
            for deal in mine:
                group.create_task(self._open(deal, gate))
        for hop in HOPS:
            await whole.advance(sandbox, f"{hop}T00:00:00Z")
            for deal in mine:
                await self._react(deal)
            await self._transfer(sandbox, mine)
        for deal in mine:
            deal.reached = True
        self._tell(f"{sandbox} is at {HOPS[-1]}")

    async def _react(self, deal: Played) -> None:
        fate, whole = deal.fate, self.whole
        page = await whole.deal(deal.id)
        if fate.gives_up and page["parked"]:
            await whole.post(
                f"/v1/deals/{deal.id}/cancel", {"reason": "cannot be provisioned"}, key=f"cancel-{deal.name}"
            )
        if fate.name == "not-renewed":
            await self._behave(deal.entity, "signature", f"{deal.name}@x.example", {"action": "ignore"})
        if fate.revise_after_decline and page["orders"][0]["stage"] == "declined":
            await self._behave(deal.entity, "signature", f"{deal.name}@x.example", {"action": "sign", "after_hours": 3})
            await self._revise(deal, discount_percent="5")


def _priced(page: dict[str, Any], version: int) -> bool:
    return page["orders"][0]["version"] == version and page["waits_for"] in {"submission", "approval"}


def campaign(whole: Whole, *, deals: int = 50, seed: int = 0, say: Callable[[str], None] = lambda _: None) -> Campaign:
    """Two fifths of the deals on the wall's clock, the others spread over three sandboxes."""
    real = max(1, deals * 2 // 5)
    played = [
        Played(fate=fate, name=f"{fate.name}-r{n}", entity=REAL_ENTITY) for n, fate in enumerate(spread(REAL, real))
    ]
    virtual = spread(VIRTUAL, deals - real)
    played += [
        Played(fate=fate, name=f"{fate.name}-v{n}", entity=SANDBOXES[n % len(SANDBOXES)])
        for n, fate in enumerate(virtual)
    ]
    inbox = Inbox(api=whole.api, outside=whole.outside, channels=BY_CHAT)
    return Campaign(whole=whole, deals=played, desk=Desk(inbox=inbox), seed=seed, say=say)
