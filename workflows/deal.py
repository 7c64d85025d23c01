"""DealWorkflow: one per deal, for its whole life. Handlers only enqueue; the loop folds, between steps."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.agenda import next_at, next_due
    from domain.deal import accept, advanced, after
    from domain.message import TakeUp, Verdict
    from domain.outcome import Taken
    from domain.standing import standing
    from domain.state import Deal
    from domain.step import Step, StepKind
    from workflows.messages import Messages, Reply
    from workflows.policies import MOST_EVENTS_OF_A_RUN, MOST_STEPS_OF_A_RUN, PATIENT
    from workflows.shown import Shown, details
    from workflows.steps import IN_OUR_BOOKS, perform
    from workflows.stubs import MessageActivities, Note, Perform, Performed


__all__ = ["DealEnded", "DealWorkflow", "Reply"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DealEnded:
    deal_id: str
    turn: int
    closed: str


@workflow.defn
class DealWorkflow(Messages):
    """The loop: fold the messages that came; perform the first step that is due; else sleep until one is."""

    @workflow.init
    def __init__(self, deal: Deal) -> None:
        super().__init__(deal)
        self.cancelled = False
        self.performing: Step | None = None
        self.steps_of_this_run = 0
        self.shown: Shown | None = None

    @workflow.run
    async def run(self, deal: Deal) -> DealEnded:  # noqa: ARG002  (taken by __init__, which must have the same arguments)
        try:
            while True:
                self._stop_if_cancelled()
                self._fold_messages()
                if self.deal.closed and not self.deal.inbox and not self.deal.voids:
                    if not await self._nothing_came():
                        continue
                    return DealEnded(deal_id=self.deal.id, turn=self.deal.turn, closed=self.deal.closed)
                if self._run_is_long():
                    await self._carry_over()
                step = next_due(self.deal, self._horizon())
                if step is None:
                    await self._idle()
                else:
                    await self._perform(step)
        except asyncio.CancelledError:
            await self._say_cancelled()
            raise

    # --- the loop's parts ---

    def _fold_messages(self) -> None:
        now = self._now()
        for message in self.queue:
            self.deal = accept(self.deal, message, now)
        self.queue.clear()
        for target in self.targets:
            self.deal = advanced(self.deal, target)
        self.targets.clear()

    async def _perform(self, step: Step) -> None:
        self.performing = step
        now = max(step.at, self.deal.clock.now) if self.deal.clock.virtual else workflow.now()
        renews = step.kind is StepKind.BOOK and self.deal.contract is not None and not self.deal.clock.virtual
        done = await self._finished(perform(Perform(deal=self.deal, step=step, now=now)))
        self.deal = after(self.deal, done.step, done.outcome, done.now)
        self.performing = None
        # on the real clock a renewal begins a new run: one term, one history; and so do new rules
        ends_run = renews or _new_rules(done)
        self.steps_of_this_run = MOST_STEPS_OF_A_RUN if ends_run else self.steps_of_this_run + 1

    async def _finished(self, work: Coroutine[Any, Any, Performed]) -> Performed:
        """A step that was begun is finished: a cancel request counts after it (it would be taken for a failure)."""
        step = asyncio.create_task(work)
        try:
            return await asyncio.shield(step)
        except asyncio.CancelledError:
            self.cancelled = True
            return await step

    def _stop_if_cancelled(self) -> None:
        if self.cancelled:
            raise asyncio.CancelledError

    async def _idle(self) -> None:
        """Nothing is due: sleep until the next step, or until a message comes."""
        if self.deal.clock.virtual:
            self.deal = replace(self.deal, clock=self.deal.clock.seen(self.deal.clock.target))
        self._show()
        following = next_at(self.deal)
        timeout = None
        if not self.deal.clock.virtual and following is not None:
            timeout = max(following - workflow.now(), timedelta(0))
        try:
            await workflow.wait_condition(lambda: bool(self.queue or self.targets), timeout=timeout)
        except TimeoutError:
            return

    def _now(self) -> datetime:
        return self.deal.clock.now if self.deal.clock.virtual else workflow.now()

    def _horizon(self) -> datetime:
        return self.deal.clock.target if self.deal.clock.virtual else workflow.now()

    def _run_is_long(self) -> bool:
        info = workflow.info()
        return (
            self.steps_of_this_run >= MOST_STEPS_OF_A_RUN
            or info.is_continue_as_new_suggested()
            or info.get_current_history_length() > MOST_EVENTS_OF_A_RUN
        )

    async def _carry_over(self) -> None:
        """Waiting handlers return unsettled first; what they brought is folded in the same stretch, nothing is lost."""
        self.leaving = True
        await workflow.wait_condition(workflow.all_handlers_finished)
        self._fold_messages()
        workflow.continue_as_new(self.deal)

    async def _nothing_came(self) -> bool:
        if self.deal.clock.virtual:
            self.deal = replace(self.deal, clock=self.deal.clock.seen(self.deal.clock.target))
        self._show()
        self.leaving = True
        await workflow.wait_condition(workflow.all_handlers_finished)
        self.leaving = False
        return not self.queue

    async def _say_cancelled(self) -> None:
        note = Note(
            deal_id=self.deal.id,
            turn=self.deal.turn,
            at=self._now(),
            text="The workflow was cancelled from outside; a message to the deal starts it again from its last state",
        )
        await asyncio.shield(workflow.execute_activity_method(MessageActivities.note, note, **PATIENT))
        self.leaving = True  # who waits for an answer asks again, and thereby starts the deal again
        await workflow.wait_condition(workflow.all_handlers_finished)

    def _show(self) -> None:
        """Search attributes, only when they change, and the story for Temporal's own UI."""
        place = standing(self.deal)
        shown = Shown.of(self.deal, place, self.shown)
        if shown != self.shown:
            workflow.upsert_search_attributes(shown.updates(self.deal, self.shown))
            self.shown = shown
        workflow.set_current_details(details(self.deal, place))

    # --- what the messages ask (workflows/messages.py) ---

    def writing(self) -> bool:
        """A step in our own books is under way or due: it takes milliseconds, and the answer should show it."""
        step = self.performing or next_due(self.deal, self._horizon())
        return step is not None and step.kind in IN_OUR_BOOKS

    def reached(self, to: datetime) -> bool:
        if self.deal.clock.now < to or self.queue or self.targets or self.performing is not None:
            return False
        return next_due(self.deal, self.deal.clock.target) is None

    @workflow.query
    def state(self) -> Deal:
        """The whole state, as the agenda sees it."""
        return self.deal


def _new_rules(done: Performed) -> bool:
    taken = done.outcome
    if not isinstance(taken, Taken) or not isinstance(taken.message.body, TakeUp):
        return False
    return taken.answer.verdict is Verdict.ACCEPTED
