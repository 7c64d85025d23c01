"""Pricing a draft into a version, letting it expire, and offering the renewal of a running term."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.fence import Books, Effect, Told
from activities.reference import MissingReference
from domain import approval_policy, price_book, quote
from domain.billing_schedule import Term
from domain.calendar import local_date, local_midnight
from domain.document import content_hash
from domain.errors import DomainError
from domain.ids import derived
from domain.money import Money, text
from domain.outcome import Done, Need, Noticed, Outcome, Priced, PriceRefused, Terms
from domain.quote_draft import Draft
from domain.quote_version import PricedQuote, content, from_content
from domain.state import Deal
from models import policy as policies
from models import price_book as price_books
from models.account import AccountRow
from models.contract import ContractTermRow
from models.outbox import MailRow
from models.price_book import PriceBookRow
from models.quote import QuoteDraftRow, QuoteVersionRow
from models.write import Update
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
        return await self.books.perform(command, lambda _: _expire(command))

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
    on = local_date(now, deal.zone)
    try:
        draft = Draft.parse(draft_row.content)
        book_row = await _book(session, draft, on)
        if book_row is None:
            raise MissingReference(what=f"price book {draft.price_book}, valid on {on}")
        if draft.currency != deal.currency:
            raise quote.QuoteCurrencyMismatch(draft=draft.currency, price_book=deal.currency, where="currency")
        priced = quote.price(draft, price_book.parse(book_row.content), on=on)
        needs = await _needs(session, priced)
    except DomainError as error:
        refused = PriceRefused(error=error.type, reason=str(error))
        return Effect(outcome=refused, told=[Told(text=f"The draft could not be priced: {error}", actor="q2c")])
    number = order.version + 1
    expires_at = now + timedelta(days=priced.terms.valid_days)
    row = _version_row(
        deal, priced, order_number=order.number, number=number, draft_id=order.draft_id, at=now, expires_at=expires_at
    )
    row.price_book_id = book_row.id
    updates = [_status(order.version_id, "superseded")] if order.version_id else []
    outcome = _priced(row, priced, needs, expires_at)
    told = Told(
        text=f"Version {number} priced: {text(Money(priced.totals.net_minor, deal.currency))} per period, "
        f"{priced.totals.discount_percent.normalize():f} % off list; "
        + (f"needs {', '.join(need.group for need in needs)}" if needs else "needs no approval"),
        amount_minor=priced.totals.tcv_minor,
        data={"version": number, "content_hash": row.content_hash, "acv_minor": priced.totals.acv_minor},
    )
    return Effect(outcome=outcome, rows=[row], updates=updates, told=[told], acv_minor=priced.totals.acv_minor)


async def _book(session: AsyncSession, draft: Draft, on: date) -> PriceBookRow | None:
    """The version that the draft names; otherwise the latest that is valid on the day of pricing."""
    if draft.price_book_version is not None:
        return await price_books.pinned(session, draft.price_book, draft.price_book_version)
    return await price_books.latest(session, draft.price_book, on)


async def _needs(session: AsyncSession, priced: PricedQuote) -> tuple[Need, ...]:
    row = await policies.latest_approval(session, POLICY)
    if row is None:
        raise MissingReference(what=f"approval policy {POLICY}")
    return tuple(
        Need(
            level=each.level,
            group=each.group,
            reason=each.reason,
            remind_after_hours=each.remind_after_hours,
            escalate_after_hours=each.escalate_after_hours,
            escalate_to=each.escalate_to,
        )
        for each in approval_policy.required(approval_policy.Policy.parse(row.content), priced.facts)
    )


def _version_row(
    deal: Deal,
    priced: PricedQuote,
    *,
    order_number: int,
    number: int,
    draft_id: str | None,
    at: datetime,
    expires_at: datetime,
) -> QuoteVersionRow:
    terms, sums = priced.terms, priced.totals
    written = content(priced)
    return QuoteVersionRow(
        id=derived("qv", deal.id, order_number, number),
        deal_id=deal.id,
        order_number=order_number,
        version=number,
        status="priced",
        draft_id=draft_id,
        price_book_id="",
        currency=priced.currency,
        term_months=terms.term_months,
        interval_months=terms.interval_months,
        starts=terms.start,
        net_days=terms.net_days,
        method=terms.method,
        auto_renew=terms.auto_renew,
        notice_days=terms.notice_days,
        uplift=terms.uplift_percent / 100,
        total_minor=sums.tcv_minor,
        acv_minor=sums.acv_minor,
        list_minor=(sums.list_minor + sums.uplift_minor) * sums.periods,
        discount_bps=int(sums.discount_percent * 100),
        expires_at=expires_at,
        content=written,
        content_hash=content_hash(written),
        created_at=at,
    )


def _priced(row: QuoteVersionRow, priced: PricedQuote, needs: tuple[Need, ...], expires_at: datetime) -> Priced:
    terms = priced.terms
    return Priced(
        version=row.version,
        version_id=row.id,
        content_hash=row.content_hash,
        expires_at=expires_at,
        needs=needs,
        terms=Terms(
            currency=priced.currency,
            acv_minor=priced.totals.acv_minor,
            term_months=terms.term_months,
            interval_months=terms.interval_months,
            start=terms.start,
            method=terms.method,
            net_days=terms.net_days,
            auto_renew=terms.auto_renew,
            notice_days=terms.notice_days,
        ),
    )


def _status(version_id: str, status: str) -> Update:
    return Update(QuoteVersionRow, {"status": status}, {"id": version_id})


async def _expire(command: Perform) -> Effect:
    order = command.deal.order(command.step.subject)
    updates = [_status(order.version_id, "expired")] if order and order.version_id else []
    return Effect(
        outcome=Done(),
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
    priced = quote.uplifted(version.content, from_content(version.content).terms.uplift_percent)
    end = local_midnight(last.ends_on, deal.zone)
    order_number = deal.next_order
    row = _version_row(deal, priced, order_number=order_number, number=1, draft_id=None, at=now, expires_at=end)
    row.price_book_id = version.price_book_id
    row.status = "noticed" if priced.terms.auto_renew else "approved"
    # the discount was approved with the running version and did not get worse: nobody is asked again
    outcome: Outcome = Noticed(order_number=order_number, priced=_priced(row, priced, (), end))
    amount = Money(priced.totals.net_minor, deal.currency)
    account = await session.get(AccountRow, deal.account_id)
    rows: list[SQLModel] = [row]
    if account is not None and priced.terms.auto_renew:
        rows.append(_notice_mail(deal, account, command, last, amount))
    how = "renews by silence" if priced.terms.auto_renew else "goes out for signature"
    told = Told(
        text=f"Renewal offered from {last.ends_on}: {text(amount)} per period; it {how}",
        amount_minor=priced.totals.tcv_minor,
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
