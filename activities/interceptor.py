"""Refusals by the rules and by gateways are final: Temporal must not try them again. All else is retried.

A database that does not answer gets a name of its own: whatever a step is about, it is not the step that failed.
"""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from domain.errors import DomainError
from gateways.ports import GatewayRefused
from workflows.policies import BOOKS_AWAY

log = structlog.get_logger()


class Refusals(Interceptor):
    """DomainError and GatewayRefused become non-retryable ApplicationErrors, with their stable type."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  (the SDK's name)
        return _Refusing(next)


class _Refusing(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  (the SDK's name)
        info = activity.info()
        try:
            return await super().execute_activity(input)
        except DomainError as error:
            log.warning("refused", activity=info.activity_type, workflow=info.workflow_id, error=error.to_mapping())
            raise ApplicationError(str(error), type=error.type, non_retryable=True) from error
        except GatewayRefused as error:
            log.warning("refused outside", activity=info.activity_type, workflow=info.workflow_id, error=str(error))
            raise ApplicationError(str(error), type="GatewayRefused", non_retryable=True) from error
        except Exception as error:
            if not is_away(error):
                raise
            log.warning(
                "the database is away", activity=info.activity_type, workflow=info.workflow_id, error=str(error)
            )
            raise ApplicationError(f"the database does not answer: {error}", type=BOOKS_AWAY) from error


def is_away(error: Exception) -> bool:
    """Whether our own database could not be reached or went away; gateways say theirs as GatewayUnavailable."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError))
    from_driver = type(error).__module__.partition(".")[0] == "asyncpg"  # while connecting, nothing wraps its errors
    return isinstance(error, (OSError, PoolTimeout)) or from_driver
