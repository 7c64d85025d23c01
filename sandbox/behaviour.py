"""How a person or party outside will act is set from outside the engine, per account and email."""

from __future__ import annotations

from sandbox.store import Data, Store, dumps, loads

PARTIES = ("card", "signature", "provisioner")


def set_behaviour(store: Store, account: str, party: str, who: str, data: Data) -> None:
    """Replace how `who` (an email, an account id, or "*" for everybody) acts from now on."""
    store.run(
        "INSERT INTO behaviours (account, party, who, data, used) VALUES (?, ?, ?, ?, 0)"
        " ON CONFLICT (account, party, who) DO UPDATE SET data = excluded.data, used = 0",
        account, party, who, dumps(data),
    )  # fmt: skip


def behaviour(store: Store, account: str, party: str, *who: str) -> tuple[str, Data, int] | None:
    """The first match of `who`, then "*": (whose, what, how often used)."""
    for name in (*who, "*"):
        row = store.one("SELECT * FROM behaviours WHERE account = ? AND party = ? AND who = ?", account, party, name)
        if row is not None:
            return name, loads(row["data"]), int(row["used"])
    return None


def use(store: Store, account: str, party: str, who: str) -> None:
    """Count one use of a behaviour, in the transaction that acts on it."""
    store.run("UPDATE behaviours SET used = used + 1 WHERE account = ? AND party = ? AND who = ?", account, party, who)


def next_of_script(store: Store, account: str, who: str) -> str:
    """The next entry of a card script; the last entry stays for ever; no script: "" (the token decides)."""
    found = behaviour(store, account, "card", who)
    if found is None or not found[1].get("script"):
        return ""
    name, data, used = found
    script = data["script"]
    use(store, account, "card", name)
    return str(script[min(used, len(script) - 1)])
