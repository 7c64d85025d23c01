"""Coupons as a file: one coupon, or a list of them under `coupons`; whatever is wrong is told with line and column."""

from collections.abc import Mapping
from pathlib import Path

from cli.draft_file import document
from demo.positions import Document, FileProblems
from domain.coupon import Coupon
from domain.errors import InvalidDocument


def load_coupons(path: Path) -> tuple[Coupon, ...]:
    """The coupons of a file. Raises FileProblems."""
    return tuple(coupon for _, coupon in read_coupons(document(path)))


def read_coupons(read: Document) -> tuple[tuple[str, Coupon], ...]:
    """Each coupon of a document with its path in it. Raises FileProblems."""
    listed = read.mapping.get("coupons")
    if listed is None:
        return (("", read.read(Coupon.parse)),)
    if not isinstance(listed, list):
        raise FileProblems([read.problem("coupons", "expected a list of coupons")])
    found, problems = [], []
    for number, each in enumerate(listed):
        base = f"coupons[{number}]"
        try:
            found.append((base, Coupon.parse(each if isinstance(each, Mapping) else {})))
        except InvalidDocument as refusal:
            problems += [read.problem(f"{base}.{p.path}" if p.path else base, p.message) for p in refusal.problems]
    if problems:
        raise FileProblems(problems)
    return tuple(found)
