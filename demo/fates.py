"""What the people and parties outside will do with a deal, as its row tells it; the engine never sees any of this.

| column | says |
|---|---|
| card_script | `succeed`, decline codes; `code*3` three charges long; the last one stays (`stolen_card*` says so): `insufficient_funds*2;succeed` |
| desk | `approve 4h`, `silent then approve 4h` (asked, reminded, escalated: whoever it went to approves after 4 hours), |
|   | `reject 6h: reason; then revise 15%` (sales revises the header discount to 15 %, which the desk approves as late), |
|   | `by name` (approvals.yaml says what each approver does) |
| signer, renewal_signer | `sign 24h`, `decline 48h: reason`, `ignore` |
| provisioner | `ok`, `entitlements fails 2` (times), `users fails for good` |
| payer | `transfer +20 days` (after the invoice's date), `short 10%` (on the due date, 10 % too little), `never` |
| customer | on the page that a mail links to, hours after that mail: `looks 3h`, `asks 5h: question`, `declines 20h: reason`, |
|   | `accepts 30h`, `accepts 30h: better` (which offer); one after another by `;`; what follows a decline is for the next mail |
| milestones | `design +60 days; go-live +150 days` after the deal was opened |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

LONGEST_SCRIPT = 100
FOR_EVER = -1

_CODE = re.compile(r"([a-z][a-z_]*)(?:\*(\d*))?")
_SIGNER = re.compile(r"(sign|decline) (\d{1,4})h(?:: (.+))?|ignore")
_PROVISIONER = re.compile(r"ok|([a-z][a-z_]*) fails (?:(\d{1,2})|for good)")
_PAYER = re.compile(r"transfer \+(\d{1,3}) days|short (\d{1,2}(?:\.\d)?)%|never")
_VISIT = re.compile(r"(looks|asks|declines|accepts) (\d{1,4})h(?:: (.+))?")
_MILESTONE = re.compile(r"([a-z0-9][a-z0-9 _.-]*?) \+(\d{1,4}) days")
_DESK = re.compile(
    r"(?P<silent>silent then )?approve (?P<approve>\d{1,3})h"
    r"|reject (?P<reject>\d{1,3})h: (?P<reason>[^;]+); then revise (?P<revise>\d{1,2}(?:\.\d+)?)%"
)


class FateUnreadable(ValueError):
    """A fate that follows none of the forms; the text says which there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The sandbox signature provider's behaviour for one signer."""

    action: Literal["sign", "decline", "ignore"]
    after_hours: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioning:
    """The sandbox provisioner's behaviour: `fail_step` fails `times` times (-1: for good); '' never fails."""

    fail_step: str = ""
    times: int = 0

    @property
    def for_good(self) -> bool:
        return self.times == FOR_EVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """How an account pays by transfer: `days` after the invoice's date, `short_percent` too little, or never."""

    action: Literal["transfer", "short", "never"]
    days: int = 0
    short_percent: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """How our own approvers answer. `silent` is until it was escalated; `revise_percent` is the new header discount.

    `named`: each as the deal's course says.
    """

    action: Literal["approve", "reject", "silent", "named"]
    after_hours: int = 0
    reason: str = ""
    revise_percent: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A customer comes to the page of a quote: `text` is the question, the reason, or the name of the offer."""

    action: Literal["looks", "asks", "declines", "accepts"]
    after_hours: int  # after the mail that brought the link
    text: str = ""


def card_script(text: str) -> tuple[str, ...]:
    """One entry per distinct charge, the last one stays. Raises FateUnreadable.

    >>> card_script("succeed;insufficient_funds*2;succeed")
    ('succeed', 'insufficient_funds', 'insufficient_funds', 'succeed')
    >>> card_script("stolen_card*")
    ('stolen_card',)
    """
    entries: list[str] = []
    parts = [part.strip() for part in text.split(";")] if text else []
    for i, part in enumerate(parts):
        if (match := _CODE.fullmatch(part)) is None:
            raise FateUnreadable(f"expected codes such as 'insufficient_funds*2;succeed', found {part!r}")
        code, times = match.groups()
        if times == "" and i < len(parts) - 1:
            raise FateUnreadable(f"{part!r} never ends, so nothing can follow it")
        entries += [code] * int(times or 1)
    if len(entries) > LONGEST_SCRIPT:
        raise FateUnreadable(f"has {len(entries)} charges, at most {LONGEST_SCRIPT} are taken")
    return tuple(entries)


def signer(text: str) -> Signer:
    """The signer's fate; '' signs after a day. Raises FateUnreadable.

    >>> signer("decline 48h: no budget")
    Signer(action='decline', after_hours=48, reason='no budget')
    """
    if not text:
        return Signer(action="sign", after_hours=24)
    if (match := _SIGNER.fullmatch(text)) is None:
        raise FateUnreadable(f"expected 'sign 24h', 'decline 48h: reason' or 'ignore', found {text!r}")
    action, hours, reason = match.groups()
    if action is None:
        return Signer(action="ignore")
    if (action == "decline") != bool(reason):
        raise FateUnreadable(f"a decline has a reason, and only a decline: {text!r}")
    return Signer(action="sign" if action == "sign" else "decline", after_hours=int(hours), reason=reason or "")


def provisioning(text: str) -> Provisioning:
    """The provisioner's fate; '' is ok. Raises FateUnreadable.

    >>> provisioning("users fails for good").for_good, provisioning("tenant fails 2").times
    (True, 2)
    """
    if (match := _PROVISIONER.fullmatch(text or "ok")) is None:
        raise FateUnreadable(f"expected 'ok', 'users fails 2' or 'users fails for good', found {text!r}")
    step, times = match.groups()
    if step is None:
        return Provisioning()
    return Provisioning(fail_step=step, times=int(times) if times else FOR_EVER)


def payer(text: str) -> Payer | None:
    """The payer's fate; '' is None: nobody orders a transfer. Raises FateUnreadable.

    >>> payer("short 10%")
    Payer(action='short', days=0, short_percent=Decimal('10'))
    """
    if not text:
        return None
    if (match := _PAYER.fullmatch(text)) is None:
        raise FateUnreadable(f"expected 'transfer +20 days', 'short 10%' or 'never', found {text!r}")
    days, short = match.groups()
    if days is not None:
        return Payer(action="transfer", days=int(days))
    return Payer(action="never") if short is None else Payer(action="short", short_percent=Decimal(short))


def desk(text: str) -> Desk | None:
    """The approvers' fate; '' is None: the policy asks nobody. Raises FateUnreadable.

    >>> desk("silent then approve 4h")
    Desk(action='silent', after_hours=4, reason='', revise_percent=None)
    """
    if not text:
        return None
    if text == "by name":
        return Desk(action="named")
    if (match := _DESK.fullmatch(text)) is None:
        forms = "'approve 4h', 'silent then approve 4h', 'reject 6h: reason; then revise 15%' or 'by name'"
        raise FateUnreadable(f"expected {forms}, found {text!r}")
    if match["reject"] is not None:
        return Desk(
            action="reject",
            after_hours=int(match["reject"]),
            reason=match["reason"].strip(),
            revise_percent=Decimal(match["revise"]),
        )
    return Desk(action="silent" if match["silent"] else "approve", after_hours=int(match["approve"]))


def customer(text: str) -> tuple[Visit, ...] | None:
    """What the customer does on the page; '' is None: the quote is not shown on one. Raises FateUnreadable.

    >>> [(visit.action, visit.after_hours, visit.text) for visit in customer("asks 5h: why?; accepts 30h: better")]
    [('asks', 5, 'why?'), ('accepts', 30, 'better')]
    >>> customer("never looks")
    ()
    """
    if text in {"", "never looks"}:
        return () if text else None
    visits: list[Visit] = []
    for part in text.split(";"):
        match = _VISIT.fullmatch(part.strip())
        if match is None or bool(match[3]) < (match[1] in {"asks", "declines"}) or (match[1] == "looks" and match[3]):
            forms = "'never looks', 'looks 3h', 'asks 5h: question', 'declines 20h: reason' or 'accepts 30h: better'"
            raise FateUnreadable(f"expected {forms}, found {part.strip()!r}")
        visits.append(Visit(action=match[1], after_hours=int(match[2]), text=match[3] or ""))  # type: ignore[arg-type]
    return tuple(visits)


def milestones(text: str) -> tuple[tuple[str, int], ...]:
    """Each milestone with the days after which it is reached. Raises FateUnreadable.

    >>> milestones("design +60 days; go-live +150 days")
    (('design', 60), ('go-live', 150))
    """
    found: list[tuple[str, int]] = []
    for part in text.split(";") if text else []:
        if (match := _MILESTONE.fullmatch(part.strip())) is None:
            raise FateUnreadable(f"expected 'go-live +60 days', found {part.strip()!r}")
        found.append((match[1], int(match[2])))
    return tuple(found)
