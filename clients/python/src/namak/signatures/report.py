"""What a verification says: frozen values, the same for the server, the command and programs.

The words of the verdicts and sub-indications are those of ETSI EN 319 102-1, 5.1.3. Checks and findings are
named by constants of this module, which the catalogues in ``words`` put into five languages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Verdict(StrEnum):
    """What it comes to."""

    VALID = "VALID"
    """TOTAL-PASSED: every check that a signature must pass was made and passed."""
    INVALID = "INVALID"
    """TOTAL-FAILED: the signature is broken, or its own data show that it must not count."""
    INDETERMINATE = "INDETERMINATE"
    """What is at hand decides neither; more of it (a trusted root, a fresh answer) may decide it."""


class SubIndication(StrEnum):
    """Why it is not valid (EN 319 102-1, tables 5 and 6)."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    TRY_LATER = "TRY_LATER"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    GENERIC = "GENERIC"


TOTAL_FAILED: Final = frozenset(
    {
        SubIndication.FORMAT_FAILURE,
        SubIndication.HASH_FAILURE,
        SubIndication.SIG_CRYPTO_FAILURE,
        SubIndication.REVOKED,
        SubIndication.EXPIRED,
        SubIndication.NOT_YET_VALID,
    }
)
"""The sub-indications of INVALID; all others are of INDETERMINATE."""


class CheckResult(StrEnum):
    """How a check ended."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    NOT_CHECKED = "NOT_CHECKED"
    """It does not apply, or an earlier one took away what it needs, or an answer is missing."""


class CheckId(StrEnum):
    """The checks, in the order of the report."""

    FORMAT = "FORMAT"
    STRUCTURE = "STRUCTURE"
    SIGNING_CERTIFICATE = "SIGNING_CERTIFICATE"
    DOCUMENT_DIGEST = "DOCUMENT_DIGEST"
    SIGNATURE_VALUE = "SIGNATURE_VALUE"
    ALGORITHMS = "ALGORITHMS"
    COVERAGE = "COVERAGE"
    MODIFICATIONS = "MODIFICATIONS"
    CHAIN = "CHAIN"
    KEY_USAGE = "KEY_USAGE"
    IDENTITY = "IDENTITY"
    QUALIFICATION = "QUALIFICATION"
    TIMESTAMP = "TIMESTAMP"
    SIGNING_TIME = "SIGNING_TIME"
    VALIDITY = "VALIDITY"
    REVOCATION = "REVOCATION"


class Finding(StrEnum):
    """What a check found; every one has its sentence in each catalogue."""

    # The file.
    NO_SIGNATURE = "NO_SIGNATURE"
    UNKNOWN_FORMAT = "UNKNOWN_FORMAT"
    EMPTY = "EMPTY"
    UNREADABLE = "UNREADABLE"
    ENCRYPTED = "ENCRYPTED"
    TOO_DEMANDING = "TOO_DEMANDING"
    CONTENT_MISSING = "CONTENT_MISSING"
    # The signature and what it is over.
    MALFORMED = "MALFORMED"
    SEVERAL_SIGNERS = "SEVERAL_SIGNERS"
    NO_SIGNED_ATTRIBUTES = "NO_SIGNED_ATTRIBUTES"
    CERTIFICATE_MISSING = "CERTIFICATE_MISSING"
    CERTIFICATE_NOT_NAMED = "CERTIFICATE_NOT_NAMED"
    CERTIFICATE_SUBSTITUTED = "CERTIFICATE_SUBSTITUTED"
    DIGEST_DIFFERS = "DIGEST_DIFFERS"
    EMBEDDED_CONTENT_DIFFERS = "EMBEDDED_CONTENT_DIFFERS"
    VALUE_WRONG = "VALUE_WRONG"
    ALGORITHMS_CONTRADICT = "ALGORITHMS_CONTRADICT"
    ALGORITHM_UNKNOWN = "ALGORITHM_UNKNOWN"
    ALGORITHM_WEAK = "ALGORITHM_WEAK"
    KEY_WEAK = "KEY_WEAK"
    # PDF.
    COVERS_PART = "COVERS_PART"
    UNCHANGED = "UNCHANGED"
    CHANGED_PERMITTED = "CHANGED_PERMITTED"
    CHANGED_FORBIDDEN = "CHANGED_FORBIDDEN"
    # The certificate.
    NO_ROOTS = "NO_ROOTS"
    CHAIN_NOT_FOUND = "CHAIN_NOT_FOUND"
    CHAIN_SELF_MADE = "CHAIN_SELF_MADE"
    CHAIN_UNSOUND = "CHAIN_UNSOUND"
    CHAIN_WEAK = "CHAIN_WEAK"
    NOT_FOR_SIGNING = "NOT_FOR_SIGNING"
    AUTHORITY_CERTIFICATE = "AUTHORITY_CERTIFICATE"
    NO_ONE_NAMED = "NO_ONE_NAMED"
    NAMING_NOT_GIVEN = "NAMING_NOT_GIVEN"
    QUALIFIED = "QUALIFIED"
    NOT_QUALIFIED = "NOT_QUALIFIED"
    POLICIES_NOT_GIVEN = "POLICIES_NOT_GIVEN"
    # Time.
    NO_TIMESTAMP = "NO_TIMESTAMP"
    TIMESTAMP_WRONG = "TIMESTAMP_WRONG"
    TIMESTAMP_UNTRUSTED = "TIMESTAMP_UNTRUSTED"
    NO_CLAIMED_TIME = "NO_CLAIMED_TIME"
    CLAIMED_AFTER_PROOF = "CLAIMED_AFTER_PROOF"
    EXPIRED_WITHOUT_PROOF = "EXPIRED_WITHOUT_PROOF"
    SIGNED_AFTER_EXPIRY = "SIGNED_AFTER_EXPIRY"
    NOT_YET_IN_FORCE = "NOT_YET_IN_FORCE"
    # Revocation.
    REVOKED_BEFORE_SIGNING = "REVOKED_BEFORE_SIGNING"
    REVOKED_WITHOUT_PROOF = "REVOKED_WITHOUT_PROOF"
    REVOKED_SINCE = "REVOKED_SINCE"
    NO_ANSWER = "NO_ANSWER"
    ANSWER_STALE = "ANSWER_STALE"
    ANSWER_AFTER_EXPIRY = "ANSWER_AFTER_EXPIRY"
    # What comes before failed.
    NOT_REACHED = "NOT_REACHED"


_S = SubIndication
SUB_INDICATIONS: Final[Mapping[Finding, SubIndication]] = MappingProxyType(
    {
        Finding.NO_SIGNATURE: _S.SIGNED_DATA_NOT_FOUND,
        Finding.UNKNOWN_FORMAT: _S.SIGNED_DATA_NOT_FOUND,
        Finding.EMPTY: _S.SIGNED_DATA_NOT_FOUND,
        Finding.UNREADABLE: _S.SIGNED_DATA_NOT_FOUND,
        Finding.ENCRYPTED: _S.SIGNED_DATA_NOT_FOUND,
        Finding.TOO_DEMANDING: _S.GENERIC,
        Finding.CONTENT_MISSING: _S.SIGNED_DATA_NOT_FOUND,
        Finding.MALFORMED: _S.FORMAT_FAILURE,
        Finding.SEVERAL_SIGNERS: _S.FORMAT_FAILURE,
        Finding.NO_SIGNED_ATTRIBUTES: _S.SIG_CONSTRAINTS_FAILURE,
        Finding.CERTIFICATE_MISSING: _S.NO_SIGNING_CERTIFICATE_FOUND,
        Finding.CERTIFICATE_NOT_NAMED: _S.SIG_CONSTRAINTS_FAILURE,
        Finding.CERTIFICATE_SUBSTITUTED: _S.NO_SIGNING_CERTIFICATE_FOUND,
        Finding.DIGEST_DIFFERS: _S.HASH_FAILURE,
        Finding.EMBEDDED_CONTENT_DIFFERS: _S.HASH_FAILURE,
        Finding.VALUE_WRONG: _S.SIG_CRYPTO_FAILURE,
        Finding.ALGORITHMS_CONTRADICT: _S.SIG_CRYPTO_FAILURE,
        Finding.ALGORITHM_UNKNOWN: _S.CRYPTO_CONSTRAINTS_FAILURE,
        Finding.ALGORITHM_WEAK: _S.CRYPTO_CONSTRAINTS_FAILURE,
        Finding.KEY_WEAK: _S.CRYPTO_CONSTRAINTS_FAILURE,
        Finding.COVERS_PART: _S.FORMAT_FAILURE,
        Finding.CHANGED_FORBIDDEN: _S.FORMAT_FAILURE,
        Finding.NO_ROOTS: _S.NO_CERTIFICATE_CHAIN_FOUND,
        Finding.CHAIN_NOT_FOUND: _S.NO_CERTIFICATE_CHAIN_FOUND,
        Finding.CHAIN_SELF_MADE: _S.NO_CERTIFICATE_CHAIN_FOUND,
        Finding.CHAIN_UNSOUND: _S.CHAIN_CONSTRAINTS_FAILURE,
        Finding.CHAIN_WEAK: _S.CRYPTO_CONSTRAINTS_FAILURE,
        Finding.NOT_FOR_SIGNING: _S.CHAIN_CONSTRAINTS_FAILURE,
        Finding.AUTHORITY_CERTIFICATE: _S.CHAIN_CONSTRAINTS_FAILURE,
        Finding.NO_ONE_NAMED: _S.CHAIN_CONSTRAINTS_FAILURE,
        Finding.CLAIMED_AFTER_PROOF: _S.SIG_CONSTRAINTS_FAILURE,
        Finding.EXPIRED_WITHOUT_PROOF: _S.OUT_OF_BOUNDS_NO_POE,
        Finding.SIGNED_AFTER_EXPIRY: _S.EXPIRED,
        Finding.NOT_YET_IN_FORCE: _S.NOT_YET_VALID,
        Finding.REVOKED_BEFORE_SIGNING: _S.REVOKED,
        Finding.REVOKED_WITHOUT_PROOF: _S.REVOKED_NO_POE,
        Finding.NO_ANSWER: _S.TRY_LATER,
        Finding.ANSWER_STALE: _S.TRY_LATER,
        Finding.ANSWER_AFTER_EXPIRY: _S.TRY_LATER,
    }
)
"""The sub-indication that follows from a finding; findings without one are for information."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, how it ended, and what was found.

    ``facts`` fill the finding's sentence: names and values, times as ISO 8601 in UTC.
    """

    id: CheckId
    result: CheckResult
    finding: Finding | None = None
    facts: tuple[tuple[str, str], ...] = ()


class RevocationStatus(StrEnum):
    """Whether a certificate had been revoked at the time used."""

    GOOD = "GOOD"
    REVOKED = "REVOKED"
    """At the time used or before."""
    REVOKED_SINCE = "REVOKED_SINCE"
    """After the time used: what was signed before stands."""
    UNKNOWN = "UNKNOWN"
    NOT_NEEDED = "NOT_NEEDED"
    """A trusted root: whoever trusts it answers for it."""


class AnswerSource(StrEnum):
    """What kind of answer told it."""

    CRL = "CRL"
    OCSP = "OCSP"


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is known of one certificate's revocation, by which answer of which age.

    ``answer_time`` is thisUpdate, ``next_update`` the answer's own end, both UTC; ``finding`` says why it is
    unknown.
    """

    status: RevocationStatus
    source: AnswerSource | None = None
    answer_time: datetime | None = None
    next_update: datetime | None = None
    revoked_time: datetime | None = None
    reason: str = ""
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class CertificateSeen:
    """One certificate of the chain; ``trusted`` marks a root of the verifier."""

    name: str
    """What a sentence calls its bearer."""
    subject: str
    issuer: str
    serial_number: str
    not_before: datetime
    not_after: datetime
    key: str
    der: bytes = field(repr=False)
    sha256: str
    trusted: bool
    revocation: Revocation


@dataclass(frozen=True, slots=True)
class Party:
    """Who a certificate belongs to: a person's or an entity's name and number, as the naming rules read it.

    ``number_kind`` says whose numbers these are: the prefix in the certificate, such as ``PNOAM``.
    """

    name: str
    number: str = ""
    number_kind: str = ""
    organisation: str = ""
    country: str = ""
    is_entity: bool = False


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A timestamp token (RFC 3161) over the signature; it counts only if ``finding`` is None."""

    time: datetime
    authority: str
    chain: tuple[CertificateSeen, ...]
    finding: Finding | None = None


class TimeBasis(StrEnum):
    """What the time used rests on."""

    TIMESTAMP = "TIMESTAMP"
    """A trusted timestamp: the signature existed then."""
    VERIFICATION = "VERIFICATION"
    """Nothing proves an earlier time than that of the verification."""


class SignatureKind(StrEnum):
    """What kind of signature it is."""

    CMS = "CMS"
    PDF = "PDF"
    DOCUMENT_TIMESTAMP = "DOCUMENT_TIMESTAMP"


@dataclass(frozen=True, slots=True)
class PdfPart:
    """How a signature stands in its PDF: its field, the revision it signs, from 1, of how many."""

    field: str
    revision: int
    revisions: int
    covers_whole_file: bool
    changes: str
    """What was changed after it: NONE, LTA_UPDATES, FORM_FILLING, ANNOTATIONS or OTHER."""


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """What was found of one signature. ``number`` counts from 1, in the order of the file."""

    number: int
    kind: SignatureKind
    verdict: Verdict
    sub_indication: SubIndication | None
    signer: Party | None
    claimed_time: datetime | None
    used_time: datetime
    time_basis: TimeBasis
    timestamps: tuple[Timestamp, ...]
    digest_algorithm: str
    signature_algorithm: str
    chain: tuple[CertificateSeen, ...]
    trust_policy: str
    """The name of the trust policy whose root the chain ends at; empty where it ends at none."""
    certificate_policy: str
    """What qualifies the certificate under it; empty if nothing does."""
    pdf: PdfPart | None
    checks: tuple[Check, ...]


class FileFormat(StrEnum):
    """What was verified."""

    PDF = "PDF"
    CMS_DETACHED = "CMS_DETACHED"
    CMS_ATTACHED = "CMS_ATTACHED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report. Valid only if there is a signature and all of them are valid."""

    format: FileFormat
    verdict: Verdict
    sub_indication: SubIndication | None
    verified_time: datetime
    document_sha256: str
    document_bytes: int
    checks: tuple[Check, ...]
    signatures: tuple[SignatureReport, ...]


def concluded(checks: tuple[Check, ...]) -> SubIndication | None:
    """Returns the sub-indication that the checks come to: one of INVALID before others, else the first."""
    found = [
        SUB_INDICATIONS[check.finding]
        for check in checks
        if check.finding is not None
        and check.result is not CheckResult.PASSED
        and check.finding in SUB_INDICATIONS
    ]
    failures = [each for each in found if each in TOTAL_FAILED]
    if failures or found:
        return (failures or found)[0]
    if any(check.result is CheckResult.FAILED for check in checks):
        return SubIndication.GENERIC
    return None


def verdict_of(sub_indication: SubIndication | None) -> Verdict:
    """Returns the verdict that a sub-indication belongs to; none is VALID's."""
    if sub_indication is None:
        return Verdict.VALID
    return Verdict.INVALID if sub_indication in TOTAL_FAILED else Verdict.INDETERMINATE
