"""Outside control, which only a sandbox has: move a clock, set how people behave, read the log."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox import mail
from sandbox.behaviour import set_behaviour
from sandbox.clock import ClockRefused
from sandbox.faults import parse_rates
from sandbox.instants import iso, parse
from sandbox.log import entries
from sandbox.store import Data
from sandbox.world import world_of

router = APIRouter(prefix="/control")


class Move(BaseModel):
    account: str
    to: str


class Behaviour(BaseModel):
    """What one person or party does from now on; it replaces what was set for them before."""

    model_config = ConfigDict(extra="forbid")
    party: Literal["card", "signature", "provisioner"]
    account: str
    email: str = ""  # "*": everybody without an own entry
    account_id: str = ""
    script: list[str] | None = None  # empty: the token decides
    action: Literal["sign", "decline", "ignore"] | None = None
    after_hours: Annotated[float, Field(ge=0)] | None = None
    reason: str | None = None
    tamper: bool | None = None
    fail_step: str | None = None
    times: Annotated[int, Field(ge=-1)] | None = None
    for_good: bool | None = None


class FaultPlan(BaseModel):
    """`faults` replaces the rates; `script` is what the next requests of `account` meet: lost, error, slow, late, ok."""

    faults: str | None = None
    seed: int | None = None
    slow_seconds: float | None = None
    account: str = ""
    script: list[Literal["lost", "error", "slow", "late", "ok"]] | None = None


class Mailbox(BaseModel):
    """What the mail server says of one recipient from now on; empty: their mails are kept."""

    to: str
    answer: Annotated[str, Field(pattern=r"^([45][0-9]{2} [ -~]{1,200})?$", examples=["550 5.1.1 No such mailbox"])] = (
        ""
    )


class HookBase(BaseModel):
    url: str
    account: str = ""  # empty: for every account that has none of its own


@router.post("/clock")
async def move_clock(request: Request, move: Move) -> dict[str, object]:
    """Move a virtual clock and await what that brings about; 409 for the past."""
    try:
        moved = await world_of(request).clock.advance(_entity(move.account), parse(move.to))
    except ValueError as trouble:
        raise HTTPException(422, f"`to` is an ISO instant: {trouble}") from trouble
    except ClockRefused as refused:
        raise HTTPException(409, str(refused)) from refused
    following = iso(moved.next_at) if moved.next_at is not None else None
    return {**asdict(moved), "now": iso(moved.now), "next_at": following}


@router.get("/clock")
async def show_clock(request: Request, account: str) -> dict[str, object]:
    clock, name = world_of(request).clock, _entity(account)
    following = clock.next_at(name)
    return {
        "account": name,
        "now": iso(clock.now(name)),
        "virtual": clock.is_virtual(name),
        "next_at": iso(following) if following is not None else None,
    }


@router.post("/behaviour")
async def set_one(request: Request, given: Behaviour) -> dict[str, object]:
    who = given.email or given.account_id
    if not who:
        raise HTTPException(422, "Say whose behaviour it is: `email` or `account_id`, or email `*` for everybody.")
    data = given.model_dump(exclude_none=True, exclude={"party", "account", "email", "account_id"})
    set_behaviour(world_of(request).store, _entity(given.account), given.party, who, data)
    return {"set": who}


@router.post("/faults")
async def set_faults(request: Request, plan: FaultPlan) -> dict[str, object]:
    faults = world_of(request).faults
    try:
        rates = parse_rates(plan.faults) if plan.faults is not None else faults.rates
    except ValueError as trouble:
        raise HTTPException(422, str(trouble)) from trouble
    faults.rates = rates
    faults.seed = faults.seed if plan.seed is None else plan.seed
    faults.slow_seconds = faults.slow_seconds if plan.slow_seconds is None else plan.slow_seconds
    if plan.script is not None:
        faults.script[_entity(plan.account)] = list(plan.script)
    return {"faults": faults.rates, "seed": faults.seed}


@router.post("/hooks")
async def set_hooks(request: Request, base: HookBase) -> dict[str, object]:
    """Where webhooks go, for one account or for all that have no place of their own."""
    world = world_of(request)
    if base.account:
        world.clock.know(_entity(base.account))
        world.store.run("UPDATE accounts SET hooks = ? WHERE id = ?", base.url.rstrip("/"), _entity(base.account))
    else:
        world.hooks.set_base(base.url)
    return {"url": base.url}


@router.get("/hooks")
async def show_hooks(request: Request, account: str) -> dict[str, object]:
    """Every delivery of an account's webhooks: event, kind, tries, state and the last answer."""
    rows = world_of(request).store.all(
        "SELECT d.event, e.party, e.kind, d.due, d.tries, d.state, d.answer FROM deliveries d"
        " JOIN events e ON e.id = d.event WHERE d.account = ? ORDER BY d.id",
        _entity(account),
    )
    return {"deliveries": [{**dict(row), "due": iso(row["due"])} for row in rows]}


@router.get("/log")
async def show_log(
    request: Request, account: str = "", party: str = "", kind: str = "", after: Annotated[int, Query(ge=0)] = 0
) -> dict[str, list[Data]]:
    store = world_of(request).store
    return {"entries": entries(store, account=_entity(account), party=party, kind=kind, after=after)}


@router.get("/mails")
async def show_mails(request: Request, to: str = "") -> dict[str, list[Data]]:
    return {"mails": mail.kept(world_of(request).store, to)}


@router.get("/mails/{ref}")
async def show_mail(request: Request, ref: int) -> Data:
    found = mail.whole(world_of(request).store, ref)
    if found is None:
        raise HTTPException(404, "There is no such mail.")
    return found


@router.post("/mails")
async def set_mailbox(request: Request, given: Mailbox) -> dict[str, str]:
    """Have a recipient's mailbox refuse, for good (5xx) or for now (4xx); or take mails again."""
    set_behaviour(world_of(request).store, mail.PARTY, mail.PARTY, given.to, {"answer": given.answer})
    return {"to": given.to, "answer": given.answer}


@router.get("/mails/{ref}/attachments/{number}")
async def show_attachment(request: Request, ref: int, number: int) -> Response:
    content = mail.attachment(world_of(request).store, ref, number)
    if content is None:
        raise HTTPException(404, "There is no such attachment.")
    return Response(content, media_type="application/octet-stream")


def _entity(account: str) -> str:
    return account.removeprefix("sk_")
