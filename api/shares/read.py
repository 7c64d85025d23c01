"""What a share link opens: the link, its version and all around it, as of the deal's own date."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlmodel import col, select

from api.shares.token import Links, TokenAltered
from domain.calendar import local_date
from domain.quote_version import QuoteOffers, offers
from domain.share_link import Shared
from gateways.paper import quote_data, quote_number
from gateways.quote_data import QuoteData
from models import share as shares
from models.account import AccountRow
from models.database import Database
from models.deal import DealRow
from models.entity import LegalEntityRow
from models.quote import QuoteVersionRow
from models.share import QuoteQuestionRow, ShareLinkRow
from models.signature import EnvelopeRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A version with those whom its document names."""

    version: QuoteVersionRow
    deal: DealRow
    entity: LegalEntityRow
    account: AccountRow

    @property
    def offers(self) -> QuoteOffers:
        return offers(self.version.content)

    @property
    def now(self) -> datetime:
        """The deal's own date: a sandbox's clock, or the wall's."""
        return self.entity.clock_at or datetime.now(tz=UTC)

    def local(self, at: datetime) -> date:
        """The customer's date."""
        return local_date(at, self.account.zone)

    def data(self, *, draft: bool = False) -> QuoteData:
        """What the quote says."""
        return quote_data(
            entity=self.entity,
            account=self.account,
            quote=self.offers,
            number=quote_number(self.deal.id, self.version.order_number),
            version=self.version.version,
            title=self.deal.name,
            prepared_by=self.deal.owner,
            issued_on=self.local(self.version.created_at),
            expires_on=self.local(self.version.expires_at),
            draft=draft,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Paper):
    """A version as a link shows it."""

    link: ShareLinkRow
    questions: Sequence[QuoteQuestionRow]
    was_sent: bool

    @property
    def shared(self) -> Shared:
        return Shared(
            status=self.version.status,
            expires_at=min(self.link.expires_at, self.version.expires_at),
            revoked_at=self.link.revoked_at,
            was_sent=self.was_sent,
        )

    @property
    def customer(self) -> str:
        """Who speaks through the link, as far as we know."""
        return self.offers.headline.terms.signer_email or self.account.email or "customer"


async def paper(database: Database, version_id: str) -> Paper | None:
    """A version with its parties; None: there is no such version."""
    async with database.session() as session:
        query = (
            select(QuoteVersionRow, DealRow, LegalEntityRow, AccountRow)
            .join(DealRow, col(DealRow.id) == col(QuoteVersionRow.deal_id))
            .join(LegalEntityRow, col(LegalEntityRow.id) == col(DealRow.entity_id))
            .join(AccountRow, col(AccountRow.id) == col(DealRow.account_id))
            .where(col(QuoteVersionRow.id) == version_id)
        )
        found = (await session.exec(query)).first()
    if found is None:
        return None
    version, deal, entity, account = found
    return Paper(version=version, deal=deal, entity=entity, account=account)


async def opened(database: Database, links: Links, token: str) -> Opened:
    """What the token opens, whether or not it may still be shown. Raises TokenAltered."""
    share_id, content_hash = links.read(token)
    async with database.session() as session:
        link = await session.get(ShareLinkRow, share_id)
    if link is None or link.content_hash != content_hash:
        raise TokenAltered
    around = await paper(database, link.version_id)
    if around is None or around.version.content_hash != content_hash:
        raise TokenAltered
    async with database.session() as session:
        asked = await shares.questions(session, link.deal_id)
        sent = select(EnvelopeRow.id).where(
            col(EnvelopeRow.deal_id) == link.deal_id,
            col(EnvelopeRow.order_number) == around.version.order_number,
            col(EnvelopeRow.version) == around.version.version,
        )
        was_sent = (await session.exec(sent.limit(1))).first() is not None
    return Opened(
        version=around.version,
        deal=around.deal,
        entity=around.entity,
        account=around.account,
        link=link,
        questions=[each for each in asked if each.version_id == link.version_id],
        was_sent=was_sent,
    )


async def moved_on(database: Database, version_id: str, status: str, *, patience: float = 2.0) -> bool:
    """Wait a moment until a version has left a status: what the deal answered is written by its next step. False: it has not."""
    query = select(QuoteVersionRow.status).where(col(QuoteVersionRow.id) == version_id)
    try:
        async with asyncio.timeout(patience):
            while True:
                async with database.session() as session:
                    if (await session.exec(query)).first() != status:
                        return True
                await asyncio.sleep(0.02)
    except TimeoutError:
        return False
