"""Who may send: organisations with their contracts, domains, addresses and certificate bindings."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from server.domain.caller import IpAddress, IpNetwork

PROOF_LABEL = "_namak"
"""The label below a domain where the record stands that proves whose it is (RFC 8552)."""


class ContractState(StrEnum):
    """The state of an organisation's contract with the operator (POST-8)."""

    NONE = "NONE"
    IN_FORCE = "IN_FORCE"
    SUSPENDED = "SUSPENDED"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation that may send once its contract is in force. `code` is its legal entity code.

    `contract_state` is what the operator last said; `contract_ends_on` is the last local day on which that
    holds, None where no end is set. What counts at a time is `contract_state_at`. `notification_policies` are
    those that the contract permits, its usual one first; none for the operator's usual one.
    """

    id: UUID
    code: str
    name: str
    contract_state: ContractState
    registered_at: datetime
    contract_ends_on: date | None = None
    notification_policies: tuple[str, ...] = ()

    def policy_for(self, asked: str | None, usual: str) -> str | None:
        """Returns the notification policy of a submission that asks for one, or for none; None when the
        contract does not permit it. `usual` is the operator's (LADDER-2).
        """
        permitted = self.notification_policies or (usual,)
        if asked is None:
            return permitted[0]
        return asked if asked in permitted else None

    def contract_state_at(self, time: datetime, zone: ZoneInfo) -> ContractState:
        """Returns the state of the contract at a time, by the calendar of the zone (POST-8)."""
        return self.contract_state_on(time.astimezone(zone).date())

    def contract_state_on(self, day: date) -> ContractState:
        """Returns the state of the contract on a local day: after its last day it has ended."""
        if self.contract_ends_on is not None and day > self.contract_ends_on:
            return ContractState.ENDED
        return self.contract_state


class DomainProof(StrEnum):
    """How the ownership of a domain was proved."""

    DOCUMENT = "DOCUMENT"
    DNS = "DNS"


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain that belongs to one organisation, as A-labels (ADMIN-2).

    `document_reference` names the document that proves it; for a proof by the DNS it is the record's text.
    """

    organisation_id: UUID
    name: str
    document_reference: str
    registered_at: datetime
    proof: DomainProof = DomainProof.DOCUMENT


@dataclass(frozen=True, slots=True)
class DomainChallenge:
    """What an organisation is to put into the DNS to prove that a domain is its own; `token` is random."""

    organisation_id: UUID
    name: str
    token: str
    expires_at: datetime

    @property
    def record_name(self) -> str:
        """The name of the TXT record."""
        return f"{PROOF_LABEL}.{self.name}"

    @property
    def record_text(self) -> str:
        """The text of the TXT record."""
        return f"namak-domain={self.token}"


@dataclass(frozen=True, slots=True)
class SenderAddress:
    """An address from which an organisation may send, and from where in the network (ADMIN-3, POST-8).

    Attributes:
        address: one e-mail address, or `*@DOMAIN`: the permission for all addresses of that very domain
            (ADMIN-2; `server.domain.sending_rights` says which entry counts).
        networks: where it may send from; with `host_names` there is at least one of either.
        host_names: domain names, as A-labels, whose public addresses it may send from too.
        suspended_by_operator: it is suspended, and only the operator can resume it.
    """

    id: UUID
    organisation_id: UUID
    address: str
    networks: tuple[IpNetwork, ...]
    sms_permitted: bool
    suspended: bool
    registered_at: datetime
    host_names: tuple[str, ...] = ()
    suspended_by_operator: bool = False

    @property
    def domain(self) -> str:
        """The domain that it lies under, as A-labels."""
        return self.address.rpartition("@")[2]

    def permits(self, client: IpAddress) -> bool:
        """Tells whether its networks have this client address; its host names are not asked here."""
        return any(client in network for network in self.networks)


class BindingRole(StrEnum):
    """What a bound machine certificate stands for."""

    OPERATOR = "OPERATOR"
    SENDER = "SENDER"
    PORTAL = "PORTAL"
    CLERK = "CLERK"
    PRINT_HOUSE = "PRINT_HOUSE"


@dataclass(frozen=True, slots=True)
class CertificateBinding:
    """What one machine certificate stands for; its key is the SHA-256 of the certificate's DER.

    `subject` is the certificate's, for people to recognise it by; empty for those bound before it was kept.
    `portal_name` is the operator's name for a portal, empty for all others; `print_house_id` is that of a
    print house.
    """

    certificate_sha256: bytes
    role: BindingRole
    organisation_id: UUID | None
    sender_address_id: UUID | None
    expires_at: datetime
    bound_at: datetime
    revoked_at: datetime | None
    subject: str = ""
    portal_name: str = ""
    print_house_id: UUID | None = None
