"""The entries of a deal's evidence: written by the step they tell, with the rows that it changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from domain.approval import Request
from domain.approving.evidence import Entry
from domain.order import Order
from models.approval import ApprovalEntryRow
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
