"""What a verifier goes by: whom it trusts under which name, and what it has of revocation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from namak.evidence.certificate import CertificateNaming


@dataclass(frozen=True, slots=True)
class PartyNaming:
    """How certificates name one kind of party: a person or an entity (profile data)."""

    naming: CertificateNaming
    is_entity: bool = False


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Roots that are trusted under a name.

    Attributes:
        name: what reports call it, for example ``am citizens``.
        roots: DER certificates at which chains may end.
        namings: how certificates below them name their party; empty means that any subject is taken, and
            told as it stands.
        certificate_policies: object identifiers of certificate policies that qualify, and what they are
            called; empty means that nothing is said about it.
        requires_certificate_reference: whether the signed attributes must name the signer's certificate
            (RFC 5035), so that no other certificate of the same key can be put in its place.
    """

    name: str
    roots: tuple[bytes, ...] = field(repr=False)
    namings: tuple[PartyNaming, ...] = ()
    certificate_policies: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    requires_certificate_reference: bool = True


@dataclass(frozen=True, slots=True)
class RevocationMaterial:
    """Revocation lists and OCSP responses, DER. They are signed: where they come from does not matter."""

    crls: tuple[bytes, ...] = field(default=(), repr=False)
    ocsps: tuple[bytes, ...] = field(default=(), repr=False)

    def __add__(self, other: "RevocationMaterial") -> "RevocationMaterial":
        """Returns both together, each once."""
        crls = tuple(dict.fromkeys((*self.crls, *other.crls)))
        return RevocationMaterial(crls, tuple(dict.fromkeys((*self.ocsps, *other.ocsps))))


NOTHING: Final = RevocationMaterial()
"""No list and no response."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Everything that a verification goes by.

    Attributes:
        policies: tried in this order; the first at whose roots a chain ends counts.
        timestamp_roots: DER roots of timestamping authorities; None takes those of the policies.
        certificates: DER certificates known besides those in the signature: authorities, or the signer's.
        revocation: what is at hand besides what the file carries.
    """

    policies: tuple[TrustPolicy, ...]
    timestamp_roots: tuple[bytes, ...] | None = field(default=None, repr=False)
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    revocation: RevocationMaterial = NOTHING

    @property
    def roots(self) -> tuple[bytes, ...]:
        """The roots of all policies."""
        return tuple(dict.fromkeys(root for policy in self.policies for root in policy.roots))

    @property
    def roots_of_timestamps(self) -> tuple[bytes, ...]:
        """The roots at which the chain of a timestamping authority may end."""
        return self.roots if self.timestamp_roots is None else self.timestamp_roots

    def policy_of(self, root: bytes) -> TrustPolicy | None:
        """Returns the first policy that trusts a root."""
        return next((policy for policy in self.policies if root in policy.roots), None)
