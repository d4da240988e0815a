"""The certificates above one, as far as they can be seen: for people to look at, not to trust.

Whether a chain is trusted is for :mod:`namak.evidence.signature` and for the post to decide; here it only
shows where the chain ends and what is missing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from namak.certificate_names import full_name

_LONGEST = 10


class ChainEnd(StrEnum):
    """Where a chain ends."""

    TRUSTED_ROOT = "trusted_root"
    """At a root that the caller named."""
    OTHER_ROOT = "other_root"
    """At a self-signed certificate that the caller did not name."""
    ISSUER_MISSING = "issuer_missing"
    """Below an issuer whose certificate was not found."""
    TOO_LONG = "too_long"
    """Nowhere: it is longer than any that is honest."""


@dataclass(frozen=True, slots=True)
class SeenChain:
    """A certificate and its issuers, in this order, as far as they were found."""

    certificates: tuple[x509.Certificate, ...]
    end: ChainEnd

    @property
    def missing(self) -> str | None:
        """The name of the issuer whose certificate is missing; None when none is."""
        if self.end is not ChainEnd.ISSUER_MISSING:
            return None
        return full_name(self.certificates[-1].issuer)

    @property
    def issuers(self) -> Sequence[x509.Certificate]:
        """What belongs beside a signature: all above the first, without a root."""
        above = self.certificates[1:]
        return [each for each in above if each.subject != each.issuer]


def seen_chain(
    leaf: x509.Certificate, known: Iterable[x509.Certificate], roots: Iterable[x509.Certificate] = ()
) -> SeenChain:
    """Returns the chain above ``leaf`` that can be made of the certificates known and the roots named.

    Each is the next one's issuer by name and by signature; validity, purpose and revocation don't matter.
    """
    trusted = list(roots)
    candidates = [*trusted, *known]
    chain = [leaf]
    while len(chain) <= _LONGEST:
        last = chain[-1]
        if last in trusted:
            return SeenChain(tuple(chain), ChainEnd.TRUSTED_ROOT)
        if last.subject == last.issuer and _issued(last, last):
            return SeenChain(tuple(chain), ChainEnd.OTHER_ROOT)
        above = next((each for each in candidates if each != last and _issued(last, each)), None)
        if above is None:
            return SeenChain(tuple(chain), ChainEnd.ISSUER_MISSING)
        chain.append(above)
    return SeenChain(tuple(chain), ChainEnd.TOO_LONG)


def _issued(below: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
