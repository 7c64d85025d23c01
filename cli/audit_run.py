"""All checks of `q2c audit` over one system: its database, its workflows and its outside, each found by the same settings as the worker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError

import worker
from cli import audit_outside, audit_temporal
from cli.audit_lines import contract_lines_are_those_agreed
from cli.audit_outside import Outside
from cli.audit_periods import every_due_bill_is_made_once, invoices_bill_what_was_agreed
from cli.trouble import Trouble
from gateways.parties import PartiesFor
from gateways.ports import GatewayRefused, GatewayUnavailable
from models import audit_approvals, audit_deals, audit_invoices, audit_ledger, audit_quotes
from models.audit import Breach, Check
from models.database import Database
from settings import Settings

IN_THE_DATABASE: tuple[Check, ...] = (
    *audit_ledger.CHECKS,
    *audit_invoices.CHECKS,
    *audit_deals.CHECKS,
    *audit_quotes.CHECKS,
    *audit_approvals.CHECKS,
    every_due_bill_is_made_once,
    invoices_bill_what_was_agreed,
    contract_lines_are_those_agreed,
)
SETTLES = 1.5  # seconds: what is under way just now is no breach; what is still there afterwards is
PAUSES = (0.2, 0.5, 1.0, 2.0)  # seconds between two questions to an outside that did not answer one
SLOWEST = 120_000  # milliseconds of one query


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One check, what it means, and what it found."""

    name: str
    about: str
    breaches: tuple[Breach, ...]


@dataclass(slots=True)
class System:
    """What the checks look at."""

    database: Database
    temporal: Client
    outside: Outside


def settings_of(folder: Path) -> Settings:
    """Those of the folder's system if there is one, else of the environment. Raises Trouble."""
    if (folder / "state.json").exists():
        from embedded import system

        return settings_from(system.System(folder).environment())
    try:
        return Settings()
    except ValidationError as error:
        what = f"there is no system in {folder}, and the environment names none"
        raise Trouble(what, mend="`q2c up`, or set Q2C_DATABASE_URL and the others", errors=_missing(error)) from error


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Settings as a child with this environment reads them."""
    names = Settings.model_fields
    said = {name.removeprefix("Q2C_").lower(): value for name, value in environment.items()}
    return Settings.model_validate({name: value for name, value in said.items() if name in names and value})


def _missing(error: ValidationError) -> list[tuple[str, str]]:
    return [(f"Q2C_{str(each['loc'][0]).upper()}", each["msg"]) for each in error.errors()]


async def audited(settings: Settings) -> list[Checked]:
    """Every check. What a first look finds is looked at again after a moment. Raises Trouble where a server does not answer."""
    async with _opened(settings) as system:
        first = await _look(_all(system))
        doubtful = {each.name for each in first if each.breaches}
        if not doubtful:
            return first
        await asyncio.sleep(SETTLES)
        doubts = {name: look for name, look in _all(system).items() if name in doubtful}
        again = {each.name: each for each in await _look(doubts)}
        return [again.get(each.name, each) for each in first]


Look = tuple[str, Callable[[], Awaitable[list[Breach]]]]


def _all(system: System) -> dict[str, Look]:
    """Every check by name: what it means, and how it looks."""

    def in_database(check: Check) -> Callable[[], Awaitable[list[Breach]]]:
        async def look() -> list[Breach]:
            async with system.database.session() as session:
                return await check(session)

        return look

    workflows = (audit_temporal.every_deal_has_its_workflow, audit_temporal.every_workflow_has_its_deal)
    found: dict[str, Look] = {check.__name__: (check.__doc__ or "", in_database(check)) for check in IN_THE_DATABASE}
    for each in workflows:
        found[each.__name__] = (each.__doc__ or "", partial(each, system.temporal, system.database))
    for one in audit_outside.CHECKS:
        found[one.__name__] = (one.__doc__ or "", partial(one, system.outside))
    return found


async def _look(checks: Mapping[str, Look]) -> list[Checked]:
    found = []
    for name, (about, look) in checks.items():
        try:
            breaches = tuple(await _asked(look))
        except (GatewayUnavailable, GatewayRefused, httpx.HTTPError) as error:
            raise Trouble(
                f"the outside does not answer: {error}", where=name, mend="start it, see `q2c status`"
            ) from error
        except RPCError as error:
            raise Trouble(f"Temporal does not answer: {error}", where=name, mend="see `q2c status`") from error
        except (SQLAlchemyError, OSError) as error:
            raise Trouble(f"the database does not answer: {error}", where=name, mend="see `q2c status`") from error
        found.append(Checked(name=name, about=" ".join(about.split()), breaches=breaches))
    return found


async def _asked(look: Callable[[], Awaitable[list[Breach]]]) -> list[Breach]:
    """A look only reads: where the outside loses an answer, it is asked again."""
    for pause in PAUSES:
        try:
            return await look()
        except (GatewayUnavailable, httpx.HTTPError):
            await asyncio.sleep(pause)
    return await look()


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[System]:
    try:
        client = await worker.connect(settings)
    except (RuntimeError, OSError) as error:
        raise Trouble(
            f"Temporal at {settings.temporal_address} does not answer",
            where=str(error)[:200],
            mend="start it: `q2c up`",
        ) from error
    database = Database(
        settings.database_url.get_secret_value(), pool_size=8, application_name="q2c-audit", statement_timeout=SLOWEST
    )
    parties = PartiesFor(worker.addresses(settings))
    control = _control(settings)
    try:
        yield System(database=database, temporal=client, outside=Outside(database, parties, control))
    finally:
        if control is not None:
            await control.aclose()
        await parties.close()
        await database.dispose()


def _control(settings: Settings) -> httpx.AsyncClient | None:
    """The sandbox's own log, where the parties are the sandbox's: the signature provider and the provisioner are."""
    parts = urlsplit(settings.signature_url)
    if parts.path != "/signature":
        return None
    return httpx.AsyncClient(base_url=f"{parts.scheme}://{parts.netloc}", timeout=60.0, trust_env=False)
