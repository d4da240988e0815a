"""Print houses, and certificates that are bound as theirs.

Additive: the release before it works on the schema after it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The one rewritten rule is on a table of a few thousand rows."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "print_houses",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('ACTIVE', 'SUSPENDED', 'REMOVED')", name="state"),
        sa.CheckConstraint("name <> ''", name="name"),
    )
    # Bind print houses once every replica is of this release: the one before does not know the role.
    op.drop_constraint(op.f("ck_certificate_bindings_role"), "certificate_bindings")
    op.create_check_constraint(
        op.f("ck_certificate_bindings_role"),
        "certificate_bindings",
        "role IN ('OPERATOR', 'SENDER', 'PORTAL', 'CLERK', 'PRINT_HOUSE')",
    )
    op.add_column("certificate_bindings", sa.Column("print_house_id", sa.Uuid()))
    op.create_foreign_key(
        op.f("fk_certificate_bindings_print_house_id_print_houses"),
        "certificate_bindings",
        "print_houses",
        ["print_house_id"],
        ["id"],
    )
    op.create_check_constraint(
        op.f("ck_certificate_bindings_print_house"),
        "certificate_bindings",
        "(role = 'PRINT_HOUSE') = (print_house_id IS NOT NULL)",
    )
    op.create_index(
        "ix_certificate_bindings_print_house_id",
        "certificate_bindings",
        ["print_house_id"],
        postgresql_where=sa.text("print_house_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
