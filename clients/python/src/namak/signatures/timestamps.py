"""Timestamp tokens (RFC 3161): what they are over, and whether their authority is trusted.

A token that is not entirely in order proves nothing; it is reported and not used.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from asn1crypto import tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from namak.evidence.certificate import PARSING, UNREADABLE
from namak.evidence.failures import CertificateError
from namak.signatures.algorithms import HASHES, judge_digest
from namak.signatures.chain import Chain, Links, find_chain
from namak.signatures.cms_reading import CmsSigner, NotCms, read_cms
from namak.signatures.integrity import Digests, integrity_checks
from namak.signatures.parties import party_of
from namak.signatures.report import (
    CertificateSeen,
    CheckResult,
    Finding,
    Revocation,
    RevocationStatus,
    Timestamp,
)
from namak.signatures.statuses import chain_seen
from namak.signatures.trust import RevocationMaterial, Trust


@dataclass(frozen=True, slots=True)
class _Token:
    time: datetime
    algorithm: str
    imprint: bytes
    content: bytes = field(repr=False)


def check_timestamp(
    token: bytes,
    over: Digests,
    trust: Trust,
    others: Sequence[bytes],
    material: RevocationMaterial,
    now: datetime,
    links: Links,
) -> Timestamp | None:
    """Checks a token; ``over`` gives the digests of what it should be over. None if it has no time."""
    try:
        cms = read_cms(token, (*others, *trust.certificates))
        found = _read(cms.content if cms.content_type == "tst_info" else None)
    except NotCms:
        return None
    if found is None:
        return None
    if len(cms.signers) != 1 or not _fits(cms.signers[0], found, over):
        return Timestamp(found.time, "", (), Finding.TIMESTAMP_WRONG)
    certificate = cms.signers[0].certificate
    assert certificate is not None  # the value was checked with it
    every = material + cms.revocation
    above = (*cms.certificates, *others, *trust.certificates)
    return _judged(found, certificate, above, trust, every, now, links)


def _read(content: bytes | None) -> _Token | None:
    if content is None:
        return None
    try:
        with PARSING:
            info = tsp.TSTInfo.load(content, strict=True)
            imprint = info["message_imprint"]
            time = info["gen_time"].native
            algorithm = str(imprint["hash_algorithm"]["algorithm"].native)
            return _Token(time.astimezone(UTC), algorithm, imprint["hashed_message"].native, content)
    except UNREADABLE:
        return None


def _fits(signer: CmsSigner, token: _Token, over: Digests) -> bool:
    if token.algorithm not in HASHES or judge_digest(token.algorithm) is not None:
        return False
    if not hmac.compare_digest(over(token.algorithm), token.imprint):
        return False

    def of_token(algorithm: str) -> bytes:
        return hashlib.new(algorithm, token.content, usedforsecurity=False).digest()

    checks = integrity_checks(signer, of_token, content_type="tst_info")
    return all(check.result is CheckResult.PASSED for check in checks)


def _judged(
    token: _Token,
    certificate: bytes,
    above: Sequence[bytes],
    trust: Trust,
    material: RevocationMaterial,
    now: datetime,
    links: Links,
) -> Timestamp:
    try:
        chain = find_chain(certificate, above, trust.roots_of_timestamps, links)
        authority = party_of(chain.certificates[0], ())[0].name
    except (CertificateError, *UNREADABLE):
        return Timestamp(token.time, "", (), Finding.TIMESTAMP_UNTRUSTED)
    shown = chain_seen(chain, material, used=token.time, now=now)
    good = _is_trusted(chain, shown, token.time, now)
    return Timestamp(token.time, authority, shown, None if good else Finding.TIMESTAMP_UNTRUSTED)


def _is_trusted(chain: Chain, shown: Sequence[CertificateSeen], time: datetime, now: datetime) -> bool:
    return (
        chain.finding is None
        and _is_for_timestamps(chain.certificates[0])
        and chain.begins <= time <= chain.ends
        and time <= now
        and all(_still_counts(each.revocation) for each in shown)
    )


def _still_counts(revocation: Revocation) -> bool:
    """Tells whether what was issued before stands (RFC 3161, 4): not if the key may be in wrong hands."""
    if revocation.status is RevocationStatus.REVOKED_SINCE:
        return revocation.reason in _HARMLESS
    return revocation.status in (RevocationStatus.GOOD, RevocationStatus.NOT_NEEDED)


_HARMLESS: Final = frozenset({"unspecified", "affiliationChanged", "superseded", "cessationOfOperation"})


def _is_for_timestamps(certificate: x509.Certificate) -> bool:
    """Tells whether the certificate is for timestamps and nothing else (RFC 3161, 2.3)."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return extension.critical and list(extension.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
