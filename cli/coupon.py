"""Coupons at the terminal: issued from a file, listed with how often each is used."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli import show
from cli.client import api_of
from cli.draft_file import document
from cli.home import FOLDER, Folder
from cli.import_item import all_items, coupon_items, send

app = typer.Typer(help="Coupons: a code, what it takes off, how long and how often.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="YAML or JSON: one coupon, or a list of them under `coupons`.")]


@app.command("add")
def add(files: Files, folder: Folder = FOLDER) -> None:
    """Issue coupons. Nothing is sent while anything in any file is wrong; one that was issued stays as it is."""
    items = all_items(files, lambda path: coupon_items(document(path)))
    api = api_of(folder)
    _put([send(api, item) for item in items])


@app.command("list")
def list_(folder: Folder = FOLDER) -> None:
    """Every coupon with how many deals use it."""
    _put(list(api_of(folder).pages("/v1/coupons")))


def _put(coupons: list[dict[str, Any]]) -> None:
    made = show.table("code", "off", "valid", "for", "uses", "of", right=("uses", "of"), whole=("code", "off", "valid"))
    show.put(show.console(), show.rows(made, [_line(each["code"], each["uses"], each["content"]) for each in coupons]))


def _line(code: str, uses: int, content: dict[str, Any]) -> list[str]:
    off = f"{content['percent']} %" if "percent" in content else f"{content['amount']} {content['currency']}"
    lasts = f" for {content['periods']} periods" if "periods" in content else ""
    only = [*content.get("products", ["all products"])]
    if "minimum_amount" in content:
        only.append(f"from {content['minimum_amount']} {content['currency']}")
    if content.get("first_order_only"):
        only.append("first order")
    if "account_uses" in content:
        only.append(f"{content['account_uses']} per account")
    limit = str(content.get("total_uses", ""))
    return [
        code,
        off + lasts,
        show.span(content.get("valid_from"), content.get("valid_to")),
        ", ".join(only),
        str(uses),
        limit,
    ]
