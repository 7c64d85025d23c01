"""Audit of the workflows: every deal that lives has one that runs and stands where its row stands; what is over has none."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import col, select
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError, RPCStatusCode

from domain.ids import deal_workflow_id
from domain.state import Deal
from models.audit import Breach
from models.database import Database
from models.deal import DealRow
from models.quote import QuoteDraftRow
from workflows.converter import from_json
from workflows.deal import DealWorkflow

SIDE_BY_SIDE = 16
RPC = timedelta(seconds=15)
LOOKS = 4  # at a deal that is at work: its row and its workflow are read one after the other
PAUSE = 0.4


async def every_deal_has_its_workflow(client: Client, database: Database) -> list[Breach]:
    """A deal that is not over has a running workflow at its row's turn; one that is over has none."""
    async with database.session() as session:
        ids = (await session.exec(select(DealRow.id).order_by(col(DealRow.id)))).all()
    gate = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(deal_id: str) -> Breach | None:
        async with gate:
            wrong, row = await _wrong(client, database, deal_id)
            for _ in range(LOOKS - 1):
                if not wrong:
                    return None
                await asyncio.sleep(PAUSE)
                wrong, row = await _wrong(client, database, deal_id)
        return (
            Breach(check="every_deal_has_its_workflow", text=f"deal {deal_id}: {wrong}", rows=(row,)) if wrong else None
        )

    found = await asyncio.gather(*(one(deal_id) for deal_id in ids))
    return [breach for breach in found if breach is not None]


async def _wrong(client: Client, database: Database, deal_id: str) -> tuple[str, dict[str, object]]:
    """What is wrong with one deal; '' is nothing."""
    async with database.session() as session:
        row = await session.get(DealRow, deal_id)
    if row is None:
        return "", {}
    stored = from_json(Deal, row.state)
    over = bool(stored.closed) and not stored.inbox and not stored.voids
    about: dict[str, object] = {
        "deal": deal_id,
        "stage": row.stage,
        "turn": row.turn,
        "workflow": deal_workflow_id(deal_id),
    }
    handle = client.get_workflow_handle(deal_workflow_id(deal_id))
    try:
        status = (await handle.describe(rpc_timeout=RPC)).status
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        status = None
    running = status is WorkflowExecutionStatus.RUNNING
    about["status"] = status.name if status is not None else "NOT_FOUND"
    if over:
        return ("it is over, and its workflow runs" if running else ""), about
    if not running:
        return f"it is not over, and its workflow is {about['status']}", about
    try:
        state = await handle.query(DealWorkflow.state, rpc_timeout=RPC)
    except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
        return f"its workflow does not answer: {error}", about
    about["workflow_turn"] = state.turn
    return (f"its row is at turn {row.turn}, its workflow at {state.turn}" if state.turn != row.turn else ""), about


async def every_workflow_has_its_deal(client: Client, database: Database) -> list[Breach]:
    """No deal's workflow runs that the database knows nothing of."""
    async with database.session() as session:
        known = {deal_workflow_id(each) for each in (await session.exec(select(DealRow.id))).all()}
        known |= {deal_workflow_id(each) for each in (await session.exec(select(QuoteDraftRow.deal_id))).all()}
    query = "WorkflowType = 'DealWorkflow' AND ExecutionStatus = 'Running'"
    strangers = [each.id async for each in client.list_workflows(query) if each.id not in known]
    return _strangers(sorted(strangers))


def _strangers(ids: Sequence[str]) -> list[Breach]:
    return [
        Breach(
            check="every_workflow_has_its_deal",
            text=f"{each} runs, no deal of the database is its",
            rows=({"workflow": each},),
        )
        for each in ids
    ]
