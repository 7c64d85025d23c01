"""One furnished place: fresh books with a real entity and its sandbox copy, price book, policies, people, keys; the outside."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
from sqlalchemy import text

from api.caller import hash_of
from domain.document import content_hash
from gateways.parties import Addresses, Parties, PartiesFor
from models.access import ApiKeyRow, PersonRow
from models.account import AccountRow
from models.database import Database
from models.entity import LegalEntityRow, TaxRateRow
from models.policy import ApprovalPolicyRow, DunningPolicyRow
from models.price_book import PriceBookRow
from sandbox.process import SandboxProcess

_numbers = itertools.count(1)

START = datetime(2027, 1, 1, 9, tzinfo=UTC)
ZONE = "Europe/Berlin"
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE: dict[str, tuple[str, str, tuple[str, ...]]] = {  # who: address, role, groups
    "sales": ("sam@acme.example", "sales", ()),
    "desk": ("dana@acme.example", "deal_desk", ("sales_manager",)),
    "vp": ("vera@acme.example", "deal_desk", ("vp_sales",)),
    "cfo": ("carl@acme.example", "deal_desk", ("finance",)),
    "finance": ("fin@acme.example", "finance", ()),
    "ops": ("ole@acme.example", "ops", ()),
    "admin": ("ada@acme.example", "admin", ()),
}
BOOK: dict[str, Any] = {
    "name": "acme",
    "currency": "EUR",
    "valid_from": "2020-01-01",
    "products": [
        {
            "id": "team",
            "name": "Acme Team",
            "unit": "seat",
            "charges": [{"id": "monthly", "model": "per_unit", "per": "month", "unit_price": "12.50"}],
        },
        {
            "id": "calls",
            "name": "Acme Calls",
            "unit": "call",
            "provisioning": [],
            "charges": [
                {
                    "id": "monthly",
                    "model": "graduated",
                    "per": "month",
                    "tiers": [{"up_to": 1000, "unit_price": "0.010", "flat_fee": "5"}, {"unit_price": "0.002"}],
                }
            ],
        },
    ],
}
APPROVAL: dict[str, Any] = {
    "name": "standard",
    "rules": [
        {
            "when": {"discount_percent_over": "10"},
            "require": [{"level": 1, "group": "sales_manager"}],
            "remind_after_hours": 24,
            "escalate_after_hours": 48,
            "escalate_to": "vp_sales",
        },
        {"when": {"discount_percent_over": "25"}, "require": [{"level": 2, "group": "finance"}]},
    ],
}
DUNNING: dict[str, Any] = {"name": "standard"}  # the house's defaults, which the tests spell out
SIGNER = "gina@globex.example"
DRAFT: dict[str, Any] = {
    "price_book": "acme",
    "currency": "EUR",
    "term_months": 12,
    "interval_months": 1,
    "start": "provisioning",
    "method": "card",
    "signer": {"name": "Gina Globex", "email": SIGNER},
    "lines": [{"product": "team", "quantity": 20}],
}
# what differs between two looks at the books means that something was written
_TABLES = text(
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    " AND tablename NOT IN ('alembic_version', 'idempotency_keys') ORDER BY tablename"
)


@dataclass(kw_only=True)
class Place:
    """The books and the outside of one test. `entity` is the sandbox copy, and the name of its account outside."""

    database: Database
    outside: SandboxProcess
    entity: str
    real: str
    http: httpx.AsyncClient  # the outside
    keys: dict[str, str] = field(default_factory=dict)

    # --- the books ---

    async def rows(self, query: str, **parameters: Any) -> list[Any]:
        """Read the books: rows as tuples."""
        async with self.database.session() as session:
            return [tuple(row) for row in (await session.execute(text(query), parameters)).all()]

    async def one(self, query: str, **parameters: Any) -> Any:
        """The one value of the one row."""
        ((value,),) = await self.rows(query, **parameters)
        return value

    async def look(self) -> dict[str, tuple[int, str]]:
        """Every table's count and hash: two equal looks mean that nothing was written between them."""
        names = [name for (name,) in await self.rows(str(_TABLES))]
        each = (
            f"SELECT '{name}' AS t, count(*) AS n, coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') AS h"  # noqa: S608
            f" FROM {name} t"
            for name in names
        )
        return {name: (count, digest) for name, count, digest in await self.rows(" UNION ALL ".join(each))}

    async def balances(self, entity: str = "", *, on: date | None = None) -> dict[str, int]:
        """The trial balance in minor units, accounts at zero left out; it sums to zero or the test fails."""
        found = await self.rows(
            "SELECT l.account, sum(l.amount_minor)::bigint FROM journal_lines l JOIN journal_entries e ON e.id = l.entry_id"
            " WHERE e.entity_id = :entity AND e.on_date <= :on GROUP BY 1 HAVING sum(l.amount_minor) <> 0 ORDER BY 1",
            entity=entity or self.entity,
            on=on or date(9999, 1, 1),
        )
        balances = dict(found)
        assert sum(balances.values()) == 0
        return balances

    async def add(self, rows: Iterable[Any]) -> None:
        """Write rows that people, not deals, write."""
        async with self.database.transaction() as session:
            for row in rows:
                session.add(row)
                await session.flush()

    async def account(self, *, entity: str = "", **differs: Any) -> str:
        """A customer's account in the sandbox copy; its id."""
        made: dict[str, Any] = {
            "id": f"acc_{secrets.token_hex(6)}",
            "entity_id": entity or self.entity,
            "name": "Globex S.p.A.",
            "email": "ap@globex.example",
            "country": "DE",
            "currency": "EUR",
            "zone": ZONE,
            "method": "card",
            "method_token": "pm_card_visa",
            "created_at": MADE_AT,
        } | differs
        await self.add([AccountRow(**made)])
        return str(made["id"])

    # --- the outside ---

    async def control(self, path: str, *, account: str = "", **body: Any) -> Any:
        """Tell the outside something about the account (the sandbox copy unless said)."""
        answer = await self.http.post(f"/control/{path}", json={"account": account or self.entity, **body})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def behave(self, party: str, *, account: str = "", **how: Any) -> None:
        """How a person or party outside acts from now on."""
        await self.control("behaviour", account=account, party=party, **how)

    async def effects(self, *kinds: str, account: str = "") -> list[dict[str, Any]]:
        """What the outside says that happened there, in order; the details of each beside its other facts."""
        answer = await self.http.get("/control/log", params={"account": account or self.entity})
        found = [{**each, **each["data"]} for each in answer.json()["entries"]]
        return [each for each in found if not kinds or each["kind"] in kinds]

    async def transfer(self, amount_minor: int, *, on: str, reference: str = "", payer: str = "Globex S.p.A.") -> None:
        """A customer orders a transfer to the sandbox copy's bank account."""
        to = await self.one("SELECT bank_account FROM legal_entities WHERE id = :id", id=self.entity)
        order = {"amount_minor": amount_minor, "currency": "EUR", "on": on, "reference": reference, "payer": payer}
        answer = await self.http.post("/bank/transfers", json={"account": self.entity, "to_account": to, **order})
        assert answer.status_code == 200, answer.text

    def addresses(self) -> Addresses:
        return Addresses(
            stripe_url=f"{self.outside.url}/stripe",
            signature_url=f"{self.outside.url}/signature",
            provisioner_url=f"{self.outside.url}/provisioner",
            smtp_host="127.0.0.1",
            smtp_port=self.outside.smtp_port,
            mail_from="Billing <billing@acme.example>",
        )

    def parties(self, made: PartiesFor) -> Parties:
        return made.entity(self.entity, virtual=True)


@asynccontextmanager
async def furnished(
    database_url: str, outside: SandboxProcess, *, starts_at: datetime = START, dunning: dict[str, Any] | None = None
) -> AsyncIterator[Place]:
    """Books with a real entity and its sandbox copy at `starts_at`, whose account outside has the same clock."""
    name = f"{secrets.token_hex(4)}{next(_numbers)}"
    database = Database(database_url, application_name="q2c-test")
    client = httpx.AsyncClient(base_url=outside.url, trust_env=False, timeout=60)
    place = Place(database=database, outside=outside, entity=f"trial-{name}", real=f"acme-{name}", http=client)
    try:
        await place.add(_furniture(place, starts_at, DUNNING if dunning is None else dunning))
        await place.control("clock", to=starts_at.isoformat())
        yield place
    finally:
        await client.aclose()
        await database.dispose()


def _furniture(place: Place, starts_at: datetime, dunning: dict[str, Any]) -> list[Any]:
    entity: dict[str, Any] = {
        "name": "Acme GmbH",
        "country": "DE",
        "currency": "EUR",
        "zone": ZONE,
        "invoice_prefix": "ACME",
        "address": "Unter den Linden 1\n10117 Berlin",
        "tax_number": "DE123456789",
    }
    rows: list[Any] = [
        LegalEntityRow(id=place.real, bank_account="DE02120300000000202051", **entity),
        LegalEntityRow(
            id=place.entity,
            bank_account=f"SB{place.entity[-8:].upper()}",
            virtual=True,
            sandbox_of=place.real,
            clock_at=starts_at,
            **entity,
        ),
    ]
    rows += [
        TaxRateRow(entity_id=each, valid_from=date(2020, 1, 1), rate=Decimal("0.19"), name="VAT")
        for each in (place.real, place.entity)
    ]
    rows.append(
        PriceBookRow(
            id="pb_acme_1",
            name="acme",
            version=1,
            currency="EUR",
            valid_from=date(2020, 1, 1),
            content=BOOK,
            content_hash=content_hash(BOOK),
        )
    )
    rows.append(ApprovalPolicyRow(id="ap_1", name="standard", version=1, content=APPROVAL))
    rows.append(DunningPolicyRow(id="dp_1", name="standard", version=1, content=dunning))
    for who, (address, role, groups) in PEOPLE.items():
        secret = place.keys[who] = f"q2c_{secrets.token_hex(16)}"
        rows.append(PersonRow(email=address, name=who.title(), groups=list(groups)))
        rows.append(
            ApiKeyRow(
                id=f"key_{who}",
                key_hash=hash_of(secret),
                prefix=secret[:8],
                person=address,
                role=role,
                groups=list(groups),
                created_at=MADE_AT,
            )
        )
    return rows
