"""All signatories of an entity, and when the register said who they are.

Additive: the release before goes on with one signatory a mailbox. What it has entered counts until the
register is asked, and is then one of the entries.
"""

import sqlalchemy as sa
from alembic import op

from server.storage import insert_only

revision = "0013a"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    time, text, octets = sa.DateTime(timezone=True), sa.Text(), sa.LargeBinary()
    op.create_table(
        "signatory_entries",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("person_number", text, nullable=False),
        sa.Column("register_time", time, nullable=False),
        sa.Column("digest", octets, nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_signatory_entries_digest")),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_signatory_entries_mailbox_id_mailboxes")
        ),
        sa.PrimaryKeyConstraint("evidence_id", name=op.f("pk_signatory_entries")),
    )
    op.create_index(op.f("ix_signatory_entries_mailbox_id"), "signatory_entries", ["mailbox_id"])
    op.create_table(
        "signatory_endings",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("ended_at", time, nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["signatory_entries.evidence_id"],
            name=op.f("fk_signatory_endings_entry_id_signatory_entries"),
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_signatory_endings")),
    )
    op.create_index(
        op.f("ix_signatory_endings_evidence_id"), "signatory_endings", ["evidence_id"], unique=True
    )
    op.create_table(
        "signatory_checks",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("register_time", time, nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_signatory_checks_mailbox_id_mailboxes")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_signatory_checks")),
    )
    for table in ("signatory_entries", "signatory_endings"):
        for statement in insert_only.attach(table):
            op.execute(statement)


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
