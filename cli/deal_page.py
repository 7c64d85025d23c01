"""The page of one deal in a terminal: first what a person asks (where, waiting for whom, how long, what next), then the whole record."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.text import Text

from cli import show
from cli.client import Api

Page = dict[str, Any]
COMING = 5
STEPS = 4  # of a ramp, that a line names


def zone_of(api: Api, page: Page) -> str:
    """The zone of the deal's legal entity: in it its dates are meant."""
    return str(api.get(f"/v1/entities/{page['entity_id']}")["zone"])


def print_standing(api: Api, page: Page) -> None:
    """Where the deal stands after a command: the head of its page."""
    _head(show.console(), page, api.get(f"/v1/entities/{page['entity_id']}"))


def print_page(api: Api, deal_id: str) -> None:
    """Everything about one deal."""
    page = api.get(f"/v1/deals/{deal_id}")
    entity = api.get(f"/v1/entities/{page['entity_id']}")
    zone = entity["zone"]
    out = show.console()
    _head(out, page, entity)
    _coming(out, page, entity)
    _orders(out, page, zone)
    if page["contract_id"]:
        _contract(out, page, api.get(f"/v1/contracts/{page['contract_id']}"))
        _invoices(out, page, list(api.pages("/v1/invoices", deal=deal_id)), zone)
        _payments(out, api, deal_id, zone)
    print_timeline(out, list(api.pages(f"/v1/deals/{deal_id}/timeline")), zone)


def _heading(out: Console, said: str) -> None:
    out.print()
    out.print(Text(said, style=show.BOLD))


def _below(out: Console, made: Any) -> None:
    show.put(out, made, 2)


def now_of(page: Page, entity: Page) -> datetime:
    """The deal's now: its sandbox's clock, or the wall's."""
    return show.moment(entity["clock_at"]) if page["virtual"] else datetime.now(tz=UTC)


def _head(out: Console, page: Page, entity: Page) -> None:
    zone, now = entity["zone"], now_of(page, entity)
    stage = show.word(page["stage"])
    stage.stylize("bold")
    out.print(Text(page["name"], style="bold") + Text("  ") + stage)
    clock = (
        f"sandbox {entity['id']}, its clock at {show.instant(entity['clock_at'], zone)}"
        if page["virtual"]
        else entity["id"]
    )
    known = [
        ("deal", page["id"]),
        ("account", f"{page['account_name']} ({page['account_id']})"),
        ("sold by", f"{clock}; times in {zone}"),
        ("owner", page["owner"]),
        ("ACV", page["acv"]["text"]),
        ("waits for", _waiting(page, zone, now)),
    ]
    if page["parked"]:
        known.append(("parked", Text(page["parked"], style="bold red")))
        known.append(("", Text(f"→ q2c deal retry {page['id']}, or q2c deal cancel", style="red")))
    if page["next"]:
        known.append(("next", _when(page["next"], zone, now)))
    if page["ended_on"]:
        known.append(("ended on", page["ended_on"]))
    made = show.table("", "", heading=False)
    made.columns[0].style = show.DIM
    made.columns[0].no_wrap = True
    _below(out, show.rows(made, known))


def _waiting(page: Page, zone: str, now: datetime) -> Text:
    if page["waits_for"] == "nothing":
        return Text(f"nothing, since {show.instant(page['since'], zone)}")
    said = Text("somebody to bring it back" if page["parked"] else page["waits_for"], style="bold yellow")
    if page["who"]:
        said += Text(" by ") + Text(page["who"], style="bold")
    return said + Text(f", since {show.instant(page['since'], zone)} ({show.age(now - show.moment(page['since']))})")


def _when(step: Page, zone: str, now: datetime) -> str:
    at = show.moment(step["at"])
    far = f"in {show.age(at - now)}" if at > now else "due now"
    return f"{show.step(step['kind'])} on {show.instant(step['at'], zone)} ({far})"


def _coming(out: Console, page: Page, entity: Page) -> None:
    steps = page["coming"][:COMING]
    if not steps:
        return
    _heading(out, "What comes next")
    lines = [(show.instant(step["at"], entity["zone"]), show.step(step["kind"]), step["subject"]) for step in steps]
    _below(out, show.rows(show.table("", "", "", heading=False), lines))


def _orders(out: Console, page: Page, zone: str) -> None:
    for order in page["orders"]:
        _heading(out, f"Order {order['number']} ({order['kind']}): {order['stage'].replace('_', ' ')}")
        if order["reason"]:
            _below(out, Text(order["reason"], style="red"))
        made = show.table(
            "version", "status", "ACV", "TCV", "discount", "valid until", right=("ACV", "TCV", "discount")
        )
        for each in order["versions"]:
            amounts = (each["acv"]["text"], each["total"]["text"], f"{each['discount_percent']} %")
            made.add_row(
                str(each["version"]), show.word(each["status"]), *amounts, show.instant(each["expires_at"], zone)
            )
        if order["versions"]:
            _below(out, made)
        if order["alternatives"] or order["answer"]:
            _below(out, _customer(order))
        for asked in order["approvals"]:
            _below(out, _approval(asked, zone))
    waiting = sum(each["reply"] is None for each in page["questions"])
    if waiting:
        said = f"{waiting} questions of the customer wait for an answer  → q2c deal questions"
        _below(out, Text(said, style="yellow"))


def _customer(order: Page) -> Text:
    """What the customer may choose from, and said on the share link."""
    said = Text("")
    if order["alternatives"]:
        names = [each["name"] + (" (recommended)" if each["recommended"] else "") for each in order["alternatives"]]
        said += Text(f"alternatives {', '.join(names)}")
        said += Text(f"; {order['chosen']} chosen", style="green") if order["chosen"] else Text("")
    if order["answer"]:
        said += Text("; " if said else "") + Text("the customer ") + show.word(order["answer"])
    return said


def _approval(asked: Page, zone: str) -> Text:
    """Who was asked and what they said, and below it why."""
    said = Text(f"v{asked['version']} level {asked['level']}: {asked['group']} ")
    said += show.word(asked["status"])
    if asked["decided_at"]:
        said += Text(f" by {asked['decided_by']}, {show.instant(asked['decided_at'], zone)}")
        said += Text(f": {asked['comment']}") if asked["comment"] else Text("")
    else:
        said += Text(f" since {show.instant(asked['asked_at'], zone)}")
    if asked["escalated_to"]:
        said += Text(f", escalated to {asked['escalated_to']}", style="yellow")
    return said + (Text(f"\n  {asked['reason']}", style=show.DIM) if asked["reason"] else Text(""))


def _contract(out: Console, page: Page, contract: Page) -> None:
    brief = page["contract"] or {}
    _heading(out, f"Contract {contract['number']}: {contract['stage']}")
    span = f"{contract['starts_on'] or 'from provisioning'} to {brief.get('ends_on') or contract['ends_on'] or 'open'}"
    renewal = f"renews, notice {contract['notice_days']} days before" if contract["auto_renew"] else "does not renew"
    terms = "by card" if contract["method"] == "card" else f"by transfer, {contract['net_days']} days net"
    billed = f"; billed through {brief['billed_through']}" if brief.get("billed_through") else ""
    access = f"; access {brief['access']}" if brief.get("access") else ""
    _below(out, Text(f"{span}, {terms}, {renewal}{billed}{access}"))
    made = show.table("term", "product", "", "quantity", "net", right=("quantity", "net"))
    for term in contract["terms"]:
        for number, line in enumerate(term["lines"]):
            first = f"{term['term']}, every {term['interval_months']} mo." if number == 0 else ""
            quantity = f"{line['quantity']} {line['unit_label']}".strip()
            when = Text(_when_billed(line, term), style=show.DIM)
            made.add_row(first, line["description"], when, quantity, line["period_amount"]["text"])
        for each in term["milestones"]:
            said = Text(f"when {each['milestone']} is reached  → q2c deal milestone", style="yellow")
            made.add_row("", said, "", "", each["net"]["text"])
    _below(out, made)
    for term in contract["terms"]:
        if term["coming"]:
            _below(out, Text(_still(term["coming"]), style=show.DIM))


def _still(coming: list[Page]) -> str:
    """What a term still invoices, net: how many, how much in all, and the day from which each amount holds."""
    steps = [each for n, each in enumerate(coming) if not n or each["net"] != coming[n - 1]["net"]]
    named = [f"{each['net']['text']} on {each['on']}" for each in steps[:STEPS]]
    more = ", …" if len(steps) > STEPS else ""
    return f"still to invoice: {len(coming)} times, from {', then '.join(named)}{more}"


def _when_billed(line: Page, term: Page) -> str:
    """Which periods a line is billed for, where it is not every one from the first, in advance."""
    said = {"one_time": ["once"], "milestone": [f"milestone {line['milestone']}"], "usage": ["by usage"]}
    parts = said.get(line["kind"], [])
    if line["kind"] == "recurring" and line["timing"] == "arrears":
        parts = ["in arrears"]
    segments = [each for each in term["lines"] if each["line_no"] == line["line_no"]]
    if len(segments) > 1:
        last = line["to_period"] or ""
        parts = [*parts, f"periods {line['from_period'] + 1}–{last}"]
    if line["starts_on"]:
        parts = [*parts, f"from {line['starts_on']}"]
    return ", ".join(parts)


def _invoices(out: Console, page: Page, invoices: list[Page], zone: str) -> None:
    if not invoices:
        return
    _heading(out, "Invoices")
    figures = ("total", "paid") if out.width < show.NARROW else ("net", "tax", "total", "paid")
    columns = ("number", "from", "due") if out.width < show.NARROW else ("number", "from", "to", "issued", "due")
    made = show.table(*columns, *figures, "status", "", right=figures, whole=columns)
    chased = {each["invoice_id"]: _chased(each, zone) for each in page["collections"]}
    for each in invoices:
        known = {
            "number": each["number"],
            "from": each["period_start"],
            "to": str(date.fromisoformat(each["period_end"]) - timedelta(days=1)),
            "issued": each["issued_on"],
            "due": each["due_on"],
        }
        amounts = [_figure(each[name]) for name in figures]
        made.add_row(
            *(known[name] for name in columns), *amounts, show.word(each["status"]), chased.get(each["id"], "")
        )
    _below(out, made)


def _chased(collection: Page, zone: str) -> Text:
    """What happened to an open invoice so far, and what comes."""
    parts = []
    if collection["attempts"]:
        parts.append(f"{collection['attempts']} attempts")
    if collection["messages"]:
        parts.append(f"{collection['messages']} messages")
    if collection["last_decline"]:
        parts.append(collection["last_decline"])
    if collection["next"]:
        parts.append(f"next {collection['next']['kind']} {show.instant(collection['next']['at'], zone)}")
    parts += [f"parked: {collection['parked']}"] if collection["parked"] else []
    return Text(", ".join(parts), style="red" if collection["last_decline"] or collection["parked"] else show.DIM)


def _payments(out: Console, api: Api, deal_id: str, zone: str) -> None:
    receipts = list(api.pages("/v1/payments", deal=deal_id))
    tries = [each for each in api.pages("/v1/payments/attempts", deal=deal_id) if each["status"] != "captured"]
    if not receipts and not tries:
        return
    _heading(out, "Payments")
    lines = [
        (
            each["received_on"],
            each["amount"]["text"],
            Text("received", "green"),
            f"{each['source']} {each['gateway_ref']}",
        )
        for each in receipts
    ]
    lines += [
        (
            show.instant(each["settled_at"] or each["started_at"], zone)[:10],
            each["amount"]["text"],
            show.word(each["status"]),
            f"attempt {each['attempt']}" + (f": {each['code']}" if each["code"] else ""),
        )
        for each in tries
    ]
    made = show.table("on", "amount", "", "", right=("amount",), whole=("on",))
    _below(out, show.rows(made, sorted(lines, key=lambda line: str(line[0]))))


def print_timeline(out: Console, lines: list[Page], zone: str) -> None:
    """Every fact of the deal in one list: when, who, what, how much."""
    _heading(out, f"Timeline ({zone})")
    made = show.table("when", "who", "what", "amount", right=("amount",), whole=("when",))
    for each in lines:
        cause = Text(f"  ← {each['cause']}", style=show.DIM) if each["cause"] else Text("")
        amount = each["amount"]["text"] if each["amount"] else ""
        who = each["actor"].partition("@")[0] if out.width < show.NARROW else each["actor"]
        made.add_row(show.instant(each["at"], zone), who, Text(each["text"]) + cause, amount)
    _below(out, made)


def _figure(amount: Page) -> str:
    """An amount without its currency, which the total says."""
    return str(amount["text"]).rpartition(" ")[0]
