"""Quotes that a row of deals.csv cannot say are files of their own; quotes.csv says whose they are and what awaits them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from demo import fates
from demo.deal_row import FATE_COLUMNS, check_payment, fate, told
from demo.load import load_price_book, rows_of, without_problems
from demo.positions import FileProblem, FileProblems, Row, load_yaml
from demo.records import Deal, PriceRise
from domain.coupon import Coupon
from domain.document import Reader
from domain.errors import InvalidDocument, Problem
from domain.quote_draft import Draft

QUOTE_COLUMNS = (
    "file", "entity", "account", "owner", "start", "customer", "reply", "revised", "milestones", *FATE_COLUMNS,
)  # fmt: skip
OURS = ("name", "account")


def load_quotes(path: Path) -> tuple[Deal, ...]:
    """The deals of quotes.csv with their files in `quotes/` beside it; none where there is no such file. Raises FileProblems."""
    if not path.exists():
        return ()
    return rows_of(path, QUOTE_COLUMNS, lambda row: _deal(row, path.parent / "quotes"), lambda deal: deal.name)


def load_draft(file: Path) -> dict[str, object]:
    """A quote's file as `q2c deal open` takes it, its price book by name. Raises FileProblems."""
    read = load_yaml(file)
    missing = [read.problem(name, "is missing") for name in (*OURS, "price_book") if name not in read.mapping]
    if missing:
        raise FileProblems(missing)
    book = str(read.mapping["price_book"])
    if book.endswith(".yaml"):
        if not (file.parent / book).is_file():
            raise FileProblems([read.problem("price_book", f"there is no file {book}")])
        book = load_price_book(file.parent / book).name
    draft = {**read.mapping, "price_book": book}

    def checked(mapping: Mapping[str, object]) -> None:
        Draft.parse({name: value for name, value in {**mapping, "price_book": book}.items() if name not in OURS})

    read.read(checked)
    return draft


def load_coupons(path: Path) -> tuple[Coupon, ...]:
    """The coupons of a file; none where there is no such file. Raises FileProblems."""

    def parse(mapping: Mapping[str, object]) -> tuple[Coupon, ...]:
        listed = mapping.get("coupons", [])
        return tuple(Coupon.parse(each) for each in (listed if isinstance(listed, list) else [mapping]))

    return load_yaml(path).read(parse) if path.exists() else ()


def load_price_rise(path: Path) -> PriceRise | None:
    """The price rise of the book, if there is one. Raises FileProblems."""

    def parse(mapping: Mapping[str, object]) -> PriceRise:
        problems: list[Problem] = []
        reader = Reader(mapping, problems)
        rise = PriceRise(
            name=reader.text("name"),
            on=reader.on("on"),
            entity=reader.text("entity"),
            from_=reader.text("from"),
            price_book=path.parent / reader.text("price_book"),
            accounts=reader.texts("accounts", pattern="[a-z0-9_-]+", shape="accounts of accounts.csv"),
        )
        reader.end()
        return without_problems(rise, problems)

    if not path.exists():
        return None
    rise = load_yaml(path).read(parse)
    load_price_book(rise.price_book)
    return rise


def _deal(row: Row, folder: Path) -> Deal:
    def parse(fields: Mapping[str, object]) -> Deal:
        problems: list[Problem] = []
        reader = Reader(fields, problems)
        draft = _draft(reader, folder, "file")
        revised = _draft(reader, folder, "revised") if reader.text("revised", "") else None
        deal = Deal(
            row=row,
            name=str(draft.get("name", "")),
            terms=_content(draft),
            whole=True,
            visits=fate(reader, "customer", fates.customer, None),
            reply=reader.text("reply", ""),
            revised=_content(revised) if revised else None,
            milestones=fate(reader, "milestones", fates.milestones, ()),
            **told(reader),
        )
        if draft:
            check_payment(reader, deal)
        if not problems:
            _check_customer(reader, deal)
        return without_problems(deal, problems)

    return row.read(parse)


def _draft(reader: Reader, folder: Path, column: str) -> dict[str, object]:
    file = folder / reader.text(column)
    try:
        return load_draft(file)
    except FileProblems as found:
        for problem in found.problems:
            reader.problem(column, _within(file, problem))
        return {}


def _within(file: Path, problem: FileProblem) -> str:
    where = f":{problem.line}" + (f": {problem.where}" if problem.where else "")
    return f"{file.name}{where}: {problem.message}"


def _content(draft: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in draft.items() if name not in OURS}


def _check_customer(reader: Reader, deal: Deal) -> None:
    """Whoever gets a link does something with it, if only not to look; what is asked is answered."""
    shown = "alternatives" in deal.terms or deal.terms.get("delivery") == "link"
    actions = [visit.action for visit in deal.visits or ()]
    if shown != (deal.visits is not None):
        reader.problem("customer", "says what happens on the page of a quote with delivery: link, and only there")
    if ("asks" in actions) != bool(deal.reply):
        reader.problem("reply", "answers a question of the customer, and each question has one")
    if ("declines" in actions) != (deal.revised is not None):
        reader.problem("revised", "follows a decline of the customer, and each decline has one")
    try:
        names = [name for name, _ in Draft.parse(deal.agreed if deal.revised else deal.terms).offers()]
    except InvalidDocument:
        return
    if "accepts" in actions and deal.chosen not in names:
        reader.problem("customer", f"there is no offer {deal.chosen!r}: {', '.join(names)}")
