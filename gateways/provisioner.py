"""The provisioner: one step per request, idempotent by key, undone by its own request."""

from __future__ import annotations

from typing import Any

from gateways.http import JsonParty
from gateways.ports import ProvisionRequest


class ProvisionerGateway(JsonParty):
    """The Provisioner port."""

    async def perform(self, request: ProvisionRequest) -> str:
        return str((await self.post("/steps", _body(request), key=request.key))["ref"])

    async def compensate(self, request: ProvisionRequest) -> str:
        return str((await self.post("/compensations", _body(request), key=request.key))["ref"])

    async def set_access(self, *, key: str, account_id: str, deal_id: str, access: str) -> None:
        body = {"key": key, "account_id": account_id, "deal_id": deal_id, "access": access}
        await self.post("/access", body, key=key)


def _body(request: ProvisionRequest) -> dict[str, Any]:
    return {
        "key": request.key,
        "deal_id": request.deal_id,
        "account_id": request.account_id,
        "name": request.customer_name,
        "email": request.customer_email,
        "step": request.step,
        "data": request.data,
    }
