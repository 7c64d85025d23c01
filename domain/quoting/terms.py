"""What is agreed beside the lines of a quote: how long, how often billed, how paid, how renewed, how it reaches the customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.document import Reader

METHODS = ("card", "transfer")
STARTS = ("provisioning", "signature")
INTERVALS = (1, 3, 12)
DELIVERIES = ("signature", "link")
LANGUAGES = ("en", "fr")
LONGEST_TERM = 120
MOST_CLAUSES = 50
EMAIL = r"[^@\s]+@[^@\s]+"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteTerms:
    """`delivery`: `link` shows the version to the customer by a share link before it is signed; `language`: of documents.

    A partner resells at our net: `partner_percent` of what is left after all discounts is the partner's.
    `clauses` are those that our standard terms do not hold.
    """

    term_months: int
    interval_months: int
    start: str  # provisioning, signature or an ISO date
    net_days: int
    method: str
    auto_renew: bool
    notice_days: int
    uplift_percent: Decimal
    valid_days: int
    signer_name: str
    signer_email: str
    delivery: str = "signature"
    language: str = "en"
    partner_name: str = ""
    partner_percent: Decimal = Decimal(0)
    clauses: tuple[str, ...] = ()

    @property
    def periods(self) -> int:
        """How many billing periods the term has: the interval divides the term."""
        return self.term_months // self.interval_months


def read_terms(reader: Reader) -> QuoteTerms:
    """The terms in the fields of a draft; what is wrong is added to the reader's problems."""
    term, interval = read_span(reader, term=12, interval=1)
    method = reader.choice("method", METHODS, "card")
    signer = reader.section("signer")
    partner = reader.section("partner", required=False)
    terms = QuoteTerms(
        term_months=term,
        interval_months=interval,
        start=read_start(reader, STARTS[0]),
        net_days=reader.whole("net_days", 0 if method == "card" else 30, minimum=0, maximum=365),
        method=method,
        auto_renew=reader.flag("auto_renew", default=False),
        notice_days=reader.whole("notice_days", 30, minimum=0, maximum=365),
        uplift_percent=reader.decimal("uplift_percent", Decimal(0), minimum=0, maximum=100),
        valid_days=reader.whole("valid_days", 30, minimum=1, maximum=365),
        signer_name=signer.text("name"),
        signer_email=signer.text("email", pattern=EMAIL, shape="a mail address"),
        delivery=reader.choice("delivery", DELIVERIES, DELIVERIES[0]),
        language=reader.choice("language", LANGUAGES, LANGUAGES[0]),
        partner_name=partner.text("name", None if partner.names() else ""),
        partner_percent=partner.decimal(
            "margin_percent", None if partner.names() else Decimal(0), minimum=0, maximum=100
        ),
        clauses=_clauses(reader),
    )
    signer.end()
    partner.end()
    return terms


def read_span(reader: Reader, *, term: int, interval: int) -> tuple[int, int]:
    """The months of the term and of a billing period (given: those that stand unless others are said)."""
    term = reader.whole("term_months", term, minimum=1, maximum=LONGEST_TERM)
    interval = int(reader.choice("interval_months", tuple(str(each) for each in INTERVALS), str(interval)))
    if term % interval:
        reader.problem("interval_months", f"does not divide the term of {term} months")
    return term, interval


def read_start(reader: Reader, default: str) -> str:
    """provisioning, signature or a date; `default` where nothing is said."""
    said = reader.text("start", default)
    if said in {*STARTS, default}:
        return said
    try:
        return date.fromisoformat(said).isoformat()
    except ValueError:
        reader.problem("start", f"expected provisioning, signature or a date as in 2026-01-31, found {said!r}")
        return default


def _clauses(reader: Reader) -> tuple[str, ...]:
    clauses = reader.texts("clauses", pattern=r"[\s\S]{1,2000}", shape="text of 1 to 2,000 characters")
    if len(clauses) > MOST_CLAUSES:
        reader.problem("clauses", f"has more than {MOST_CLAUSES} clauses")
    return clauses
