"""Configure, price, quote: segments of lines, alternatives, coupons, share links and price migrations.

What a database at 0001 holds is carried: each contract line bills all periods of its term, each quote version that no
draft asked for is a renewal's. The way back refuses, and changes nothing, where invoices, versions or lines exist that
0001 has no place for: money facts are not thrown away.
"""
# ruff: noqa: PLR0915 (a version is one long list of statements)

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: None = None
depends_on: None = None


# copied from models/constraints.py, which goes on changing
SET_ONCE = """
CREATE FUNCTION q2c_set_once() RETURNS trigger LANGUAGE plpgsql AS $$
-- Arguments: columns that begin NULL or empty, are filled once, and then stay.
DECLARE
  filled text;
BEGIN
  FOREACH filled IN ARRAY TG_ARGV LOOP
    IF coalesce(to_jsonb(OLD) ->> filled, '') <> '' AND to_jsonb(OLD) -> filled <> to_jsonb(NEW) -> filled THEN
      RAISE EXCEPTION '% of % is % and stays so', filled, TG_TABLE_NAME, to_jsonb(OLD) ->> filled
        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_TABLE_NAME || '_' || filled || '_once';
    END IF;
  END LOOP;
  RETURN NEW;
END $$
"""
MOVED = """
CREATE FUNCTION q2c_guard_price_migration_deal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status = 'done' THEN
    RAISE EXCEPTION 'deal % was moved by %, that stays', OLD.deal_id, OLD.migration_id
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'price_migration_deals_done_stays';
  END IF;
  RETURN NEW;
END $$
"""
TRIGGERS = (
    "CREATE TRIGGER price_migration_deals_guard BEFORE UPDATE ON price_migration_deals FOR EACH ROW EXECUTE FUNCTION q2c_guard_price_migration_deal()",
    "CREATE TRIGGER quote_versions_immutable BEFORE UPDATE OR DELETE ON quote_versions FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change('status', 'alternative')",
    "CREATE TRIGGER coupons_immutable BEFORE UPDATE OR DELETE ON coupons FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER coupons_never_emptied BEFORE TRUNCATE ON coupons FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER share_links_immutable BEFORE UPDATE OR DELETE ON share_links FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change('revoked_at', 'revoked_by')",
    "CREATE TRIGGER share_links_never_emptied BEFORE TRUNCATE ON share_links FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER share_views_immutable BEFORE UPDATE OR DELETE ON share_views FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER share_views_never_emptied BEFORE TRUNCATE ON share_views FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER quote_questions_immutable BEFORE UPDATE OR DELETE ON quote_questions FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change('reply', 'replied_by', 'replied_at', 'recorded_turn')",
    "CREATE TRIGGER quote_questions_never_emptied BEFORE TRUNCATE ON quote_questions FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER price_migrations_immutable BEFORE UPDATE OR DELETE ON price_migrations FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change('finished_at')",
    "CREATE TRIGGER price_migrations_never_emptied BEFORE TRUNCATE ON price_migrations FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER price_migration_deals_immutable BEFORE UPDATE OR DELETE ON price_migration_deals FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change('status', 'before_minor', 'after_minor', 'rest_before_minor', 'rest_after_minor', 'error', 'at')",
    "CREATE TRIGGER price_migration_deals_never_emptied BEFORE TRUNCATE ON price_migration_deals FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER quote_versions_once BEFORE UPDATE ON quote_versions FOR EACH ROW EXECUTE FUNCTION q2c_set_once('alternative')",
    "CREATE TRIGGER share_links_once BEFORE UPDATE ON share_links FOR EACH ROW EXECUTE FUNCTION q2c_set_once('revoked_at', 'revoked_by')",
    "CREATE TRIGGER quote_questions_once BEFORE UPDATE ON quote_questions FOR EACH ROW EXECUTE FUNCTION q2c_set_once('reply', 'replied_by', 'replied_at', 'recorded_turn')",
    "CREATE TRIGGER price_migrations_once BEFORE UPDATE ON price_migrations FOR EACH ROW EXECUTE FUNCTION q2c_set_once('finished_at')",
)
STATUSES = (
    "status IN ('draft', 'priced', 'refused', 'in_approval', 'approved', 'out_for_signature', 'noticed', "
    "'signed', 'booked', 'provisioning', 'done', 'rejected', 'declined', 'expired', 'withdrawn', 'superseded')"
)
MORE_STATUSES = (
    "status IN ('draft', 'priced', 'refused', 'in_approval', 'approved', 'presented', 'accepted', "
    "'out_for_signature', 'noticed', 'signed', 'booked', 'provisioning', 'done', 'rejected', 'declined', "
    "'expired', 'withdrawn', 'superseded')"
)


def _add(table: str, column: sa.Column[Any], default: str) -> None:
    """A new column that is never NULL: what is there already gets `default`, what comes says it itself."""
    column.nullable, column.server_default = False, sa.DefaultClause(default)
    op.add_column(table, column)
    op.alter_column(table, column.name, server_default=None)


def _statuses(condition: str) -> None:
    op.drop_constraint(op.f("quote_versions_status_check"), "quote_versions", type_="check")
    op.create_check_constraint(op.f("quote_versions_status_check"), "quote_versions", condition)


def upgrade() -> None:
    # a migration waits for no lock longer than this: better to fail and be run again than to hold up every step
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_unique_constraint(op.f("quote_versions_id_deal_id_key"), "quote_versions", ["id", "deal_id"])
    op.create_table(
        "coupons",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("coupons_pk")),
    )
    op.create_table(
        "price_migrations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("from_book_id", sa.Text(), nullable=False),
        sa.Column("to_book_id", sa.Text(), nullable=False),
        sa.Column("effective", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("effective IN ('next_period')", name=op.f("price_migrations_effective_check")),
        sa.CheckConstraint("from_book_id <> to_book_id", name=op.f("price_migrations_another_book_check")),
        sa.ForeignKeyConstraint(["from_book_id"], ["price_books.id"], name=op.f("price_migrations_from_book_id_fk")),
        sa.ForeignKeyConstraint(["to_book_id"], ["price_books.id"], name=op.f("price_migrations_to_book_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("price_migrations_pk")),
        sa.UniqueConstraint("name", name=op.f("price_migrations_name_key")),
    )
    op.create_table(
        "price_migration_deals",
        sa.Column("migration_id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("before_minor", sa.BigInteger(), nullable=False),
        sa.Column("after_minor", sa.BigInteger(), nullable=False),
        sa.Column("rest_before_minor", sa.BigInteger(), nullable=False),
        sa.Column("rest_after_minor", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'done', 'skipped', 'failed')", name=op.f("price_migration_deals_status_check")
        ),
        sa.CheckConstraint(
            "before_minor >= 0 AND after_minor >= 0 AND rest_before_minor >= 0 AND rest_after_minor >= 0",
            name=op.f("price_migration_deals_not_negative_check"),
        ),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("price_migration_deals_deal_id_fk")),
        sa.ForeignKeyConstraint(
            ["migration_id"], ["price_migrations.id"], name=op.f("price_migration_deals_migration_id_fk")
        ),
        sa.PrimaryKeyConstraint("migration_id", "deal_id", name=op.f("price_migration_deals_pk")),
    )
    op.create_index(op.f("price_migration_deals_deal_id_ix"), "price_migration_deals", ["deal_id"], unique=False)
    op.create_index(
        "price_migration_deals_pending_ix",
        "price_migration_deals",
        ["migration_id", "deal_id"],
        unique=False,
        postgresql_where="status = 'pending'",
    )
    op.create_table(
        "coupon_uses",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["coupons.code"], name=op.f("coupon_uses_code_fk")),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("coupon_uses_deal_id_fk")),
        sa.ForeignKeyConstraint(["version_id"], ["quote_versions.id"], name=op.f("coupon_uses_version_id_fk")),
        sa.PrimaryKeyConstraint("code", "deal_id", name=op.f("coupon_uses_pk")),
    )
    op.create_index(op.f("coupon_uses_version_id_ix"), "coupon_uses", ["version_id"], unique=False)
    op.create_table(
        "share_links",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by = '')", name=op.f("share_links_a_revocation_has_a_person_check")
        ),
        sa.CheckConstraint("created_at < expires_at", name=op.f("share_links_validity_check")),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("share_links_deal_id_fk")),
        sa.ForeignKeyConstraint(
            ["version_id", "deal_id"],
            ["quote_versions.id", "quote_versions.deal_id"],
            name=op.f("share_links_version_id_deal_id_fk"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("share_links_pk")),
    )
    op.create_index(op.f("share_links_deal_id_ix"), "share_links", ["deal_id"], unique=False)
    op.create_index(op.f("share_links_version_id_ix"), "share_links", ["version_id"], unique=False)
    op.create_table(
        "quote_questions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("share_id", sa.Text(), nullable=True),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("replied_by", sa.Text(), nullable=False),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_turn", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(reply IS NULL) = (replied_at IS NULL) AND (reply IS NULL) = (replied_by = '')",
            name=op.f("quote_questions_an_answer_has_a_person_check"),
        ),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("quote_questions_deal_id_fk")),
        sa.ForeignKeyConstraint(["share_id"], ["share_links.id"], name=op.f("quote_questions_share_id_fk")),
        sa.ForeignKeyConstraint(
            ["version_id", "deal_id"],
            ["quote_versions.id", "quote_versions.deal_id"],
            name=op.f("quote_questions_version_id_deal_id_fk"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("quote_questions_pk")),
    )
    op.create_index(op.f("quote_questions_deal_id_ix"), "quote_questions", ["deal_id"], unique=False)
    op.create_table(
        "share_views",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("share_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("ip_hash", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["share_id"], ["share_links.id"], name=op.f("share_views_share_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("share_views_pk")),
    )
    op.create_index(op.f("share_views_share_id_ix"), "share_views", ["share_id"], unique=False)
    _add("accounts", sa.Column("segment", sa.Text()), "")
    _add("accounts", sa.Column("language", sa.Text()), "en")
    _add("contract_lines", sa.Column("segment", sa.Integer()), "0")
    _add("contract_lines", sa.Column("kind", sa.Text()), "recurring")
    _add("contract_lines", sa.Column("timing", sa.Text()), "advance")
    _add("contract_lines", sa.Column("from_period", sa.Integer()), "0")
    op.add_column("contract_lines", sa.Column("to_period", sa.Integer(), nullable=True))
    _add("contract_lines", sa.Column("milestone", sa.Text()), "")
    _add("contract_lines", sa.Column("starts", sa.Text()), "")
    op.add_column("contract_lines", sa.Column("starts_on", sa.Date(), nullable=True))
    op.drop_constraint(op.f("contract_lines_contract_id_term_line_no_key"), "contract_lines", type_="unique")
    op.create_unique_constraint(
        op.f("contract_lines_contract_id_term_line_no_segment_from_period_key"),
        "contract_lines",
        ["contract_id", "term", "line_no", "segment", "from_period"],
    )
    _add("invoices", sa.Column("occasion", sa.Text()), "")
    op.drop_constraint(op.f("invoices_contract_id_term_period_no_key"), "invoices", type_="unique")
    op.create_unique_constraint(
        op.f("invoices_contract_id_term_period_no_occasion_key"),
        "invoices",
        ["contract_id", "term", "period_no", "occasion"],
    )
    _add("legal_entities", sa.Column("look", postgresql.JSONB(none_as_null=True, astext_type=sa.Text())), "{}")
    _add("legal_entities", sa.Column("language", sa.Text()), "en")
    _add("price_books", sa.Column("segments", sa.ARRAY(sa.Text())), "{}")
    _add("price_books", sa.Column("entities", sa.ARRAY(sa.Text())), "{}")
    op.add_column("price_books", sa.Column("valid_to", sa.Date(), nullable=True))
    _add("quote_versions", sa.Column("alternative", sa.Text()), "")
    _add("quote_versions", sa.Column("kind", sa.Text()), "quote")
    op.create_check_constraint(op.f("accounts_language_check"), "accounts", "language IN ('en', 'fr')")
    op.create_check_constraint(op.f("legal_entities_language_check"), "legal_entities", "language IN ('en', 'fr')")
    op.create_check_constraint(op.f("price_books_valid_check"), "price_books", "valid_from < valid_to")
    op.create_check_constraint(
        op.f("quote_versions_kind_check"), "quote_versions", "kind IN ('quote', 'renewal', 'migration')"
    )
    for name, condition in {
        "periods": "from_period <= to_period",
        "a_milestone_has_a_name": "(kind = 'milestone') = (milestone <> '')",
        "kind": "kind IN ('recurring', 'one_time', 'usage', 'milestone')",
        "timing": "timing IN ('advance', 'arrears')",
    }.items():
        op.create_check_constraint(op.f(f"contract_lines_{name}_check"), "contract_lines", condition)
    op.drop_constraint(op.f("contract_lines_not_negative_check"), "contract_lines", type_="check")
    op.create_check_constraint(
        op.f("contract_lines_not_negative_check"),
        "contract_lines",
        "quantity >= 0 AND segment >= 0 AND from_period >= 0",
    )
    _statuses(MORE_STATUSES)
    op.execute("DROP TRIGGER quote_versions_immutable ON quote_versions")
    op.execute("UPDATE quote_versions SET kind = 'renewal' WHERE draft_id IS NULL")
    op.execute(
        """
        UPDATE contract_lines l SET to_period = v.term_months / v.interval_months
          FROM contract_terms t JOIN quote_versions v ON v.id = t.quote_version_id
         WHERE t.contract_id = l.contract_id AND t.term = l.term
        """
    )
    for statement in (SET_ONCE, MOVED, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("quote_versions", "share_links", "quote_questions", "price_migrations"):
        op.execute(f"DROP TRIGGER {table}_once ON {table}")
    op.execute("DROP TRIGGER quote_versions_immutable ON quote_versions")
    op.execute(
        "CREATE TRIGGER quote_versions_immutable BEFORE UPDATE OR DELETE ON quote_versions "
        "FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change('status')"
    )
    _statuses(STATUSES)
    op.drop_constraint(op.f("contract_lines_not_negative_check"), "contract_lines", type_="check")
    op.create_check_constraint(op.f("contract_lines_not_negative_check"), "contract_lines", "quantity >= 0")
    op.drop_column("quote_versions", "kind")
    op.drop_column("quote_versions", "alternative")
    op.drop_column("price_books", "valid_to")
    op.drop_column("price_books", "entities")
    op.drop_column("price_books", "segments")
    op.drop_column("legal_entities", "language")
    op.drop_column("legal_entities", "look")
    op.drop_constraint(op.f("invoices_contract_id_term_period_no_occasion_key"), "invoices", type_="unique")
    op.create_unique_constraint(
        op.f("invoices_contract_id_term_period_no_key"), "invoices", ["contract_id", "term", "period_no"]
    )
    op.drop_column("invoices", "occasion")
    op.drop_constraint(
        op.f("contract_lines_contract_id_term_line_no_segment_from_period_key"), "contract_lines", type_="unique"
    )
    op.create_unique_constraint(
        op.f("contract_lines_contract_id_term_line_no_key"), "contract_lines", ["contract_id", "term", "line_no"]
    )
    op.drop_column("contract_lines", "starts_on")
    op.drop_column("contract_lines", "starts")
    op.drop_column("contract_lines", "milestone")
    op.drop_column("contract_lines", "to_period")
    op.drop_column("contract_lines", "from_period")
    op.drop_column("contract_lines", "timing")
    op.drop_column("contract_lines", "kind")
    op.drop_column("contract_lines", "segment")
    op.drop_column("accounts", "language")
    op.drop_column("accounts", "segment")
    op.drop_index(op.f("share_views_share_id_ix"), table_name="share_views")
    op.drop_table("share_views")
    op.drop_index(op.f("quote_questions_deal_id_ix"), table_name="quote_questions")
    op.drop_table("quote_questions")
    op.drop_index(op.f("share_links_version_id_ix"), table_name="share_links")
    op.drop_index(op.f("share_links_deal_id_ix"), table_name="share_links")
    op.drop_table("share_links")
    op.drop_index(op.f("coupon_uses_version_id_ix"), table_name="coupon_uses")
    op.drop_table("coupon_uses")
    op.drop_index(
        "price_migration_deals_pending_ix", table_name="price_migration_deals", postgresql_where="status = 'pending'"
    )
    op.drop_index(op.f("price_migration_deals_deal_id_ix"), table_name="price_migration_deals")
    op.drop_table("price_migration_deals")
    op.drop_table("price_migrations")
    op.drop_table("coupons")
    op.drop_constraint(op.f("quote_versions_id_deal_id_key"), "quote_versions", type_="unique")
    op.execute("DROP FUNCTION q2c_set_once()")
    op.execute("DROP FUNCTION q2c_guard_price_migration_deal()")
