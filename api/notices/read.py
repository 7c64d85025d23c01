"""What a notice tells is read when it is sent: names and amounts from the tables, who and why from the row that the step wrote."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, text
from sqlmodel.ext.asyncio.session import AsyncSession

from api.leaving import NothingToTell
from api.notices.render import MOST_ASKS, Told, Wanted
from domain.approving.policy import Matrix, called
from gateways.reasons import reasons, system_words
from gateways.words import Words, language_of, words_of
from models.approval import NoticeRow

LinkUrl = Callable[[str, str], str]  # of a link's id and the hash of the content it is about

_FOUND = text("""
    SELECT d.name AS deal, d.owner, d.virtual, a.name AS account, v.currency, v.total_minor, v.list_minor, v.acv_minor,
           v.discount_bps, v.term_months, p.slack, p.zone, l.content_hash,
           NOT EXISTS (SELECT FROM people o WHERE lower(trim(o.slack)) = lower(trim(p.slack)) AND o.email <> p.email) AS is_theirs
      FROM deals d
      JOIN accounts a ON a.id = d.account_id
      LEFT JOIN quote_versions v ON v.deal_id = d.id AND v.order_number = :order AND v.version = :version
      LEFT JOIN people p ON p.email = :person
      LEFT JOIN decision_links l ON l.id = :link AND l.person = :person
     WHERE d.id = :deal
""")
_POLICIES = text("""
    SELECT DISTINCT p.name, p.version, p.content
      FROM approval_requests r JOIN approval_policies p ON p.name || '/' || p.version = r.policy
     WHERE r.deal_id = :deal AND r.order_number = :order AND r.version = :version
     ORDER BY p.name, p.version
""")
_PEOPLE = text("SELECT email, name FROM people WHERE email = ANY(:emails)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice, ready to be put into words."""

    told: Told
    virtual: bool  # the deal is a sandbox's
    slack: str  # the person's channel; empty: mail only
    is_theirs: bool  # no other person reads that channel
    reader: str  # the person's name
    reply_to: str  # to whom an answer by mail goes; empty: to nobody but the sender


async def read(session: AsyncSession, row: NoticeRow, link_url: LinkUrl) -> Notice:
    """All that the notice says. Raises NothingToTell where its deal or its link is not there."""
    said: Mapping[str, Any] = row.payload
    link, version = str(said.get("link_id") or ""), int(said.get("version") or 0)
    wanted = {"deal": row.deal_id, "order": int(said.get("order_number") or 0), "version": version}
    found = (await session.execute(_FOUND, {**wanted, "person": row.person, "link": link})).mappings().first()
    if found is None:
        raise NothingToTell(f"there is no deal {row.deal_id}")
    if link and found["content_hash"] is None:
        raise NothingToTell(f"there is no link {link} for {row.person}")
    words = words_of(language_of(row.language))
    names = await _names(session, found["owner"], row.person, said)
    told = Told(
        kind=row.kind,
        language=words.language,
        deal=found["deal"],
        account=found["account"],
        owner=names(found["owner"]),
        owner_email=found["owner"],
        version=version,
        **_amounts(found, words),
        asks=_asks(said, words.language, await _groups(session, wanted, words.language)),
        members=_texts(names(m) for ask in _list(said, "asks") for m in ask.get("members", ())),
        others=_texts(names(other) for other in said.get("others") or ()),
        until=_until(said.get("until"), found["zone"] or "UTC", words),
        by=names(str(said.get("by") or "")),
        verb=str(said.get("verb") or ""),
        text=_text(row.kind, str(said.get("text") or ""), words.language),
        link=link_url(link, found["content_hash"]) if link else "",
        link_by_mail=False,
        sandbox=found["virtual"],
    )
    return Notice(
        told=told,
        virtual=found["virtual"],
        slack=found["slack"] or "",
        is_theirs=found["is_theirs"],
        reader=names(row.person),
        reply_to=_answers(row.person, str(said.get("by") or ""), found["owner"]),
    )


async def _names(session: AsyncSession, owner: str, reader: str, said: Mapping[str, Any]) -> Callable[[str], str]:
    """People by their address as others know them; who has no name is called by the address."""
    emails = {owner, reader, str(said.get("by") or ""), *(said.get("others") or ())}
    emails |= {member for ask in _list(said, "asks") for member in ask.get("members", ())}
    found = (await session.execute(_PEOPLE, {"emails": [str(each).lower() for each in emails]})).all()
    names = {email.lower(): name for email, name in found if name}
    return lambda email: names.get(email.lower(), email)


def _answers(reader: str, by: str, owner: str) -> str:
    """Where an answer to the mail goes: to the deal's owner; an owner's answer goes to whoever it is about, if to anybody."""
    wanted = owner if owner.lower() != reader.lower() else by
    return wanted if "@" in wanted and wanted.lower() != reader.lower() else ""


def _amounts(found: RowMapping, words: Words) -> dict[str, str]:
    """TCV, list price, yearly value and discount as the language writes them; nothing where nothing is priced."""
    if found["total_minor"] is None:
        return {}

    def amount(name: str) -> str:
        return f"{words.amount(found[name], found['currency'])}\N{NO-BREAK SPACE}{found['currency']}"

    points = Decimal(found["discount_bps"]).scaleb(-2)
    return {
        "total": amount("total_minor"),
        "list": amount("list_minor"),
        "acv": amount("acv_minor"),
        "discount": words.percent(points) if points else "",
        "term": words.count("months", found["term_months"]),
    }


async def _groups(session: AsyncSession, wanted: Mapping[str, Any], language: str) -> Callable[[str], str]:
    """Groups as the policies that ask about the version call them in a language."""
    rows = (await session.execute(_POLICIES, wanted)).mappings().all()
    return called([Matrix.parse(row["content"], version=row["version"]) for row in rows], language)


def _asks(said: Mapping[str, Any], language: str, group: Callable[[str], str]) -> tuple[Wanted, ...]:
    return tuple(
        Wanted(
            group=group(str(ask.get("group", ""))),
            level=int(ask.get("level", 0)),
            reasons=reasons(language, str(ask.get("reason", ""))),
        )
        for ask in _list(said, "asks")[:MOST_ASKS]
    )


def _text(kind: str, said: str, language: str) -> str:
    """A person's words stay theirs; why a version lapsed, the system says."""
    return system_words(language, said) if kind == "lapsed" else said


def _list(said: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    return said.get(name) or ()


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(value) for value in values))


def _until(said: Any, zone: str, words: Words) -> str:
    """An instant in the zone of the person who reads it."""
    if not said:
        return ""
    try:
        known = ZoneInfo(zone)
    except (LookupError, ValueError):  # who has a zone that nobody knows is told in UTC, and not left untold
        zone, known = "UTC", ZoneInfo("UTC")
    at = datetime.fromisoformat(said).astimezone(known)
    return f"{words.long_date(at.date())}, {at:%H:%M} ({zone})"
