"""The others in a deal's life: they answer each step by their scripts, and remember what they did."""

# ruff: noqa: ARG002  (each kind of step is answered by a method of one shape)

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from domain.calendar import Period, local_date, local_midnight
from domain.contract import anchored_on
from domain.deal import opened
from domain.dunning import card_ladder, charge_key, terms_ladder
from domain.dunning_policy import DunningPolicy
from domain.judge import judge
from domain.message import CashFact, Fact, PaymentFact, Respond, SignatureFact
from domain.order import Order
from domain.outcome import (
    Activated,
    Billed,
    Booked,
    Charged,
    Done,
    Failed,
    Need,
    Noticed,
    Outcome,
    Presented,
    Priced,
    PriceRefused,
    Sent,
    Taken,
    Terms,
)
from domain.state import Deal
from domain.step import Step, StepKind

START = datetime(2027, 1, 31, 9, 0, tzinfo=UTC)
POLICY = DunningPolicy()
OWNER, DESK = "sales@acme.example", "desk@acme.example"
NEED = Need(
    level=1, group="desk", reason="discount", remind_after_hours=24, escalate_after_hours=48, escalate_to="heads"
)
TERMS = Terms(
    currency="EUR",
    acv_minor=120_000,
    term_months=12,
    interval_months=1,
    start="provisioning",
    method="card",
    net_days=0,
    auto_renew=False,
    notice_days=30,
)


@dataclass(frozen=True, slots=True)
class Bill:
    """`index` counts the bills of a term; one that only closes what is owed in arrears bills no period in advance."""

    invoice_id: str
    term: int
    index: int
    period: Period
    due_on: date
    closing: bool = False
    arrears: bool = False


@dataclass(kw_only=True)
class Outside:
    """How the others behave. Scripts give one word per occasion; their last word goes on for ever.

    `reader`: accept (the recommended alternative), another (the last one), decline, ignore: who reads a share link.
    `customer`: sign, decline, ignore, forge. `card`: captured, soft, hard, action_required, fraud, and `unknown:…` or
    `pending:…` before one of these; `lost` never becomes known. `broken`: provisioning step → how often it fails for
    good (-1: always). `failing`: kinds of step whose next performance fails for good.
    """

    terms: Terms = TERMS
    needs: tuple[Need, ...] = ()
    renewal_needs: tuple[Need, ...] = ()
    provisioning: tuple[str, ...] = ()
    reader: tuple[str, ...] = ("accept",)
    customer: tuple[str, ...] = ("sign",)
    customer_after: timedelta = timedelta(0)
    card: tuple[str, ...] = ("captured",)
    pays_after: int | None = 0
    broken: dict[str, int] = field(default_factory=dict)
    failing: set[StepKind] = field(default_factory=set)


def said(script: tuple[str, ...], occasion: int) -> str:
    return script[min(occasion, len(script) - 1)]


class Parties(ABC):
    """All that is outside of one deal: the tests ask here what really happened."""

    def __init__(self, outside: Outside | None = None, *, virtual: bool = True, zone: str = "UTC") -> None:
        self.outside = outside or Outside()
        self.now = START
        self.deal: Deal = opened(
            deal_id="d_1",
            name="Acme",
            entity_id="ent_1",
            account_id="acc_1",
            owner=OWNER,
            currency="EUR",
            zone=zone,
            virtual=virtual,
            now=START,
        )
        self.facts: dict[str, Fact | None] = {}
        self.shown: dict[str, Order] = {}  # share link → the order as it was shown
        self.milestones: list[tuple[int, str]] = []  # term and name of what was billed
        self.envelopes: dict[str, str] = {}  # id → sha256, in order of sending
        self.charges: dict[str, str] = {}  # gateway's truth by key
        self.refused: set[str] = set()  # keys whose definite refusal was told
        self.bills: list[Bill] = []
        self.paid: set[str] = set()
        self.standing_steps: list[str] = []  # what is provisioned
        self.access = "none"

    @abstractmethod
    def tell(self, fact: Fact | None, *, at: datetime | None = None, message_id: str = "") -> str:
        """A fact will come to the deal at `at`."""

    def answer(self, step: Step, now: datetime) -> Outcome:
        play = getattr(self, f"_{step.kind.value}", None)
        return Done() if play is None else play(step, now)

    def _take(self, step: Step, now: datetime) -> Outcome:
        message = next(m for m in self.deal.inbox if m.id == step.subject)
        fact = self.facts.get(message.id)
        _, answer = judge(self.deal, message, fact, now)
        return Taken(message=message, answer=answer, fact=fact)

    def _price(self, step: Step, now: datetime) -> Outcome:
        order = self.deal.order(step.subject)
        assert order is not None
        if order.draft_id.startswith("bad"):
            return PriceRefused(error="UnknownProduct", reason="no such price")
        return self._priced(order.version + 1, now + timedelta(days=30), self.outside.needs)

    def _priced(self, version: int, expires_at: datetime, needs: tuple[Need, ...]) -> Priced:
        return Priced(
            version=version,
            version_id=f"qv_{version}",
            content_hash=f"hash-{version}",
            expires_at=expires_at,
            terms=self.outside.terms,
            needs=needs,
        )

    def _present(self, step: Step, now: datetime) -> Outcome:
        order = self.deal.order(step.subject)
        assert order is not None
        share = f"share-{step.subject}-{step.number}"
        assert share not in self.shown
        self.shown[share] = order
        return Presented(share_id=share)

    def answer_to(self, share: str, word: str) -> Respond:
        """What a customer says who reads this link."""
        order = self.shown[share]
        assert order.terms is not None
        names = [choice.name for choice in order.terms.alternatives]
        picked = names[-1] if names and word == "another" else order.terms.recommended
        return Respond(
            version=order.version,
            content_hash=order.content_hash,
            share_id=share,
            answer="decline" if word == "decline" else "accept",
            alternative="" if word == "decline" else picked,
            name="Gina",
        )

    def _send(self, step: Step, now: datetime) -> Outcome:
        envelope = f"env-{step.subject}-{step.number}"
        action = said(self.outside.customer, len(self.envelopes))
        self.envelopes[envelope] = sha256 = f"sha-{envelope}"
        if action != "ignore":
            fact = SignatureFact(
                event="declined" if action == "decline" else "signed",
                envelope_id=envelope,
                sha256="another" if action == "forge" else sha256,
                reason="",
                happened_at=now + self.outside.customer_after,
            )
            self.tell(fact, at=now + self.outside.customer_after)
        return Sent(envelope_id=envelope, document_sha256=sha256)

    def _book(self, step: Step, now: datetime) -> Outcome:
        return Booked(contract_id="con_1", provisioning=self.outside.provisioning)

    def _provision(self, step: Step, now: datetime) -> Outcome:
        order = self.deal.order(step.subject)
        assert order is not None
        assert order.provisioning is not None
        name = order.provisioning.name(step.number)
        if self.outside.broken.get(name, 0):
            self.outside.broken[name] -= 1
            return Failed(reason=f"{name} is broken")
        self.standing_steps.append(name)
        return Done()

    def _compensate(self, step: Step, now: datetime) -> Outcome:
        order = self.deal.order(step.subject)
        assert order is not None
        assert order.provisioning is not None
        assert self.standing_steps.pop() == order.provisioning.name(step.number), "undone in reverse order"
        return Done()

    def _activate(self, step: Step, now: datetime) -> Outcome:
        order = self.deal.order(step.subject)
        assert order is not None
        self.access = "full"
        start = self.outside.terms.start
        return Activated(anchor=anchored_on(start, signed_at=order.signed_at, zone=self.deal.zone, now=now))

    def _access(self, step: Step, now: datetime) -> Outcome:
        assert self.deal.contract is not None
        self.access = self.deal.contract.access_wanted
        return Done()

    def _bill(self, step: Step, now: datetime) -> Outcome:
        contract = self.deal.contract
        assert contract is not None
        term = next(t for t in contract.terms if step.subject == f"{contract.subject}.{t.number}")
        period, closing = term.billed_period(step.number, contract.cancel_on), step.number >= term.periods
        closing = closing or (contract.cancel_on is not None and term.period(step.number).start >= contract.cancel_on)
        invoice_id = f"{step.subject}/{step.number}"
        due_on = local_date(now, self.deal.zone) + timedelta(days=contract.net_days)
        self.bills.append(Bill(invoice_id, term.number, step.number, period, due_on, closing, term.arrears))
        return self._invoiced(invoice_id, due_on, now)

    def _milestone(self, step: Step, now: datetime) -> Outcome:
        assert self.deal.contract is not None
        term = int(step.subject.rpartition(".")[2])
        found = next(m for m in self.deal.contract.milestones if (m.term, m.number) == (term, step.number))
        assert found.reached_at is not None
        self.milestones.append((term, f"{found.number} {found.name}"))
        due_on = local_date(now, self.deal.zone) + timedelta(days=self.deal.contract.net_days)
        return self._invoiced(f"{step.subject}/milestone/{step.number}", due_on, now)

    def _invoiced(self, invoice_id: str, due_on: date, now: datetime) -> Billed:
        contract = self.deal.contract
        assert contract is not None
        ladder: tuple[tuple[str, datetime], ...] = ()
        if contract.method != "card":
            ladder = terms_ladder(POLICY.transfer_rungs(), due_on=due_on, zone=self.deal.zone, issued_at=now)
            if self.outside.pays_after is not None:
                pays_on = local_midnight(due_on + timedelta(days=self.outside.pays_after), self.deal.zone)
                self.tell(self.cash(invoice_id, pays_on), at=max(pays_on, now))
        return Billed(
            invoice_id=invoice_id,
            invoice_number=f"A-{len(self.bills) + len(self.milestones)}",
            due_on=due_on,
            method=contract.method,
            settled=False,
            ladder=ladder,
        )

    def cash(self, invoice_id: str, at: datetime) -> CashFact:
        line = f"line-{invoice_id}"
        return CashFact(
            bank_line_id=line, invoice_id=invoice_id, settled=True, booked_on=local_date(at, self.deal.zone)
        )

    def _charge(self, step: Step, now: datetime) -> Outcome:
        collection = self.deal.collection(step.subject)
        assert collection is not None
        key = charge_key(self.deal.id, collection)
        assert key == step.key(self.deal.id)
        fate = self.charges.setdefault(key, said(self.outside.card, len(self.charges)))
        if fate.startswith("pending:"):
            self.tell(self.payment(step.subject, key, now + timedelta(days=5)), at=now + timedelta(days=5))
        return self._charged(step.subject, fate.partition(":")[0], now)

    def _resolve(self, step: Step, now: datetime) -> Outcome:
        collection = self.deal.collection(step.subject)
        assert collection is not None
        fate = self.charges[charge_key(self.deal.id, collection)]
        return self._charged(step.subject, fate.partition(":")[2] or fate, now)

    def _charged(self, invoice_id: str, fate: str, now: datetime) -> Charged:
        if fate in ("unknown", "pending", "lost"):
            return Charged(status="pending" if fate == "pending" else "unknown")
        if fate == "captured":
            self.paid.add(invoice_id)
            return Charged(status="captured", settled=True)
        collection = self.deal.collection(invoice_id)
        if collection is not None:
            self.refused.add(charge_key(self.deal.id, collection))
        first = collection is not None and not collection.decline
        ladder = card_ladder(POLICY.card_rungs(), failed_at=now) if first else ()
        return Charged(status="declined", code="refused", decline=fate, ladder=ladder)

    def payment(self, invoice_id: str, key: str, at: datetime) -> PaymentFact:
        """What the gateway's webhook says of a charge, with the ladder that a first refusal would bring."""
        fate = self.charges[key].rpartition(":")[2]
        captured = fate == "captured"
        return PaymentFact(
            key=key,
            invoice_id=invoice_id,
            status="captured" if captured else "declined",
            code="" if captured else "refused",
            decline="" if captured else fate,
            settled=captured,
            ladder=() if captured else card_ladder(POLICY.card_rungs(), failed_at=at),
        )

    def _notice(self, step: Step, now: datetime) -> Outcome:
        assert self.deal.contract is not None
        end = local_midnight(self.deal.contract.last.ends_on, self.deal.zone)
        return Noticed(order_number=self.deal.next_order, priced=self._priced(1, end, self.outside.renewal_needs))
