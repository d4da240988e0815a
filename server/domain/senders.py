"""Who may send: organisations with their contracts, domains, addresses and certificate bindings."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from server.domain.caller import IpAddress, IpNetwork


class ContractState(StrEnum):
    """The state of an organisation's contract with the operator (POST-8)."""

    NONE = "NONE"
    IN_FORCE = "IN_FORCE"
    SUSPENDED = "SUSPENDED"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation that may send once its contract is in force. `code` is its legal entity code."""

    id: UUID
    code: str
    name: str
    contract_state: ContractState
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain that belongs to one organisation, as A-labels (ADMIN-2)."""

    organisation_id: UUID
    name: str
    document_reference: str
    registered_at: datetime


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


@dataclass(frozen=True, slots=True)
class CertificateBinding:
    """What one machine certificate stands for; its key is the SHA-256 of the certificate's DER."""

    certificate_sha256: bytes
    role: BindingRole
    organisation_id: UUID | None
    sender_address_id: UUID | None
    expires_at: datetime
    bound_at: datetime
    revoked_at: datetime | None
