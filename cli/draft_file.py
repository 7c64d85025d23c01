"""A deal as a file: `name` and `account` beside the fields of a draft; whatever is wrong is told with line and column.

`price_book` may be the path of a price book's file, from this file's folder: then the book of that name is meant.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cli.client import Api
from cli.trouble import Trouble
from demo.load import load_price_book
from demo.positions import Document, FileProblem, FileProblems, load_text, load_yaml
from domain.errors import DomainError, InvalidDocument
from domain.price_book import PriceBook

OURS = ("name", "account")
BOOK_FILES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a file asks for. `at(path)` is where a field stands, as file:line:column."""

    name: str
    account: str
    draft: dict[str, Any]
    at: Callable[[str], str]
    price_book: PriceBook | None = None  # where the draft names its file


def document(path: Path) -> Document:
    """A YAML or JSON file with its positions. Raises FileProblems."""
    if path.suffix == ".json":
        text = load_text(path)
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            message = f"malformed JSON: {error.msg}"
            raise FileProblems([FileProblem(str(path), error.lineno, error.colno, "", message)]) from None
    return load_yaml(path)


def asked(path: Path, *, whole: bool = True) -> Asked:
    """What the file asks for; `whole` False: name and account may be left out. Raises FileProblems."""
    read = document(path)
    problems = [
        read.problem(name, "is missing" if read.mapping.get(name) is None else "expected text")
        for name in OURS
        if not isinstance(read.mapping.get(name), str) and (whole or name in read.mapping)
    ]
    if problems:
        raise FileProblems(problems)
    draft = {name: value for name, value in read.mapping.items() if name not in OURS}
    book = _book_file(path, draft.get("price_book"))
    price_book = None
    if book is not None:
        if not book.is_file():
            raise FileProblems([read.problem("price_book", f"there is no file {book}")])
        price_book = load_price_book(book)
        draft["price_book"] = price_book.name

    def at(field: str) -> str:
        line, column = read.position(field.partition(", ")[0])  # what several lines break stands at the first of them
        return f"{read.file}:{line}:{column}"

    name, account = _text(read.mapping, "name"), _text(read.mapping, "account")
    return Asked(name=name, account=account, draft=draft, at=at, price_book=price_book)


def _book_file(path: Path, said: object) -> Path | None:
    """The price book's file where the draft names one, beside its own file; None where it names a price book."""
    return path.parent / said if isinstance(said, str) and said.endswith(BOOK_FILES) else None


def account_of(api: Api, said: Asked) -> str:
    """The account's id from its id, its name or its mail address. Raises Trouble at the file's line."""
    return account_named(api, said.account, at=said.at("account"))


def account_named(api: Api, said: str, *, at: str) -> str:
    """The account's id from its id, its name or its mail address. Raises Trouble, with where it was said."""
    if re.fullmatch(r"acc_[a-z2-7]{26}", said):
        return said
    wanted = said.casefold()
    accounts = list(api.pages("/v1/accounts"))
    matches = [each for each in accounts if wanted in {each["name"].casefold(), each["email"].casefold()}]
    if len(matches) == 1:
        return str(matches[0]["id"])
    if matches:
        known = [("", f"{each['id']}  {each['name']} of {each['entity_id']}") for each in matches[:10]]
        what = f"{len(matches)} accounts are called {said!r}"
        raise Trouble(what, where=at, mend="give one of these ids", errors=known)
    near = get_close_matches(said, {each["name"] for each in accounts}, n=2)
    mend = "give an account's id, name or mail address; `q2c import` makes accounts"
    if near:
        mend = f"did you mean {' or '.join(map(repr, near))}?"
    raise Trouble(f"there is no account {said!r}", where=at, mend=mend)


def told_in_file(said: Asked, refused: Trouble) -> Trouble:
    """The API's refusal with the file's own lines for what it names; other refusals as they are."""
    places = {where: _place(said, where) for where, _ in (*refused.errors, (refused.where, ""))}
    return Trouble(
        refused.what,
        where=places[refused.where],
        mend=refused.mend,
        type_=refused.type,
        errors=[(places[where], message) for where, message in refused.errors],
    )


@contextmanager
def in_file(said: Asked) -> Iterator[None]:
    """What the rules refuse in here is told at the file's own lines."""
    try:
        yield
    except InvalidDocument as refusal:
        raise FileProblems([_problem(said, each.path, each.message) for each in refusal.problems]) from None
    except DomainError as refusal:
        where = f"{said.at(refusal.where)}: {refusal.where}" if refusal.where else said.at("")
        raise Trouble(refusal.text, where=where, mend=refusal.hint, type_=refusal.type) from None


def day(said: str, option: str) -> date | None:
    """A date that an option names; None where it says nothing. Raises Trouble."""
    try:
        return date.fromisoformat(said) if said else None
    except ValueError:
        raise Trouble(f"{said!r} is no date", where=option, mend="as in 2027-07-01") from None


def _problem(said: Asked, where: str, message: str) -> FileProblem:
    file, line, column = said.at(where).rsplit(":", 2)
    return FileProblem(file, int(line), int(column), where, message)


def _place(said: Asked, where: str) -> str:
    field = {"account_id": "account"}.get(where, re.sub(r"^draft\.?", "", where))
    known = field in OURS or field.partition(".")[0].partition("[")[0] in said.draft
    return f"{said.at(field)}: {field}" if known and field else where


def _text(mapping: Mapping[str, object], name: str) -> str:
    return str(mapping.get(name) or "")
