"""Audit of the journal: it balances, it stays in its entity, and its accounts equal what the other tables say (domain.md, "Ledger")."""

from sqlmodel.ext.asyncio.session import AsyncSession

from models.audit import Breach, Check, breaches


async def every_entry_balances(session: AsyncSession) -> list[Breach]:
    """Each journal entry has two lines or more, and they sum to zero."""
    query = """
        SELECT e.id AS entry, e.kind, e.entity_id AS entity, count(l.*) AS lines, coalesce(sum(l.amount_minor), 0) AS sum_minor
          FROM journal_entries e LEFT JOIN journal_lines l ON l.entry_id = e.id
         GROUP BY e.id HAVING count(l.*) < 2 OR coalesce(sum(l.amount_minor), 0) <> 0
         ORDER BY e.id LIMIT :most"""
    return await breaches(
        session, "every_entry_balances", query, "entry {entry} has {lines} lines that sum to {sum_minor}"
    )


async def every_entry_is_in_its_deals_entity(session: AsyncSession) -> list[Breach]:
    """What a deal posts is in the books of its own legal entity and in its own currency."""
    query = """
        SELECT e.id AS entry, e.entity_id AS entity, e.currency, d.id AS deal, d.entity_id AS deal_entity, d.currency AS deal_currency
          FROM journal_entries e JOIN deals d ON d.id = e.deal_id
         WHERE (e.entity_id, e.currency) <> (d.entity_id, d.currency) ORDER BY e.id LIMIT :most"""
    told = "entry {entry} is in {entity} and {currency}, its deal {deal} in {deal_entity} and {deal_currency}"
    return await breaches(session, "every_entry_is_in_its_deals_entity", query, told)


_BALANCES = """
    WITH booked AS (
        SELECT e.entity_id AS entity, e.currency, sum(l.amount_minor) AS minor
          FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id
         WHERE split_part(l.account, ':', 1) = '{account}' GROUP BY 1, 2),
    found AS ({found})
    SELECT coalesce(b.entity, f.entity) AS entity, coalesce(b.currency, f.currency) AS currency,
           coalesce(b.minor, 0) AS booked_minor, coalesce(f.minor, 0) AS found_minor
      FROM booked b FULL JOIN found f ON f.entity = b.entity AND f.currency = b.currency
     WHERE coalesce(b.minor, 0) <> coalesce(f.minor, 0) ORDER BY 1, 2 LIMIT :most"""


async def _account(session: AsyncSession, check: str, account: str, found: str, what: str) -> list[Breach]:
    """Per entity and currency: the account's balance (debit positive) is what the query finds."""
    told = f"{account} of {{entity}} is {{booked_minor}} {{currency}} minor units, {what} come to {{found_minor}}"
    return await breaches(session, check, _BALANCES.format(account=account, found=found), told)


async def receivable_is_what_is_open(session: AsyncSession) -> list[Breach]:
    """Accounts receivable are the invoices' totals less what was paid; what was given up as uncollectible is still owed."""
    found = """SELECT entity_id AS entity, currency, sum(total_minor - paid_minor) AS minor
                 FROM invoices WHERE status <> 'paid' GROUP BY 1, 2"""
    return await _account(session, "receivable_is_what_is_open", "accounts_receivable", found, "the open invoices")


async def deferred_revenue_is_what_was_invoiced(session: AsyncSession) -> list[Breach]:
    """Deferred revenue is the net of all invoices: nothing is recognized yet."""
    found = "SELECT entity_id AS entity, currency, -sum(net_minor) AS minor FROM invoices GROUP BY 1, 2"
    return await _account(
        session, "deferred_revenue_is_what_was_invoiced", "deferred_revenue", found, "the nets of all invoices"
    )


async def tax_payable_is_what_was_invoiced(session: AsyncSession) -> list[Breach]:
    """Tax payable is the tax of all invoices."""
    found = "SELECT entity_id AS entity, currency, -sum(tax_minor) AS minor FROM invoices GROUP BY 1, 2"
    return await _account(
        session, "tax_payable_is_what_was_invoiced", "tax_payable", found, "the taxes of all invoices"
    )


async def bank_is_its_lines(session: AsyncSession) -> list[Breach]:
    """The bank account is the sum of the bank's own lines."""
    found = "SELECT entity_id AS entity, currency, sum(amount_minor) AS minor FROM bank_lines GROUP BY 1, 2"
    return await _account(session, "bank_is_its_lines", "bank", found, "the bank's lines")


async def clearing_is_the_card_receipts(session: AsyncSession) -> list[Breach]:
    """Cash clearing is the sum of all card receipts."""
    found = """SELECT entity_id AS entity, currency, sum(amount_minor) AS minor
                 FROM receipts WHERE source = 'card' GROUP BY 1, 2"""
    return await _account(session, "clearing_is_the_card_receipts", "cash_clearing", found, "the card receipts")


async def unapplied_cash_is_what_no_invoice_got(session: AsyncSession) -> list[Breach]:
    """Unapplied cash is all money received less what was applied to invoices."""
    found = """SELECT r.entity_id AS entity, r.currency, -sum(r.amount_minor - coalesce(a.minor, 0)) AS minor
                 FROM receipts r
                 LEFT JOIN (SELECT receipt_id, sum(amount_minor) AS minor FROM cash_applications GROUP BY 1) a
                   ON a.receipt_id = r.id
                GROUP BY 1, 2"""
    return await _account(
        session,
        "unapplied_cash_is_what_no_invoice_got",
        "unapplied_cash",
        found,
        "the receipts less their applications",
    )


async def each_invoice_is_posted_once(session: AsyncSession) -> list[Breach]:
    """Each invoice has exactly one journal entry of its total (one of nothing has none), each such entry its invoice."""
    query = """
        WITH posted AS (
            SELECT e.source_id, e.entity_id, e.currency, count(DISTINCT e.id) AS entries, min(e.id) AS entry,
                   coalesce(sum(l.amount_minor) FILTER (WHERE l.account = 'accounts_receivable'), 0) AS minor
              FROM journal_entries e LEFT JOIN journal_lines l ON l.entry_id = e.id
             WHERE e.kind = 'invoice' GROUP BY 1, 2, 3)
        SELECT coalesce(i.id, p.source_id) AS invoice, i.number, i.total_minor, coalesce(p.entries, 0) AS entries,
               p.entry, coalesce(p.minor, 0) AS posted_minor
          FROM invoices i
          FULL JOIN posted p ON p.source_id = i.id AND p.entity_id = i.entity_id AND p.currency = i.currency
         WHERE i.id IS NULL OR coalesce(p.entries, 0) <> (i.total_minor > 0)::int OR coalesce(p.minor, 0) <> i.total_minor
         ORDER BY 1 LIMIT :most"""
    told = "invoice {invoice} ({number}) of {total_minor} has {entries} entries of {posted_minor}"
    return await breaches(session, "each_invoice_is_posted_once", query, told)


async def each_receipt_is_posted_once(session: AsyncSession) -> list[Breach]:
    """Each receipt has exactly one journal entry of its amount (cash clearing or bank), each such entry its receipt."""
    query = """
        WITH posted AS (
            SELECT e.kind, e.source_id, e.entity_id, e.currency, count(DISTINCT e.id) AS entries, min(e.id) AS entry,
                   coalesce(sum(l.amount_minor) FILTER (WHERE l.account IN ('cash_clearing', 'bank')), 0) AS minor
              FROM journal_entries e LEFT JOIN journal_lines l ON l.entry_id = e.id
             WHERE e.kind IN ('card_receipt', 'bank_line') GROUP BY 1, 2, 3, 4),
        received AS (
            SELECT *, CASE source WHEN 'card' THEN 'card_receipt' ELSE 'bank_line' END AS kind,
                   CASE source WHEN 'card' THEN id ELSE gateway_ref END AS source_id FROM receipts)
        SELECT coalesce(r.id, p.source_id) AS receipt, r.gateway_ref, r.amount_minor, coalesce(p.entries, 0) AS entries,
               p.entry, coalesce(p.minor, 0) AS posted_minor
          FROM received r
          FULL JOIN posted p ON p.kind = r.kind AND p.source_id = r.source_id AND p.entity_id = r.entity_id
                            AND p.currency = r.currency
         WHERE r.id IS NULL OR coalesce(p.entries, 0) <> 1 OR p.minor <> r.amount_minor
         ORDER BY 1 LIMIT :most"""
    told = "receipt {receipt} ({gateway_ref}) of {amount_minor} has {entries} entries of {posted_minor}"
    return await breaches(session, "each_receipt_is_posted_once", query, told)


CHECKS: tuple[Check, ...] = (
    every_entry_balances,
    every_entry_is_in_its_deals_entity,
    receivable_is_what_is_open,
    deferred_revenue_is_what_was_invoiced,
    tax_payable_is_what_was_invoiced,
    bank_is_its_lines,
    clearing_is_the_card_receipts,
    unapplied_cash_is_what_no_invoice_got,
    each_invoice_is_posted_once,
    each_receipt_is_posted_once,
)
