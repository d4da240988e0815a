"""Who calls: one frozen value, decided once per call from the connection, and from nothing in metadata but a
session's token, which counts with the portal's certificate that it was issued to only.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final
from uuid import UUID

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


NO_CERTIFICATE: Final = b""
"""Stands for the client certificate of a mail's connection that has none."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What the transport vouches for: the SHA-256 of the client certificate's DER (32 bytes, or
    `NO_CERTIFICATE`) and the peer's address.
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

    @property
    def party_id(self) -> UUID:
        """Whose the deliveries and request ids are."""
        return self.organisation_id

    @cached_property
    def in_networks(self) -> bool:
        """Whether it calls from one of the networks."""
        return any(self.connection.address in network for network in self.networks)


class Assurance(StrEnum):
    """What a signed-in holder has proved."""

    PASSWORD = "PASSWORD"  # noqa: S105 - a level's name
    """That they know the password; official letters are not opened with it (BOX-8)."""
    SIGNATURE = "SIGNATURE"
    """That they hold the key and know its PIN."""


@dataclass(frozen=True, slots=True)
class Portal:
    """A portal at which nobody is signed in: it may sign somebody in. `name` is the operator's for it."""

    connection: Connection
    name: str


@dataclass(frozen=True, slots=True)
class ViaPortal:
    """The session that a holder's call is made in, at the portal of this name whose certificate the
    connection has.
    """

    name: str
    session_id: UUID
    assurance: Assurance


@dataclass(frozen=True, slots=True)
class Holder:
    """A person: with a personal certificate, or signed in at a portal. `person_number` is the national
    number, without the certificate's prefix.

    `administers` are the organisations whose administrator the person is (ADMIN-1). These rights never add
    up: a call acts for one of them, which it names. At a portal nobody has them. `via` is None with the
    person's own certificate.
    """

    connection: Connection
    person_number: str
    administers: frozenset[UUID] = frozenset()
    via: ViaPortal | None = None


@dataclass(frozen=True, slots=True)
class Clerk:
    """A clerk's desk of the post, where applications come in on paper (BOX-4)."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class PrintHouse:
    """A print house: it prints letters, posts them, and reports what became of them (BOX-11)."""

    connection: Connection
    print_house_id: UUID


Caller = Stranger | Operator | Sender | Portal | Holder | Clerk | PrintHouse


def owner_of_places(caller: Caller) -> object:
    """Returns whose places a call takes where they are few: an organisation's, a person's, or else a
    certificate's, also one that is bound to nobody.
    """
    match caller:
        case Sender():
            return caller.organisation_id
        case Holder():
            return caller.person_number
        case PrintHouse():
            return caller.print_house_id
    return caller.connection.certificate_sha256
