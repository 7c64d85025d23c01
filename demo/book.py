"""A demo folder as one book: its files name each other, and a name that leads nowhere is told with its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from demo.away import Absence, load_absences
from demo.course import Course, load_courses
from demo.load import (
    load_accounts,
    load_approval_policy,
    load_calendars,
    load_deals,
    load_dunning_policy,
    load_entities,
    load_people,
    load_price_book,
)
from demo.positions import FileProblem, FileProblems
from demo.quotes import load_coupons, load_price_rise, load_quotes
from demo.records import Account, Deal, Entity, Person, PriceRise
from domain.approving.calendar import Calendars
from domain.approving.policy import Matrix
from domain.coupon import Coupon
from domain.dunning_policy import DunningPolicy
from domain.errors import DomainError
from domain.preview.offers import Previewed, previewed
from domain.price_book import PriceBook
from domain.quote import Draft

T = TypeVar("T")
FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All that the demo plays with, each by its name, in the order of the files."""

    entities: dict[str, Entity]
    people: dict[str, Person]
    accounts: dict[str, Account]
    price_books: dict[str, PriceBook]
    approval: Matrix
    dunning: DunningPolicy
    deals: tuple[Deal, ...]
    coupons: dict[str, Coupon]
    rise: PriceRise | None = None
    calendars: Calendars | None = None
    absences: tuple[Absence, ...] = ()
    courses: dict[str, Course] = field(default_factory=dict)  # of approvals, by account


def load_book(folder: Path = FOLDER) -> Book:
    """The whole folder. Raises FileProblems with every problem of every file."""
    problems: list[FileProblem] = []
    entities = _told(problems, lambda: load_entities(folder / "entities.yaml"))
    people = _told(problems, lambda: load_people(folder / "people.yaml"))
    accounts = _told(problems, lambda: load_accounts(folder / "accounts.csv"))
    deals = _told(problems, lambda: load_deals(folder / "deals.csv"))
    quotes = _told(problems, lambda: load_quotes(folder / "quotes.csv"))
    coupons = _told(problems, lambda: load_coupons(folder / "coupons.yaml"))
    rise = _told(problems, lambda: load_price_rise(folder / "price_rise.yaml"))
    approval = _told(problems, lambda: load_approval_policy(folder / "policies" / "approval.yaml"))
    dunning = _told(problems, lambda: load_dunning_policy(folder / "policies" / "dunning.yaml"))
    calendars = _told(problems, lambda: load_calendars(folder / "calendars.yaml"))
    absences = _told(problems, lambda: load_absences(folder / "absences.yaml"))
    courses = _told(problems, lambda: load_courses(folder / "approvals.yaml"))
    books = [_told(problems, _loader(path)) for path in sorted((folder / "price_books").glob("*.yaml"))]
    if not (entities and people and accounts and (deals or quotes) and approval and dunning):
        raise FileProblems(problems or [FileProblem(str(folder), 1, 0, "", "holds no deals to play")])
    if problems:
        raise FileProblems(problems)
    book = Book(
        entities={entity.id: entity for entity in entities},
        people={person.email: person for person in people},
        accounts={account.account: account for account in accounts},
        price_books={each.name: each for each in books if each is not None},
        approval=approval,
        dunning=dunning,
        deals=(*(deals or ()), *(quotes or ())),
        coupons={coupon.code: coupon for coupon in coupons or ()},
        rise=rise,
        calendars=calendars,
        absences=absences or (),
        courses={course.account: course for course in courses or ()},
    )
    problems = [problem for deal in book.deals for problem in _deal_problems(deal, book)]
    problems += [FileProblem(str(folder / file), 1, 0, "", message) for file, message in _strangers(book)]
    if problems:
        raise FileProblems(problems)
    return book


def _told(problems: list[FileProblem], load: Callable[[], T]) -> T | None:
    try:
        return load()
    except FileProblems as found:
        problems += found.problems
        return None


def _loader(path: Path) -> Callable[[], PriceBook]:
    return lambda: load_price_book(path)


def _strangers(book: Book) -> list[tuple[str, str]]:
    """Who is named in a file and is not one of our people, or no account of the book."""
    away = [each for absence in book.absences for each in (absence.person, absence.deputy)]
    acts = [act for course in book.courses.values() for act in course.acts if act.by_a_person]
    acting = [each for act in acts for each in (act.who, act.voice, act.to)]
    named = [("absences.yaml", each) for each in away] + [("approvals.yaml", each) for each in acting]
    found = [(file, f"{each!r} is not in people.yaml") for file, each in named if each and each not in book.people]
    unknown = [account for account in book.courses if account not in book.accounts]
    return list(dict.fromkeys(found)) + [("approvals.yaml", f"{each!r} is not in accounts.csv") for each in unknown]


def _deal_problems(deal: Deal, book: Book) -> list[FileProblem]:
    found = [
        deal.row.problem(column, f"{name!r} is not in {file}")
        for column, name, known, file in (
            ("entity", deal.entity, book.entities, "entities.yaml"),
            ("owner", deal.owner, book.people, "people.yaml"),
            ("account", deal.account, book.accounts, "accounts.csv"),
            ("price_book", str(deal.terms["price_book"]), book.price_books, "price_books/"),
        )
        if name not in known
    ]
    if found:
        return found
    account = book.accounts[deal.account]
    if account.entity != deal.entity:
        found.append(deal.row.problem("entity", f"the account {account.account!r} buys from {account.entity!r}"))
    return found + _pricing_problems(deal, account, book)


def _pricing_problems(deal: Deal, account: Account, book: Book) -> list[FileProblem]:
    try:
        found = tried(deal, deal.draft(account), book)
        if deal.revised is not None:
            tried(deal, deal.revised, book)
    except DomainError as refusal:
        column = "file" if deal.whole else refusal.where.partition("[")[0]
        return [deal.row.problem({"discount_amount": "discount"}.get(column, column), str(refusal))]
    quote = found.offers.headline
    if deal.whole and quote.terms.signer_email != account.email:
        return [deal.row.problem("account", f"{account.email!r} is not the signer's mail address in its file")]
    step = deal.provisioning.fail_step
    if step and step not in quote.provisioning:
        known = ", ".join(quote.provisioning)
        return [deal.row.problem("provisioner", f"{step!r} is no step of this deal: {known}")]
    return _desk_problems(deal, book, asks=bool(found.approvals))


def tried(deal: Deal, draft: Mapping[str, object], book: Book) -> Previewed:
    """The draft, priced here on the day that the deal is opened. Raises DomainError."""
    return previewed(
        Draft.parse(draft),
        book.price_books[str(draft["price_book"])],
        on=deal.start,
        policy=book.approval,
        coupons=book.coupons,
        segment=book.accounts[deal.account].segment,
        entity=book.entities[deal.entity].name,
    )


def _desk_problems(deal: Deal, book: Book, *, asks: bool) -> list[FileProblem]:
    desk = deal.desk
    if asks and desk is None:
        return [deal.row.problem("desk", "is missing: the approval policy asks for a decision on this deal")]
    if (desk is not None and desk.action == "named") != (deal.account in book.courses):
        return [deal.row.problem("desk", "'by name' goes with a course in approvals.yaml, and each course with it")]
    if desk is not None and not asks:
        return [deal.row.problem("desk", "nobody is asked: the approval policy approves this deal at once")]
    return []
