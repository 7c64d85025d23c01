"""What each fate should come to, worked out from the book alone, beside what the engine made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import zip_longest

from demo.course import entry_told
from demo.records import Deal
from demo.story import CaseStory, Story
from domain.approving.evidence import verify
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
    if deal.visits is not None and not any(visit.action == "accepts" for visit in deal.visits):
        return End(stage="quote", why="expired unread" if not deal.visits else "expired unanswered")
    if deal.signer.action != "sign":
        return End(stage="quote", why="declined" if deal.signer.action == "decline" else "expired unsigned")
    if deal.provisioning.for_good:
        return End(stage="ended", why="could not be provided; given up by ops")
    if never_pays(deal):
        return End(stage="ended", why="not paid; ended by dunning")
    starts = str(deal.agreed.get("start", ""))
    begins = date.fromisoformat(starts) if starts[:1].isdigit() else deal.start
    over = add_months(begins, int(str(deal.agreed.get("term_months", 12)))) < today
    if not over:
        return End(stage="active", why="in its first term")
    if deal.agreed.get("auto_renew") in {"yes", "true"}:
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
    _check_preview(case, check)
    if deal.visits is not None:
        _check_customer(case, check)
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
    counters = len(case.course.counters) if case.course is not None else 0
    count = 1 + (case.deal.revised is not None) + (desk is not None and desk.action == "reject") + counters
    moved = case.moved is not None and case.moved["status"] == "done"
    versions = [version for version in order["versions"] if version["kind"] != "migration"]
    check(len(versions) == count, f"has {len(versions)} versions, should be {count}")
    check(len(order["versions"]) - len(versions) == moved, "has no version of the prices that it was moved to")
    if desk is None:
        check(not approvals, "somebody was asked to approve it")
        return
    check(bool(approvals), "nobody was asked to approve it")
    check(all(a["status"] != "asked" for a in approvals), "a request for approval was never answered")
    _check_evidence(case, check)
    if desk.action == "silent":
        check(any(a["escalated_to"] for a in approvals), "was never escalated")
    if desk.action == "reject":
        check(any(a["status"] == "rejected" for a in approvals), "was never rejected")


def _check_evidence(case: CaseStory, check: Check) -> None:
    """What it tells is as it was written, and the course of the book, where the deal has one: word for word."""
    for problem in verify(case.evidence):
        check(False, f"its evidence: {problem}")
    if case.course is None:
        return
    told, acts = [entry_told(entry) for entry in case.entries], [act.told for act in case.course.acts]
    pairs = enumerate(zip_longest(told, acts), start=1)
    number, (found, meant) = next((each for each in pairs if each[1][0] != each[1][1]), (0, (None, None)))
    check(number == 0, f"its evidence is not its course from entry {number} on: it tells {found}, should tell {meant}")


def _check_preview(case: CaseStory, check: Check) -> None:
    """What was invoiced is what was previewed; a contract that was moved pays from then on what its migration said."""
    for pair in case.pairs:
        number, (before, after) = pair.invoice["number"], pair.net
        check(pair.equal, f"{number} was previewed as {before}, is {after}: {pair.lines[0]} {pair.lines[1]}")
    reached = {invoice["occasion"] for invoice in case.invoices if invoice["occasion"]}
    named = {name for name, _ in case.deal.milestones}
    check(reached == named, f"milestones invoiced: {sorted(reached)}, should be {sorted(named)}")
    if case.moved is None or case.moved["status"] != "done":
        return
    first = [invoice for invoice in case.invoices if invoice["term"] == 1]
    later = first[sum(1 for pair in case.pairs if not pair.invoice["occasion"]) :]
    for invoice in later:
        said = case.moved["after"]["minor"]
        check(invoice["net"]["minor"] == said, f"{invoice['number']} is {invoice['net']['text']}, not as moved: {said}")
    check(bool(later), "has no invoice at the prices that it was moved to")


def _check_customer(case: CaseStory, check: Check) -> None:
    """The customer did on the page what it had in mind, and we know of it."""
    visits = case.deal.visits or ()
    asked = [visit.text for visit in visits if visit.action == "asks"]
    views = sum(len(link["views"]) for link in case.shares["links"])
    check(views >= len(visits) if visits else views == 0, f"{views} views are known of {len(visits)} visits")
    check([each["text"] for each in case.shares["questions"]] == asked, "its questions are not those that were asked")
    check(all(each["reply"] == case.deal.reply for each in case.shares["questions"]), "a question has another answer")
    check(case.order["chosen"] == case.deal.chosen, f"{case.order['chosen']!r} is chosen, not {case.deal.chosen!r}")


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
