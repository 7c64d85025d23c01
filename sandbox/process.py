"""The sandbox as a process of its own: started on free ports, waited for, stopped; its effects stay in its file."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

HOUSE = Path(__file__).resolve().parent.parent


class NotStarted(Exception):
    """The server did not answer in time; the message holds the end of its log."""


# Below the range from which systems take the ports of outgoing connections, and apart from those of other processes that
# choose at the same moment: a port is still free when the server comes up, and when it comes up again.
PORTS = range(12_000 + os.getpid() % 64, 18_000, 64)
_in_turn = itertools.cycle(random.sample(PORTS, k=len(PORTS)))


def free_port() -> int:
    """The next port of this process's own that nobody has. Raises OSError where there is none."""
    for port in itertools.islice(_in_turn, len(PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    message = f"no free port between {PORTS.start} and {PORTS.stop}"
    raise OSError(message)


@dataclass(kw_only=True)
class SandboxProcess:
    """One server; the same `data` and ports may be started again after `kill`."""

    data: Path
    hooks: str = ""
    seed: int = 0
    faults: str = ""
    port: int = field(default_factory=free_port)
    smtp_port: int = field(default_factory=free_port)
    stripe_secret: str = "whsec_c2FuZGJveC1zdHJpcGU="  # noqa: S105 - a sandbox's secret is public
    signature_secret: str = "whsec_c2FuZGJveC1zaWduYXR1cmU="  # noqa: S105
    bank_secret: str = "whsec_c2FuZGJveC1iYW5r"  # noqa: S105
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self, *, seconds: float = 60) -> None:
        """Start and wait until it answers. Raises NotStarted."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        log = self.data.with_suffix(".log")
        with log.open("ab") as written:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no input from outside
                [sys.executable, "-m", "sandbox", *self._arguments()],
                cwd=HOUSE,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._process.poll() is None:
            if self._answers():
                return
            time.sleep(0.05)
        self.kill()
        raise NotStarted(log.read_text(errors="replace")[-2000:])

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def _arguments(self) -> list[str]:
        given = {
            "--port": self.port,
            "--smtp-port": self.smtp_port,
            "--data": self.data,
            "--hooks": self.hooks,
            "--seed": self.seed,
            "--faults": self.faults,
            "--stripe-secret": self.stripe_secret,
            "--signature-secret": self.signature_secret,
            "--bank-secret": self.bank_secret,
        }
        return [f"{name}={value}" for name, value in given.items()]

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: what it answered before is still there after the next start."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
