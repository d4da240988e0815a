"""Keeps the authorities above a certificate once a path through them has been validated: a few authorities
certify everybody.

Only what makes no difference to the authorities is decided here, and only in the usual case; everything else
is left to the validator, and so is every refusal. What hangs on the time is looked at each time.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtensionOID, SignatureAlgorithmOID

from namak.evidence.der import children

MOST: Final = 64
"""Chains that are kept at most, those last used."""

_POLICIES: Final = 8

_OF_AUTHORITIES: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)
"""Extensions by which an authority treats all certificates below it alike (RFC 5280, 6.1): no constraints of
names, none of policies.
"""

_QC_STATEMENTS: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
_OF_PEOPLE: Final = _OF_AUTHORITIES | {ExtensionOID.SUBJECT_ALTERNATIVE_NAME, _QC_STATEMENTS}

_SIGNATURES: Final = frozenset(
    {
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        SignatureAlgorithmOID.ECDSA_WITH_SHA512,
        SignatureAlgorithmOID.RSA_WITH_SHA256,
        SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
    }
)

_TEXTS: Final = frozenset({0x0C, 0x13})
"""Tags of UTF8String and PrintableString."""

_Given = tuple[tuple[bytes, ...], tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class _Chain:
    certificates: tuple[x509.Certificate, ...]
    subject: bytes
    key_identifier: bytes


class KnownChains:
    """Chains of authorities by the exact certificates that they were found among. For several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Given, tuple[_Chain, ...]] = OrderedDict()
        self._turn = threading.Lock()

    def path(
        self, leaf: x509.Certificate, above: tuple[bytes, ...], roots: tuple[bytes, ...], at: datetime
    ) -> tuple[x509.Certificate, ...] | None:
        """Returns the path from ``leaf`` to its root where it is as sound as the one that was validated; None
        where the validator has to decide.

        It is when the leaf is a usual certificate of somebody who is no authority, signed by the chain's
        first, and all of them are valid at ``at``.
        """
        with self._turn:
            if (chains := self._kept.get((above, roots))) is None:
                return None
            self._kept.move_to_end((above, roots))
        issuer = leaf.issuer.public_bytes()
        for chain in chains:
            if chain.subject == issuer and _is_usual(leaf, issuer, chain.key_identifier):
                path = (leaf, *chain.certificates)
                return path if _is_valid(path, at) and _is_issued(leaf, chain.certificates[0]) else None
        return None

    def keep(
        self, chain: Sequence[x509.Certificate], above: tuple[bytes, ...], roots: tuple[bytes, ...]
    ) -> None:
        """Keeps the authorities over a certificate whose path the validator took, nearest first, with the
        root. MUST be called only where no two of the certificates given have the same subject: then there is
        one path at most.
        """
        if not all(_extensions_within(authority, _OF_AUTHORITIES) for authority in chain[:-1]):
            return
        try:
            found = chain[0].extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except x509.ExtensionNotFound:
            return
        kept = _Chain(tuple(chain), chain[0].subject.public_bytes(), found.value.digest)
        with self._turn:
            others = self._kept.pop((above, roots), ())
            self._kept[above, roots] = (kept, *(other for other in others if other.subject != kept.subject))
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)


def _extensions_within(certificate: x509.Certificate, known: frozenset[x509.ObjectIdentifier]) -> bool:
    for extension in certificate.extensions:
        if extension.oid not in known:
            return False
        if isinstance(extension.value, x509.CertificatePolicies) and len(list(extension.value)) > _POLICIES:
            return False
    return True


def _is_usual(leaf: x509.Certificate, issuer_name: bytes, key_identifier: bytes) -> bool:
    """Tells whether there is nothing about the certificate that a validator might take amiss, which names
    its issuer so.
    """
    named = False
    for extension in leaf.extensions:
        match extension.value:
            case x509.BasicConstraints(ca=True):
                return False
            case x509.AuthorityKeyIdentifier() as issuer:
                named = issuer.key_identifier == key_identifier and issuer.authority_cert_issuer is None
    return (
        named
        and leaf.signature_algorithm_oid in _SIGNATURES
        and _extensions_within(leaf, _OF_PEOPLE)
        and (subject := leaf.subject.public_bytes()) != issuer_name
        and _is_plain(subject)
    )


def _is_plain(name: bytes) -> bool:
    """Tells whether all that a name says is text as certificates are to have it (RFC 5280, 4.1.2.4).

    The validator refuses names that are made of anything else, and it must not hang on what was verified
    before whether a certificate is taken.
    """
    return all(
        children(attribute)[1][0] in _TEXTS for relative in children(name) for attribute in children(relative)
    )


def _is_valid(path: Sequence[x509.Certificate], at: datetime) -> bool:
    return all(one.not_valid_before_utc <= at <= one.not_valid_after_utc for one in path)


def _is_issued(leaf: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
