"""Quotes, order forms and invoices as PDF: the same data gives the same bytes, on every machine and in every process.

The bytes are what is hashed, signed and sent, so nothing of the machine enters them: no clock, no system font, no locale.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Literal

import typst

from gateways.document_data import (
    Buyer,
    DocumentInconsistent,
    InvoiceData,
    InvoiceDocumentLine,
    Seller,
)
from gateways.document_view import invoice_view
from gateways.quote_data import QuoteData, QuoteLine, QuoteOffer, QuoteStretch
from gateways.quote_view import quote_view

__all__ = [
    "Buyer",
    "DocumentInconsistent",
    "InvoiceData",
    "InvoiceDocumentLine",
    "QuoteData",
    "QuoteLine",
    "QuoteOffer",
    "QuoteStretch",
    "Seller",
    "evidence_pages",
    "evidence_pdf",
    "invoice_pdf",
    "order_form",
    "pages_as_png",
    "quote_pdf",
]

TEMPLATES = Path(__file__).with_name("templates")
FONT_PACKAGE = "font_source_sans_pro"
FAMILY = "Source Sans Pro"
FACES = ("Light", "Regular", "It", "Semibold", "Bold")

_compiling = Lock()  # a typst compiler is not to be entered twice at a time; one per template serves all threads


def quote_pdf(data: QuoteData) -> bytes:
    """The quote as PDF, in its own language. Raises UnknownCurrency for a currency without ISO 4217 decimals."""
    return _rendered("quote.typ", quote_view(data), "pdf")[0]


def order_form(data: QuoteData) -> bytes:
    """The order form of the one offer that was chosen. Raises DocumentInconsistent, UnknownCurrency."""
    if len(data.offers) != 1:
        raise DocumentInconsistent("an order form has one offer: the chosen one")
    return _rendered("order_form.typ", quote_view(data), "pdf")[0]


def invoice_pdf(data: InvoiceData) -> bytes:
    """The invoice as PDF. Raises UnknownCurrency for a currency without ISO 4217 decimals."""
    return _rendered("invoice.typ", invoice_view(data), "pdf")[0]


def evidence_pdf(view: dict[str, object]) -> bytes:
    """The evidence of a deal's approvals as PDF, from what `evidence_view` made of it."""
    return _rendered("evidence.typ", view, "pdf")[0]


def evidence_pages(view: dict[str, object]) -> list[bytes]:
    """Each page of the evidence as a picture, to be looked at."""
    return _rendered("evidence.typ", view, "png")


def pages_as_png(data: QuoteData | InvoiceData, template: str = "quote.typ") -> list[bytes]:
    """Each page of the document as a picture, to be looked at."""
    if isinstance(data, QuoteData):
        return _rendered(template, quote_view(data), "png")
    return _rendered("invoice.typ", invoice_view(data), "png")


def _rendered(template: str, view: dict[str, object], kind: Literal["pdf", "png"]) -> list[bytes]:
    inputs = {"data": json.dumps(view, ensure_ascii=False, sort_keys=True)}
    with _compiling:
        pages = _compiler(template).compile(
            format=kind,
            ppi=110 if kind == "png" else None,
            sys_inputs=inputs,
            timestamp=datetime(2000, 1, 1, tzinfo=UTC),
        )
    if pages is None:  # only with an output path
        raise TypeError(f"{template} gave no document")
    return pages if isinstance(pages, list) else [pages]


@cache
def _compiler(template: str) -> typst.Compiler:
    return typst.Compiler(TEMPLATES / template, root=TEMPLATES, font_paths=_fonts())


@cache
def _fonts() -> typst.Fonts:
    """The locked font package's five faces, held in memory.

    The package has each face twice (OTF, TTF) and typst takes whichever the folder lists first, which differs between
    machines. So one of each is copied to a folder of its own, read once by setting a line in every face, and let go.
    """
    package = importlib.util.find_spec(FONT_PACKAGE)  # found, not imported: its import only lists files
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError(f"documents need the font package {FONT_PACKAGE.replace('_', '-')}: pip install it")
    files = Path(package.submodule_search_locations[0]) / "files"
    with TemporaryDirectory(prefix="q2c-fonts-") as folder:
        for face in FACES:
            shutil.copyfile(files / f"SourceSansPro-{face}.otf", Path(folder) / f"{face}.otf")
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[folder])
        every_face = "".join(
            f'#text(weight: {face.weight}, style: "{face.style}")[a]' for face in fonts.fonts() if face.family == FAMILY
        )
        typst.Compiler(f'#set text(font: "{FAMILY}")\n{every_face}'.encode(), font_paths=fonts).compile(format="pdf")
    return fonts
