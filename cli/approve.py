"""Approvals in a terminal: what waits for you, deciding about it, and the evidence of what was decided."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from cli import show
from cli.client import Api, api_of
from cli.deal_id import DealId, found, open_order
from cli.deal_page import print_standing
from cli.draft_file import asked, told_in_file
from cli.home import FOLDER, Folder
from cli.trouble import Trouble
from domain.approving.evidence import verify

COLUMNS = ("deal", "name", "version", "asked of", "why", "until (UTC)", "ACV", "discount")


def approve(  # noqa: PLR0913  (options)
    deal: Annotated[str, typer.Argument(metavar="LIST|DEAL", help="`list`, or a deal: its id, or its name.")] = "list",
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the decision.")] = "",
    reject: Annotated[bool, typer.Option("--reject", help="Reject the version.")] = False,
    changes: Annotated[bool, typer.Option("--changes", help="Ask for changes.")] = False,
    counter: Annotated[
        Path | None, typer.Option("--counter", help="With --changes: a quote's file that you propose instead.")
    ] = None,
    abstain: Annotated[bool, typer.Option("--abstain", help="Leave it to the others.")] = False,
    to: Annotated[str, typer.Option("--to", help="Hand it on to this person.")] = "",
    comment: Annotated[bool, typer.Option("--comment", help="Only say something; --mention tells somebody.")] = False,
    mention: Annotated[list[str] | None, typer.Option("--mention", help="Whom to tell; may be said again.")] = None,
    group: Annotated[str, typer.Option("--group", help="For this group alone.")] = "",
    version: Annotated[int | None, typer.Option("--version", help="The newest unless said.")] = None,
    folder: Folder = FOLDER,
) -> None:
    """What waits for you (`q2c approve list`), or a decision on a deal: to approve, unless an option says otherwise."""
    api = api_of(folder)
    if deal == "list":
        _list(api)
        return
    verb = _verb(reject=reject, changes=changes, abstain=abstain, to=to, comment=comment)
    if counter is not None and verb != "changes":
        raise Trouble("a counter-proposal goes with --changes", where="--counter", mend="say --changes as well")
    id_ = found(api, deal)
    order = open_order(api.get(f"/v1/deals/{id_}"))
    number = version or order["version"]
    hashes = {each["version"]: each["content_hash"] for each in order["versions"]}
    body: dict[str, Any] = {
        "version": number,
        "content_hash": hashes.get(number, ""),
        "verb": verb,
        "reason": reason or ("approved" if verb == "approve" else ""),
        "group": group,
        "mentions": mention or [],
    }
    if verb == "delegate":
        body["to"] = to
    if not body["reason"]:
        raise Trouble(f"to {verb} needs a reason", where="--reason", mend="say why: it stays with the decision")
    _say(api, id_, body, counter)


def _verb(*, reject: bool, changes: bool, abstain: bool, to: str, comment: bool) -> str:
    said = {"reject": reject, "changes": changes, "abstain": abstain, "delegate": bool(to), "comment": comment}
    verbs = [name for name, meant in said.items() if meant]
    if len(verbs) > 1:
        raise Trouble(f"one decision at a time, not {' and '.join(verbs)}", mend="leave one of the options")
    return verbs[0] if verbs else "approve"


def _say(api: Api, deal: str, body: dict[str, Any], counter: Path | None) -> None:
    if counter is None:
        print_standing(api, api.post(f"/v1/deals/{deal}/decide", body))
        return
    said = asked(counter, whole=False)
    try:
        page = api.post(f"/v1/deals/{deal}/decide", {**body, "draft": said.draft})
    except Trouble as refused:
        raise told_in_file(said, refused) from None
    print_standing(api, page)


def _list(api: Api) -> None:
    waiting = api.get("/v1/approvals")
    out = show.console()
    if not waiting:
        out.print("nothing waits for you")
        return
    made = show.table(*COLUMNS, right=("ACV", "discount"), whole=("deal",))
    for each in waiting:
        name = Text(each["deal_name"]) + (Text(" (your own)", style="yellow") if each["own"] else Text(""))
        made.add_row(
            each["deal_id"],
            name,
            str(each["version"]),
            f"{each['group']}, level {each['level']}",
            each["reason"],
            show.instant(each["escalate_at"]),
            each["acv"]["text"],
            f"{each['discount_percent']} %",
        )
    show.put(out, made)


def evidence(
    deal: Annotated[
        str, typer.Argument(help="The deal, by its id or name; none with --verify.", metavar="[DEAL]")
    ] = "",
    pdf: Annotated[Path | None, typer.Option("--pdf", help="Write the paper here.")] = None,
    json_: Annotated[
        Path | None, typer.Option("--json", help="Write the JSON here; to the terminal unless said.")
    ] = None,
    verify_: Annotated[
        Path | None, typer.Option("--verify", help="Check an exported JSON, without a server: which entry was altered.")
    ] = None,
    folder: Folder = FOLDER,
) -> None:
    """The evidence of a deal's approvals: every word with who, when, on which version, chained by hashes."""
    if verify_ is not None:
        show.console().print(verified(verify_))
        return
    if not deal:
        raise Trouble("whose evidence?", where="DEAL", mend="name a deal, or --verify a file")
    api = api_of(folder)
    path = f"/v1/deals/{found(api, deal)}/evidence"
    if pdf is not None:
        pdf.write_bytes(api.bytes(f"{path}.pdf"))
    if json_ is not None:
        json_.write_bytes(api.bytes(path))
    if pdf is None and json_ is None:
        print(api.text(path), end="")
    else:
        made = api.get(path)
        out = show.console()
        out.print(f"{len(made['entries'])} entries; sha256 {made['sha256']}")


def verified(path: Path) -> str:
    """That the file is as it was exported, with the hash to compare with the paper's. Raises Trouble that names what was altered."""
    try:
        made = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Trouble(f"the file cannot be read: {error}", where=str(path)) from None
    if problems := verify(made):
        raise Trouble(
            f"{path} is not what was exported",
            errors=[(str(path), problem) for problem in problems],
            mend="export it anew, and compare: `q2c deal evidence DEAL --json FILE`",
        )
    return f"{len(made['entries'])} entries, as they were exported; sha256 {made['sha256']}"
