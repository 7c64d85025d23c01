"""The bank: a payer orders a transfer, the credit is booked on its day, and a statement says so."""

from __future__ import annotations

import re
from datetime import date

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from sandbox.door import Refusal
from sandbox.instants import as_datetime, iso, noon
from sandbox.plain import parse_json, refuse, word
from sandbox.store import Data
from sandbox.world import World, world_of

router = APIRouter(prefix="/bank")


@router.post("/transfers")
async def order_transfer(request: Request) -> Response:
    """Ordered by the payer, so no key of ours: `account` names the receiver. The same `key` orders once."""
    try:
        data = parse_json(await request.body())
        world = world_of(request)
        with world.store.transaction():
            transfer = _order(world, word(data, "account").removeprefix("sk_"), data)
    except Refusal as refusal:
        return JSONResponse(refusal.body, refusal.status)
    return JSONResponse(transfer)


@router.get("/statements")
async def list_statements(request: Request, account: str) -> dict[str, object]:
    return {"statements": world_of(request).store.every(account.removeprefix("sk_"), "statement")[::-1]}


def _order(world: World, account: str, data: Data) -> Data:
    amount, key = data.get("amount_minor"), word(data, "key", required=False)
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        raise refuse(422, "bad_amount", "amount_minor is a whole number of minor units above zero.")
    currency = word(data, "currency").upper()
    if not re.fullmatch("[A-Z]{3}", currency):
        raise refuse(422, "bad_currency", "currency is an ISO 4217 code.")
    if key and (known := world.store.by_key(account, "transfer", key)):
        return known[0]
    world.clock.know(account)
    now = world.clock.now(account)
    today = as_datetime(now).date()
    try:
        on = max(date.fromisoformat(word(data, "on", required=False) or today.isoformat()), today)
    except ValueError as trouble:
        raise refuse(422, "bad_date", f"on is an ISO date: {trouble}") from trouble
    transfer = {
        "id": world.store.new_id("tr"),
        "status": "ordered",
        "to_account": word(data, "to_account"),
        "payer": word(data, "payer"),
        "reference": word(data, "reference", required=False),
        "amount_minor": amount,
        "currency": currency,
        "on": on.isoformat(),
    }
    day = f"{transfer['to_account']}/{transfer['on']}"
    world.store.put(account, "transfer", transfer, key=key)
    world.store.put(account, "posting", {"id": transfer["id"]}, key=day)
    at = max(noon(on), now)
    world.clock.later(account, at, "bank.book", {"day": day, "to_account": transfer["to_account"]})
    _log(world, account, now, transfer, "transfer.ordered")
    return transfer


def book_transfers(world: World, account: str, at: int, data: Data) -> None:
    """All transfers of one day to one account go on one statement; a later order of that day gets its own."""
    postings = world.store.by_key(account, "posting", data["day"])
    transfers = [world.store.get(account, "transfer", posting["id"]) for posting in postings]
    open_ones = [transfer for transfer in transfers if transfer is not None and transfer["status"] == "ordered"]
    if not open_ones:
        return
    lines = []
    for transfer in open_ones:
        transfer["status"] = "booked"
        world.store.put(account, "transfer", transfer)
        _log(world, account, at, transfer, "transfer.booked")
        line = {name: transfer[name] for name in ("amount_minor", "currency", "payer", "reference")}
        lines.append({"line_id": transfer["id"], "booked_on": transfer["on"], **line})
    statement = {
        "id": world.store.new_id("st"),
        "bank_account": data["to_account"],
        "lines": lines,
    }
    world.store.put(account, "statement", statement)
    event: Data = {
        "id": world.store.new_id("evt"),
        "type": "statement.booked",
        "account": account,
        "timestamp": iso(at),
        "data": {"statement_id": statement["id"], "bank_account": data["to_account"], "lines": lines},
    }
    world.hooks.emit(account, "bank", event["type"], at, event)


def _log(world: World, account: str, at: int, transfer: Data, kind: str) -> None:
    world.log(
        account,
        "bank",
        kind,
        at=at,
        subject=transfer["id"],
        amount_minor=transfer["amount_minor"],
        currency=transfer["currency"],
        to_account=transfer["to_account"],
        payer=transfer["payer"],
        reference=transfer["reference"],
        on=transfer["on"],
    )
