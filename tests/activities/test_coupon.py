"""A coupon's limit is never passed: not by two deals at the same instant, not by a version that comes back to life."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from domain.agenda import next_due
from domain.deal import accept
from domain.document import content_hash
from domain.message import Message, Respond, Revise, Submit, Verdict, Withdraw
from domain.step import StepKind
from gateways.parties import PartiesFor
from models.coupon import CouponRow
from models.quote import QuoteDraftRow
from sandbox.process import SandboxProcess
from tests.activities.hand import SALES, Hand, hand
from tests.place import DRAFT
from tests.suite import SEATS, book_row
from workflows.stubs import Perform

ONCE = {"code": "ONCE", "percent": "50", "total_uses": 1}
WITH = {"price_book": "suite-eur", "lines": [SEATS], "coupons": ["ONCE"], "delivery": "link"}
ALIVE = "SELECT v.status FROM coupon_uses u JOIN quote_versions v ON v.id = u.version_id ORDER BY u.deal_id"


@pytest.fixture
async def both(database_url: str, outside: SandboxProcess) -> AsyncIterator[tuple[Hand, Hand]]:
    """Two deals of one house, and a coupon for one of them."""
    async with hand(database_url, outside) as first:
        row = CouponRow(code="ONCE", content=ONCE, content_hash=content_hash(ONCE), created_at=first.deal.clock.now)
        await first.place.add([book_row(), row])
        parties = PartiesFor(first.place.addresses())
        account = await first.place.account(name="Other")
        yield first, Hand(first.place, parties, replace(first.deal, id=f"{first.deal.id}-2", account_id=account))
        await parties.close()


async def drafted(h: Hand, number: int, **changes: Any) -> None:
    """The draft is known to the deal, and not priced yet."""
    content = {**DRAFT, **WITH, **changes}
    row = QuoteDraftRow(
        id=f"qd_{h.deal.id}_{number}",
        deal_id=h.deal.id,
        content=content,
        content_hash=content_hash(content),
        by=SALES,
        created_at=h.deal.clock.now,
    )
    await h.place.add([row])
    body = Revise(draft_id=row.id, draft_hash=row.content_hash)
    h.deal = accept(h.deal, Message(id=f"revise-{number}", by=SALES, body=body), h.deal.clock.now)


async def test_two_deals_price_with_the_last_use_at_the_same_instant(both: tuple[Hand, Hand]) -> None:
    commands = []
    for number, each in enumerate(both):
        await drafted(each, number)
        take = next_due(each.deal, each.deal.clock.now)
        assert take is not None
        await each.step(take)
        step = next_due(each.deal, each.deal.clock.now)
        assert step is not None
        assert step.kind is StepKind.PRICE
        commands.append(Perform(deal=each.deal, step=step, now=each.deal.clock.now))
    done = await asyncio.gather(*(each.perform(command) for each, command in zip(both, commands, strict=True)))
    assert sorted(each.outcome.kind for each in done) == ["price_refused", "priced"]
    assert await both[0].place.one("SELECT count(*) FROM coupon_uses") == 1


async def test_a_version_that_is_given_up_gives_its_coupon_back(both: tuple[Hand, Hand]) -> None:
    one, other = both
    await one.revise(**WITH)
    assert one.deal.orders[0].stage == "priced"
    await other.revise(**WITH)
    assert (other.deal.orders[0].stage, "coupon used up" in other.deal.orders[0].reason) == ("refused", True)
    await one.say(Withdraw(reason="no budget"))
    await other.revise(**WITH)
    assert other.deal.orders[0].stage == "priced"
    await one.revise(**WITH)
    assert one.deal.orders[0].stage == "refused"
    assert await one.place.rows(ALIVE) == [("superseded",), ("priced",)]


async def test_a_deal_keeps_its_coupon_through_its_own_versions(both: tuple[Hand, Hand]) -> None:
    one, _ = both
    await one.revise(**WITH)
    await one.revise(**WITH)
    assert await one.place.rows(ALIVE) == [("priced",)]
    assert await one.place.rows("SELECT version, total_minor FROM quote_versions ORDER BY version") == [
        (1, 120_000),
        (2, 120_000),
    ]


async def test_who_declined_returns_only_while_the_coupon_is_still_to_be_had(both: tuple[Hand, Hand]) -> None:
    one, other = both
    await one.revise(**WITH)
    await one.say(Submit(version=1))
    order = one.deal.orders[0]
    said = Respond(
        version=1,
        content_hash=order.content_hash,
        share_id=order.share_id,
        answer="decline",
        reason="too dear",
        name="Gina",
    )
    await one.say(said)
    await other.revise(**WITH)
    back = replace(said, answer="accept")
    refused = await one.say(back)
    assert (refused.verdict, refused.error, one.deal.orders[0].stage) == (Verdict.REFUSED, "CouponUsedUp", "declined")
    await other.say(Withdraw(reason="no budget"))
    assert (await one.say(back)).verdict is Verdict.ACCEPTED
