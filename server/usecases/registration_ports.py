"""What use cases ask of applications, user agreements and holders. See `server.usecases.ports` for what holds
of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from server.domain.applications import Application, ApplicationState
from server.domain.holders import AgreementAcceptance, HolderProfile, UserAgreement
from server.domain.mailboxes import HolderKind


@dataclass(frozen=True, slots=True)
class ApplicationFilter:
    """Which applications to list; None admits all. `since` is the first time, `until` the first that is too
    late; `signer_number` is the person who signed.
    """

    state: ApplicationState | None = None
    number: str | None = None
    signer_number: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProfileConfirmation:
    """A holder's signature (`cms`, DER) over their profile in the state that `etag` names: over `text`."""

    mailbox_id: UUID
    id: UUID
    etag: str
    person_number: str
    text: bytes
    cms: bytes
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Who signed: the person, and the entity that the certificate names besides, if any."""

    person_number: str
    entity_number: str | None


class ApplicantSignatures(Protocol):
    """Checks the signatures of people, by their signing certificates (SIGN-4)."""

    async def signatory(self, cms: bytes, text: bytes, at: datetime) -> SignedBy:
        """Checks a detached CMS over exactly the text. No transaction may be open around it.

        Raises:
            SignatureInvalid, SigningCertificateUntrusted, SigningCertificateExpired,
            SigningCertificateRevoked, SigningCertificatePurpose, RevocationStatusUnknown.
        """
        ...


class Applications(Protocol):
    async def add(self, application: Application) -> bool:
        """Adds it; returns False, changing nothing, when the person or entity has one under way."""
        ...

    async def get(self, application_id: UUID) -> Application | None: ...

    async def get_without_scan(self, application_id: UUID) -> Application | None:
        """Returns it as `list_newest` does: a scan may have megabytes, which only who looks at it needs."""
        ...

    async def lock(self, application_id: UUID) -> Application | None:
        """Returns it, locked until the transaction ends: who decides about it meanwhile waits."""
        ...

    async def change(self, application: Application) -> None:
        """Stores how far a locked one has come: its state, and what belongs to that."""
        ...

    async def list_newest(
        self, wanted: ApplicationFilter, *, before: UUID | None, limit: int
    ) -> Sequence[Application]:
        """Lists applications, without their scans, by descending identifier, from before the given one."""
        ...

    async def unanswered(self, kind: HolderKind, *, after: UUID | None, limit: int) -> Sequence[UUID]:
        """Returns those of persons, or of entities, of which no register has said anything yet, by
        identifier, from after the given one.
        """
        ...


class UserAgreements(Protocol):
    """Versions of the user agreement, insert-only; the one published last is in force."""

    async def add(self, agreement: UserAgreement) -> bool:
        """Adds it as the newest; returns False, changing nothing, when the version is there. Two at the same
        moment come one after the other.
        """
        ...

    async def get(self, version: str) -> UserAgreement | None: ...

    async def current(self) -> UserAgreement | None: ...


class Holders(Protocol):
    """What is known of mailboxes' holders, and what these agreed to and confirmed."""

    async def add(self, profile: HolderProfile) -> None: ...

    async def get(self, mailbox_id: UUID) -> HolderProfile | None: ...

    async def lock(self, mailbox_id: UUID) -> HolderProfile | None:
        """Returns it, locked until the transaction ends."""
        ...

    async def change(self, profile: HolderProfile) -> None:
        """Stores the data, the salt and the confirmation of a locked one."""
        ...

    async def accept(self, acceptance: AgreementAcceptance) -> AgreementAcceptance:
        """Keeps an acceptance; returns the first of this mailbox and version, which stays."""
        ...

    async def accepted(self, mailbox_id: UUID) -> AgreementAcceptance | None:
        """Returns the acceptance of the newest version that was accepted for a mailbox."""
        ...

    async def add_confirmation(self, confirmation: ProfileConfirmation) -> None: ...


class RegistrationTransaction(Protocol):
    """What a transaction has for registration."""

    @property
    def applications(self) -> Applications: ...
    @property
    def user_agreements(self) -> UserAgreements: ...
    @property
    def holders(self) -> Holders: ...
