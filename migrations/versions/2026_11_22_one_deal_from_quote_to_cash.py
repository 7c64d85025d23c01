"""One deal from quote to cash: the first tables, functions and triggers, as of this version."""
# ruff: noqa: PLR0915 (a version is one long list of statements)

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: None = None
depends_on: None = None


# copied from models/constraints.py, which goes on changing
FUNCTIONS = (
    """
CREATE FUNCTION q2c_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
-- Arguments: the columns that may still change. Everything else, and every DELETE, is refused.
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF TG_NARGS > 0 AND (to_jsonb(NEW) - TG_ARGV) = (to_jsonb(OLD) - TG_ARGV) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '% of % refused: written once, corrected only by a new row', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_TABLE_NAME || '_immutable';
END $$
    """,
    """
CREATE FUNCTION q2c_guard_legal_entity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.sandbox_of IS NOT NULL AND EXISTS (SELECT FROM legal_entities e WHERE e.id = NEW.sandbox_of AND e.virtual) THEN
      RAISE EXCEPTION 'a sandbox is a copy of a real entity, % is a sandbox', NEW.sandbox_of
        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'legal_entities_sandbox_of_real';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.id, NEW.virtual, NEW.sandbox_of) IS DISTINCT FROM (OLD.id, OLD.virtual, OLD.sandbox_of) THEN
    RAISE EXCEPTION 'entity % stays what it is: real or sandbox', OLD.id
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'legal_entities_virtual_immutable';
  END IF;
  IF NEW.clock_at IS NOT NULL AND NOT OLD.virtual THEN
    RAISE EXCEPTION 'the clock of the real entity % cannot be moved', OLD.id
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'legal_entities_real_clock';
  END IF;
  IF NEW.clock_at < OLD.clock_at THEN
    RAISE EXCEPTION 'the clock of % never goes backwards', OLD.id
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'legal_entities_clock_forwards';
  END IF;
  RETURN NEW;
END $$
    """,
    """
CREATE FUNCTION q2c_guard_deal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.virtual, NEW.entity_id) IS DISTINCT FROM (OLD.id, OLD.virtual, OLD.entity_id) THEN
    RAISE EXCEPTION 'deal % stays in its entity and on its clock', OLD.id
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'deals_entity_immutable';
  END IF;
  IF NEW.turn NOT IN (OLD.turn, OLD.turn + 1) THEN
    RAISE EXCEPTION 'deal % is at turn %, it cannot go to %', OLD.id, OLD.turn, NEW.turn
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'deals_turn_by_one';
  END IF;
  RETURN NEW;
END $$
    """,
    """
CREATE FUNCTION q2c_guard_series() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.entity_id, NEW.name) IS DISTINCT FROM (OLD.entity_id, OLD.name) OR NEW.last <> OLD.last + 1 THEN
    RAISE EXCEPTION 'series % of % is at %, the next number is one more', OLD.name, OLD.entity_id, OLD.last
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'series_by_one';
  END IF;
  RETURN NEW;
END $$
    """,
    """
CREATE FUNCTION q2c_journal_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  entry text;
  lines bigint;
  total numeric;
BEGIN
  IF TG_TABLE_NAME = 'journal_entries' THEN entry = NEW.id; ELSE entry = NEW.entry_id; END IF;
  SELECT count(*), coalesce(sum(amount_minor), 0) INTO lines, total FROM journal_lines WHERE entry_id = entry;
  IF lines < 2 OR total <> 0 THEN
    RAISE EXCEPTION 'journal entry % does not balance: % lines sum to %', entry, lines, total
      USING ERRCODE = 'check_violation', TABLE = 'journal_entries', CONSTRAINT = 'journal_entries_balance';
  END IF;
  RETURN NULL;
END $$
    """,
    """
CREATE FUNCTION q2c_invoice_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  invoice text;
  net bigint;
  total numeric;
BEGIN
  IF TG_TABLE_NAME = 'invoices' THEN invoice = NEW.id; ELSE invoice = NEW.invoice_id; END IF;
  SELECT net_minor INTO net FROM invoices WHERE id = invoice;
  SELECT coalesce(sum(amount_minor), 0) INTO total FROM invoice_lines WHERE invoice_id = invoice;
  IF net <> total THEN
    RAISE EXCEPTION 'invoice % is % net, its lines sum to %', invoice, net, total
      USING ERRCODE = 'check_violation', TABLE = 'invoices', CONSTRAINT = 'invoices_net_is_sum_of_lines';
  END IF;
  RETURN NULL;
END $$
    """,
    """
CREATE FUNCTION q2c_cash_application_fits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  receipt receipts%ROWTYPE;
  invoice invoices%ROWTYPE;
  applied numeric;
BEGIN
  SELECT * INTO receipt FROM receipts WHERE id = NEW.receipt_id;
  SELECT * INTO invoice FROM invoices WHERE id = NEW.invoice_id;
  IF (receipt.entity_id, receipt.currency) IS DISTINCT FROM (invoice.entity_id, invoice.currency) THEN
    RAISE EXCEPTION 'receipt % (%, %) cannot pay invoice % (%, %)', receipt.id, receipt.entity_id, receipt.currency,
      invoice.id, invoice.entity_id, invoice.currency
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'cash_applications_same_books';
  END IF;
  SELECT sum(amount_minor) INTO applied FROM cash_applications WHERE receipt_id = NEW.receipt_id;
  IF applied > receipt.amount_minor THEN
    RAISE EXCEPTION '% of receipt % would be applied, it is %', applied, receipt.id, receipt.amount_minor
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'cash_applications_within_receipt';
  END IF;
  SELECT sum(amount_minor) INTO applied FROM cash_applications WHERE invoice_id = NEW.invoice_id;
  IF applied > invoice.total_minor THEN
    RAISE EXCEPTION '% would be applied to invoice %, it is %', applied, invoice.id, invoice.total_minor
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'cash_applications_within_invoice';
  END IF;
  RETURN NULL;
END $$
    """,
)
TRIGGERS = (
    "CREATE TRIGGER legal_entities_guard BEFORE INSERT OR UPDATE ON legal_entities FOR EACH ROW EXECUTE FUNCTION q2c_guard_legal_entity()",
    "CREATE TRIGGER deals_guard BEFORE UPDATE ON deals FOR EACH ROW EXECUTE FUNCTION q2c_guard_deal()",
    "CREATE TRIGGER series_guard BEFORE UPDATE ON series FOR EACH ROW EXECUTE FUNCTION q2c_guard_series()",
    "CREATE CONSTRAINT TRIGGER journal_entries_journal_balances AFTER INSERT ON journal_entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION q2c_journal_balances()",
    "CREATE CONSTRAINT TRIGGER journal_lines_journal_balances AFTER INSERT ON journal_lines DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION q2c_journal_balances()",
    "CREATE CONSTRAINT TRIGGER invoices_invoice_adds_up AFTER INSERT ON invoices DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION q2c_invoice_adds_up()",
    "CREATE CONSTRAINT TRIGGER invoice_lines_invoice_adds_up AFTER INSERT ON invoice_lines DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION q2c_invoice_adds_up()",
    "CREATE CONSTRAINT TRIGGER cash_applications_cash_application_fits AFTER INSERT ON cash_applications DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION q2c_cash_application_fits()",
    "CREATE TRIGGER journal_entries_immutable BEFORE UPDATE OR DELETE ON journal_entries FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER journal_entries_never_emptied BEFORE TRUNCATE ON journal_entries FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER journal_lines_immutable BEFORE UPDATE OR DELETE ON journal_lines FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER journal_lines_never_emptied BEFORE TRUNCATE ON journal_lines FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER invoices_immutable BEFORE UPDATE OR DELETE ON invoices FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change('status', 'paid_minor')",
    "CREATE TRIGGER invoices_never_emptied BEFORE TRUNCATE ON invoices FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER invoice_lines_immutable BEFORE UPDATE OR DELETE ON invoice_lines FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER invoice_lines_never_emptied BEFORE TRUNCATE ON invoice_lines FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER quote_versions_immutable BEFORE UPDATE OR DELETE ON quote_versions FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change('status')",
    "CREATE TRIGGER quote_versions_never_emptied BEFORE TRUNCATE ON quote_versions FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER deal_steps_immutable BEFORE UPDATE OR DELETE ON deal_steps FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER deal_steps_never_emptied BEFORE TRUNCATE ON deal_steps FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER timeline_immutable BEFORE UPDATE OR DELETE ON timeline FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER timeline_never_emptied BEFORE TRUNCATE ON timeline FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER documents_immutable BEFORE UPDATE OR DELETE ON documents FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER documents_never_emptied BEFORE TRUNCATE ON documents FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER price_books_immutable BEFORE UPDATE OR DELETE ON price_books FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER price_books_never_emptied BEFORE TRUNCATE ON price_books FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER approval_policies_immutable BEFORE UPDATE OR DELETE ON approval_policies FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER approval_policies_never_emptied BEFORE TRUNCATE ON approval_policies FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER dunning_policies_immutable BEFORE UPDATE OR DELETE ON dunning_policies FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER dunning_policies_never_emptied BEFORE TRUNCATE ON dunning_policies FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER receipts_immutable BEFORE UPDATE OR DELETE ON receipts FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change('deal_id', 'invoice_id')",
    "CREATE TRIGGER receipts_never_emptied BEFORE TRUNCATE ON receipts FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER cash_applications_immutable BEFORE UPDATE OR DELETE ON cash_applications FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change()",
    "CREATE TRIGGER cash_applications_never_emptied BEFORE TRUNCATE ON cash_applications FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()",
)


def upgrade() -> None:
    # a migration waits for no lock longer than this: better to fail and be run again than to hold up every step
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("groups", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "role IN ('sales', 'deal_desk', 'finance', 'ops', 'admin')", name=op.f("api_keys_role_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("api_keys_pk")),
        sa.UniqueConstraint("key_hash", name=op.f("api_keys_key_hash_key")),
    )
    op.create_table(
        "approval_policies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("approval_policies_version_positive_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("approval_policies_pk")),
        sa.UniqueConstraint("name", "version", name=op.f("approval_policies_name_version_key")),
    )
    op.create_table(
        "dunning_policies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("dunning_policies_version_positive_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("dunning_policies_pk")),
        sa.UniqueConstraint("name", "version", name=op.f("dunning_policies_name_version_key")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'done') = (status IS NOT NULL)", name=op.f("idempotency_keys_done_has_an_answer_check")
        ),
        sa.CheckConstraint("state IN ('running', 'done')", name=op.f("idempotency_keys_state_check")),
        sa.PrimaryKeyConstraint("person", "key", name=op.f("idempotency_keys_pk")),
    )
    op.create_index(op.f("idempotency_keys_created_at_ix"), "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("taken_turn", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('new', 'signalled', 'taken', 'unexpected', 'nothing_new')", name=op.f("inbox_status_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("inbox_pk")),
        sa.UniqueConstraint("provider", "event_id", name=op.f("inbox_provider_event_id_key")),
    )
    op.create_index("inbox_deal_ix", "inbox", ["deal_id"], unique=False)
    op.create_index(
        "inbox_waiting_ix",
        "inbox",
        ["received_at", "id"],
        unique=False,
        postgresql_where="status IN ('new', 'signalled')",
    )
    op.create_table(
        "legal_entities",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("invoice_prefix", sa.Text(), nullable=False),
        sa.Column("bank_account", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("tax_number", sa.Text(), nullable=False),
        sa.Column("virtual", sa.Boolean(), nullable=False),
        sa.Column("sandbox_of", sa.Text(), nullable=True),
        sa.Column("clock_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("legal_entities_currency_check")),
        sa.CheckConstraint(
            "virtual = (sandbox_of IS NOT NULL) AND virtual = (clock_at IS NOT NULL)",
            name=op.f("legal_entities_only_a_sandbox_has_a_clock_check"),
        ),
        sa.ForeignKeyConstraint(["sandbox_of"], ["legal_entities.id"], name=op.f("legal_entities_sandbox_of_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("legal_entities_pk")),
        sa.UniqueConstraint("id", "virtual", name=op.f("legal_entities_id_virtual_key")),
    )
    op.create_index(op.f("legal_entities_sandbox_of_ix"), "legal_entities", ["sandbox_of"], unique=False)
    op.create_table(
        "people",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("groups", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("manager", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("email", name=op.f("people_pk")),
    )
    op.create_table(
        "price_books",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("price_books_currency_check")),
        sa.CheckConstraint("version > 0", name=op.f("price_books_version_positive_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("price_books_pk")),
        sa.UniqueConstraint("name", "version", name=op.f("price_books_name_version_key")),
    )
    op.create_table(
        "quote_drafts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opens", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("quote_drafts_pk")),
    )
    op.create_index(op.f("quote_drafts_deal_id_ix"), "quote_drafts", ["deal_id"], unique=False)
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("method_token", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("accounts_currency_check")),
        sa.CheckConstraint("method IN ('card', 'transfer')", name=op.f("accounts_method_check")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entities.id"], name=op.f("accounts_entity_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("accounts_pk")),
        sa.UniqueConstraint("id", "entity_id", name=op.f("accounts_id_entity_id_key")),
    )
    op.create_index(op.f("accounts_entity_id_ix"), "accounts", ["entity_id"], unique=False)
    op.create_table(
        "bank_statements",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entities.id"], name=op.f("bank_statements_entity_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("bank_statements_pk")),
        sa.UniqueConstraint("id", "entity_id", name=op.f("bank_statements_id_entity_id_key")),
    )
    op.create_index(op.f("bank_statements_entity_id_ix"), "bank_statements", ["entity_id"], unique=False)
    op.create_table(
        "series",
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("last >= 0", name=op.f("series_not_negative_check")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entities.id"], name=op.f("series_entity_id_fk")),
        sa.PrimaryKeyConstraint("entity_id", "name", name=op.f("series_pk")),
    )
    op.create_table(
        "tax_rates",
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=9, scale=6), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("rate >= 0 AND rate < 1", name=op.f("tax_rates_rate_check")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entities.id"], name=op.f("tax_rates_entity_id_fk")),
        sa.PrimaryKeyConstraint("entity_id", "valid_from", name=op.f("tax_rates_pk")),
    )
    op.create_table(
        "deals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("virtual", sa.Boolean(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("waits_for", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_kind", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked", sa.Text(), nullable=False),
        sa.Column("acv_minor", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("state", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("deals_currency_check")),
        sa.CheckConstraint(
            "stage IN ('quote', 'approval', 'signature', 'provisioning', 'active', 'suspended', 'ended')",
            name=op.f("deals_stage_check"),
        ),
        sa.CheckConstraint("turn >= 0", name=op.f("deals_turn_check")),
        sa.ForeignKeyConstraint(
            ["account_id", "entity_id"],
            ["accounts.id", "accounts.entity_id"],
            name=op.f("deals_account_id_entity_id_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["entity_id", "virtual"],
            ["legal_entities.id", "legal_entities.virtual"],
            name=op.f("deals_entity_id_virtual_fk"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("deals_pk")),
        sa.UniqueConstraint("id", "entity_id", name=op.f("deals_id_entity_id_key")),
    )
    op.create_index("deals_account_ix", "deals", ["account_id", "opened_at", "id"], unique=False)
    op.create_index("deals_entity_next_ix", "deals", ["entity_id", "next_at"], unique=False)
    op.create_index("deals_opened_ix", "deals", ["opened_at", "id"], unique=False)
    op.create_index("deals_owner_ix", "deals", ["owner", "opened_at", "id"], unique=False)
    op.create_index("deals_stage_ix", "deals", ["stage", "opened_at", "id"], unique=False)
    op.create_table(
        "gateway_customers",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_ref", sa.Text(), nullable=False),
        sa.Column("method_ref", sa.Text(), nullable=False),
        sa.Column("method_token", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("gateway_customers_account_id_fk")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("gateway_customers_pk")),
    )
    op.create_table(
        "approval_requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("order_number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalate_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("escalated_to", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('asked', 'approved', 'rejected', 'superseded', 'withdrawn', 'expired')",
            name=op.f("approval_requests_status_check"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('approved', 'rejected') OR (decided_by <> '' AND decided_at IS NOT NULL)",
            name=op.f("approval_requests_a_decision_has_a_person_check"),
        ),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("approval_requests_deal_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("approval_requests_pk")),
        sa.UniqueConstraint(
            "deal_id",
            "order_number",
            "version",
            "level",
            "group_name",
            name=op.f("approval_requests_deal_id_order_number_version_level_group_name_key"),
        ),
    )
    op.create_index(
        "approval_requests_waiting_ix",
        "approval_requests",
        ["group_name", "asked_at"],
        unique=False,
        postgresql_where="status = 'asked'",
    )
    op.create_table(
        "contracts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("net_days", sa.Integer(), nullable=False),
        sa.Column("auto_renew", sa.Boolean(), nullable=False),
        sa.Column("notice_days", sa.Integer(), nullable=False),
        sa.Column("uplift", sa.Numeric(precision=9, scale=6), nullable=False),
        sa.Column("signed_sha256", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("contracts_currency_check")),
        sa.CheckConstraint("method IN ('card', 'transfer')", name=op.f("contracts_method_check")),
        sa.CheckConstraint(
            "stage IN ('booked', 'provisioning', 'active', 'suspended', 'ended', 'cancelled')",
            name=op.f("contracts_stage_check"),
        ),
        sa.CheckConstraint("net_days >= 0 AND notice_days >= 0", name=op.f("contracts_not_negative_check")),
        sa.ForeignKeyConstraint(
            ["account_id", "entity_id"],
            ["accounts.id", "accounts.entity_id"],
            name=op.f("contracts_account_id_entity_id_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["deal_id", "entity_id"], ["deals.id", "deals.entity_id"], name=op.f("contracts_deal_id_entity_id_fk")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("contracts_pk")),
        sa.UniqueConstraint("deal_id", name=op.f("contracts_deal_id_key")),
        sa.UniqueConstraint("entity_id", "number", name=op.f("contracts_entity_id_number_key")),
        sa.UniqueConstraint("id", "deal_id", name=op.f("contracts_id_deal_id_key")),
    )
    op.create_index(op.f("contracts_account_id_ix"), "contracts", ["account_id"], unique=False)
    op.create_table(
        "deal_steps",
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("performed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("deal_steps_deal_id_fk")),
        sa.PrimaryKeyConstraint("deal_id", "turn", name=op.f("deal_steps_pk")),
        sa.UniqueConstraint("key", name=op.f("deal_steps_key_key")),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.Column("created_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("sha256 = encode(sha256(bytes), 'hex')", name=op.f("documents_sha256_check")),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("documents_deal_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("documents_pk")),
    )
    op.create_index(op.f("documents_deal_id_ix"), "documents", ["deal_id"], unique=False)
    op.create_table(
        "envelopes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("order_number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document_sha256", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('sent', 'signed', 'declined', 'expired', 'voided')", name=op.f("envelopes_status_check")
        ),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("envelopes_deal_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("envelopes_pk")),
    )
    op.create_index(op.f("envelopes_deal_id_ix"), "envelopes", ["deal_id"], unique=False)
    op.create_table(
        "journal_entries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=True),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("journal_entries_currency_check")),
        sa.ForeignKeyConstraint(
            ["deal_id", "entity_id"], ["deals.id", "deals.entity_id"], name=op.f("journal_entries_deal_id_entity_id_fk")
        ),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entities.id"], name=op.f("journal_entries_entity_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("journal_entries_pk")),
        sa.UniqueConstraint("key", name=op.f("journal_entries_key_key")),
    )
    op.create_index("journal_entries_deal_ix", "journal_entries", ["deal_id"], unique=False)
    op.create_index("journal_entries_entity_ix", "journal_entries", ["entity_id", "on_date", "id"], unique=False)
    op.create_index("journal_entries_source_ix", "journal_entries", ["source_kind", "source_id"], unique=False)
    op.create_table(
        "mails",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=True),
        sa.Column("to_", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("attachment", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("mails_deal_id_fk")),
        sa.PrimaryKeyConstraint("key", name=op.f("mails_pk")),
    )
    op.create_index("mails_deal_ix", "mails", ["deal_id"], unique=False)
    op.create_index("mails_waiting_ix", "mails", ["at", "key"], unique=False, postgresql_where="sent_at IS NULL")
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("outbox_deal_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("outbox_pk")),
        sa.UniqueConstraint("key", name=op.f("outbox_key_key")),
    )
    op.create_index(op.f("outbox_deal_id_ix"), "outbox", ["deal_id"], unique=False)
    op.create_index("outbox_waiting_ix", "outbox", ["id"], unique=False, postgresql_where="delivered_at IS NULL")
    op.create_table(
        "provisionings",
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("order_number", sa.Integer(), nullable=False),
        sa.Column("step_no", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("performed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'done', 'failed', 'compensating', 'compensated')",
            name=op.f("provisionings_status_check"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("provisionings_not_negative_check")),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("provisionings_deal_id_fk")),
        sa.PrimaryKeyConstraint("deal_id", "order_number", "step_no", name=op.f("provisionings_pk")),
    )
    op.create_table(
        "quote_versions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("order_number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("draft_id", sa.Text(), nullable=True),
        sa.Column("price_book_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("term_months", sa.Integer(), nullable=False),
        sa.Column("interval_months", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("net_days", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("auto_renew", sa.Boolean(), nullable=False),
        sa.Column("notice_days", sa.Integer(), nullable=False),
        sa.Column("uplift", sa.Numeric(precision=9, scale=6), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("acv_minor", sa.BigInteger(), nullable=False),
        sa.Column("list_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_bps", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("quote_versions_currency_check")),
        sa.CheckConstraint("method IN ('card', 'transfer')", name=op.f("quote_versions_method_check")),
        sa.CheckConstraint(
            "status IN ('draft', 'priced', 'refused', 'in_approval', 'approved', 'out_for_signature', 'noticed', 'signed', 'booked', 'provisioning', 'done', 'rejected', 'declined', 'expired', 'withdrawn', 'superseded')",
            name=op.f("quote_versions_status_check"),
        ),
        sa.CheckConstraint("discount_bps BETWEEN 0 AND 10000", name=op.f("quote_versions_discount_check")),
        sa.CheckConstraint("interval_months > 0", name=op.f("quote_versions_interval_months_positive_check")),
        sa.CheckConstraint("term_months > 0", name=op.f("quote_versions_term_months_positive_check")),
        sa.CheckConstraint(
            "total_minor >= 0 AND acv_minor >= 0 AND list_minor >= 0 AND net_days >= 0 AND notice_days >= 0",
            name=op.f("quote_versions_not_negative_check"),
        ),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("quote_versions_deal_id_fk")),
        sa.ForeignKeyConstraint(["draft_id"], ["quote_drafts.id"], name=op.f("quote_versions_draft_id_fk")),
        sa.ForeignKeyConstraint(["price_book_id"], ["price_books.id"], name=op.f("quote_versions_price_book_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("quote_versions_pk")),
        sa.UniqueConstraint(
            "deal_id", "order_number", "version", name=op.f("quote_versions_deal_id_order_number_version_key")
        ),
    )
    op.create_table(
        "timeline",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=True),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("timeline_currency_check")),
        sa.CheckConstraint(
            "(amount_minor IS NULL) = (currency IS NULL)", name=op.f("timeline_an_amount_has_a_currency_check")
        ),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("timeline_deal_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("timeline_pk")),
    )
    op.create_index("timeline_deal_ix", "timeline", ["deal_id", "id"], unique=False)
    op.create_table(
        "contract_terms",
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("term", sa.Integer(), nullable=False),
        sa.Column("order_number", sa.Integer(), nullable=False),
        sa.Column("quote_version_id", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("interval_months", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("interval_months > 0", name=op.f("contract_terms_interval_months_positive_check")),
        sa.CheckConstraint("starts_on < ends_on", name=op.f("contract_terms_period_check")),
        sa.CheckConstraint("term > 0", name=op.f("contract_terms_term_positive_check")),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("contract_terms_contract_id_fk")),
        sa.ForeignKeyConstraint(
            ["quote_version_id"], ["quote_versions.id"], name=op.f("contract_terms_quote_version_id_fk")
        ),
        sa.PrimaryKeyConstraint("contract_id", "term", name=op.f("contract_terms_pk")),
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("term", sa.Integer(), nullable=False),
        sa.Column("period_no", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", sa.Numeric(precision=9, scale=6), nullable=False),
        sa.Column("tax_name", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(status = 'paid') = (paid_minor = total_minor)", name=op.f("invoices_paid_is_paid_in_full_check")
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("invoices_currency_check")),
        sa.CheckConstraint("method IN ('card', 'transfer')", name=op.f("invoices_method_check")),
        sa.CheckConstraint("status IN ('open', 'paid', 'uncollectible')", name=op.f("invoices_status_check")),
        sa.CheckConstraint("issued_on <= due_on", name=op.f("invoices_due_check")),
        sa.CheckConstraint(
            "net_minor >= 0 AND tax_minor >= 0 AND total_minor >= 0 AND paid_minor >= 0 AND tax_rate >= 0",
            name=op.f("invoices_not_negative_check"),
        ),
        sa.CheckConstraint("paid_minor <= total_minor", name=op.f("invoices_not_overpaid_check")),
        sa.CheckConstraint("period_start < period_end", name=op.f("invoices_period_check")),
        sa.CheckConstraint("sequence > 0", name=op.f("invoices_sequence_positive_check")),
        sa.CheckConstraint("total_minor = net_minor + tax_minor", name=op.f("invoices_total_check")),
        sa.ForeignKeyConstraint(
            ["account_id", "entity_id"],
            ["accounts.id", "accounts.entity_id"],
            name=op.f("invoices_account_id_entity_id_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id", "deal_id"],
            ["contracts.id", "contracts.deal_id"],
            name=op.f("invoices_contract_id_deal_id_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["deal_id", "entity_id"], ["deals.id", "deals.entity_id"], name=op.f("invoices_deal_id_entity_id_fk")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("invoices_pk")),
        sa.UniqueConstraint("contract_id", "term", "period_no", name=op.f("invoices_contract_id_term_period_no_key")),
        sa.UniqueConstraint("entity_id", "number", name=op.f("invoices_entity_id_number_key")),
        sa.UniqueConstraint("entity_id", "series", "sequence", name=op.f("invoices_entity_id_series_sequence_key")),
        sa.UniqueConstraint("id", "deal_id", name=op.f("invoices_id_deal_id_key")),
        sa.UniqueConstraint("id", "entity_id", name=op.f("invoices_id_entity_id_key")),
        sa.UniqueConstraint("key", name=op.f("invoices_key_key")),
    )
    op.create_index("invoices_account_ix", "invoices", ["account_id", "issued_on", "id"], unique=False)
    op.create_index("invoices_deal_ix", "invoices", ["deal_id", "issued_on", "id"], unique=False)
    op.create_index("invoices_issued_ix", "invoices", ["issued_on", "id"], unique=False)
    op.create_index(
        "invoices_open_ix", "invoices", ["entity_id", "due_on", "id"], unique=False, postgresql_where="status = 'open'"
    )
    op.create_table(
        "journal_lines",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entries.id"], name=op.f("journal_lines_entry_id_fk")),
        sa.PrimaryKeyConstraint("entry_id", "line_no", name=op.f("journal_lines_pk")),
    )
    op.create_index("journal_lines_account_ix", "journal_lines", ["account"], unique=False)
    op.create_table(
        "bank_lines",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("matched_invoice_id", sa.Text(), nullable=True),
        sa.Column("matched_deal_id", sa.Text(), nullable=True),
        sa.Column("applied_minor", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("bank_lines_currency_check")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("bank_lines_amount_minor_positive_check")),
        sa.CheckConstraint("applied_minor BETWEEN 0 AND amount_minor", name=op.f("bank_lines_applied_check")),
        sa.ForeignKeyConstraint(
            ["matched_deal_id", "entity_id"],
            ["deals.id", "deals.entity_id"],
            name=op.f("bank_lines_matched_deal_id_entity_id_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["matched_invoice_id", "entity_id"],
            ["invoices.id", "invoices.entity_id"],
            name=op.f("bank_lines_matched_invoice_id_entity_id_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["statement_id", "entity_id"],
            ["bank_statements.id", "bank_statements.entity_id"],
            name=op.f("bank_lines_statement_id_entity_id_fk"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("bank_lines_pk")),
    )
    op.create_index("bank_lines_entity_ix", "bank_lines", ["entity_id", "booked_on", "id"], unique=False)
    op.create_index("bank_lines_statement_ix", "bank_lines", ["statement_id"], unique=False)
    op.create_table(
        "contract_lines",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("term", sa.Integer(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=28, scale=12), nullable=False),
        sa.Column("unit_label", sa.Text(), nullable=False),
        sa.Column("period_amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("charge", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("contract_lines_not_negative_check")),
        sa.ForeignKeyConstraint(
            ["contract_id", "term"],
            ["contract_terms.contract_id", "contract_terms.term"],
            name=op.f("contract_lines_contract_id_term_fk"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("contract_lines_pk")),
        sa.UniqueConstraint("contract_id", "term", "line_no", name=op.f("contract_lines_contract_id_term_line_no_key")),
    )
    op.create_table(
        "invoice_lines",
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=28, scale=12), nullable=False),
        sa.Column("unit_label", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("revenue_account", sa.Text(), nullable=False),
        sa.Column("explain", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("invoice_lines_invoice_id_fk")),
        sa.PrimaryKeyConstraint("invoice_id", "line_no", name=op.f("invoice_lines_pk")),
    )
    op.create_table(
        "payment_attempts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("gateway_ref", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("payment_attempts_currency_check")),
        sa.CheckConstraint(
            "status IN ('started', 'captured', 'declined', 'pending', 'unknown', 'failed')",
            name=op.f("payment_attempts_status_check"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("payment_attempts_amount_minor_positive_check")),
        sa.ForeignKeyConstraint(
            ["invoice_id", "deal_id"],
            ["invoices.id", "invoices.deal_id"],
            name=op.f("payment_attempts_invoice_id_deal_id_fk"),
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("payment_attempts_pk")),
        sa.UniqueConstraint("invoice_id", "attempt", name=op.f("payment_attempts_invoice_id_attempt_key")),
    )
    op.create_index("payment_attempts_deal_ix", "payment_attempts", ["deal_id", "started_at"], unique=False)
    op.create_index("payment_attempts_gateway_ref_ix", "payment_attempts", ["gateway_ref"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=True),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("gateway_ref", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("receipts_currency_check")),
        sa.CheckConstraint("source IN ('card', 'bank')", name=op.f("receipts_source_check")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("receipts_amount_minor_positive_check")),
        sa.ForeignKeyConstraint(
            ["deal_id", "entity_id"], ["deals.id", "deals.entity_id"], name=op.f("receipts_deal_id_entity_id_fk")
        ),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entities.id"], name=op.f("receipts_entity_id_fk")),
        sa.ForeignKeyConstraint(
            ["invoice_id", "entity_id"],
            ["invoices.id", "invoices.entity_id"],
            name=op.f("receipts_invoice_id_entity_id_fk"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("receipts_pk")),
        sa.UniqueConstraint("source", "gateway_ref", name=op.f("receipts_source_gateway_ref_key")),
    )
    op.create_index("receipts_deal_ix", "receipts", ["deal_id"], unique=False)
    op.create_index("receipts_entity_ix", "receipts", ["entity_id", "received_on", "id"], unique=False)
    op.create_index("receipts_invoice_ix", "receipts", ["invoice_id"], unique=False)
    op.create_table(
        "cash_applications",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("applied_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("cash_applications_amount_minor_positive_check")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("cash_applications_invoice_id_fk")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("cash_applications_receipt_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("cash_applications_pk")),
    )
    op.create_index(op.f("cash_applications_invoice_id_ix"), "cash_applications", ["invoice_id"], unique=False)
    op.create_index(op.f("cash_applications_receipt_id_ix"), "cash_applications", ["receipt_id"], unique=False)
    op.create_foreign_key("deals_contract_id_fk", "deals", "contracts", ["contract_id"], ["id"])
    for statement in (*FUNCTIONS, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    op.drop_constraint("deals_contract_id_fk", "deals", type_="foreignkey")
    op.drop_index(op.f("cash_applications_receipt_id_ix"), table_name="cash_applications")
    op.drop_index(op.f("cash_applications_invoice_id_ix"), table_name="cash_applications")
    op.drop_table("cash_applications")
    op.drop_index("receipts_invoice_ix", table_name="receipts")
    op.drop_index("receipts_entity_ix", table_name="receipts")
    op.drop_index("receipts_deal_ix", table_name="receipts")
    op.drop_table("receipts")
    op.drop_index("payment_attempts_gateway_ref_ix", table_name="payment_attempts")
    op.drop_index("payment_attempts_deal_ix", table_name="payment_attempts")
    op.drop_table("payment_attempts")
    op.drop_table("invoice_lines")
    op.drop_table("contract_lines")
    op.drop_index("bank_lines_statement_ix", table_name="bank_lines")
    op.drop_index("bank_lines_entity_ix", table_name="bank_lines")
    op.drop_table("bank_lines")
    op.drop_index("journal_lines_account_ix", table_name="journal_lines")
    op.drop_table("journal_lines")
    op.drop_index("invoices_open_ix", table_name="invoices", postgresql_where="status = 'open'")
    op.drop_index("invoices_issued_ix", table_name="invoices")
    op.drop_index("invoices_deal_ix", table_name="invoices")
    op.drop_index("invoices_account_ix", table_name="invoices")
    op.drop_table("invoices")
    op.drop_table("contract_terms")
    op.drop_index("timeline_deal_ix", table_name="timeline")
    op.drop_table("timeline")
    op.drop_table("quote_versions")
    op.drop_table("provisionings")
    op.drop_index("outbox_waiting_ix", table_name="outbox", postgresql_where="delivered_at IS NULL")
    op.drop_index(op.f("outbox_deal_id_ix"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_index("mails_waiting_ix", table_name="mails", postgresql_where="sent_at IS NULL")
    op.drop_index("mails_deal_ix", table_name="mails")
    op.drop_table("mails")
    op.drop_index("journal_entries_source_ix", table_name="journal_entries")
    op.drop_index("journal_entries_entity_ix", table_name="journal_entries")
    op.drop_index("journal_entries_deal_ix", table_name="journal_entries")
    op.drop_table("journal_entries")
    op.drop_index(op.f("envelopes_deal_id_ix"), table_name="envelopes")
    op.drop_table("envelopes")
    op.drop_index(op.f("documents_deal_id_ix"), table_name="documents")
    op.drop_table("documents")
    op.drop_table("deal_steps")
    op.drop_index(op.f("contracts_account_id_ix"), table_name="contracts")
    op.drop_table("contracts")
    op.drop_index("approval_requests_waiting_ix", table_name="approval_requests", postgresql_where="status = 'asked'")
    op.drop_table("approval_requests")
    op.drop_table("gateway_customers")
    op.drop_index("deals_stage_ix", table_name="deals")
    op.drop_index("deals_owner_ix", table_name="deals")
    op.drop_index("deals_opened_ix", table_name="deals")
    op.drop_index("deals_entity_next_ix", table_name="deals")
    op.drop_index("deals_account_ix", table_name="deals")
    op.drop_table("deals")
    op.drop_table("tax_rates")
    op.drop_table("series")
    op.drop_index(op.f("bank_statements_entity_id_ix"), table_name="bank_statements")
    op.drop_table("bank_statements")
    op.drop_index(op.f("accounts_entity_id_ix"), table_name="accounts")
    op.drop_table("accounts")
    op.drop_index(op.f("quote_drafts_deal_id_ix"), table_name="quote_drafts")
    op.drop_table("quote_drafts")
    op.drop_table("price_books")
    op.drop_table("people")
    op.drop_index(op.f("legal_entities_sandbox_of_ix"), table_name="legal_entities")
    op.drop_table("legal_entities")
    op.drop_index("inbox_waiting_ix", table_name="inbox", postgresql_where="status IN ('new', 'signalled')")
    op.drop_index("inbox_deal_ix", table_name="inbox")
    op.drop_table("inbox")
    op.drop_index(op.f("idempotency_keys_created_at_ix"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_table("dunning_policies")
    op.drop_table("approval_policies")
    op.drop_table("api_keys")
    op.execute("DROP FUNCTION q2c_refuse_change()")
    op.execute("DROP FUNCTION q2c_guard_legal_entity()")
    op.execute("DROP FUNCTION q2c_guard_deal()")
    op.execute("DROP FUNCTION q2c_guard_series()")
    op.execute("DROP FUNCTION q2c_journal_balances()")
    op.execute("DROP FUNCTION q2c_invoice_adds_up()")
    op.execute("DROP FUNCTION q2c_cash_application_fits()")
