"""A document is rendered once and kept: whoever asks again gets the bytes that were hashed, signed or sent."""

import asyncio
import hashlib

from fastapi import Response
from sqlmodel import col, select

from api.errors import Refusal, missing
from api.store import insert_once
from domain.ids import derived
from gateways.documents import invoice_pdf
from gateways.paper import invoice_data
from models import invoice as invoices
from models.account import AccountRow
from models.contract import ContractRow
from models.database import Database
from models.entity import LegalEntityRow
from models.invoice import InvoiceRow
from models.quote import QuoteVersionRow
from models.signature import DocumentRow


async def invoice_document(database: Database, invoice_id: str) -> tuple[InvoiceRow, DocumentRow]:
    """The invoice and its paper; rendered and kept when first asked for. Raises a 404 refusal."""
    id_ = derived("doc", "invoice", invoice_id)
    async with database.session() as session:
        invoice = await session.get(InvoiceRow, invoice_id)
        if invoice is None:
            raise missing("invoice", invoice_id)
        if (kept := await session.get(DocumentRow, id_)) is not None:
            return invoice, kept
        entity = await session.get_one(LegalEntityRow, invoice.entity_id)
        account = await session.get_one(AccountRow, invoice.account_id)
        contract = await session.get_one(ContractRow, invoice.contract_id)
        lines = await invoices.lines(session, invoice_id)
    data = invoice_data(entity=entity, account=account, invoice=invoice, lines=lines, contract_number=contract.number)
    pdf = await asyncio.to_thread(invoice_pdf, data)
    row = DocumentRow(
        id=id_,
        deal_id=invoice.deal_id,
        kind="invoice",
        sha256=hashlib.sha256(pdf).hexdigest(),
        bytes=pdf,
        created_on=invoice.issued_on,
    )
    async with database.transaction() as session:
        await insert_once(session, row)
        return invoice, await session.get_one(DocumentRow, id_)  # another caller's bytes where they came first


async def order_form_document(database: Database, version_id: str) -> tuple[QuoteVersionRow, DocumentRow]:
    """A quote version and the order form that was sent of it. Raises 404 where it was not sent."""
    async with database.session() as session:
        version = await session.get(QuoteVersionRow, version_id)
        if version is None:
            raise missing("quote version", version_id)
        id_ = derived("doc", version.deal_id, "order_form", version.order_number, version.version)
        row = (await session.exec(select(DocumentRow).where(col(DocumentRow.id) == id_))).first()
    if row is None:
        raise Refusal(
            404,
            "OrderFormNotSent",
            "this version was not sent for signature",
            where="version_id",
            hint="the order form is made when the version goes out for signature",
        )
    return version, row


def pdf_response(document: DocumentRow, name: str) -> Response:
    """The bytes, with their hash as ETag."""
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    headers = {"Content-Disposition": f'inline; filename="{safe}.pdf"', "ETag": f'"{document.sha256}"'}
    return Response(document.bytes, media_type="application/pdf", headers=headers)
