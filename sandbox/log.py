"""The outside keeps its own book: every effect once, in order, to be compared with ours."""

from __future__ import annotations

from typing import Any

from sandbox.instants import iso
from sandbox.store import Data, Store, dumps, loads


def record(store: Store, account: str, party: str, kind: str, at: int, **data: Any) -> None:
    """Write one effect in the transaction that performs it. `at` is the account's clock.

    `key`, `subject`, `amount_minor` and `currency` get columns of their own; the rest is kept as `data`.
    """
    key, subject = data.pop("key", ""), data.pop("subject", "")
    amount_minor, currency = data.pop("amount_minor", None), data.pop("currency", "")
    store.run(
        "INSERT INTO effects (account, party, kind, at, key, subject, amount_minor, currency, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        account, party, kind, at, key, subject, amount_minor, currency, dumps(data),
    )  # fmt: skip


def entries(store: Store, *, account: str = "", party: str = "", kind: str = "", after: int = 0) -> list[Data]:
    """The effects in the order they happened; empty filters match all."""
    rows = store.all(
        "SELECT * FROM effects WHERE id > ? AND (? = '' OR account = ?) AND (? = '' OR party = ?)"
        " AND (? = '' OR kind = ?) ORDER BY id",
        after, account, account, party, party, kind, kind,
    )  # fmt: skip
    return [{**dict(row), "at": iso(row["at"]), "data": loads(row["data"])} for row in rows]
