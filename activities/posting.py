"""One journal entry as rows: the same transaction as the fact it stands for, under a key made from the fact's."""

from __future__ import annotations

from datetime import date

from sqlmodel import SQLModel

from domain.ids import derived
from domain.ledger import Entry
from models.ledger import JournalEntryRow, JournalLineRow
from workflows.stubs import Perform


def entry_rows(
    command: Perform, entry: Entry, *, on: date, source_kind: str, source_id: str, memo: str
) -> list[SQLModel]:
    """The entry of a deal's money fact, in the deal's currency and its entity's books."""
    deal = command.deal
    key = f"{command.step.key(deal.id)}/{entry.kind}"
    return rows_of(
        entry,
        key=key,
        entity_id=deal.entity_id,
        deal_id=deal.id,
        currency=deal.currency,
        on=on,
        source=(source_kind, source_id),
        memo=memo,
    )


def rows_of(
    entry: Entry,
    *,
    key: str,
    entity_id: str,
    deal_id: str | None,
    currency: str,
    on: date,
    source: tuple[str, str],
    memo: str,
) -> list[SQLModel]:
    entry_id = derived("je", key)
    head = JournalEntryRow(
        id=entry_id,
        entity_id=entity_id,
        deal_id=deal_id,
        on_date=on,
        kind=entry.kind,
        source_kind=source[0],
        source_id=source[1],
        key=key,
        currency=currency,
    )
    lines = [
        JournalLineRow(
            entry_id=entry_id, line_no=number, account=line.account, amount_minor=line.amount_minor, memo=memo
        )
        for number, line in enumerate(entry.lines, 1)
    ]
    return [head, *lines]
