"""The outside and the books as one object in memory: our own implementations of the stubs, for the workflow's own logic.

`Simulated` answers each step as `tests/domain/parties.py` does, behind a fence of its own: it remembers what took each
turn, and answers with it when the turn is asked for again. `hold` makes the next step of a kind wait inside its activity.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.worker import Worker

from domain.agenda import next_due
from domain.deal import accept, after
from domain.ids import deal_workflow_id
from domain.message import Body, Fact, FactCame, Message, Revise, Submit
from domain.outcome import Charged, Failed, Outcome
from domain.state import Deal
from domain.step import StepKind
from tests.domain.parties import OWNER, Outside, Parties
from worker import WORKFLOWS, workflow_runner
from workflows import stubs
from workflows.deal import DealWorkflow, Reply
from workflows.stubs import GiveUp, Note, Perform, Performed


@dataclass
class Hold:
    """One step that waits: `entered` once it is inside its activity, until somebody sets `go`."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)


class Simulated(
    Parties,
    stubs.MessageActivities,
    stubs.QuoteActivities,
    stubs.PresentationActivities,
    stubs.ApprovalActivities,
    stubs.SignatureActivities,
    stubs.ContractActivities,
    stubs.EntitlementActivities,
    stubs.InvoiceActivities,
    stubs.MigrationActivities,
    stubs.PaymentActivities,
    stubs.DunningActivities,
):
    """Everybody whom a deal asks something. `taken` is what took each turn, `notes` what belongs to no step."""

    def __init__(self, outside: Outside | None = None, *, virtual: bool = True) -> None:
        super().__init__(outside, virtual=virtual)
        self.deal = replace(self.deal, id=f"d_{uuid4().hex}")
        self.taken: dict[int, Performed] = {}
        self.asked: Counter[StepKind] = Counter()  # how often each kind was asked for, repeats included
        self.notes: list[str] = []
        self.holds: defaultdict[StepKind, list[Hold]] = defaultdict(list)
        self.down: Callable[[Perform], bool] = lambda _: False
        self.told: list[tuple[datetime, str]] = []

    def tell(self, fact: Fact | None, *, at: datetime | None = None, message_id: str = "") -> str:
        inbox_id = message_id.removeprefix("fact/") or str(len(self.facts) + 1)
        self.facts[f"fact/{inbox_id}"] = fact
        self.told.append((at or self.now, inbox_id))
        return inbox_id

    def hold(self, kind: StepKind) -> Hold:
        self.holds[kind].append(hold := Hold())
        return hold

    def kinds(self) -> list[StepKind]:
        """What was done, messages left out, in order."""
        return [each.step.kind for _, each in sorted(self.taken.items()) if each.step.kind is not StepKind.TAKE]

    def messages(self) -> list[str]:
        """Every message that was taken in, in order."""
        return [each.step.subject for _, each in sorted(self.taken.items()) if each.step.kind is StepKind.TAKE]

    async def _perform(self, command: Perform) -> Performed:
        kind = command.step.kind
        self.asked[kind] += 1
        if self.down(command):
            raise ConnectionError("nobody there")
        if kind in self.outside.failing:
            self.outside.failing.discard(kind)
            raise ApplicationError("it cannot be done", type="OutOfOrder", non_retryable=True)
        if self.holds[kind]:
            hold = self.holds[kind].pop(0)
            hold.entered.set()
            await hold.go.wait()
        return self._take_turn(command, lambda: self.answer(command.step, command.now))

    def _take_turn(self, command: Perform, answer: Callable[[], Outcome]) -> Performed:
        turn = command.deal.turn
        if turn not in self.taken:
            self.deal = command.deal
            done = Performed(step=command.step, outcome=answer(), now=command.now)
            self.taken[turn] = done
            self.deal = after(command.deal, done.step, done.outcome, done.now)
        return self.taken[turn]

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [getattr(self, name) for name in ("give_up", "note", *_PERFORMED)]

    @activity.defn
    async def give_up(self, command: GiveUp) -> Performed:
        charge = command.perform.step.kind in (StepKind.CHARGE, StepKind.RESOLVE)
        outcome: Outcome = Charged(status="unknown") if charge else Failed(reason=command.reason)
        return self._take_turn(command.perform, lambda: outcome)

    @activity.defn
    async def note(self, command: Note) -> None:
        self.notes.append(command.text)

    @activity.defn
    async def take(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def price_quote(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def expire_quote(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def offer_renewal(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def present_quote(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def ask_for_approval(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def look_up_approvers(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def remind_approvers(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def escalate_approval(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def send_for_signature(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def void_envelope(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def book_contract(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def activate_contract(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def end_contract(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def provision(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def compensate(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def set_access(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def bill_period(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def bill_milestone(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def reprice_contract(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def charge_payment(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def resolve_payment(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def send_reminder(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def suspend_contract(self, command: Perform) -> Performed:
        return await self._perform(command)

    @activity.defn
    async def cancel_contract(self, command: Perform) -> Performed:
        return await self._perform(command)


_PERFORMED = (
    "take", "price_quote", "expire_quote", "offer_renewal", "ask_for_approval", "look_up_approvers",
    "remind_approvers", "escalate_approval",
    "send_for_signature", "void_envelope", "book_contract", "activate_contract", "end_contract", "provision",
    "compensate", "set_access", "bill_period", "bill_milestone", "reprice_contract", "present_quote", "charge_payment", "resolve_payment", "send_reminder", "suspend_contract",
    "cancel_contract",
)  # fmt: skip


@dataclass
class Play:
    """One deal's workflow on the real server, over a simulated world."""

    simulated: Simulated
    handle: WorkflowHandle[Any, Any]
    client: Client
    queue: str
    _numbers: int = 0

    async def say(self, body: Body, *, message_id: str = "", by: str = OWNER) -> Reply:
        """A command; asked again under its id until it is answered, as the API does."""
        self._numbers += 1
        message = Message(id=message_id or f"m{self._numbers}", by=by, body=body)
        while not (reply := await self.update(message)).settled:
            continue
        return reply

    async def update(self, message: Message) -> Reply:
        """One update, as it is answered."""
        reply: Reply = await self.handle.execute_update(message.body.kind, message, result_type=Reply)
        return reply

    async def tell_all(self) -> None:
        """The facts that the simulated parties have to say reach the deal."""
        told, self.simulated.told = self.simulated.told, []
        for _, inbox_id in told:
            await self.handle.signal("fact_came", inbox_id)

    async def advance(self, to: datetime) -> None:
        while not (await self.handle.execute_update("advance", to, result_type=Reply)).settled:
            continue

    async def state(self) -> Deal:
        found: Deal = await self.handle.query("state", result_type=Deal)
        return found

    async def until(self, there: Callable[[Deal], bool]) -> Deal:
        """Wait until the deal is so; the test's own time-out ends a wait in vain."""
        while not there(found := await self.state()):
            await asyncio.sleep(0.02)
        return found

    async def runs(self) -> int:
        """How many runs the deal's life took so far."""
        query = f"WorkflowId = '{self.handle.id}'"
        return len({each.run_id async for each in self.client.list_workflows(query)})


@asynccontextmanager
async def working(client: Client, simulated: Simulated, queue: str) -> AsyncIterator[Worker]:
    async with Worker(
        client,
        task_queue=queue,
        workflows=WORKFLOWS,
        activities=simulated.activities(),
        workflow_runner=workflow_runner(),
    ) as worker:
        yield worker


@asynccontextmanager
async def play(client: Client, simulated: Simulated) -> AsyncIterator[Play]:
    """The deal's workflow, started from the state that the simulated world has of it."""
    queue = f"play-{uuid4()}"
    async with working(client, simulated, queue):
        handle = await client.start_workflow(
            DealWorkflow.run, simulated.deal, id=deal_workflow_id(simulated.deal.id), task_queue=queue
        )
        try:
            yield Play(simulated, handle, client, queue)
        finally:
            for each in (hold for holds in simulated.holds.values() for hold in holds):
                each.go.set()
            with suppress(RPCError):  # it is over already
                await handle.terminate("the test is over")


def active(simulated: Simulated, *, at: datetime | None = None) -> Simulated:
    """The world played until its deal is in service, without a server; the first month is billed and paid."""

    def perform() -> None:
        while (step := next_due(simulated.deal, simulated.deal.clock.now)) is not None:
            now = max(step.at, simulated.deal.clock.now)
            simulated._take_turn(
                Perform(deal=simulated.deal, step=step, now=now),
                lambda step=step, now=now: simulated.answer(step, now),  # type: ignore[misc]
            )

    if at is not None:
        clock = replace(simulated.deal.clock, now=at, target=at)
        simulated.deal = replace(simulated.deal, clock=clock, opened_at=at, since=at)
    for body in (Revise(draft_id="draft-1", draft_hash="h"), Submit(version=1)):
        message = Message(id=f"before-{body.kind}", by=OWNER, body=body)
        simulated.deal = accept(simulated.deal, message, simulated.deal.clock.now)
        perform()
    told, simulated.told = simulated.told, []
    for _, inbox_id in told:
        fact = Message(id=f"fact/{inbox_id}", by="outside", body=FactCame(inbox_id=inbox_id))
        simulated.deal = accept(simulated.deal, fact, simulated.deal.clock.now)
        perform()
    assert simulated.deal.contract is not None
    return simulated
