"""A virtual clock performs what is in store in order of time and waits for the answers."""

from __future__ import annotations

import json

import httpx

from tests.outside import Account, Receiver

TRANSFER = {"to_account": "DE02", "payer": "Ada GmbH", "amount_minor": 100, "currency": "EUR"}


async def _transfer(account: Account, **more: object) -> httpx.Response:
    return await account.http.post("/bank/transfers", json={"account": account.name, **TRANSFER, **more})


def _references(receiver: Receiver, account: Account) -> list[list[str]]:
    bodies = [json.loads(received.body) for received in receiver.received[account.name]]
    return [[line["reference"] for line in body["data"]["lines"]] for body in bodies]


async def test_what_is_in_store_happens_in_order_of_time_not_of_orders(account: Account, receiver: Receiver) -> None:
    await account.clock("2026-01-01T00:00:00Z")
    for day in (20, 5, 12):
        await _transfer(account, on=f"2026-01-{day:02}", reference=f"r{day}")
    await _transfer(account, on="2026-01-12", reference="r12b")

    moved = await account.clock("2026-01-15T00:00:00Z")

    assert (moved["performed"], moved["delivered"]) == (3, 2)  # the second order of the 12th finds its day booked
    assert moved["next_at"] == "2026-01-20T12:00:00+00:00"
    assert _references(receiver, account) == [["r5"], ["r12", "r12b"]]
    moved = await account.clock("2026-02-01T00:00:00Z")
    assert (moved["delivered"], moved["next_at"]) == (1, None)
    assert _references(receiver, account)[-1] == ["r20"]


async def test_a_clock_never_goes_backwards(account: Account) -> None:
    await account.clock("2026-01-02T00:00:00Z")

    refused = await account.http.post("/control/clock", json={"account": account.name, "to": "2026-01-01T23:59:59Z"})

    assert refused.status_code == 409
    shown = (await account.http.get("/control/clock", params={"account": account.name})).json()
    assert shown == {"account": account.name, "now": "2026-01-02T00:00:00+00:00", "virtual": True, "next_at": None}
    assert (await account.clock("2026-01-02T00:00:00Z"))["now"] == "2026-01-02T00:00:00+00:00"


async def test_an_instant_that_is_none_is_refused(account: Account) -> None:
    refused = await account.http.post("/control/clock", json={"account": account.name, "to": "tomorrow"})

    assert refused.status_code == 422
    assert (await account.http.get("/control/clock", params={"account": account.name})).json()["virtual"] is False


async def test_without_a_virtual_clock_the_account_lives_on_the_wall(account: Account) -> None:
    ordered = (await _transfer(account, reference="today, or at noon of it")).json()
    shown = (await account.http.get("/control/clock", params={"account": account.name})).json()

    assert shown["virtual"] is False
    assert ordered["on"] == shown["now"][:10]


async def test_one_account_does_not_move_with_another(account: Account) -> None:
    await account.clock("2026-01-01T00:00:00Z")

    other = f"{account.name}_other"
    await account.http.post("/control/clock", json={"account": other, "to": "2030-01-01T00:00:00Z"})

    shown = (await account.http.get("/control/clock", params={"account": account.name})).json()
    assert shown["now"] == "2026-01-01T00:00:00+00:00"


async def test_a_webhook_that_is_refused_is_tried_again_within_the_call(account: Account, receiver: Receiver) -> None:
    await account.clock("2026-01-01T00:00:00Z")
    await _transfer(account, on="2026-01-05", reference="r5")
    receiver.answers[account.name] = [500, 503]

    moved = await account.clock("2026-01-06T00:00:00Z")

    assert (moved["delivered"], moved["undelivered"]) == (1, [])
    assert len(receiver.received[account.name]) == 3


async def test_a_webhook_nobody_answers_is_reported_and_comes_again_later(account: Account, receiver: Receiver) -> None:
    await account.clock("2026-01-01T00:00:00Z")
    await _transfer(account, on="2026-01-05", reference="r5")
    receiver.answers[account.name] = [500, 500, 500]

    moved = await account.clock("2026-01-06T00:00:00Z")
    assert (moved["delivered"], len(moved["undelivered"])) == (0, 1)
    moved = await account.clock("2026-01-06T00:00:00Z")

    received = await receiver.until(account.name, 4)
    assert {request.headers["webhook-id"] for request in received} == {received[0].headers["webhook-id"]}
    assert moved["undelivered"] == []


async def test_transfers_are_refused_for_bad_amounts_and_dates_and_ordered_once_by_key(account: Account) -> None:
    for wrong in (
        {"amount_minor": 0},
        {"amount_minor": 1.5},
        {"amount_minor": True},
        {"currency": "EURO"},
        {"on": "5.1."},
    ):
        assert (await _transfer(account, **wrong)).status_code == 422
    assert await account.log(party="bank") == []

    first, second = [(await _transfer(account, key="t1", reference="once")).json() for _ in range(2)]

    assert first["id"] == second["id"]
    assert len(await account.log("transfer.ordered")) == 1
