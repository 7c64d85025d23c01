"""One order (new business, later renewals and amendments): from draft to signed paper, and what it does next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain import approval, entitlement
from domain.approval import NOTHING_ASKED, Approval, Stand, SupersededVersion
from domain.approving import reapproval
from domain.entitlement import Provisioning
from domain.errors import Conflict
from domain.message import Ask, Respond
from domain.outcome import LINK, Need, Priced, Terms
from domain.step import Step, StepKind


class OrderStage(StrEnum):
    DRAFT = "draft"  # a draft waits to be priced
    PRICED = "priced"
    IN_APPROVAL = "in_approval"
    APPROVED = "approved"
    PRESENTED = "presented"  # shown to the customer by a share link
    ACCEPTED = "accepted"  # by the customer; the order form goes out
    OUT_FOR_SIGNATURE = "out_for_signature"
    NOTICED = "noticed"  # a renewal by silence: it is booked when the term ends
    SIGNED = "signed"
    PROVISIONING = "provisioning"
    REFUSED = "refused"  # the draft could not be priced
    REJECTED = "rejected"
    CHANGES_ASKED = "changes_asked"  # an approver wants another offer
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


OPEN = frozenset(
    {
        OrderStage.PRICED,
        OrderStage.IN_APPROVAL,
        OrderStage.APPROVED,
        OrderStage.PRESENTED,
        OrderStage.ACCEPTED,
        OrderStage.OUT_FOR_SIGNATURE,
    }
)
BACK_WITH_SALES = frozenset(
    {
        OrderStage.REFUSED,
        OrderStage.REJECTED,
        OrderStage.CHANGES_ASKED,
        OrderStage.DECLINED,
        OrderStage.EXPIRED,
        OrderStage.WITHDRAWN,
    }
)
REVISABLE = OPEN | BACK_WITH_SALES | {OrderStage.DRAFT}

NEW, RENEWAL = "new", "renewal"
MOST_QUESTIONS = 20  # of a customer, that nobody has answered yet


@dataclass(kw_only=True, eq=False)
class OrderNotOpen(Conflict):
    """The order is in a stage in which this cannot be done."""

    stage: str
    command: str
    hint: str = "read the deal again: its stage says what can be done"


@dataclass(kw_only=True, eq=False)
class QuoteExpired(Conflict):
    """The quote's validity ended: nobody can accept it any more."""

    version: int
    hint: str = "ask for a new version"


@dataclass(kw_only=True, eq=False)
class TooManyQuestions(Conflict):
    """The customer asked more than is answered."""

    open_questions: int
    hint: str = "wait for the answers"


@dataclass(kw_only=True, eq=False)
class UnknownQuestion(Conflict):
    """No such question waits for an answer."""

    question: str
    hint: str = "read the deal's questions again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`version` 0 means that nothing was priced yet. `drafts` counts revisions, so each is priced under a key of its own.

    `share_id` is the link by which this version was shown, `chosen` the alternative that the customer accepted,
    `questions` the ids of what the customer asked and nobody has answered.
    """

    number: int
    kind: str
    stage: OrderStage
    since: datetime
    draft_id: str = ""
    draft_hash: str = ""
    drafted_by: str = ""
    drafts: int = 1
    version: int = 0
    version_id: str = ""
    content_hash: str = ""
    expires_at: datetime | None = None
    terms: Terms | None = None
    needs: tuple[Need, ...] = ()
    approval: Approval = NOTHING_ASKED
    share_id: str = ""
    chosen: str = ""
    questions: tuple[str, ...] = ()
    envelope_id: str = ""
    document_sha256: str = ""
    signed_at: datetime | None = None
    provisioning: Provisioning | None = None
    reason: str = ""
    parked: str = ""
    stands: tuple[Stand, ...] = ()  # what was approved of earlier versions
    authors: tuple[tuple[str, str], ...] = ()  # of earlier versions: content hash, who priced it
    looks: int = 0  # how often who decides was looked up anew since somebody was away, was back, or left

    @property
    def subject(self) -> str:
        return f"order-{self.number}"

    @property
    def priced_by(self) -> tuple[str, ...]:
        """Who priced what this version says, also where somebody else priced the same anew."""
        before = (person for content_hash, person in self.authors if content_hash == self.content_hash)
        return (self.drafted_by, *before)

    @property
    def holds_end(self) -> bool:
        """The end of the term waits: this renewal is noticed or signed, or an operator has to decide about it."""
        return self.kind == RENEWAL and (bool(self.parked) or self.stage in (OrderStage.NOTICED, OrderStage.SIGNED))

    def moved(self, stage: OrderStage, at: datetime, *, reason: str = "") -> Order:
        return replace(self, stage=stage, since=at, reason=reason, parked="")

    def revised(self, *, draft_id: str, draft_hash: str, by: str, at: datetime) -> Order:
        """A new draft: what was asked, approved or sent of the old one holds no longer."""
        return replace(
            self.moved(OrderStage.DRAFT, at),
            draft_id=draft_id,
            draft_hash=draft_hash,
            drafted_by=by,
            authors=self._authors(),
            drafts=self.drafts + 1,
            approval=NOTHING_ASKED,
            stands=reapproval.harvest(self.stands, self.approval, version=self.version, content_hash=self.content_hash),
            share_id="",
            chosen="",
            envelope_id="",
            document_sha256="",
        )

    def _authors(self) -> tuple[tuple[str, str], ...]:
        """With the author of the version that is left, if its draft was priced."""
        if self.stage in (OrderStage.DRAFT, OrderStage.REFUSED):
            return self.authors
        return tuple(dict.fromkeys((*self.authors, (self.content_hash, self.drafted_by))))

    def priced(self, outcome: Priced, at: datetime) -> Order:
        return replace(
            self.moved(OrderStage.PRICED, at),
            version=outcome.version,
            version_id=outcome.version_id,
            content_hash=outcome.content_hash,
            expires_at=outcome.expires_at,
            terms=outcome.terms,
            needs=outcome.needs,
        )

    def submitted(self, at: datetime, *, owner: str = "") -> Order:
        """Approval is asked for where the policy needs it and no decision stands; otherwise it is approved as it stands."""
        begun = reapproval.begun(
            self.needs,
            stands=self.stands,
            barred=(owner, *self.priced_by),
            content_hash=self.content_hash,
            at=at,
        )
        asked = replace(self, approval=begun)
        return asked.moved(OrderStage.APPROVED if asked.approval.granted else OrderStage.IN_APPROVAL, at)

    @property
    def by_link(self) -> bool:
        """It is shown to the customer, and accepted, before it goes out for signature."""
        return self.terms is not None and self.terms.delivery == LINK

    def responded(self, said: Respond, now: datetime) -> Order:
        """The customer accepts or declines exactly what was shown; who declined there may return while it is valid.

        Raises SupersededVersion, QuoteExpired, UnknownAlternative, OrderNotOpen.
        """
        self._is_about(said.version, said.content_hash)
        returning = self.stage is OrderStage.DECLINED and self.share_id != "" and not self.document_sha256
        shown = self.stage is OrderStage.PRESENTED
        lapsed = (shown or returning) and self.expires_at is not None and now > self.expires_at
        if self.stage is OrderStage.EXPIRED or lapsed:
            raise QuoteExpired(version=self.version, where="version")
        if said.answer == "decline" and shown:
            return self.moved(OrderStage.DECLINED, now, reason=said.reason)
        if said.answer == "accept" and (shown or returning):
            return self.accepted(said.alternative, now)
        raise OrderNotOpen(stage=self.stage.value, command=said.kind)

    def accepted(self, alternative: str, at: datetime) -> Order:
        """The customer takes the version, or one of its alternatives: its terms are the order's. Raises UnknownAlternative."""
        terms = self.terms.chosen(alternative) if self.terms is not None else None
        return replace(self.moved(OrderStage.ACCEPTED, at), chosen=alternative, terms=terms)

    def asked(self, said: Ask) -> Order:
        """The customer has a question. Raises SupersededVersion, TooManyQuestions."""
        self._is_about(said.version, self.content_hash)
        if len(self.questions) >= MOST_QUESTIONS:
            raise TooManyQuestions(open_questions=len(self.questions))
        return replace(self, questions=tuple(dict.fromkeys((*self.questions, said.question_id))))

    def _is_about(self, version: int, content_hash: str) -> None:
        """What is said must be about the present version, as it was read."""
        if (version, content_hash) != (self.version, self.content_hash) or self.stage is OrderStage.DRAFT:
            raise SupersededVersion(decided=version, current=self.version, where="version")

    def replied(self, question_id: str) -> Order:
        """A question was answered. Raises UnknownQuestion."""
        if question_id not in self.questions:
            raise UnknownQuestion(question=question_id, where="question_id")
        return replace(self, questions=tuple(each for each in self.questions if each != question_id))

    def retried(self, at: datetime) -> Order:
        """Brought back from where it was parked; what was rolled back begins a new round."""
        again = self.provisioning
        if again is not None and again.undone and not again.abandoned:
            again = again.again()
        asked = self.approval.again() if self.approval.blocked else self.approval
        return replace(self, parked="", provisioning=again, approval=asked, since=at)

    def granted(self, groups: tuple[str, ...], at: datetime) -> Order:
        return self.with_approval(self.approval.approved_by(groups), at)

    def with_approval(self, approval: Approval, at: datetime) -> Order:
        """What was asked or decided is folded in: the last grant approves the version; nobody left to ask parks it."""
        parked = "" if self.parked == self.approval.blocked else self.parked
        after = replace(self, approval=approval)
        if self.stage is not OrderStage.IN_APPROVAL:
            return after
        if approval.granted:
            return after.moved(OrderStage.APPROVED, at)
        after = replace(after, parked=parked or approval.blocked)
        return after if approval.level == self.approval.level else replace(after, since=at)


def opened(*, number: int, draft_id: str, draft_hash: str, by: str, at: datetime) -> Order:
    """The first draft of a deal opens its first order."""
    return Order(
        number=number,
        kind=NEW,
        stage=OrderStage.DRAFT,
        since=at,
        draft_id=draft_id,
        draft_hash=draft_hash,
        drafted_by=by,
    )


def renewal(*, number: int, priced: Priced, at: datetime, owner: str = "") -> Order:
    """A renewal is offered: by silence it is booked at the end of the term; otherwise it goes out for signature."""
    order = Order(number=number, kind=RENEWAL, stage=OrderStage.PRICED, since=at).priced(priced, at)
    if priced.terms.auto_renew:
        return order.moved(OrderStage.NOTICED, at)
    return order.submitted(at, owner=owner)


def steps(order: Order) -> tuple[Step, ...]:
    """What this order does next; a parked one does nothing."""
    looks = approval.look(order.approval, subject=order.subject, number=order.looks + 1)
    if order.parked:
        return looks if order.parked == order.approval.blocked else ()  # somebody may be back
    found: list[Step] = []
    subject, since = order.subject, order.since
    if order.stage in OPEN and order.expires_at is not None:
        found.append(Step(kind=StepKind.EXPIRE, subject=subject, number=order.version, at=order.expires_at))
    match order.stage:
        case OrderStage.DRAFT:
            found.append(Step(kind=StepKind.PRICE, subject=subject, number=order.drafts, at=since))
        case OrderStage.IN_APPROVAL:
            found.extend(approval.steps(order.approval, subject=subject, version=order.version, since=since))
            found.extend(looks)
        case OrderStage.APPROVED | OrderStage.ACCEPTED:
            shown = order.stage is OrderStage.APPROVED and order.by_link
            kind = StepKind.PRESENT if shown else StepKind.SEND
            found.append(Step(kind=kind, subject=subject, number=order.version, at=since))
        case OrderStage.NOTICED if order.expires_at is not None:
            found.append(Step(kind=StepKind.BOOK, subject=subject, number=order.version, at=order.expires_at))
        case OrderStage.SIGNED:
            found.append(Step(kind=StepKind.BOOK, subject=subject, number=order.version, at=since))
        case OrderStage.PROVISIONING if order.provisioning is not None:
            if order.provisioning.complete:
                found.append(Step(kind=StepKind.ACTIVATE, subject=subject, number=order.version, at=since))
            found.extend(entitlement.steps(order.provisioning, subject=subject, at=since))
    return tuple(found)
