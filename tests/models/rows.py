"""Rows for tests of the database: each factory states only what a test may want to differ."""

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlmodel import SQLModel

from models.account import AccountRow
from models.contract import ContractRow
from models.database import Database
from models.deal import DealRow, DealStepRow
from models.entity import LegalEntityRow, TaxRateRow
from models.invoice import InvoiceLineRow, InvoiceRow
from models.ledger import JournalEntryRow, JournalLineRow
from models.payment import ReceiptRow
from models.price_book import PriceBookRow
from models.quote import QuoteVersionRow
from models.signature import DocumentRow
from models.write import Fence, write

AT = datetime(2027, 1, 1, tzinfo=UTC)
ON = date(2027, 1, 1)
Row = TypeVar("Row", bound=SQLModel)
REAL, SANDBOX = "ent_real", "ent_sandbox"


def a_row(table: type[Row], values: dict[str, Any]) -> Row:
    return table(**values)


def an_entity(**differs: Any) -> LegalEntityRow:
    return a_row(
        LegalEntityRow,
        {
            "id": REAL,
            "name": "Acme SAS",
            "country": "FR",
            "currency": "EUR",
            "zone": "Europe/Paris",
            "invoice_prefix": "ACME",
            "bank_account": "FR1420041010050500013M02606",
        }
        | differs,
    )


def a_sandbox(**differs: Any) -> LegalEntityRow:
    return an_entity(
        **{"id": SANDBOX, "virtual": True, "sandbox_of": REAL, "clock_at": AT, "bank_account": "FR-SANDBOX"} | differs
    )


def an_account(**differs: Any) -> AccountRow:
    return a_row(
        AccountRow,
        {
            "id": "acc_real",
            "entity_id": REAL,
            "name": "Globex",
            "email": "ap@globex.example",
            "country": "FR",
            "currency": "EUR",
            "zone": "Europe/Paris",
            "method": "card",
            "created_at": AT,
        }
        | differs,
    )


def a_deal(**differs: Any) -> DealRow:
    return a_row(
        DealRow,
        {
            "id": "d_real",
            "name": "Globex 2027",
            "entity_id": REAL,
            "virtual": False,
            "account_id": "acc_real",
            "owner": "sam@acme.example",
            "currency": "EUR",
            "since": AT,
            "state": {},
            "opened_at": AT,
        }
        | differs,
    )


def a_sandbox_deal(**differs: Any) -> DealRow:
    return a_deal(**{"id": "d_sandbox", "entity_id": SANDBOX, "virtual": True, "account_id": "acc_sandbox"} | differs)


def a_step(deal_id: str = "d_real", turn: int = 0, **differs: Any) -> DealStepRow:
    return a_row(
        DealStepRow,
        {
            "deal_id": deal_id,
            "turn": turn,
            "key": f"{deal_id}/take/m/{turn}",
            "kind": "take",
            "subject": "m",
            "number": turn,
            "at": AT,
            "performed_at": AT,
            "outcome": {"kind": "done"},
        }
        | differs,
    )


def a_price_book(**differs: Any) -> PriceBookRow:
    return a_row(
        PriceBookRow,
        {
            "id": "pb_1",
            "name": "standard",
            "version": 1,
            "currency": "EUR",
            "valid_from": ON,
            "content": {},
            "content_hash": "h",
        }
        | differs,
    )


def a_version(**differs: Any) -> QuoteVersionRow:
    return a_row(
        QuoteVersionRow,
        {
            "id": "qv_1",
            "deal_id": "d_real",
            "order_number": 1,
            "version": 1,
            "status": "priced",
            "price_book_id": "pb_1",
            "currency": "EUR",
            "term_months": 12,
            "interval_months": 1,
            "starts": "provisioning",
            "net_days": 30,
            "method": "card",
            "auto_renew": True,
            "notice_days": 60,
            "uplift": Decimal("0.03"),
            "total_minor": 120000,
            "acv_minor": 120000,
            "list_minor": 150000,
            "discount_bps": 2000,
            "expires_at": AT,
            "content": {},
            "content_hash": "h",
            "created_at": AT,
        }
        | differs,
    )


def a_contract(**differs: Any) -> ContractRow:
    return a_row(
        ContractRow,
        {
            "id": "con_real",
            "deal_id": "d_real",
            "entity_id": REAL,
            "account_id": "acc_real",
            "number": "C-1",
            "currency": "EUR",
            "stage": "active",
            "method": "card",
            "net_days": 30,
            "auto_renew": True,
            "notice_days": 60,
            "signed_sha256": "0" * 64,
        }
        | differs,
    )


def an_invoice(**differs: Any) -> InvoiceRow:
    sequence = differs.get("sequence", 1)
    return a_row(
        InvoiceRow,
        {
            "id": f"inv_{sequence}",
            "deal_id": "d_real",
            "entity_id": REAL,
            "account_id": "acc_real",
            "contract_id": "con_real",
            "term": 1,
            "period_no": sequence,
            "number": f"ACME-{sequence}",
            "sequence": sequence,
            "series": "invoice",
            "issued_on": ON,
            "due_on": date(2027, 1, 31),
            "period_start": ON,
            "period_end": date(2027, 2, 1),
            "currency": "EUR",
            "net_minor": 10000,
            "tax_minor": 2000,
            "total_minor": 12000,
            "tax_rate": Decimal("0.2"),
            "tax_name": "TVA",
            "method": "card",
            "key": f"d_real/bill/contract-1/{sequence}",
        }
        | differs,
    )


def an_invoice_line(**differs: Any) -> InvoiceLineRow:
    return a_row(
        InvoiceLineRow,
        {
            "invoice_id": "inv_1",
            "line_no": 1,
            "description": "Seats",
            "quantity": Decimal(10),
            "unit_label": "seat",
            "amount_minor": 10000,
            "period_start": ON,
            "period_end": date(2027, 2, 1),
            "revenue_account": "revenue:seats",
        }
        | differs,
    )


def an_entry(*amounts: int, **differs: Any) -> list[SQLModel]:
    """A journal entry with one line per amount (debit positive)."""
    entry = a_row(
        JournalEntryRow,
        {
            "id": "je_1",
            "entity_id": REAL,
            "deal_id": "d_real",
            "on_date": ON,
            "kind": "invoice",
            "source_kind": "invoice",
            "source_id": "inv_1",
            "key": "je_1",
            "currency": "EUR",
        }
        | differs,
    )
    lines = [
        JournalLineRow(entry_id=entry.id, line_no=number, account=f"account-{number}", amount_minor=amount)
        for number, amount in enumerate(amounts, start=1)
    ]
    return [entry, *lines]


def a_receipt(**differs: Any) -> ReceiptRow:
    return a_row(
        ReceiptRow,
        {
            "id": "rec_1",
            "deal_id": "d_real",
            "entity_id": REAL,
            "invoice_id": "inv_1",
            "source": "card",
            "gateway_ref": "pi_1",
            "amount_minor": 12000,
            "currency": "EUR",
            "received_on": ON,
        }
        | differs,
    )


def a_document(data: bytes = b"%PDF", **differs: Any) -> DocumentRow:
    return a_row(
        DocumentRow,
        {
            "id": "doc_1",
            "deal_id": "d_real",
            "kind": "order_form",
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": data,
            "created_on": ON,
        }
        | differs,
    )


async def open_deals(database: Database) -> None:
    """A real entity and its sandbox, each with an account and one deal at turn 1."""
    async with database.transaction() as session:
        assert await write(
            session,
            [
                an_entity(),
                a_sandbox(),
                TaxRateRow(entity_id=REAL, valid_from=date(2014, 1, 1), rate=Decimal("0.2"), name="TVA"),
                an_account(),
                an_account(id="acc_sandbox", entity_id=SANDBOX),
                a_price_book(),
            ],
        )
    for deal in (a_deal(), a_sandbox_deal()):
        async with database.transaction() as session:
            assert await write(session, [a_step(deal.id)], fence=Fence.opening(deal))


async def bill(database: Database) -> None:
    """The real deal has a contract and one posted invoice of 120.00 EUR."""
    async with database.transaction() as session:
        assert await write(
            session, [a_version(), a_contract(), an_invoice(), an_invoice_line(), *an_entry(12000, -10000, -2000)]
        )
