"""Signatures verified by the post (SignatureService); :mod:`namak.signatures` verifies offline."""

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp as TimestampMessage

from namak.client.link import Link
from namak.client.times import time_message
from namak.signatures.report import (
    AnswerSource,
    CertificateSeen,
    Check,
    CheckId,
    CheckResult,
    FileFormat,
    Finding,
    Party,
    PdfPart,
    Report,
    Revocation,
    RevocationStatus,
    SignatureKind,
    SignatureReport,
    SubIndication,
    TimeBasis,
    Timestamp,
    Verdict,
)
from namak.v1 import signature_pb2 as pb
from namak.v1 import signature_pb2_grpc

_E = TypeVar("_E", bound=StrEnum)


class Signatures:
    """The calls of those who want to know what is to be thought of a signature."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def verify(
        self,
        document: bytes,
        signature: bytes = b"",
        *,
        language: str = "",
        at: datetime | None = None,
    ) -> pb.SignatureVerification:
        """Returns the post's report on a document with its detached signature, or on a file that holds its
        own.

        ``language`` is that of the words: hy, ru, en, kk or az. Raises InvalidFields for files that are too
        large, Overloaded while too many others wait.
        """
        request = pb.VerifySignatureRequest(
            document=document,
            signature=signature,
            language=language,
            judged_time=time_message(at),
        )
        stub = signature_pb2_grpc.SignatureServiceStub(self._link.channel())
        reply: pb.VerifySignatureResponse = await self._link.unary(stub.VerifySignature, request)
        return reply.verification


def report_of(message: pb.SignatureVerification) -> Report:
    """Returns the report that the post gave as the values of :mod:`namak.signatures.report`.

    Raises ValueError for constants that this version does not know: a newer post may have found something
    that can only be shown as it says it.
    """
    return Report(
        format=_constant(FileFormat, pb.SignatureVerification.Format.Name(message.format), "FORMAT_"),
        verdict=_verdict(message.verdict),
        sub_indication=_sub_indication(message.sub_indication),
        verified_time=_time(message.judged_time),
        document_sha256=message.document_sha256.hex(),
        document_bytes=message.document_size_bytes,
        checks=tuple(_check(each) for each in message.checks),
        signatures=tuple(_signature(each) for each in message.signatures),
    )


def _signature(message: pb.VerifiedSignature) -> SignatureReport:
    kinds = pb.VerifiedSignature
    return SignatureReport(
        number=message.number,
        kind=_constant(SignatureKind, kinds.Kind.Name(message.kind), "KIND_"),
        verdict=_verdict(message.verdict),
        sub_indication=_sub_indication(message.sub_indication),
        signer=_party(message.signer) if message.HasField("signer") else None,
        claimed_time=_time(message.claimed_time) if message.HasField("claimed_time") else None,
        used_time=_time(message.used_time),
        time_basis=_constant(TimeBasis, kinds.TimeBasis.Name(message.time_basis), "TIME_BASIS_"),
        timestamps=tuple(_timestamp(each) for each in message.timestamps),
        digest_algorithm=message.digest_algorithm,
        signature_algorithm=message.signature_algorithm,
        chain=tuple(_certificate(each) for each in message.chain),
        trust_policy=message.trust_policy,
        certificate_policy=message.certificate_policy,
        pdf=_pdf(message.pdf) if message.HasField("pdf") else None,
        checks=tuple(_check(each) for each in message.checks),
    )


def _check(message: pb.SignatureCheck) -> Check:
    return Check(
        CheckId(message.id),
        _constant(CheckResult, pb.SignatureCheck.Result.Name(message.result), "RESULT_"),
        _finding(message.finding),
        tuple((fact.name, fact.value) for fact in message.facts),
    )


def _party(message: pb.SignatureParty) -> Party:
    return Party(
        name=message.name,
        number=message.number,
        number_kind=message.number_kind,
        organisation=message.organisation,
        country=message.country,
        is_entity=message.is_entity,
    )


def _timestamp(message: pb.SignatureTimestamp) -> Timestamp:
    chain = tuple(_certificate(each) for each in message.chain)
    return Timestamp(_time(message.time), message.authority, chain, _finding(message.finding))


def _certificate(message: pb.ChainCertificate) -> CertificateSeen:
    return CertificateSeen(
        name=message.name,
        subject=message.subject,
        issuer=message.issuer,
        serial_number=message.serial_number,
        not_before=_time(message.not_before_time),
        not_after=_time(message.not_after_time),
        key=message.key,
        der=message.certificate,
        sha256=hashlib.sha256(message.certificate).hexdigest(),
        trusted=message.trusted,
        revocation=_revocation(message.revocation),
    )


def _revocation(message: pb.CertificateRevocation) -> Revocation:
    return Revocation(
        _constant(RevocationStatus, pb.CertificateRevocation.Status.Name(message.status), "STATUS_"),
        _constant(AnswerSource, pb.CertificateRevocation.Source.Name(message.source), "SOURCE_")
        if message.source
        else None,
        _time(message.answer_time) if message.HasField("answer_time") else None,
        _time(message.next_update_time) if message.HasField("next_update_time") else None,
        _time(message.revoked_time) if message.HasField("revoked_time") else None,
        message.reason,
        _finding(message.finding),
    )


def _pdf(message: pb.PdfSignaturePlace) -> PdfPart:
    return PdfPart(
        message.field,
        message.revision,
        message.revision_count,
        message.covers_whole_file,
        pb.PdfSignaturePlace.Changes.Name(message.changes).removeprefix("CHANGES_"),
    )


def _constant(kind: type[_E], name: str, prefix: str) -> _E:
    return kind(name.removeprefix(prefix))


def _verdict(value: pb.SignatureVerdict.ValueType) -> Verdict:
    return _constant(Verdict, pb.SignatureVerdict.Name(value), "SIGNATURE_VERDICT_")


def _sub_indication(text: str) -> SubIndication | None:
    return SubIndication(text) if text else None


def _finding(text: str) -> Finding | None:
    return Finding(text) if text else None


def _time(message: TimestampMessage) -> datetime:
    return message.ToDatetime(UTC)
