"""BankStatementWorkflow: one per statement: book its lines as unapplied cash, then tell the deals they pay for."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from domain.ids import deal_workflow_id
    from workflows.policies import PATIENT
    from workflows.stubs import CashActivities


@workflow.defn
class BankStatementWorkflow:
    @workflow.run
    async def run(self, statement_id: str) -> int:
        """How many deals were told. One that is over cannot be signalled from here: the relay starts it again."""
        to_tell = await workflow.execute_activity_method(CashActivities.book_statement, statement_id, **PATIENT)
        told = 0
        for each in to_tell:
            handle = workflow.get_external_workflow_handle(deal_workflow_id(each.deal_id))
            try:
                await handle.signal("fact_came", each.inbox_id)
                told += 1
            except (ApplicationError, FailureError) as error:
                workflow.logger.info("deal %s is not running (%s): the relay will tell it", each.deal_id, error)
        return told
