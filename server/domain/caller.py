"""Who calls: one frozen value, decided once per call from the connection, never from metadata."""

from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from uuid import UUID

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Connection:
    """What the transport vouches for: the SHA-256 of the client certificate's DER (32 bytes) and the peer's
    address.
    """

    certificate_sha256: bytes
    address: IpAddress


@dataclass(frozen=True, slots=True)
class Stranger:
    """A certificate that the TLS trust vouches for and that is bound to nobody: public log data only."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator of the post."""

    connection: Connection


@dataclass(frozen=True)
class Sender:
    """An organisation's system, perhaps bound to one sender address only.

    `networks` is the union of the networks of all the organisation's addresses: outside it, a call is not
    even let in (CARD-4), unless one of them may send from `host_names`, the union of which are looked up
    then.
    """

    connection: Connection
    organisation_id: UUID
    sender_address_id: UUID | None
    networks: tuple[IpNetwork, ...]
    host_names: tuple[str, ...] = ()

    @cached_property
    def in_networks(self) -> bool:
        """Whether it calls from one of the networks."""
        return any(self.connection.address in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Holder:
    """A person with a personal certificate: `person_number` is the national number, without the certificate's
    prefix.

    `administers` are the organisations whose administrator the person is (ADMIN-1). These rights never add
    up: a call acts for one of them, which it names.
    """

    connection: Connection
    person_number: str
    administers: frozenset[UUID] = frozenset()


Caller = Stranger | Operator | Sender | Holder
