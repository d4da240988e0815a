"""Reports on signatures, in and out of the contract's messages."""

from typing import Final

from namak.signatures.report import (
    AnswerSource,
    CertificateSeen,
    Check,
    CheckResult,
    FileFormat,
    Party,
    PdfPart,
    Report,
    Revocation,
    RevocationStatus,
    SignatureKind,
    SignatureReport,
    TimeBasis,
    Timestamp,
    Verdict,
)
from namak.signatures.words import CHECKS, LANGUAGES, Words, verdict_text
from namak.v1 import signature_pb2 as pb
from server.domain import limits
from server.domain.caller import Caller
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.signature_verification import VerifySignature

_VERDICTS: Final = {
    Verdict.VALID: pb.SIGNATURE_VERDICT_VALID,
    Verdict.INVALID: pb.SIGNATURE_VERDICT_INVALID,
    Verdict.INDETERMINATE: pb.SIGNATURE_VERDICT_INDETERMINATE,
}
_FORMATS: Final = {
    FileFormat.PDF: pb.SignatureVerification.FORMAT_PDF,
    FileFormat.CMS_DETACHED: pb.SignatureVerification.FORMAT_CMS_DETACHED,
    FileFormat.CMS_ATTACHED: pb.SignatureVerification.FORMAT_CMS_ATTACHED,
    FileFormat.UNKNOWN: pb.SignatureVerification.FORMAT_UNKNOWN,
}
_RESULTS: Final = {
    CheckResult.PASSED: pb.SignatureCheck.RESULT_PASSED,
    CheckResult.FAILED: pb.SignatureCheck.RESULT_FAILED,
    CheckResult.NOT_CHECKED: pb.SignatureCheck.RESULT_NOT_CHECKED,
}
_KINDS: Final = {
    SignatureKind.CMS: pb.VerifiedSignature.KIND_CMS,
    SignatureKind.PDF: pb.VerifiedSignature.KIND_PDF,
    SignatureKind.DOCUMENT_TIMESTAMP: pb.VerifiedSignature.KIND_DOCUMENT_TIMESTAMP,
}
_BASES: Final = {
    TimeBasis.TIMESTAMP: pb.VerifiedSignature.TIME_BASIS_TIMESTAMP,
    TimeBasis.VERIFICATION: pb.VerifiedSignature.TIME_BASIS_VERIFICATION,
}
_SOURCES: Final = {
    None: pb.CertificateRevocation.SOURCE_UNSPECIFIED,
    AnswerSource.CRL: pb.CertificateRevocation.SOURCE_CRL,
    AnswerSource.OCSP: pb.CertificateRevocation.SOURCE_OCSP,
}
_CHANGES: Final = {
    "NONE": pb.PdfSignaturePlace.CHANGES_NONE,
    "LTA_UPDATES": pb.PdfSignaturePlace.CHANGES_LTA_UPDATES,
    "FORM_FILLING": pb.PdfSignaturePlace.CHANGES_FORM_FILLING,
    "ANNOTATIONS": pb.PdfSignaturePlace.CHANGES_ANNOTATIONS,
    "OTHER": pb.PdfSignaturePlace.CHANGES_OTHER,
}
_STATUSES: Final = {
    RevocationStatus.GOOD: pb.CertificateRevocation.STATUS_GOOD,
    RevocationStatus.REVOKED: pb.CertificateRevocation.STATUS_REVOKED,
    RevocationStatus.REVOKED_SINCE: pb.CertificateRevocation.STATUS_REVOKED_SINCE,
    RevocationStatus.UNKNOWN: pb.CertificateRevocation.STATUS_UNKNOWN,
    RevocationStatus.NOT_NEEDED: pb.CertificateRevocation.STATUS_NOT_NEEDED,
}


def verify_signature_from_proto(request: pb.VerifySignatureRequest, by: Caller) -> VerifySignature:
    """Reads the request. Raises InvalidFields."""
    problems = Problems()
    document = problems.octets("document", request.document, limits.SIGNATURE_BYTES)
    left = limits.SIGNATURE_BYTES - len(document)
    if 0 <= left < len(request.signature):
        problems.octets("signature", request.signature, left)
    if request.language and request.language not in LANGUAGES:
        problems.add("language", "LANGUAGE_UNKNOWN", f"must be one of {', '.join(LANGUAGES)}")
    at = problems.optional_time("judged_time", request)
    problems.raise_if_any()
    return VerifySignature(by, document, request.signature or None, at)


def report_to_proto(report: Report, language: str) -> pb.SignatureVerification:
    """Writes a report, with its words in the language."""
    words = Words(language)
    return pb.SignatureVerification(
        format=_FORMATS[report.format],
        verdict=_VERDICTS[report.verdict],
        sub_indication=report.sub_indication or "",
        words=words(verdict_text(report)),
        judged_time=time_to_proto(report.verified_time),
        document_sha256=bytes.fromhex(report.document_sha256),
        document_size_bytes=report.document_bytes,
        checks=[_check(check, words) for check in report.checks],
        signatures=[_signature(signature, words) for signature in report.signatures],
    )


def _check(check: Check, words: Words) -> pb.SignatureCheck:
    return pb.SignatureCheck(
        id=check.id,
        result=_RESULTS[check.result],
        finding=check.finding or "",
        title=words(CHECKS[check.id]),
        words=words.check(check),
        facts=[pb.SignatureFact(name=name, value=value) for name, value in check.facts],
    )


def _signature(signature: SignatureReport, words: Words) -> pb.VerifiedSignature:
    return pb.VerifiedSignature(
        number=signature.number,
        kind=_KINDS[signature.kind],
        verdict=_VERDICTS[signature.verdict],
        sub_indication=signature.sub_indication or "",
        signer=None if signature.signer is None else _party(signature.signer),
        claimed_time=time_to_proto(signature.claimed_time),
        used_time=time_to_proto(signature.used_time),
        time_basis=_BASES[signature.time_basis],
        timestamps=[_timestamp(stamp) for stamp in signature.timestamps],
        digest_algorithm=signature.digest_algorithm,
        signature_algorithm=signature.signature_algorithm,
        chain=[_certificate(certificate) for certificate in signature.chain],
        trust_policy=signature.trust_policy,
        certificate_policy=signature.certificate_policy,
        pdf=None if signature.pdf is None else _pdf(signature.pdf),
        checks=[_check(check, words) for check in signature.checks],
    )


def _party(party: Party) -> pb.SignatureParty:
    return pb.SignatureParty(
        name=party.name,
        number=party.number,
        number_kind=party.number_kind,
        organisation=party.organisation,
        country=party.country,
        is_entity=party.is_entity,
    )


def _timestamp(stamp: Timestamp) -> pb.SignatureTimestamp:
    return pb.SignatureTimestamp(
        time=time_to_proto(stamp.time),
        authority=stamp.authority,
        finding=stamp.finding or "",
        chain=[_certificate(certificate) for certificate in stamp.chain],
    )


def _certificate(certificate: CertificateSeen) -> pb.ChainCertificate:
    return pb.ChainCertificate(
        name=certificate.name,
        subject=certificate.subject,
        issuer=certificate.issuer,
        serial_number=certificate.serial_number,
        not_before_time=time_to_proto(certificate.not_before),
        not_after_time=time_to_proto(certificate.not_after),
        key=certificate.key,
        certificate=certificate.der,
        trusted=certificate.trusted,
        revocation=_revocation(certificate.revocation),
    )


def _revocation(revocation: Revocation) -> pb.CertificateRevocation:
    return pb.CertificateRevocation(
        status=_STATUSES[revocation.status],
        source=_SOURCES[revocation.source],
        answer_time=time_to_proto(revocation.answer_time),
        next_update_time=time_to_proto(revocation.next_update),
        revoked_time=time_to_proto(revocation.revoked_time),
        reason=revocation.reason,
        finding=revocation.finding or "",
    )


def _pdf(part: PdfPart) -> pb.PdfSignaturePlace:
    return pb.PdfSignaturePlace(
        field=part.field,
        revision=part.revision,
        revision_count=part.revisions,
        covers_whole_file=part.covers_whole_file,
        changes=_CHANGES[part.changes],
    )
