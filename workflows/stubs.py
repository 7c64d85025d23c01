"""Every side effect that a workflow may ask for, on one page. The implementations are in `activities/`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

from domain.outcome import Outcome
from domain.state import Deal
from domain.step import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Perform:
    """Perform `step` of `deal` as of `now`, under the deal's present turn."""

    deal: Deal
    step: Step
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """What took the turn: usually the step asked for; after a crash perhaps another one, which is then folded."""

    step: Step
    outcome: Outcome
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """The step failed for good; `reason` is recorded under its turn."""

    perform: Perform
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A line for the timeline that belongs to no step."""

    deal_id: str
    turn: int
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTell:
    """A deal that has to be told of a fact in the inbox."""

    deal_id: str
    inbox_id: str


class MessageActivities(ABC):
    @activity.defn
    @abstractmethod
    async def take(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def give_up(self, command: GiveUp) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def note(self, command: Note) -> None: ...


class QuoteActivities(ABC):
    @activity.defn
    @abstractmethod
    async def price_quote(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def expire_quote(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def offer_renewal(self, command: Perform) -> Performed: ...


class PresentationActivities(ABC):
    @activity.defn
    @abstractmethod
    async def present_quote(self, command: Perform) -> Performed: ...


class ApprovalActivities(ABC):
    @activity.defn
    @abstractmethod
    async def ask_for_approval(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def look_up_approvers(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def remind_approvers(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def escalate_approval(self, command: Perform) -> Performed: ...


class SignatureActivities(ABC):
    @activity.defn
    @abstractmethod
    async def send_for_signature(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def void_envelope(self, command: Perform) -> Performed: ...


class ContractActivities(ABC):
    @activity.defn
    @abstractmethod
    async def book_contract(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def activate_contract(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def end_contract(self, command: Perform) -> Performed: ...


class MigrationActivities(ABC):
    @activity.defn
    @abstractmethod
    async def reprice_contract(self, command: Perform) -> Performed: ...


class EntitlementActivities(ABC):
    @activity.defn
    @abstractmethod
    async def provision(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def compensate(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def set_access(self, command: Perform) -> Performed: ...


class InvoiceActivities(ABC):
    @activity.defn
    @abstractmethod
    async def bill_period(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def bill_milestone(self, command: Perform) -> Performed: ...


class PaymentActivities(ABC):
    @activity.defn
    @abstractmethod
    async def charge_payment(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def resolve_payment(self, command: Perform) -> Performed: ...


class DunningActivities(ABC):
    @activity.defn
    @abstractmethod
    async def send_reminder(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def suspend_contract(self, command: Perform) -> Performed: ...

    @activity.defn
    @abstractmethod
    async def cancel_contract(self, command: Perform) -> Performed: ...


class CashActivities(ABC):
    @activity.defn
    @abstractmethod
    async def book_statement(self, statement_id: str) -> list[ToTell]: ...
