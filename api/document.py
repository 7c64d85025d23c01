"""A document is rendered once and kept: whoever asks again gets the bytes that were hashed, signed or sent."""

import asyncio
import hashlib

from fastapi import Response
from sqlmodel import col, select

from api.errors import Refusal, missing
from api.shares.read import paper
from api.store import insert_once
from domain.ids import derived
from domain.share_link import SHOWN
from gateways.documents import invoice_pdf, quote_pdf
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


async def quote_document(database: Database, version_id: str) -> tuple[QuoteVersionRow, DocumentRow]:
    """A version that the customer may see, and its document; rendered and kept when first asked for. Raises 404, 409."""
    around = await paper(database, version_id)
    if around is None:
        raise missing("quote version", version_id)
    version = around.version
    id_ = derived("doc", version.deal_id, "quote", version.order_number, version.version)
    async with database.session() as session:
        if (kept := await session.get(DocumentRow, id_)) is not None:
            return version, kept
    if version.status not in SHOWN:
        raise Refusal(
            409,
            "QuoteNotOffered",
            f"the version is {version.status}: it has no document that a customer may see",
            where="version_id",
            hint="its draft is under /v1/quote-versions/{id}/document",
        )
    pdf = await asyncio.to_thread(quote_pdf, around.data())
    row = DocumentRow(
        id=id_,
        deal_id=version.deal_id,
        kind="quote",
        sha256=hashlib.sha256(pdf).hexdigest(),
        bytes=pdf,
        created_on=around.local(version.created_at),
    )
    async with database.transaction() as session:
        await insert_once(session, row)
        return version, await session.get_one(DocumentRow, id_)  # another caller's bytes where they came first


async def draft_document(database: Database, version_id: str) -> tuple[QuoteVersionRow, bytes]:
    """A version that was never approved, as a quote that says so; not kept. Raises 404."""
    around = await paper(database, version_id)
    if around is None:
        raise missing("quote version", version_id)
    return around.version, await asyncio.to_thread(quote_pdf, around.data(draft=True))


async def version_response(database: Database, version_id: str) -> Response:
    """A version as the customer gets it, the same bytes for good; of one that is not approved, a draft. Raises 404."""
    try:
        version, document = await quote_document(database, version_id)
    except Refusal as error:
        if error.type != "QuoteNotOffered":
            raise
        version, draft = await draft_document(database, version_id)
        return pdf_response(draft, f"draft-{version.deal_id}-{version.order_number}-{version.version}")
    return pdf_response(document, f"quote-{version.deal_id}-{version.order_number}-{version.version}")


def pdf_response(document: DocumentRow | bytes, name: str) -> Response:
    """The bytes, with their hash as ETag where they are kept."""
    kept = None if isinstance(document, bytes) else document
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "-" for letter in name)
    headers = {"Content-Disposition": f'inline; filename="{safe}.pdf"'}
    if kept is not None:
        headers["ETag"] = f'"{kept.sha256}"'
    return Response(kept.bytes if kept else document, media_type="application/pdf", headers=headers)
