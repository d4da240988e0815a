"""Whether a person's certificate counts at a time, and what was found on the way (SIGN-4): the port, and what
passes through it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from server.domain import refusals


class Purpose(StrEnum):
    """What the certificate's key was used for; its key usages must permit exactly that."""

    AUTHENTICATION = "authentication"
    """Signing in: digitalSignature, and clientAuth where extended usages are set."""
    SIGNATURE = "signature"
    """Signing for good: contentCommitment, and signing documents where extended usages are set."""


class Verdict(StrEnum):
    """What is to be thought of the certificate at the time."""

    GOOD = "good"
    """Everything was checked, and nothing speaks against it."""
    REVOKED = "revoked"
    """It, or an authority above it, was revoked at the time."""
    UNKNOWN = "unknown"
    """All is well but for revocation: nobody can tell now whether it was revoked."""
    UNTRUSTED = "untrusted"
    """It has no path to a citizen root, or something on the path is too weak to be believed."""
    EXPIRED = "expired"
    """It, or an authority above it, was not valid at the time: not yet, or not any more."""
    PURPOSE = "purpose"
    """Its key is not for this use."""


class CheckKind(StrEnum):
    """What was looked at."""

    FORM = "form"
    """Size and structure of the certificate."""
    ALGORITHMS = "algorithms"
    """Strength of keys and digests along the path."""
    PATH = "path"
    """The chain to a citizen root (RFC 5280, 6.1)."""
    VALIDITY = "validity"
    """From when until when the certificates of the path are valid."""
    KEY_USAGE = "key-usage"
    EXTENDED_KEY_USAGE = "extended-key-usage"
    LIST = "list"
    """Revocation lists (RFC 5280, 6.3)."""
    OCSP = "ocsp"
    """A responder's answer (RFC 6960)."""


class Outcome(StrEnum):
    """How a check went."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It could not be made: nothing to go by was to be had."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check and its result.

    Attributes:
        certificate: which of the path's certificates it is about; 0 is the person's own.
        detail: in English, for those who look into it; names nobody.
    """

    kind: CheckKind
    certificate: int
    outcome: Outcome
    detail: str


class Origin(StrEnum):
    """How an answer about revocation came here."""

    FILE = "file"
    """A list among the operator's files."""
    FETCHED = "fetched"
    """Asked for now, or a while ago and still in force."""
    GIVEN = "given"
    """It came along with the certificate: stapled."""


@dataclass(frozen=True, slots=True)
class Proof:
    """An answer about revocation that was gone by, to be kept as evidence.

    Attributes:
        kind: LIST or OCSP; `der` is a CertificateList or an OCSPResponse accordingly.
        certificate: as in `Check`.
        issued, ends: thisUpdate and nextUpdate, UTC; OCSP answers may lack the latter.
    """

    kind: CheckKind
    certificate: int
    der: bytes
    issued: datetime
    ends: datetime | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What was found of a certificate.

    Attributes:
        at: the time that is judged, UTC.
        checked_at: when it was looked at, UTC.
        accepted: it may be relied on: the verdict is GOOD, or it is UNKNOWN and the settings accept that for
            the purpose. Whoever relies on it then SHOULD say so.
        why: what stands against it, in English; None for GOOD.
        path: DER, from the person's certificate up to and with the root; empty where there is none.
        revoked_since, revocation_reason: for REVOKED; the reason (RFC 5280, 5.3.1, `keyCompromise`) where the
            authority gives one.
        good_until: until when the same certificate would be judged alike, as far as it is known now.
    """

    verdict: Verdict
    purpose: Purpose
    at: datetime
    checked_at: datetime
    accepted: bool
    why: str | None
    path: tuple[bytes, ...]
    checks: tuple[Check, ...]
    proofs: tuple[Proof, ...]
    revoked_since: datetime | None
    revocation_reason: str | None
    good_until: datetime

    @property
    def status_time(self) -> datetime | None:
        """The certificates were not revoked according to answers of which the oldest is of this time, UTC."""
        return min((proof.issued for proof in self.proofs), default=None)


class CertificateStatus(Protocol):
    """Tells whether a person's certificate counts at a time."""

    async def check(
        self,
        certificate: bytes,
        purpose: Purpose,
        at: datetime,
        *,
        others: Sequence[bytes] = (),
        answers: Sequence[bytes] = (),
        lists: Sequence[bytes] = (),
    ) -> StatusReport:
        """Judges the certificate (DER) as of `at`, now or in the past. May ask the authorities' servers, so
        it MUST NOT be called within a transaction. Never raises for what is wrong with the certificate.

        Args:
            others: certificates that came along (DER); the path may go through them.
            answers: stapled OCSP answers (DER), believed as far as they prove themselves.
            lists: revocation lists that came along (DER), likewise.
        """
        ...


_REFUSALS: dict[Verdict, type[refusals.Refused]] = {
    Verdict.REVOKED: refusals.SigningCertificateRevoked,
    Verdict.UNKNOWN: refusals.RevocationStatusUnknown,
    Verdict.UNTRUSTED: refusals.SigningCertificateUntrusted,
    Verdict.EXPIRED: refusals.SigningCertificateExpired,
    Verdict.PURPOSE: refusals.SigningCertificatePurpose,
}


def refuse_unless_accepted(report: StatusReport) -> None:
    """Raises the refusal that the report's verdict calls for, unless the certificate is accepted.

    Raises:
        SigningCertificateUntrusted, SigningCertificateExpired, SigningCertificatePurpose,
        SigningCertificateRevoked, RevocationStatusUnknown.
    """
    if not report.accepted:
        raise _REFUSALS[report.verdict]
