"""Who still has to approve a version: levels in order, groups of a level in parallel. The door to `domain/approving/`."""

from __future__ import annotations

from domain.approving.case import NOTHING_ASKED, Approval, Request, Stand, Vote
from domain.approving.machine import (
    AlreadyDecided,
    DelegationRefused,
    NothingToDecide,
    OwnDeal,
    SupersededVersion,
    UnknownVerb,
    WrongGroup,
    check,
    decided,
    look,
    steps,
)

__all__ = [
    "NOTHING_ASKED",
    "AlreadyDecided",
    "Approval",
    "DelegationRefused",
    "NothingToDecide",
    "OwnDeal",
    "Request",
    "Stand",
    "SupersededVersion",
    "UnknownVerb",
    "Vote",
    "WrongGroup",
    "check",
    "decided",
    "look",
    "steps",
]
