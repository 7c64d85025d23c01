"""What the customer says through a share link, and what is answered: judged against the books, told to whom it concerns."""

from __future__ import annotations

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from activities import coupons
from activities.presentation import link_to
from activities.reference import MissingReference
from domain.errors import DomainError
from domain.message import Ask, Message, Reply, Respond
from domain.order import Order, OrderStage
from domain.quote_version import offers
from domain.share_link import ShareLinkExpired, ShareLinkRevoked
from models.account import AccountRow
from models.outbox import MailRow, OutboxRow
from models.quote import QuoteVersionRow
from models.share import QuoteQuestionRow, ShareLinkRow
from models.write import Update
from workflows.stubs import Perform


async def refusal(session: AsyncSession, command: Perform, body: Respond) -> DomainError | None:
    """What the books have against an answer that the deal itself would take: a link that is closed, a coupon used up."""
    link = await session.get(ShareLinkRow, body.share_id)
    if link is None or link.deal_id != command.deal.id or link.content_hash != body.content_hash:
        return MissingReference(what=f"a share link {body.share_id!r} to this version", where="share_id")
    if link.revoked_at is not None:
        return ShareLinkRevoked(where="share_id")
    if link.expires_at < command.now:
        return ShareLinkExpired(expired_at=link.expires_at, where="share_id")
    order = next((o for o in command.deal.orders if o.stage is OrderStage.DECLINED), None)
    if order is None or body.answer != "accept":
        return None
    return await _coupons_gone(session, command, order)


async def _coupons_gone(session: AsyncSession, command: Perform, order: Order) -> DomainError | None:
    """A version that was declined has given its coupons back; it comes to life again only if they are still to be had."""
    version = await session.get(QuoteVersionRow, order.version_id)
    if version is None:
        raise MissingReference(what=f"version {order.version}")
    codes = {code for _, each in offers(version.content).offers for code in each.coupons}
    try:
        await coupons.redeemable(session, command.deal, codes)
    except DomainError as error:
        return error
    return None


async def heard(session: AsyncSession, command: Perform, message: Message) -> tuple[list[SQLModel], list[Update], str]:
    """What a message to or from the customer writes, and its line in the timeline."""
    match message.body:
        case Respond() as body:
            return _responded(command, message, body)
        case Ask() as body:
            question = await _question(session, command, body.question_id)
            mail = _mail(
                command,
                to=command.deal.owner,
                subject=f"{command.deal.name}: {message.by} asks about version {body.version}",
                body=f"{message.by} asks about version {body.version} of {command.deal.name} ({command.deal.id}):\n\n"
                f"{question.text}\n",
            )
            return [mail], [_recorded(command, question)], f"asks about version {body.version}: {question.text}"
        case Reply() as body:
            return await _replied(session, command, body)
        case _:
            return [], [], ""


def _responded(command: Perform, message: Message, body: Respond) -> tuple[list[SQLModel], list[Update], str]:
    deal = command.deal
    word = "accepted" if body.answer == "accept" else "declined"
    which = f" ({body.alternative})" if body.alternative else ""
    why = f": {body.reason}" if body.reason else ""
    line = f"{body.name or message.by} {word} version {body.version}{which}{why}"
    event = OutboxRow(
        key=f"{command.step.key(deal.id)}/quote.{word}",
        topic=f"quote.{word}",
        deal_id=deal.id,
        at=command.now,
        payload={"deal": deal.id, "version": body.version, "alternative": body.alternative, "reason": body.reason},
    )
    mail = _mail(command, to=deal.owner, subject=f"{deal.name}: version {body.version} {word}", body=f"{line}.\n")
    return [event, mail], [], line


async def _replied(session: AsyncSession, command: Perform, body: Reply) -> tuple[list[SQLModel], list[Update], str]:
    question = await _question(session, command, body.question_id)
    account = await session.get(AccountRow, command.deal.account_id)
    to = question.by if "@" in question.by else account.email if account is not None else ""
    link = f"\n{link_to(question.share_id)}\n" if question.share_id else ""
    mail = _mail(
        command,
        to=to,
        subject=f"Re: {command.deal.name}",
        body=f"> {question.text}\n\n{question.reply or ''}\n{link}",
    )
    return [mail] if to else [], [], f"answered {question.by}: {question.reply or ''}"


async def _question(session: AsyncSession, command: Perform, question_id: str) -> QuoteQuestionRow:
    row = await session.get(QuoteQuestionRow, question_id)
    if row is None or row.deal_id != command.deal.id:
        raise MissingReference(what=f"the question {question_id}")
    return row


def _recorded(command: Perform, question: QuoteQuestionRow) -> Update:
    return Update(QuoteQuestionRow, {"recorded_turn": command.deal.turn}, {"id": question.id})


def _mail(command: Perform, *, to: str, subject: str, body: str) -> MailRow:
    deal = command.deal
    return MailRow(key=command.step.key(deal.id), deal_id=deal.id, to_=to, subject=subject, body=body, at=command.now)
