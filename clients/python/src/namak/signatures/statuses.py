"""The certificates of a chain as a report shows them, each with what is known of its revocation."""

from datetime import datetime
from itertools import pairwise

from namak.signatures.chain import Chain
from namak.signatures.parties import seen
from namak.signatures.report import CertificateSeen, Finding, Revocation, RevocationStatus
from namak.signatures.revocation import revocation_of
from namak.signatures.trust import RevocationMaterial


def chain_seen(
    chain: Chain, material: RevocationMaterial, *, used: datetime, now: datetime
) -> tuple[CertificateSeen, ...]:
    """Returns the chain with the status of each certificate at the time ``used``; a root needs none."""
    statuses = [
        revocation_of(certificate, issuer, material, used=used, now=now)
        for certificate, issuer in pairwise(chain.certificates)
    ]
    last = (
        Revocation(RevocationStatus.UNKNOWN, finding=Finding.NO_ANSWER)
        if chain.root is None
        else Revocation(RevocationStatus.NOT_NEEDED)
    )
    trusted = [False] * len(statuses) + [chain.root is not None]
    return tuple(
        seen(certificate, status, trusted=is_root)
        for certificate, status, is_root in zip(chain.certificates, [*statuses, last], trusted, strict=True)
    )
