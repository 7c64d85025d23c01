"""A step is performed once per key; passing trouble, trouble for good and undoing are three different answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateways.ports import GatewayRefused, GatewayUnavailable, ProvisionRequest
from tests.outside import Account

REQUEST = ProvisionRequest(
    key="d_1/provision/tenant/1",
    deal_id="d_1",
    account_id="acc_1",
    customer_name="Ada GmbH",
    customer_email="ada@example.test",
    step="tenant",
    data={"seats": "25"},
)


async def _state(account: Account) -> Any:
    return (await account.http.get("/provisioner/state", params={"account": account.name, "deal_id": "d_1"})).json()[
        "deals"
    ]


async def test_a_step_is_performed_once_per_key(account: Account) -> None:
    refs = [await account.parties.provisioner.perform(REQUEST) for _ in range(2)]

    assert refs[0] == refs[1]
    [deal] = await _state(account)
    assert [(step["step"], step["status"], step["data"]) for step in deal["steps"]] == [
        ("tenant", "performed", {"seats": "25"})
    ]


async def test_passing_trouble_passes_under_the_same_key(account: Account) -> None:
    await account.control("behaviour", party="provisioner", email="ada@example.test", fail_step="tenant", times=2)

    for _ in range(2):
        with pytest.raises(GatewayUnavailable):
            await account.parties.provisioner.perform(REQUEST)
        assert await _state(account) == []
    await account.parties.provisioner.perform(REQUEST)

    assert [entry["kind"] for entry in await account.log()] == ["step.failed", "step.failed", "step.performed"]


async def test_trouble_for_good_is_a_refusal_until_the_party_mends_it(account: Account) -> None:
    acts = {"party": "provisioner", "email": "ada@example.test"}
    await account.control("behaviour", **acts, fail_step="users", times=-1, for_good=True, reason="no seats left")
    users = replace(REQUEST, key="d_1/provision/users/1", step="users")
    await account.parties.provisioner.perform(REQUEST)

    for _ in range(3):
        with pytest.raises(GatewayRefused, match="no seats left"):
            await account.parties.provisioner.perform(users)
    await account.control("behaviour", **acts)
    await account.parties.provisioner.perform(users)

    [deal] = await _state(account)
    assert [step["step"] for step in deal["steps"]] == ["tenant", "users"]


async def test_a_step_is_undone_once_and_undoing_nothing_is_no_error(account: Account) -> None:
    ref = await account.parties.provisioner.perform(REQUEST)
    undo = replace(REQUEST, key="d_1/compensate/tenant/1")

    assert [await account.parties.provisioner.compensate(undo) for _ in range(2)] == [ref, ref]
    assert await account.parties.provisioner.compensate(replace(undo, key="other", step="users")) == ""

    [deal] = await _state(account)
    assert [step["status"] for step in deal["steps"]] == ["compensated"]
    assert len(await account.log("step.compensated")) == 1


async def test_access_is_one_of_three(account: Account) -> None:
    access = account.parties.provisioner.set_access
    await access(key="a1", account_id="acc_1", deal_id="d_1", access="full")
    await access(key="a2", account_id="acc_1", deal_id="d_1", access="suspended")

    with pytest.raises(GatewayRefused):
        await access(key="a3", account_id="acc_1", deal_id="d_1", access="some")

    assert [deal["access"] for deal in await _state(account)] == ["suspended"]


async def test_a_key_with_another_body_is_refused(account: Account) -> None:
    await account.parties.provisioner.perform(REQUEST)

    with pytest.raises(GatewayRefused):
        await account.parties.provisioner.perform(replace(REQUEST, step="users"))

    assert len(await account.log("step.performed")) == 1


async def test_a_lost_answer_is_the_same_step(account: Account) -> None:
    await account.control("faults", script=["lost", "error"])

    for _ in range(2):
        with pytest.raises(GatewayUnavailable):
            await account.parties.provisioner.perform(REQUEST)
    ref = await account.parties.provisioner.perform(REQUEST)

    assert [entry["data"]["ref"] for entry in await account.log("step.performed")] == [ref]
