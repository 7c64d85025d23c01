"""The approval policies of the running system: which there are, what one says, and applying the latest to what is in flight."""

from typing import Annotated, Any

import typer
import yaml
from rich.text import Text

from cli import show
from cli.approve import retold
from cli.client import Refused, api_of
from cli.deal_id import DealId, found, open_order
from cli.deal_page import print_standing
from cli.home import FOLDER, Folder
from cli.trouble import Trouble

KEPT = "/v1/policies/approval"
IN_FORCE = "standard"  # the policy of this name judges every version

Json = Annotated[bool, typer.Option("--json", help="What the API says, for machines.")]


def list_(as_json: Json = False, folder: Folder = FOLDER) -> None:
    """Every version of every approval policy that the system keeps; the one in force judges what is priced now."""
    kept = api_of(folder).get(KEPT)
    if as_json:
        show.as_json(kept)
        return
    out = show.console()
    if not kept:
        out.print("no policy is kept: what is priced is approved at once  → q2c import policy.yaml")
        return
    newest = max((each["version"] for each in kept if each["name"] == IN_FORCE), default=0)
    made = show.table("policy", "rules", "groups", "", right=("rules",), whole=("policy",))
    for each in kept:
        in_force = (each["name"], each["version"]) == (IN_FORCE, newest)
        rules = each["content"].get("rules", [])
        asked = dict.fromkeys(need["group"] for rule in rules for need in rule.get("require", []))
        label = f"{each['name']}/{each['version']}"
        made.add_row(label, str(len(rules)), ", ".join(asked), Text("in force", "green") if in_force else "")
    show.put(out, made)


def show_(
    policy: Annotated[str, typer.Argument(metavar="NAME[/VERSION]", help="The latest version unless said.")] = IN_FORCE,
    folder: Folder = FOLDER,
) -> None:
    """One policy as YAML: what `q2c policy check` and `q2c import` take."""
    name, _, version = policy.partition("/")
    kept: list[dict[str, Any]] = [each for each in api_of(folder).get(KEPT) if each["name"] == name]
    wanted = [each for each in kept if not version or str(each["version"]) == version]
    if not wanted:
        raise Trouble(f"there is no policy {policy!r}", where="NAME/VERSION", mend="see `q2c policy list`")
    newest = max(wanted, key=lambda each: int(each["version"]))
    print(f"# {newest['name']}/{newest['version']}")
    print(yaml.safe_dump(newest["content"], sort_keys=False, allow_unicode=True), end="")


def apply(
    deal: DealId,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays in the evidence.")],
    version: Annotated[
        int | None, typer.Option("--version", help="Which version is meant; the newest unless said.")
    ] = None,
    folder: Folder = FOLDER,
) -> None:
    """Let the policy in force judge a version that waits for approval already. Admin only; what is no stricter stands."""
    api = api_of(folder)
    id_ = found(api, deal)
    number = version or open_order(api.get(f"/v1/deals/{id_}"))["version"]
    try:
        page = api.post(f"/v1/deals/{id_}/apply-policy", {"version": number, "reason": reason})
    except Refused as refused:
        raise retold(refused) from None
    print_standing(api, page)
