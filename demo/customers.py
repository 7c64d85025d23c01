"""The outside acts by itself: it is told once how each customer behaves; payers order transfers for the invoices they were sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal

from demo.client import Json, World
from demo.fates import FOR_EVER, Signer
from demo.records import Account, Deal


async def brief(world: World, sandbox: str, deal: Deal, account: Account) -> None:
    """Tell the card gateway, the signature provider and the provisioner how this customer will fare."""
    who = {"account": sandbox, "email": account.email}
    if deal.card_script:
        await world.tell("/control/behaviour", {"party": "card", **who, "script": list(deal.card_script)})
    await change_signer(world, sandbox, account, deal.signer)
    if deal.provisioning.fail_step:
        trouble = {"fail_step": deal.provisioning.fail_step, "times": deal.provisioning.times}
        good = {"for_good": deal.provisioning.times == FOR_EVER}
        await world.tell("/control/behaviour", {"party": "provisioner", **who, **trouble, **good})


async def change_signer(world: World, sandbox: str, account: Account, signer: Signer) -> None:
    """How this customer's signer acts from now on: a renewal may meet another mood than the first order did."""
    mood: dict[str, object] = {"action": signer.action, "after_hours": signer.after_hours}
    if signer.reason:
        mood["reason"] = signer.reason
    who = {"party": "signature", "account": sandbox, "email": account.email}
    await world.tell("/control/behaviour", {**who, **mood})


def transfer_of(deal: Deal, account: Account, invoice: Mapping[str, Json]) -> dict[str, object] | None:
    """The transfer that the payer orders for this invoice, or None where none comes.

    A payer who pays too little pays on the due date, the missing part rounded in the payer's favour.
    """
    if deal.payer is None or deal.payer.action == "never":
        return None
    total = int(invoice["total"]["minor"])
    if deal.payer.action == "short":
        on = date.fromisoformat(invoice["due_on"])
        total = int((total * (100 - deal.payer.short_percent) / Decimal(100)).to_integral_value(ROUND_DOWN))
    else:
        on = date.fromisoformat(invoice["issued_on"]) + timedelta(days=deal.payer.days)
    return {
        "payer": account.name,
        "reference": invoice["number"],
        "amount_minor": total,
        "currency": invoice["total"]["currency"],
        "on": on.isoformat(),
        "key": f"pay/{invoice['id']}",
    }


async def pay(world: World, sandbox: str, bank_account: str, transfer: Mapping[str, object]) -> None:
    """Order it; its bank carries it out on its day."""
    await world.tell("/bank/transfers", {"account": sandbox, "to_account": bank_account, **transfer})
