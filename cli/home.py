"""Which system a command speaks to: Q2C_API_URL and Q2C_API_KEY, else what `q2c up` left in the folder's cli.json."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.trouble import Trouble

FOLDER = Path(".q2c")

Folder = Annotated[Path, typer.Option("--folder", envvar="Q2C_DATA", help="The data folder of `q2c up`.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where the API is, and the key to speak with."""

    api_url: str
    api_key: str


def remembered(folder: Path) -> Home:
    """What the folder's cli.json says; empty where it says nothing."""
    try:
        known = json.loads((folder / "cli.json").read_text(encoding="utf-8"))
        return Home(api_url=str(known.get("api_url", "")), api_key=str(known.get("api_key", "")))
    except (OSError, ValueError, AttributeError):
        return Home(api_url="", api_key="")


def home(folder: Path) -> Home:
    """The API to speak to. Raises Trouble where none is known."""
    known = remembered(folder)
    found = Home(
        api_url=os.environ.get("Q2C_API_URL") or known.api_url, api_key=os.environ.get("Q2C_API_KEY") or known.api_key
    )
    if not found.api_url:
        raise Trouble(
            f"no system is known in {folder}",
            where=str(folder / "cli.json"),
            mend="run `q2c up` here, name its folder with --folder, or set Q2C_API_URL and Q2C_API_KEY",
        )
    if not found.api_key:
        raise Trouble(f"no API key is known for {found.api_url}", where="Q2C_API_KEY", mend="set Q2C_API_KEY to a key")
    return found


def remember(folder: Path, known: Home) -> None:
    """Keep it in cli.json, readable by its owner alone at every moment."""
    temporary = folder / "cli.json.new"
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(asdict(known), out, indent=2)
        out.write("\n")
    temporary.replace(folder / "cli.json")
