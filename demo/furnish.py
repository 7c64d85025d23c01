"""An empty system becomes the demo's house: entities with a sandbox each, price books, policies, people with keys, accounts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from demo.book import Book
from demo.client import Caller, World
from demo.customers import brief
from demo.records import Account, Deal, Entity

OPENS_AT = time(9)  # of a working day, in the entity's zone
SELLER, APPROVER = "sales", "deal_desk"  # the roles whose keys sell and decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """One entity's sandbox: its id, its own bank account, its accounts' ids by the book's names, its now at the start."""

    id: str
    entity: Entity
    bank_account: str
    accounts: Mapping[str, str]
    starts_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """All that the play needs: who may speak with which key, and the sandboxes."""

    world: World
    book: Book
    admin: Caller
    staff: Mapping[str, Caller]  # by email, in the role of people.yaml
    deciders: Mapping[str, Caller]  # by email: everybody who may be asked to approve
    sandboxes: tuple[Sandbox, ...]


def opening(deal: Deal, entity: Entity) -> datetime:
    """When sales opens the deal: in the morning of its start date, in the entity's zone."""
    return datetime.combine(deal.start, OPENS_AT, ZoneInfo(entity.zone)).astimezone(UTC)


async def furnish(world: World, admin: Caller, book: Book, folder: Path) -> House:
    """Load everything through the API, and tell the outside how its people behave."""
    for path in sorted((folder / "price_books").glob("*.yaml")):
        await admin.post("/v1/price-books", once=f"book/{path.stem}", yaml=path.read_bytes())
    for coupon in book.coupons.values():
        await admin.post("/v1/coupons", coupon.to_mapping(), once=f"coupon/{coupon.code}")
    for kind in ("approval", "dunning"):
        content = (folder / "policies" / f"{kind}.yaml").read_bytes()
        await admin.post(f"/v1/policies/{kind}", once=f"policy/{kind}", yaml=content)
    if book.calendars:
        content = (folder / "calendars.yaml").read_bytes()
        await admin.post("/v1/calendars", once="calendars", yaml=content)
    staff, deciders = await _people(world, admin, book)
    for absence in book.absences:
        since, until = absence.between(book.people[absence.person].zone)
        said = {"person": absence.person, "since": since.isoformat(), "until": until.isoformat()}
        once = f"absence/{absence.person}/{absence.since}"
        await admin.post("/v1/absences", said | {"delegate_to": absence.deputy or None}, once=once)
    selling = [e for e in book.entities.values() if any(deal.entity == e.id for deal in book.deals)]
    sandboxes = await asyncio.gather(*(_sandbox(world, admin, book, entity) for entity in selling))
    return House(world=world, book=book, admin=admin, staff=staff, deciders=deciders, sandboxes=tuple(sandboxes))


async def _people(world: World, admin: Caller, book: Book) -> tuple[dict[str, Caller], dict[str, Caller]]:
    """A key per person in their role; whoever does not sell has one that decides."""
    staff: dict[str, Caller] = {}
    deciders: dict[str, Caller] = {}
    for person in book.people.values():
        known = {name: getattr(person, name) for name in ("email", "name", "country", "language", "zone", "slack")}
        known |= {"groups": list(person.groups), "manager": person.manager or None}
        await admin.post("/v1/people", known, once=f"person/{person.email}")
        said = {"person": person.email, "groups": list(person.groups)}
        made = await admin.post("/v1/keys", said | {"role": person.role}, once=f"key/{person.email}")
        staff[person.email] = world.as_(made["key"])
        if person.role == SELLER:
            continue
        if person.role != APPROVER:
            made = await admin.post("/v1/keys", said | {"role": APPROVER}, once=f"key/{person.email}/decides")
        deciders[person.email] = world.as_(made["key"])
    return staff, deciders


async def _sandbox(world: World, admin: Caller, book: Book, entity: Entity) -> Sandbox:
    await admin.post("/v1/entities", _entity(entity), once=f"entity/{entity.id}")
    deals = [deal for deal in book.deals if deal.entity == entity.id]
    starts_at = min(opening(deal, entity) for deal in deals) - timedelta(hours=1)
    said = {"id": f"demo-{entity.id}", "name": entity.name, "starts_at": starts_at.isoformat()}
    made = await admin.post(f"/v1/entities/entity-{entity.id}/sandbox", said, once=f"sandbox/{entity.id}")
    accounts: dict[str, str] = {}
    for deal in deals:
        account = book.accounts[deal.account]
        accounts[deal.account] = await _account(admin, made["id"], deal, account)
        await brief(world, made["id"], deal, account)
    return Sandbox(
        id=made["id"], entity=entity, bank_account=made["bank_account"], accounts=accounts, starts_at=starts_at
    )


def _entity(entity: Entity) -> dict[str, object]:
    """The entity as the API takes it: a bank account in capitals, digits and hyphens."""
    return {
        "id": f"entity-{entity.id}",
        "name": entity.name,
        "country": entity.country,
        "currency": entity.currency,
        "zone": entity.zone,
        "invoice_prefix": entity.invoice_prefix,
        "bank_account": re.sub(r"[^A-Z0-9]+", "-", entity.bank_account.upper()).strip("-"),
        "address": entity.address.strip(),
        "tax_number": entity.tax_number,
        "look": {"accent": entity.accent, "email": entity.email},
        "language": _language(entity.country),
        "tax_rates": [
            {"valid_from": rate.valid_from.isoformat(), "rate": str(rate.rate), "name": rate.name}
            for rate in entity.tax_rates
        ],
    }


async def _account(admin: Caller, sandbox: str, deal: Deal, account: Account) -> str:
    said = {
        "entity_id": sandbox,
        "name": account.name,
        "email": account.email,
        "address": account.address,
        "country": account.country,
        "currency": account.currency,
        "zone": account.zone,
        "segment": account.segment,
        "language": account.language,
        "method": deal.method,
        "method_token": deal.method_token,
    }
    made = await admin.post("/v1/accounts", said, once=f"account/{account.account}")
    return str(made["id"])


def _language(country: str) -> str:
    return "fr" if country == "FR" else "en"
