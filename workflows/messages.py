"""What may be said to a deal's workflow: commands (updates, answered), facts (signals). Handlers only enqueue; the loop folds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.message import Answer, FactCame, Message
    from domain.state import Deal
    from workflows.policies import ANSWER_WITHIN, LARGEST_MESSAGE, LONGEST_ID, MOST_FACTS, MOST_WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """`settled` False: no answer yet (three seconds passed, or the run is being carried over): ask again, same id."""

    settled: bool
    answer: Answer | None = None


def _command(kind: str) -> Any:
    """The update of one kind of command: its validator looks at shape and limits, the deal judges it when it is folded.

    (The SDK would count an annotated `self` among the arguments of the message.)
    """

    async def handler(self, message: Message) -> Reply:  # type: ignore[no-untyped-def]
        reply: Reply = await self.said(message)
        return reply

    def validator(self, message: Message) -> None:  # type: ignore[no-untyped-def]
        self.check(message)

    update = workflow.update(name=kind)(handler)
    update.validator(validator)
    return update


class Messages(ABC):
    """The messages of `DealWorkflow`: what came waits in `queue` and `targets` for the loop."""

    def __init__(self, deal: Deal) -> None:
        self.deal = deal
        self.queue: list[Message] = []
        self.targets: list[datetime] = []
        self.leaving = False

    @abstractmethod
    def writing(self) -> bool:
        """Our own books are being written: an answer waits for it."""

    @abstractmethod
    def reached(self, to: datetime) -> bool:
        """The deal's clock is there and nothing before it is left."""

    revise = _command("revise")
    submit = _command("submit")
    decide = _command("decide")
    reseat = _command("reseat")
    apply_policy = _command("apply_policy")
    withdraw = _command("withdraw")
    cancel = _command("cancel")
    retry = _command("retry")
    respond = _command("respond")
    ask = _command("ask")
    reply = _command("reply")
    reach = _command("reach")
    reprice = _command("reprice")
    take_up = _command("take_up")  # the deal goes on under a newer rule set from its next run

    async def said(self, message: Message) -> Reply:
        """Enqueue a command, and wait for its answer for a while."""
        if not self.deal.knows(message.id):
            self.queue.append(message)
        await self._wait(lambda: self.deal.answer(message.id) is not None and not self.writing())
        answer = self.deal.answer(message.id)
        return Reply(settled=answer is not None, answer=answer)

    async def _wait(self, done: Callable[[], bool]) -> None:
        try:
            await workflow.wait_condition(lambda: done() or self.leaving, timeout=ANSWER_WITHIN)
        except TimeoutError:
            return

    def check(self, message: Message) -> None:
        """Refuse what must not wait in the deal's state. Raises ApplicationError."""
        if len(self.deal.inbox) + len(self.queue) >= MOST_WAITING:
            msg = f"{MOST_WAITING} messages wait to be taken in"
            raise ApplicationError(msg, type="Busy")
        if not message.id or not message.by:
            msg = "a message needs an id and a person"
            raise ApplicationError(msg, type="MessageIncomplete", non_retryable=True)
        if len(message.id) > LONGEST_ID or len(repr(message)) > LARGEST_MESSAGE:
            msg = "a message carries ids and a reason, not contents: it travels with the deal's state"
            raise ApplicationError(msg, type="MessageTooLarge", non_retryable=True)

    @workflow.update
    async def advance(self, to: datetime) -> Reply:
        """Play a sandbox deal up to `to`; settled when the deal's clock is there and nothing before it is left."""
        self.targets.append(to)
        await self._wait(lambda: self.reached(to))
        return Reply(settled=self.reached(to))

    @advance.validator
    def _check_advance(self, to: datetime) -> None:
        if not self.deal.clock.virtual:
            msg = "a real deal's clock can never be moved"
            raise ApplicationError(msg, type="RealClock", non_retryable=True)
        if to.tzinfo is None:
            msg = "give an instant with its zone"
            raise ApplicationError(msg, type="MessageIncomplete", non_retryable=True)

    @workflow.signal
    def fact_came(self, *said: Any) -> None:
        """A fact waits in the inbox, under the id that is said. Never raises: a signal that cannot be taken would wedge
        the deal, so one that is no id (or none, or several things) is let go. So is one for which the state has no room:
        the relay tells it again until the inbox says that it was taken.
        """
        inbox_id = said[0] if len(said) == 1 else None
        if not isinstance(inbox_id, str) or not 0 < len(inbox_id) <= LONGEST_ID:
            return
        message_id = f"fact/{inbox_id}"
        full = self.deal.parks_alone and len(self.deal.inbox) + len(self.queue) >= MOST_FACTS
        if full or self.deal.knows(message_id) or any(m.id == message_id for m in self.queue):
            return
        body = FactCame(inbox_id=inbox_id)
        self.queue.append(Message(id=message_id, by="outside", channel="webhook", body=body))
