"""The one door to the workflows: a command is an update that waits for its answer, a fact is a signal; either starts a deal that sleeps.

A deal that ended, or whose first start was lost, is started again from what the database has of it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request
from sqlmodel import col, select
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from api.errors import Refusal, missing
from domain import deal as deals
from domain.ids import deal_workflow_id, statement_workflow_id
from domain.message import Answer, Message
from domain.state import Deal
from models.database import Database
from models.deal import DealRow
from models.entity import LegalEntityRow
from models.quote import QuoteDraftRow
from workflows.bank_statement import BankStatementWorkflow
from workflows.converter import from_json
from workflows.deal import DealWorkflow, Reply

PATIENCE = 8.0  # seconds for one call; a handler answers within about 3
RPC = timedelta(seconds=10)
ASKED = 2  # times, before the caller is told to come again


@dataclass(frozen=True, slots=True)
class Door:
    """Speaks to the deals' workflows."""

    client: Client
    task_queue: str
    database: Database

    async def command(self, deal_id: str, message: Message) -> Answer | None:
        """Say something to a deal. None: it was heard but is not judged yet; the same message id may be sent again.

        Raises refusals: 404, 503 where the deal is busy or nobody answers.
        """
        for _ in range(ASKED):
            reply = await self._update(deal_id, message.body.kind, message)
            if reply.settled:
                return reply.answer
        return None

    async def advance(self, deal_id: str, to: datetime) -> bool:
        """Let a sandbox's deal do all that is due up to `to`. False: it is still at work."""
        return (await self._update(deal_id, "advance", to)).settled

    async def fact(self, deal_id: str, inbox_id: str) -> None:
        """Tell a deal that a fact waits for it in the inbox; one that ended is started again for it.

        In a sandbox the deal is brought to the sandbox's date first: what it does about the fact is dated by its clock.
        """
        now = await self._virtual_now(deal_id)
        if now is not None:
            await self.advance(deal_id, now)
        handle = self.client.get_workflow_handle(deal_workflow_id(deal_id))
        async with _within():
            try:
                await handle.signal("fact_came", inbox_id, rpc_timeout=RPC)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                await self.client.start_workflow(
                    DealWorkflow.run,
                    await self.last_state(deal_id),
                    id=deal_workflow_id(deal_id),
                    task_queue=self.task_queue,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    start_signal="fact_came",
                    start_signal_args=[inbox_id],
                    rpc_timeout=RPC,
                )

    async def statement(self, statement_id: str) -> None:
        """Start taking in a bank statement; one that was started is not started twice."""
        async with _within():
            try:
                await self.client.start_workflow(
                    BankStatementWorkflow.run,
                    statement_id,
                    id=statement_workflow_id(statement_id),
                    task_queue=self.task_queue,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    rpc_timeout=RPC,
                )
            except WorkflowAlreadyStartedError:
                return

    async def last_state(self, deal_id: str) -> Deal:
        """The state a deal is started with: its stored one, or that of its opening. Raises a 404 refusal."""
        async with self.database.session() as session:
            row = await session.get(DealRow, deal_id)
            if row is not None:
                return from_json(Deal, row.state)
            query = select(QuoteDraftRow).where(
                col(QuoteDraftRow.deal_id) == deal_id, col(QuoteDraftRow.opens).is_not(None)
            )
            draft = (await session.exec(query)).first()
        if draft is None or draft.opens is None:
            raise missing("deal", deal_id)
        return opening(deal_id, draft.opens)

    async def _virtual_now(self, deal_id: str) -> datetime | None:
        query = (
            select(LegalEntityRow.clock_at)
            .join(DealRow, col(DealRow.entity_id) == col(LegalEntityRow.id))
            .where(col(DealRow.id) == deal_id, col(DealRow.stage) != "ended")
        )
        async with self.database.session() as session:
            return (await session.exec(query)).first()

    async def _update(self, deal_id: str, name: str, argument: Message | datetime) -> Reply:
        async with _within():
            try:
                handle = self.client.get_workflow_handle(deal_workflow_id(deal_id))
                reply: Reply = await handle.execute_update(name, argument, result_type=Reply, rpc_timeout=RPC)
                return reply
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            except WorkflowUpdateFailedError as error:
                if not _ended(error):
                    raise
            start = WithStartWorkflowOperation(
                DealWorkflow.run,
                await self.last_state(deal_id),
                id=deal_workflow_id(deal_id),
                task_queue=self.task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            # the SDK puts a failure into a second future besides raising it: looked at, or asyncio complains of it
            start._workflow_handle.add_done_callback(lambda started: started.cancelled() or started.exception())  # noqa: SLF001
            first: Reply = await self.client.execute_update_with_start_workflow(
                name, argument, start_workflow_operation=start, result_type=Reply, rpc_timeout=RPC
            )
            return first


def opening(deal_id: str, opens: dict[str, Any]) -> Deal:
    """The state of a deal that was never started, from what its first draft was stored with."""
    return deals.opened(deal_id=deal_id, **{**opens, "now": datetime.fromisoformat(opens["now"])})


def _ended(error: WorkflowUpdateFailedError) -> bool:
    """The workflow closed between finding it and answering: the update is to be sent again, with a start."""
    return isinstance(error.cause, ApplicationError) and error.cause.type == "AcceptedUpdateCompletedWorkflow"


def _unanswered(detail: str) -> Refusal:
    return Refusal(
        503,
        "NotAnswered",
        detail,
        hint="ask again in a moment under the same Idempotency-Key",
        headers={"Retry-After": "2"},
    )


@asynccontextmanager
async def _within() -> AsyncIterator[None]:
    """Temporal's own failures in our words; nothing waits longer than the patience."""
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except WorkflowUpdateFailedError as error:
        if isinstance(error.cause, ApplicationError) and error.cause.type == "Busy":
            raise Refusal(
                503,
                "DealBusy",
                "too many messages wait for this deal",
                hint="ask again in a moment under the same Idempotency-Key",
                headers={"Retry-After": "1"},
            ) from error
        raise
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
        raise _unanswered("no worker answered in time; what was said may still be taken in") from error
    except RPCError as error:
        raise _unanswered("the workflow server does not answer") from error
    except RuntimeError as error:
        if "client connect" not in str(error):  # how the SDK says that its first connection failed
            raise
        raise _unanswered("the workflow server does not answer") from error


def door_of(request: Request) -> Door:
    """The door of this process."""
    door: Door = request.app.state.door
    return door
