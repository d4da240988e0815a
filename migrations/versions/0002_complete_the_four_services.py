"""Complete the four services: administrators, administrative acts, proofs of domains, host names of senders.

Runs while the release before is serving: it adds, and drops only constraints.
"""

import sqlalchemy as sa
from alembic import op

from server.storage import insert_only

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSERT_ONLY = ("administrative_acts",)


def upgrade() -> None:
    """Complete the four services."""
    # Those who wait behind our lock must not wait long: rather fail, and be run again.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    _administration()
    _domains()
    _sender_addresses()
    # Deliveries before the queue, as openings go through them: the other way round, each would wait for the
    # other.
    _withdrawal()
    _following()
    for table in INSERT_ONLY:
        for statement in insert_only.attach(table):
            op.execute(statement)


def _administration() -> None:
    op.create_table(
        "administrators",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("disabled_at >= enabled_at", name=op.f("ck_administrators_disabled_at")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_administrators_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "person_number", name=op.f("pk_administrators")),
    )
    op.add_column("organisations", sa.Column("contract_ends_on", sa.Date(), nullable=True))
    op.add_column("certificate_bindings", sa.Column("subject", sa.Text(), server_default="", nullable=False))
    op.create_index(op.f("ix_administrators_person_number"), "administrators", ["person_number"])
    op.create_table(
        "administrative_acts",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("person_number", sa.Text(), nullable=True),
        sa.Column("resource_kind", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "evidence_id", name=op.f("pk_administrative_acts")),
    )
    op.create_index(op.f("ix_administrative_acts_evidence_id"), "administrative_acts", ["evidence_id"])
    op.create_index(
        op.f("ix_administrative_acts_resource_evidence_id"),
        "administrative_acts",
        ["resource", "evidence_id"],
    )


def _following() -> None:
    # Null in what the release before writes: whose such a leaf is the evidence tells. Indexed in 0003.
    op.add_column("log_queue", sa.Column("organisation_id", sa.Uuid(), nullable=True))
    op.add_column("log_entries", sa.Column("organisation_id", sa.Uuid(), nullable=True))


def _domains() -> None:
    op.add_column("domains", sa.Column("proof", sa.Text(), server_default="DOCUMENT", nullable=False))
    op.create_table(
        "domain_challenges",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_domain_challenges_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "name", name=op.f("pk_domain_challenges")),
    )


def _sender_addresses() -> None:
    table, constraint = "sender_addresses", op.f("ck_sender_addresses_networks")
    hosts = sa.Column("host_names", sa.ARRAY(sa.Text()), server_default="{}", nullable=False)
    op.add_column(table, hosts)
    by_operator = sa.Column("suspended_by_operator", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column(table, by_operator)
    # Wider than the one before: what the release before writes fits.
    op.drop_constraint(constraint, table, type_="check")
    somewhere = "cardinality(networks) + cardinality(host_names) > 0"
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({somewhere}) NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")
    # An address can be deleted; the bindings to it alone stay, revoked.
    op.drop_constraint("fk_certificate_bindings_sender_address", "certificate_bindings", type_="foreignkey")


def _withdrawal() -> None:
    # Wider than before, so what the release before writes keeps to it. Validated in 0004, beside the writers.
    op.add_column("deliveries", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "ALTER TABLE deliveries DROP CONSTRAINT ck_deliveries_state, "
        "ADD CONSTRAINT ck_deliveries_state "
        "CHECK (state IN ('CONSIGNED', 'NOTIFIED', 'WITHDRAWN')) NOT VALID, "
        "ADD CONSTRAINT ck_deliveries_withdrawn_at "
        "CHECK ((state = 'WITHDRAWN') = (withdrawn_at IS NOT NULL)) NOT VALID"
    )


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
