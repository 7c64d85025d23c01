"""`q2c invoice show`: one invoice with its lines, and how each amount came about."""

from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from cli import show
from cli.client import Api, api_of
from cli.home import FOLDER, Folder
from cli.trouble import Trouble
from domain.document import decimal_text

app = typer.Typer(help="Invoices: read one, with how each amount came about.", no_args_is_help=True)

Invoice = Annotated[str, typer.Argument(help="The number on the invoice, or its id.", metavar="NUMBER|ID")]


@app.callback()
def invoices() -> None:
    """A group of its own: without this, one command alone would take the group's place."""


@app.command("show")
def show_(
    invoice: Invoice,
    entity: Annotated[str | None, typer.Option(help="Whose number, where several entities have it.")] = None,
    folder: Folder = FOLDER,
) -> None:
    """One invoice: what it bills, for which days, and every step from the price to the amount."""
    api = api_of(folder)
    print_invoice(api.get(f"/v1/invoices/{_id_of(api, invoice, entity)}"))


def _id_of(api: Api, said: str, entity: str | None) -> str:
    """The id of an invoice by its id or its number. Raises Trouble for none and for more than one."""
    if said.startswith("inv_"):
        return said
    matches = list(api.pages("/v1/invoices", number=said, entity=entity))
    if len(matches) == 1:
        return str(matches[0]["id"])
    if not matches:
        raise Trouble(f"there is no invoice {said!r}", where="NUMBER|ID", mend="see `q2c deal show` of its deal")
    raise Trouble(
        f"{len(matches)} legal entities have an invoice {said!r}",
        where="NUMBER|ID",
        mend="name the entity with --entity",
        errors=[("", f"{each['id']}  of {each['entity_id']}, issued {each['issued_on']}") for each in matches],
    )


def print_invoice(invoice: dict[str, Any]) -> None:
    """Its head, its lines with their steps, its sums."""
    out = show.console()
    status = show.word(invoice["status"])
    out.print(Text(f"Invoice {invoice['number']}", style=show.BOLD) + Text("  ") + status)
    for_ = f"milestone {invoice['occasion']}" if invoice["occasion"] else f"period {invoice['period_no'] + 1}"
    known = [
        ("deal", invoice["deal_id"]),
        ("for", f"term {invoice['term']}, {for_}: {invoice['period_start']} until {invoice['period_end']}"),
        ("issued", f"{invoice['issued_on']}, due {invoice['due_on']}, by {invoice['method']}"),
    ]
    facts = show.table("", "", heading=False)
    facts.columns[0].style = show.DIM
    show.put(out, show.rows(facts, known), 2)
    out.print()
    show.put(out, _lines(invoice), 2)


def _lines(invoice: dict[str, Any]) -> Table:
    made = show.table(
        "", "what", "quantity", "from", "until", "net", right=("quantity", "net"), whole=("from", "until")
    )
    for line in invoice["lines"]:
        days = (line["period_start"], line["period_end"])
        quantity = f"{line['quantity']} {line['unit_label']}".strip()
        made.add_row(str(line["line_no"]), Text(line["description"]), quantity, *days, line["amount"]["text"])
        for step in line["explain"]:
            made.add_row("", Text(f"  {step}", style=show.DIM))
    sums = (("net", invoice["net"]), (f"{invoice['tax_name']} {_percent(invoice['tax_rate'])} %", invoice["tax"]))
    for name, amount in (*sums, ("total", invoice["total"]), ("paid", invoice["paid"])):
        made.add_row("", Text(name, style=show.BOLD if name == "total" else ""), "", "", "", amount["text"])
    return made


def _percent(rate: str) -> str:
    """A share as a percentage, without zeros that say nothing.

    >>> _percent("0.19"), _percent("0.055"), _percent("0")
    ('19', '5.5', '0')
    """
    return decimal_text(Decimal(rate) * 100)
