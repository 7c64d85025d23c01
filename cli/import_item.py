"""What a file holds becomes one thing to be sent; all files are read before any is sent, and a refusal is told at its line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.client import Api, Refused
from cli.trouble import Trouble
from demo.positions import Document, FileProblem, FileProblems
from domain import price_book
from domain.coupon import Coupon
from domain.errors import InvalidDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to be sent: `at` is where it stands in its file."""

    kind: str
    name: str
    path: str
    body: Mapping[str, Any]
    at: Callable[[str], str]


def all_items(files: Sequence[Path], read: Callable[[Path], list[Item]]) -> list[Item]:
    """What all files hold. Raises FileProblems with what is wrong in any of them."""
    items: list[Item] = []
    problems: list[FileProblem] = []
    for path in files:
        try:
            items += read(path)
        except FileProblems as found:
            problems += found.problems
    if problems:
        raise FileProblems(problems)
    return items


def send(api: Api, item: Item) -> Any:
    """Send it; what the API refuses is told at the file's own line. Raises Trouble."""
    try:
        answer = api.post(item.path, item.body)
    except Refused as refused:
        errors = [(item.at(where), f"{where}: {message}") for where, message in refused.errors]
        where = f"{item.at(refused.where)}: {refused.where}" if refused.where else item.at("")
        raise Trouble(refused.what, where=where, mend=refused.mend, type_=refused.type, errors=errors) from None
    return answer


def place(read: Document, base: str) -> Callable[[str], str]:
    """Where a field below `base` stands, as file:line:column."""

    def at(field: str) -> str:
        line, column = read.position(f"{base}.{field}" if base and field else base or field)
        return f"{read.file}:{line}:{column}"

    return at


def price_book_item(read: Document) -> Item:
    """A price book. Raises FileProblems."""
    book = read.read(price_book.parse)
    return Item(kind="price book", name=book.name, path="/v1/price-books", body=dict(read.mapping), at=place(read, ""))


def coupon_items(read: Document) -> list[Item]:
    """One coupon, or a list of them under `coupons`. Raises FileProblems."""
    listed = read.mapping.get("coupons")
    if listed is not None and not isinstance(listed, list):
        raise FileProblems([read.problem("coupons", "expected a list of coupons")])
    parts = {"": read.mapping} if listed is None else {f"coupons[{i}]": each for i, each in enumerate(listed)}
    items, problems = [], []
    for base, mapping in parts.items():
        try:
            coupon = Coupon.parse(mapping if isinstance(mapping, Mapping) else {})
        except InvalidDocument as refusal:
            problems += [
                read.problem(".".join(part for part in (base, each.path) if part), each.message)
                for each in refusal.problems
            ]
            continue
        items.append(
            Item(kind="coupon", name=coupon.code, path="/v1/coupons", body=coupon.to_mapping(), at=place(read, base))
        )
    if problems:
        raise FileProblems(problems)
    return items
