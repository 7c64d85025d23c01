"""What a quote shows, every text ready: the same view is set on paper by typst and in the browser by the share page."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from gateways.document_view import common, labels, row
from gateways.price_text import price_text
from gateways.quote_data import Kind, Parts, QuoteData, QuoteLine, QuoteOffer, QuoteStretch
from gateways.words import Words, words_of

KINDS: tuple[Kind, ...] = ("recurring", "one_time", "milestone", "usage")
_ON_CARD = 6  # lines that an offer's card names; its own section lists them all


def quote_view(data: QuoteData, language: str = "") -> dict[str, object]:
    """Every text of the quote in its own language, or in another one. Raises UnknownCurrency."""
    words = words_of(language or data.language)
    choose = len(data.offers) > 1
    return {
        **common(data.seller, data.buyer, data.number, data.issued_on, words),
        "labels": labels(words),
        "number": data.number,
        "currency": data.currency,
        "title": data.title,
        "version_issued": words("version_issued", version=str(data.version), on=words.long_date(data.issued_on)),
        "prepared_by": words("prepared_by", who=data.prepared_by),
        "preparer": data.prepared_by,
        "signer": data.signer,
        "partner": words("through_partner", name=data.partner) if data.partner else "",
        "expires_on": words.long_date(data.expires_on),
        "choose": choose,
        "offers": [_offer(data, offer, words, choose=choose) for offer in data.offers],
        "terms": _terms(data, words),
        "clauses": list(data.clauses),
        "note": words("quote_note", on=words.long_date(data.expires_on)),
        "signing": words("signing", on=words.long_date(data.expires_on)),
        "draft": data.draft,
    }


def _offer(data: QuoteData, offer: QuoteOffer, words: Words, *, choose: bool) -> dict[str, object]:
    period = period_word(offer.interval_months, words)
    offer = replace(offer, lines=tuple(line.called(words.language) for line in offer.lines))
    return {
        "key": offer.name,
        "name": shown(offer.name),
        "title": words("offer_named", name=shown(offer.name)) if choose else "",
        "recommended": offer.recommended and choose,
        "facts": _facts(data, offer, words),
        "sections": _sections(offer, data.currency, words),
        "adjusted": any(stretch.parts for line in offer.lines for stretch in line.stretches),
        "note": words("amounts_note", period=period, currency=data.currency)
        if offer.plain
        else words("amounts_note_plain", currency=data.currency),
        "ramp": _ramp(offer, data.currency, words),
        "ramp_net": words("ramp_net", period=period),
        "sums": _sums(offer, data.currency, words),
        "card": _card(offer, data.currency, words) if choose else None,
        "tcv": words.amount(offer.tcv_minor, data.currency),
    }


def _facts(data: QuoteData, offer: QuoteOffer, words: Words) -> list[tuple[str, str]]:
    method = words(f"method_{data.method}")
    starts = (
        words(f"starts_{offer.starts}")
        if words.has(f"starts_{offer.starts}")
        else words.long_date(date.fromisoformat(offer.starts))
    )
    return [
        (words("term"), words.count("months", offer.term_months)),
        (words("billing"), _billing(offer, words)),
        (
            words("payment"),
            words("payment_net", method=method, n=str(data.net_days))
            if data.net_days
            else words("payment_at_once", method=method),
        ),
        (words("starts"), starts),
    ]


def _billing(offer: QuoteOffer, words: Words) -> str:
    timings = {line.timing for line in offer.lines if line.kind == "recurring"}
    if not timings and not any(line.kind == "usage" for line in offer.lines):
        return words("billed_only_once")
    billed = words(f"billed_{offer.interval_months}")
    return words("in_advance" if "advance" in timings else "in_arrears", billed=billed)


def period_word(months: int, words: Words) -> str:
    """The billing period as a word: month, quarter, half-year, year."""
    return words(f"period_{months}")


def shown(name: str) -> str:
    """A name of a draft as people read it.

    >>> shown("data-platform")
    'Data platform'
    """
    words = name.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


# --- lines -----------------------------------------------------------------------------------------------------------


def _sections(offer: QuoteOffer, currency: str, words: Words) -> list[dict[str, object]]:
    """The lines by kind, within a kind by group, each in its first order; a quote of one sort needs no heading."""
    keys = [(kind, line.group) for kind in KINDS for line in offer.lines if line.kind == kind]
    found: list[dict[str, object]] = []
    for kind, group in dict.fromkeys(keys):
        lines = [line for line in offer.lines if (line.kind, line.group) == (kind, group)]
        heading = words(f"kind_{kind}", period=period_word(offer.interval_months, words))
        found.append(
            {
                "title": " · ".join(part for part in (shown(group), heading) if part),
                "lines": [_line(line, offer, currency, words) for line in lines],
            }
        )
    if len(found) == 1 and offer.plain and not offer.lines[0].group:
        found[0]["title"] = ""
    return found


def _line(line: QuoteLine, offer: QuoteOffer, currency: str, words: Words) -> dict[str, object]:
    several = len(line.stretches) > 1
    rate_card = price_text(line.price, unit=line.unit_label, currency=currency, words=words) if line.price else ()
    own = () if several or rate_card else line.stretches[0].detail
    return {
        "description": line.description,
        "detail": [*rate_card, *own, *_remarks(line, offer, currency, words)],
        "several": several,
        "by_usage": _by_usage(line),
        "rows": [_stretch(line, stretch, offer, currency, words) for stretch in line.stretches],
    }


def _remarks(line: QuoteLine, offer: QuoteOffer, currency: str, words: Words) -> list[str]:
    """When a line is billed and begins, where that differs from the rest of the quote."""
    remarks = []
    if line.attributes:
        remarks.append(", ".join(f"{name} {value}" for name, value in line.attributes.items()))
    if line.kind == "milestone":
        remarks.append(words("billed_on_milestone", milestone=line.milestone))
    elif line.kind == "one_time":
        remarks.append(words("billed_once"))
    elif line.kind == "usage" or line.timing == "arrears":
        remarks.append(words("billed_arrears"))
    if line.stretches[0].estimate_minor:
        amount = words.amount(line.stretches[0].estimate_minor, currency)
        remarks.append(words("usage_estimate", amount=amount, period=period_word(offer.interval_months, words)))
    if line.starts and line.starts != offer.starts:
        known = words.has(f"starts_{line.starts}")
        remarks.append(
            words(f"starts_{line.starts}")
            if known
            else words("starts_on", on=words.long_date(date.fromisoformat(line.starts)))
        )
    return remarks


def _stretch(
    line: QuoteLine, stretch: QuoteStretch, offer: QuoteOffer, currency: str, words: Words
) -> dict[str, object]:
    by_usage = _by_usage(line)
    return {
        "period": months_text(stretch.from_period, stretch.to_period, offer.interval_months, words),
        "quantity": "" if by_usage else words.number(stretch.quantity),
        "unit": line.unit_label,
        "list": "" if by_usage else words.amount(stretch.list_minor, currency),
        "parts": _parts(stretch.parts, currency, words),
        "net": words("usage_by_rate") if by_usage else words.amount(stretch.net_minor, currency),
    }


def _by_usage(line: QuoteLine) -> bool:
    """Nothing of it is fixed: its rate card is all there is to say."""
    return line.kind == "usage" and not any(stretch.net_minor for stretch in line.stretches)


def _parts(parts: Parts, currency: str, words: Words) -> list[dict[str, str]]:
    return [{"name": words(f"part_{name}"), "amount": words.amount(minor, currency)} for name, minor in parts if minor]


def months_text(from_period: int, to_period: int, interval: int, words: Words) -> str:
    """Billing periods `[from, to)` as months of the term, counted from one.

    >>> months_text(0, 12, 1, words_of("en")), months_text(4, 8, 3, words_of("fr"))
    ('Months 1–12', 'Mois 13 à 24')
    """
    first, last = from_period * interval + 1, to_period * interval
    if last <= first:
        return words("month_single", first=str(first))
    return words("month_range", first=str(first), last=str(last))


# --- sums ------------------------------------------------------------------------------------------------------------


def _ramp(offer: QuoteOffer, currency: str, words: Words) -> list[dict[str, str]]:
    """The recurring net of the whole offer, one row per stretch of the term in which no line changes."""
    stretches = [stretch for line in offer.lines if line.kind == "recurring" for stretch in line.stretches]
    bounds = sorted({bound for each in stretches for bound in (each.from_period, each.to_period)})
    if len(bounds) <= 2:  # noqa: PLR2004 - the term's two ends
        return []
    rows = []
    for start, end in itertools.pairwise(bounds):
        net = sum(each.net_minor for each in stretches if each.from_period <= start and end <= each.to_period)
        rows.append(
            {
                "period": months_text(start, end, offer.interval_months, words),
                "net": words.amount(net, currency),
                "count": str(end - start),
                "sum": words.amount(net * (end - start), currency),
            }
        )
    return rows


def _sums(offer: QuoteOffer, currency: str, words: Words) -> list[dict[str, str]]:
    """The waterfall: of one billing period where every period is the same, else of the whole term."""
    term = words.count("months", offer.term_months)
    period = period_word(offer.interval_months, words)

    def said(key: str, minor: int, kind: str = "plain", **values: str) -> dict[str, str]:
        return row(words(key, **values), words.amount(minor, currency), kind)

    if offer.plain:
        nets = [line.stretches[0] for line in offer.lines]
        rows = [said("list_per", sum(each.list_minor for each in nets), period=period)]
        rows += _reductions(_added(each.parts for each in nets), currency, words)
        rows.append(said("net_per", offer.net_minor, "sum", period=period))
    else:
        rows = [said("list_total", offer.list_minor), *_reductions(offer.parts, currency, words)]
        kinds = [
            ("recurring_total", offer.recurring_minor),
            ("one_time_total", offer.one_time_minor),
            ("milestone_total", offer.milestone_minor),
            ("usage_committed", offer.usage_minor),
        ]
        rows += [
            said(key, minor, "sum" if i == 0 else "plain", **({"term": term} if i == 0 else {}))
            for i, (key, minor) in enumerate(kinds)
            if minor
        ]
        if offer.usage_estimate_minor:
            rows.append(said("usage_total", offer.usage_estimate_minor, "less"))
    rows.append(said("acv", offer.acv_minor))
    if offer.first_year_minor is not None and offer.first_year_minor != offer.acv_minor:
        rows.append(said("first_year", offer.first_year_minor))
    return [*rows, said("total_for", offer.tcv_minor, "grand", term=term, currency=currency)]


def _added(each: Iterable[Parts]) -> Parts:
    sums: dict[str, int] = {}
    for parts in each:
        for name, minor in parts:
            sums[name] = sums.get(name, 0) + minor
    return tuple(sums.items())


def _reductions(parts: Parts, currency: str, words: Words) -> list[dict[str, str]]:
    return [row(part["name"], part["amount"], "less") for part in _parts(parts, currency, words)]


def _card(offer: QuoteOffer, currency: str, words: Words) -> dict[str, object]:
    """What stands beside the other offers."""
    names: Sequence[str] = [_named(line, words) for line in offer.lines]
    rest = len(names) - _ON_CARD
    return {
        "net": words.amount(offer.net_minor, currency),
        "per": words("per_period", period=period_word(offer.interval_months, words)),
        "term": words.count("months", offer.term_months),
        "lines": [*names[:_ON_CARD], *([words.count("more_lines", rest)] if rest > 0 else [])],
        "acv": words.amount(offer.acv_minor, currency),
        "tcv": words.amount(offer.tcv_minor, currency),
    }


def _named(line: QuoteLine, words: Words) -> str:
    first, last = line.stretches[0].quantity, line.stretches[-1].quantity
    if not first:
        return line.description
    told = words.number(first) if first == last else f"{words.number(first)} → {words.number(last)}"
    return f"{told} × {line.description}" if first != 1 or last != 1 else line.description


def _terms(data: QuoteData, words: Words) -> list[str]:
    advance = all(
        line.kind == "recurring" and line.timing == "advance" for offer in data.offers for line in offer.lines
    )
    days = str(data.notice_days)
    return [
        words("renews" if data.auto_renew else "ends", n=days),
        *([words("rises", percent=words.percent(data.uplift_percent))] if data.uplift_percent else []),
        words("invoiced_advance" if advance else "invoiced_mixed"),
        words("pay_card") if data.method == "card" else words("pay_transfer", n=str(data.net_days)),
    ]
