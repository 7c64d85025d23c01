"""A deal desk for scenarios: its people, matrix and calendars, a deal played by hand, and how its approval reads in the books."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from domain.approving import asking
from domain.approving.asking import World
from domain.approving.condition import sheet
from domain.approving.needing import needs
from domain.approving.policy import Matrix
from domain.document import content_hash
from domain.message import Answer, ApplyPolicy, Body, Decide, Reseat, Submit
from domain.order import Order
from domain.quote_version import offers
from models import audit_approvals, directory
from models.access import PersonRow
from models.directory import AbsenceRow, CalendarRow
from models.policy import ApprovalPolicyRow
from models.quote import QuoteDraftRow, QuoteVersionRow
from sandbox.process import SandboxProcess
from tests.activities.hand import SALES, Hand, hand

ANN, BOB, CLEO, FAY, MAX, VERA, ADA = (
    f"{name}@desk.example" for name in ("ann", "bob", "cleo", "fay", "max", "vera", "ada")
)
STAFF: dict[str, tuple[tuple[str, ...], str]] = {  # who: roles, manager
    ANN: (("desk",), MAX),
    BOB: (("desk",), MAX),
    CLEO: ((), MAX),
    FAY: (("treasury",), VERA),
    MAX: ((), VERA),
    VERA: (("heads",), ""),
    ADA: ((), ""),
}
MATRIX: dict[str, Any] = {
    "name": "standard",
    "stands_days": 30,
    "rules": [
        {
            "name": "a discount",
            "when": {"discount_percent_over": "10"},
            "require": [{"level": 1, "group": "desk"}],
            "remind_after": "1 business_days",
            "escalate": [{"after": "2 business_days", "to": "manager"}, {"after": "2 business_days", "to": "heads"}],
        },
        {
            "name": "slow money",
            "when": {"net_days_over": 30},
            "require": [{"level": 2, "group": "treasury"}],
            "remind_after": "2 business_days",
            "escalate": [{"after": "4 business_days", "to": "manager"}],
        },
    ],
}
GERMANY = {"zone": "Europe/Berlin", "holidays": ["2027-03-26", "2027-03-29"]}
THURSDAY = datetime(2027, 3, 25, 9, tzinfo=UTC)  # 10:00 in Berlin, before Easter


def line(discount_percent: str) -> list[dict[str, Any]]:
    return [{"product": "team", "quantity": 20, "discount_percent": discount_percent}]


class Desk:
    """One deal before its desk."""

    def __init__(self, played: Hand) -> None:
        self.hand, self.place = played, played.place

    @property
    def order(self) -> Order:
        return self.hand.deal.orders[0]

    async def until(self, at: str) -> None:
        """Play on up to `2027-03-30T10:00`, in UTC."""
        await self.hand.until(datetime.fromisoformat(at).replace(tzinfo=UTC))

    async def offered(self, discount_percent: str, **changes: Any) -> None:
        """A draft, priced and submitted."""
        await self.hand.revise(lines=line(discount_percent), method="transfer", **changes)
        assert (await self.hand.say(Submit(version=self.order.version))).verdict == "accepted"

    async def says(self, who: str, verb: str, reason: str = "so be it", **more: Any) -> Answer:
        """A decision about the present version."""
        order = self.order
        body = Decide(
            version=order.version,
            content_hash=order.content_hash,
            approve=verb == "approve",
            verb=verb,
            reason=reason,
            **more,
        )
        return await self.hand.say(body, by=who)

    async def refused(self, who: str, verb: str, **more: Any) -> str:
        """A decision that is refused changes no row of the approval; the error's name."""
        before = await self.place.look()
        answer = await self.says(who, verb, **more)
        assert answer.verdict == "refused"
        after = await self.place.look()
        assert {name for name, was in before.items() if after[name] != was} <= {"deals", "deal_steps", "timeline"}
        return answer.error

    async def say(self, body: Body, by: str) -> None:
        assert (await self.hand.say(body, by=by)).verdict == "accepted"

    async def draft(self, by: str, **changes: Any) -> tuple[str, str]:
        """A counter-proposal as the API stores it: id and hash."""
        content = (
            await self.place.one("SELECT content FROM quote_drafts WHERE id = :id", id=self.order.draft_id)
        ) | changes
        row = QuoteDraftRow(
            id=f"qd_counter_{self.order.version}",
            deal_id=self.hand.deal.id,
            content=content,
            content_hash=content_hash(content),
            by=by,
            created_at=self.hand.deal.clock.now,
        )
        await self.place.add([row])
        return row.id, row.content_hash

    async def world(self) -> World:
        """What asking looks at now, as the API reads it for an admin's command."""
        async with self.place.database.session() as session:
            whom = asking.concerned_by(self.order.approval)
            found = await directory.around(session, self.hand.deal.clock.now, whom)
        return World(
            directory=found.directory,
            calendars=found.calendars,
            at=self.hand.deal.clock.now,
            barred=self.order.approval.barred,
        )

    async def reseat(self, person: str, reason: str) -> None:
        """An admin has everybody looked up anew."""
        asks = asking.ask_anew(self.order.approval, await self.world())
        await self.say(Reseat(version=self.order.version, person=person, asks=asks, reason=reason), ADA)

    async def policy(self, content: dict[str, Any], version: int) -> Matrix:
        """Another version of the policy is saved."""
        await self.place.add([ApprovalPolicyRow(id=f"ap_{version}", name="standard", version=version, content=content)])
        return Matrix.parse(content, version=version)

    async def apply(self, matrix: Matrix, reason: str) -> None:
        """An admin applies a policy to the approval in flight."""
        async with self.place.database.session() as session:
            row = await session.get(QuoteVersionRow, self.order.version_id)
        assert row is not None
        facts = sheet(offers(row.content).facts, entity=self.hand.deal.entity_id)
        order = self.order
        body = ApplyPolicy(
            version=order.version, content_hash=order.content_hash, needs=needs(matrix, facts), reason=reason
        )
        await self.say(body, ADA)

    async def away(self, person: str, to: str, since: str, until: str, **more: Any) -> None:
        """An absence with a deputy, by dates."""
        first, last = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (since, until))
        row = AbsenceRow(
            id=f"abs_{person}_{since}", person=person, delegate_to=to, since=first, until=last, created_by=person,
            created_at=self.hand.deal.clock.now, **more,
        )  # fmt: skip
        await self.place.add([row])

    # --- looking ---

    async def requests(self, version: int) -> list[Any]:
        """Level, group, status and who holds a seat."""
        return await self.place.rows(
            "SELECT level, group_name, status, coalesce((SELECT string_agg(DISTINCT s ->> 'holder', ' ' ORDER BY s ->> 'holder')"
            " FROM jsonb_array_elements(seats) s), '') FROM approval_requests WHERE version = :version"
            " ORDER BY round, level, group_name",
            version=version,
        )

    async def votes(self) -> list[Any]:
        return await self.place.rows(
            "SELECT version, group_name, verb, by, members FROM approval_votes ORDER BY at, by, group_name"
        )

    async def notices(self) -> list[Any]:
        return await self.place.rows(
            "SELECT to_char(at, 'MM-DD HH24:MI'), kind, person FROM notices WHERE channel = 'mail' ORDER BY at, key"
        )

    async def status(self, version: int) -> str:
        return str(await self.place.one("SELECT status FROM quote_versions WHERE version = :version", version=version))

    async def waits_for(self) -> str:
        return str(await self.place.one("SELECT who FROM deals"))

    async def entries(self) -> list[Any]:
        return await self.place.rows(
            "SELECT kind, content ->> 'by', content ->> 'to' FROM approval_entries ORDER BY id"
        )


@asynccontextmanager
async def desk(
    database_url: str, outside: SandboxProcess, *, matrix: dict[str, Any] | None = None
) -> AsyncIterator[Desk]:
    """Books with a desk, on the Thursday before Easter."""
    async with hand(database_url, outside, starts_at=THURSDAY) as played:
        rows: list[Any] = [
            PersonRow(
                email=who, name=who.partition("@")[0].title(), groups=list(roles), manager=manager or None, country="DE"
            )
            for who, (roles, manager) in STAFF.items()
        ]
        rows.append(CalendarRow(country="DE", version=1, content=GERMANY, created_by=ADA, created_at=THURSDAY))
        await played.place.add(rows)
        found = Desk(played)
        await found.policy(matrix or MATRIX, 2)
        yield found
        async with found.place.database.session() as session:
            assert [breach for check in audit_approvals.CHECKS for breach in await check(session)] == []


__all__ = ["ADA", "ANN", "BOB", "CLEO", "FAY", "MATRIX", "MAX", "SALES", "VERA", "Desk", "desk", "line"]
