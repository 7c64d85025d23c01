"""What must hold after every step of every life: the promises of deal.md, as one watcher."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import pairwise

from domain import contract as contracts
from domain.agenda import agenda
from domain.message import Decide, Respond, Retry, SignatureFact, Verdict
from domain.outcome import Charged, Failed, Noticed, Priced, Sent, Taken
from domain.standing import standing
from domain.state import Deal
from domain.step import StepKind
from tests.domain.lives import Life, Played

DAY = timedelta(days=1)
MOST_BYTES = 200_000

PATHS = {
    "quote": {"approval", "signature", "provisioning", "ended"},  # provisioning: signed in time, told after the expiry
    "approval": {"quote", "signature", "ended"},
    "signature": {"quote", "provisioning", "ended"},
    "provisioning": {"active", "ended"},
    "active": {"suspended", "ended"},
    "suspended": {"active", "ended"},
    "ended": set(),
}


class Watch:
    """Attach with `Watch(life)`: every step that the life plays is checked."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.performed: set[tuple[StepKind, str, int]] = set()
        self.charged_at: list[datetime] = []
        self.messaged_at: list[datetime] = []
        self.retried = False  # an operator may charge a second time on one day
        self.by_hand: set[str] = set()  # invoices that an operator brought back
        self.needs: dict[tuple[str, int], set[str]] = {}  # (order, version) → groups that must approve
        self.approved: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.attempts: dict[str, list[str]] = defaultdict(list)  # invoice → keys, in order
        self.out: set[str] = set()  # envelopes that could be signed
        self.accepted: dict[tuple[str, int], str] = {}  # (order, version) → the alternative that the customer took
        life.watch = self

    def __call__(self, before: Deal, played: Played) -> None:
        deal = self.life.deal
        assert deal.turn == before.turn + 1
        assert deal.clock.now >= before.clock.now
        self._path(before, deal)
        self._once(played, deal)
        self._message(before, played, deal)
        self._approvals(before, played)
        self._customer(before, played)
        self._envelopes(before, played, deal)
        self._money(before, played)
        self._access(deal)
        if deal.turn % 25 == 0 or deal.closed:
            assert len(json.dumps(asdict(deal), default=str)) < MOST_BYTES
        if self.life.over:
            self.ended()

    def _path(self, before: Deal, deal: Deal) -> None:
        was, now = standing(before).stage, standing(deal).stage
        assert was == now or now in PATHS[was], f"{was} → {now}"

    def _once(self, played: Played, deal: Deal) -> None:
        """No step twice, none still due after it was performed, no spinning."""
        step = played.step
        key = (step.kind, step.subject, step.number)
        if not isinstance(played.outcome, Failed):
            assert key not in self.performed, key
            self.performed.add(key)
        assert key not in {(s.kind, s.subject, s.number) for s in agenda(deal)}, key
        for subject, reason in deal.parkings:
            assert "still due" not in reason, (subject, reason)
            assert "at one instant" not in reason, (subject, reason)

    def _message(self, before: Deal, played: Played, deal: Deal) -> None:
        if not isinstance(played.outcome, Taken):
            return
        message, answer = played.outcome.message, played.outcome.answer
        assert deal.answer(message.id) == answer
        if answer.verdict in (Verdict.REFUSED, Verdict.NOTHING_NEW):
            unmoved = replace(
                deal,
                turn=before.turn,
                clock=before.clock,
                burst=before.burst,
                answers=before.answers,
                inbox=before.inbox,
            )
            assert unmoved == before, f"{message.body} was {answer.verdict}"
        if isinstance(message.body, Retry) and answer.verdict is Verdict.ACCEPTED:
            self.retried = True
            self.by_hand.update(c.invoice_id for c in deal.collections)

    def _approvals(self, before: Deal, played: Played) -> None:
        """Nothing goes out for signature unless each group that was needed approved it; nobody approves their own."""
        outcome, step = played.outcome, played.step
        if isinstance(outcome, Priced):
            self.needs[step.subject, outcome.version] = {need.group for need in outcome.needs}
        if isinstance(outcome, Noticed):
            subject = f"order-{outcome.order_number}"
            self.needs[subject, outcome.priced.version] = {need.group for need in outcome.priced.needs}
        if isinstance(outcome, Taken) and isinstance(outcome.message.body, Decide):
            self._decision(before, outcome.message.by, outcome.message.body, outcome.answer.verdict)
        if step.kind is StepKind.SEND:
            assert self.needs[step.subject, step.number] <= self.approved[step.subject, step.number]

    def _decision(self, before: Deal, by: str, decide: Decide, verdict: Verdict) -> None:
        if verdict is not Verdict.ACCEPTED:
            return
        order = next(o for o in before.orders if o.stage == "in_approval")
        assert by not in (before.owner, order.drafted_by)
        assert (decide.version, decide.content_hash) == (order.version, order.content_hash)
        if decide.approve:
            for request in order.approval.waiting:
                if set(request.groups) & set(decide.groups):
                    self.approved[order.subject, order.version].add(request.need.group)

    def _customer(self, before: Deal, played: Played) -> None:
        """What is shown by a link is accepted there before it goes out: that version, in time, as it was shown; and what
        was chosen is booked.
        """
        outcome, step = played.outcome, played.step
        if isinstance(outcome, Taken) and isinstance(outcome.message.body, Respond):
            said = outcome.message.body
            if outcome.answer.verdict is Verdict.ACCEPTED and said.answer == "accept":
                order = next(
                    o for o in before.orders if o.version == said.version and o.content_hash == said.content_hash
                )
                assert order.stage in ("presented", "declined")
                assert self.life.shown[order.share_id].content_hash == order.content_hash
                assert order.expires_at is not None
                assert played.now <= order.expires_at
                self.accepted[order.subject, order.version] = said.alternative
        if step.kind not in (StepKind.SEND, StepKind.BOOK) or isinstance(outcome, Failed):
            return
        order_ = before.order(step.subject)
        if order_ is None or order_.stage == "noticed" or not order_.by_link:
            return
        assert order_.terms is not None
        assert order_.chosen == self.accepted[order_.subject, order_.version]
        choice = next((c for c in order_.terms.alternatives if c.name == order_.chosen), None)
        assert bool(order_.terms.alternatives) == bool(choice)
        if choice is not None:
            assert (order_.terms.term_months, order_.terms.arrears) == (choice.term_months, choice.arrears)

    def _envelopes(self, before: Deal, played: Played, deal: Deal) -> None:
        """What is out belongs to an order that waits for it, or is being taken back; a signature counts only in time."""
        step, outcome = played.step, played.outcome
        if isinstance(outcome, Sent):
            self.out.add(outcome.envelope_id)
        if step.kind is StepKind.VOID:
            self.out.discard(step.subject)
        if isinstance(outcome, Taken) and isinstance(outcome.fact, SignatureFact):
            self.out.discard(outcome.fact.envelope_id)
        waited_for = {order.envelope_id for order in deal.orders if order.stage == "out_for_signature"}
        assert self.out <= waited_for | {envelope for _, envelope in deal.voids}
        for order in deal.orders:
            if order.stage == "signed":
                assert order.signed_at is not None
                assert order.expires_at is not None
                assert order.signed_at <= order.expires_at
                assert order.document_sha256 == self.life.envelopes[order.envelope_id]
        if step.kind is StepKind.END and not isinstance(outcome, Failed):
            assert not any(order.holds_end for order in before.orders), "signed, and forgotten"
            assert before.contract is not None
            assert not any(m.reached_at for m in before.contract.milestones), "reached, and forgotten"

    def _money(self, before: Deal, played: Played) -> None:
        """A new attempt only after a definite refusal; one charge and one message a day; every period once, in a row."""
        step = played.step
        if step.kind is StepKind.CHARGE and isinstance(played.outcome, Charged):
            key = step.key(before.id)
            for earlier in self.attempts[step.subject]:
                fate = self.life.charges[earlier]
                assert fate.rpartition(":")[2] not in ("captured", "lost"), f"{key} while {earlier} is {fate}"
                assert earlier in self.life.refused, f"{key} before {earlier} was definitely refused"
            self.attempts[step.subject].append(key)
            collection = before.collection(step.subject)
            assert collection is not None
            assert step.subject in self.by_hand or collection.decline in ("", "soft"), (
                "no new charge without a new method"
            )
            if self.charged_at and not self.retried:
                assert played.now - self.charged_at[-1] >= DAY
            self.charged_at.append(played.now)
            self.retried = False
            self.by_hand.discard(step.subject)
        if step.kind is StepKind.MESSAGE and not isinstance(played.outcome, Failed):
            if self.messaged_at:
                assert played.now - self.messaged_at[-1] >= DAY
            self.messaged_at.append(played.now)
        if step.kind is StepKind.BILL and not isinstance(played.outcome, Failed):
            self._periods(before)

    def _periods(self, before: Deal) -> None:
        bills = [bill for bill in self.life.bills if not bill.closing]
        assert before.contract is not None
        assert before.contract.stage == contracts.ACTIVE
        assert before.contract.ends_on is not None
        assert self.life.bills[-1].period.start < before.contract.ends_on
        for one, following in pairwise(bills[-2:]):
            assert one.period.end == following.period.start, "no gap, no overlap"

    def _access(self, deal: Deal) -> None:
        """Suspended only while an open invoice asks for it."""
        running = deal.contract
        if running is not None and running.stage == contracts.ACTIVE:
            suspends = any(c.suspends for c in deal.collections)
            assert (running.access_wanted == contracts.SUSPENDED) == suspends

    def ended(self) -> None:
        deal = self.life.deal
        assert agenda(deal) == ()
        assert deal.parkings == ()
        assert deal.orders == ()
        assert deal.collections == ()
        assert standing(deal).stage == "ended"
        running = deal.contract
        if running is None or running.access == contracts.NONE:
            assert self.life.standing_steps == [], "what was provisioned is undone"
            assert self.life.access == "none"
        else:
            assert running.stage == contracts.ENDED
            assert self.life.access == "revoked"
            end = running.ends_on
            assert end is not None
            unpaid = "not paid" in deal.closed
            served = bool(self.life.bills) and self.life.bills[-1].period.end
            given_up = any(
                p.step.kind is StepKind.CANCEL and not isinstance(p.outcome, Failed) for p in self.life.played
            )
            if not given_up:  # then nothing more is billed
                self._closed_once()
            assert len(set(self.life.milestones)) == len(self.life.milestones), "a milestone is billed once"
            if not unpaid and self.life.bills and running.cancel_on is None:
                assert served == end, "every day of the term was billed"
            assert all(b.period.start < end for b in self.life.bills)

    def _closed_once(self) -> None:
        """What a term bills in arrears is closed by one bill more, right behind the last that bills in advance."""
        for number in {bill.term for bill in self.life.bills}:
            indexes = [bill.index for bill in self.life.bills if bill.term == number]
            closing = [bill.index for bill in self.life.bills if bill.term == number and bill.closing]
            arrears = any(bill.arrears for bill in self.life.bills if bill.term == number)
            assert sorted(indexes) == list(range(len(indexes)))
            assert closing == ([len(indexes) - 1] if arrears else [])
