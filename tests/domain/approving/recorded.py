"""An approval as a deal may have recorded it, request by request, whoever recorded it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.approving import machine
from domain.approving.case import Approval
from domain.message import Decide
from domain.need import Ask, Need, Seat
from tests.domain.lives import OWNER

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
NEED = Need(level=1, group="desk", reason="", remind_after_hours=24, escalate_after_hours=48, escalate_to="heads")
YES = Decide(version=1, content_hash="h", approve=True, reason="so", groups=("desk",))


def seats(*holders: str, **of: Any) -> tuple[Seat, ...]:
    return tuple(Seat(**{"member": holder, "holder": holder, **of}) for holder in holders)


def unnamed(**changed: Any) -> Approval:
    """Asked as the first release asked: any member of the group."""
    return Approval.of([replace(NEED, **changed)]).asked(1, NOW)


def named(*holders: Seat, **changed: Any) -> Approval:
    return Approval.of([replace(NEED, **changed)]).asked(1, NOW, [Ask(index=0, seats=holders)])


def said(approval: Approval, by: str, *, ref: str = "m", **changed: Any) -> Approval:
    """Checked and decided, as the fold does it."""
    decide = replace(YES, **changed)
    machine.check(decide, approval=approval, by=by, owner=OWNER, version=1, content_hash="h")
    return machine.decided(approval, decide, by=by, at=NOW, ref=ref)
