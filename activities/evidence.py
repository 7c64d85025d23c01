"""The entries of a deal's evidence: written by the step they tell, with the rows that it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.approval import Request
from domain.approving.condition import Sheet
from domain.approving.evidence import AUTO, NO_RULE, Entry
from domain.approving.policy import Matrix
from domain.order import Order
from models.approval import ApprovalEntryRow
from models.quote import QuoteVersionRow
from workflows.converter import to_json
from workflows.stubs import Perform


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What one step of a version bears witness of."""

    command: Perform
    order: Order

    def entry(self, kind: str, **more: Any) -> Entry:
        """An entry about the version, said by q2c at this step unless `more` says otherwise."""
        base = Entry(
            at=self.command.now,
            kind=kind,
            by="q2c",
            ref=self.command.step.key(self.command.deal.id),
            order=self.order.number,
            version=self.order.version,
            content_hash=self.order.content_hash,
        )
        return replace(base, **more)

    def of(self, kind: str, request: Request, **more: Any) -> ApprovalEntryRow:
        """An entry about one request."""
        need = request.need
        about = {
            "policy": need.policy,
            "level": need.level,
            "group": need.group,
            "rules": need.rules,
            "why": need.reason,
        }
        return self.row(self.entry(kind, **(about | more)))

    def row(self, entry: Entry) -> ApprovalEntryRow:
        """The entry as it is kept."""
        deal = self.command.deal
        return ApprovalEntryRow(deal_id=deal.id, turn=deal.turn, at=entry.at, kind=entry.kind, content=to_json(entry))


def spared(command: Perform, version: QuoteVersionRow, matrix: Matrix, judged: Sequence[Sheet]) -> ApprovalEntryRow:
    """Nobody is asked about this version: by which policy, why, and on which facts."""
    why = [reason for each in judged for reason in matrix.approves(each) or ()]
    entry = Entry(
        at=command.now,
        kind=AUTO,
        by="q2c",
        ref=command.step.key(command.deal.id),
        order=version.order_number,
        version=version.version,
        content_hash=version.content_hash,
        policy=matrix.label,
        why="; ".join(dict.fromkeys(why)),
        reason="" if why else NO_RULE,
        seen=tuple(sorted(version.sheet.items())),
    )
    return ApprovalEntryRow(
        deal_id=command.deal.id, turn=command.deal.turn, at=entry.at, kind=AUTO, content=to_json(entry)
    )
