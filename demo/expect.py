"""What each fate should come to, worked out from the book alone, beside what the engine made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from demo.records import Deal
from demo.story import CaseStory, Story
from domain.calendar import add_months

SUCCEED = "succeed"
DECLINED = frozenset({"declined", "failed"})
LATE = timedelta(days=10)  # a bank debit takes five days, and may be tried again

Check = Callable[[bool, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The stage a deal should be in, and why, in words for a table."""

    stage: str
    why: str


def expected(deal: Deal, today: date) -> End:
    """Where the deal should stand on `today`, the last day of the play."""
    if deal.signer.action != "sign":
        return End(stage="quote", why="declined" if deal.signer.action == "decline" else "expired unsigned")
    if deal.provisioning.for_good:
        return End(stage="ended", why="could not be provided; given up by ops")
    if never_pays(deal):
        return End(stage="ended", why="not paid; ended by dunning")
    over = add_months(deal.start, int(str(deal.terms["term_months"]))) < today
    if not over:
        return End(stage="active", why="in its first term")
    if deal.terms.get("auto_renew") == "yes":
        return End(stage="active", why="renewed by silence")
    if deal.renewal_signer.action == "sign":
        return End(stage="active", why="renewed by signature")
    return End(stage="ended", why="not renewed")


def never_pays(deal: Deal) -> bool:
    """The card never recovers, or the transfer never comes in full."""
    if deal.payer is not None:
        return deal.payer.action != "transfer"
    return deal.card_script[-1:] not in {(), (SUCCEED,)}


def mismatches(story: Story) -> list[str]:
    """Everything that is not as the fates say, one line each; empty: all is."""
    wrong = [line for case in story.cases for line in _case(case, story)]
    for books in story.books:
        name = books.sandbox.entity.name
        wrong += [f"{name}: the trial balance in {c} sums to {total}" for c, total in books.sums.items() if total]
        for source in books.ours:
            if books.ours[source] != books.outside[source]:
                wrong.append(f"{name}: {source} money {books.ours[source]}, the outside says {books.outside[source]}")
    return wrong


def _case(case: CaseStory, story: Story) -> list[str]:
    deal, page, end = case.deal, case.page, expected(case.deal, story.today(case.deal))
    wrong: list[str] = []

    def check(good: bool, what: str) -> None:
        if not good:
            wrong.append(f"{deal.name}: {what}")

    check(page["stage"] == end.stage, f"is {page['stage']} ({page['waits_for']}), should be {end.stage} ({end.why})")
    check(not page["parked"], f"is parked: {page['parked']}")
    _check_quote(case, check)
    _check_money(case, story, check)
    if deal.provisioning.fail_step and not deal.provisioning.for_good:
        failed = sum(books.failed_steps.get(page["id"], 0) for books in story.books)
        check(failed == deal.provisioning.times, f"{failed} provisioning failures, should be {deal.provisioning.times}")
    if end.why.startswith("renewed"):
        check(any(invoice["term"] == 2 for invoice in case.invoices), "has no invoice of its second term")  # noqa: PLR2004
    return wrong


def _check_quote(case: CaseStory, check: Check) -> None:
    """The desk acted as the book says."""
    desk, order = case.deal.desk, case.page["orders"][0]
    approvals = order["approvals"]
    if desk is None:
        check(not approvals, "somebody was asked to approve it")
        return
    check(bool(approvals), "nobody was asked to approve it")
    check(all(a["status"] != "asked" for a in approvals), "a request for approval was never answered")
    if desk.action == "silent":
        check(any(a["escalated_to"] for a in approvals), "was never escalated")
    if desk.action == "reject":
        check(any(a["status"] == "rejected" for a in approvals), "was never rejected")
        check(len(order["versions"]) == 2, f"has {len(order['versions'])} versions, should be 2")  # noqa: PLR2004
    else:
        check(len(order["versions"]) == 1, f"has {len(order['versions'])} versions, should be 1")


def _check_money(case: CaseStory, story: Story, check: Check) -> None:
    """The card did what its script says; what is not paid is not paid because nobody pays."""
    deal, today = case.deal, story.today(case.deal)
    declined = sum(attempt["status"] in DECLINED for attempt in case.attempts)
    unpaid = [i for i in case.invoices if i["status"] != "paid" and date.fromisoformat(i["due_on"]) + LATE < today]
    if never_pays(deal):
        check(any(i["status"] == "uncollectible" for i in case.invoices), "nothing of it was given up")
        check(deal.method == "transfer" or declined > 0, "its card was never declined")
        return
    check(not unpaid, f"not paid: {', '.join(i['number'] for i in unpaid)}")
    scripted = sum(entry != SUCCEED for entry in deal.card_script)
    if case.attempts:
        check(declined == scripted, f"{declined} charges were declined, should be {scripted}")
