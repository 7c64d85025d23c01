"""A server we start is known by its pid and the instant it was born, so that only that very process is ever signalled.

Every child has a pid file `run/NAME.json`, a log `logs/NAME.log` for both of its streams (an orphan must not hold our
pipes open) and a session of its own (Ctrl-C in the terminal reaches us, and we stop the children in their order).
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAUSE = 0.02  # seconds between two looks at a server that is starting or stopping
AFTER_SIGKILL = 15.0  # seconds until a busy system has taken a killed process away

# Popen objects of this interpreter's own children: only their parent can reap them.
_children: dict[int, "subprocess.Popen[bytes]"] = {}


def _reap() -> None:
    """Take note of the children that ended without our asking: a crash, a kill by somebody else."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            _children.pop(pid, None)


@atexit.register
def _let_go() -> None:
    """What still runs when we end is meant to (`q2c up`): its Popen has nothing left to wait for, and must not warn."""
    _reap()
    for child in _children.values():
        child.returncode = 0
    _children.clear()


class ServerFailedError(RuntimeError):
    """A server did not start or did not stop; the message ends with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The system user a server runs as, when not as ourselves."""

    name: str
    uid: int
    gid: int


class Processes:
    """The children of one data folder: started, found again by a later command, and stopped, each by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run = folder / "run"
        self._logs = folder / "logs"

    def spawn(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        owner: Owner | None = None,
        cwd: Path | None = None,
    ) -> int:
        """Start `command` as `name` and return its pid; `environment` is the whole environment.

        Raises ServerFailedError when a process of that name is already running.
        """
        if (pid := self.pid(name)) is not None:
            message = f"{name} is already running as process {pid}"
            raise ServerFailedError(message)
        for folder in (self._run, self._logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=cwd,
                umask=0o077,
                start_new_session=True,
                user=owner.uid if owner else None,
                group=owner.gid if owner else None,
                extra_groups=() if owner else None,
            )
        _reap()
        _children[child.pid] = child
        record = {"pid": child.pid, "born": _born(child.pid) or ""}
        temporary = self._file(name).with_suffix(".new")
        temporary.write_text(json.dumps(record), encoding="utf-8")
        temporary.replace(self._file(name))
        return child.pid

    def pid(self, name: str) -> int | None:
        """The pid of `name` if that very process is still alive; None when it is gone or its pid is another's now."""
        try:
            record = json.loads(self._file(name).read_text(encoding="utf-8"))
            pid, born = int(record["pid"]), str(record["born"])
        except (OSError, ValueError, KeyError):
            return None
        if (child := _children.get(pid)) is not None and child.poll() is not None:
            _children.pop(pid, None)
            return None
        return pid if born and _born(pid) == born else None

    def stop(self, name: str, *, first: signal.Signals = signal.SIGTERM, grace: float = 15.0) -> None:
        """Ask `name` to end with `first`; after `grace` seconds end it with SIGKILL. Nothing happens if it is gone."""
        pid = self.pid(name)
        if pid is not None:
            _signal(pid, first)
            if not self._gone_within(name, grace):
                _signal(pid, signal.SIGKILL)
                if not self._gone_within(name, max(grace, AFTER_SIGKILL)):
                    message = f"{name} (process {pid}) does not end, not even by SIGKILL"
                    raise ServerFailedError(message)
        self._file(name).unlink(missing_ok=True)

    def kill(self, name: str) -> None:
        """End `name` with SIGKILL at once, as a crash would, and wait until it is gone."""
        self.stop(name, first=signal.SIGKILL)

    def failed(self, name: str, what: str) -> ServerFailedError:
        """The error to raise about `name`: what went wrong, where its log is, and the log's last lines."""
        return ServerFailedError(f"{name} {what}; the end of {self.log(name)}:\n{self.tail(name)}")

    def log(self, name: str) -> Path:
        """Where both output streams of `name` go."""
        return self._logs / f"{name}.log"

    def tail(self, name: str, lines: int = 20) -> str:
        """The last lines of the log of `name`; empty when there is none."""
        try:
            text = self.log(name).read_bytes()[-20_000:].decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def names(self) -> list[str]:
        """Every name that has a pid file, running or not."""
        return sorted(file.stem for file in self._run.glob("*.json"))

    def _file(self, name: str) -> Path:
        return self._run / f"{name}.json"

    def _gone_within(self, name: str, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while self.pid(name) is not None:
            if time.monotonic() > until:
                return False
            time.sleep(PAUSE)
        return True


def our_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child of our own in Python: ours, `extra`, and output that reaches the log at once."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", **extra}


def python(*arguments: str) -> list[str]:
    """A command line for the interpreter that runs us, so that the child lives in the same environment."""
    return [sys.executable, *arguments]


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:  # it ended between the look and the signal
        return


def _born(pid: int) -> str | None:
    """A mark that no other process with this pid can have; None when there is none, or only its zombie."""
    if Path("/proc/self/stat").exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in {"Z", "X"} else fields[19]  # field 22 of proc(5): ticks from boot to birth
    answer = subprocess.run(  # macOS has no /proc
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return None if len(answer) < 2 or answer[0].startswith("Z") else answer[1].strip()  # noqa: PLR2004 (two columns)
