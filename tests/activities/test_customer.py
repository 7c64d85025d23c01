"""A version is shown by a link, asked about, declined, accepted, and only then goes out; each step over the real books, twice."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from domain.message import Ask, Reply, Respond, Submit, Verdict
from domain.step import StepKind
from models.share import QuoteQuestionRow
from sandbox.process import SandboxProcess
from tests.activities.hand import SALES, Hand, hand
from tests.place import SIGNER
from tests.suite import ALTERNATIVES, LINKED, book_row

VERSIONS = "SELECT version, status, alternative FROM quote_versions ORDER BY version"


@pytest.fixture
async def h(database_url: str, outside: SandboxProcess) -> AsyncIterator[Hand]:
    async with hand(database_url, outside) as made:
        await made.place.add([book_row()])
        yield made


async def shown(h: Hand, **draft: Any) -> None:
    """Priced, submitted, shown."""
    await h.revise(**draft)
    await h.say(Submit(version=h.deal.orders[0].version))


def answer(h: Hand, word: str = "accept", **differs: Any) -> Respond:
    order = h.deal.orders[0]
    said: dict[str, Any] = {
        "version": order.version,
        "content_hash": order.content_hash,
        "share_id": order.share_id,
        "answer": word,
        "name": "Gina Globex",
    }
    return Respond(**{**said, **differs})


async def test_a_link_is_made_and_mailed_and_no_token_is_anywhere(h: Hand) -> None:
    await shown(h, **LINKED, language="fr")
    order = h.deal.orders[0]
    assert (order.stage, h.kinds()) == ("presented", [StepKind.TAKE, StepKind.PRICE, StepKind.TAKE, StepKind.PRESENT])
    version = await h.place.one("SELECT id FROM quote_versions")
    assert await h.place.rows("SELECT id, version_id, content_hash, expires_at, revoked_at FROM share_links") == [
        (order.share_id, version, order.content_hash, order.expires_at, None)
    ]
    ((to, subject, body),) = await h.place.rows("SELECT to_, subject, body FROM mails")
    assert (to, subject) == (SIGNER, "Globex: Acme Team : votre offre de Acme GmbH")
    assert f"{{{{share:{order.share_id}}}}}" in body
    assert "http" not in body
    assert await h.place.rows("SELECT stage, waits_for, who FROM deals") == [("signature", "customer", "the customer")]
    assert await h.place.rows(VERSIONS) == [(1, "presented", "")]


async def test_what_is_accepted_goes_out_and_is_booked(h: Hand) -> None:
    await shown(h, **ALTERNATIVES)
    assert (await h.say(answer(h, alternative="best"), by=SIGNER)).verdict is Verdict.ACCEPTED
    assert h.kinds()[-2:] == [StepKind.TAKE, StepKind.SEND]
    assert await h.place.rows(VERSIONS) == [(1, "out_for_signature", "best")]
    assert await h.place.rows("SELECT to_, subject FROM mails WHERE to_ = :to", to=SALES) == [
        (SALES, "Globex: Acme Team: version 1 accepted")
    ]
    await h.signed()
    assert h.deal.contract is not None
    (term,) = h.deal.contract.terms
    assert (term.months, term.interval_months, term.arrears) == (24, 3, True)
    assert [m.name for m in h.deal.contract.milestones] == ["go-live"]
    lines = (
        "SELECT product, kind, timing, from_period, to_period, period_amount_minor FROM contract_lines ORDER BY line_no"
    )
    assert await h.place.rows(lines) == [
        ("seats", "recurring", "advance", 0, 8, 150_000),
        ("support", "recurring", "arrears", 0, 8, 27_000),
        ("rollout", "milestone", "advance", 0, 1, 120_000),
    ]
    assert await h.place.one("SELECT acv_minor FROM deals") == (150_000 + 27_000) * 4


@pytest.mark.parametrize(
    ("differs", "error"),
    [
        ({"alternative": ""}, "UnknownAlternative"),
        ({"alternative": "worst"}, "UnknownAlternative"),
        ({"alternative": "good", "version": 2}, "SupersededVersion"),
        ({"alternative": "good", "content_hash": "0" * 64}, "SupersededVersion"),
        ({"alternative": "good", "share_id": "shl_none"}, "MissingReference"),
    ],
)
async def test_what_was_not_shown_cannot_be_accepted(h: Hand, differs: dict[str, Any], error: str) -> None:
    await shown(h, **ALTERNATIVES)
    before = h.deal.orders
    refused = await h.say(answer(h, **differs), by=SIGNER)
    assert (refused.verdict, refused.error) == (Verdict.REFUSED, error)
    assert h.deal.orders == before
    assert await h.place.rows(VERSIONS) == [(1, "presented", "")]


async def test_a_revoked_link_accepts_nothing(h: Hand) -> None:
    await shown(h, **LINKED)
    async with h.place.database.transaction() as session:
        await session.execute(text("UPDATE share_links SET revoked_at = now(), revoked_by = 'sam@acme.example'"))
    refused = await h.say(answer(h), by=SIGNER)
    assert (refused.verdict, refused.error, h.deal.orders[0].stage) == (
        Verdict.REFUSED,
        "ShareLinkRevoked",
        "presented",
    )


async def test_who_declined_may_return_while_the_version_is_valid(h: Hand) -> None:
    await shown(h, **LINKED)
    await h.say(answer(h, "decline", reason="too dear"), by=SIGNER)
    assert await h.place.rows(VERSIONS) == [(1, "declined", "")]
    assert await h.place.rows("SELECT stage, waits_for, who FROM deals") == [("quote", "revision", SALES)]
    await h.until("2027-01-20")
    await h.say(answer(h), by=SIGNER)
    assert await h.place.rows(VERSIONS) == [(1, "out_for_signature", "")]
    line = "SELECT text FROM timeline WHERE kind = 'take' ORDER BY id DESC LIMIT 1"
    assert await h.place.one(line) == "Gina Globex accepted version 1"


async def test_who_returns_too_late_is_refused(h: Hand) -> None:
    await shown(h, **LINKED)
    await h.say(answer(h, "decline", reason="too dear"), by=SIGNER)
    await h.until("2027-02-10")
    refused = await h.say(answer(h), by=SIGNER)
    assert (refused.verdict, refused.error) == (Verdict.REFUSED, "QuoteExpired")
    assert await h.place.rows(VERSIONS) == [(1, "declined", "")]


async def test_a_quote_expires_before_the_customer_who_comes_too_late_is_heard(h: Hand) -> None:
    await shown(h, **LINKED, valid_days=3)
    late = answer(h)
    await h.until(datetime(2027, 1, 4, 9, 0, 1, tzinfo=UTC))
    refused = await h.say(late, by=SIGNER)
    assert (refused.verdict, refused.error) == (Verdict.REFUSED, "QuoteExpired")
    assert await h.place.rows(VERSIONS) == [(1, "expired", "")]


async def test_a_question_reaches_the_owner_and_its_answer_the_customer(h: Hand) -> None:
    await shown(h, **LINKED)
    order = h.deal.orders[0]
    question = QuoteQuestionRow(
        id="qq_1",
        share_id=order.share_id,
        deal_id=h.deal.id,
        version_id=order.version_id,
        text="Is support included?",
        by=SIGNER,
        at=h.deal.clock.now,
    )
    await h.place.add([question])
    await h.say(Ask(version=1, question_id="qq_1"), by=SIGNER)
    assert await h.place.rows("SELECT waits_for, who FROM deals") == [("reply", SALES)]
    assert await h.place.one("SELECT recorded_turn FROM quote_questions") == h.deal.turn - 1
    async with h.place.database.transaction() as session:
        await session.execute(
            text("UPDATE quote_questions SET reply = 'Yes.', replied_by = :by, replied_at = now()"), {"by": SALES}
        )
    await h.say(Reply(question_id="qq_1"))
    assert await h.place.rows("SELECT waits_for, who FROM deals") == [("customer", "the customer")]
    mails = "SELECT to_, subject FROM mails WHERE subject NOT LIKE '%your quote%' ORDER BY to_"
    assert await h.place.rows(mails) == [
        (SIGNER, "Re: Globex: Acme Team"),
        (SALES, f"Globex: Acme Team: {SIGNER} asks about version 1"),
    ]
    twice = await h.say(Reply(question_id="qq_1"))
    assert (twice.verdict, twice.error) == (Verdict.REFUSED, "UnknownQuestion")
