"""The order form goes out for signature, and comes back unsigned when it must not be signed any more."""

from __future__ import annotations

import asyncio
import hashlib

from sqlmodel import col, select
from temporalio import activity

from activities.fence import Books, Effect, Told
from activities.reference import order_of, version_of
from domain.calendar import local_date
from domain.ids import derived
from domain.order import Order
from domain.outcome import Done, Sent
from domain.quote_version import offer
from gateways.documents import order_form
from gateways.paper import order_form_data, quote_number
from gateways.parties import PartiesFor
from gateways.ports import EnvelopeRequest
from models.quote import QuoteVersionRow
from models.signature import DocumentRow, EnvelopeRow
from models.write import Update
from workflows import stubs
from workflows.stubs import Perform, Performed


class SignatureActivities(stubs.SignatureActivities):
    def __init__(self, books: Books, parties: PartiesFor) -> None:
        self.books = books
        self.parties = parties

    @activity.defn
    async def send_for_signature(self, command: Perform) -> Performed:
        """Render the order form, keep its bytes and their hash, and send exactly these bytes."""
        deal = command.deal
        if (taken := await self.books.taken(command.deal)) is not None:
            return taken
        order = order_of(command)
        document, request, kept = await self._prepare(command, order)
        provider = self.parties.entity(deal.entity_id, virtual=deal.clock.virtual).signatures
        envelope_id = await provider.send(request)
        envelope = EnvelopeRow(
            id=envelope_id,
            deal_id=deal.id,
            order_number=order.number,
            version=order.version,
            document_sha256=document.sha256,
            sent_at=command.now,
        )
        sent = Effect(
            outcome=Sent(envelope_id=envelope_id, document_sha256=document.sha256),
            rows=[envelope] if kept else [envelope, document],
            updates=[Update(QuoteVersionRow, {"status": "out_for_signature"}, {"id": order.version_id})],
            told=[
                Told(
                    text=f"Order form of version {order.version} sent to {request.signer_email} for signature",
                    data={"envelope": envelope_id, "sha256": document.sha256},
                )
            ],
        )
        return await self.books.record(command, sent)

    async def _prepare(self, command: Perform, order: Order) -> tuple[DocumentRow, EnvelopeRequest, bool]:
        """The paper, what asks for its signature, and whether the paper is kept already."""
        deal = command.deal
        document_id = derived("doc", deal.id, "order_form", order.number, order.version)
        async with self.books.database.session() as session:
            version, entity, account = await version_of(session, command, order)
            kept = (await session.exec(select(DocumentRow.id).where(col(DocumentRow.id) == document_id))).first()
        quote = offer(version.content, order.chosen)
        data = order_form_data(
            entity=entity,
            account=account,
            quote=quote,
            number=quote_number(deal.id, order.number),
            version=order.version,
            title=deal.name,
            prepared_by=deal.owner,
            issued_on=local_date(version.created_at, deal.zone),
            expires_on=local_date(version.expires_at, deal.zone),
        )
        pdf = await asyncio.to_thread(order_form, data)
        sha256 = hashlib.sha256(pdf).hexdigest()
        document = DocumentRow(
            id=document_id,
            deal_id=deal.id,
            kind="order_form",
            sha256=sha256,
            bytes=pdf,
            created_on=local_date(version.created_at, deal.zone),
        )
        request = EnvelopeRequest(
            key=command.step.key(deal.id),
            deal_id=deal.id,
            title=deal.name,
            signer_name=quote.terms.signer_name or account.name,
            signer_email=quote.terms.signer_email or account.email,
            document=pdf,
            document_sha256=sha256,
            expires_at=version.expires_at,
        )
        return document, request, kept is not None

    @activity.defn
    async def void_envelope(self, command: Perform) -> Performed:
        """Take the envelope back at the provider; one that is closed already is no error."""
        deal, step = command.deal, command.step
        if (taken := await self.books.taken(command.deal)) is not None:
            return taken
        provider = self.parties.entity(deal.entity_id, virtual=deal.clock.virtual).signatures
        await provider.void(key=step.key(deal.id), envelope_id=step.subject, reason="superseded, withdrawn or expired")
        done = Effect(
            outcome=Done(),
            updates=[
                Update(
                    EnvelopeRow, {"status": "voided", "closed_at": command.now}, {"id": step.subject, "status": "sent"}
                )
            ]
            if await self._is_out(step.subject)
            else (),
            told=[Told(text="The envelope was taken back", data={"envelope": step.subject})],
        )
        return await self.books.record(command, done)

    async def _is_out(self, envelope_id: str) -> bool:
        async with self.books.database.session() as session:
            row = await session.get(EnvelopeRow, envelope_id)
        return row is not None and row.status == "sent"
