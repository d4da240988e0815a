"""Letters on paper: orders, their PDFs, what was reported of them, and their numbers.

Additive: the release before it works on the schema after it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013a"
branch_labels = None
depends_on = None

_STATES = (
    *("WAITING", "PRINTED", "POSTED", "HANDED_OVER", "REFUSED", "RETURNED"),
    *("CANCELLED", "FAILED"),
)
_REPORTS = ("PRINTED", "POSTED", "HANDED_OVER", "REFUSED", "RETURNED")


def _among(column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def upgrade() -> None:
    """Makes tables only."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    text, time, octets = sa.Text(), sa.DateTime(timezone=True), sa.LargeBinary()
    op.execute(sa.schema.CreateSequence(sa.Sequence("letter_ordinals", minvalue=0, start=0)))
    op.create_table(
        "letter_orders",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("step", text, nullable=False),
        sa.Column("by_ladder", sa.Boolean(), nullable=False),
        sa.Column("ordered_at", time, nullable=False),
        sa.Column("tracking", text, unique=True),
        sa.Column("file_digest", octets),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.BigInteger(), nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("house_id", sa.Uuid()),
        sa.Column("leased_until", time),
        sa.Column("reason", text, server_default="", nullable=False),
        _among("state", _STATES),
        sa.CheckConstraint("(state = 'FAILED') = (reason <> '')", name="reason"),
        sa.CheckConstraint("(state = 'FAILED') = (tracking IS NULL)", name="tracking"),
        sa.CheckConstraint("(tracking IS NULL) = (file_digest IS NULL)", name="file"),
        sa.CheckConstraint("(house_id IS NULL) = (leased_until IS NULL)", name="lease"),
        sa.CheckConstraint("octet_length(file_digest) = 32", name="file_digest"),
        sa.ForeignKeyConstraint(["mailbox_id", "delivery_id"], ["deliveries.mailbox_id", "deliveries.id"]),
        sa.UniqueConstraint("mailbox_id", "delivery_id", "step"),
    )
    op.create_index(
        "ix_letter_orders_waiting",
        "letter_orders",
        ["ordered_at", "id"],
        postgresql_where=sa.text("state = 'WAITING'"),
    )
    for columns in (["house_id", "id"], ["state", "id"], ["delivery_id"]):
        op.create_index(f"ix_letter_orders_{'_'.join(columns)}", "letter_orders", columns)
    op.create_table(
        "letter_files",
        sa.Column("letter_id", sa.Uuid(), sa.ForeignKey("letter_orders.id"), primary_key=True),
        sa.Column("content", octets, nullable=False),
    )
    # A PDF is compressed already; stored as it is, pieces of it are read without the others.
    op.execute("ALTER TABLE letter_files ALTER COLUMN content SET STORAGE EXTERNAL")
    op.create_table(
        "letter_reports",
        sa.Column("letter_id", sa.Uuid(), sa.ForeignKey("letter_orders.id"), primary_key=True),
        sa.Column("report", text, primary_key=True),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("reported_at", time, nullable=False),
        sa.Column("recorded_at", time, nullable=False),
        _among("report", _REPORTS),
    )


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
