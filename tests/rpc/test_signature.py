"""SignatureService over the wire: reports for anybody, in the language asked for, within limits."""

from datetime import timedelta

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from namak.client.signing import sign_cms, sign_pdf
from namak.signatures.trust import RevocationMaterial
from namak.v1 import signature_pb2 as pb
from namak.v1 import signature_pb2_grpc
from server.domain import limits
from tests.rpc.edge import Edge, bad_request
from tests.signing import files
from tests.signing.authority import NOW, person
from tests.signing.world import DOCUMENT, SIGNED, World


@pytest.fixture(scope="module")
def signers() -> World:
    return World()


@pytest.fixture
def stub(edge: Edge, signers: World) -> signature_pb2_grpc.SignatureServiceStub:
    edge.desks.signature_trust.trust = signers.trust(crls=())
    edge.desks.signature_trust.material = RevocationMaterial(signers.crls())
    return signature_pb2_grpc.SignatureServiceStub(edge.channel(edge.world.stranger))


async def asked(
    stub: signature_pb2_grpc.SignatureServiceStub, request: pb.VerifySignatureRequest
) -> pb.SignatureVerification:
    response: pb.VerifySignatureResponse = await stub.VerifySignature(request, timeout=60)
    return response.verification


async def test_a_stranger_learns_who_signed_when_and_whether_it_counts(
    stub: signature_pb2_grpc.SignatureServiceStub, signers: World
) -> None:
    stamp = signers.authority_of_time(SIGNED)
    signed = sign_pdf(files.pdf(), signers.aram.signer, at=SIGNED, timestamps=stamp)

    found = await asked(stub, pb.VerifySignatureRequest(document=signed, language="en"))

    assert found.verdict == pb.SIGNATURE_VERDICT_VALID
    assert found.words.startswith("VALID.")
    assert found.format == pb.SignatureVerification.FORMAT_PDF
    assert found.document_size_bytes == len(signed)
    (signature,) = found.signatures
    assert (signature.signer.name, signature.signer.number) == ("Արամ Պետրոսյան", "5001950015")
    assert signature.used_time.ToDatetime(SIGNED.tzinfo) == SIGNED
    assert signature.time_basis == pb.VerifiedSignature.TIME_BASIS_TIMESTAMP
    assert signature.pdf.covers_whole_file
    assert [each.trusted for each in signature.chain] == [False, False, False, True]
    assert signature.chain[0].certificate == signers.aram.der
    assert signature.chain[0].revocation.status == pb.CertificateRevocation.STATUS_GOOD
    assert signature.chain[0].revocation.source == pb.CertificateRevocation.SOURCE_CRL
    assert {check.id for check in signature.checks} >= {"DOCUMENT_DIGEST", "CHAIN", "REVOCATION", "COVERAGE"}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("", "ԱՆՎԱՎԵՐ"),
        ("ru", "НЕДЕЙСТВИТЕЛЬНА"),
        ("kk", "ЖАРАМСЫЗ"),
        ("az", "ETİBARSIZDIR"),
        ("en", "INVALID"),
    ],
)
async def test_the_report_speaks_the_language_asked_for(
    stub: signature_pb2_grpc.SignatureServiceStub, signers: World, language: str, words: str
) -> None:
    cms = sign_cms(DOCUMENT, signers.aram.signer, at=SIGNED)
    request = pb.VerifySignatureRequest(document=DOCUMENT + b"x", signature=cms, language=language)

    found = await asked(stub, request)

    assert (found.verdict, found.sub_indication) == (pb.SIGNATURE_VERDICT_INVALID, "HASH_FAILURE")
    assert found.words.startswith(words)
    (digest,) = (check for check in found.signatures[0].checks if check.id == "DOCUMENT_DIGEST")
    assert (digest.result, digest.finding) == (pb.SignatureCheck.RESULT_FAILED, "DIGEST_DIFFERS")


async def test_a_file_without_a_signature_is_no_error(
    stub: signature_pb2_grpc.SignatureServiceStub,
) -> None:
    found = await asked(stub, pb.VerifySignatureRequest(document=b"just text"))

    assert found.verdict == pb.SIGNATURE_VERDICT_INDETERMINATE
    assert [check.finding for check in found.checks] == ["UNKNOWN_FORMAT"]


async def test_every_wrong_field_is_told(stub: signature_pb2_grpc.SignatureServiceStub) -> None:
    request = pb.VerifySignatureRequest(language="fr", judged_time=Timestamp(nanos=-1))

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await asked(stub, request)

    violations = {each.field: each.reason for each in bad_request(refused.value).field_violations}
    assert violations == {
        "document": "EMPTY",
        "language": "LANGUAGE_UNKNOWN",
        "judged_time": "TIME_MALFORMED",
    }


@pytest.mark.parametrize(
    ("document", "signature", "field"),
    [(limits.SIGNATURE_BYTES + 1, 0, "document"), (limits.SIGNATURE_BYTES, 1, "signature")],
)
async def test_what_is_too_large_is_refused(
    stub: signature_pb2_grpc.SignatureServiceStub, document: int, signature: int, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await asked(stub, pb.VerifySignatureRequest(document=bytes(document), signature=bytes(signature)))

    assert [each.field for each in bad_request(refused.value).field_violations] == [field]


async def test_a_time_in_the_future_is_refused(stub: signature_pb2_grpc.SignatureServiceStub) -> None:
    future = Timestamp()
    future.FromDatetime(NOW + timedelta(days=1))

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await asked(stub, pb.VerifySignatureRequest(document=b"x", judged_time=future))

    assert [each.reason for each in bad_request(refused.value).field_violations] == ["TIME_IN_FUTURE"]


async def test_names_made_to_deceive_a_terminal_come_out_harmless(
    stub: signature_pb2_grpc.SignatureServiceStub, signers: World
) -> None:
    holder = signers.issuing.issue(person(name="Արամ \x1b[31m\u202eՊետրոսյան"))
    cms = sign_cms(DOCUMENT, holder.signer, at=SIGNED)

    found = await asked(stub, pb.VerifySignatureRequest(document=DOCUMENT, signature=cms))

    assert found.signatures[0].signer.name == "Արամ \ufffd[31m\ufffdՊետրոսյան"
