"""A card is charged through a customer: a method attached to one customer belongs to no other."""

from __future__ import annotations

from typing import Any

from sandbox.door import Answer
from sandbox.forms import clauses, metadata, refuse, stripe_error, text
from sandbox.instants import seconds
from sandbox.store import Data
from sandbox.tokens import OWN_CODE, TOKENS
from sandbox.world import World


def shown(found: Data) -> Data:
    """An object as Stripe shows it: names with a leading underscore are ours."""
    return {name: value for name, value in found.items() if not name.startswith("_")}


def find(world: World, account: str, kind: str, ref: str, *, param: str = "id") -> Data:
    """One object. Raises Refusal 404 in Stripe's words."""
    found = world.store.get(account, kind, ref)
    if found is None:
        raise refuse("resource_missing", f"No such {kind}: {ref!r}.", param=param, status=404)
    return found


def create_customer(world: World, account: str, form: Data) -> Answer:
    ref = world.store.new_id("cus")
    customer = {
        "id": ref,
        "object": "customer",
        "created": seconds(world.clock.now(account)),
        "email": text(form, "email") or None,
        "name": text(form, "name") or None,
        "description": text(form, "description") or None,
        "invoice_settings": {"default_payment_method": None},
        "livemode": False,
        "metadata": metadata(form),
    }
    world.store.put(account, "customer", customer)
    world.log(account, "card", "customer.created", subject=ref, email=customer["email"])
    return Answer(body=customer)


def update_customer(world: World, account: str, ref: str, form: Data) -> Answer:
    customer = find(world, account, "customer", ref)
    for name in ("email", "name", "description"):
        if name in form:
            customer[name] = text(form, name) or None
    customer["metadata"] |= metadata(form)
    default = (form.get("invoice_settings") or {}).get("default_payment_method")
    if default:
        method = find(world, account, "payment_method", default, param="invoice_settings[default_payment_method]")
        if method["customer"] != ref:
            raise refuse("resource_missing", f"{default!r} is not attached to {ref!r}.")
        customer["invoice_settings"]["default_payment_method"] = default
    world.store.put(account, "customer", customer)
    return Answer(body=customer)


def new_method(world: World, account: str, token: str) -> Data:
    """A payment method made of a test token, not yet attached."""
    made = TOKENS[token]
    detail: dict[str, Any] = {"last4": made.last4, "country": "DE"}
    if made.type == "card":
        detail |= {"brand": made.brand, "exp_month": 12, "exp_year": 2099, "funding": "credit", "checks": None}
    method = {
        "id": world.store.new_id("pm"),
        "object": "payment_method",
        "type": made.type,
        made.type: detail,
        "billing_details": {"email": None, "name": None, "phone": None, "address": None},
        "created": seconds(world.clock.now(account)),
        "customer": None,
        "livemode": False,
        "metadata": {},
        "_token": token,
    }
    return world.store.put(account, "payment_method", method)


def method_or_token(world: World, account: str, ref: str, *, param: str = "payment_method") -> Data:
    return (
        new_method(world, account, ref) if ref in TOKENS else find(world, account, "payment_method", ref, param=param)
    )


def attach_method(world: World, account: str, ref: str, form: Data) -> Answer:
    """Attach to a customer; cards that Stripe refuses at this point are refused here, with 402."""
    customer = find(world, account, "customer", text(form, "customer", required=True), param="customer")
    if ref in TOKENS and (code := TOKENS[ref].at_attach) != "succeed":
        return Answer(status=402, body=declined(code))
    method = method_or_token(world, account, ref)
    if method["customer"] not in {None, customer["id"]}:
        raise refuse("payment_method_unexpected_state", "The payment method is attached to another customer.")
    method["customer"] = customer["id"]
    world.store.put(account, "payment_method", method)
    world.log(account, "card", "method.attached", subject=method["id"], customer=customer["id"], token=method["_token"])
    return Answer(body=shown(method))


def declined(code: str, **more: Any) -> Data:
    """The body of a declined card."""
    if code == "authentication_required":
        message = "Your card was declined. This transaction requires authentication."
    else:
        message = f"Your card was declined ({code})."
    own = code if code in OWN_CODE else "card_declined"
    return stripe_error(402, own, message, decline_code=code, **more)


def search(world: World, account: str, kind: str, query: str, url: str) -> Data:
    """Objects that meet every clause; at least one clause must be on metadata, `email`, `customer` or `status`."""
    read = clauses(query)
    first = next((clause for clause in read if clause[0] == "metadata"), None)
    found = world.store.with_metadata(account, kind, first[1], first[2]) if first else world.store.every(account, kind)
    for field, name, value in read:
        if field == "metadata":
            found = [item for item in found if item["metadata"].get(name) == value]
        elif field in {"email", "customer", "status", "currency", "name"}:
            found = [item for item in found if str(item.get(field)) == value]
        else:
            raise refuse("invalid_search_query", f"{field} cannot be searched here.", param="query")
    return {
        "object": "search_result",
        "url": url,
        "has_more": False,
        "next_page": None,
        "data": [shown(i) for i in found],
    }
