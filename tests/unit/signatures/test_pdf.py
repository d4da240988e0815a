"""Signed PDFs: what may come after a signature, what may not, and files made to deceive or to exhaust."""

import io
from datetime import timedelta
from typing import Any

import pyhanko.sign.signers.pdf_byterange
import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup

from namak.client.signing import PdfNotSignable, sign_cms, sign_pdf
from namak.signatures.report import (
    CheckId,
    CheckResult,
    FileFormat,
    Finding,
    SignatureKind,
    SubIndication,
    TimeBasis,
    Verdict,
)
from tests.signing import files
from tests.signing.authority import DAY, NOW
from tests.signing.stamping import StampingAuthority
from tests.signing.world import SIGNED, World, found, judged, only

generic = files.generic
DocumentTimestamp: Any = pyhanko.sign.signers.pdf_byterange.DocumentTimestamp


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def signed(world: World) -> bytes:
    return sign_pdf(files.pdf(form=True), world.aram.signer, at=SIGNED)


def stamped(data: bytes, authority: StampingAuthority) -> bytes:
    """Returns the PDF with a document timestamp over all of it."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    spec = SigFieldSpec(sig_field_name="Stamp", on_page=0)
    embedding: Any = PdfCMSEmbedder(new_field_spec=spec).write_cms(field_name="Stamp", writer=writer)
    next(embedding)
    embedding.send(SigObjSetup(sig_placeholder=DocumentTimestamp(bytes_reserved=16384)))
    prepared, output = embedding.send(SigIOSetup(md_algorithm="sha256"))
    embedding.send(authority.token(prepared.document_digest, "sha256"))
    whole: bytes = output.getvalue()
    return whole


def test_a_signed_pdf_is_valid_and_says_where_the_signature_stands(world: World, signed: bytes) -> None:
    report = judged(signed, None, world.trust())

    assert (report.format, report.verdict, report.sub_indication) == (FileFormat.PDF, Verdict.VALID, None)
    signature = only(report)
    assert signature.kind is SignatureKind.PDF
    assert signature.claimed_time == SIGNED
    assert signature.signer is not None
    assert signature.signer.number == "5001950015"
    assert signature.pdf is not None
    assert (signature.pdf.field, signature.pdf.revision, signature.pdf.revisions) == ("Signature1", 2, 2)
    assert signature.pdf.covers_whole_file
    assert found(report, CheckId.MODIFICATIONS) == (CheckResult.PASSED, Finding.UNCHANGED)


def test_a_form_that_was_filled_in_afterwards_stays_valid(world: World, signed: bytes) -> None:
    report = judged(files.changed(signed, files.fill_in), None, world.trust())

    assert report.verdict is Verdict.VALID
    assert found(report, CheckId.MODIFICATIONS) == (CheckResult.PASSED, Finding.CHANGED_PERMITTED)
    part = only(report).pdf
    assert part is not None
    assert (part.changes, part.revisions, part.covers_whole_file) == ("FORM_FILLING", 3, False)


@pytest.mark.parametrize(
    "change",
    [
        files.replace_page_content,
        files.replace_content_object,
        files.replace_font,
        files.add_page,
        files.add_annotation,
    ],
)
def test_what_shows_another_document_is_invalid(world: World, signed: bytes, change: files.Change) -> None:
    report = judged(files.changed(signed, change), None, world.trust())

    assert (report.verdict, report.sub_indication) == (Verdict.INVALID, SubIndication.FORMAT_FAILURE)
    assert found(report, CheckId.MODIFICATIONS) == (CheckResult.FAILED, Finding.CHANGED_FORBIDDEN)
    # What was signed is still there, unchanged, below the update.
    assert found(report, CheckId.DOCUMENT_DIGEST) == (CheckResult.PASSED, None)


def test_a_byte_changed_in_what_is_signed_is_invalid(world: World, signed: bytes) -> None:
    report = judged(signed.replace(b"granted", b"refused"), None, world.trust())

    assert (report.verdict, report.sub_indication) == (Verdict.INVALID, SubIndication.HASH_FAILURE)


def test_two_persons_sign_one_after_the_other(world: World, signed: bytes) -> None:
    twice = sign_pdf(signed, world.signer().signer, at=SIGNED + timedelta(minutes=1))

    report = judged(twice, None, world.trust())

    assert report.verdict is Verdict.VALID
    assert [(each.number, each.pdf and each.pdf.field) for each in report.signatures] == [
        (1, "Signature1"),
        (2, "Signature2"),
    ]


def test_one_signature_of_two_that_is_not_trusted_makes_the_whole_indeterminate(
    world: World, signed: bytes
) -> None:
    twice = sign_pdf(signed, World().aram.signer, at=SIGNED)

    report = judged(twice, None, world.trust())

    assert [each.verdict for each in report.signatures] == [Verdict.VALID, Verdict.INDETERMINATE]
    assert (report.verdict, report.sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    )


def test_a_document_timestamp_proves_the_time_of_the_signature_before_it(world: World) -> None:
    signed = sign_pdf(files.pdf(), world.aram.signer, at=NOW - 9 * DAY)
    kept = stamped(signed, world.authority_of_time(NOW - 8 * DAY))
    root, policy, _, stamps = world.crls()
    lists = (root, policy, stamps, world.issuing.crl([(world.aram, NOW - 3 * DAY)]))

    report = judged(kept, None, world.trust(crls=lists))

    assert report.verdict is Verdict.VALID
    first, stamp = report.signatures
    assert (first.used_time, first.time_basis) == (NOW - 8 * DAY, TimeBasis.TIMESTAMP)
    assert (stamp.kind, stamp.verdict) == (SignatureKind.DOCUMENT_TIMESTAMP, Verdict.VALID)


def test_a_timestamp_in_the_signature_counts(world: World) -> None:
    stamp = world.authority_of_time(NOW - 8 * DAY)
    signed = sign_pdf(files.pdf(), world.aram.signer, at=NOW - 8 * DAY, timestamps=stamp)

    report = judged(signed, None, world.trust())

    assert (report.verdict, only(report).used_time) == (Verdict.VALID, NOW - 8 * DAY)


def test_a_pdf_without_a_signature_says_so(world: World) -> None:
    report = judged(files.pdf(), None, world.trust())

    assert (report.verdict, report.sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.SIGNED_DATA_NOT_FOUND,
    )
    assert report.checks[0].finding is Finding.NO_SIGNATURE


def test_a_timestamp_alone_is_nobodys_signature(world: World) -> None:
    report = judged(stamped(files.pdf(), world.authority_of_time(SIGNED)), None, world.trust())

    assert report.checks[0].finding is Finding.NO_SIGNATURE
    assert report.verdict is Verdict.INDETERMINATE


@pytest.mark.parametrize(
    ("data", "finding"),
    [
        (files.encrypted(), Finding.ENCRYPTED),
        (b"%PDF-1.7\nnothing of the kind", Finding.UNREADABLE),
        (files.pdf()[:-200], Finding.UNREADABLE),
        (files.deflate_bomb(), Finding.TOO_DEMANDING),
        (files.nested_bomb(), Finding.TOO_DEMANDING),
        (files.deeply_nested(), Finding.TOO_DEMANDING),
    ],
    ids=["encrypted", "no structure", "cut off", "bomb", "bomb in a bomb", "nested"],
)
def test_a_file_that_cannot_be_judged_says_why(world: World, data: bytes, finding: Finding) -> None:
    report = judged(data, None, world.trust())

    assert (report.format, report.verdict) == (FileFormat.PDF, Verdict.INDETERMINATE)
    assert report.checks[0].finding is finding
    assert report.signatures == ()


def test_bytes_hidden_behind_the_value_are_found(world: World, signed: bytes) -> None:
    begin = signed.rindex(b"/Contents <") + len(b"/Contents <")
    end = signed.index(b">", begin)
    hidden = signed[: end - 8] + b"cafebabe" + signed[end:]

    report = judged(hidden, None, world.trust())

    assert (report.verdict, report.sub_indication) == (Verdict.INVALID, SubIndication.FORMAT_FAILURE)
    assert found(report, CheckId.STRUCTURE) == (CheckResult.FAILED, Finding.MALFORMED)


def test_a_signature_over_a_part_of_the_file_is_invalid(world: World, signed: bytes) -> None:
    # The range ends before the end of its revision: what follows could be anything.
    begin = signed.rindex(b"/ByteRange")
    numbers = signed[signed.index(b"[", begin) + 1 : signed.index(b"]", begin)].split()
    shorter = b"%d" % (int(numbers[3]) - 30)
    changed = signed[:begin] + signed[begin:].replace(numbers[3], shorter.ljust(len(numbers[3])), 1)

    report = judged(changed, None, world.trust())

    assert report.verdict is Verdict.INVALID
    assert found(report, CheckId.COVERAGE) == (CheckResult.FAILED, Finding.COVERS_PART)


def test_a_detached_signature_over_a_pdf_is_over_the_whole_file(world: World) -> None:
    document = files.pdf()
    cms = sign_cms(document, world.aram.signer, at=SIGNED)

    assert judged(document, cms, world.trust()).verdict is Verdict.VALID
    assert judged(files.changed(document, files.add_page), cms, world.trust()).verdict is Verdict.INVALID


def test_revocation_answers_in_the_security_store_count(world: World, signed: bytes) -> None:
    def keep(writer: Any) -> None:
        lists = [writer.add_object(generic.StreamObject(stream_data=each)) for each in world.crls()]
        store = generic.DictionaryObject({generic.pdf_name("/CRLs"): generic.ArrayObject(lists)})
        writer.root["/DSS"] = writer.add_object(store)
        writer.update_root()

    report = judged(files.changed(signed, keep), None, world.trust(crls=()))

    assert report.verdict is Verdict.VALID
    assert only(report).pdf is not None
    assert only(report).pdf.changes == "LTA_UPDATES"  # type: ignore[union-attr]


@pytest.mark.parametrize("data", [b"", b"no PDF", files.encrypted()], ids=["empty", "text", "encrypted"])
def test_what_is_no_readable_pdf_is_not_signed(world: World, data: bytes) -> None:
    with pytest.raises(PdfNotSignable):
        sign_pdf(data, world.aram.signer)
