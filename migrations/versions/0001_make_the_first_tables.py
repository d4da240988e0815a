"""Make the first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from server.storage import insert_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSERT_ONLY = (
    *("claims", "confirmations", "evidence", "log_checkpoints", "log_entries", "log_trees", "mailbox_links"),
    *("openings", "parts", "refusals", "revocation_lists", "statements"),
)


def upgrade() -> None:
    """Make the first tables."""
    # Those who wait behind our lock must not wait long: rather fail, and be run again.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.create_table(
        "claims",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_claims_digest")),
        sa.PrimaryKeyConstraint("owner_id", "request_id", name=op.f("pk_claims")),
    )
    op.create_table(
        "evidence",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("entry = sha256(document)", name=op.f("ck_evidence_entry")),
        sa.PrimaryKeyConstraint("owner_id", "id", name=op.f("pk_evidence")),
    )
    op.create_index(op.f("ix_evidence_id"), "evidence", ["id"], unique=False)
    op.create_index(
        op.f("ix_evidence_owner_id_delivery_id_id"),
        "evidence",
        ["owner_id", "delivery_id", "id"],
        unique=False,
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size > 0", name=op.f("ck_log_checkpoints_size")),
        sa.PrimaryKeyConstraint("origin", "size", name=op.f("pk_log_checkpoints")),
        comment="Published checkpoints: the signed note as the log alone signed it. Insert-only.",
    )
    op.create_table(
        "log_entries",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("leaf_index >= 0", name=op.f("ck_log_entries_leaf_index")),
        sa.CheckConstraint("octet_length(entry) = 32", name=op.f("ck_log_entries_entry")),
        sa.PrimaryKeyConstraint("origin", "leaf_index", name=op.f("pk_log_entries")),
        sa.UniqueConstraint("evidence_id", name=op.f("uq_log_entries_evidence_id")),
        comment="Leaves: the SHA-256 of each fact's evidence, by their dense index from 0. Insert-only.",
    )
    op.create_table(
        "log_heads",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("integrated_size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("published_size", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "0 <= published_size AND published_size <= integrated_size", name=op.f("ck_log_heads_sizes")
        ),
        sa.CheckConstraint("octet_length(root) = 32", name=op.f("ck_log_heads_root")),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_log_heads")),
        comment="How far each shard has come; both sizes move forward only, by compare-and-set.",
    )
    op.create_table(
        "log_queue",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(entry) = 32", name=op.f("ck_log_queue_entry")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_log_queue")),
    )
    op.create_table(
        "log_tiles",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("tile_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("level BETWEEN 0 AND 63", name=op.f("ck_log_tiles_level")),
        sa.CheckConstraint(
            "octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0",
            name=op.f("ck_log_tiles_hashes"),
        ),
        sa.CheckConstraint("tile_index >= 0", name=op.f("ck_log_tiles_tile_index")),
        sa.PrimaryKeyConstraint("origin", "level", "tile_index", name=op.f("pk_log_tiles")),
        comment="C2SP tiles: up to 256 joined hashes. A row grows until it is full;"
        " its prefixes are the narrower tiles.",
    )
    op.create_table(
        "log_trees",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("integrated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(root) = 32", name=op.f("ck_log_trees_root")),
        sa.CheckConstraint("size > 0", name=op.f("ck_log_trees_size")),
        sa.PrimaryKeyConstraint("origin", "size", name=op.f("pk_log_trees")),
        comment="Committed trees. A size has one root for ever; only these are signed. Insert-only.",
    )
    op.create_table(
        "mailboxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("holder_kind", sa.Text(), nullable=False),
        sa.Column("holder_number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("holder_kind IN ('PERSON', 'ENTITY')", name=op.f("ck_mailboxes_holder_kind")),
        sa.CheckConstraint("state IN ('OPEN', 'SUSPENDED', 'CLOSED')", name=op.f("ck_mailboxes_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailboxes")),
        sa.UniqueConstraint("address", name=op.f("uq_mailboxes_address")),
        sa.UniqueConstraint(
            "holder_kind", "holder_number", name=op.f("uq_mailboxes_holder_kind_holder_number")
        ),
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("contract_state", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "contract_state IN ('NONE', 'IN_FORCE', 'SUSPENDED', 'ENDED')",
            name=op.f("ck_organisations_contract_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("code", name=op.f("uq_organisations_code")),
    )
    op.create_table(
        "revocation_lists",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("digest = sha256(der)", name=op.f("ck_revocation_lists_digest")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_revocation_lists")),
    )
    op.create_table(
        "deliveries",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("sender_address_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("organisation_name", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("notification_policy", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("notified_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'NOTIFIED') = (notified_at IS NOT NULL)", name=op.f("ck_deliveries_notified_at")
        ),
        sa.CheckConstraint("state IN ('CONSIGNED', 'NOTIFIED')", name=op.f("ck_deliveries_state")),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_deliveries_sequence")),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_deliveries_mailbox_id_mailboxes")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("mailbox_id", "sequence", name=op.f("uq_deliveries_mailbox_id_sequence")),
    )
    op.create_index(
        op.f("ix_deliveries_organisation_id_id"), "deliveries", ["organisation_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_deliveries_organisation_id_sender_address_id_id"),
        "deliveries",
        ["organisation_id", "sender_address_id", "id"],
        unique=False,
    )
    op.create_table(
        "domains",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("document_reference", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_domains_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_domains")),
    )
    op.create_index(op.f("ix_domains_organisation_id"), "domains", ["organisation_id"], unique=False)
    op.create_table(
        "mailbox_heads",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(link) = 32", name=op.f("ck_mailbox_heads_link")),
        sa.CheckConstraint("sequence >= 0", name=op.f("ck_mailbox_heads_sequence")),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_mailbox_heads_mailbox_id_mailboxes")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_mailbox_heads")),
    )
    op.create_table(
        "mailbox_links",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(link) = 32", name=op.f("ck_mailbox_links_link")),
        sa.CheckConstraint("octet_length(nonce) = 32", name=op.f("ck_mailbox_links_nonce")),
        sa.CheckConstraint("octet_length(previous) = 32", name=op.f("ck_mailbox_links_previous")),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_mailbox_links_sequence")),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_mailbox_links_mailbox_id_mailboxes")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "sequence", name=op.f("pk_mailbox_links")),
    )
    op.create_table(
        "refusals",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_refusals_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "request_id", name=op.f("pk_refusals")),
    )
    op.create_index(
        op.f("ix_refusals_organisation_id_recorded_at"),
        "refusals",
        ["organisation_id", "recorded_at"],
        unique=False,
    )
    op.create_table(
        "sender_addresses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("networks", sa.ARRAY(postgresql.CIDR()), nullable=False),
        sa.Column("sms_permitted", sa.Boolean(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("cardinality(networks) > 0", name=op.f("ck_sender_addresses_networks")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_sender_addresses_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sender_addresses")),
        sa.UniqueConstraint("address", name=op.f("uq_sender_addresses_address")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_sender_addresses_organisation_id_id")),
    )
    op.create_table(
        "certificate_bindings",
        sa.Column("certificate_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("sender_address_id", sa.Uuid(), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(role = 'SENDER') = (organisation_id IS NOT NULL)",
            name=op.f("ck_certificate_bindings_organisation"),
        ),
        sa.CheckConstraint("role IN ('OPERATOR', 'SENDER')", name=op.f("ck_certificate_bindings_role")),
        sa.CheckConstraint(
            "certificate_sha256 = sha256(certificate)",
            name=op.f("ck_certificate_bindings_certificate_sha256"),
        ),
        sa.CheckConstraint(
            "sender_address_id IS NULL OR organisation_id IS NOT NULL",
            name=op.f("ck_certificate_bindings_sender_address"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "sender_address_id"],
            ["sender_addresses.organisation_id", "sender_addresses.id"],
            name="fk_certificate_bindings_sender_address",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_certificate_bindings_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("certificate_sha256", name=op.f("pk_certificate_bindings")),
    )
    op.create_table(
        "confirmations",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("person_number", sa.Text(), nullable=False),
        sa.Column("cms_digest", sa.LargeBinary(), nullable=False),
        sa.Column("evidence_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("cardinality(evidence_ids) > 0", name=op.f("ck_confirmations_evidence_ids")),
        sa.CheckConstraint("octet_length(cms_digest) = 32", name=op.f("ck_confirmations_cms_digest")),
        sa.ForeignKeyConstraint(
            ["mailbox_id", "delivery_id"],
            ["deliveries.mailbox_id", "deliveries.id"],
            name=op.f("fk_confirmations_mailbox_id_delivery_id_deliveries"),
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "delivery_id", name=op.f("pk_confirmations")),
    )
    op.create_table(
        "openings",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("person_number", sa.Text(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id", "delivery_id"],
            ["deliveries.mailbox_id", "deliveries.id"],
            name=op.f("fk_openings_mailbox_id_delivery_id_deliveries"),
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "delivery_id", "person_number", name=op.f("pk_openings")),
    )
    op.create_table(
        "parts",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("digest = sha256(content)", name=op.f("ck_parts_digest")),
        sa.CheckConstraint("number > 0", name=op.f("ck_parts_number")),
        sa.CheckConstraint("size = octet_length(content)", name=op.f("ck_parts_size")),
        sa.ForeignKeyConstraint(
            ["mailbox_id", "delivery_id"],
            ["deliveries.mailbox_id", "deliveries.id"],
            name=op.f("fk_parts_mailbox_id_delivery_id_deliveries"),
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "delivery_id", "number", name=op.f("pk_parts")),
    )
    op.create_table(
        "statements",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("person_number", sa.Text(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("expires_at > issued_at", name=op.f("ck_statements_expires_at")),
        sa.ForeignKeyConstraint(
            ["mailbox_id", "delivery_id"],
            ["deliveries.mailbox_id", "deliveries.id"],
            name=op.f("fk_statements_mailbox_id_delivery_id_deliveries"),
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "id", name=op.f("pk_statements")),
    )
    op.create_index(
        op.f("ix_statements_mailbox_id_delivery_id_person_number_issued_at"),
        "statements",
        ["mailbox_id", "delivery_id", "person_number", "issued_at"],
        unique=False,
    )
    op.execute(insert_only.CREATE_FUNCTION)
    for table in INSERT_ONLY:
        for statement in insert_only.attach(table):
            op.execute(statement)


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
