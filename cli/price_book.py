"""Price books at the terminal: read in from files, listed, shown as a rate card, written out, compared version by version."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from cli import show
from cli.client import api_of
from cli.draft_file import BOOK_FILES, document
from cli.home import FOLDER, Folder
from cli.import_item import all_items, price_book_item, send
from cli.price_migration import migrate
from demo.load import load_price_book
from domain.document import decimal_text
from domain.price_book import PriceBook, parse
from domain.price_book_diff import Change, FieldChange, diff
from gateways.price_text import price_text
from gateways.words import words_of

app = typer.Typer(help="Price books: what is sold at which list price.", no_args_is_help=True)
app.command("migrate")(migrate)

Name = Annotated[str, typer.Argument(help="NAME@VERSION, NAME (its newest version) or an id.", metavar="NAME[@V]")]
Side = Annotated[str, typer.Argument(help="A file, NAME@VERSION, NAME or an id.")]


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Price books as YAML or JSON.")], folder: Folder = FOLDER
) -> None:
    """Read price books in: a new content is a new version, the same content the same version.

    Nothing is sent while anything in any file is wrong.
    """
    items = all_items(files, lambda path: [price_book_item(document(path))])
    api = api_of(folder)
    _put_books([send(api, item) for item in items])


@app.command("list")
def list_(
    name: Annotated[str | None, typer.Argument(help="Only the versions of this one.")] = None, folder: Folder = FOLDER
) -> None:
    """Price books by name and version."""
    _put_books(list(api_of(folder).pages("/v1/price-books", name=name)))


@app.command("show")
def show_(book: Name, folder: Folder = FOLDER) -> None:
    """One version as a rate card."""
    found = api_of(folder).get(f"/v1/price-books/{book}")
    _put_books([found])
    read = parse(found["content"])
    words = words_of("en")
    made = show.table("product", "charge", "kind", "price", whole=("product", "charge", "kind"))
    for product, mapping in zip(read.products, found["content"]["products"], strict=True):
        for charge, price in zip(product.charges, mapping["charges"], strict=True):
            told = price_text(price, unit=product.unit, currency=read.currency, words=words) or (charge.model,)
            made.add_row(product.id, charge.id, charge.kind.replace("_", "-"), "\n".join(told))
    out = show.console()
    out.print()
    show.put(out, made)


@app.command("export")
def export(
    book: Name,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file; otherwise it is printed.")] = None,
    folder: Folder = FOLDER,
) -> None:
    """Write one version as YAML, which read in again is the same version."""
    written = api_of(folder).text(f"/v1/price-books/{book}/export")
    if output is None:
        print(written, end="")
        return
    output.write_text(written, encoding="utf-8")
    show.console().print(f"{output}: {len(written.splitlines())} lines")


@app.command("diff")
def diff_(old: Side, new: Side, folder: Folder = FOLDER) -> None:
    """What the second price book changes, charge by charge. Two files need no server."""
    changes = diff(_book(old, folder), _book(new, folder))
    out = show.console()
    if not changes:
        out.print("the same prices")
        return
    made = show.table("", "product", "charge", "field", "old", "new", "%", right=("%",), whole=("product", "charge"))
    for change in changes:
        for number, field in enumerate(_told(change)):
            head = (_word(change.what), change.product or "(the book)", change.charge) if not number else ("", "", "")
            percent = "" if field.percent is None else f"{decimal_text(field.percent)}"
            made.add_row(*head, field.path, field.old, field.new, percent)
    show.put(out, made)
    counts = {what: sum(bool(c.charge) and c.what == what for c in changes) for what in ("added", "removed", "changed")}
    out.print("\ncharges: " + ", ".join(f"{count} {what}" for what, count in counts.items()), style=show.DIM)


def _told(change: Change) -> tuple[FieldChange, ...]:
    """All fields of a change; of what is new or gone as a whole, what it costs."""
    if change.what == "changed":
        return change.fields
    wanted = {"model", "name"}
    priced = tuple(
        each
        for each in change.fields
        if each.path in wanted or (("price" in each.path or "fee" in each.path) and "0" not in {each.old, each.new})
    )
    return priced or change.fields[:1]


def _word(what: str) -> Text:
    return Text(what, style={"added": "green", "removed": "red"}.get(what, "yellow"))


def _book(said: str, folder: Path) -> PriceBook:
    """A price book by its file, or as the API has it. Raises FileProblems, Trouble."""
    path = Path(said)
    if said.endswith(BOOK_FILES):
        return load_price_book(path)
    return parse(api_of(folder).get(f"/v1/price-books/{said}")["content"])


def _put_books(books: list[dict[str, Any]]) -> None:
    made = show.table("price book", "currency", "valid", "for", "id", whole=("price book", "valid", "id"))
    lines = [
        [
            f"{book['name']}@{book['version']}",
            book["currency"],
            show.span(book["valid_from"], book["valid_to"]),
            ", ".join((*book["segments"], *book["entities"])) or "all",
            book["id"],
        ]
        for book in books
    ]
    show.put(show.console(), show.rows(made, lines))
