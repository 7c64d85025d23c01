"""What tests of the outside share: a started sandbox, an account of one's own, a receiver of webhooks."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from gateways.parties import Addresses, Parties, PartiesFor
from sandbox.process import SandboxProcess

_numbers = itertools.count(1)


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A small HTTP server; `answers` holds the status codes of the next requests of an account, then 200."""

    port: int = 0
    received: defaultdict[str, list[Received]] = field(default_factory=lambda: defaultdict(list))
    answers: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Receiver]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode().strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        _, account, path = first.split(" ")[1].split("/", 2)
        self.received[account].append(Received(path=path, headers=headers, body=body))
        status = self.answers[account].pop(0) if self.answers[account] else 200
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def until(self, account: str, count: int) -> list[Received]:
        """The webhooks of an account once there are `count`; fails by the test's own time-out."""
        while len(self.received[account]) < count:
            await asyncio.sleep(0.01)
        return self.received[account]


@dataclass
class Account:
    """One account of its own at every party, with its control."""

    name: str
    sandbox: SandboxProcess
    parties: Parties
    http: httpx.AsyncClient

    async def control(self, path: str, **body: Any) -> Any:
        answer = await self.http.post(f"/control/{path}", json={"account": self.name, **body})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def clock(self, to: str) -> Any:
        return await self.control("clock", to=to)

    async def log(self, *kinds: str, party: str = "") -> list[dict[str, Any]]:
        entries = (await self.http.get("/control/log", params={"account": self.name, "party": party})).json()["entries"]
        return [entry for entry in entries if not kinds or entry["kind"] in kinds]


@asynccontextmanager
async def account_at(sandbox: SandboxProcess, receiver: Receiver | None) -> AsyncIterator[Account]:
    """A fresh account, its webhooks going to the receiver."""
    name = f"ent_{os.getpid()}_{next(_numbers)}"
    addresses = Addresses(
        stripe_url=f"{sandbox.url}/stripe",
        signature_url=f"{sandbox.url}/signature",
        provisioner_url=f"{sandbox.url}/provisioner",
        smtp_host="127.0.0.1",
        smtp_port=sandbox.smtp_port,
        mail_from="Billing <billing@seller.test>",
    )
    parties = PartiesFor(addresses)
    headers = {"authorization": f"Bearer sk_{name}"}
    async with httpx.AsyncClient(base_url=sandbox.url, headers=headers, trust_env=False, timeout=30) as http:
        account = Account(name, sandbox, parties.entity(name, virtual=True), http)
        if receiver is not None:
            await account.control("hooks", url=f"http://127.0.0.1:{receiver.port}/{name}")
        yield account
    await parties.close()
