"""The dated versions make the same database as the models do, and can be undone."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.exc import IntegrityError

from embedded.postgres import PostgresServer
from migrations import run

# every object of the schema, in the words of the catalogue; alembic's own table is not ours
CATALOGUE = """
SELECT 'column', table_name || '.' || column_name,
       concat_ws(' ', data_type, udt_name, character_maximum_length, numeric_precision, numeric_scale, is_nullable,
                 column_default, is_identity, identity_generation)
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'type', typname, typtype::text FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype <> 'b'
  AND typname <> 'alembic_version'
"""


async def catalogue_of(url: str) -> dict[tuple[str, str], str]:
    connection = await asyncpg.connect(url)
    try:
        return {(kind, name): definition for kind, name, definition in await connection.fetch(CATALOGUE)}
    finally:
        await connection.close()


@pytest.fixture
async def empty_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(postgres_server.url)
    await admin.execute(f'CREATE DATABASE "{name}"')
    yield postgres_server.url_of(name)
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


async def test_upgrading_gives_the_schema_of_the_models(empty_url: str, database_url: str) -> None:
    await run.upgrade(empty_url)
    await run.check(empty_url)
    migrated, made = await catalogue_of(empty_url), await catalogue_of(database_url)
    assert len(made) > 300
    assert migrated == made


async def test_two_processes_may_upgrade_at_once(empty_url: str) -> None:
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    environment = {**os.environ, "Q2C_DATABASE_URL": empty_url}
    root = Path(__file__).parents[2]
    started = [await asyncio.create_subprocess_exec(*command, cwd=root, env=environment) for _ in range(2)]
    assert [await process.wait() for process in started] == [0, 0]
    await run.check(empty_url)


async def test_upgrading_twice_changes_nothing(empty_url: str) -> None:
    await run.upgrade(empty_url)
    first = await catalogue_of(empty_url)
    await run.upgrade(empty_url)
    assert await catalogue_of(empty_url) == first


# a deal of issue 2, with the columns of 0001: a first term of three years, and a second by silence
AT_0001 = """
INSERT INTO legal_entities (id, name, country, currency, zone, invoice_prefix, bank_account, address, tax_number, virtual,
  template) VALUES ('e', 'Acme', 'FR', 'EUR', 'Europe/Paris', 'A', 'FR1', '', '', false, '');
INSERT INTO accounts (id, entity_id, name, email, address, country, currency, zone, method, method_token, created_at)
  VALUES ('a', 'e', 'Globex', 'x@y', '', 'FR', 'EUR', 'Europe/Paris', 'card', '', now());
INSERT INTO price_books (id, name, version, currency, valid_from, content, content_hash)
  VALUES ('p', 'acme', 1, 'EUR', '2026-01-01', '{}', 'h');
INSERT INTO deals (id, name, entity_id, virtual, account_id, owner, currency, turn, stage, waits_for, who, since, next_kind,
  parked, acv_minor, state, opened_at)
  VALUES ('d', 'D', 'e', false, 'a', 'sam', 'EUR', 1, 'active', '', '', now(), '', '', 0, '{}', now());
INSERT INTO quote_drafts (id, deal_id, content, content_hash, by, created_at) VALUES ('qd', 'd', '{}', 'h', 'sam', now());
INSERT INTO quote_versions (id, deal_id, order_number, version, status, draft_id, price_book_id, currency, term_months,
  interval_months, starts, net_days, method, auto_renew, notice_days, uplift, total_minor, acv_minor, list_minor,
  discount_bps, expires_at, content, content_hash, created_at)
  SELECT 'v' || number, 'd', number, 1, 'booked', draft, 'p', 'EUR', 36, months, 'signature', 0, 'card', true, 30, 0, 1, 1, 1,
         0, now(), '{}', 'h', now() FROM (VALUES (1, 'qd', 3), (2, NULL, 12)) AS v (number, draft, months);
INSERT INTO contracts (id, deal_id, entity_id, account_id, number, currency, stage, method, net_days, auto_renew,
  notice_days, uplift, signed_sha256) VALUES ('c', 'd', 'e', 'a', 'C-1', 'EUR', 'active', 'card', 0, true, 30, 0, '');
INSERT INTO contract_terms (contract_id, term, order_number, quote_version_id, interval_months)
  VALUES ('c', 1, 1, 'v1', 3), ('c', 2, 2, 'v2', 12);
INSERT INTO contract_lines (id, contract_id, term, line_no, product, description, model, quantity, unit_label,
  period_amount_minor, charge)
  VALUES ('l1', 'c', 1, 1, 'team', 'Team', 'flat', 1, '', 1, '{}'), ('l2', 'c', 2, 1, 'team', 'Team', 'flat', 1, '', 1, '{}');
INSERT INTO people (email, name, groups, country, manager) VALUES ('Dana@x', 'Dana', '{desk}', 'DE', 'Max@x'),
  ('dana@x', 'D.', '{heads}', '', NULL), ('max@x', 'Max', '{}', '', NULL);
INSERT INTO api_keys (id, key_hash, prefix, person, role, groups, created_at, revoked_at) VALUES
  ('k1', 'h1', '', 'Ann@x', 'deal_desk', '{desk}', now(), NULL), ('k2', 'h2', '', 'ann@x', 'finance', '{money}', now(), NULL),
  ('k3', 'h3', '', 'max@x', 'deal_desk', '{desk}', now(), NULL), ('k4', 'h4', '', 'sam', 'sales', '{}', now(), NULL),
  ('k5', 'h5', '', 'gone@x', 'deal_desk', '{desk}', now(), now());
"""


async def test_what_a_database_at_0001_holds_is_carried_there_and_back(empty_url: str) -> None:
    """Lines bill all periods of their term; a version without a draft is a renewal's; whoever holds a key for a group is one
    of our people, each one row; nothing is lost on the way back.
    """
    await run.upgrade(empty_url, "0001")
    connection = await asyncpg.connect(empty_url)
    await connection.execute(AT_0001)
    before = await connection.fetch("SELECT * FROM quote_versions ORDER BY id")
    await run.upgrade(empty_url)
    lines = await connection.fetch(
        "SELECT term, segment, kind, timing, from_period, to_period, milestone, starts, starts_on FROM contract_lines"
    )
    assert sorted(map(tuple, lines)) == [
        (1, 0, "recurring", "advance", 0, 12, "", "", None),
        (2, 0, "recurring", "advance", 0, 3, "", "", None),
    ]
    versions = await connection.fetch("SELECT id, kind, alternative FROM quote_versions ORDER BY id")
    assert [tuple(row) for row in versions] == [("v1", "quote", ""), ("v2", "renewal", "")]
    others = await connection.fetchrow(
        "SELECT e.look, e.language, a.segment, a.language, p.segments, p.entities, p.valid_to "
        "FROM legal_entities e, accounts a, price_books p"
    )
    assert tuple(others) == ("{}", "en", "", "en", [], [], None)
    people = await connection.fetch("SELECT email, name, groups, manager, language, zone FROM people ORDER BY email")
    assert [tuple(row) for row in people] == [
        ("ann@x", "ann@x", ["desk", "money"], None, "en", "UTC"),
        ("dana@x", "D.", ["desk", "heads"], None, "en", "UTC"),
        ("max@x", "Max", ["desk"], None, "en", "UTC"),
    ]
    await run.downgrade(empty_url, "0001")
    await connection.reload_schema_state()
    assert await connection.fetch("SELECT * FROM quote_versions ORDER BY id") == before
    await connection.close()


async def test_the_way_back_refuses_where_0001_has_no_place(empty_url: str) -> None:
    await run.upgrade(empty_url, "0001")
    connection = await asyncpg.connect(empty_url)
    await connection.execute(AT_0001)
    await run.upgrade(empty_url)
    await connection.execute("UPDATE quote_versions SET status = 'presented' WHERE id = 'v2'")
    catalogue = await catalogue_of(empty_url)
    with pytest.raises(IntegrityError, match="quote_versions_status_check"):
        await run.downgrade(empty_url, "0001")
    assert await catalogue_of(empty_url) == catalogue
    assert await connection.fetchval("SELECT status FROM quote_versions WHERE id = 'v2'") == "presented"
    await connection.close()


async def test_downgrading_leaves_nothing_behind_and_can_be_undone(empty_url: str) -> None:
    await run.upgrade(empty_url)
    first = await catalogue_of(empty_url)
    await run.downgrade(empty_url)
    assert await catalogue_of(empty_url) == {}
    await run.upgrade(empty_url)
    assert await catalogue_of(empty_url) == first
