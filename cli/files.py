"""`q2c import`: files as demo/ has them become entities, people, calendars, price books, coupons, policies and accounts; all are read before any is sent."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.client import Api, api_of
from cli.draft_file import document
from cli.home import FOLDER, Folder
from cli.import_item import Item, all_items, coupon_items, place, price_book_item, send
from cli.trouble import Trouble
from demo.load import ACCOUNT_COLUMNS, ACCOUNT_OPTIONAL, load_accounts, load_entities, load_people
from demo.positions import Document, FileProblem, FileProblems, load_csv
from demo.records import Account, Entity, Person
from domain.approving.calendar import Calendars
from domain.approving.policy import Matrix
from domain.dunning_policy import DunningPolicy

ORDER = ("entity", "calendar", "person", "price book", "coupon", "approval policy", "dunning policy", "account")
Files = Annotated[list[Path], typer.Argument(help="YAML, JSON or CSV files, in any order.")]


def import_(
    files: Files,
    card: Annotated[
        str,
        typer.Option(
            help="A payment method token for the accounts, such as pm_card_visa; they pay by transfer unless said."
        ),
    ] = "",
    entity: Annotated[
        str, typer.Option(help="Whose accounts they become, such as a sandbox; as the file says unless said.")
    ] = "",
    folder: Folder = FOLDER,
) -> None:
    """Load your own data. Nothing is sent while anything in any file is wrong; the same file again changes nothing."""
    items = all_items(files, lambda path: _items(path, card, entity))
    api = api_of(folder)
    made = show.table("", "name", "id", whole=("id",), heading=False)
    for item in sorted(items, key=lambda each: ORDER.index(each.kind)):
        made.add_row(item.kind, item.name, _send(api, item))
    show.put(show.console(), made)


def _send(api: Api, item: Item) -> str:
    """Send it, unless it is there already; returns its id."""
    if item.kind == "account" and (known := _known(api, item)):
        return known
    answer = send(api, item)
    if isinstance(answer, list):  # calendars: those that are new
        return f"version {answer[0]['version']}" if answer else "as it was"
    if item.kind.endswith("policy"):
        return f"{answer['name']}/{answer['version']}"
    return str(answer.get("id") or answer.get("email") or answer.get("code"))


def _known(api: Api, item: Item) -> str:
    """The id of the entity's account of this name, if there is one. Raises Trouble where it is not the same."""
    of_entity = api.pages("/v1/accounts", entity=item.body["entity_id"])
    known = next((each for each in of_entity if each["name"] == item.body["name"]), None)
    if known is None:
        return ""
    others = [name for name, value in item.body.items() if known[name] != value]
    if others:
        what = f"the account {item.name} is there already, with another {', '.join(others)}"
        raise Trouble(what, where=item.at(""), mend="an import changes nothing that is there; give it another name")
    return str(known["id"])


def _items(path: Path, card: str, entity: str) -> list[Item]:
    """What a file holds, by its own look. Raises FileProblems."""
    if path.suffix == ".csv":
        return _accounts(path, card, entity)
    read = document(path)
    match read.mapping:
        case {"products": _}:  # first: a price book may have rules and entities of its own
            return [price_book_item(read)]
        case {"entities": _}:
            return [_entity(each, read, i) for i, each in enumerate(load_entities(path))]
        case {"people": _}:
            return [_person(each, read, i) for i, each in enumerate(load_people(path))]
        case {"coupons": _} | {"code": _}:
            return coupon_items(read)
        case mapping if mapping and all(re.fullmatch(r"[A-Z]{2}|\*", name) for name in mapping):
            read.read(Calendars.parse)
            return [_calendar(country, read) for country in mapping]
        case {"rules": _}:
            policy = read.read(Matrix.parse)
            return [_document(read, "approval policy", policy.name, "/v1/policies/approval")]
        case {"card": _} | {"transfer": _}:
            dunning = read.read(DunningPolicy.parse)
            return [_document(read, "dunning policy", dunning.name, "/v1/policies/dunning")]
        case _:
            message = "is nothing that can be imported: entities, people, calendars by country, a price book (products), coupons, an approval policy (rules), a dunning policy (card, transfer), or accounts as CSV"
            raise FileProblems([read.problem("", message)])


def _document(read: Document, kind: str, name: str, path: str) -> Item:
    return Item(kind=kind, name=name, path=path, body=dict(read.mapping), at=place(read, ""))


def _calendar(country: str, read: Document) -> Item:
    return Item(
        kind="calendar",
        name=country,
        path="/v1/calendars",
        body={country: read.mapping[country]},
        at=lambda field: place(read, "")(field or country),
    )


def _entity(entity: Entity, read: Document, number: int) -> Item:
    rates = [
        {"valid_from": rate.valid_from.isoformat(), "rate": _plain(rate.rate), "name": rate.name}
        for rate in entity.tax_rates
    ]
    body = {
        "id": entity.id,
        "name": entity.name,
        "country": entity.country,
        "currency": entity.currency,
        "zone": entity.zone,
        "invoice_prefix": entity.invoice_prefix,
        "bank_account": re.sub(r"[^A-Z0-9]+", "-", entity.bank_account.upper()).strip("-"),
        "address": entity.address,
        "tax_number": entity.tax_number,
        "look": {"accent": entity.accent},
        "tax_rates": rates,
    }
    return Item(kind="entity", name=entity.name, path="/v1/entities", body=body, at=place(read, f"entities[{number}]"))


def _person(person: Person, read: Document, number: int) -> Item:
    body = {
        "email": person.email,
        "name": person.name,
        "groups": list(person.groups),
        "manager": person.manager or None,
        "country": person.country or None,
        "language": person.language,
        "zone": person.zone,
        "slack": person.slack,
    }
    return Item(kind="person", name=person.name, path="/v1/people", body=body, at=place(read, f"people[{number}]"))


def _accounts(path: Path, card: str, entity: str) -> list[Item]:
    rows = load_csv(path, ACCOUNT_COLUMNS, ACCOUNT_OPTIONAL)
    accounts = load_accounts(path)
    return [_account(each, row.problem("", ""), card, entity) for each, row in zip(accounts, rows, strict=True)]


def _account(account: Account, stands: FileProblem, card: str, entity: str) -> Item:
    body = {
        "entity_id": entity or account.entity,
        "name": account.name,
        "email": account.email,
        "address": account.address,
        "country": account.country,
        "currency": account.currency,
        "zone": account.zone,
        "segment": account.segment,
        "language": account.language,
        "method": "card" if card else "transfer",
        "method_token": card,
    }
    return Item(
        kind="account",
        name=account.name,
        path="/v1/accounts",
        body=body,
        at=lambda _: f"{stands.file}:{stands.line}",
    )


def _plain(number: Decimal) -> str:
    return format(number, "f")
