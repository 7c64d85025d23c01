"""The real clock, by the server's own time skipping: it agrees with the virtual one, and a week's outage is no burst."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

import worker
from domain.ids import deal_workflow_id
from domain.state import Deal
from embedded.system import SEARCH_ATTRIBUTES
from embedded.temporal import binary
from gateways.parties import PartiesFor
from sandbox.process import SandboxProcess
from tests.activities.hand import Hand, hand
from tests.place import ZONE, Place
from tests.serving import ending
from workflows.converter import data_converter
from workflows.deal import DealWorkflow, Reply

CUSTOMER = "ap@globex.example"


@pytest.fixture(scope="module")
async def skipping() -> AsyncIterator[Client]:
    """A server on which a timer of a month fires at once, where nothing else is to be done."""
    arguments = ["--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"]
    arguments += ["--dynamic-config-value", 'history.timerProcessorMaxTimeShift="10ms"']
    for name, kind in SEARCH_ATTRIBUTES.items():
        arguments += ["--search-attribute", f"{name}={kind}"]
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(binary()), dev_server_extra_args=arguments, data_converter=data_converter
    ) as environment:
        yield environment.client


async def today() -> datetime:
    """Now, in whole seconds; shortly before a midnight, after it: days are counted from it, and it must not end meanwhile."""
    while True:
        now = datetime.now(tz=UTC).replace(microsecond=0)
        soon = now + timedelta(seconds=45)
        if all(now.astimezone(zone).date() == soon.astimezone(zone).date() for zone in (UTC, ZoneInfo(ZONE))):
            return now
        await asyncio.sleep(1.0)


@asynccontextmanager
async def started(client: Client, place: Place, deal: Deal) -> AsyncIterator[Any]:
    """The deal's workflow from this state, over the real activities."""
    parties, queue = PartiesFor(place.addresses()), f"real-{uuid4()}"
    async with ending(worker.make_worker(client, place.database, parties, queue)):
        handle = await client.start_workflow(DealWorkflow.run, deal, id=deal_workflow_id(deal.id), task_queue=queue)
        try:
            yield handle
        finally:
            with suppress(RPCError):  # it is over already
                await handle.terminate("the test is over")
    await parties.close()


STORY = (
    "SELECT kind, number, (performed_at AT TIME ZONE :zone)::date - (:begins AT TIME ZONE :zone)::date, outcome->>'kind',"
    " outcome->>'status' FROM deal_steps WHERE kind <> 'take' ORDER BY turn"
)
BOOKS = (
    "SELECT e.kind, e.on_date - (:begins AT TIME ZONE :zone)::date, l.account, l.amount_minor FROM journal_lines l"
    " JOIN journal_entries e ON e.id = l.entry_id ORDER BY e.recorded_at, e.id, l.line_no"
)
INVOICES = "SELECT number, issued_on, due_on, period_start, period_end, net_minor, tax_minor, status FROM invoices ORDER BY sequence"


async def told(place: Place, begins: datetime) -> dict[str, list[Any]]:
    """The life in days since it began: what was done, what was invoiced, what was posted, what was written to whom."""
    dated = {"zone": ZONE, "begins": begins}
    steps = await place.rows(STORY, **dated)
    return {
        # within a day by kind: a real timer fires some milliseconds late, so an envelope that is taken back because its
        # quote expired is due after what was due at the very instant of the expiry, not before it
        "steps": sorted(steps, key=lambda step: (step[2], step[0], step[1])),
        "invoices": await place.rows(INVOICES),
        "books": await place.rows(BOOKS, **dated),
        "mails": await place.rows("SELECT to_, subject FROM mails ORDER BY at, key"),
    }


async def sold(h: Hand) -> None:
    """Two months, a card that is declined twice in the second; nobody renews."""
    h.twice = False
    entity = h.deal.entity_id
    await h.place.behave(
        "card",
        account=entity,
        email=CUSTOMER,
        script=["succeed", "insufficient_funds", "insufficient_funds", "succeed"],
    )
    await h.place.behave("signature", account=entity, email="gina@globex.example", action="ignore")
    await h.sold(term_months=2, notice_days=10)


@pytest.mark.slow
async def test_the_real_and_the_virtual_clock_tell_the_same_life(
    database_url: str,
    postgres_server: Any,
    temporal_client: Client,
    skipping: Client,
    outside: SandboxProcess,
) -> None:
    begins = await today()
    async with hand(database_url, outside, starts_at=begins, virtual=False) as h:
        await sold(h)
        async with started(skipping, h.place, h.deal) as handle:
            ended = await handle.result()
            assert ended.closed == "the term ended"
        real = await told(h.place, begins)
    async with _another(postgres_server) as url, hand(url, outside, starts_at=begins) as h:
        await sold(h)
        async with started(temporal_client, h.place, h.deal) as handle:
            to = begins
            while await h.place.one("SELECT stage FROM deals") != "ended":
                to += timedelta(days=1)
                await h.place.control("clock", to=to.isoformat())
                while not (await handle.execute_update("advance", to, result_type=Reply)).settled:
                    continue
        virtual = await told(h.place, begins)
    assert real == virtual
    kinds = Counter(step[0] for step in real["steps"])
    assert (kinds["bill"], kinds["charge"], kinds["message"], kinds["end"], kinds["access"]) == (2, 4, 2, 1, 1)


@asynccontextmanager
async def _another(postgres_server: Any) -> AsyncIterator[str]:
    """A second database of the same template."""
    name = f"test_{uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres_server.url)
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "template_q2c"')
        yield postgres_server.url_of(name)
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


async def test_after_a_weeks_outage_a_declining_card_is_charged_once_a_day(
    database_url: str, skipping: Client, outside: SandboxProcess
) -> None:
    """Everything of the ladder is overdue at once: counted from its due dates, five charges and a suspension in a burst."""
    begins = await today() - timedelta(days=9)
    async with hand(
        database_url, outside, starts_at=begins, virtual=False, account={"method_token": "pm_card_chargeCustomerFail"}
    ) as h:
        h.twice = False
        await h.sold(term_months=1, notice_days=1)  # declined for the first time; then everything is down for nine days
        assert len(await h.place.effects("charge.declined", account=h.deal.entity_id)) == 1
        async with started(skipping, h.place, h.deal) as handle:
            await handle.result()
        days = await h.place.rows(
            "SELECT kind, (performed_at AT TIME ZONE 'UTC')::date - (:begins AT TIME ZONE 'UTC')::date FROM deal_steps"
            " WHERE kind IN ('charge', 'message', 'suspend', 'cancel') ORDER BY turn",
            begins=begins,
        )
        for kind in ("charge", "message"):
            on = [day for what, day in days if what == kind]
            assert len(on) == len(set(on)), f"two of {kind} on one day: {days}"
        charges = [day for what, day in days if what == "charge"]
        assert charges == [0, 9, 11, 13, 15]  # what follows keeps its distance: the lateness moves all of it
        assert [day for what, day in days if what == "suspend"] == [16]
        keys = [each["key"] for each in await h.place.effects("charge.declined", account=h.deal.entity_id)]
        assert len(keys) == len(set(keys)) == 5


async def test_after_forty_days_two_open_invoices_share_the_one_charge_of_a_day(
    database_url: str, skipping: Client, outside: SandboxProcess
) -> None:
    """The second month is billed as soon as somebody works again, in an open month; its charge waits for its turn."""
    begins = await today() - timedelta(days=40)
    async with hand(
        database_url, outside, starts_at=begins, virtual=False, account={"method_token": "pm_card_chargeCustomerFail"}
    ) as h:
        h.twice = False
        await h.sold(term_months=2, notice_days=1)
        async with started(skipping, h.place, h.deal) as handle:
            await handle.result()
        for kind in ("charge", "message"):
            at = [at for (at,) in await h.place.rows(PERFORMED, kind=kind)]
            assert len(at) > 5
            gaps = [later - earlier for earlier, later in pairwise(at)]
            assert [gap for gap in gaps if gap < timedelta(days=1)] == [], f"{kind}: {at}"
        ((period_start, issued_on),) = await h.place.rows(
            "SELECT period_start, issued_on FROM invoices WHERE period_no = 1"
        )
        assert issued_on > period_start  # the service date stays, the invoice is of the day it was made


PERFORMED = "SELECT performed_at FROM deal_steps WHERE kind = :kind ORDER BY turn"
