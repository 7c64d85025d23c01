"""`q2c deal trace`: from who approved to what was signed, billed and booked, each with the hash or the id that ties it to the next."""

from typing import Annotated, Any

import typer
from rich.text import Text

from cli import show
from cli.client import Api, api_of
from cli.deal_id import DealId, found
from cli.home import FOLDER, Folder
from cli.trouble import Trouble

Page = dict[str, Any]
Line = tuple[str, str]


def trace(
    deal: DealId,
    every: Annotated[bool, typer.Option("--all", help="Every invoice; the first of each term unless said.")] = False,
    folder: Folder = FOLDER,
) -> None:
    """Each signed version: who approved it, its hash, what was signed, its invoices and their journal entries."""
    api = api_of(folder)
    page = api.get(f"/v1/deals/{found(api, deal)}")
    if not page["contract_id"]:
        raise Trouble(
            f"nothing of {page['name']} is signed yet", where="DEAL", mend="`q2c deal show` tells what it waits for"
        )
    contract = api.get(f"/v1/contracts/{page['contract_id']}")
    invoices = sorted(api.pages("/v1/invoices", deal=page["id"]), key=lambda each: (each["issued_on"], each["number"]))
    entries = api.get("/v1/journal", deal=page["id"])
    evidence = api.get(f"/v1/deals/{page['id']}/evidence")
    out = show.console()
    out.print(Text(f"{page['name']}  {page['id']}", style=show.BOLD))
    _print([("evidence", f"{len(evidence['entries'])} entries, sha256 {evidence['sha256']}")])
    for term in contract["terms"]:
        order, version = _signed(page, term["quote_version_id"])
        if order is None or version is None:
            continue
        out.print(Text(f"Term {term['term']}: version {order['number']}.{version['version']}", style=show.BOLD))
        lines = _agreed(order, version, contract, evidence["entries"])
        mine = [each for each in invoices if each["term"] == term["term"]]
        for invoice in mine if every else mine[:1]:
            lines += _booked(api, invoice, entries)
        _print(lines)


def _print(lines: list[Line]) -> None:
    made = show.table("", "", heading=False, whole=("",))
    made.columns[0].style = show.DIM
    show.put(show.console(), show.rows(made, lines), 2)


def _signed(page: Page, version_id: str) -> tuple[Page | None, Page | None]:
    """The order and the version of it that a term was made from."""
    for order in page["orders"]:
        for version in order["versions"]:
            if version["id"] == version_id:
                return order, version
    return None, None


def _agreed(order: Page, version: Page, contract: Page, evidence: list[Page]) -> list[Line]:
    """Its hash, every voice that approved it, what stands from an earlier version, and what was signed."""
    lines = [("content", version["content_hash"])]
    of_it = (order["number"], version["version"])
    voices = [each for each in evidence if (each["order"], each["version"]) == of_it and each["kind"] == "approve"]
    for each in voices:
        who = f"{each['by']} for {each['group']}, level {each['level']}, {show.instant(each['at'])} UTC"
        lines.append(("approved", f"{who}, entry {each['number']}"))
    heard = {(each["group"], each["level"]) for each in voices}
    for each in order["approvals"]:
        name, known = f"{each['group']}, level {each['level']}", (each["group"], each["level"]) in heard
        if each["version"] != version["version"] or known:
            continue
        if each["status"] == "carried":
            lines.append(("approved", f"{name}: stands from an earlier version"))
        elif each["status"] == "approved":
            lines.append(("approved", f"{each['decided_by']} for {name}, without an entry"))
    if len(lines) == 1:
        lines.append(("approved", "nobody had to be asked"))
    if order["number"] == 1:
        lines.append(("signed", f"contract {contract['number']}, order form sha256 {contract['signed_sha256']}"))
    return lines


def _booked(api: Api, invoice: Page, entries: list[Page]) -> list[Line]:
    """An invoice with its entry, line by line, and what they add up to."""
    whole = api.get(f"/v1/invoices/{invoice['id']}")
    total = f"{whole['number']} of {whole['issued_on']}: {whole['net']['text']} and tax {whole['tax']['text']}"
    lines = [("invoice", f"{total} = {whole['total']['text']}")]
    for entry in entries:
        if entry["source_id"] == invoice["id"] and entry["kind"] == "invoice":
            lines.append(("entry", f"{entry['id']} of {entry['on_date']}"))
            width = max(len(each["account"]) for each in entry["lines"])
            lines += [("", f"{each['account']:<{width}} {each['amount']['text']:>18}") for each in entry["lines"]]
            sums = sum(each["amount"]["minor"] for each in entry["lines"])
            lines.append(("", "sums to zero" if sums == 0 else f"sums to {sums} minor units"))
    return lines
