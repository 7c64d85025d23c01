"""What a data folder remembers between commands: the ports its servers took, and the secrets it made once."""

import base64
import json
import os
import random
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

PORTS = range(18_000, 32_000)  # below the range from which systems take the ports of outgoing connections
HOST = "127.0.0.1"


def remembered_ports(
    file: Path, names: Iterable[str], *, wished: Mapping[str, int], alive: Callable[[str], bool]
) -> dict[str, int]:
    """A port per name: the one in `file` if it is still free or our own live server has it, else a wished or free one.

    `alive(name)` says whether our own server holding that port is running. The result is written back to `file`.
    """
    known = {str(name): int(port) for name, port in read(file).get("ports", {}).items()}
    ports: dict[str, int] = {}
    for name in names:
        candidates = [known.get(name), wished.get(name)]
        kept = known.get(name) if alive(name) else None
        ports[name] = kept or next((port for port in candidates if port and free(port)), 0) or _any(set(ports.values()))
    write(file, {**read(file), "ports": ports}, mode=0o644)
    return ports


def remembered_secrets(file: Path) -> dict[str, str]:
    """The secrets of this folder, made at random when first asked for; the file is readable by its owner only."""
    known = {str(name): str(value) for name, value in read(file).items()}
    makers: dict[str, Callable[[], str]] = {
        "postgres": lambda: secrets.token_urlsafe(24),
        "stripe": lambda: "whsec_" + secrets.token_hex(24),
        "signature": _standard_webhooks_secret,
        "bank": _standard_webhooks_secret,
    }
    if missing := {name: make() for name, make in makers.items() if name not in known}:
        known |= missing
        write(file, known, mode=0o600)
    return known


def free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback interface now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """`count` different ports that are free now."""
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(_any(ports))
    return sorted(ports)


def listening(port: int) -> bool:
    """Whether something accepts connections on `port` of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def read(file: Path) -> dict[str, Any]:
    """The JSON object in `file`; empty when there is no such file."""
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def write(file: Path, value: Mapping[str, object], *, mode: int) -> None:
    """Write `value` to `file` whole or not at all; never readable by more than `mode` says, not even for a moment."""
    temporary = file.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as out:
        json.dump(value, out, indent=2)
        out.write("\n")
    temporary.replace(file)


def _any(taken: set[int]) -> int:
    for port in random.sample(PORTS, k=1_000):
        if port not in taken and free(port):
            return port
    message = f"no free port between {PORTS.start} and {PORTS.stop} on {HOST}"
    raise OSError(message)


def _standard_webhooks_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
