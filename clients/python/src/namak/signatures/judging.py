"""From what was read of one signature to its report: the order of the checks, and the time that they are for.

The time used is that of the earliest timestamp that counts, else the time of the verification: what a signer
claims proves nothing in its favour. Against it, it does: a signature that itself claims to be from after the
certificate's end or revocation is invalid.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from namak.evidence.certificate import UNREADABLE, is_ca
from namak.evidence.failures import CertificateError
from namak.signatures.algorithms import digest
from namak.signatures.chain import Chain, Links, find_chain
from namak.signatures.cms_reading import Cms, CmsSigner
from namak.signatures.integrity import Digests, failed, integrity_checks, judged, passed, unmade
from namak.signatures.parties import party_of, short_name
from namak.signatures.report import (
    CertificateSeen,
    Check,
    CheckId,
    CheckResult,
    Finding,
    Party,
    PdfPart,
    RevocationStatus,
    SignatureKind,
    SignatureReport,
    SubIndication,
    TimeBasis,
    Timestamp,
    concluded,
    verdict_of,
)
from namak.signatures.statuses import chain_seen
from namak.signatures.timestamps import check_timestamp
from namak.signatures.trust import NOTHING, RevocationMaterial, Trust, TrustPolicy

CLOCK_DIFFERENCE: Final = timedelta(minutes=5)
"""A signer's clock may be ahead of a timestamping authority's by so much."""

_REQUIRED: Final = (
    CheckId.STRUCTURE,
    CheckId.SIGNING_CERTIFICATE,
    CheckId.DOCUMENT_DIGEST,
    CheckId.SIGNATURE_VALUE,
    CheckId.ALGORITHMS,
    CheckId.CHAIN,
    CheckId.KEY_USAGE,
    CheckId.VALIDITY,
    CheckId.REVOCATION,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """One signature to be judged.

    Attributes:
        content: digests of what it should be over; None where there is nothing to compare.
        claimed_time: what the signer says, wherever it says so.
        before: checks that were made while reading, which come first.
        material: what of revocation the file carries.
        links: what is known of who issued whose certificate, one for all signatures of a file.
        proofs: document timestamps that cover it.
    """

    number: int
    kind: SignatureKind
    cms: Cms
    signer: CmsSigner
    content: Digests | None
    claimed_time: datetime | None
    links: Links
    before: tuple[Check, ...] = ()
    pdf: PdfPart | None = None
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    material: RevocationMaterial = NOTHING
    proofs: tuple[Timestamp, ...] = ()


@dataclass(frozen=True, slots=True)
class _Times:
    used: datetime
    basis: TimeBasis
    claimed: datetime | None


def judge(subject: Subject, trust: Trust, now: datetime) -> SignatureReport:
    """Returns the report of one signature."""
    material = trust.revocation + subject.material + subject.cms.revocation
    stamps = _timestamps(subject, trust, material, now)
    good = [stamp.time for stamp in stamps if stamp.finding is None]
    times = _Times(
        min(good, default=now), TimeBasis.TIMESTAMP if good else TimeBasis.VERIFICATION, subject.claimed_time
    )
    chain = _chain(subject, trust)
    policy = None if chain is None or chain.root is None else trust.policy_of(chain.root)
    shown = () if chain is None else chain_seen(chain, material, used=times.used, now=now)
    party = (
        None if chain is None else party_of(chain.certificates[0], () if policy is None else policy.namings)
    )
    qualified = _qualified(chain, policy)
    checks = (
        *subject.before,
        *_integrity(subject, policy),
        *_about_certificate(chain, policy, party, qualified),
        _timestamp(stamps),
        _signing_time(times),
        _validity(chain, times),
        _revocation(chain, shown, times),
    )
    sub_indication = _concluded(subject.kind, checks)
    return SignatureReport(
        number=subject.number,
        kind=subject.kind,
        verdict=verdict_of(sub_indication),
        sub_indication=sub_indication,
        signer=None if party is None else party[0],
        claimed_time=subject.claimed_time,
        used_time=times.used,
        time_basis=times.basis,
        timestamps=stamps,
        digest_algorithm=subject.signer.algorithms.digest,
        signature_algorithm=subject.signer.algorithms.signature,
        chain=shown,
        trust_policy="" if policy is None else policy.name,
        certificate_policy=qualified or "",
        pdf=subject.pdf,
        checks=checks,
    )


def _integrity(subject: Subject, policy: TrustPolicy | None) -> tuple[Check, ...]:
    must = policy is None or policy.requires_certificate_reference
    made = integrity_checks(subject.signer, subject.content, content_type="data", must_name_certificate=must)
    known = {check.id for check in subject.before}
    return tuple(check for check in made if check.id not in known)


def _concluded(kind: SignatureKind, checks: tuple[Check, ...]) -> SubIndication | None:
    """Returns what the checks come to; valid is only what passed every check that it must pass."""
    if (found := concluded(checks)) is not None:
        return found
    passed_ones = {check.id for check in checks if check.result is CheckResult.PASSED}
    of_pdf = (CheckId.COVERAGE, CheckId.MODIFICATIONS) if kind is SignatureKind.PDF else ()
    return None if passed_ones.issuperset((*_REQUIRED, *of_pdf)) else SubIndication.GENERIC


def _chain(subject: Subject, trust: Trust) -> Chain | None:
    if subject.signer.certificate is None:
        return None
    others = (*subject.cms.certificates, *subject.certificates, *trust.certificates)
    try:
        return find_chain(subject.signer.certificate, others, trust.roots, subject.links)
    except (CertificateError, *UNREADABLE):
        return None


def _timestamps(
    subject: Subject, trust: Trust, material: RevocationMaterial, now: datetime
) -> tuple[Timestamp, ...]:
    def over_value(algorithm: str) -> bytes:
        return digest(algorithm, subject.signer.value)

    others = (*subject.cms.certificates, *subject.certificates)
    found = [
        check_timestamp(token, over_value, trust, others, material, now, subject.links)
        for token in subject.signer.timestamps
    ]
    return (*(stamp for stamp in found if stamp is not None), *subject.proofs)


def _about_certificate(
    chain: Chain | None, policy: TrustPolicy | None, party: tuple[Party, bool] | None, qualified: str | None
) -> tuple[Check, ...]:
    if chain is None or party is None:
        return tuple(
            unmade(check)
            for check in (CheckId.CHAIN, CheckId.KEY_USAGE, CheckId.IDENTITY, CheckId.QUALIFICATION)
        )
    finding = chain.finding
    top = short_name(chain.certificates[-1].subject)
    return (
        unmade(CheckId.CHAIN, finding, certificate=top)
        if finding in (Finding.NO_ROOTS, Finding.CHAIN_WEAK)
        else judged(CheckId.CHAIN, finding, certificate=top),
        judged(CheckId.KEY_USAGE, _usage(chain.certificates[0])),
        _identity(policy, party),
        _qualification(policy, qualified),
    )


def _usage(certificate: x509.Certificate) -> Finding | None:
    if is_ca(certificate):
        return Finding.AUTHORITY_CERTIFICATE
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return Finding.NOT_FOR_SIGNING
    return None if usage.content_commitment else Finding.NOT_FOR_SIGNING


def _identity(policy: TrustPolicy | None, party: tuple[Party, bool]) -> Check:
    if policy is None:
        return unmade(CheckId.IDENTITY)
    if not policy.namings:
        return unmade(CheckId.IDENTITY, Finding.NAMING_NOT_GIVEN)
    return judged(CheckId.IDENTITY, None if party[1] else Finding.NO_ONE_NAMED, policy=policy.name)


def _qualified(chain: Chain | None, policy: TrustPolicy | None) -> str | None:
    """Returns the certificate policy that qualifies the signer's certificate, None if none does."""
    if chain is None or policy is None:
        return None
    try:
        stated = chain.certificates[0].extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return None
    oids = [each.policy_identifier.dotted_string for each in stated]
    return next(
        (f"{policy.certificate_policies[oid]} ({oid})" for oid in oids if oid in policy.certificate_policies),
        None,
    )


def _qualification(policy: TrustPolicy | None, qualified: str | None) -> Check:
    if policy is None:
        return unmade(CheckId.QUALIFICATION)
    if not policy.certificate_policies:
        return unmade(CheckId.QUALIFICATION, Finding.POLICIES_NOT_GIVEN)
    if qualified is None:
        return unmade(CheckId.QUALIFICATION, Finding.NOT_QUALIFIED, policy=policy.name)
    return passed(CheckId.QUALIFICATION, Finding.QUALIFIED, policy=qualified)


def _timestamp(stamps: Sequence[Timestamp]) -> Check:
    good = [stamp for stamp in stamps if stamp.finding is None]
    if good:
        return passed(CheckId.TIMESTAMP)
    if not stamps:
        return unmade(CheckId.TIMESTAMP, Finding.NO_TIMESTAMP)
    finding = stamps[0].finding
    assert finding is not None
    return failed(CheckId.TIMESTAMP, finding, time=stamps[0].time.isoformat(), authority=stamps[0].authority)


def _signing_time(times: _Times) -> Check:
    if times.claimed is None:
        return unmade(CheckId.SIGNING_TIME, Finding.NO_CLAIMED_TIME)
    if times.claimed > times.used + CLOCK_DIFFERENCE:
        return failed(
            CheckId.SIGNING_TIME,
            Finding.CLAIMED_AFTER_PROOF,
            claimed=times.claimed.isoformat(),
            time=times.used.isoformat(),
        )
    return passed(CheckId.SIGNING_TIME)


def _validity(chain: Chain | None, times: _Times) -> Check:
    if chain is None or chain.root is None:
        return unmade(CheckId.VALIDITY)
    facts = {
        "begins": chain.begins.isoformat(),
        "ends": chain.ends.isoformat(),
        "time": times.used.isoformat(),
    }
    if chain.begins <= times.used <= chain.ends:
        return passed(CheckId.VALIDITY)
    if times.used < chain.begins:
        return failed(CheckId.VALIDITY, Finding.NOT_YET_IN_FORCE, **facts)
    if times.claimed is not None and times.claimed > chain.ends:
        facts["time"] = times.claimed.isoformat()
        return failed(CheckId.VALIDITY, Finding.SIGNED_AFTER_EXPIRY, **facts)
    return failed(CheckId.VALIDITY, Finding.EXPIRED_WITHOUT_PROOF, **facts)


def _revocation(chain: Chain | None, shown: Sequence[CertificateSeen], times: _Times) -> Check:
    if chain is None or chain.root is None:
        return unmade(CheckId.REVOCATION)
    for status in (RevocationStatus.REVOKED, RevocationStatus.UNKNOWN, RevocationStatus.REVOKED_SINCE):
        found = next((each for each in shown if each.revocation.status is status), None)
        if found is not None:
            return _concerned(found, times)
    return passed(CheckId.REVOCATION)


def _concerned(certificate: CertificateSeen, times: _Times) -> Check:
    revocation = certificate.revocation
    facts = {"certificate": certificate.name}
    if revocation.answer_time is not None:
        facts["answer"] = revocation.answer_time.isoformat()
    if revocation.revoked_time is None:
        return unmade(CheckId.REVOCATION, revocation.finding or Finding.NO_ANSWER, **facts)
    facts["revoked"] = revocation.revoked_time.isoformat()
    if revocation.status is RevocationStatus.REVOKED_SINCE:
        return passed(CheckId.REVOCATION, Finding.REVOKED_SINCE, **facts)
    # The signer itself says that it signed when the certificate did not count any more.
    admitted = times.claimed is not None and times.claimed >= revocation.revoked_time
    finding = Finding.REVOKED_BEFORE_SIGNING if admitted else Finding.REVOKED_WITHOUT_PROOF
    return failed(CheckId.REVOCATION, finding, **facts)
