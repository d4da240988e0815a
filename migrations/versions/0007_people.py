"""People: sessions, applications, agreements, delegates.

Additive: the release before it works on the schema after it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from server.storage import insert_only

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_IN_USE = ("certificate_bindings", "organisations", "mailboxes", "deliveries", "statements", "refusals")


def upgrade() -> None:
    """Each part in a function of its own."""
    # Those who wait behind our lock must not wait long: rather fail, and be run again.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    # All that is in use and changed below, first and in the order in which calls take it: nobody who waits
    # for us holds what we wait for next.
    op.execute(f"LOCK TABLE {', '.join(_IN_USE)} IN ACCESS EXCLUSIVE MODE")
    _portals()
    _sessions()
    _outstanding_sign_ins()
    _registration()
    _letters()
    _phone_confirmations()
    _delegations()
    for table in ("agreement_acceptances", "profile_confirmations", "user_agreements", "right_uses"):
        for statement in insert_only.attach(table):
            op.execute(statement)


def _portals() -> None:
    # Bind portals and clerks once every replica is of this release: the one before does not know the roles.
    op.add_column(
        "certificate_bindings", sa.Column("portal_name", sa.Text(), server_default="", nullable=False)
    )
    op.drop_constraint(op.f("ck_certificate_bindings_role"), "certificate_bindings")
    op.create_check_constraint(
        op.f("ck_certificate_bindings_role"),
        "certificate_bindings",
        "role IN ('OPERATOR', 'SENDER', 'PORTAL', 'CLERK')",
    )
    op.create_check_constraint(
        op.f("ck_certificate_bindings_portal_name"),
        "certificate_bindings",
        "(role = 'PORTAL') = (portal_name <> '')",
    )


def _sessions() -> None:
    text, time, octets = sa.Text(), sa.DateTime(timezone=True), sa.LargeBinary()
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", text, nullable=False),
        sa.Column("method", text, nullable=False),
        sa.Column("text", octets, nullable=False),
        sa.Column("portal_sha256", octets, nullable=False),
        sa.Column("portal_name", text, nullable=False),
        sa.Column("ends_others", sa.Boolean(), nullable=False),
        sa.Column("issued_at", time, nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.Column("person_number", text, nullable=True),
        sa.Column("certificate_sha256", octets, nullable=True),
        sa.Column("login", text, nullable=True),
        sa.Column("mobile", text, nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("used_at", time, nullable=True),
        sa.Column("proof", octets, nullable=True),
        sa.Column("certificate", octets, nullable=True),
        sa.CheckConstraint("purpose IN ('sign-in', 'step-up')", name=op.f("ck_sign_ins_purpose")),
        sa.CheckConstraint(
            "method IN ('CERTIFICATE', 'MOBILE_ID', 'PASSWORD')", name=op.f("ck_sign_ins_method")
        ),
        sa.CheckConstraint("octet_length(portal_sha256) = 32", name=op.f("ck_sign_ins_portal_sha256")),
        sa.CheckConstraint(
            "octet_length(certificate_sha256) = 32", name=op.f("ck_sign_ins_certificate_sha256")
        ),
        sa.CheckConstraint(
            "(purpose = 'step-up') = (session_id IS NOT NULL)", name=op.f("ck_sign_ins_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
    )
    op.create_index(
        "ix_sign_ins_unproved", "sign_ins", ["expires_at"], postgresql_where=sa.text("proof IS NULL")
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sign_in_id", sa.Uuid(), nullable=False),
        sa.Column("person_number", text, nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("token_sha256", octets, nullable=False),
        sa.Column("portal_sha256", octets, nullable=False),
        sa.Column("portal_name", text, nullable=False),
        sa.Column("method", text, nullable=False),
        sa.Column("assurance", text, nullable=False),
        sa.Column("started_at", time, nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.Column("ended_at", time, nullable=True),
        sa.Column("ending", text, nullable=True),
        sa.CheckConstraint(
            "method IN ('CERTIFICATE', 'MOBILE_ID', 'PASSWORD')", name=op.f("ck_sessions_method")
        ),
        sa.CheckConstraint("assurance IN ('PASSWORD', 'SIGNATURE')", name=op.f("ck_sessions_assurance")),
        sa.CheckConstraint(
            "ending IN ('EXPIRED', 'SIGNED_OUT', 'REPLACED', 'TERMINATED', 'PASSWORD_SET')",
            name=op.f("ck_sessions_ending"),
        ),
        sa.CheckConstraint("octet_length(token_sha256) = 32", name=op.f("ck_sessions_token_sha256")),
        sa.CheckConstraint("octet_length(portal_sha256) = 32", name=op.f("ck_sessions_portal_sha256")),
        sa.CheckConstraint("slot >= 0", name=op.f("ck_sessions_slot")),
        sa.CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name=op.f("ck_sessions_ended_at")),
        sa.CheckConstraint("started_at < expires_at", name=op.f("ck_sessions_expires_at")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(
        "uq_sessions_person_number_slot",
        "sessions",
        ["person_number", "slot"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(op.f("ix_sessions_token_sha256"), "sessions", ["token_sha256"], unique=True)
    op.create_index(op.f("ix_sessions_person_number_id"), "sessions", ["person_number", "id"])
    op.create_table(
        "logins",
        sa.Column("skeleton", text, nullable=False),
        sa.Column("login", text, nullable=False),
        sa.Column("person_number", text, nullable=False),
        sa.Column("password_hash", text, nullable=False),
        sa.Column("registered_at", time, nullable=False),
        sa.PrimaryKeyConstraint("skeleton", name=op.f("pk_logins")),
        sa.UniqueConstraint("login", name=op.f("uq_logins_login")),
    )
    op.create_index(op.f("ix_logins_person_number"), "logins", ["person_number"])
    op.create_table(
        "sign_in_tries",
        sa.Column("key", octets, nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("last_at", time, nullable=False),
        sa.CheckConstraint("octet_length(key) = 32", name=op.f("ck_sign_in_tries_key")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_tries")),
    )
    op.create_index(op.f("ix_sign_in_tries_last_at"), "sign_in_tries", ["last_at"])


def _outstanding_sign_ins() -> None:
    time, number = sa.DateTime(timezone=True), sa.BigInteger()
    op.create_table(
        "outstanding_sign_ins",
        sa.Column("sign_in_id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("signed_in_at", time, nullable=False),
        sa.Column("after", number, nullable=False),
        sa.Column("up_to", number, nullable=False),
        sa.Column("worked_at", time, nullable=False),
        sa.CheckConstraint('0 <= "after" AND "after" < up_to', name=op.f("ck_outstanding_sign_ins_after")),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_outstanding_sign_ins_mailbox_id_mailboxes")
        ),
        sa.PrimaryKeyConstraint("sign_in_id", name=op.f("pk_outstanding_sign_ins")),
    )
    op.create_index(
        op.f("ix_outstanding_sign_ins_mailbox_id_signed_in_at_sign_in_id"),
        "outstanding_sign_ins",
        ["mailbox_id", "signed_in_at", "sign_in_id"],
    )


def _said() -> list[sa.Column[Any]]:
    """Returns the columns of what people and entities say of themselves."""
    texts = ("name", "identity_document", "residence", "registration_number")
    more = ("legal_address", "actual_address", "home_phone", "mobile_phone")
    return [
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        sa.Column("registration_date", sa.Date(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in more),
    ]


def _registration() -> None:
    text, time, octets = sa.Text(), sa.DateTime(timezone=True), sa.LargeBinary()
    op.add_column("mailboxes", sa.Column("confirmed_at", time, nullable=True))
    op.create_table(
        "applications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", text, nullable=False),
        sa.Column("holder_kind", text, nullable=False),
        sa.Column("holder_number", text, nullable=False),
        *_said(),
        sa.Column("login", text, nullable=False),
        sa.Column("agreement_version", text, nullable=False),
        sa.Column("signer_number", text, nullable=False),
        sa.Column("text", octets, nullable=False),
        sa.Column("cms", octets, nullable=True),
        sa.Column("scan", octets, nullable=True),
        sa.Column("scan_media_type", text, nullable=True),
        sa.Column("salt", octets, nullable=False),
        sa.Column("received_at", time, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("findings", sa.ARRAY(text), nullable=False),
        sa.Column("checked_at", time, nullable=True),
        sa.Column("decided_at", time, nullable=True),
        sa.Column("refusal_reason", text, nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("channel IN ('ELECTRONIC', 'PAPER')", name=op.f("ck_applications_channel")),
        sa.CheckConstraint("holder_kind IN ('PERSON', 'ENTITY')", name=op.f("ck_applications_holder_kind")),
        sa.CheckConstraint(
            "state IN ('RECEIVED', 'WAITING', 'CHECKED', 'CONTRADICTED', 'APPROVED', 'REFUSED')",
            name=op.f("ck_applications_state"),
        ),
        sa.CheckConstraint("octet_length(salt) = 32", name=op.f("ck_applications_salt")),
        sa.CheckConstraint("(channel = 'ELECTRONIC') = (cms IS NOT NULL)", name=op.f("ck_applications_cms")),
        sa.CheckConstraint("(channel = 'PAPER') = (scan IS NOT NULL)", name=op.f("ck_applications_scan")),
        sa.CheckConstraint(
            "(scan IS NULL) = (scan_media_type IS NULL)", name=op.f("ck_applications_scan_media_type")
        ),
        sa.CheckConstraint(
            "(state = 'APPROVED') = (mailbox_id IS NOT NULL)", name=op.f("ck_applications_mailbox_id")
        ),
        sa.CheckConstraint(
            "(state = 'REFUSED') = (refusal_reason <> '')", name=op.f("ck_applications_refusal_reason")
        ),
        sa.CheckConstraint(
            "(state IN ('APPROVED', 'REFUSED')) = (decided_at IS NOT NULL)",
            name=op.f("ck_applications_decided_at"),
        ),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_applications_mailbox_id_mailboxes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
    )
    op.create_index(
        "uq_applications_undecided",
        "applications",
        ["holder_kind", "holder_number"],
        unique=True,
        postgresql_where=sa.text("state IN ('RECEIVED', 'WAITING', 'CHECKED', 'CONTRADICTED')"),
    )
    for column in ("state", "holder_number", "signer_number"):
        op.create_index(op.f(f"ix_applications_{column}_id"), "applications", [column, "id"])
    op.create_table(
        "user_agreements",
        sa.Column("version", text, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("published_at", time, nullable=False),
        sa.Column("languages", sa.ARRAY(text), nullable=False),
        sa.Column("texts", sa.ARRAY(text), nullable=False),
        sa.Column("digest", octets, nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_user_agreements_digest")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_user_agreements")),
        sa.UniqueConstraint("number", name=op.f("uq_user_agreements_number")),
    )
    op.create_table(
        "agreement_acceptances",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("version", text, nullable=False),
        sa.Column("person_number", text, nullable=False),
        sa.Column("accepted_at", time, nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_agreement_acceptances_mailbox_id_mailboxes")
        ),
        sa.ForeignKeyConstraint(
            ["version"],
            ["user_agreements.version"],
            name=op.f("fk_agreement_acceptances_version_user_agreements"),
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "version", name=op.f("pk_agreement_acceptances")),
    )
    _holders()


def _holders() -> None:
    text, time, octets = sa.Text(), sa.DateTime(timezone=True), sa.LargeBinary()
    op.create_table(
        "holders",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("address", text, nullable=False),
        sa.Column("holder_kind", text, nullable=False),
        sa.Column("holder_number", text, nullable=False),
        *_said(),
        sa.Column("signatory_number", text, nullable=False),
        sa.Column("login", text, nullable=False),
        sa.Column("salt", octets, nullable=False),
        sa.Column("confirmed_at", time, nullable=True),
        sa.Column("confirmed_etag", text, nullable=False),
        sa.CheckConstraint("holder_kind IN ('PERSON', 'ENTITY')", name=op.f("ck_holders_holder_kind")),
        sa.CheckConstraint("octet_length(salt) = 32", name=op.f("ck_holders_salt")),
        sa.CheckConstraint(
            "(confirmed_at IS NULL) = (confirmed_etag = '')", name=op.f("ck_holders_confirmed_at")
        ),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_holders_mailbox_id_mailboxes")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_holders")),
    )
    op.create_index(op.f("ix_holders_signatory_number"), "holders", ["signatory_number"])
    op.create_table(
        "profile_confirmations",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("etag", text, nullable=False),
        sa.Column("person_number", text, nullable=False),
        sa.Column("text", octets, nullable=False),
        sa.Column("cms", octets, nullable=False),
        sa.Column("confirmed_at", time, nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_profile_confirmations_mailbox_id_mailboxes")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "id", name=op.f("pk_profile_confirmations")),
    )
    op.create_index(
        "uq_profile_confirmations_etag", "profile_confirmations", ["mailbox_id", "etag"], unique=True
    )


def _phone_confirmations() -> None:
    text, time = sa.Text(), sa.DateTime(timezone=True)
    op.create_table(
        "phone_confirmations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("person_number", text, nullable=False),
        sa.Column("mobile", text, nullable=False),
        sa.Column("started_at", time, nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.Column("cms", sa.LargeBinary(), nullable=True),
        sa.Column("ending", text, nullable=True),
        sa.Column("tries_left", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("expires_at > started_at", name=op.f("ck_phone_confirmations_expires_at")),
        sa.CheckConstraint("cms IS NULL OR ending IS NULL", name=op.f("ck_phone_confirmations_ending")),
        sa.CheckConstraint(
            "tries_left IS NULL OR ending IS NOT NULL", name=op.f("ck_phone_confirmations_tries_left")
        ),
        sa.ForeignKeyConstraint(
            ["mailbox_id", "statement_id"],
            ["statements.mailbox_id", "statements.id"],
            name=op.f("fk_phone_confirmations_mailbox_id_statement_id_statements"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_confirmations")),
    )
    op.create_index(
        "ix_phone_confirmations_unsigned",
        "phone_confirmations",
        ["expires_at"],
        postgresql_where=sa.text("cms IS NULL"),
    )


def _letters() -> None:
    # Holders send letters too: theirs stand under their mailbox's identifier where an organisation's stand
    # under its own. The release before writes and reads as ever, and finds no letter among what it shows.
    op.drop_constraint(op.f("fk_refusals_organisation_id_organisations"), "refusals")
    op.add_column("deliveries", sa.Column("in_reply_to", sa.Uuid(), nullable=True))


def _delegations() -> None:
    text, time, octets = sa.Text(), sa.DateTime(timezone=True), sa.LargeBinary()
    op.create_table(
        "delegations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("mailbox", text, nullable=False),
        sa.Column("delegate", text, nullable=False),
        sa.Column("allowed", text, nullable=False),
        sa.Column("starts_at", time, nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.Column("grantor", text, nullable=False),
        sa.Column("granted_at", time, nullable=False),
        sa.Column("grant_evidence_id", sa.Uuid(), nullable=False),
        sa.Column("grant_digest", octets, nullable=False),
        sa.Column("under_digest", text, nullable=True),
        sa.Column("under_evidence_id", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", time, nullable=True),
        sa.Column("revoke_evidence_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("allowed IN ('READ', 'READ_AND_CONFIRM')", name=op.f("ck_delegations_allowed")),
        sa.CheckConstraint("octet_length(grant_digest) = 32", name=op.f("ck_delegations_grant_digest")),
        sa.CheckConstraint("starts_at < expires_at", name=op.f("ck_delegations_expires_at")),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoke_evidence_id IS NULL)", name=op.f("ck_delegations_revoked_at")
        ),
        sa.CheckConstraint(
            "(under_digest IS NULL) = (under_evidence_id IS NULL)", name=op.f("ck_delegations_under_digest")
        ),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_delegations_mailbox_id_mailboxes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
    )
    for columns in (["mailbox_id", "delegate"], ["mailbox_id", "id"], ["delegate", "id"]):
        op.create_index(op.f(f"ix_delegations_{'_'.join(columns)}"), "delegations", columns)
    for column in ("grant_evidence_id", "revoke_evidence_id"):
        op.create_index(op.f(f"ix_delegations_{column}"), "delegations", [column], unique=True)
    op.create_table(
        "signatories",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("person_number", text, nullable=False),
        sa.Column("register_time", time, nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("digest", octets, nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_signatories_digest")),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_signatories_mailbox_id_mailboxes")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_signatories")),
    )
    op.create_index(op.f("ix_signatories_evidence_id"), "signatories", ["evidence_id"], unique=True)
    op.create_table(
        "right_uses",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("sender_address_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_right_uses_mailbox_id_mailboxes")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "delivery_id", "number", name=op.f("pk_right_uses")),
    )
    op.create_index(
        op.f("ix_right_uses_evidence_id_organisation_id_sender_address_id"),
        "right_uses",
        ["evidence_id", "organisation_id", "sender_address_id"],
    )


def downgrade() -> None:
    """Refused: evidence is never taken back, and the release before runs on this schema too."""
    raise NotImplementedError
