"""What passes between use cases and the rings around them (`server.usecases.ports`), as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from namak.evidence.administrative_act import ActorKind
from server.domain.reasons import Reason
from server.domain.senders import ContractState, Organisation, SenderAddress


@dataclass(frozen=True, slots=True)
class Claim:
    """What is kept under a request id: the digest of the content, and the identifier that its outcome got.

    For a submission `subject_id` is the delivery's identifier (which exists only if it was accepted); for
    an administrative
    request it is the resource's. For a certificate binding, which has no UUID, it is a UUID made for the
    claim alone.
    """

    request_id: str
    digest: bytes
    subject_id: UUID


@dataclass(frozen=True, slots=True)
class SendingSide:
    """An organisation, and those of its entries for sender addresses that were asked for, by address."""

    organisation: Organisation
    entries: Mapping[str, SenderAddress]


@dataclass(frozen=True, slots=True)
class RecordedRefusal:
    """A refused submission: its reason and metadata, as they were answered, and its evidence."""

    organisation_id: UUID
    request_id: str
    reason: Reason
    text: str
    metadata: Mapping[str, str]
    evidence_id: UUID
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ListedAct:
    """An administrative act as lists find it; what else is known of it stands in its evidence.

    `organisation_id` is None for acts on mailboxes and on what is the operator's own; `person_number` is the
    acting administrator's, None for other actors; `resource` is the resource's identifier.
    """

    evidence_id: UUID
    organisation_id: UUID | None
    act: str
    actor_kind: ActorKind
    person_number: str | None
    resource_kind: str
    resource: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class OrganisationFilter:
    """Which organisations to list; None admits all. `contract_state` is that of the day of listing."""

    organisation_ids: frozenset[UUID] | None = None
    contract_state: ContractState | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class BindingFilter:
    """Which bindings of an organisation to list; None admits all.

    `active_at` admits those that are neither revoked nor expired at that time, `expiring_until` those that
    expire no later.
    """

    organisation_id: UUID
    sender_address_id: UUID | None = None
    active_at: datetime | None = None
    expiring_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActFilter:
    """Which administrative acts to list; None admits all. `since` is the first time, `until` the first that
    is too late.
    """

    organisation_id: UUID | None = None
    act: str | None = None
    resource: str | None = None
    person_number: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SenderAddressFilter:
    """Which sender addresses to list; None admits all. `domain` is their very domain."""

    organisation_id: UUID | None = None
    domain: str | None = None
    suspended: bool | None = None
    sms_permitted: bool | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """The first access of one person to one delivery."""

    mailbox_id: UUID
    delivery_id: UUID
    person_number: str
    evidence_id: UUID
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedStatement:
    """A statement as it was issued: `text` are the exact bytes to sign."""

    id: UUID
    mailbox_id: UUID
    delivery_id: UUID
    person_number: str
    text: bytes
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A recorded confirmation: `cms_digest` is the SHA-256 of the signature's DER; the evidence in order of
    recording.
    """

    mailbox_id: UUID
    delivery_id: UUID
    person_number: str
    cms_digest: bytes
    evidence_ids: tuple[UUID, ...]
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class ReceiptTimestamp:
    """An RFC 3161 token (DER) over the bytes of a receipt's checkpoint; `authority` by the settings' name."""

    authority: str
    token: bytes
    gen_time: datetime


@dataclass(frozen=True, slots=True)
class LoggedReceipt:
    """Evidence with its proof: `tlog_proof` is a whole C2SP tlog-proof file.

    `witnessed` where the quorum of witnesses cosigned its checkpoint; `timestamps` where they were asked for.
    """

    evidence_id: UUID
    origin: str
    leaf_index: int
    tree_size: int
    tlog_proof: bytes
    witnessed: bool = False
    timestamps: tuple[ReceiptTimestamp, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedCheckpoint:
    """A published checkpoint: `note` is the signed note's bytes."""

    origin: str
    size: int
    root: bytes
    note: bytes


@dataclass(frozen=True, slots=True)
class VerifiedSigner:
    """The person who made a confirmation's signature, and the revocation lists that were judged, signer's
    first (DER).
    """

    person_number: str
    revocation_lists: tuple[bytes, ...]


class UsageFact(NamedTuple):
    """A fact that usage rests on: its identifier, whose it is, its bytes and the digest beside them.

    `logged_entry` is the entry of its leaf in the log, None before it has one.
    """

    id: UUID
    organisation_id: UUID
    data: bytes
    entry: bytes
    logged_entry: bytes | None
