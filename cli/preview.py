"""`q2c preview rate`: what charges come to, worked out here: no server, no database, no network."""

import contextlib
import gc
import os
import sys
from collections.abc import Callable

from cli.rate_lines import answer

_MANY = 100_000  # objects: nothing here forms cycles, so looking for them is seldom worth it
_AT_ONCE = 1 << 16  # bytes: what has come so far is answered before more is awaited


def rate_() -> None:
    """Rate JSON lines from standard input, one JSON line each: {"id", "charge", "quantity", "currency", "usage"}.

    A line that cannot be rated is answered by its error, and the next one is read (docs/rules/charge-models.md).
    """
    out = sys.stdout.buffer
    rest = b""
    gc.freeze()
    gc.set_threshold(_MANY)
    try:
        while chunk := os.read(sys.stdin.fileno(), _AT_ONCE):
            *lines, rest = (rest + chunk).split(b"\n")
            _answer(lines, out.write)
            out.flush()
        _answer([rest], out.write)
        out.flush()
    except BrokenPipeError:  # nobody reads any more, as with `| head`
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _answer(lines: list[bytes], write: Callable[[bytes], object]) -> None:
    told = [answer(line) for line in lines if line.strip()]
    if told:
        # a lone surrogate, which JSON may write and UTF-8 may not, goes out as the escape that it came as
        write(("\n".join(told) + "\n").encode("utf-8", "backslashreplace"))
