"""One machine's whole system, in the order its parts need each other; any server can be an outside one instead.

PostgreSQL, Temporal and the outside parties (sandbox) come up together, then the schema, the API and the worker. Ports
are kept in `state.json`, secrets in `secrets.json`, so that a later command finds and stops exactly what was started.
"""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded import loopback, state
from embedded.loopback import HOST
from embedded.postgres import PostgresServer
from embedded.processes import PAUSE, Processes, ServerFailedError, our_environment, python
from embedded.temporal import TemporalServer

TASK_QUEUE = "q2c"
PORT_NAMES = {  # whose port it is
    "postgres": "postgres",
    "temporal": "temporal",
    "temporal_ui": "temporal",
    "temporal_http": "temporal",
    "temporal_metrics": "temporal",
    "sandbox": "sandbox",
    "smtp": "sandbox",
    "api": "api",
}
SEARCH_ATTRIBUTES = {
    "Stage": "Keyword",
    "WaitingFor": "Keyword",
    "Account": "Keyword",
    "Owner": "Keyword",
    "Currency": "Keyword",
    "Acv": "Int",
    "Virtual": "Bool",
}
OUTSIDE = {"postgres": "Q2C_DATABASE_URL", "temporal": "Q2C_TEMPORAL_ADDRESS"}

Migrate = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Status:
    """One line of `status()`: `pid` is None for what is not running or is not ours to run."""

    name: str
    running: bool
    outside: bool
    pid: int | None
    address: str
    log: Path | None


class System:
    """The servers of one data folder. Methods are synchronous: call them from a thread when a loop is running."""

    def __init__(
        self,
        folder: Path,
        *,
        migrate: Migrate | None = None,
        ui: bool = True,
        durable: bool = True,
        wished_ports: Mapping[str, int] | None = None,
        environment: Mapping[str, str] | None = None,
        sandbox_options: Sequence[str] = (),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Nothing is started yet; the folder is made, and ports and secrets are chosen or read again.

        `migrate(database_url)` brings the schema up to date (default: `alembic upgrade head`); `ui` is Temporal's own
        web pages; `durable=False` is for tests; `environment` goes to every child of ours on top of Q2C_*;
        `sandbox_options` such as ("--seed", "7", "--faults", "lost=0.02") go to the outside parties;
        `say` hears one line per server that is up.
        """
        self.folder = folder.resolve()
        # Others may pass through (PostgreSQL's own user must), but not look: every file inside is closed by itself.
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.root = Path(__file__).resolve().parent.parent
        self.processes = Processes(self.folder)
        self.secrets = state.remembered_secrets(self.folder / "secrets.json")
        self.ports = state.remembered_ports(
            self.folder / "state.json",
            PORT_NAMES,
            wished=wished_ports or {},
            alive=lambda name: self.processes.pid(PORT_NAMES[name]) is not None,
        )
        self.outside = {name: os.environ[key] for name, key in OUTSIDE.items() if os.environ.get(key)}
        self._migrate = migrate or self._alembic
        self._extra = dict(environment or {})
        self._sandbox_options = list(sandbox_options)
        self._say = say
        self.postgres = PostgresServer(
            self.folder / "postgres",
            port=self.ports["postgres"],
            password=self.secrets["postgres"],
            processes=self.processes,
            durable=durable,
        )
        self.temporal = TemporalServer(
            self.folder / "temporal",
            port=self.ports["temporal"],
            http_port=self.ports["temporal_http"],
            metrics_port=self.ports["temporal_metrics"],
            ui_port=self.ports["temporal_ui"] if ui else None,
            search_attributes=SEARCH_ATTRIBUTES,
            namespace=os.environ.get("Q2C_TEMPORAL_NAMESPACE", "default"),
            processes=self.processes,
        )

    # -- addresses -------------------------------------------------------------------------------------------------

    @property
    def database_url(self) -> str:
        """postgresql://user:password@host:port/database of the database in use, ours or an outside one."""
        return self.outside.get("postgres", self.postgres.url)

    @property
    def temporal_address(self) -> str:
        """host:port of the Temporal front end in use, ours or an outside one."""
        return self.outside.get("temporal", self.temporal.address)

    @property
    def api_url(self) -> str:
        """Where our API listens."""
        return f"http://{HOST}:{self.ports['api']}"

    @property
    def sandbox_url(self) -> str:
        """Where the outside parties listen; /control/* is there too."""
        return f"http://{HOST}:{self.ports['sandbox']}"

    def environment(self) -> dict[str, str]:
        """Every Q2C_* setting that the API and the worker read; a value already set by the user is kept."""
        ours = {
            "Q2C_DATABASE_URL": self.database_url,
            "Q2C_TEMPORAL_ADDRESS": self.temporal_address,
            "Q2C_TEMPORAL_NAMESPACE": self.temporal.namespace,
            "Q2C_TASK_QUEUE": TASK_QUEUE,
            "Q2C_STRIPE_URL": f"{self.sandbox_url}/stripe",
            "Q2C_STRIPE_WEBHOOK_SECRET": self.secrets["stripe"],
            "Q2C_SIGNATURE_URL": f"{self.sandbox_url}/signature",
            "Q2C_SIGNATURE_SECRET": self.secrets["signature"],
            "Q2C_PROVISIONER_URL": f"{self.sandbox_url}/provisioner",
            "Q2C_BANK_URL": f"{self.sandbox_url}/bank",
            "Q2C_BANK_SECRET": self.secrets["bank"],
            "Q2C_LINK_SECRET": self.secrets["links"],
            "Q2C_SMTP_HOST": HOST,
            "Q2C_SMTP_PORT": str(self.ports["smtp"]),
            "Q2C_SLACK_URL": f"{self.sandbox_url}/slack/{{channel}}",
            "Q2C_PUBLIC_URL": self.api_url,
        }
        chosen = {name: value for name, value in os.environ.items() if name.startswith("Q2C_") and value}
        fixed = {"Q2C_DATA": str(self.folder), "Q2C_API_HOST": HOST, "Q2C_API_PORT": str(self.ports["api"])}
        return {**ours, **chosen, **self._extra, **fixed}

    # -- everything ------------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Bring up what is not up yet, and return when everything answers.

        Raises ServerFailedError, naming the server and the end of its log; what is up by then stays up: call `down()`.
        """
        with self._lock(), ThreadPoolExecutor(max_workers=3) as pool:
            first = [name for name in ("postgres", "temporal", "sandbox") if name not in self.outside]
            for outcome in [pool.submit(self.start, name) for name in first]:
                outcome.result()
            self._migrate(self.database_url)
            self._say("schema     up to date")
            for outcome in [pool.submit(self.start, name) for name in ("api", "worker")]:
                outcome.result()

    def down(self) -> None:
        """Stop everything of ours, in the reverse order. The data stays."""
        with self._lock():
            self._stop_all()

    def destroy(self) -> None:
        """Stop everything of ours and remove the whole folder, with PostgreSQL's data wherever it is kept."""
        with self._lock():
            self._stop_all()
            self.postgres.destroy()
            shutil.rmtree(self.folder, ignore_errors=True)

    def status(self) -> list[Status]:
        """One line per server, in the order they start."""
        addresses = {
            "postgres": f"{HOST}:{self.ports['postgres']}",
            "temporal": self.temporal.address,
            "sandbox": self.sandbox_url,
            "api": self.api_url,
        }
        names = [*addresses, *(self.workers() or ["worker"])]
        return [self._status(name, addresses.get(name, "")) for name in names]

    # -- one by one ------------------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Start one server of ours (postgres, temporal, sandbox, api, worker, worker-2, ...) and wait until it works."""
        began = time.monotonic()
        if self.processes.pid(name) is not None:
            return
        match name.partition("-")[0]:
            case "postgres":
                self.postgres.start()
            case "temporal":
                self.temporal.start()
            case "sandbox":
                self._start_sandbox()
            case "api":
                arguments = ["-m", "uvicorn", "api.app:from_environment", "--factory", "--host", HOST]
                arguments += ["--port", str(self.ports["api"]), "--no-access-log"]
                self._spawn(name, arguments, lambda _: loopback.get(f"{self.api_url}/health") is not None)
            case "worker":
                self._spawn(name, [str(self.root / "worker.py")], self._polls)
            case _:
                message = f"there is no server named {name!r}"
                raise ValueError(message)
        self._say(f"{name:10} up in {time.monotonic() - began:.1f} s")

    def start_worker(self) -> str:
        """Start one more worker and return its name."""
        taken = self.workers()
        name = next(name for number in range(1, 100) if (name := _worker(number)) not in taken)
        self.start(name)
        return name

    def workers(self) -> list[str]:
        """The names of the workers that are running."""
        return [name for name in self.processes.names() if name.startswith("worker") and self.processes.pid(name)]

    def stop(self, name: str) -> None:
        """Stop one server of ours in its own orderly way."""
        if name == "postgres":
            self.postgres.stop()
        else:
            self.processes.stop(name)

    def kill(self, name: str) -> None:
        """End one server of ours with SIGKILL, as a crash would."""
        self.processes.kill(name)

    def restart(self, name: str) -> None:
        """Stop one server if it is running, start it again, and wait until it works."""
        self.stop(name)
        self.start(name)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _start_sandbox(self) -> None:
        arguments = ["-m", "sandbox", "--port", str(self.ports["sandbox"]), "--smtp-port", str(self.ports["smtp"])]
        arguments += ["--data", str(self.folder / "sandbox.db"), "--hooks", self.api_url]
        arguments += ["--stripe-secret", self.secrets["stripe"], "--signature-secret", self.secrets["signature"]]
        arguments += ["--bank-secret", self.secrets["bank"]]
        arguments += self._sandbox_options
        self._spawn("sandbox", arguments, lambda _: self._parties_answer())

    def _parties_answer(self) -> bool:
        return loopback.get(f"{self.sandbox_url}/health") is not None and loopback.listening(self.ports["smtp"])

    def _spawn(self, name: str, arguments: list[str], ready: Callable[[int], bool], timeout: float = 60.0) -> None:
        environment = our_environment(self.environment())
        pid = self.processes.spawn(name, python(*arguments), environment=environment, cwd=self.root)
        until = time.monotonic() + timeout
        while not ready(pid):
            if self.processes.pid(name) != pid:
                raise self.processes.failed(name, "ended before it was ready")
            if time.monotonic() > until:
                self.processes.stop(name)
                raise self.processes.failed(name, f"was not ready after {timeout:.0f} s")
            time.sleep(PAUSE)
        if self.processes.pid(name) != pid:  # what answered on its port was somebody else
            raise self.processes.failed(name, "ended at once; is its port another program's?")

    def _polls(self, pid: int) -> bool:
        """Whether the worker with this pid polls; its identity is `pid@host`, as the SDK makes it."""
        if "temporal" in self.outside:  # an outside server's HTTP port is not known: alive is all that can be seen
            time.sleep(2.0)
            return True
        queue = self.environment()["Q2C_TASK_QUEUE"]
        return any(identity.startswith(f"{pid}@") for identity in self.temporal.pollers(queue))

    def _alembic(self, url: str) -> None:
        if not (self.root / "migrations" / "env.py").exists():
            return
        environment = our_environment({**self.environment(), "Q2C_DATABASE_URL": url})
        command = python("-m", "alembic", "upgrade", "head")
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            message = f"alembic upgrade head failed with {done.returncode}:\n{done.stdout}"
            raise ServerFailedError(message)

    def _stop_all(self) -> None:
        workers = [name for name in self.processes.names() if name.startswith("worker")]
        for name in (*workers, "api", "sandbox", "temporal", "postgres"):
            self.stop(name)

    def _status(self, name: str, address: str) -> Status:
        if name in self.outside:
            host = self.outside[name].rpartition("@")[2]  # without the password
            return Status(name=name, running=True, outside=True, pid=None, address=host, log=None)
        pid = self.processes.pid(name)
        log = self.processes.log(name)
        return Status(name=name, running=pid is not None, outside=False, pid=pid, address=address, log=log)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One `up` or `down` of a folder at a time."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _worker(number: int) -> str:
    return "worker" if number == 1 else f"worker-{number}"
