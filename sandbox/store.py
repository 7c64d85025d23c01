"""What was answered is never lost: every effect is committed to one SQLite file before its answer leaves."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Data = dict[str, Any]
SEARCHED = frozenset({"customer", "payment_intent"})

# WAL with synchronous=OFF: a commit is in the operating system's hands, so it outlives SIGKILL of this process
# (not a power cut, which nobody asks of a sandbox) and costs no fsync, not even at checkpoints.
SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, clock INTEGER, hooks TEXT);
CREATE TABLE IF NOT EXISTS objects (
    row INTEGER PRIMARY KEY, account TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    key TEXT NOT NULL DEFAULT '', data TEXT NOT NULL, UNIQUE (account, kind, id));
CREATE INDEX IF NOT EXISTS objects_page ON objects (account, kind, row);
CREATE INDEX IF NOT EXISTS objects_key ON objects (account, kind, key);
CREATE TABLE IF NOT EXISTS metadata (
    account TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (account, kind, name, value, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (sha256 TEXT PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    account TEXT NOT NULL, party TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL, body BLOB NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (account, party, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS effects (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, party TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL,
    key TEXT NOT NULL, subject TEXT NOT NULL, amount_minor INTEGER, currency TEXT NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS due (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS due_open ON due (account, at, id) WHERE done = 0;
CREATE TABLE IF NOT EXISTS events (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, party TEXT NOT NULL, kind TEXT NOT NULL,
    at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_account ON events (account, party, row);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY, event TEXT NOT NULL, account TEXT NOT NULL, due INTEGER NOT NULL,
    not_before INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'pending',
    answer TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS deliveries_pending ON deliveries (account, due, id) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS behaviours (
    account TEXT NOT NULL, party TEXT NOT NULL, who TEXT NOT NULL, data TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, party, who)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,
    subject TEXT NOT NULL, body TEXT NOT NULL, received_at INTEGER NOT NULL, attachments TEXT NOT NULL, raw BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS mails_recipient ON mails (recipient, id);
"""


class Store:
    """One connection, used from one event loop: a transaction never spans an `await`."""

    def __init__(self, path: str, seed: int) -> None:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA wal_autocheckpoint = 4000")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(SCHEMA)
        self._seed = seed
        last = self.one("SELECT coalesce(max(row), 0) AS n FROM objects")
        seen = self.one("SELECT coalesce(max(row), 0) AS n FROM events")
        # Ids of work that was rolled back may be used again; ids that were answered may not.
        self._next = int(last["n"]) * 64 + int(seen["n"]) * 64 if last and seen else 0

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all or nothing. Raises whatever the block raises, after rolling back."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def run(self, sql: str, *values: Any) -> int:
        """Execute one statement; returns the last row id."""
        return self._db.execute(sql, values).lastrowid or 0

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: Any) -> Sequence[sqlite3.Row]:
        return self._db.execute(sql, values).fetchall()

    def new_id(self, prefix: str) -> str:
        """A fresh id, the same in every run with the same seed and the same order of requests."""
        self._next += 1
        digest = hashlib.sha256(f"{self._seed}/{prefix}/{self._next}".encode()).digest()
        return prefix + "_" + base64.b32encode(digest).decode().lower()[:24]

    def put(self, account: str, kind: str, data: Data, *, key: str = "") -> Data:
        """Insert or replace one object by its `id`; the `metadata` of what can be searched becomes searchable."""
        self.run(
            "INSERT INTO objects (account, kind, id, key, data) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (account, kind, id) DO UPDATE SET data = excluded.data",
            account, kind, data["id"], key, dumps(data),
        )  # fmt: skip
        if kind in SEARCHED:
            self._db.executemany(
                "INSERT OR IGNORE INTO metadata (account, kind, name, value, id) VALUES (?, ?, ?, ?, ?)",
                [(account, kind, name, value, data["id"]) for name, value in data["metadata"].items()],
            )
        return data

    def get(self, account: str, kind: str, ref: str) -> Data | None:
        row = self.one("SELECT data FROM objects WHERE account = ? AND kind = ? AND id = ?", account, kind, ref)
        return loads(row["data"]) if row else None

    def by_key(self, account: str, kind: str, key: str) -> list[Data]:
        """Objects under one second key (a customer's methods, a charge's refunds), oldest first."""
        rows = self.all(
            "SELECT data FROM objects WHERE account = ? AND kind = ? AND key = ? ORDER BY row", account, kind, key
        )
        return [loads(row["data"]) for row in rows]

    def every(self, account: str, kind: str) -> list[Data]:
        """All objects of a kind, newest first (Stripe's order of lists)."""
        rows = self.all("SELECT data FROM objects WHERE account = ? AND kind = ? ORDER BY row DESC", account, kind)
        return [loads(row["data"]) for row in rows]

    def page(self, account: str, kind: str, after: str, count: int) -> list[Data]:
        """At most `count` objects, newest first, from behind the object `after` (empty: from the newest)."""
        rows = self.all(
            "SELECT data FROM objects WHERE account = ? AND kind = ? AND row < coalesce("
            "(SELECT row FROM objects WHERE account = ? AND kind = ? AND id = ?), 9223372036854775807)"
            " ORDER BY row DESC LIMIT ?",
            account, kind, account, kind, after, count,
        )  # fmt: skip
        return [loads(row["data"]) for row in rows]

    def with_metadata(self, account: str, kind: str, name: str, value: str) -> list[Data]:
        rows = self.all(
            "SELECT o.data FROM metadata m JOIN objects o ON o.account = m.account AND o.kind = m.kind AND o.id = m.id"
            " WHERE m.account = ? AND m.kind = ? AND m.name = ? AND m.value = ? ORDER BY o.row DESC",
            account, kind, name, value,
        )  # fmt: skip
        return [loads(row["data"]) for row in rows]

    def keep_blob(self, content: bytes) -> str:
        """Keep bytes under their SHA-256, which is returned in hex."""
        digest = hashlib.sha256(content).hexdigest()
        self.run("INSERT OR IGNORE INTO blobs (sha256, bytes) VALUES (?, ?)", digest, content)
        return digest

    def blob(self, sha256: str) -> bytes | None:
        row = self.one("SELECT bytes FROM blobs WHERE sha256 = ?", sha256)
        return bytes(row["bytes"]) if row else None


def dumps(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"))


def loads(text: str) -> Data:
    read: Data = json.loads(text)
    return read
