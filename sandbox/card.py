"""The card gateway: the part of Stripe's API that quote to cash uses, answered as the official library expects."""

from __future__ import annotations

import functools
from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from sandbox import customers, payments, refunds
from sandbox.door import Answer, Manner, answer
from sandbox.forms import listing, parse_form, refuse, stripe_error, text, whole
from sandbox.store import Data, loads
from sandbox.world import World

router = APIRouter(prefix="/stripe/v1")
STRIPE = Manner(party="card", error=stripe_error)
Write = Callable[[World, str, Data, str], Answer]  # world, account, form, idempotency key
Read = Callable[[World, str, Data], Data]


async def _write(request: Request, work: Write) -> Response:
    body, key = await request.body(), request.headers.get("idempotency-key", "")

    def parsed(world: World, account: str) -> Answer:
        return work(world, account, parse_form(body), key)

    return await answer(request, STRIPE, parsed, key=key, body=body)


async def _read(request: Request, work: Read) -> Response:
    query = request.url.query.encode()
    return await answer(request, STRIPE, lambda world, account: Answer(body=work(world, account, parse_form(query))))


@router.post("/customers")
async def create_customer(request: Request) -> Response:
    return await _write(request, lambda world, account, form, _: customers.create_customer(world, account, form))


@router.get("/customers/search")
async def search_customers(request: Request) -> Response:
    return await _read(request, functools.partial(_search, kind="customer", url="/v1/customers/search"))


@router.get("/customers/{ref}")
async def show_customer(request: Request, ref: str) -> Response:
    return await _read(request, functools.partial(_show, kind="customer", ref=ref))


@router.post("/customers/{ref}")
async def update_customer(request: Request, ref: str) -> Response:
    return await _write(request, lambda world, account, form, _: customers.update_customer(world, account, ref, form))


@router.get("/customers")
async def list_customers(request: Request) -> Response:
    return await _read(request, functools.partial(_list, kind="customer", url="/v1/customers"))


@router.post("/payment_methods/{ref}/attach")
async def attach_method(request: Request, ref: str) -> Response:
    return await _write(request, lambda world, account, form, _: customers.attach_method(world, account, ref, form))


@router.get("/payment_methods/{ref}")
async def show_method(request: Request, ref: str) -> Response:
    return await _read(request, functools.partial(_show, kind="payment_method", ref=ref))


@router.post("/payment_intents")
async def create_intent(request: Request) -> Response:
    return await _write(request, payments.create_intent)


@router.get("/payment_intents/search")
async def search_intents(request: Request) -> Response:
    return await _read(request, functools.partial(_search, kind="payment_intent", url="/v1/payment_intents/search"))


@router.get("/payment_intents/{ref}")
async def show_intent(request: Request, ref: str) -> Response:
    return await _read(request, functools.partial(_show, kind="payment_intent", ref=ref))


@router.get("/payment_intents")
async def list_intents(request: Request) -> Response:
    return await _read(request, functools.partial(_list, kind="payment_intent", url="/v1/payment_intents"))


@router.post("/payment_intents/{ref}/confirm")
async def confirm_intent(request: Request, ref: str) -> Response:
    return await _write(
        request, lambda world, account, form, key: payments.confirm_intent(world, account, ref, form, key)
    )


@router.post("/payment_intents/{ref}/cancel")
async def cancel_intent(request: Request, ref: str) -> Response:
    return await _write(request, lambda world, account, _form, _key: payments.cancel_intent(world, account, ref))


@router.get("/charges/{ref}")
async def show_charge(request: Request, ref: str) -> Response:
    return await _read(request, functools.partial(_show, kind="charge", ref=ref))


@router.post("/refunds")
async def create_refund(request: Request) -> Response:
    return await _write(request, refunds.create_refund)


@router.get("/refunds/{ref}")
async def show_refund(request: Request, ref: str) -> Response:
    return await _read(request, functools.partial(_show, kind="refund", ref=ref))


@router.get("/events")
async def list_events(request: Request) -> Response:
    return await _read(request, _events)


@router.get("/events/{ref}")
async def show_event(request: Request, ref: str) -> Response:
    return await _read(request, functools.partial(_event, ref=ref))


def _show(world: World, account: str, _query: Data, *, kind: str, ref: str) -> Data:
    return customers.shown(customers.find(world, account, kind, ref))


def _search(world: World, account: str, query: Data, *, kind: str, url: str) -> Data:
    return customers.search(world, account, kind, text(query, "query", required=True), url)


def _list(world: World, account: str, query: Data, *, kind: str, url: str) -> Data:
    if not set(query) - {"limit", "starting_after"}:  # the plain list may be long: read one page of it
        after = text(query, "starting_after")
        if after:
            customers.find(world, account, kind, after, param="starting_after")
        page = world.store.page(account, kind, after, whole(query, "limit", 10) + 1)
        return listing([customers.shown(item) for item in page], {**query, "starting_after": ""}, url)
    found = [customers.shown(item) for item in world.store.every(account, kind)]
    for name in ("customer", "email"):
        if text(query, name):
            found = [item for item in found if item.get(name) == text(query, name)]
    return listing(found, query, url)


def _events(world: World, account: str, query: Data) -> Data:
    rows = world.store.all(
        "SELECT body FROM events WHERE account = ? AND party = 'card' AND (? = '' OR kind = ?) ORDER BY row DESC",
        account, text(query, "type"), text(query, "type"),
    )  # fmt: skip
    return listing([loads(row["body"]) for row in rows], query, "/v1/events")


def _event(world: World, account: str, _query: Data, *, ref: str) -> Data:
    row = world.store.one("SELECT body FROM events WHERE account = ? AND id = ?", account, ref)
    if row is None:
        raise refuse("resource_missing", f"No such event: {ref!r}.", status=404)
    return loads(row["body"])
