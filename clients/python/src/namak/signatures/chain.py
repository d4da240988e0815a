"""From a signer's certificate to a root that the verifier trusts.

The links are found by name and signature, within budgets for each chain and for all of a file: certificates
come from strangers, and a web of cross-certificates must not cost more than a few hundred verifications. What
is found is then validated as a path (RFC 5280, 6.1) by :mod:`namak.evidence.certificate`, at a moment at
which all of it is in force; whether it was in force when it mattered is a check of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.certificate import DIGESTS, MAX_PATH, UNREADABLE, load_certificate, path_to_root
from namak.evidence.failures import CertificateError, CertificateUntrusted, NoPath
from namak.signatures.algorithms import Algorithms, check_value, judge_certificate
from namak.signatures.report import Finding

_STEPS: Final = 64
_VERIFICATIONS: Final = 256


class Links:
    """Which certificates issued which, each pair verified once, and at most so many pairs of one file."""

    def __init__(self, most: int = _VERIFICATIONS) -> None:
        self._left = most
        self._known: dict[tuple[x509.Certificate, x509.Certificate], bool] = {}

    def is_issued_by(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        """Tells it by the signature; of what goes beyond the budget, that it is not."""
        pair = (certificate, issuer)
        if pair not in self._known:
            if self._left <= 0:
                return False
            self._left -= 1
            self._known[pair] = _is_issued_by(certificate, issuer)
        return self._known[pair]


@dataclass(frozen=True, slots=True)
class Chain:
    """The certificates from the signer's on; ``root`` is the last one's DER if the verifier trusts it.

    ``finding`` says what is wrong with it as a path.
    """

    certificates: tuple[x509.Certificate, ...]
    root: bytes | None
    finding: Finding | None

    @property
    def begins(self) -> datetime:
        """From when on all of its certificates are in force, UTC."""
        return max(certificate.not_valid_before_utc for certificate in self.certificates)

    @property
    def ends(self) -> datetime:
        """Until when all of its certificates are in force, UTC."""
        return min(certificate.not_valid_after_utc for certificate in self.certificates)


def find_chain(leaf: bytes, others: Sequence[bytes], roots: Sequence[bytes], links: Links) -> Chain:
    """Returns the chain of ``leaf``; where it reaches no root, as far as it goes. All are DER; ``links`` is
    one for all chains of a file.

    Raises :class:`~namak.evidence.failures.CertificateUntrusted` for a leaf that can't be read.
    """
    first = load_certificate(leaf)
    pool = [*_readable(roots), *(each for each in _readable(others) if _der(each) not in roots)]
    found, root = _Search(pool, frozenset(roots), links).from_leaf(first)
    if root is not None:
        return Chain(found, root, _unsound(found, root))
    if not roots:
        return Chain(found, None, Finding.NO_ROOTS)
    self_made = found[-1].subject == found[-1].issuer
    return Chain(found, None, Finding.CHAIN_SELF_MADE if self_made else Finding.CHAIN_NOT_FOUND)


def _unsound(found: Sequence[x509.Certificate], root: bytes) -> Finding | None:
    if len(found) < 2:
        return Finding.AUTHORITY_CERTIFICATE
    if any(judge_certificate(certificate) for certificate in found[:-1]):
        return Finding.CHAIN_WEAK
    try:
        ders = [_der(certificate) for certificate in found]
        path_to_root(ders[0], ders[1:-1], [root], _moment(found))
    except NoPath:
        return Finding.CHAIN_UNSOUND
    except CertificateUntrusted:
        return Finding.CHAIN_WEAK
    except CertificateError:
        return Finding.CHAIN_UNSOUND
    return None


def _moment(found: Sequence[x509.Certificate]) -> datetime:
    """Returns a moment at which all certificates are in force; where there is none, none will be found so."""
    ends = min(certificate.not_valid_after_utc for certificate in found)
    return ends.astimezone(UTC)


class _Search:
    """A depth-first search for a root, the nearest first; remembers the longest way that led nowhere."""

    def __init__(self, pool: Sequence[x509.Certificate], roots: frozenset[bytes], links: Links) -> None:
        self._pool = pool
        self._roots = roots
        self._links = links
        self._left = _STEPS
        self._longest: tuple[x509.Certificate, ...] = ()

    def from_leaf(self, leaf: x509.Certificate) -> tuple[tuple[x509.Certificate, ...], bytes | None]:
        """Returns the chain, and its root if it has one."""
        found = self._extend((leaf,))
        return (found, _der(found[-1])) if found else (self._longest, None)

    def _extend(self, chain: tuple[x509.Certificate, ...]) -> tuple[x509.Certificate, ...] | None:
        if _der(chain[-1]) in self._roots:
            return chain
        if len(chain) > len(self._longest):
            self._longest = chain
        if len(chain) >= MAX_PATH:
            return None
        for issuer in self._issuers(chain[-1]):
            if issuer not in chain and (found := self._extend((*chain, issuer))):
                return found
        return None

    def _issuers(self, certificate: x509.Certificate) -> Iterator[x509.Certificate]:
        for candidate in self._pool:
            if candidate.subject == certificate.issuer and self._left > 0:
                self._left -= 1
                if self._links.is_issued_by(certificate, candidate):
                    yield candidate


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return _is_weakly_issued_by(certificate, issuer)
    return True


def _is_weakly_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tells it of digests that the library refuses: too weak a chain is not a missing one."""
    algorithm, key = certificate.signature_hash_algorithm, issuer.public_key()
    if algorithm is None or algorithm.name in DIGESTS or certificate.issuer != issuer.subject:
        return False
    kind = "ecdsa" if isinstance(key, ec.EllipticCurvePublicKey) else "rsa"
    used = Algorithms(algorithm.name, f"{algorithm.name}_{kind}")
    return check_value(key, used, certificate.tbs_certificate_bytes, certificate.signature) is None


def _readable(ders: Sequence[bytes]) -> Iterator[x509.Certificate]:
    for der in dict.fromkeys(ders):
        try:
            certificate = load_certificate(der)
            _ = certificate.subject == certificate.issuer
        except (CertificateError, *UNREADABLE):
            continue
        yield certificate


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
