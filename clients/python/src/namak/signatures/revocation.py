"""Whether a certificate had been revoked at a time, by lists and responses at hand.

An answer counts if its issuer is the certificate's and it was in force at that time or was issued after it;
the newest one is gone by. That a certificate is revoked is believed of any authentic answer. Nothing is taken
for good because it could not be checked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from namak.evidence.certificate import UNREADABLE
from namak.evidence.revocation import load_list, speaks_for
from namak.signatures import ocsp
from namak.signatures.report import AnswerSource, Finding, Revocation, RevocationStatus
from namak.signatures.trust import RevocationMaterial

WITHOUT_END: Final = timedelta(hours=24)
"""How long an OCSP answer without a next update is gone by: newer ones can be had at any time."""

_EXPIRED_CERTS_ON_CRL: Final = x509.ObjectIdentifier("2.5.29.60")


@dataclass(frozen=True, slots=True)
class _Answer:
    source: AnswerSource
    this_update: datetime
    next_update: datetime
    revoked: datetime | None
    reason: str
    tells_of_expired: bool


def revocation_of(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    material: RevocationMaterial,
    *,
    used: datetime,
    now: datetime,
) -> Revocation:
    """Returns what is known of a certificate at the time ``used``, to a verifier for whom it is ``now``."""
    answers = [each for each in _answers(certificate, issuer, material, now) if each.this_update <= now]
    revoked = [each for each in answers if each.revoked is not None]
    if revoked:
        first = min(revoked, key=lambda each: each.revoked or each.this_update)
        assert first.revoked is not None
        status = RevocationStatus.REVOKED if first.revoked <= used else RevocationStatus.REVOKED_SINCE
        return _told(status, first)
    if not answers:
        return Revocation(RevocationStatus.UNKNOWN, finding=Finding.NO_ANSWER)
    newest = max(answers, key=lambda each: each.this_update)
    timely = [each for each in answers if used <= each.next_update or used <= each.this_update]
    if not timely:
        return _told(RevocationStatus.UNKNOWN, newest, Finding.ANSWER_STALE)
    # An authority may take a certificate off its list once it has expired (RFC 5280, 3.3).
    knowing = [
        each
        for each in timely
        if each.tells_of_expired or each.this_update <= certificate.not_valid_after_utc
    ]
    if not knowing:
        return _told(RevocationStatus.UNKNOWN, newest, Finding.ANSWER_AFTER_EXPIRY)
    return _told(RevocationStatus.GOOD, max(knowing, key=lambda each: each.this_update))


def _told(status: RevocationStatus, answer: _Answer, finding: Finding | None = None) -> Revocation:
    return Revocation(
        status,
        answer.source,
        answer.this_update,
        answer.next_update,
        answer.revoked,
        answer.reason,
        finding,
    )


def _answers(
    certificate: x509.Certificate, issuer: x509.Certificate, material: RevocationMaterial, now: datetime
) -> Iterator[_Answer]:
    for crl in material.crls:
        try:
            found = _by_list(crl, certificate, issuer)
        except UNREADABLE:
            continue
        if found is not None:
            yield found
    for response in material.ocsps:
        for answer in ocsp.answers(response, certificate, issuer):
            if _is_delegate_good(answer, issuer, material, now):
                end = answer.next_update or answer.this_update + WITHOUT_END
                yield _Answer(
                    AnswerSource.OCSP, answer.this_update, end, answer.revoked, answer.reason, False
                )


def _by_list(crl: bytes, certificate: x509.Certificate, issuer: x509.Certificate) -> _Answer | None:
    parsed = load_list(crl)
    if parsed is None or parsed.next_update_utc is None or not speaks_for(parsed, certificate, issuer):
        return None
    entry = parsed.get_revoked_certificate_by_serial_number(certificate.serial_number)
    since, reason = (None, "") if entry is None else _entry(entry)
    return _Answer(
        AnswerSource.CRL,
        parsed.last_update_utc,
        parsed.next_update_utc,
        since,
        reason,
        any(extension.oid == _EXPIRED_CERTS_ON_CRL for extension in parsed.extensions),
    )


def _entry(entry: x509.RevokedCertificate) -> tuple[datetime, str]:
    """Returns since when, the invalidity date if that is earlier (RFC 5280, 5.3.2), and the reason."""
    since, reason = entry.revocation_date_utc, ""
    for extension in entry.extensions:
        if isinstance(extension.value, x509.InvalidityDate):
            since = min(since, extension.value.invalidity_date_utc)
        elif isinstance(extension.value, x509.CRLReason):
            reason = extension.value.reason.value
    return since, reason


def _is_delegate_good(
    answer: ocsp.OcspAnswer, issuer: x509.Certificate, material: RevocationMaterial, now: datetime
) -> bool:
    if answer.delegate is None or ocsp.needs_no_check(answer.delegate):
        return True
    lists: Sequence[bytes] = material.crls
    status = revocation_of(
        answer.delegate, issuer, RevocationMaterial(tuple(lists)), used=answer.this_update, now=now
    )
    return status.status in (RevocationStatus.GOOD, RevocationStatus.REVOKED_SINCE)
