"""Whether a signature fits what it is said to be over: its form, its certificate, the digest, the value."""

import hmac
from collections.abc import Callable

from namak.evidence.certificate import UNREADABLE, load_certificate
from namak.evidence.failures import CertificateError
from namak.signatures.algorithms import HASHES, check_value, judge_digest, judge_key
from namak.signatures.cms_reading import CmsSigner
from namak.signatures.report import Check, CheckId, CheckResult, Finding

Digests = Callable[[str], bytes]
"""Gives the digest of the signed content by an algorithm's name."""


def passed(check: CheckId, finding: Finding | None = None, **facts: str) -> Check:
    """Returns a check that passed."""
    return Check(check, CheckResult.PASSED, finding, tuple(facts.items()))


def failed(check: CheckId, finding: Finding, **facts: str) -> Check:
    """Returns a check that failed."""
    return Check(check, CheckResult.FAILED, finding, tuple(facts.items()))


def unmade(check: CheckId, finding: Finding = Finding.NOT_REACHED, **facts: str) -> Check:
    """Returns a check that was not made."""
    return Check(check, CheckResult.NOT_CHECKED, finding, tuple(facts.items()))


def judged(check: CheckId, finding: Finding | None, **facts: str) -> Check:
    """Returns a check that passed if nothing was found."""
    return passed(check) if finding is None else failed(check, finding, **facts)


def integrity_checks(
    signer: CmsSigner, content: Digests | None, *, content_type: str, must_name_certificate: bool = True
) -> tuple[Check, ...]:
    """Checks one signer of a CMS over content; None where there is no content to compare."""
    return (
        _structure(signer, content_type),
        _certificate(signer, must_name_certificate),
        _digest(signer, content),
        _value(signer),
        _algorithms(signer),
    )


def _structure(signer: CmsSigner, content_type: str) -> Check:
    problem = signer.problem
    if problem is None and signer.content_type != content_type:
        problem = Finding.MALFORMED
    return judged(CheckId.STRUCTURE, problem)


def _certificate(signer: CmsSigner, must_name: bool) -> Check:
    if signer.reference is Finding.CERTIFICATE_NOT_NAMED and not must_name:
        return passed(CheckId.SIGNING_CERTIFICATE, Finding.CERTIFICATE_NOT_NAMED)
    return judged(CheckId.SIGNING_CERTIFICATE, signer.reference, algorithm="SHA-1")


def _digest(signer: CmsSigner, content: Digests | None) -> Check:
    algorithm = signer.algorithms.digest
    if content is None:
        return failed(CheckId.DOCUMENT_DIGEST, Finding.CONTENT_MISSING)
    if algorithm not in HASHES or not signer.message_digest:
        return unmade(CheckId.DOCUMENT_DIGEST)
    same = hmac.compare_digest(content(algorithm), signer.message_digest)
    return judged(CheckId.DOCUMENT_DIGEST, None if same else Finding.DIGEST_DIFFERS)


def _value(signer: CmsSigner) -> Check:
    if signer.certificate is None or signer.attributes is None:
        return unmade(CheckId.SIGNATURE_VALUE)
    try:
        key = load_certificate(signer.certificate).public_key()
    except (CertificateError, *UNREADABLE):
        return failed(
            CheckId.SIGNATURE_VALUE, Finding.ALGORITHM_UNKNOWN, algorithm=signer.algorithms.signature
        )
    finding = check_value(key, signer.algorithms, signer.attributes, signer.value)
    return judged(CheckId.SIGNATURE_VALUE, finding, algorithm=signer.algorithms.signature)


def _algorithms(signer: CmsSigner) -> Check:
    if finding := judge_digest(signer.algorithms.digest):
        return failed(CheckId.ALGORITHMS, finding, algorithm=signer.algorithms.digest)
    if signer.certificate is None:
        return unmade(CheckId.ALGORITHMS)
    try:
        finding = judge_key(load_certificate(signer.certificate).public_key())
    except (CertificateError, *UNREADABLE):
        finding = Finding.ALGORITHM_UNKNOWN
    return judged(CheckId.ALGORITHMS, finding, algorithm=signer.algorithms.signature)
