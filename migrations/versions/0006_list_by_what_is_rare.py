"""List deliveries that are not notified, acts by kind and by person, and certificates by organisation.

Runs while the release before is serving, and while it takes messages in: all is done beside the writers.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_deliveries_consigned": "deliveries (organisation_id, id) WHERE state = 'CONSIGNED'",
    "ix_administrative_acts_act_evidence_id": "administrative_acts (act, evidence_id)",
    "ix_administrative_acts_person_number_evidence_id": "administrative_acts (person_number, evidence_id)",
    "ix_certificate_bindings_organisation_id": "certificate_bindings (organisation_id)",
}


def upgrade() -> None:
    """List deliveries that are not notified, acts by kind and by person, and certificates by organisation."""
    with op.get_context().autocommit_block():
        for name, on in _INDEXES.items():
            # One that was interrupted stays behind, invalid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
