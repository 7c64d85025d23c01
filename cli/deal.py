"""What is said to a deal, and how it is read; each command is one call of the API, and shows where the deal stands afterwards."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from cli import show
from cli.approve import evidence, retold
from cli.client import Api, Refused, api_of
from cli.deal_id import DealId, found, open_order
from cli.deal_page import print_page, print_standing, print_timeline, zone_of
from cli.deal_quote import clone, compare, milestone, quote, versions
from cli.deal_share import answer, questions, share
from cli.deal_trace import trace
from cli.draft_file import account_named, account_of, asked, told_in_file
from cli.forecast import forecast_
from cli.home import FOLDER, Folder

app = typer.Typer(help="Deals: open one, read it, say something to it.", no_args_is_help=True)

COLUMNS = ("deal", "name", "entity", "stage", "waits for", "since (UTC)", "next (UTC)", "ACV")
NARROW_COLUMNS = ("deal", "name", "stage", "waits for", "since (UTC)")
WIDE = 150  # below it a deal's id is its beginning, which every command takes, and people are their names before the @
SHORT_ID = 10

DraftFile = Annotated[Path, typer.Argument(help="YAML or JSON: name, account, and what is asked for.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stays in the deal's story.")]
Json = Annotated[bool, typer.Option("--json", help="What the API says, for machines.")]
Version = Annotated[int | None, typer.Option("--version", help="Which version is meant; the newest unless said.")]


@app.command("open")
def open_(
    file: DraftFile, owner: Annotated[str | None, typer.Option(help="Admin only.")] = None, folder: Folder = FOLDER
) -> None:
    """Open a deal from a file. What cannot be priced is refused, and nothing is stored."""
    said = asked(file)
    api = api_of(folder)
    body: dict[str, Any] = {"name": said.name, "account_id": account_of(api, said), "draft": said.draft}
    if owner:
        body["owner"] = owner
    try:
        page = api.post("/v1/deals", body)
    except Refused as refused:
        raise told_in_file(said, refused) from None
    print_standing(api, page)


@app.command("revise")
def revise(deal: DealId, file: DraftFile, folder: Folder = FOLDER) -> None:
    """Ask for something else: a new version, which ends what was asked, approved or sent of the old one."""
    said = asked(file)
    api = api_of(folder)
    try:
        page = api.post(f"/v1/deals/{found(api, deal)}/revise", {"draft": said.draft})
    except Refused as refused:
        raise told_in_file(said, refused) from None
    print_standing(api, page)


@app.command("list")
def list_(  # noqa: PLR0913  (options)
    stage: Annotated[
        str | None, typer.Option(help="quote, approval, signature, provisioning, active, suspended, ended.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Whose deals: a mail address.")] = None,
    account: Annotated[str | None, typer.Option(help="The account's id, name or mail address.")] = None,
    entity: Annotated[str | None, typer.Option(help="The legal entity or sandbox.")] = None,
    waits_for: Annotated[
        str | None,
        typer.Option("--waits-for", help="As the list shows it: submission, revision, approval, signature, payment, …"),
    ] = None,
    parked: Annotated[
        bool | None, typer.Option("--parked/--not-parked", help="Those that wait for somebody to bring them back.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 50,
    as_json: Json = False,
    folder: Folder = FOLDER,
) -> None:
    """Deals, newest first; every option narrows."""
    api = api_of(folder)
    account = account_named(api, account, at="--account") if account else None
    wanted = {"stage": stage, "owner": owner, "account": account, "entity": entity, "waits_for": waits_for}
    flag = None if parked is None else str(parked).lower()
    deals = list(api.pages("/v1/deals", most=limit, parked=flag, **wanted))
    if as_json:
        show.as_json(deals)
        return
    out = show.console()
    wide = out.width >= WIDE
    columns = NARROW_COLUMNS if out.width < show.NARROW else tuple(c for c in COLUMNS if wide or c != "entity")
    made = show.table(*columns, right=("ACV",), whole=("deal", "stage", "since (UTC)", "next (UTC)"))
    lines = [[_cells(each, wide=wide)[name] for name in columns] for each in deals]
    show.put(out, show.rows(made, lines) if deals else "no such deals")
    if len(deals) == limit:
        out.print(f"the newest {limit}; more with --limit", style=show.DIM)
    if any(each["parked"] for each in deals):
        out.print("a parked deal goes on with q2c deal retry DEAL, or ends with q2c deal cancel DEAL", style=show.DIM)


def _cells(deal: dict[str, Any], *, wide: bool) -> dict[str, Any]:
    """A deal's cells by column."""
    who = deal["who"] if wide else re.sub(r"@[^\s,]+", "", deal["who"])
    waits = deal["waits_for"] + (f" ({who})" if who else "")
    coming = deal["next"]
    return {
        "deal": deal["id"] if wide else deal["id"][:SHORT_ID],
        "name": deal["name"],
        "entity": deal["entity_id"],
        "stage": show.word(deal["stage"]),
        "waits for": Text(f"parked: {deal['parked']}", style="red") if deal["parked"] else waits,
        "since (UTC)": show.instant(deal["since"]),
        "next (UTC)": f"{show.instant(coming['at'])} {coming['kind']}" if coming else "",
        "ACV": deal["acv"]["text"],
    }


@app.command("show")
def show_(deal: DealId, as_json: Json = False, folder: Folder = FOLDER) -> None:
    """The page of one deal: where it stands, what it waits for, what comes next; orders, contract, money, story."""
    api = api_of(folder)
    id_ = found(api, deal)
    if as_json:
        show.as_json(api.get(f"/v1/deals/{id_}"))
    else:
        print_page(api, id_)


@app.command("timeline")
def timeline(deal: DealId, as_json: Json = False, folder: Folder = FOLDER) -> None:
    """The whole story of one deal, from quote to cash."""
    api = api_of(folder)
    id_ = found(api, deal)
    lines = list(api.pages(f"/v1/deals/{id_}/timeline"))
    if as_json:
        show.as_json(lines)
    else:
        print_timeline(show.console(), lines, zone_of(api, api.get(f"/v1/deals/{id_}")))


@app.command("submit")
def submit(deal: DealId, version: Version = None, folder: Folder = FOLDER) -> None:
    """Ask for approval of the priced version; what needs none goes out for signature at once."""
    api = api_of(folder)
    id_ = found(api, deal)
    _say(api, id_, "submit", {"version": version or _newest(api, id_)})


@app.command("approve")
def approve(deal: DealId, reason: Reason = "approved", version: Version = None, folder: Folder = FOLDER) -> None:
    """Approve the version that waits, for the groups of your key. Nobody approves an own deal."""
    _decide(deal, version, reason, folder, approve=True)


@app.command("reject")
def reject(deal: DealId, reason: Reason, version: Version = None, folder: Folder = FOLDER) -> None:
    """Reject the version that waits; sales may revise it."""
    _decide(deal, version, reason, folder, approve=False)


@app.command("withdraw")
def withdraw(deal: DealId, reason: Reason = "withdrawn by sales", folder: Folder = FOLDER) -> None:
    """Take the open order back; a revision opens it again."""
    api = api_of(folder)
    _say(api, found(api, deal), "withdraw", {"reason": reason})


@app.command("cancel")
def cancel(deal: DealId, reason: Reason, folder: Folder = FOLDER) -> None:
    """Before a contract: end the deal, undoing what was provisioned. After: end it with the invoiced period."""
    api = api_of(folder)
    _say(api, found(api, deal), "cancel", {"reason": reason})


@app.command("retry")
def retry(
    deal: DealId,
    subject: Annotated[str, typer.Option(help="One parked subject or invoice; all that is parked unless said.")] = "",
    folder: Folder = FOLDER,
) -> None:
    """Bring back what is parked, or charge an open invoice again now."""
    api = api_of(folder)
    _say(api, found(api, deal), "retry", {"subject": subject})


def _decide(deal: str, version: int | None, reason: str, folder: Path, *, approve: bool) -> None:
    api = api_of(folder)
    id_ = found(api, deal)
    page = api.get(f"/v1/deals/{id_}")
    order = open_order(page)
    number = version or order["version"]
    hashes = {each["version"]: each["content_hash"] for each in order["versions"]}
    body = {"version": number, "content_hash": hashes.get(number, ""), "approve": approve, "reason": reason}
    _say(api, id_, "decide", body)


def _say(api: Api, deal: str, command: str, body: dict[str, Any]) -> None:
    try:
        page = api.post(f"/v1/deals/{deal}/{command}", body)
    except Refused as refused:
        raise retold(refused) from None
    print_standing(api, page)


def _newest(api: Api, deal: str) -> int:
    return int(open_order(api.get(f"/v1/deals/{deal}"))["version"])


# after what is said most often: so they stand in the help
_MORE: dict[str, Callable[..., None]] = {
    "forecast": forecast_,
    "versions": versions,
    "quote": quote,
    "compare": compare,
    "clone": clone,
    "share": share,
    "questions": questions,
    "answer": answer,
    "milestone": milestone,
    "evidence": evidence,
    "trace": trace,
}
for _name, _command in _MORE.items():
    app.command(_name)(_command)
