"""Every derived id and operation key is spelled here: the same facts always give the same id, so a second run is a no-op."""

from __future__ import annotations

import base64
import hashlib

LENGTH = 26  # characters of base32: 130 bits


def derived(prefix: str, *parts: str | int) -> str:
    """An id made from what it stands for: `prefix_` and 26 characters of lower-case base32 of SHA-256 of the joined parts.

    >>> derived("inv", "con_7", 1, 3)
    'inv_eoqhlba74w7z37p7flqx4ambtu'
    """
    digest = hashlib.sha256("/".join(str(part) for part in parts).encode()).digest()
    return f"{prefix}_{base64.b32encode(digest).decode().lower()[:LENGTH]}"


def operation_key(deal_id: str, kind: str, subject: str, number: int) -> str:
    """The key of one step of one deal, unique forever; a gateway gets it as its idempotency key.

    >>> operation_key("d_1", "charge", "inv_9", 2)
    'd_1/charge/inv_9/2'
    """
    return f"{deal_id}/{kind}/{subject}/{number}"


def charge_key(deal_id: str, invoice_id: str, attempt: int) -> str:
    """The key of one charge: of the call, of every repeat of it, of the search for it afterwards, and of its row.

    >>> charge_key("d_1", "inv_9", 2)
    'd_1/charge/inv_9/2'
    """
    return operation_key(deal_id, "charge", invoice_id, attempt)


def deal_workflow_id(deal_id: str) -> str:
    """The id of the deal's one workflow.

    >>> deal_workflow_id("d_1")
    'deal-d_1'
    """
    return f"deal-{deal_id}"


def statement_workflow_id(statement_id: str) -> str:
    """The id of the workflow that takes in one bank statement.

    >>> statement_workflow_id("st_1")
    'statement-st_1'
    """
    return f"statement-{statement_id}"
