"""DO. Thin. One class per noun; each implements a stub of `workflows/stubs.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from activities.approval import ApprovalActivities
from activities.cash import CashActivities
from activities.contract import ContractActivities
from activities.dunning import DunningActivities
from activities.entitlement import EntitlementActivities
from activities.fence import Books
from activities.invoice import InvoiceActivities
from activities.message import MessageActivities
from activities.migration import MigrationActivities
from activities.payment import PaymentActivities
from activities.presentation import PresentationActivities
from activities.quote import QuoteActivities
from activities.signature import SignatureActivities
from gateways.parties import PartiesFor
from models.database import Database


def build_activities(database: Database, parties: PartiesFor) -> Sequence[Callable[..., Any]]:
    """Every activity, for the Worker. A stub without its implementation fails here, at the start."""
    books = Books(database)
    message, quote, approval = MessageActivities(books), QuoteActivities(books), ApprovalActivities(books)
    signature, contract = SignatureActivities(books, parties), ContractActivities(books)
    entitlement, invoice = EntitlementActivities(books, parties), InvoiceActivities(books)
    presentation, migration = PresentationActivities(books), MigrationActivities(books)
    payment, dunning, cash = PaymentActivities(books, parties), DunningActivities(books), CashActivities(database)
    return [
        message.take,
        message.give_up,
        message.note,
        quote.price_quote,
        quote.expire_quote,
        quote.offer_renewal,
        presentation.present_quote,
        approval.ask_for_approval,
        approval.look_up_approvers,
        approval.remind_approvers,
        approval.escalate_approval,
        signature.send_for_signature,
        signature.void_envelope,
        contract.book_contract,
        contract.activate_contract,
        contract.end_contract,
        entitlement.provision,
        entitlement.compensate,
        entitlement.set_access,
        invoice.bill_period,
        invoice.bill_milestone,
        migration.reprice_contract,
        payment.charge_payment,
        payment.resolve_payment,
        dunning.send_reminder,
        dunning.suspend_contract,
        dunning.cancel_contract,
        cash.book_statement,
    ]
