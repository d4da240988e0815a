"""Steps and looks of ladders are those of deliveries that there are, and steps can be carried out again.

Additive: the release before it works on the schema after it. Runs while that serves: what is there is
checked beside the writers.
"""

from alembic import op

revision = "0020"
down_revision = "0016"
branch_labels = None
depends_on = None

_TABLES = ("ladder_wakes", "ladder_steps")


def upgrade() -> None:
    """Adds the foreign keys, first for new rows, and when a step was carried out again."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '4s'")
        for table in _TABLES:
            key = f"fk_{table}_mailbox_id_delivery_id_deliveries"
            # One whose check was interrupted stays behind.
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {key}")
            op.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT {key} FOREIGN KEY (mailbox_id, delivery_id) "
                "REFERENCES deliveries (mailbox_id, id) NOT VALID"
            )
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {key}")
        op.execute("ALTER TABLE ladder_steps ADD COLUMN IF NOT EXISTS again_at timestamptz")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
