"""Only the very process we started is ever signalled, and a dead one is known to be dead."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.processes import Processes, ServerFailedError, our_environment, python

SLEEPS = python("-c", "import time; print('here', flush=True); time.sleep(600)")
DEAF = python(
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path)
    yield processes
    for name in processes.names():
        processes.kill(name)


def test_a_child_is_found_again_by_another_command(processes: Processes, tmp_path: Path) -> None:
    pid = processes.spawn("child", SLEEPS, environment=our_environment({}))
    assert Processes(tmp_path).pid("child") == pid
    Processes(tmp_path).stop("child")
    assert processes.pid("child") is None
    assert processes.names() == []


def test_a_second_child_of_the_same_name_is_refused(processes: Processes) -> None:
    pid = processes.spawn("child", SLEEPS, environment=our_environment({}))
    with pytest.raises(ServerFailedError, match=f"child is already running as process {pid}"):
        processes.spawn("child", SLEEPS, environment=our_environment({}))
    assert processes.pid("child") == pid


def test_a_pid_that_is_now_another_process_is_never_signalled(processes: Processes, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as stranger:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "child.json").write_text(json.dumps({"pid": stranger.pid, "born": "1"}), encoding="utf-8")
        assert processes.pid("child") is None
        processes.kill("child")
        assert stranger.poll() is None
        stranger.kill()


def test_a_child_killed_from_outside_is_gone(processes: Processes) -> None:
    pid = processes.spawn("child", SLEEPS, environment=our_environment({}))
    os.kill(pid, signal.SIGKILL)
    processes.stop("child")
    assert processes.pid("child") is None


def test_a_child_deaf_to_sigterm_is_ended_after_the_grace(processes: Processes) -> None:
    processes.spawn("deaf", DEAF, environment=our_environment({}))
    while "deaf" not in processes.tail("deaf"):
        pass
    processes.stop("deaf", grace=0.2)
    assert processes.pid("deaf") is None


def test_the_log_of_a_failed_child_is_in_the_error(processes: Processes) -> None:
    processes.spawn("child", python("-c", "raise SystemExit('no such price book')"), environment=our_environment({}))
    while processes.pid("child"):
        pass
    assert "no such price book" in str(processes.failed("child", "ended"))
