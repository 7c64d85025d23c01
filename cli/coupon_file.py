"""Coupons of a file, for pricing without a server; the same file as `q2c coupon add` takes."""

from pathlib import Path

from cli.draft_file import document
from cli.import_item import coupon_items
from domain.coupon import Coupon


def load_coupons(path: Path) -> dict[str, Coupon]:
    """The coupons of a file by code. Raises FileProblems."""
    return {item.name: Coupon.parse(item.body) for item in coupon_items(document(path))}
