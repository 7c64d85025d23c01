"""What a data folder remembers between commands: the ports its servers took, and the secrets it made once."""

import base64
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from embedded.loopback import free, free_port


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
        ports[name] = kept or next((port for port in candidates if port and free(port)), 0) or free_port(ports.values())
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
        "links": lambda: secrets.token_urlsafe(32),
    }
    if missing := {name: make() for name, make in makers.items() if name not in known}:
        known |= missing
        write(file, known, mode=0o600)
    return known


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


def _standard_webhooks_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
