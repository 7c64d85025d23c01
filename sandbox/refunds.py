"""A refund gives back at most what was captured and not yet given back."""

from __future__ import annotations

from sandbox.customers import find
from sandbox.door import Answer
from sandbox.forms import metadata, refuse, text, whole
from sandbox.instants import seconds
from sandbox.payments import emit
from sandbox.store import Data
from sandbox.world import World


def create_refund(world: World, account: str, form: Data, key: str) -> Answer:
    """Give back at most what was captured and not yet given back."""
    charge_id = text(form, "charge")
    if text(form, "payment_intent"):
        charge_id = find(world, account, "payment_intent", text(form, "payment_intent"))["latest_charge"] or ""
    charge = find(world, account, "charge", charge_id, param="charge")
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = whole(form, "amount", default=left)
    if amount > left or amount < 1:
        code = "charge_already_refunded" if left == 0 and charge["captured"] else "amount_too_large"
        refusal = refuse(
            code, f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).", param="amount"
        )
        return Answer(status=400, body=refusal.body)
    refund = {
        "id": world.store.new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": seconds(world.clock.now(account)),
        "currency": charge["currency"],
        "metadata": metadata(form),
        "payment_intent": charge["payment_intent"],
        "reason": text(form, "reason") or None,
        "status": "succeeded",
    }
    world.store.put(account, "refund", refund, key=charge["id"])
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    world.store.put(account, "charge", charge)
    world.log(
        account, "card", "refund.created", key=key, subject=charge["payment_intent"], amount_minor=amount,
        currency=charge["currency"].upper(), refund=refund["id"],
    )  # fmt: skip
    emit(world, account, "charge.refunded", charge, key=key)
    return Answer(body=refund)
