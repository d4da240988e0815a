"""Portals with identifiers of their own.

Additive: the release before knows a portal by its certificates' bindings only, and goes on binding them. What
it binds meanwhile the servers enter by themselves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0010c"
branch_labels = None
depends_on = None

# The identifiers are UUIDv7 of the first binding: its milliseconds before random bits, and the two bits of
# the version that 4 has not.
_FILL = """
    INSERT INTO portals (id, name, registered_at)
    SELECT
        encode(
            set_bit(
                set_bit(
                    overlay(
                        uuid_send(gen_random_uuid())
                        PLACING substring(
                            int8send((extract(epoch FROM min(bound_at)) * 1000)::bigint) FROM 3
                        ) FROM 1 FOR 6
                    ),
                    52, 1
                ),
                53, 1
            ),
            'hex'
        )::uuid,
        portal_name,
        min(bound_at)
    FROM certificate_bindings WHERE role = 'PORTAL' GROUP BY portal_name
"""


def upgrade() -> None:
    """Makes the table, and fills it from the certificates that are bound."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "portals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_portals_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portals")),
        sa.UniqueConstraint("name", name=op.f("uq_portals_name")),
    )
    op.execute(_FILL)


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
