"""From lists and answers to what they say of one certificate at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography import x509

from namak.evidence.failures import CertificateRevoked, RevocationStatusUnknown
from namak.evidence.revocation import CheckedList
from server.gateways.certificate_status.revocation_list import RevocationList
from server.usecases.certificate_status import CheckKind, Origin, Outcome

SKEW = timedelta(minutes=1)
"""How far the clock of an authority may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The time that is judged, and the time it is now; both UTC."""

    at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class HeldList:
    """A list and how it came here."""

    content: RevocationList
    origin: Origin


@dataclass(frozen=True, slots=True)
class Finding:
    """What one kind of source says of one certificate.

    `outcome`: PASSED is "not revoked", FAILED "revoked", UNKNOWN "can't tell, because of `detail`". The
    rest says by what: DER of the answer, when it was issued, when the next one is due.
    """

    kind: CheckKind
    outcome: Outcome
    detail: str
    since: datetime | None = None
    reason: str | None = None
    der: bytes | None = None
    issued: datetime | None = None
    ends: datetime | None = None
    origin: Origin = Origin.FETCHED


def not_of_the_time(
    issued: datetime, ends: datetime, certificate: x509.Certificate, moment: Moment
) -> str | None:
    """Returns why an answer given at `issued` tells nothing about the time judged; None when it does.

    It does if it was in force then. One of later does too, and better, as revocations are told afterwards;
    but not once the certificate had expired: authorities forget expired ones.
    """
    if issued > moment.now + SKEW:
        return f"it is of a time to come, {_text(issued)}"
    if issued <= moment.at + SKEW:
        return None if moment.at <= ends else f"it is stale since {_text(ends)}"
    if issued > certificate.not_valid_after_utc:
        return "it was issued after the certificate had expired"
    return None


def judge_lists(
    lists: Sequence[HeldList], certificate: x509.Certificate, issuer: x509.Certificate, moment: Moment
) -> Finding:
    """Returns what the lists say of the certificate: revoked, if one of them says so."""
    named = [held for held in lists if held.content.issuer == certificate.issuer]
    if not named:
        return Finding(CheckKind.LIST, Outcome.UNKNOWN, "there is no revocation list of its issuer")
    covering: list[HeldList] = []
    objections: list[tuple[datetime, str]] = []
    for held in named:
        content = held.content
        why = content.unfit_for(certificate, issuer)
        if why is None:
            stale = not_of_the_time(content.issued, content.ends, certificate, moment)
            why = None if stale is None else f"the list tells nothing of the time: {stale}"
        if why is None:
            covering.append(held)
        else:
            objections.append((content.issued, why))
    if not covering:
        return Finding(CheckKind.LIST, Outcome.UNKNOWN, max(objections)[1])
    covering.sort(key=lambda held: held.content.issued, reverse=True)
    for held in covering:
        found = held.content.find(certificate.serial_number)
        # Whatever the reason, a hold included: at that time nobody was to rely on it.
        if found is not None and found.since <= moment.at:
            reason = None if found.reason is None else found.reason.value
            return _by(held, Outcome.FAILED, f"revoked since {_text(found.since)}", found.since, reason)
    newest = covering[0]
    return _by(newest, Outcome.PASSED, f"not revoked, says the list of {_text(newest.content.issued)}")


def check_strictly(
    lists: Sequence[HeldList], path: Sequence[x509.Certificate], at: datetime
) -> tuple[CheckedList, ...]:
    """Does what `namak.evidence.revocation.check_path` does, with lists of any size: only lists in force at
    the very time count, as for whoever verifies the evidence later.

    Raises:
        namak.evidence.failures.CertificateRevoked, namak.evidence.failures.RevocationStatusUnknown.
    """
    return tuple(_checked(lists, certificate, issuer, at) for certificate, issuer in pairwise(path))


def _checked(
    lists: Sequence[HeldList], certificate: x509.Certificate, issuer: x509.Certificate, at: datetime
) -> CheckedList:
    covering = [
        held.content
        for held in lists
        if held.content.issued <= at <= held.content.ends
        and held.content.unfit_for(certificate, issuer) is None
    ]
    if not covering:
        raise RevocationStatusUnknown("no revocation list of the issuer covers the certificate at the time")
    for content in covering:
        found = content.find(certificate.serial_number)
        if found is not None and found.since <= at:
            raise CertificateRevoked("the certificate, or one above it, was revoked at the time")
    newest = max(covering, key=lambda content: content.issued)
    return CheckedList(newest.der, newest.issued)


def _by(
    held: HeldList, outcome: Outcome, detail: str, since: datetime | None = None, reason: str | None = None
) -> Finding:
    content = held.content
    return Finding(
        CheckKind.LIST,
        outcome,
        detail,
        since,
        reason,
        content.der,
        content.issued,
        content.ends,
        held.origin,
    )


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
