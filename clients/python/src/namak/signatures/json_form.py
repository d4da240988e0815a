"""A report for programs: JSON whose names and constants are those of the report's values.

Times are ISO 8601 in UTC, certificates base64 of their DER; absent values are null. ``words`` are for people,
in the language asked for.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime

from namak.signatures.report import (
    CertificateSeen,
    Check,
    Party,
    PdfPart,
    Report,
    Revocation,
    SignatureReport,
    Timestamp,
)
from namak.signatures.words import CHECKS, Words, verdict_text

Json = Mapping[str, object]


def report_document(report: Report, language: str) -> Json:
    """Returns the report as what ``json.dumps`` takes."""
    words = Words(language)
    return {
        "format": report.format,
        "verdict": report.verdict,
        "sub_indication": report.sub_indication,
        "words": words(verdict_text(report)),
        "verified_time": _time(report.verified_time),
        "document": {"sha256": report.document_sha256, "bytes": report.document_bytes},
        "checks": [_check(check, words) for check in report.checks],
        "signatures": [_signature(signature, words) for signature in report.signatures],
    }


def _signature(signature: SignatureReport, words: Words) -> Json:
    return {
        "number": signature.number,
        "kind": signature.kind,
        "verdict": signature.verdict,
        "sub_indication": signature.sub_indication,
        "signer": None if signature.signer is None else _party(signature.signer),
        "claimed_time": _time(signature.claimed_time),
        "used_time": _time(signature.used_time),
        "time_basis": signature.time_basis,
        "timestamps": [_timestamp(stamp) for stamp in signature.timestamps],
        "digest_algorithm": signature.digest_algorithm,
        "signature_algorithm": signature.signature_algorithm,
        "trust_policy": signature.trust_policy,
        "certificate_policy": signature.certificate_policy,
        "pdf": None if signature.pdf is None else _pdf(signature.pdf),
        "chain": [_certificate(certificate) for certificate in signature.chain],
        "checks": [_check(check, words) for check in signature.checks],
    }


def _check(check: Check, words: Words) -> Json:
    return {
        "id": check.id,
        "result": check.result,
        "finding": check.finding,
        "facts": dict(check.facts),
        "title": words(CHECKS[check.id]),
        "words": words.check(check),
    }


def _party(party: Party) -> Json:
    return {
        "name": party.name,
        "number": party.number,
        "number_kind": party.number_kind,
        "organisation": party.organisation,
        "country": party.country,
        "is_entity": party.is_entity,
    }


def _timestamp(stamp: Timestamp) -> Json:
    return {
        "time": _time(stamp.time),
        "authority": stamp.authority,
        "finding": stamp.finding,
        "chain": [_certificate(certificate) for certificate in stamp.chain],
    }


def _pdf(part: PdfPart) -> Json:
    return {
        "field": part.field,
        "revision": part.revision,
        "revisions": part.revisions,
        "covers_whole_file": part.covers_whole_file,
        "changes": part.changes,
    }


def _certificate(certificate: CertificateSeen) -> Json:
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial_number": certificate.serial_number,
        "not_before": _time(certificate.not_before),
        "not_after": _time(certificate.not_after),
        "key": certificate.key,
        "sha256": certificate.sha256,
        "der": base64.b64encode(certificate.der).decode(),
        "trusted": certificate.trusted,
        "revocation": _revocation(certificate.revocation),
    }


def _revocation(revocation: Revocation) -> Json:
    return {
        "status": revocation.status,
        "source": revocation.source,
        "answer_time": _time(revocation.answer_time),
        "next_update": _time(revocation.next_update),
        "revoked_time": _time(revocation.revoked_time),
        "reason": revocation.reason,
        "finding": revocation.finding,
    }


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat()
