"""Approvals in a terminal: what waits for you, deciding about it, and the evidence of what was decided."""

import re
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.text import Text

from cli import show
from cli.client import Api, Refused, api_of
from cli.deal_id import found, open_order
from cli.deal_page import print_standing
from cli.draft_file import asked, told_in_file
from cli.home import FOLDER, Folder
from cli.trouble import Trouble
from domain.approving.evidence import read, verify

# what the deal refuses, as somebody in a terminal needs it: what it means, and what to do
REFUSALS = {
    "WrongGroup": ("you are not among those who are asked now", "`q2c approve list` is what waits for you"),
    "OwnDeal": ("nobody decides on a deal they own or a version they priced", "somebody else has to"),
    "AlreadyDecided": ("you have answered already, and what was said stays said", "say more with --comment"),
    "NothingToDecide": ("no version of this deal waits for approval", "`q2c deal show` tells what it waits for"),
    "NothingToRetry": ("nothing of this deal is parked, and no invoice is open", "`q2c deal list --parked` is what is"),
    "OrderNotOpen": (
        "the deal is not at a stage at which this can be said",
        "`q2c deal show` tells what it waits for; what was submitted is not submitted again",
    ),
    "SupersededVersion": (
        "that version is not the one that waits",
        "read the deal again and decide on its newest version",
    ),
}


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
    mine: Annotated[bool, typer.Option("--mine", help="With list, for an admin: only what waits for you.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What the API says, for machines.")] = False,
    folder: Folder = FOLDER,
) -> None:
    """What waits for you (`q2c approve list`), or a decision on a deal: to approve, unless an option says otherwise."""
    api = api_of(folder)
    if deal == "list":
        _list(api, mine=mine, as_json=as_json)
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
    page = _say(api, id_, body, counter)
    if as_json:
        show.as_json(page)
    else:
        print_standing(api, page)


def _verb(*, reject: bool, changes: bool, abstain: bool, to: str, comment: bool) -> str:
    said = {"reject": reject, "changes": changes, "abstain": abstain, "delegate": bool(to), "comment": comment}
    verbs = [name for name, meant in said.items() if meant]
    if len(verbs) > 1:
        raise Trouble(f"one decision at a time, not {' and '.join(verbs)}", mend="leave one of the options")
    return verbs[0] if verbs else "approve"


def _say(api: Api, deal: str, body: dict[str, Any], counter: Path | None) -> Any:
    said = asked(counter, whole=False) if counter is not None else None
    try:
        return api.post(f"/v1/deals/{deal}/decide", body if said is None else {**body, "draft": said.draft})
    except Refused as refused:
        if said is None or refused.type in {*REFUSALS, "UnknownPerson", "DelegationRefused"}:
            raise retold(refused) from None
        raise told_in_file(said, refused) from None


def retold(refused: Refused) -> Trouble:
    """What the deal refuses, in words for a terminal; anything else as the API says it."""
    if refused.type == "UnknownPerson":
        return Trouble(refused.what, where=refused.where, mend="`q2c people` lists who does", type_=refused.type)
    if refused.type == "DelegationRefused" and (told := re.search(r"\(to (\S+), why (.+?)\)( \[|$)", refused.what)):
        return Trouble(f"it cannot go to {told[1]}: {told[2]}", mend=refused.mend, type_=refused.type)
    if refused.type not in REFUSALS:
        return refused
    what, mend = REFUSALS[refused.type]
    if who := ", ".join(re.findall(r"'([^']+)'", refused.what)):
        what += f" (asked: {who})"
    elif stage := re.search(r"stage (\w+)", refused.what):
        what += f" (it is {stage[1].replace('_', ' ')})"
    return Trouble(what, mend=mend, type_=refused.type)


def _list(api: Api, *, mine: bool, as_json: bool) -> None:
    waiting = api.get("/v1/approvals", mine="true" if mine else None)
    if as_json:
        show.as_json(waiting)
        return
    out = show.console()
    if not waiting:
        out.print("nothing waits for you")
        return
    for number, each in enumerate(waiting):
        if not number or each["deal_id"] != waiting[number - 1]["deal_id"]:
            out.print(_deal(each), soft_wrap=True)
        show.put(out, _request(each), 2)
        show.put(out, Text(each["reason"], style=show.DIM), 4)


def _deal(waits: dict[str, Any]) -> Text:
    """The head of what waits of one deal."""
    said = Text(waits["deal_name"], style="bold") + Text(f", version {waits['version']}")
    said += Text(f"  {waits['total']['text']}, {waits['discount_percent']} % off list  {waits['deal_id']}")
    return said + (Text("  your own: somebody else decides", style="yellow") if waits["own"] else Text(""))


def _request(waits: dict[str, Any]) -> Text:
    """Who is asked, since when and until when; ages are counted on the deal's own clock."""
    now = show.moment(waits["now"])
    said = Text(f"{waits['group']}, level {waits['level']}", style="bold")
    said += Text(f": {who_decides(waits)}; asked {show.age(now - show.moment(waits['asked_at']))} ago")
    if waits["escalate_at"]:
        due = show.moment(waits["escalate_at"])
        late = due < now
        said += Text(f", {'late by' if late else 'due in'} {show.age(due - now)}", style="red" if late else "yellow")
        said += Text(f" ({show.instant(waits['escalate_at'])} UTC)")
    return said


def who_decides(waits: dict[str, Any]) -> str:
    """Who may still decide by name, how many of them it takes, and who has answered.

    >>> seats = [{"holder": "a@x.example", "answered": True}, {"holder": "b@x.example", "answered": False}]
    >>> who_decides({"quorum": 2, "seats": seats, "said": [{"by": "a@x.example", "verb": "approve"}]})
    'b@x.example (a@x.example approved)'
    """
    left = list(dict.fromkeys(each["holder"] for each in waits["seats"] if not each["answered"]))
    said = waits["said"]
    agreed = len({each["by"] for each in said if each["verb"] == "approve"})
    needed = max(waits["quorum"] - agreed, 1) if waits["quorum"] else 0
    named = ", ".join(left) or "whoever is in the group"
    if len(left) > 1:
        named = f"{ {0: 'all', 1: 'any'}.get(needed, str(needed)) } of {named}"
    heard = [f"{each['by']} {'approved' if each['verb'] == 'approve' else 'abstained'}" for each in said]
    return named + (f" ({', '.join(heard)})" if heard else "")


def evidence(
    deal: Annotated[
        str,
        typer.Argument(help="The deal, by its id or name; with --verify: was it exported just so?", metavar="[DEAL]"),
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
        made = verified(verify_)
        show.console().print(_known(api_of(folder), deal, verify_, made) if deal else made.told)
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


class Verified(NamedTuple):
    """A file of evidence that is whole in itself, and what to say of it."""

    sha256: str
    told: str


def _known(api: Api, deal: str, path: Path, made: Verified) -> str:
    """That the system exported it just so: whoever cuts off the last entries can compute every hash anew."""
    now = f"/v1/deals/{found(api, deal)}/evidence"
    try:
        api.get(f"{now}/{made.sha256}")
    except Refused as refusal:
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise
        raise Trouble(
            f"{path} was never exported like this: entries may have been cut off, or it is of another deal",
            where=str(path),
            mend=f"compare it with `q2c deal evidence {deal} --json FILE`",
        ) from None
    return f"{made.told}; exported by this system"


def verified(path: Path) -> Verified:
    """That the file is as it was exported, with the hash to compare with the paper's. Raises Trouble that names what was altered."""
    try:
        made: Any = read(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not the JSON that was exported"
        raise Trouble(f"the file cannot be read: {why}", where=str(path), mend="name an exported file") from None
    if problems := verify(made):
        raise Trouble(
            f"{path} is not what was exported",
            errors=[(str(path), problem) for problem in problems],
            mend="export it anew, and compare: `q2c deal evidence DEAL --json FILE`",
        )
    told = f"{len(made['entries'])} entries, as they were exported; sha256 {made['sha256']}"
    return Verified(made["sha256"], told)
