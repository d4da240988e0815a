"""The tables of sign-ins, sessions and logins (SIGN-1 to SIGN-5, BOX-8)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from namak.evidence.sign_in import Purpose
from server.domain.caller import Assurance
from server.domain.sessions import Ending, Method
from server.storage.stored import Stored, one_of, sha256


class SignInRow(Stored):
    """A sign-in that was started. `proof` and `certificate` are kept of those that were completed by a
    signature: the answer to whoever says it was not them.
    """

    __tablename__ = "sign_ins"
    __table_args__ = (
        one_of("purpose", Purpose),
        one_of("method", Method),
        sha256("portal_sha256"),
        sha256("certificate_sha256"),
        CheckConstraint("(purpose = 'step-up') = (session_id IS NOT NULL)", name="session_id"),
        # What expired unproved is deleted.
        Index("ix_sign_ins_unproved", "expires_at", postgresql_where=text("proof IS NULL")),
        Index("ix_sign_ins_proved", "expires_at", postgresql_where=text("proof IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    method: Mapped[str]
    text: Mapped[bytes]
    portal_sha256: Mapped[bytes]
    portal_name: Mapped[str]
    ends_others: Mapped[bool]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    person_number: Mapped[str | None]
    certificate_sha256: Mapped[bytes | None]
    login: Mapped[str | None]
    mobile: Mapped[str | None]
    session_id: Mapped[UUID | None]
    used_at: Mapped[datetime | None]
    proof: Mapped[bytes | None]
    certificate: Mapped[bytes | None]


class SessionRow(Stored):
    """A session. Its token is kept as a digest only."""

    __tablename__ = "sessions"
    __table_args__ = (
        one_of("method", Method),
        one_of("assurance", Assurance),
        one_of("ending", Ending),
        sha256("token_sha256"),
        sha256("portal_sha256"),
        CheckConstraint("slot >= 0", name="slot"),
        CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name="ended_at"),
        CheckConstraint("started_at < expires_at", name="expires_at"),
        # SIGN-5: a holder has a bounded number of sessions, each in a slot of its own; of two that begin at
        # the same moment in one slot, one does.
        Index(
            "uq_sessions_person_number_slot",
            "person_number",
            "slot",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(None, "token_sha256", unique=True),
        Index(None, "person_number", "id"),
        # Old ones are deleted.
        Index(None, "expires_at"),
        # Those of a portal end with its certificate.
        Index("ix_sessions_open_at_portal", "portal_sha256", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sign_in_id: Mapped[UUID]
    person_number: Mapped[str]
    slot: Mapped[int]
    token_sha256: Mapped[bytes]
    portal_sha256: Mapped[bytes]
    portal_name: Mapped[str]
    method: Mapped[str]
    assurance: Mapped[str]
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ending: Mapped[str | None]


class OutstandingSignInRow(Stored):
    """A sign-in on its way through a mailbox; the row is deleted at the end of it."""

    __tablename__ = "outstanding_sign_ins"
    __table_args__ = (
        CheckConstraint('0 <= "after" AND "after" < up_to', name="after"),
        Index(None, "mailbox_id", "signed_in_at", "sign_in_id"),
    )

    sign_in_id: Mapped[UUID] = mapped_column(primary_key=True)
    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey("mailboxes.id"))
    signed_in_at: Mapped[datetime]
    after: Mapped[int]
    up_to: Mapped[int]
    # All have their turns: one large mailbox does not hold up the others.
    worked_at: Mapped[datetime]


class LoginRow(Stored):
    """A login. Its skeleton is unique, so that none is given out that looks like another."""

    __tablename__ = "logins"

    skeleton: Mapped[str] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    person_number: Mapped[str] = mapped_column(index=True)
    password_hash: Mapped[str]
    registered_at: Mapped[datetime]


class TryRow(Stored):
    """How often something was tried in a row. The key is a digest of a number or a login, which whoever tries
    them all finds: the table is as confidential as its neighbours.
    """

    __tablename__ = "sign_in_tries"
    __table_args__ = (sha256("key"), Index(None, "last_at"))

    key: Mapped[bytes] = mapped_column(primary_key=True)
    tries: Mapped[int]
    last_at: Mapped[datetime]
