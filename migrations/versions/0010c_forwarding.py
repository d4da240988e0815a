"""Forwarding: targets, codes that were asked for, copies, and which mailboxes have targets.

Additive: the release before it works on the schema after it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010c"
down_revision = "0010b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The mark of mailboxes has a default that is no rewrite of the table."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    text, time, octets = sa.Text(), sa.DateTime(timezone=True), sa.LargeBinary()
    op.create_table(
        "forwarding_targets",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("mailbox_id", sa.Uuid(), sa.ForeignKey("mailboxes.id"), nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("address", text, nullable=False),
        sa.Column("language", text, nullable=False),
        sa.Column("content", text, nullable=False),
        sa.Column("added_at", time, nullable=False),
        sa.Column("verified_at", time),
        sa.Column("code_salt", octets),
        sa.Column("code_digest", octets),
        sa.Column("code_expires_at", time),
        sa.Column("code_tries_left", sa.BigInteger()),
        sa.Column("last_result", text),
        sa.Column("last_at", time),
        sa.Column("last_reason", text, server_default="", nullable=False),
        sa.CheckConstraint("kind IN ('EMAIL', 'PHONE')", name="kind"),
        sa.CheckConstraint("content IN ('NOTICE', 'WHOLE')", name="content"),
        sa.CheckConstraint("last_result IN ('SENT', 'FAILED', 'BOUNCED')", name="last_result"),
        sa.CheckConstraint("octet_length(code_digest) = 32", name="code_digest"),
        sa.CheckConstraint("(last_result IS NULL) = (last_at IS NULL)", name="last_at"),
        sa.CheckConstraint(
            "num_nulls(code_salt, code_digest, code_expires_at, code_tries_left) IN (0, 4)", name="code"
        ),
        sa.UniqueConstraint("mailbox_id", "address"),
    )
    op.create_table(
        "forwarding_codes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("mailbox_id", sa.Uuid(), sa.ForeignKey("mailboxes.id"), nullable=False),
        sa.Column("address_digest", octets, nullable=False),
        sa.Column("asked_at", time, nullable=False),
        sa.CheckConstraint("octet_length(address_digest) = 32", name="address_digest"),
    )
    for columns in (["mailbox_id", "asked_at"], ["address_digest", "asked_at"], ["asked_at"]):
        op.create_index(f"ix_forwarding_codes_{'_'.join(columns)}", "forwarding_codes", columns)
    op.create_table(
        "forwarded_copies",
        sa.Column("delivery_id", sa.Uuid(), primary_key=True),
        sa.Column("target_id", sa.Uuid(), primary_key=True),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False, unique=True),
        sa.Column("state", text, nullable=False),
        sa.Column("content", text),
        sa.CheckConstraint("state IN ('WAITING', 'SENT', 'FAILED', 'SKIPPED', 'BOUNCED')", name="state"),
        sa.CheckConstraint("content IN ('NOTICE', 'WHOLE')", name="content"),
        sa.ForeignKeyConstraint(["mailbox_id", "delivery_id"], ["deliveries.mailbox_id", "deliveries.id"]),
    )
    # Last: this alone keeps out those who read mailboxes, and no longer than until the commit.
    op.add_column("mailboxes", sa.Column("forwards", sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
