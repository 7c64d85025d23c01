"""Whole lives of a deal without a server: scripted parties, a clock, and the workflow's loop in ten lines."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.agenda import next_at, next_due
from domain.deal import accept, advanced, after
from domain.message import Answer, Command, Decide, Fact, FactCame, Message, PaymentFact, Revise, Submit
from domain.outcome import Failed, Outcome
from domain.state import Deal
from domain.step import Step, StepKind
from tests.domain.parties import DESK, NEED, OWNER, START, TERMS, Outside, Parties, said

__all__ = ["DESK", "NEED", "OWNER", "START", "TERMS", "Life", "Outside", "Played", "days"]


@dataclass(frozen=True, slots=True)
class Played:
    """One step as it happened."""

    step: Step
    outcome: Outcome
    now: datetime


class Life(Parties):
    """Plays one deal. `watch` is called after each step with the deal before it and what was played."""

    def __init__(self, outside: Outside | None = None, *, virtual: bool = True, zone: str = "UTC") -> None:
        super().__init__(outside, virtual=virtual, zone=zone)
        self.played: list[Played] = []
        self.watch: Callable[[Deal, Played], None] = lambda *_: None
        self.post: list[tuple[datetime, int, str]] = []  # facts still to come: when, order, message id
        self.said = 0

    # --- the clock and the loop, as the workflow has them ---

    @property
    def over(self) -> bool:
        return bool(self.deal.closed) and not self.deal.inbox and not self.deal.voids

    def say(self, body: Command, *, by: str = OWNER, message_id: str = "") -> Answer:
        """A command comes now; its answer."""
        self.said += 1
        message = Message(id=message_id or f"m{self.said}", by=by, body=body)
        self.deal = accept(self.deal, message, self.now)
        self.settle()
        answer = self.deal.answer(message.id)
        assert answer is not None
        return answer

    def tell(self, fact: Fact | None, *, at: datetime | None = None, message_id: str = "") -> str:
        """A fact will come at `at` (default now)."""
        self.said += 1
        message_id = message_id or f"fact/{self.said}"
        self.facts[message_id] = fact
        heapq.heappush(self.post, (at or self.now, self.said, message_id))
        return message_id

    def play(self, until: datetime, *, late: timedelta = timedelta(0)) -> None:
        """Perform all that falls due up to `until`, each waking `late`."""
        self.settle()
        while (at := self.following()) is not None and at <= until and not self.over:
            self.wake(at + late)
        self.wake(until)

    def following(self) -> datetime | None:
        times = [at for at in (next_at(self.deal), self.post[0][0] if self.post else None) if at is not None]
        return min(times, default=None)

    def wake(self, at: datetime) -> None:
        """It is `at` now: what came meanwhile is taken in, what is due is done. After an outage, all of it at once."""
        self.now = max(self.now, at)
        self.deal = advanced(self.deal, self.now)
        self.settle()

    def settle(self) -> None:
        while True:
            while self.post and self.post[0][0] <= self.now:
                came, _, message_id = heapq.heappop(self.post)
                body = FactCame(inbox_id=message_id)
                at = max(came, self.deal.clock.now) if self.deal.clock.virtual else self.now
                self.deal = accept(self.deal, Message(id=message_id, by="outside", body=body), at)
                fact = self.facts[message_id]
                if isinstance(fact, PaymentFact) and fact.status == "declined":
                    self.refused.add(fact.key)
            step = next_due(self.deal, self.now)
            if step is None:
                break
            self.perform(step)
        if self.deal.clock.virtual:
            self.deal = replace(self.deal, clock=self.deal.clock.seen(self.deal.clock.target))

    def perform(self, step: Step) -> None:
        now = max(step.at, self.deal.clock.now) if self.deal.clock.virtual else self.now
        if step.kind in self.outside.failing:
            self.outside.failing.discard(step.kind)
            outcome: Outcome = Failed(reason="broken")
        else:
            outcome = self.answer(step, now)
        before, self.deal = self.deal, after(self.deal, step, outcome, now)
        self.played.append(Played(step, outcome, now))
        self.watch(before, self.played[-1])

    # --- short cuts ---

    def quoted(self) -> Life:
        """Drafted and priced."""
        assert self.say(Revise(draft_id="draft-1", draft_hash="h")).verdict == "accepted"
        return self

    def submitted(self) -> Life:
        assert self.quoted().say(Submit(version=self.deal.orders[0].version)).verdict == "accepted"
        return self

    def decide(self, *, approve: bool = True, by: str = DESK, groups: tuple[str, ...] = ("desk",)) -> Answer:
        order = self.deal.orders[0]
        body = Decide(
            version=order.version, content_hash=order.content_hash, approve=approve, reason="fine", groups=groups
        )
        return self.say(body, by=by)

    def read(self, word: str = "", *, by: str = "gina@globex.example") -> Answer:
        """Whoever has the last share link says what they say (`Outside.reader` unless given)."""
        word = word or said(self.outside.reader, len(self.shown) - 1)
        return self.say(self.answer_to(list(self.shown)[-1], word), by=by)

    def kinds(self) -> list[str]:
        """The kinds of all steps played, but for messages taken in."""
        return [p.step.kind.value for p in self.played if p.step.kind is not StepKind.TAKE]


def days(number: float) -> timedelta:
    return timedelta(days=number)
