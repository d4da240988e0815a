"""What use cases ask of the rings around them; storage, transparency, hsm and the citizens' PKI implement
these.

All methods of `Transaction` run inside one database transaction. Implementations raise
`ServiceUnavailable` when the thing behind
them does not answer, and never let their own library's exceptions out.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from namak.evidence.events import Event
from server.domain.caller import IpAddress
from server.domain.local_days import Stretch
from server.domain.sending_rights import Hosts
from server.domain.usage import UsageRow
from server.usecases.delegation_ports import DelegationTransaction
from server.usecases.delivery_ports import Deliveries, EvidenceStore, Mailboxes
from server.usecases.forwarding_ports import ForwardingTransaction
from server.usecases.job_ports import JobTransaction
from server.usecases.ladder_ports import LadderTransaction
from server.usecases.letter_ports import LetterTransaction
from server.usecases.mail_ports import MailTransaction
from server.usecases.notice_ports import NoticeTransaction
from server.usecases.nudge_ports import NudgeTransaction
from server.usecases.outage_ports import OutageTransaction
from server.usecases.phone_ports import PhoneTransaction
from server.usecases.records import (
    Claim,
    LoggedReceipt,
    PublishedCheckpoint,
    RecordedRefusal,
    UsageFact,
    VerifiedSigner,
)
from server.usecases.register_ports import (
    AdministrativeActs,
    Administrators,
    Bindings,
    Domains,
    Organisations,
    Portals,
    SenderAddresses,
    SendingSides,
)
from server.usecases.registration_ports import RegistrationTransaction
from server.usecases.rotation_ports import RotationTransaction
from server.usecases.sender_sms_ports import SenderSmsTransaction
from server.usecases.session_ports import SignInTransaction
from server.usecases.sms_ports import SmsTransaction


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Returns the present time, aware, UTC."""
        ...


class Entropy(Protocol):
    """Makes identifiers and random bytes."""

    def new_id(self) -> UUID:
        """Returns a new UUID, version 7: unique, and ordered by the time of its making as far as clocks
        agree.
        """
        ...

    def random(self, count: int) -> bytes:
        """Returns `count` unpredictable bytes."""
        ...


class Contended(Exception):
    """A hurried transaction met a lock that another one holds; nothing was written, and another attempt may
    do.
    """


class Claims(Protocol):
    """Request ids, each claimed once by its owner for ever (docs/submission-cycle.md)."""

    async def claim_all(self, claims: Mapping[tuple[UUID, str], Claim]) -> Mapping[tuple[UUID, str], Claim]:
        """Claims for many owners at once, by owner and request id; returns those that were claimed before,
        as they are stored. Otherwise as `claim`.
        """
        ...

    async def claim(self, owner_id: UUID, claims: Sequence[Claim]) -> Mapping[str, Claim]:
        """Claims all; returns those request ids that were claimed before, as they are stored.

        Rows are inserted in sorted order. A claim that another open transaction holds is waited for.
        """
        ...


class Refusals(Protocol):
    """Refused submissions."""

    async def add(self, refusals: Sequence[RecordedRefusal]) -> None: ...

    async def under(
        self, organisation_id: UUID, request_ids: Collection[str]
    ) -> Mapping[str, RecordedRefusal]:
        """Returns the refusals kept under these request ids."""
        ...

    async def count_since(self, organisation_id: UUID, since: datetime) -> int: ...


class UsageRecords(Protocol):
    """What senders used, read from what was accepted (ADMIN-5)."""

    async def accepted(
        self,
        organisation_id: UUID,
        stretches: Sequence[Stretch],
        *,
        sender: str | None,
        sender_address_id: UUID | None,
    ) -> Sequence[UsageRow]:
        """Counts what was accepted in these stretches of time, which are in order and do not overlap; of one
        address, or under one permission, where given.
        """
        ...

    async def texts(
        self,
        organisation_id: UUID,
        stretches: Sequence[Stretch],
        *,
        sender: str | None,
        sender_address_id: UUID | None,
    ) -> Sequence[UsageRow]:
        """Counts the short messages that were accepted in these stretches of time, likewise (ADMIN-3)."""
        ...

    async def organisations(self) -> Sequence[UUID]:
        """Returns the identifiers of all organisations."""
        ...

    async def facts(
        self, event: Event, organisation_id: UUID | None = None, *, after: UUID, before: UUID, limit: int
    ) -> Sequence[UsageFact]:
        """Returns an event's facts, of one organisation or all, by identifier; both bounds are exclusive.
        Those of holders' letters, which stand on no bill, are left out.
        """
        ...


class Transaction(
    LadderTransaction,
    SignInTransaction,
    RegistrationTransaction,
    PhoneTransaction,
    DelegationTransaction,
    JobTransaction,
    ForwardingTransaction,
    LetterTransaction,
    NoticeTransaction,
    OutageTransaction,
    SmsTransaction,
    MailTransaction,
    SenderSmsTransaction,
    NudgeTransaction,
    RotationTransaction,
    Protocol,
):
    """One database transaction with everything in it."""

    @property
    def claims(self) -> Claims: ...
    @property
    def refusals(self) -> Refusals: ...
    @property
    def organisations(self) -> Organisations: ...
    @property
    def domains(self) -> Domains: ...
    @property
    def sender_addresses(self) -> SenderAddresses: ...
    @property
    def sending_sides(self) -> SendingSides: ...
    @property
    def bindings(self) -> Bindings: ...
    @property
    def portals(self) -> Portals: ...
    @property
    def administrators(self) -> Administrators: ...
    @property
    def administrative_acts(self) -> AdministrativeActs: ...
    @property
    def mailboxes(self) -> Mailboxes: ...
    @property
    def deliveries(self) -> Deliveries: ...
    @property
    def evidence(self) -> EvidenceStore: ...
    @property
    def usage(self) -> UsageRecords: ...

    async def commit(self) -> None:
        """Commits, synchronously to disk. Without it, leaving the unit of work rolls back."""
        ...


class UnitOfWork(Protocol):
    """Opens transactions. Lock order everywhere: claims, mailboxes, delegations, deliveries, each
    sorted.
    """

    def writing(self, *, hurried: bool = False) -> AbstractAsyncContextManager[Transaction]:
        """Opens a transaction that writes; rolls back unless `commit` was awaited.

        A hurried one waits only briefly for a lock that another one holds; its statements raise `Contended`
        then.
        """
        ...

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """Opens a transaction that always rolls back; `commit` in it is a programming error."""
        ...


class HostNames(Protocol):
    """The addresses of host names that senders may send from (ADMIN-3)."""

    def known(self, names: Collection[str], *, like: IpAddress) -> Hosts:
        """Returns at once what `addresses_of` returned before and still holds; other names are missing."""
        ...

    async def addresses_of(self, names: Collection[str], *, like: IpAddress) -> Hosts:
        """Returns the public addresses of each name, of the same version as `like`; a name that could not be
        looked up is missing.
        """
        ...


class Log(Protocol):
    """The transparency log as use cases see it."""

    def wake(self) -> None:
        """Says, without waiting, that facts were committed; called after each commit that recorded some."""
        ...

    def mark(self) -> int:
        """Says how much was published until now, for `receipts` of what is committed afterwards."""
        ...

    async def receipts(
        self,
        evidence: Mapping[UUID, bytes],
        *,
        wait_seconds: float,
        reply_by: float = math.inf,
        since: int | None = None,
    ) -> Mapping[UUID, LoggedReceipt]:
        """Returns receipts of the given evidence (identifier to document bytes) that stand under a published
        checkpoint.

        Waits until all do, at most `wait_seconds` and never beyond `reply_by` on the event loop's clock; then
        returns those that do. `since` is the `mark` from before all of it was committed, where that is known:
        nothing is looked for until something was published after it.
        """
        ...

    async def checkpoint(self, origin: str | None = None) -> PublishedCheckpoint | None:
        """Returns the newest published checkpoint of a shard, by default of the current one, or of the one
        before it until that has any.
        """
        ...

    def vkey_of(self, origin: str) -> str:
        """Returns the verifier key of a shard; empty for no shard of this log."""
        ...


class Signatures(Protocol):
    """Checks holders' signatures and personal certificates against the citizen roots and their revocation
    lists.
    """

    async def verify(self, cms: bytes, statement: bytes, at: datetime) -> VerifiedSigner:
        """Checks a detached CMS over exactly the statement's bytes.

        Raises:
            SignatureInvalid, SigningCertificateUntrusted, SigningCertificateExpired,
            SigningCertificateRevoked,
            SigningCertificatePurpose, RevocationStatusUnknown.
        """
        ...


class PersonalCertificates(Protocol):
    """Recognises personal certificates at the door (docs/access.md)."""

    async def person_of(self, certificate: bytes, at: datetime) -> str | None:
        """Returns the person's number when the certificate (DER) has a path to a citizen root; None when it
        has not.

        Raises:
            CertificateRevoked: it, or an authority above it, has been revoked.
            RevocationStatusUnknown: there is no fresh revocation list.
        """
        ...
