"""Shards of the log whose key is lost: how far each was signed, and the leaves that it never signed.

Additive: the release before it works on the schema after it. Two functions of triggers learn the one
exception: what no checkpoint has ever covered may leave a shard that is given up, to stand in a later one.
"""

import sqlalchemy as sa
from alembic import op

from server.storage.insert_only import attach

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        -- What was published stays, whatever was given up.
        IF TG_TABLE_NAME = 'log_entries' THEN
            IF EXISTS (
                SELECT FROM log_given_up g JOIN log_heads h USING (origin)
                WHERE origin = OLD.origin AND OLD.leaf_index >= greatest(g.size, h.published_size)
            ) THEN
                RETURN OLD;
            END IF;
        ELSIF TG_TABLE_NAME = 'log_trees' THEN
            IF EXISTS (
                SELECT FROM log_given_up g JOIN log_heads h USING (origin)
                WHERE origin = OLD.origin AND OLD.size > greatest(g.size, h.published_size)
            ) THEN
                RETURN OLD;
            END IF;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of % are never changed nor deleted', TG_TABLE_NAME USING ERRCODE =
    'restrict_violation';
END
$$
"""
_REFUSE_THAW = """
CREATE OR REPLACE FUNCTION refuse_thaw() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.frozen_at, NEW.successor, NEW.announcement)
        IS NOT DISTINCT FROM (OLD.frozen_at, OLD.successor, OLD.announcement)
    AND NEW.integrated_size = NEW.published_size AND EXISTS (
        SELECT FROM log_given_up g
        WHERE g.origin = OLD.origin AND g.size = NEW.integrated_size AND g.root = NEW.root
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'shard % of the log is frozen, or its successor announced', OLD.origin
    USING ERRCODE = 'restrict_violation';
END
$$
"""


def upgrade() -> None:
    """Makes two tables, and functions anew."""
    op.create_table(
        "log_given_up",
        sa.Column("origin", sa.Text(), primary_key=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("unsigned_size", sa.BigInteger(), nullable=False),
        sa.Column("unsigned_root", sa.LargeBinary(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False, unique=True),
        sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("0 <= size AND size <= unsigned_size", name="sizes"),
        sa.CheckConstraint("octet_length(root) = 32", name="root"),
        sa.CheckConstraint("octet_length(unsigned_root) = 32", name="unsigned_root"),
        comment="Shards whose key is lost: the last tree that it signed, and the one that it never signed."
        " Insert-only.",
    )
    op.create_table(
        "log_unsigned",
        sa.Column("origin", sa.Text(), primary_key=True),
        sa.Column("leaf_index", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("leaf_index >= 0", name="leaf_index"),
        sa.CheckConstraint("octet_length(entry) = 32", name="entry"),
        comment="Leaves that a shard had beyond the last tree that its key signed; each stands in a later"
        " shard. Insert-only.",
    )
    for table in ("log_given_up", "log_unsigned"):
        for statement in attach(table):
            op.execute(statement)
    op.execute(_REFUSE_CHANGE)
    op.execute(_REFUSE_THAW)


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
