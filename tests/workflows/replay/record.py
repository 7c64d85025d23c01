"""Records the histories of this folder on the real servers (see README.md); run by its path, never with the tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.client import Client

from domain.ids import statement_workflow_id
from domain.message import Message, Reseat, TakeUp
from domain.need import Ask, Seat
from domain.state import RULES, Deal
from embedded.temporal import TemporalServer
from sandbox.process import SandboxProcess
from tests.place import PEOPLE
from tests.reading import Reader
from tests.suite import ALTERNATIVES, book_row
from tests.world import world
from workflows.deal import Reply

HERE = Path(__file__).parent
DISCOUNTED = [{"product": "team", "quantity": 20, "discount_percent": "15"}]


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    server = SandboxProcess(data=tmp_path_factory.mktemp("outside") / "sandbox.db")
    server.start()
    yield server
    server.stop()


async def keep(client: Client, workflow_id: str, name: str) -> None:
    """Every run of the life, the first one first."""
    runs = [each async for each in client.list_workflows(f"WorkflowId = '{workflow_id}'")]
    for number, run in enumerate(sorted(runs, key=lambda each: each.start_time), 1):
        history = await client.get_workflow_handle(workflow_id, run_id=run.run_id).fetch_history()
        said = {"workflow_id": workflow_id, "history": history.to_json_dict()}
        path = HERE / f"{name}-rules-{RULES}.{number}.json"
        path.write_text(json.dumps(said, separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")


async def test_record_a_desk(database_url: str, temporal_server: TemporalServer, outside: SandboxProcess) -> None:
    """People asked by name: reminded, escalated, handed on, changes wanted, revised, looked up anew, approved."""
    async with world(database_url, temporal_server.address, outside) as w:
        deal = await w.open(await w.account(), lines=[{"product": "team", "quantity": 20, "discount_percent": "30"}])
        await w.say(deal, "submit", {"version": 1})
        await w.advance("2027-01-03T12:00:00Z")  # reminded, and escalated to the head of sales
        await w.say(deal, "decide", {"version": 1, "approve": False, "verb": "changes", "reason": "less"}, by="desk")
        draft = (await w.rows("SELECT content FROM quote_drafts"))[0][0] | {"lines": DISCOUNTED}
        await w.say(deal, "revise", {"draft": draft})
        await w.say(deal, "submit", {"version": 2})
        state = await w.handle(deal).query("state", result_type=Deal)
        hands = Ask(index=0, seats=(Seat(member=PEOPLE["desk"][0], holder=PEOPLE["vp"][0]),))
        said = Reseat(version=2, person=PEOPLE["desk"][0], asks=(hands,), reason="away")
        message = Message(id="reseat", by=PEOPLE["admin"][0], body=said, at=state.clock.now)
        assert (await w.handle(deal).execute_update("reseat", message, result_type=Reply)).settled
        await w.say(deal, "decide", {"version": 2, "approve": True, "reason": "fine"}, by="vp")
        await w.settled(deal, "signature")
        await keep(w.temporal, w.handle(deal).id, "deal-desk")


async def test_record_people_who_move(
    database_url: str, temporal_server: TemporalServer, outside: SandboxProcess
) -> None:
    """Away from a known day, back from another, handed on to one who is away: who decides is looked up at each."""
    async with world(database_url, temporal_server.address, outside) as w:
        desk, vp = PEOPLE["desk"][0], PEOPLE["vp"][0]
        said = {"person": desk, "delegate_to": vp, "since": "2027-01-01T18:00:00Z", "until": "2027-01-02T06:00:00Z"}
        assert (await w.post("/v1/absences", said, by="admin")).status_code == 201
        deal = await w.open(await w.account(), lines=DISCOUNTED)
        await w.say(deal, "submit", {"version": 1})
        await w.advance("2027-01-02T07:00:00Z")  # away, and back again
        handed = {"version": 1, "verb": "delegate", "to": vp, "reason": "you know them"}
        await w.say(deal, "decide", handed, by="desk")
        await w.say(deal, "decide", {"version": 1, "approve": True, "reason": "fine"}, by="vp")
        await w.settled(deal, "signature")
        looked = "SELECT count(*) FROM deal_steps WHERE kind = 'look'"
        assert (await w.rows(looked))[0][0] == 3
        await keep(w.temporal, w.handle(deal).id, "deal-look")


async def test_record_a_deal(database_url: str, temporal_server: TemporalServer, outside: SandboxProcess) -> None:
    async with world(database_url, temporal_server.address, outside) as w:
        deal = await w.open(
            await w.account(), lines=DISCOUNTED, term_months=2, auto_renew=True, uplift_percent="5", notice_days=20
        )
        await w.say(deal, "submit", {"version": 1})
        await w.advance("2027-01-02T12:00:00Z")  # reminded
        await w.say(deal, "decide", {"version": 1, "approve": True, "reason": "a lighthouse"}, by="desk")
        await w.settled(deal, "signature")
        await w.behave("card", email="ap@globex.example", script=["succeed", "insufficient_funds", "succeed"])
        await w.advance("2027-01-04")
        until = datetime(2027, 2, 20, tzinfo=UTC)  # in one go: many steps are due at once, and their order matters
        while not (await w.handle(deal).execute_update("advance", until, result_type=Reply)).settled:
            continue
        rules = Message(id="msg-rules", by=PEOPLE["admin"][0], body=TakeUp(rules=RULES))
        await w.handle(deal).execute_update("take_up", rules, result_type=Reply)
        await w.advance("2027-03-10")
        await w.say(deal, "cancel", {"reason": "moves away"}, by="ops")
        await w.advance("2027-04-10")
        await w.handle(deal).result()
        await keep(w.temporal, w.handle(deal).id, "deal")


async def test_record_a_deal_that_is_shown(
    database_url: str, temporal_server: TemporalServer, outside: SandboxProcess
) -> None:
    async with world(database_url, temporal_server.address, outside) as w:
        await w.add([book_row(), book_row(factor=2, version=2, valid_from="2027-01-01")])
        deal = await w.open(await w.account(), **ALTERNATIVES, price_book_version=1, term_months=3)
        await w.say(deal, "submit", {"version": 1})
        await w.settled(deal, "customer")
        reader = await Reader.of(w, deal)
        await reader.send("ask", question="Is support included?")
        (question,) = (await w.ask(f"/v1/deals/{deal}/shares"))["questions"]
        replied = await w.post(f"/v1/questions/{question['id']}/reply", {"text": "In the better one."}, by="sales")
        assert replied.status_code == 200, replied.text
        await reader.send("decline", reason="Too dear.")
        await w.advance("2027-01-02T12:00:00Z")
        assert await reader.accept(alternative="best") == "accepted"
        await w.settled(deal, "signature")
        await w.advance("2027-02-10")
        await w.say(deal, "milestones/go-live/reach", by="finance")
        said = {"name": "2027", "from": "suite-eur@1", "to": "suite-eur@2"}
        migration = await w.post("/v1/price-migrations", said, by="desk")
        await w.post(f"/v1/price-migrations/{migration.json()['id']}/run", {}, by="desk")
        await w.advance("2027-05-10")
        await w.say(deal, "cancel", {"reason": "moves away"}, by="ops")
        await w.advance("2027-08-10")
        await w.handle(deal).result()
        await keep(w.temporal, w.handle(deal).id, "deal-shown")


async def test_record_a_statement(database_url: str, temporal_server: TemporalServer, outside: SandboxProcess) -> None:
    async with world(database_url, temporal_server.address, outside) as w:
        deal = await w.sold(await w.account(method="transfer", method_token=""), method="transfer", net_days=30)
        await w.advance("2027-01-03")
        await w.transfer(29750, on="2027-01-05", reference="ACME-000001")
        await w.advance("2027-01-06")
        assert (await w.invoices(deal))[0][-1] == "paid"
        statement = await w.one("SELECT id FROM bank_statements")
        await w.temporal.get_workflow_handle(statement_workflow_id(statement)).result()
        await keep(w.temporal, statement_workflow_id(statement), "statement")
