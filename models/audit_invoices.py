"""Audit of invoices and cash: gapless numbers, sums of lines, paid by their applications, every money fact told to the outside."""

from sqlmodel.ext.asyncio.session import AsyncSession

from models.audit import Breach, Check, breaches


async def numbers_are_gapless(session: AsyncSession) -> list[Breach]:
    """Per entity and series the numbers are 1 to the series' last, none missing; no number is twice."""
    query = """
        WITH used AS (
            SELECT entity_id, series AS name, min(sequence) AS first, max(sequence) AS last, count(*) AS numbers,
                   count(DISTINCT number) AS distinct_numbers
              FROM invoices GROUP BY 1, 2)
        SELECT coalesce(s.entity_id, u.entity_id) AS entity, coalesce(s.name, u.name) AS series, coalesce(s.last, 0) AS last,
               coalesce(u.first, 0) AS first_used, coalesce(u.last, 0) AS last_used, coalesce(u.numbers, 0) AS numbers,
               coalesce(u.distinct_numbers, 0) AS distinct_numbers
          FROM (SELECT * FROM series WHERE name = 'invoices') s
          FULL JOIN used u ON u.entity_id = s.entity_id AND u.name = s.name
         WHERE coalesce(s.last, 0) <> coalesce(u.last, 0) OR coalesce(u.numbers, 0) <> coalesce(u.last, 0)
            OR u.first <> 1 OR u.distinct_numbers <> u.numbers
         ORDER BY 1, 2 LIMIT :most"""
    told = (
        "series {series} of {entity} is at {last}, its invoices are {numbers} numbers from {first_used} to {last_used}"
    )
    return await breaches(session, "numbers_are_gapless", query, told)


async def invoices_are_the_sum_of_their_lines(session: AsyncSession) -> list[Breach]:
    """The net of an invoice is the sum of its lines; its total is net and tax."""
    query = """
        SELECT i.id AS invoice, i.number, i.net_minor, i.tax_minor, i.total_minor, coalesce(sum(l.amount_minor), 0) AS lines_minor
          FROM invoices i LEFT JOIN invoice_lines l ON l.invoice_id = i.id
         GROUP BY i.id
        HAVING i.net_minor <> coalesce(sum(l.amount_minor), 0) OR i.total_minor <> i.net_minor + i.tax_minor
         ORDER BY i.id LIMIT :most"""
    told = "invoice {number} is {net_minor} net, its lines sum to {lines_minor}"
    return await breaches(session, "invoices_are_the_sum_of_their_lines", query, told)


async def invoices_are_paid_by_their_applications(session: AsyncSession) -> list[Breach]:
    """What an invoice says it was paid is the sum of the cash applied to it."""
    query = """
        SELECT i.id AS invoice, i.number, i.status, i.total_minor, i.paid_minor, coalesce(sum(a.amount_minor), 0) AS applied_minor
          FROM invoices i LEFT JOIN cash_applications a ON a.invoice_id = i.id
         GROUP BY i.id HAVING i.paid_minor <> coalesce(sum(a.amount_minor), 0) ORDER BY i.id LIMIT :most"""
    told = "invoice {number} says {paid_minor} paid, {applied_minor} were applied to it"
    return await breaches(session, "invoices_are_paid_by_their_applications", query, told)


async def bank_lines_are_received_and_applied(session: AsyncSession) -> list[Breach]:
    """Each bank line is one receipt of its amount, and knows how much of it was applied."""
    query = """
        SELECT coalesce(b.id, r.gateway_ref) AS line, b.amount_minor, b.applied_minor, r.id AS receipt,
               r.amount_minor AS received_minor, coalesce(a.minor, 0) AS applications_minor
          FROM bank_lines b
          FULL JOIN (SELECT * FROM receipts WHERE source = 'bank') r
            ON r.gateway_ref = b.id AND r.entity_id = b.entity_id AND r.currency = b.currency
          LEFT JOIN (SELECT receipt_id, sum(amount_minor) AS minor FROM cash_applications GROUP BY 1) a ON a.receipt_id = r.id
         WHERE b.id IS NULL OR r.id IS NULL OR b.amount_minor <> r.amount_minor OR b.applied_minor <> coalesce(a.minor, 0)
         ORDER BY 1 LIMIT :most"""
    told = "bank line {line} of {amount_minor} with {applied_minor} applied: received {received_minor}, applications {applications_minor}"
    return await breaches(session, "bank_lines_are_received_and_applied", query, told)


async def each_money_fact_has_its_event(session: AsyncSession) -> list[Breach]:
    """Every invoice, every card receipt and every application of a transfer was written to the outbox with it."""
    query = """
        SELECT f.what, f.id, f.key FROM (
            SELECT 'invoice' AS what, id, key || '/invoice.issued' AS key FROM invoices
            UNION ALL
            SELECT 'receipt', id, id || '/payment.received' FROM receipts WHERE source = 'card'
            UNION ALL
            SELECT 'cash application', a.id, a.receipt_id || '/' || a.invoice_id || '/payment.received'
              FROM cash_applications a JOIN receipts r ON r.id = a.receipt_id WHERE r.source = 'bank') f
         WHERE NOT EXISTS (SELECT FROM outbox o WHERE o.key = f.key) ORDER BY 1, 2 LIMIT :most"""
    return await breaches(session, "each_money_fact_has_its_event", query, "{what} {id} has no event {key}")


async def captured_attempts_have_their_receipt(session: AsyncSession) -> list[Breach]:
    """An attempt that captured money has its card receipt, and a card receipt its attempt."""
    query = """
        SELECT t.key AS attempt, t.invoice_id AS invoice, r.id AS receipt, coalesce(t.gateway_ref, r.gateway_ref) AS gateway_ref
          FROM (SELECT * FROM payment_attempts WHERE status = 'captured') t
          FULL JOIN (SELECT * FROM receipts WHERE source = 'card') r ON r.gateway_ref = t.gateway_ref
         WHERE (t.key IS NULL OR r.id IS NULL) AND coalesce(t.gateway_ref, r.gateway_ref) <> ''
         ORDER BY 1, 3 LIMIT :most"""
    told = "the gateway's {gateway_ref}: attempt {attempt}, receipt {receipt}"
    return await breaches(session, "captured_attempts_have_their_receipt", query, told)


async def no_invoice_is_charged_twice(session: AsyncSession) -> list[Breach]:
    """The card receipts of one invoice come to no more than its total."""
    query = """
        SELECT i.id AS invoice, i.number, i.total_minor, sum(r.amount_minor) AS charged_minor, count(*) AS receipts
          FROM invoices i JOIN receipts r ON r.invoice_id = i.id AND r.source = 'card'
         GROUP BY i.id HAVING sum(r.amount_minor) > i.total_minor ORDER BY i.id LIMIT :most"""
    told = "invoice {number} of {total_minor} was charged {receipts} times, {charged_minor} in all"
    return await breaches(session, "no_invoice_is_charged_twice", query, told)


CHECKS: tuple[Check, ...] = (
    numbers_are_gapless,
    invoices_are_the_sum_of_their_lines,
    invoices_are_paid_by_their_applications,
    bank_lines_are_received_and_applied,
    each_money_fact_has_its_event,
    captured_attempts_have_their_receipt,
    no_invoice_is_charged_twice,
)
