"""Pricing a draft into a version, letting it expire, and offering the renewal of a running term."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities import coupons, ending
from activities.evidence import spared
from activities.fence import Books, Effect, Told
from activities.reference import MissingReference
from activities.version import Version, priced, status
from domain import price_book, quote
from domain.approving.condition import sheets
from domain.approving.needing import needs as needed
from domain.approving.policy import Matrix
from domain.billing_schedule import Term
from domain.calendar import local_date, local_midnight
from domain.errors import DomainError
from domain.money import Money, text
from domain.outcome import Done, Noticed, Outcome, PriceRefused
from domain.quote_draft import Draft
from domain.quote_version import QuoteOffers, offer
from domain.state import Deal
from models import policy as policies
from models import price_book as price_books
from models.account import AccountRow
from models.contract import ContractTermRow
from models.outbox import MailRow
from models.quote import QuoteDraftRow, QuoteVersionRow
from workflows import stubs
from workflows.stubs import Perform, Performed

POLICY = "standard"


class QuoteActivities(stubs.QuoteActivities):
    def __init__(self, books: Books) -> None:
        self.books = books

    @activity.defn
    async def price_quote(self, command: Perform) -> Performed:
        """Price the open draft into the next version; a draft that cannot be priced goes back to sales with the reason."""
        return await self.books.perform(command, lambda session: _price(session, command))

    @activity.defn
    async def expire_quote(self, command: Perform) -> Performed:
        """The version's validity ended unsigned."""
        return await self.books.perform(command, lambda session: _expire(session, command))

    @activity.defn
    async def offer_renewal(self, command: Perform) -> Performed:
        """The notice date came: the running terms, with their uplift, become a version of a new order."""
        return await self.books.perform(command, lambda session: _offer(session, command))


async def _price(session: AsyncSession, command: Perform) -> Effect:
    deal, now = command.deal, command.now
    order = deal.order(command.step.subject)
    draft_row = await session.get(QuoteDraftRow, order.draft_id) if order else None
    if order is None or draft_row is None:
        raise MissingReference(what="the draft")
    try:
        draft = Draft.parse(draft_row.content)
        if draft.currency != deal.currency:
            raise quote.QuoteCurrencyMismatch(draft=draft.currency, price_book=deal.currency, where="currency")
        offers, book_id = await _offers(session, deal, draft, on=local_date(now, deal.zone))
        matrix, judged = await _matrix(session), sheets(offers.facts, offers.apart, entity=deal.entity_id)
        needs = needed(matrix, *judged)
    except DomainError as error:
        refused = PriceRefused(error=error.type, reason=str(error))
        return Effect(outcome=refused, told=[Told(text=f"The draft could not be priced: {error}", actor="q2c")])
    version = Version(
        order_number=order.number,
        number=order.version + 1,
        offers=offers,
        price_book_id=book_id,
        at=now,
        expires_at=now + timedelta(days=draft.terms.valid_days),
        draft_id=order.draft_id,
    )
    row = version.row(deal)
    updates = [status(order.version_id, "superseded")] if order.version_id else []
    uses, moved = await coupons.used(session, offers, row)
    told = Told(
        text=f"Version {row.version} priced: {_in_words(offers)}; "
        + (f"needs {', '.join(need.group for need in needs)}" if needs else "needs no approval"),
        amount_minor=row.total_minor,
        data={"version": row.version, "content_hash": row.content_hash, "acv_minor": row.acv_minor},
    )
    return Effect(
        outcome=priced(row, offers, needs),
        rows=[row, *uses, *([] if needs else [spared(command, row, matrix, judged)])],
        updates=[*updates, *moved],
        told=[told],
        acv_minor=row.acv_minor,
    )


async def _offers(session: AsyncSession, deal: Deal, draft: Draft, *, on: date) -> tuple[QuoteOffers, str]:
    """The draft's offers, with the id of the price book: the one it names, or the one that is for this customer."""
    account = await session.get(AccountRow, deal.account_id)
    segment = account.segment if account is not None else ""
    row = await price_books.for_draft(
        session,
        name=draft.price_book,
        version=draft.price_book_version,
        currency=draft.currency,
        segment=segment,
        entity=deal.entity_id,
        on=on,
    )
    if row is None:
        raise MissingReference(what=f"price book {draft.price_book or 'for this customer'}, valid on {on}")
    offers = quote.price_offers(
        replace(draft, price_book=row.name),
        price_book.parse(row.content),
        on=on,
        coupons=await coupons.for_pricing(session, deal, draft),
        segment=segment,
        entity=await price_books.seller(session, row, deal.entity_id),
    )
    return offers, row.id


def _in_words(offers: QuoteOffers) -> str:
    """What each offer costs and takes off, for the timeline."""
    return ", ".join(
        f"{name + ' ' if name else ''}{text(Money(each.totals.net_minor, each.currency))} per period, "
        f"{each.totals.discount_percent.normalize():f} % off list"
        for name, each in offers.offers
    )


async def _matrix(session: AsyncSession) -> Matrix:
    row = await policies.latest_approval(session, POLICY)
    if row is None:
        raise MissingReference(what=f"approval policy {POLICY}")
    return Matrix.parse(row.content, version=row.version)


async def _expire(session: AsyncSession, command: Perform) -> Effect:
    order = command.deal.order(command.step.subject)
    updates = [status(order.version_id, "expired")] if order and order.version_id else []
    rows: list[SQLModel] = []
    if order is not None:
        rows, closed = await ending.ended(session, command, order, ending.EXPIRED, "the quote's validity ended")
        updates += closed
    return Effect(
        outcome=Done(),
        rows=rows,
        updates=updates,
        told=[Told(text=f"Version {command.step.number} of the quote expired unsigned")],
    )


async def _offer(session: AsyncSession, command: Perform) -> Effect:
    deal, now = command.deal, command.now
    running = deal.contract
    if running is None or not running.terms:
        raise MissingReference(what="a running term")
    last = running.last
    version = await _version_of(session, running.id, last)
    percent = offer(version.content, version.alternative).terms.uplift_percent
    renewed = quote.uplifted(version.content, percent, version.alternative)
    if not renewed.lines:
        return Effect(outcome=Done(), told=[Told(text="Nothing of the contract recurs: no renewal is offered")])
    end = local_midnight(last.ends_on, deal.zone)
    offers = QuoteOffers(offers=(("", renewed),))
    row = Version(
        order_number=deal.next_order,
        number=1,
        offers=offers,
        price_book_id=version.price_book_id,
        at=now,
        expires_at=end,
        kind="renewal",
        status="noticed" if renewed.terms.auto_renew else "approved",
    ).row(deal)
    # the discount was approved with the running version and did not get worse: nobody is asked again
    outcome: Outcome = Noticed(order_number=deal.next_order, priced=priced(row, offers, ()))
    amount = Money(renewed.totals.net_minor, deal.currency)
    account = await session.get(AccountRow, deal.account_id)
    rows: list[SQLModel] = [row]
    if account is not None and renewed.terms.auto_renew:
        rows.append(_notice_mail(deal, account, command, last, amount))
    how = "renews by silence" if renewed.terms.auto_renew else "goes out for signature"
    told = Told(
        text=f"Renewal offered from {last.ends_on}: {text(amount)} per period; it {how}",
        amount_minor=renewed.totals.tcv_minor,
    )
    return Effect(outcome=outcome, rows=rows, told=[told])


async def _version_of(session: AsyncSession, contract_id: str, last: Term) -> QuoteVersionRow:
    term = await session.get(ContractTermRow, (contract_id, last.number))
    version = await session.get(QuoteVersionRow, term.quote_version_id) if term else None
    if version is None:
        raise MissingReference(what=f"the version of term {last.number}")
    return version


def _notice_mail(deal: Deal, account: AccountRow, command: Perform, last: Term, amount: Money) -> MailRow:
    return MailRow(
        key=command.step.key(deal.id),
        deal_id=deal.id,
        to_=account.email,
        subject=f"{deal.name}: your contract renews on {last.ends_on}",
        body=f"Dear {account.name},\n\nyour contract renews on {last.ends_on} for {last.months} months at "
        f"{text(amount)} per period, net of tax, unless you tell us otherwise before that day.\n",
        at=command.now,
    )
