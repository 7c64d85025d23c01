"""Audit of quotes: one version of an order in play, what was chosen was offered, coupons within their limits, links and moves true."""

from sqlmodel.ext.asyncio.session import AsyncSession

from models.audit import Breach, Check, breaches

_ALIVE = "v.status NOT IN ('refused', 'rejected', 'declined', 'expired', 'withdrawn', 'superseded')"
_IN_PLAY = "v.status IN ('priced', 'in_approval', 'approved', 'presented', 'accepted', 'out_for_signature', 'noticed', 'signed')"


async def one_version_of_an_order_is_in_play(session: AsyncSession) -> list[Breach]:
    """Of the versions of one order at most one can still be accepted or signed."""
    query = f"""
        SELECT v.deal_id AS deal, v.order_number, count(*) AS versions, string_agg(v.version::text, ', ' ORDER BY v.version) AS which
          FROM quote_versions v WHERE {_IN_PLAY}
         GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 1, 2 LIMIT :most"""  # noqa: S608 (our own words)
    told = "order {order_number} of deal {deal} has {versions} versions in play: {which}"
    return await breaches(session, "one_version_of_an_order_is_in_play", query, told)


async def versions_in_play_belong_to_deals_that_live(session: AsyncSession) -> list[Breach]:
    """A version in play is that of an order which its deal still has open, and no deal that ended has one."""
    query = f"""
        SELECT v.deal_id AS deal, v.id AS version, v.status, d.stage
          FROM quote_versions v JOIN deals d ON d.id = v.deal_id
         WHERE {_IN_PLAY} AND (d.stage = 'ended' OR NOT EXISTS (
               SELECT FROM jsonb_array_elements(coalesce(d.state -> 'orders', '[]')) o
                WHERE (o ->> 'number')::int = v.order_number AND o ->> 'version_id' = v.id))
         ORDER BY 1, 2 LIMIT :most"""  # noqa: S608 (our own words)
    told = "version {version} of deal {deal} ({stage}) is {status}, and the deal has no such order open"
    return await breaches(session, "versions_in_play_belong_to_deals_that_live", query, told)


async def what_was_chosen_was_offered(session: AsyncSession) -> list[Breach]:
    """The alternative that a version says was chosen is one of its own; what is booked of several offers has one chosen."""
    query = """
        SELECT v.id AS version, v.deal_id AS deal, v.status, v.alternative
          FROM quote_versions v
         WHERE (v.alternative <> '' OR (v.status = 'booked' AND v.content ? 'alternatives'))
           AND NOT EXISTS (SELECT FROM jsonb_array_elements(coalesce(v.content -> 'alternatives', '[]')) a
                            WHERE a ->> 'name' = v.alternative)
         ORDER BY 1 LIMIT :most"""
    told = "version {version} of deal {deal} is {status} with the alternative '{alternative}', which it does not offer"
    return await breaches(session, "what_was_chosen_was_offered", query, told)


async def coupon_limits_hold(session: AsyncSession) -> list[Breach]:
    """A coupon is used by no more deals, in all and by one account, than it says; each sandbox is counted for itself."""
    query = f"""
        WITH used AS (
            SELECT u.code, CASE WHEN d.virtual THEN d.entity_id ELSE '' END AS world, d.account_id, count(*) AS uses
              FROM coupon_uses u JOIN quote_versions v ON v.id = u.version_id JOIN deals d ON d.id = u.deal_id
             WHERE {_ALIVE} GROUP BY 1, 2, 3),
        counted AS (
            SELECT code, world, 'all' AS by, sum(uses) AS uses, 'total_uses' AS said FROM used GROUP BY 1, 2
            UNION ALL
            SELECT code, world, account_id, uses, 'account_uses' FROM used)
        SELECT n.code, n.world, n.by, n.uses, (c.content ->> n.said)::bigint AS most
          FROM counted n JOIN coupons c ON c.code = n.code
         WHERE n.uses > (c.content ->> n.said)::bigint ORDER BY 1, 2, 3 LIMIT :most"""  # noqa: S608 (our own words)
    return await breaches(
        session, "coupon_limits_hold", query, "coupon {code} is used {uses} times by {by}, {most} are allowed"
    )


async def links_show_their_version(session: AsyncSession) -> list[Breach]:
    """A share link shows the content that its version has."""
    query = """
        SELECT l.id AS link, l.version_id AS version, l.content_hash AS link_hash, v.content_hash AS version_hash
          FROM share_links l JOIN quote_versions v ON v.id = l.version_id
         WHERE l.content_hash <> v.content_hash ORDER BY 1 LIMIT :most"""
    told = "share link {link} is for another content of version {version}"
    return await breaches(session, "links_show_their_version", query, told)


async def moved_deals_have_their_new_version(session: AsyncSession) -> list[Breach]:
    """A deal that a price migration moved has a version from the new price book, and a finished migration nothing left."""
    query = """
        SELECT p.name AS migration, m.deal_id AS deal, m.status
          FROM price_migration_deals m JOIN price_migrations p ON p.id = m.migration_id
         WHERE (m.status = 'done' AND NOT EXISTS (
                SELECT FROM quote_versions v
                 WHERE v.deal_id = m.deal_id AND v.kind = 'migration' AND v.price_book_id = p.to_book_id))
            OR (m.status IN ('pending', 'failed') AND p.finished_at IS NOT NULL)
         ORDER BY 1, 2 LIMIT :most"""
    told = "migration {migration} says that deal {deal} is {status}"
    return await breaches(session, "moved_deals_have_their_new_version", query, told)


CHECKS: tuple[Check, ...] = (
    one_version_of_an_order_is_in_play,
    versions_in_play_belong_to_deals_that_live,
    what_was_chosen_was_offered,
    coupon_limits_hold,
    links_show_their_version,
    moved_deals_have_their_new_version,
)
