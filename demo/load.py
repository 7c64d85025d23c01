"""The demo's input is files: everything wrong in one is told at once, with file, line and column, before anything is done."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TypeVar

from demo.deal_row import FATE_COLUMNS, check_payment, told
from demo.positions import FileProblem, FileProblems, Row, load_csv, load_yaml
from demo.records import EMAIL, Account, Deal, Entity, Person, TaxRate
from domain import price_book
from domain.approving.calendar import Calendars
from domain.approving.policy import Matrix
from domain.calendar import UnknownZone, local_midnight
from domain.document import Reader
from domain.dunning_policy import DunningPolicy
from domain.errors import InvalidDocument, Problem
from domain.quote_draft import Draft, DraftInvalid
from domain.quoting.terms import LANGUAGES

T = TypeVar("T")

ROLES = ("sales", "deal_desk", "finance", "ops", "admin")
WORD = r"[a-z0-9][a-z0-9_-]{0,63}"

ACCOUNT_COLUMNS = (
    "account", "name", "entity", "contact", "email", "address", "country", "currency", "zone", "tax_number",
)  # fmt: skip
ACCOUNT_OPTIONAL = ("segment", "language")
TERM_COLUMNS = (
    "price_book", "term_months", "interval_months", "lines", "discount", "net_days", "method", "auto_renew",
    "notice_days", "uplift_percent",
)  # fmt: skip
DEAL_COLUMNS = ("name", "entity", "account", "owner", *TERM_COLUMNS, "start", *FATE_COLUMNS)

_LINE = re.compile(r"([a-z0-9_.-]+)(?:/([a-z0-9_.-]+))?:(-?[0-9.]+)(?:@([0-9.]+)%)?")


def load_price_book(path: Path) -> price_book.PriceBook:
    """A price book. Raises FileProblems."""
    return load_yaml(path).read(price_book.parse)


def load_approval_policy(path: Path) -> Matrix:
    """An approval policy. Raises FileProblems."""
    return load_yaml(path).read(Matrix.parse)


def load_dunning_policy(path: Path) -> DunningPolicy:
    """A dunning policy. Raises FileProblems."""
    return load_yaml(path).read(DunningPolicy.parse)


def load_calendars(path: Path) -> Calendars | None:
    """Working days by country; None where there is no such file. Raises FileProblems."""
    return load_yaml(path).read(Calendars.parse) if path.exists() else None


def load_entities(path: Path) -> tuple[Entity, ...]:
    """The legal entities. Raises FileProblems."""
    return load_yaml(path).read(lambda mapping: _listed(mapping, "entities", _entity, lambda entity: entity.id))


def load_people(path: Path) -> tuple[Person, ...]:
    """The people who work here. Raises FileProblems."""
    return load_yaml(path).read(lambda mapping: _listed(mapping, "people", _person, lambda person: person.email))


def load_accounts(path: Path) -> tuple[Account, ...]:
    """The accounts. Raises FileProblems."""
    return rows_of(path, ACCOUNT_COLUMNS, _account, lambda account: account.account, optional=ACCOUNT_OPTIONAL)


def load_deals(path: Path) -> tuple[Deal, ...]:
    """The deals, each checked in itself; `demo/book.py` checks them against the other files. Raises FileProblems."""
    return rows_of(path, DEAL_COLUMNS, _deal, lambda deal: deal.name)


def rows_of(
    path: Path,
    columns: tuple[str, ...],
    parse: Callable[[Row], T],
    key: Callable[[T], str],
    optional: tuple[str, ...] = (),
) -> tuple[T, ...]:
    problems: list[FileProblem] = []
    taken: dict[str, T] = {}
    for row in load_csv(path, columns, optional):
        try:
            item = parse(row)
        except FileProblems as found:
            problems += found.problems
            continue
        if key(item) in taken:
            problems.append(row.problem(columns[0], f"{key(item)!r} is there twice"))
        taken[key(item)] = item
    if problems:
        raise FileProblems(problems)
    return tuple(taken.values())


def _listed(
    mapping: Mapping[str, object], name: str, parse: Callable[[Reader], T], key: Callable[[T], str]
) -> tuple[T, ...]:
    problems: list[Problem] = []
    reader = Reader(mapping, problems)
    items: list[T] = []
    for i, section in enumerate(reader.sections(name)):
        item = parse(section)
        section.end()
        if key(item) and key(item) in {key(other) for other in items}:
            problems.append(Problem(f"{name}[{i}]", f"{key(item)!r} is there twice"))
        items.append(item)
    reader.end()
    if problems:
        raise InvalidDocument(problems=tuple(problems))
    return tuple(items)


def _entity(reader: Reader) -> Entity:
    rates = []
    for section in reader.sections("tax_rates"):
        rate = section.decimal("rate", minimum=0, maximum=1)
        rates.append(TaxRate(valid_from=section.on("valid_from"), rate=rate, name=section.text("name")))
        section.end()
    return Entity(
        id=reader.text("id", pattern=WORD, shape="lower-case letters, digits, _ and -"),
        name=reader.text("name"),
        country=_country(reader),
        currency=reader.currency("currency"),
        zone=_zone(reader),
        invoice_prefix=reader.text("invoice_prefix", pattern=r"[A-Z0-9]{1,8}", shape="1 to 8 capitals or digits"),
        bank_account=reader.text("bank_account"),
        address=reader.text("address"),
        tax_number=reader.text("tax_number"),
        email=reader.text("email", pattern=EMAIL, shape="a mail address"),
        accent=reader.text("accent", "#17456b", pattern=r"#[0-9a-f]{6}", shape="a colour such as #17456b"),
        tax_rates=tuple(sorted(rates, key=lambda rate: rate.valid_from)),
    )


def _person(reader: Reader) -> Person:
    return Person(
        email=reader.text("email", pattern=EMAIL, shape="a mail address"),
        name=reader.text("name"),
        role=reader.choice("role", ROLES),
        groups=reader.texts("groups", pattern=WORD, shape="a group in lower case"),
        manager=reader.text("manager", ""),
        country=_country(reader),
        zone=_zone(reader, "UTC"),
        language=reader.choice("language", LANGUAGES, "en"),
        slack=reader.text("slack", "", pattern=f"(@?{WORD})?", shape="a channel, or @name, in lower case"),
    )


def _account(row: Row) -> Account:
    def parse(fields: Mapping[str, object]) -> Account:
        problems: list[Problem] = []
        reader = Reader(fields, problems)
        account = Account(
            account=reader.text("account", pattern=WORD, shape="lower-case letters, digits, _ and -"),
            name=reader.text("name"),
            entity=reader.text("entity"),
            contact=reader.text("contact"),
            email=reader.text("email", pattern=EMAIL, shape="a mail address"),
            address="\n".join(part.strip() for part in reader.text("address").split(" / ")),
            country=_country(reader),
            currency=reader.currency("currency"),
            zone=_zone(reader),
            tax_number=reader.text("tax_number", ""),
            segment=reader.text("segment", "", pattern=f"({WORD})?", shape="a segment in lower case"),
            language=reader.choice("language", LANGUAGES, LANGUAGES[0]),
        )
        return without_problems(account, problems)

    return row.read(parse)


def _deal(row: Row) -> Deal:
    def parse(fields: Mapping[str, object]) -> Deal:
        problems: list[Problem] = []
        reader = Reader(fields, problems)
        deal = Deal(row=row, name=reader.text("name"), terms=_terms(reader), **told(reader))
        check_payment(reader, deal)
        return without_problems(deal, problems)

    return row.read(parse)


def _terms(reader: Reader) -> dict[str, object]:
    """The row's terms as a draft without its signer, checked as a draft is."""
    said = {name: reader.text(name, "") for name in TERM_COLUMNS if name not in {"lines", "discount"}}
    terms: dict[str, object] = {name: value for name, value in said.items() if value}
    terms["lines"] = _lines(reader)
    if reader.has("discount"):
        terms["discount_percent"] = reader.text("discount")
    whole = {**terms, "currency": "EUR", "signer": {"name": "x", "email": "x@x"}}  # known only with the account
    try:
        Draft.parse(whole)
    except DraftInvalid as refusal:
        for problem in refusal.problems:
            column, _, inner = problem.path.partition("[")
            if column == "lines" and not terms["lines"]:
                continue  # told already
            said_of = (
                f"line {int(inner.partition(']')[0]) + 1}{inner.partition(']')[2].replace('.', ' ')}: " if inner else ""
            )
            reader.problem("discount" if column == "discount_percent" else column, said_of + problem.message)
    terms.setdefault("method", "card")
    return terms


def _lines(reader: Reader) -> list[dict[str, object]]:
    lines: list[dict[str, object]] = []
    for part in reader.text("lines").split(";"):
        if (match := _LINE.fullmatch(part.strip())) is None:
            reader.problem(
                "lines", f"expected 'product:quantity@discount%; product/charge:quantity', found {part.strip()!r}"
            )
            return []
        product, charge, quantity, discount = match.groups()
        line = {"product": product, "charge": charge, "quantity": quantity, "discount_percent": discount}
        lines.append({name: value for name, value in line.items() if value is not None})
    return lines


def _country(reader: Reader) -> str:
    return reader.text("country", pattern=r"[A-Z]{2}", shape="an ISO 3166 code in capitals, such as FR")


def _zone(reader: Reader, default: str | None = None) -> str:
    zone = reader.text("zone", default)
    try:
        local_midnight(date(2026, 1, 1), zone)
    except UnknownZone:
        if zone:
            reader.problem("zone", f"expected an IANA time zone such as Europe/Paris, found {zone!r}")
    return zone


def without_problems(item: T, problems: list[Problem]) -> T:
    if problems:
        raise InvalidDocument(problems=tuple(problems))
    return item
