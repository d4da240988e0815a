"""Signatures of citizens: the confirmation of a reading, and the certificates that citizens call with.

Pure and offline: certificates and revocation lists are given, nothing is fetched, and the time is an
argument. The reasons of the errors are those of the public contract. Trust ends at the citizen roots and
nowhere else: what another authority's certificate says about its subject counts for nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from namak.evidence.certificate import CertificateNaming, der_of, is_ca, path_to_root
from namak.evidence.cms_building import build_signature, draft_signature
from namak.evidence.cms_signature import check_signature
from namak.evidence.failures import CertificatePurpose
from namak.evidence.revocation import CheckedList, check_path

__all__ = [
    "CertificateNaming",
    "CheckedList",
    "PathCheck",
    "Person",
    "Signer",
    "build_confirmation_signature",
    "check_confirmation_signature",
    "check_personal_certificate",
    "draft_signature",
]


PathCheck = Callable[[Sequence[x509.Certificate], datetime], tuple[CheckedList, ...]]
"""Does what :func:`~namak.evidence.revocation.check_path` does, with lists of its own."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a certificate belongs to, as a citizen root vouches for it.

    ``number`` is the personal number without the profile's prefix. ``path`` is the DER of the certificates
    from the person's own up to and with the root, ``lists`` the revocation lists relied on, for each of them
    but the root.
    """

    number: str
    common_name: str | None
    given_name: str | None
    surname: str | None
    path: tuple[bytes, ...]
    lists: tuple[CheckedList, ...]

    @property
    def certificate(self) -> bytes:
        """The person's certificate, DER."""
        return self.path[0]

    @property
    def status_time(self) -> datetime:
        """The certificates were not revoked according to lists of which the oldest is of this time, UTC."""
        return min(checked.issued for checked in self.lists)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who made a confirmation's signature. ``person.lists`` are, in this order, what evidence carries of
    revocation.
    """

    person: Person
    digest_algorithm: str


_AUTHENTICATION: Final = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)


def check_confirmation_signature(
    cms: bytes,
    content: bytes,
    *,
    roots: Sequence[bytes],
    crls: Sequence[bytes] = (),
    at: datetime,
    intermediates: Sequence[bytes] = (),
    naming: CertificateNaming | None = None,
    revocation: PathCheck | None = None,
) -> Signer:
    """Checks that ``cms`` is a citizen's signature over exactly ``content``, by a certificate good for it at
    ``at``.

    ``roots`` are the citizen roots, ``intermediates`` certificates known besides those in the signature,
    ``crls`` the revocation lists to go by; all DER. ``naming`` is the profile's, by default that of ``am``.
    With ``revocation`` that is asked instead of ``crls``.
    Raises, in this order, :class:`SignatureInvalid`, :class:`CertificateUntrusted` or
    :class:`CertificateExpired`, :class:`CertificatePurpose`, :class:`CertificateRevoked` or
    :class:`RevocationStatusUnknown`.
    """
    signature = check_signature(cms, content)
    above = (*signature.others, *intermediates)
    path = path_to_root(signature.certificate, above, roots, at)
    number = (naming or CertificateNaming()).number_of(path[0].subject)
    _check_usage(path[0], "content_commitment")
    lists = check_path(path, crls, at) if revocation is None else revocation(path, at)
    return Signer(_person(number, signature.certificate, path, lists), signature.digest_algorithm)


def check_personal_certificate(
    leaf: bytes,
    intermediates: Sequence[bytes],
    roots: Sequence[bytes],
    crls: Sequence[bytes],
    at: datetime,
    naming: CertificateNaming | None = None,
) -> Person:
    """Returns the person that the TLS certificate ``leaf`` belongs to, at ``at``.

    That the caller holds its key is for the handshake to prove. Raises :class:`NoPath` when it is simply not
    a citizen's certificate: the caller is then a stranger, not an impostor. Otherwise raises as
    :func:`check_confirmation_signature` does; the purpose here is authentication.
    """
    path = path_to_root(leaf, intermediates, roots, at)
    number = (naming or CertificateNaming()).number_of(path[0].subject)
    _check_usage(path[0], "digital_signature")
    _check_extended_usage(path[0], _AUTHENTICATION)
    return _person(number, leaf, path, check_path(path, crls, at))


def build_confirmation_signature(
    statement: bytes,
    certificate: bytes,
    chain: Sequence[bytes],
    sign: Callable[[bytes], bytes],
    digest: str = "sha256",
) -> bytes:
    """Returns the signature over a statement's exact bytes:
    :func:`~namak.evidence.cms_building.build_signature`.
    """
    return build_signature(statement, certificate, chain, sign, digest)


def _check_usage(certificate: x509.Certificate, usage: str) -> None:
    try:
        permitted = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        raise CertificatePurpose("the certificate does not say what its key may be used for") from None
    if not getattr(permitted, usage):
        raise CertificatePurpose(f"the certificate's key usage does not hold {usage}")
    if is_ca(certificate):
        raise CertificatePurpose("the certificate is an authority's, not a person's")


def _check_extended_usage(certificate: x509.Certificate, any_of: Sequence[ObjectIdentifier]) -> None:
    try:
        permitted = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return  # RFC 5280, 4.2.1.12: where the extension is absent, it restricts nothing.
    if not any(usage in permitted for usage in any_of):
        raise CertificatePurpose("the certificate's extended key usage does not permit this use")


def _person(
    number: str, leaf: bytes, path: Sequence[x509.Certificate], lists: tuple[CheckedList, ...]
) -> Person:
    """Returns the person of the path's first certificate, whose DER is ``leaf``."""
    subject = path[0].subject
    return Person(
        number,
        _name(subject, NameOID.COMMON_NAME),
        _name(subject, NameOID.GIVEN_NAME),
        _name(subject, NameOID.SURNAME),
        (leaf, *map(der_of, path[1:])),
        lists,
    )


def _name(subject: x509.Name, attribute: ObjectIdentifier) -> str | None:
    values = [found.value for found in subject.get_attributes_for_oid(attribute)]
    return values[0] if len(values) == 1 and isinstance(values[0], str) else None
