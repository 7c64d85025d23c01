"""What leaves is settled: a mail that is refused for good is given up with its reason, as notices are; asks can be overtaken.

Mails that met trouble before wait on, and are tried once more. The way back keeps them all: what was given up waits again.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: None = None
depends_on: None = None

WAITING = "sent_at IS NULL AND refused_at IS NULL"
GIVEN_UP = "refused_at IS NOT NULL"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("mails", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("mails", "attempts", server_default=None)
    op.add_column("mails", sa.Column("next_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mails", sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("mails_not_negative_check"), "mails", "attempts >= 0")
    op.create_check_constraint(op.f("mails_sent_or_refused_check"), "mails", "sent_at IS NULL OR refused_at IS NULL")
    _index("mails", "waiting", WAITING)
    op.create_index("mails_refused_ix", "mails", ["at", "key"], postgresql_where=GIVEN_UP)

    op.add_column("notices", sa.Column("overtaken", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.alter_column("notices", "overtaken", server_default=None)
    rule = "refused_at IS NOT NULL OR NOT overtaken"
    op.create_check_constraint(op.f("notices_overtaken_is_given_up_check"), "notices", rule)
    _index("notices", "refused", f"{GIVEN_UP} AND NOT overtaken")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("notices_refused_ix", table_name="notices")
    op.drop_constraint(op.f("notices_overtaken_is_given_up_check"), "notices", type_="check")
    op.drop_column("notices", "overtaken")
    op.create_index("notices_refused_ix", "notices", ["at", "key"], postgresql_where=GIVEN_UP)
    for which in ("sent_or_refused", "not_negative"):
        op.drop_constraint(op.f(f"mails_{which}_check"), "mails", type_="check")
    op.drop_index("mails_refused_ix", table_name="mails")
    op.drop_index("mails_waiting_ix", table_name="mails")
    for column in ("refused_at", "next_at", "attempts"):
        op.drop_column("mails", column)
    op.create_index("mails_waiting_ix", "mails", ["at", "key"], postgresql_where="sent_at IS NULL")


def _index(table: str, which: str, where: str) -> None:
    """The index over what waits, or was given up, with another condition."""
    op.drop_index(f"{table}_{which}_ix", table_name=table)
    op.create_index(f"{table}_{which}_ix", table, ["at", "key"], postgresql_where=where)
