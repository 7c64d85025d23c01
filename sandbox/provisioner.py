"""The provisioner: each step is performed once per key, and can be undone; what it holds can be asked."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from sandbox.behaviour import behaviour, use
from sandbox.door import Answer, answer
from sandbox.instants import iso
from sandbox.plain import manner, parse_json, plain_error, refuse, word
from sandbox.store import Data
from sandbox.world import World, world_of

router = APIRouter(prefix="/provisioner")
PROVISIONER = manner("provisioner")
ACCESS = ("full", "suspended", "revoked")


async def _write(request: Request, work: Callable[[World, str, Data], Answer]) -> Response:
    body = await request.body()
    try:
        key = word(parse_json(body), "key")
    except Exception:  # noqa: BLE001 - the same refusal is worded inside, where it is answered
        key = ""
    return await answer(request, PROVISIONER, lambda w, a: work(w, a, parse_json(body)), key=key, body=body)


@router.post("/steps")
async def perform_step(request: Request) -> Response:
    return await _write(request, _perform)


@router.post("/compensations")
async def compensate_step(request: Request) -> Response:
    return await _write(request, _compensate)


@router.post("/access")
async def set_access(request: Request) -> Response:
    return await _write(request, _set_access)


@router.get("/state")
async def show_state(request: Request, account: str, deal_id: str = "") -> dict[str, object]:
    """What an account's tenants hold now; `account` is the legal entity, for whoever looks from outside."""
    found = world_of(request).store.every(account.removeprefix("sk_"), "tenant")
    deals = [tenant for tenant in found if deal_id in {"", tenant["deal_id"]}]
    return {"account": account, "deals": deals[::-1]}


def _tenant(world: World, account: str, data: Data) -> Data:
    """What is provided for one deal; made at its first step."""
    deal_id = word(data, "deal_id")
    return world.store.get(account, "tenant", deal_id) or {
        "id": deal_id,
        "deal_id": deal_id,
        "account_id": word(data, "account_id"),
        "access": "none",
        "steps": [],
    }


def _trouble(world: World, account: str, data: Data) -> Answer | None:
    """The failure that is set for this customer and step, counted each time it strikes."""
    email = word(data, "email", required=False)
    found = behaviour(world.store, account, "provisioner", email, word(data, "account_id"))
    if found is None or found[1].get("fail_step") != data.get("step"):
        return None
    who, acts, used = found
    times = int(acts.get("times", 1))
    if 0 <= times <= used:
        return None
    use(world.store, account, "provisioner", who)
    reason = str(acts.get("reason") or f"The step {data.get('step')!r} failed.")
    world.log(
        account, "provisioner", "step.failed", key=word(data, "key"), subject=word(data, "deal_id"), step=data["step"]
    )
    if acts.get("for_good"):
        return Answer(status=422, body=plain_error(422, "step_failed", reason), keep=False)
    return Answer(status=503, body=plain_error(503, "unavailable", reason), keep=False)


def _perform(world: World, account: str, data: Data) -> Answer:
    key, step = word(data, "key"), word(data, "step")
    tenant = _tenant(world, account, data)
    if (trouble := _trouble(world, account, data)) is not None:
        return trouble
    ref, now = world.store.new_id("ref"), world.clock.now(account)
    tenant["steps"].append(
        {"key": key, "step": step, "ref": ref, "status": "performed", "data": data.get("data") or {}, "at": iso(now)}
    )
    world.store.put(account, "tenant", tenant)
    world.log(account, "provisioner", "step.performed", key=key, subject=tenant["id"], step=step, ref=ref)
    return Answer(body={"ref": ref})


def _compensate(world: World, account: str, data: Data) -> Answer:
    """Undo the newest performance of a step; undoing what was never done is answered with an empty reference."""
    key, step = word(data, "key"), word(data, "step")
    tenant = _tenant(world, account, data)
    done = next((one for one in tenant["steps"][::-1] if one["step"] == step and one["status"] == "performed"), None)
    if done is None:
        return Answer(body={"ref": ""})
    done["status"] = "compensated"
    world.store.put(account, "tenant", tenant)
    world.log(account, "provisioner", "step.compensated", key=key, subject=tenant["id"], step=step, ref=done["ref"])
    return Answer(body={"ref": done["ref"]})


def _set_access(world: World, account: str, data: Data) -> Answer:
    access = word(data, "access")
    if access not in ACCESS:
        raise refuse(422, "unknown_access", f"access is one of {', '.join(ACCESS)}, not {access!r}.")
    tenant = _tenant(world, account, data)
    tenant["access"] = access
    world.store.put(account, "tenant", tenant)
    world.log(account, "provisioner", "access.set", key=word(data, "key"), subject=tenant["id"], access=access)
    return Answer(body={"access": access})
