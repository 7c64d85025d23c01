"""What tables alone cannot say, as functions and triggers: the ledger balances, the past is immutable, clocks of real
entities cannot be moved. Each refusal is a check_violation that names its rule in the constraint field.
"""

_IMMUTABLE = """
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
"""

_ENTITY = """
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
"""

_DEAL = """
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
"""

_SERIES = """
CREATE FUNCTION q2c_guard_series() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.entity_id, NEW.name) IS DISTINCT FROM (OLD.entity_id, OLD.name) OR NEW.last <> OLD.last + 1 THEN
    RAISE EXCEPTION 'series % of % is at %, the next number is one more', OLD.name, OLD.entity_id, OLD.last
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'series_by_one';
  END IF;
  RETURN NEW;
END $$
"""

_BALANCE = """
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
"""

_INVOICE = """
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
"""

_CASH = """
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
"""

_ONCE = """
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

_MOVED = """
CREATE FUNCTION q2c_guard_price_migration_deal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status = 'done' THEN
    RAISE EXCEPTION 'deal % was moved by %, that stays', OLD.deal_id, OLD.migration_id
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'price_migration_deals_done_stays';
  END IF;
  RETURN NEW;
END $$
"""

FUNCTIONS: tuple[str, ...] = (_IMMUTABLE, _ONCE, _ENTITY, _DEAL, _SERIES, _BALANCE, _INVOICE, _CASH, _MOVED)

# table -> the columns that may change after the insert
IMMUTABLE: dict[str, tuple[str, ...]] = {
    "journal_entries": (),
    "journal_lines": (),
    "invoices": ("status", "paid_minor"),
    "invoice_lines": (),
    "quote_versions": ("status", "alternative"),
    "deal_steps": (),
    "timeline": (),
    "documents": (),
    "price_books": (),
    "approval_policies": (),
    "dunning_policies": (),
    "receipts": ("deal_id", "invoice_id"),
    "cash_applications": (),
    "coupons": (),
    "approval_votes": (),
    "approval_comments": (),
    "approval_entries": (),
    "calendars": (),
    "decision_links": ("used_at", "used_ref"),
    "link_messages": ("told_at", "error"),
    "absences": ("revoked_at",),
    "seat_changes": ("told_at",),
    "share_links": ("revoked_at", "revoked_by"),
    "share_views": (),
    "quote_questions": ("reply", "replied_by", "replied_at", "recorded_turn"),
    "price_migrations": ("finished_at",),
    "price_migration_deals": (
        "status",
        "before_minor",
        "after_minor",
        "rest_before_minor",
        "rest_after_minor",
        "error",
        "at",
    ),
}

# table -> the columns that are filled once and then stay
ONCE: dict[str, tuple[str, ...]] = {
    "quote_versions": ("alternative",),
    "share_links": ("revoked_at", "revoked_by"),
    "quote_questions": ("reply", "replied_by", "replied_at", "recorded_turn"),
    "price_migrations": ("finished_at",),
    "absences": ("revoked_at",),
    "link_messages": ("told_at",),
    "seat_changes": ("told_at",),
}


def _immutable(table: str, may_change: tuple[str, ...]) -> tuple[str, str]:
    listed = ", ".join(f"'{column}'" for column in may_change)
    changed = f"CREATE TRIGGER {table}_immutable BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW"
    emptied = f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
    return f"{changed} EXECUTE FUNCTION q2c_refuse_change({listed})", f"{emptied} EXECUTE FUNCTION q2c_refuse_change()"


def _once(table: str, columns: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{column}'" for column in columns)
    return f"CREATE TRIGGER {table}_once BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION q2c_set_once({listed})"


def _before(table: str, operations: str, function: str) -> str:
    return f"CREATE TRIGGER {table}_guard BEFORE {operations} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()"


def _at_commit(table: str, function: str) -> str:
    return (
        f"CREATE CONSTRAINT TRIGGER {table}_{function.removeprefix('q2c_')} AFTER INSERT ON {table} "
        f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {function}()"
    )


TRIGGERS: tuple[str, ...] = (
    _before("legal_entities", "INSERT OR UPDATE", "q2c_guard_legal_entity"),
    _before("deals", "UPDATE", "q2c_guard_deal"),
    _before("series", "UPDATE", "q2c_guard_series"),
    _before("price_migration_deals", "UPDATE", "q2c_guard_price_migration_deal"),
    _at_commit("journal_entries", "q2c_journal_balances"),
    _at_commit("journal_lines", "q2c_journal_balances"),
    _at_commit("invoices", "q2c_invoice_adds_up"),
    _at_commit("invoice_lines", "q2c_invoice_adds_up"),
    _at_commit("cash_applications", "q2c_cash_application_fits"),
    *(trigger for table, may_change in IMMUTABLE.items() for trigger in _immutable(table, may_change)),
    *(_once(table, columns) for table, columns in ONCE.items()),
)

CREATE: tuple[str, ...] = (*FUNCTIONS, *TRIGGERS)
