"""A version is shown to the customer: a share link of its own, and the mail that brings it, in the version's language.

No token is made here: a link's id is in the books and in histories, its token only in the mail, at the moment it is sent.
"""

from __future__ import annotations

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.fence import Books, Effect, Told, at_utc
from activities.reference import order_of, version_of
from activities.version import status
from domain.calendar import local_date
from domain.ids import derived
from domain.outcome import Presented
from domain.quote_version import PricedQuote, offers
from models.account import AccountRow
from models.outbox import MailRow, OutboxRow
from models.share import ShareLinkRow
from workflows import stubs
from workflows.stubs import Perform, Performed

_SUBJECT = {"en": "{title}: your quote from {entity}", "fr": "{title} : votre offre de {entity}"}
_BODY = {
    "en": """Dear {name},

here is our quote for {title}. You can read it, ask about it and accept it here until {until}:

{link}

{entity}
""",
    "fr": """Bonjour {name},

voici notre offre pour {title}. Vous pouvez la lire, poser vos questions et l'accepter ici jusqu'au {until} :

{link}

{entity}
""",
}


class PresentationActivities(stubs.PresentationActivities):
    def __init__(self, books: Books) -> None:
        self.books = books

    @activity.defn
    async def present_quote(self, command: Perform) -> Performed:
        """Make the version's share link and mail it to whoever is to sign."""
        return await self.books.perform(command, lambda session: _present(session, command))


def link_to(share_id: str) -> str:
    """Stands for the link in a mail's body until the mail is sent."""
    return f"{{{{share:{share_id}}}}}"


async def _present(session: AsyncSession, command: Perform) -> Effect:
    order, deal, now = order_of(command), command.deal, command.now
    version, entity, account = await version_of(session, command, order)
    quote = offers(version.content).headline
    link = ShareLinkRow(
        id=derived("shl", deal.id, order.number, order.version),
        deal_id=deal.id,
        version_id=version.id,
        content_hash=version.content_hash,
        created_by=deal.owner,
        created_at=now,
        expires_at=version.expires_at,
    )
    mail = _mail(command, link, quote, entity=entity.name, account=account)
    event = OutboxRow(
        key=f"{command.step.key(deal.id)}/quote.presented",
        topic="quote.presented",
        deal_id=deal.id,
        at=now,
        payload={"deal": deal.id, "version": order.version, "share": link.id},
    )
    told = Told(
        text=f"Version {order.version} shown to {mail.to_} by a share link, until {at_utc(version.expires_at)}",
        data={"share": link.id, "content_hash": version.content_hash},
    )
    return Effect(
        outcome=Presented(share_id=link.id),
        rows=[link, mail, event],
        updates=[status(version.id, "presented")],
        told=[told],
    )


def _mail(command: Perform, link: ShareLinkRow, quote: PricedQuote, *, entity: str, account: AccountRow) -> MailRow:
    deal = command.deal
    language = quote.terms.language
    said = {
        "title": deal.name,
        "entity": entity,
        "name": quote.terms.signer_name or account.name,
        "until": local_date(link.expires_at, deal.zone).isoformat(),
        "link": link_to(link.id),
    }
    return MailRow(
        key=command.step.key(deal.id),
        deal_id=deal.id,
        to_=quote.terms.signer_email or account.email,
        subject=_SUBJECT[language].format(**said),
        body=_BODY[language].format(**said),
        at=command.now,
    )
