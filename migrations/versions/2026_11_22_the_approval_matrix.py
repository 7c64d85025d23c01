"""The approval matrix: people by name, absences, calendars, votes, comments, one-click links, notices, evidence.

What a database at 0002 holds stays as it is: requests of whole groups have no seats, versions no sheet of facts. The way
back refuses, and changes nothing, where decisions, comments or evidence exist that 0002 has no place for.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: None = None
depends_on: None = None

NEW = (
    "approval_votes",
    "approval_comments",
    "approval_entries",
    "link_messages",
    "decision_links",
    "notices",
    "absences",
    "calendars",
    "seat_changes",
)
# table -> the columns that may change (copied from models/constraints.py, which goes on changing)
IMMUTABLE = {
    "approval_votes": "",
    "approval_comments": "",
    "approval_entries": "",
    "calendars": "",
    "decision_links": "'used_at', 'used_ref'",
    "link_messages": "'told_at', 'error'",
    "absences": "'revoked_at'",
    "seat_changes": "'told_at'",
}
STATUSES = (
    "status IN ('draft', 'priced', 'refused', 'in_approval', 'approved', 'presented', 'accepted', "
    "'out_for_signature', 'noticed', 'signed', 'booked', 'provisioning', 'done', 'rejected', 'declined', "
    "'expired', 'withdrawn', 'superseded')"
)
MORE_STATUSES = STATUSES.replace("'rejected', ", "'rejected', 'changes_asked', ")
REQUESTS = "status IN ('asked', 'approved', 'rejected', 'superseded', 'withdrawn', 'expired')"
MORE_REQUESTS = "status IN ('asked', 'approved', 'rejected', 'changes_asked', 'carried', 'lapsed', 'superseded', 'withdrawn', 'expired')"
DECIDED = "status NOT IN ({}) OR (decided_by <> '' AND decided_at IS NOT NULL)"
ONCE = ["deal_id", "order_number", "version", "level", "group_name"]


def _document() -> postgresql.JSONB:
    return postgresql.JSONB(none_as_null=True, astext_type=sa.Text())


def _add(table: str, column: sa.Column[Any], default: str) -> None:
    """A new column that is never NULL: what is there already gets `default`, what comes says it itself."""
    column.nullable, column.server_default = False, sa.DefaultClause(default)
    op.add_column(table, column)
    op.alter_column(table, column.name, server_default=None)


def _condition(table: str, name: str, condition: str) -> None:
    full = op.f(f"{table}_{name}_check")
    op.drop_constraint(full, table, type_="check")
    op.create_check_constraint(full, table, condition)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _texts(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.ARRAY(sa.Text()), nullable=False)


def _at(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, _document(), nullable=False)


def _made(name: str, *columns: sa.Column[Any], keys: tuple[str, ...] = ("id",), **checks: str) -> None:
    """A table with its key, its conditions, the machine's own date and, where it has one, its deal."""
    rules: list[Any] = [sa.CheckConstraint(rule, name=op.f(f"{name}_{which}_check")) for which, rule in checks.items()]
    rules.append(sa.PrimaryKeyConstraint(*keys, name=op.f(f"{name}_pk")))
    if any(column.name == "deal_id" for column in columns):
        rules.append(sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f(f"{name}_deal_id_fk")))
    recorded = sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    op.create_table(name, *columns, recorded, *rules)


def upgrade() -> None:
    # a migration waits for no lock longer than this: better to fail and be run again than to hold up every step
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("people", _at("left_at", nullable=True))
    _add("people", sa.Column("language", sa.Text()), "en")
    _add("people", sa.Column("zone", sa.Text()), "UTC")
    _add("people", sa.Column("slack", sa.Text()), "")
    op.create_check_constraint(op.f("people_language_check"), "people", "language IN ('en', 'fr')")
    op.create_index("people_groups_ix", "people", ["groups"], postgresql_using="gin")
    _people()
    _add("quote_versions", sa.Column("sheet", _document()), "{}")
    _condition("quote_versions", "status", MORE_STATUSES)
    _requests()
    _decisions()
    _around()
    for table, may_change in IMMUTABLE.items():
        op.execute(
            f"CREATE TRIGGER {table}_immutable BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION q2c_refuse_change({may_change})"
        )
        op.execute(
            f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION q2c_refuse_change()"
        )
    for table, column in (("absences", "revoked_at"), ("link_messages", "told_at"), ("seat_changes", "told_at")):
        op.execute(
            f"CREATE TRIGGER {table}_once BEFORE UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION q2c_set_once('{column}')"
        )


def _people() -> None:
    """One person is one row, in lower case, with the groups of all rows there were. And until now a key for a group was
    enough to approve for it; from now on people are asked by name: whoever holds such a key becomes one of our people, and
    is in the groups of their keys.
    """
    op.execute("""
        CREATE TEMPORARY TABLE joined ON COMMIT DROP AS
        SELECT who, array_agg(DISTINCT g) FILTER (WHERE g IS NOT NULL) AS groups FROM (
            SELECT lower(email) AS who, unnest(groups || ARRAY[NULL]) AS g FROM people
            UNION ALL
            SELECT lower(person), unnest(groups) FROM api_keys WHERE revoked_at IS NULL
        ) AS every GROUP BY who
    """)
    op.execute("""
        DELETE FROM people p WHERE EXISTS (
            SELECT FROM people o WHERE lower(o.email) = lower(p.email) AND o.email COLLATE "C" > p.email COLLATE "C")
    """)
    op.execute("""
        UPDATE people p SET email = j.who, manager = lower(manager), groups = coalesce(j.groups, '{}')
          FROM joined j WHERE j.who = lower(p.email)
    """)
    op.execute("""
        INSERT INTO people (email, name, groups, country, language, zone, slack)
        SELECT who, who, groups, '', 'en', 'UTC', '' FROM joined WHERE groups IS NOT NULL
            ON CONFLICT (email) DO NOTHING
    """)
    op.create_check_constraint(op.f("people_one_person_one_row_check"), "people", "email = lower(email)")


def _requests() -> None:
    _add("approval_requests", sa.Column("seats", _document()), "[]")
    _add("approval_requests", sa.Column("people", sa.ARRAY(sa.Text())), "{}")
    _add("approval_requests", sa.Column("roles", sa.ARRAY(sa.Text())), "{}")
    _add("approval_requests", sa.Column("anyone", sa.Boolean()), "false")
    _add("approval_requests", sa.Column("quorum", sa.Integer()), "1")
    _add("approval_requests", sa.Column("rung", sa.Integer()), "0")
    _add("approval_requests", sa.Column("round", sa.Integer()), "0")
    _add("approval_requests", sa.Column("policy", sa.Text()), "")
    _add("approval_requests", sa.Column("rules", sa.ARRAY(sa.Text())), "{}")
    _add("approval_requests", sa.Column("carried_ref", sa.Text()), "")
    op.add_column("approval_requests", sa.Column("carried_version", sa.Integer(), nullable=True))
    op.drop_constraint(
        op.f("approval_requests_deal_id_order_number_version_level_group_name_key"), "approval_requests", type_="unique"
    )
    op.create_unique_constraint("approval_requests_once", "approval_requests", [*ONCE[:3], "round", *ONCE[3:]])
    _condition("approval_requests", "status", MORE_REQUESTS)
    _condition(
        "approval_requests", "a_decision_has_a_person", DECIDED.format("'approved', 'rejected', 'changes_asked'")
    )
    for name, rule in {
        "not_negative": "quorum >= 0 AND rung >= 0 AND round >= 0",
        "what_it_stands_on": "(status = 'carried') <= (carried_ref <> '' AND carried_version IS NOT NULL)",
    }.items():
        op.create_check_constraint(op.f(f"approval_requests_{name}_check"), "approval_requests", rule)
    op.create_index(
        "approval_requests_seats_ix",
        "approval_requests",
        ["seats"],
        postgresql_using="gin",
        postgresql_ops={"seats": "jsonb_path_ops"},
        postgresql_where="status = 'asked'",
    )


def _decisions() -> None:
    _made(
        "approval_votes",
        *map(_text, ("id", "ref", "request_id", "deal_id")),
        *map(_number, ("order_number", "version")),
        _text("content_hash"),
        _number("level"),
        *map(_text, ("group_name", "by")),
        *map(_texts, ("members", "hands")),
        *map(_text, ("verb", "to_")),
        _at("at"),
        *map(_text, ("channel", "comment")),
        _texts("mentions"),
        _text("policy"),
        _json("facts"),
        verb="verb IN ('approve', 'reject', 'changes', 'delegate', 'abstain')",
        a_person="by <> ''",
    )
    op.create_unique_constraint(
        op.f("approval_votes_deal_id_ref_request_id_key"), "approval_votes", ["deal_id", "ref", "request_id"]
    )
    op.create_foreign_key(
        op.f("approval_votes_request_id_fk"), "approval_votes", "approval_requests", ["request_id"], ["id"]
    )
    op.create_index(op.f("approval_votes_request_id_ix"), "approval_votes", ["request_id"])
    _made(
        "approval_comments",
        *map(_text, ("id", "deal_id")),
        *map(_number, ("order_number", "version")),
        _text("by"),
        _at("at"),
        _text("text"),
        _texts("mentions"),
        _text("channel"),
    )
    op.create_index(op.f("approval_comments_deal_id_ix"), "approval_comments", ["deal_id"])
    _made(
        "approval_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        _text("deal_id"),
        _number("turn"),
        _at("at"),
        _text("kind"),
        _json("content"),
    )
    op.create_index(op.f("approval_entries_deal_id_ix"), "approval_entries", ["deal_id"])


def _around() -> None:
    """Links, notices, absences and calendars."""
    _made(
        "decision_links",
        *map(_text, ("id", "person", "deal_id")),
        *map(_number, ("order_number", "version")),
        *map(_text, ("content_hash", "verb")),
        *map(_at, ("expires_at", "created_at")),
        _at("used_at", nullable=True),
        _text("used_ref"),
        spent_on_a_decision="(used_at IS NULL) = (used_ref = '')",
    )
    op.create_index(op.f("decision_links_deal_id_ix"), "decision_links", ["deal_id"])
    _made(
        "link_messages",
        *map(_text, ("ref", "link_id", "deal_id", "verb")),
        _json("message"),
        _at("created_at"),
        _at("told_at", nullable=True),
        _text("error"),
        keys=("ref",),
        refused_when_told="error = '' OR told_at IS NOT NULL",
    )
    op.create_foreign_key(op.f("link_messages_link_id_fk"), "link_messages", "decision_links", ["link_id"], ["id"])
    op.create_index(op.f("link_messages_link_id_ix"), "link_messages", ["link_id"])
    op.create_index("link_messages_untold_ix", "link_messages", ["created_at"], postgresql_where="told_at IS NULL")
    _made(
        "notices",
        *map(_text, ("key", "deal_id", "person", "channel", "kind", "language")),
        _json("payload"),
        _at("at"),
        _at("sent_at", nullable=True),
        _text("error"),
        _number("attempts"),
        _at("next_at", nullable=True),
        _at("refused_at", nullable=True),
        keys=("key",),
        channel="channel IN ('mail', 'slack')",
        kind="kind IN ('ask', 'remind', 'escalate', 'mention', 'decided', 'changes', 'lapsed')",
        language="language IN ('en', 'fr')",
        not_negative="attempts >= 0",
        sent_or_refused="sent_at IS NULL OR refused_at IS NULL",
    )
    waiting = "sent_at IS NULL AND refused_at IS NULL"
    op.create_index("notices_waiting_ix", "notices", ["channel", "at", "key"], postgresql_where=waiting)
    op.create_index("notices_refused_ix", "notices", ["at", "key"], postgresql_where="refused_at IS NOT NULL")
    op.create_index("notices_deal_ix", "notices", ["deal_id"])
    _made(
        "absences",
        *map(_text, ("id", "person", "delegate_to")),
        *map(_at, ("since", "until")),
        sa.Column("away", sa.Boolean(), nullable=False),
        _texts("groups"),
        _text("created_by"),
        _at("created_at"),
        _at("revoked_at", nullable=True),
        dates="since < until",
        one_person="person = lower(person)",
        another_person="person <> lower(delegate_to)",
        says_something="away OR delegate_to <> ''",
    )
    op.create_index("absences_person_ix", "absences", ["person", "until"], postgresql_where="revoked_at IS NULL")
    _made(
        "seat_changes",
        *map(_text, ("id", "person", "reason")),
        _at("told_at", nullable=True),
    )
    op.create_index("seat_changes_untold_ix", "seat_changes", ["recorded_at"], postgresql_where="told_at IS NULL")
    _made(
        "calendars",
        _text("country"),
        _number("version"),
        _json("content"),
        _text("created_by"),
        _at("created_at"),
        keys=("country", "version"),
        version_positive="version > 0",
        country=r"country ~ '^([A-Z]{2}|\*)$'",
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("approval_votes", "approval_comments", "approval_entries"):
        # fails where it holds what people said: 0002 has no place for it
        op.create_check_constraint(op.f(f"{table}_kept_check"), table, "false")
    for table in NEW:
        op.drop_table(table)
    op.drop_index("approval_requests_seats_ix", table_name="approval_requests", postgresql_where="status = 'asked'")
    op.drop_constraint(op.f("approval_requests_what_it_stands_on_check"), "approval_requests", type_="check")
    op.drop_constraint(op.f("approval_requests_not_negative_check"), "approval_requests", type_="check")
    _condition("approval_requests", "a_decision_has_a_person", DECIDED.format("'approved', 'rejected'"))
    _condition("approval_requests", "status", REQUESTS)
    op.drop_constraint("approval_requests_once", "approval_requests", type_="unique")
    op.create_unique_constraint(
        op.f("approval_requests_deal_id_order_number_version_level_group_name_key"), "approval_requests", ONCE
    )
    for column in (
        "seats",
        "people",
        "roles",
        "anyone",
        "quorum",
        "rung",
        "round",
        "policy",
        "rules",
        "carried_ref",
        "carried_version",
    ):
        op.drop_column("approval_requests", column)
    _condition("quote_versions", "status", STATUSES)
    op.drop_column("quote_versions", "sheet")
    op.drop_index("people_groups_ix", table_name="people")
    op.drop_constraint(op.f("people_one_person_one_row_check"), "people", type_="check")
    for column in ("left_at", "language", "zone", "slack"):
        op.drop_column("people", column)
