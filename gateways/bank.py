"""The bank only speaks: a statement's lines are the credits it has booked, each with an id of the bank's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from gateways.ports import BankLine, BankStatement, WebhookRefused
from gateways.webhooks import verified


def read_statement(headers: Mapping[str, str], body: bytes, secret: str) -> BankStatement:
    """One statement in our words. Raises WebhookRefused where it cannot be trusted or read."""
    event = verified(headers, body, secret)
    try:
        statement = event["data"]
        return BankStatement(
            event_id=str(event["id"]),
            statement_id=str(statement["statement_id"]),
            bank_account=str(statement["bank_account"]),
            lines=tuple(_line(line) for line in statement["lines"]),
            account=str(event["account"]),
        )
    except (KeyError, TypeError, ValueError) as unreadable:
        raise WebhookRefused(f"not a bank statement: {unreadable!r}") from unreadable


def _line(line: Mapping[str, Any]) -> BankLine:
    amount = line["amount_minor"]
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise TypeError(f"amount_minor is {amount!r}")
    return BankLine(
        line_id=str(line["line_id"]),
        booked_on=date.fromisoformat(line["booked_on"]),
        amount_minor=amount,
        currency=str(line["currency"]),
        payer=str(line["payer"]),
        reference=str(line["reference"]),
    )
