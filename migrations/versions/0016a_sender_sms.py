"""Senders' own short messages.

Additive: the release before knows of none, and writes none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016a"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    text, time, number = sa.Text(), sa.DateTime(timezone=True), sa.BigInteger()
    op.create_table(
        "sender_sms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("sender_address_id", sa.Uuid(), nullable=False),
        sa.Column("sender", text, nullable=False),
        sa.Column("request_id", text, nullable=False),
        sa.Column("delivery_id", sa.Uuid()),
        sa.Column("phone", text, nullable=False),
        sa.Column("text", text),
        sa.Column("segments", number, nullable=False),
        sa.Column("submitted_at", time, nullable=False),
        sa.Column("acceptance_id", sa.Uuid(), nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("why", text, nullable=False),
        sa.Column("result_at", time),
        sa.Column("later_evidence", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.CheckConstraint(
            "state IN ('ACCEPTED', 'SENT', 'DELIVERED', 'FAILED')", name=op.f("ck_sender_sms_state")
        ),
        sa.CheckConstraint(
            "(state = 'ACCEPTED') = (result_at IS NULL)", name=op.f("ck_sender_sms_result_at")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_sender_sms_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sender_sms")),
    )
    op.create_index(op.f("ix_sender_sms_organisation_id_id"), "sender_sms", ["organisation_id", "id"])
    op.create_index(
        op.f("ix_sender_sms_organisation_id_request_id"), "sender_sms", ["organisation_id", "request_id"]
    )
    op.create_index(op.f("ix_sender_sms_delivery_id"), "sender_sms", ["delivery_id"])
    op.create_index(
        "ix_sender_sms_words", "sender_sms", ["submitted_at"], postgresql_where=sa.text("text IS NOT NULL")
    )


def downgrade() -> None:
    """Refused: the release before runs on this schema too."""
    raise NotImplementedError
