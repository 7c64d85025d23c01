"""A deal played by hand: the workflow's loop without a workflow, over the real activities, each of them run twice.

Every step that `Hand` performs is performed a second time under the same turn: the answer must be the same, and neither
our books nor the outside may have changed in between. A test that plays a life has thereby tested that as well.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import build_activities
from activities.fence import refusal
from domain.agenda import next_due
from domain.deal import accept, advanced, after, opened
from domain.document import content_hash
from domain.errors import DomainError
from domain.message import Answer, Body, FactCame, Message, Revise, Submit
from domain.state import Deal
from domain.step import Step, StepKind
from gateways.parties import PartiesFor
from gateways.ports import GatewayRefused, GatewayUnavailable, SignatureEvent
from models.outbox import InboxRow
from models.quote import QuoteDraftRow
from sandbox.process import SandboxProcess
from tests.place import DRAFT, PEOPLE, START, ZONE, Place, furnished
from workflows.converter import to_json
from workflows.policies import GATEWAY_ATTEMPTS
from workflows.steps import AT_A_GATEWAY, IN_OUR_BOOKS
from workflows.stubs import GiveUp, Perform, Performed

SALES, DESK = PEOPLE["sales"][0], PEOPLE["desk"][0]


class Hand:
    """One deal of the sandbox copy. `twice` False: steps are performed once (for counting what they cost)."""

    def __init__(self, place: Place, parties: PartiesFor, deal: Deal) -> None:
        self.place, self.deal = place, deal
        self.activities = {each.__name__: each for each in build_activities(place.database, parties)}
        self.twice = True
        self.performed: list[Performed] = []
        self._numbers = itertools.count(1)

    # --- the loop ---

    async def run(self, name: str, command: object, *, attempt: int = 1) -> Any:
        """One activity, as the worker would run its `attempt`th try."""
        environment = ActivityEnvironment()
        environment.info = replace(activity_info(), attempt=attempt)
        return await environment.run(self.activities[name], command)

    async def perform(self, command: Perform) -> Performed:
        """One step, tried as often as the policies say, given up as the workflow gives it up."""
        kind = command.step.kind
        name = (IN_OUR_BOOKS.get(kind) or AT_A_GATEWAY[kind]).__name__
        for attempt in itertools.count(1):
            try:
                done: Performed = await self.run(name, command, attempt=attempt)
                return done
            except GatewayUnavailable as lost:
                if attempt < GATEWAY_ATTEMPTS:
                    continue
                reason = str(lost)
            except (DomainError, GatewayRefused, ApplicationError) as error:
                reason = str(refusal(error, command.step)) if isinstance(error, DomainError) else str(error)
            return await self.run("give_up", GiveUp(perform=command, reason=reason))  # type: ignore[no-any-return]
        raise AssertionError

    async def step(self, step: Step) -> Performed:
        """Perform and fold one step; perform it again, and see that nothing came of it."""
        now = max(step.at, self.deal.clock.now)
        if self.deal.clock.virtual:
            await self.place.control("clock", to=now.isoformat())
        command = Perform(deal=self.deal, step=step, now=now)
        done = await self.perform(command)
        if self.twice:
            books, outside = await self.place.look(), await self.place.effects()
            assert await self.perform(command) == done
            assert (await self.place.look(), await self.place.effects()) == (books, outside)
        self.deal = after(self.deal, done.step, done.outcome, done.now)
        self.performed.append(done)
        return done

    async def until(self, to: str | datetime) -> None:
        """Perform all that is due up to an instant, or a date's midnight in UTC."""
        at = to if isinstance(to, datetime) else datetime.fromisoformat(to).replace(tzinfo=UTC)
        self.deal = advanced(self.deal, at)
        while (step := next_due(self.deal, at)) is not None:
            await self.step(step)
        self.deal = replace(self.deal, clock=self.deal.clock.seen(at))

    async def now(self) -> None:
        """Perform what is due at the deal's own now."""
        await self.until(self.deal.clock.now)

    # --- what others say ---

    async def say(self, body: Body, *, by: str = SALES, message_id: str = "") -> Answer:
        """A command or a fact, now, and all that follows from it at once; its answer."""
        message = Message(id=message_id or f"m{next(self._numbers)}", by=by, body=body, at=self.deal.clock.now)
        self.deal = accept(self.deal, message, self.deal.clock.now)
        await self.now()
        answer = self.deal.answer(message.id)
        assert answer is not None
        return answer

    async def revise(self, **changes: Any) -> Answer:
        """A new draft, stored as the API stores it."""
        number, content = next(self._numbers), {**DRAFT, **changes}
        row = QuoteDraftRow(
            id=f"qd_{self.deal.id}_{number}",
            deal_id=self.deal.id,
            content=content,
            content_hash=content_hash(content),
            by=SALES,
            created_at=self.deal.clock.now,
        )
        await self.place.add([row])
        return await self.say(Revise(draft_id=row.id, draft_hash=row.content_hash))

    async def fact(self, provider: str, kind: str, payload: Any, *, event_id: str = "") -> Answer:
        """A fact from outside, stored as the API stores it, then told to the deal."""
        row = InboxRow(
            id=f"in_{next(self._numbers)}",
            provider=provider,
            event_id=event_id or f"evt_{next(self._numbers)}",
            deal_id=self.deal.id,
            kind=kind,
            payload=to_json(payload),
            received_at=self.deal.clock.now,
        )
        await self.place.add([row])
        return await self.told(row.id)

    async def told(self, inbox_id: str) -> Answer:
        """The signal that a fact waits."""
        return await self.say(FactCame(inbox_id=inbox_id), by="outside", message_id=f"fact/{inbox_id}")

    async def signed(self, event: str = "signed", *, sha256: str = "", event_id: str = "") -> Answer:
        """The signature provider tells what became of the envelope that is out."""
        order = next(order for order in self.deal.orders if order.envelope_id)
        return await self.fact(
            "signature",
            "signature",
            SignatureEvent(
                event_id="evt_signature",
                account=self.place.entity,
                envelope_id=order.envelope_id,
                kind=event,
                document_sha256=sha256 or order.document_sha256,
                signer_name="Gina Globex",
                reason="too dear" if event == "declined" else "",
                happened_at=self.deal.clock.now,
            ),
            event_id=event_id,
        )

    async def sold(self, **changes: Any) -> None:
        """Quoted, submitted, signed at once, and everything that follows within the instant."""
        await self.revise(**changes)
        await self.say(Submit(version=1))
        await self.signed()

    # --- looking ---

    def kinds(self) -> list[StepKind]:
        return [done.step.kind for done in self.performed]

    @property
    def invoice_id(self) -> str:
        """The one open invoice."""
        (collection,) = self.deal.collections
        return collection.invoice_id


def activity_info() -> activity.Info:
    return ActivityEnvironment.default_info()


@asynccontextmanager
async def hand(
    database_url: str,
    outside: SandboxProcess,
    *,
    account: dict[str, Any] | None = None,
    starts_at: datetime = START,
    virtual: bool = True,
) -> AsyncIterator[Hand]:
    """A deal before its first draft, over furnished books and the outside over HTTP; `virtual` False: a real one."""
    async with furnished(database_url, outside, starts_at=starts_at) as place:
        entity = place.entity if virtual else place.real
        account_id = await place.account(entity=entity, **(account or {}))
        deal = opened(
            deal_id=f"d_{entity}",
            name="Globex: Acme Team",
            entity_id=entity,
            account_id=account_id,
            owner=SALES,
            currency="EUR",
            zone=ZONE,
            virtual=virtual,
            now=starts_at,
        )
        parties = PartiesFor(place.addresses())
        try:
            yield Hand(place, parties, deal)
        finally:
            await parties.close()
