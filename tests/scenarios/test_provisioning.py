"""(e) Provisioning fails for good: undone in reverse order, parked; then retried, or cancelled. (f) Not renewed: access revoked."""

from collections.abc import AsyncIterator

import pytest

from embedded.temporal import TemporalServer
from sandbox.process import SandboxProcess
from tests.place import SIGNER
from tests.world import World, world

CUSTOMER = "ap@globex.example"
REASON = "users: provisioner: The step 'users' failed."
UNDONE = [
    ("step.performed", "tenant"),
    ("step.performed", "entitlements"),
    ("step.failed", "users"),
    ("step.compensated", "entitlements"),
    ("step.compensated", "tenant"),
]


@pytest.fixture
async def w(database_url: str, temporal_server: TemporalServer, outside: SandboxProcess) -> AsyncIterator[World]:
    async with world(database_url, temporal_server.address, outside) as made:
        yield made


async def done(w: World, deal: str) -> list[tuple[str, str]]:
    kinds = ("step.performed", "step.failed", "step.compensated")
    return [(each["kind"], each["step"]) for each in await w.effects(*kinds) if each["subject"] == deal]


async def test_rolled_back_parked_and_retried(w: World) -> None:
    deal = await w.sold(await w.account())
    await w.behave("provisioner", email=CUSTOMER, fail_step="users", times=1, for_good=True)

    # 2027-01-02: the third step fails for good; what stood is undone, newest first; the deal waits for an operator
    await w.advance("2027-01-03")
    assert await done(w, deal) == UNDONE
    assert await w.standing(deal) == ("provisioning", "operator")
    parked = f"order-1: provisioning failed and was rolled back: {REASON}"
    assert (await w.page(deal))["parked"] == parked
    assert await w.invoices(deal) == []
    assert await w.balances() == {}

    # 2027-01-10: nothing happens by itself; retried, a new round goes through, and service begins on that day
    await w.advance("2027-01-10T12:00:00Z")
    assert await done(w, deal) == UNDONE
    await w.say(deal, "retry", {"subject": "order-1"}, by="ops")
    await w.advance("2027-01-11")
    steps = ("tenant", "entitlements", "users")
    assert await done(w, deal) == UNDONE + [("step.performed", step) for step in steps]
    assert await w.standing(deal) == ("active", "next period")
    assert await w.rows("SELECT step_no, step, status FROM provisionings ORDER BY step_no") == [
        (0, "tenant", "compensated"),
        (1, "entitlements", "compensated"),
        (2, "users", "failed"),
        (100, "tenant", "done"),
        (101, "entitlements", "done"),
        (102, "users", "done"),
    ]
    assert await w.invoices(deal) == [
        ("ACME-000001", "2027-01-10", "2027-01-10", "2027-01-10", "2027-02-10", 29750, "paid")
    ]


async def test_rolled_back_and_cancelled(w: World) -> None:
    deal = await w.sold(await w.account())
    await w.behave("provisioner", email=CUSTOMER, fail_step="users", times=-1, for_good=True)
    await w.advance("2027-01-03")
    assert await w.standing(deal) == ("provisioning", "operator")

    # 2027-01-03: given up; the booked contract ends before it began, and no money ever moved
    await w.say(deal, "cancel", {"reason": "the product does not fit"}, by="ops")
    await w.advance("2027-01-04")
    assert await w.standing(deal) == ("ended", "nothing")
    assert await done(w, deal) == UNDONE
    assert await w.rows("SELECT stage, starts_on, ends_on FROM contracts") == [("cancelled", None, None)]
    assert (await w.invoices(deal), await w.balances(), await w.mails(deal)) == ([], {}, [])
    assert await w.effects("access.set", "charge.captured") == []


async def test_a_passing_failure_is_tried_again_under_the_same_key(w: World) -> None:
    deal = await w.sold(await w.account())
    await w.behave("provisioner", email=CUSTOMER, fail_step="entitlements", times=2)
    await w.advance("2027-01-03")
    assert await w.standing(deal) == ("active", "next period")
    failed = [("step.failed", "entitlements")] * 2
    assert await done(w, deal) == [
        ("step.performed", "tenant"), *failed, ("step.performed", "entitlements"), ("step.performed", "users")
    ]  # fmt: skip
    keys = {each["key"] for each in await w.effects("step.failed", "step.performed") if each["step"] == "entitlements"}
    assert keys == {f"{deal}/provision/order-1/1"}


async def test_not_renewed_means_access_revoked(w: World) -> None:
    """(f) No silence here: the renewal needs a signature, and nobody signs."""
    deal = await w.sold(await w.account(), term_months=3, notice_days=30)
    await w.advance("2027-01-03")
    await w.behave("signature", email=SIGNER, action="ignore")

    # 2027-03-03: thirty days before the end, the renewal's order form goes out
    await w.advance("2027-03-04")
    assert await w.standing(deal) == ("active", "renewal signature")
    assert (await w.steps(deal))[-2:] == [("2027-03-03 00:00", "notice", 1), ("2027-03-03 00:00", "send", 1)]

    # 2027-04-02: the term ends; access is closed, nothing more is billed, the envelope cannot be signed any more
    await w.advance("2027-06-01")
    assert await w.standing(deal) == ("ended", "nothing")
    assert [each[3:5] for each in await w.invoices(deal)] == [
        ("2027-01-02", "2027-02-02"), ("2027-02-02", "2027-03-02"), ("2027-03-02", "2027-04-02")
    ]  # fmt: skip
    assert [(each["access"], each["subject"]) for each in await w.effects("access.set")] == [("revoked", deal)]
    assert await w.rows("SELECT stage, ends_on::text FROM contracts") == [("ended", "2027-04-02")]
    assert (await w.mails(deal))[-1] == ("2027-04-02", CUSTOMER, "Globex: Acme Team: your contract ended")
    assert await w.rows("SELECT status FROM envelopes ORDER BY sent_at") == [("signed",), ("voided",)]
    assert await w.balances() == {
        "cash_clearing": 3 * 29750, "deferred_revenue:team": -75000, "tax_payable": -3 * 4750
    }  # fmt: skip
