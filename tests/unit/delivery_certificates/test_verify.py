"""Verifying certificates that somebody changed: every change is found, told in words, and in bounded work."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.embed import EmbeddedFileObject, FileSpec, embed_file
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import copy_into_new_writer

from namak.client.signers import FileSigner
from namak.client.signing import sign_pdf
from namak.delivery_certificate.reading import MAX_BYTES
from namak.delivery_certificate.verify import VerifiedCertificate, verify_certificate
from namak.evidence.report import Outcome, Verdict
from server.gateways.certificate_pages.renderer import CertificateRenderer
from server.usecases.certificate_ports import Certificate
from tests.delivery_certificates import MADE, certificate_from, certificate_of
from tests.unit.delivery_certificates.conftest import Told
from tests.unit.evidence_documents.pki import Authority
from tests.unit.evidence_documents.world import Story

ROOT = Authority.root("Seal root")
_CARD = ROOT.authority("Seal authority").card()
SEAL = FileSigner(_CARD.key, _CARD.der, tuple(_CARD.chain))
NOW = MADE + timedelta(days=1)


@pytest.fixture(scope="module")
def renderer() -> Iterator[CertificateRenderer]:
    with CertificateRenderer() as renderer:
        yield renderer


@pytest.fixture(scope="module")
def certificate(told: Told) -> Certificate:
    return certificate_of(told.story, told.facts, language="en")


@pytest.fixture(scope="module")
def plain(certificate: Certificate, renderer: CertificateRenderer) -> bytes:
    """A certificate without a seal."""
    return renderer.render(certificate)


@pytest.fixture(scope="module")
def sealed(plain: bytes) -> bytes:
    return seal(plain)


def seal(pdf: bytes) -> bytes:
    return sign_pdf(pdf, SEAL, at=MADE)


def verify(told: Told, pdf: bytes, roots: Sequence[bytes] = (ROOT.der,)) -> VerifiedCertificate:
    return verify_certificate("c.pdf", pdf, told.story.world.trust(), roots, NOW)


def words(found: VerifiedCertificate) -> Mapping[str, str]:
    return {check.name: check.words for check in found.file.checks}


def failed(found: VerifiedCertificate) -> set[str]:
    return {check.name for check in found.file.checks if check.outcome is Outcome.FAILED}


def copied(pdf: bytes) -> Any:
    """Returns a writer of the same document, as whoever has the tools can make one."""
    return copy_into_new_writer(IncrementalPdfFileWriter(io.BytesIO(pdf)).prev)


def written(made: Any) -> bytes:
    output = io.BytesIO()
    made.write(output)
    return output.getvalue()


def attached(pdf: bytes, files: Mapping[str, bytes]) -> bytes:
    """Writes a certificate's pages anew with other attachments, as whoever has the tools can."""
    made = copied(pdf)
    del made.root["/Names"]
    del made.root["/AF"]
    for name, data in files.items():
        embedded = EmbeddedFileObject.from_file_data(made, data=data, mime_type="text/plain")
        embed_file(made, FileSpec(file_spec_string=name, file_name=name, embedded_data=embedded))
    return written(made)


def files_of(certificate: Certificate) -> dict[str, bytes]:
    return {"certificate.json": certificate.statement.encode(), **certificate.proofs}


def test_as_it_was_made_it_is_valid_and_everything_is_told(told: Told, sealed: bytes) -> None:
    found = verify(told, sealed)

    assert found.verdict is Verdict.VALID
    assert failed(found) == set()
    assert len(found.proofs.files) == 5
    assert found.file.proves == (
        "The recipient of message 0192f0c3-0000-7000-8000-000000000001 from notices@src.am to "
        "5001950015@e-citizen.am is properly notified since 2026-11-21T20:15:00.123456Z by rule POST-2."
    )


def test_without_a_seal_and_by_an_unknown_one_it_holds_and_that_is_told(
    told: Told, plain: bytes, sealed: bytes
) -> None:
    bare, unknown = verify(told, plain), verify(told, sealed, roots=())

    assert (bare.verdict, unknown.verdict) == (Verdict.VALID, Verdict.VALID)
    assert words(bare)["seal"] == "the file has no seal; the proofs hold without one"
    assert words(unknown)["seal"].startswith("sealed by SARGSYAN,ANI, whom you did not name as trusted")


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.9])
def test_a_byte_that_is_changed_after_the_seal_breaks_it(told: Told, sealed: bytes, place: float) -> None:
    end = sealed.index(b"/ByteRange")
    at = int(end * place)
    changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]

    found = verify(told, changed)
    assert found.verdict is Verdict.INVALID
    assert failed(found)


def test_what_is_put_over_a_page_after_the_seal_is_found(told: Told, sealed: bytes) -> None:
    writer: Any = IncrementalPdfFileWriter(io.BytesIO(sealed))
    page = writer.find_page_for_modification(0)[0].get_object()
    dictionary: Any = generic.DictionaryObject
    note = dictionary(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/FreeText"),
            generic.pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (50, 50, 300, 300))),
            generic.pdf_name("/Contents"): generic.pdf_string("He was never notified"),
        }
    )
    page["/Annots"].append(writer.add_object(note))
    writer.update_container(page["/Annots"])
    changed = written(writer)

    found = verify(told, changed)
    assert {"seal", "page"} & failed(found)
    assert found.verdict is Verdict.INVALID
    assert found.proofs.verdict is Verdict.VALID


def test_a_page_that_says_more_than_the_proofs_is_found_without_any_seal(
    told: Told, certificate: Certificate, renderer: CertificateRenderer
) -> None:
    # Set by the right software, with another subject on the page than in the statement.
    other = replace(certificate.statement, subject="Everything is forgiven")
    forged = renderer.render(Certificate(other, certificate.proofs))
    swapped = attached(forged, files_of(certificate))

    found = verify(told, swapped)
    assert failed(found) == {"page"}
    assert words(found)["page"] == "the page says something else than the proofs"


def test_a_statement_that_says_otherwise_than_the_proofs_is_found(
    told: Told, certificate: Certificate, renderer: CertificateRenderer
) -> None:
    forged = renderer.render(
        Certificate(replace(certificate.statement, subject="Everything is forgiven"), certificate.proofs)
    )

    assert failed(verify(told, forged)) == {"statement"}


def test_attachments_of_another_delivery_are_found(
    told: Told, certificate: Certificate, plain: bytes
) -> None:
    other = replace(told.story.consignment.document, delivery_id=UUID(int=0x0192F0C3_0000_7000_8000 << 48))
    foreign = dict(certificate.proofs)
    foreign["02-ContentConsignment.tlog-proof"] = told.story.world.receipt(told.story.world.record(other))

    found = verify(told, attached(plain, {"certificate.json": certificate.statement.encode(), **foreign}))
    assert "delivery" in failed(found)
    assert words(found)["delivery"] == (
        "the proofs do not tell of one delivery: the proofs are of different deliveries"
    )


def test_a_proof_that_was_taken_away_is_found(told: Told, certificate: Certificate, plain: bytes) -> None:
    files = files_of(certificate)
    del files["03-ContentAccessTracking.tlog-proof"]

    assert {"statement", "page"} <= failed(verify(told, attached(plain, files)))


def test_a_log_that_nobody_trusts_proves_nothing(told: Told, renderer: CertificateRenderer) -> None:
    story = Story()
    certificate = certificate_of(story, [story.acceptance, story.consignment])

    found = verify(told, seal(renderer.render(certificate)))
    assert failed(found) == {"proofs"}
    assert found.file.proves == "Proves nothing: failed on proofs."


Changes = Callable[[dict[str, bytes]], object]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda files: files.clear(), "no attachments"),
        (lambda files: files.pop("certificate.json"), "no attachment certificate.json"),
        (lambda files: [files.pop(name) for name in list(files) if name != "certificate.json"], "no proofs"),
        (lambda files: files.update({f"{n}-x.tlog-proof": b"x" for n in range(300)}), "more than 257"),
    ],
)
def test_a_file_that_is_no_certificate_is_told_so(
    told: Told, certificate: Certificate, plain: bytes, change: Changes, problem: str
) -> None:
    files = files_of(certificate)
    change(files)

    found = verify(told, attached(plain, files))
    assert failed(found) == {"file"}
    assert problem in words(found)["file"]


def test_two_attachments_of_one_name_are_refused(told: Told, certificate: Certificate, plain: bytes) -> None:
    made = copied(plain)
    names = made.root["/Names"]["/EmbeddedFiles"]["/Names"]
    names[2], names[3] = names[0], names[1]
    changed = written(made)

    assert "the same name" in words(verify(told, changed))["file"]


def test_an_encrypted_file_is_refused(told: Told, plain: bytes) -> None:
    made = copied(plain)
    made.encrypt("owner", "")
    changed = written(made)

    assert "encrypted" in words(verify(told, changed))["file"]


@pytest.mark.parametrize(
    "data",
    [b"", b"%PDF-1.7\n", b"%PDF-" + bytes(1_000_000), b"%PDF-1.7\n" + b"(" * 500_000, bytes(MAX_BYTES + 1)],
)
def test_rubbish_is_told_as_such(told: Told, data: bytes) -> None:
    assert failed(verify(told, data)) == {"file"}


def test_an_attachment_that_unpacks_to_a_great_deal_is_refused(
    told: Told, certificate: Certificate, plain: bytes
) -> None:
    made = copied(plain)
    del made.root["/Names"]
    for name, data in {**files_of(certificate), "06-Bomb.tlog-proof": bytes(40_000_000)}.items():
        embedded = EmbeddedFileObject.from_file_data(made, data=data, mime_type="text/plain", compress=True)
        embed_file(made, FileSpec(file_spec_string=name, file_name=name, embedded_data=embedded))
    changed = written(made)
    assert len(changed) < 1_000_000

    assert words(verify(told, changed))["file"].endswith("unpacks to more than a certificate holds")


def test_words_of_a_later_version_count_only_under_a_seal_that_is_trusted(
    told: Told, certificate: Certificate, plain: bytes
) -> None:
    later = replace(certificate.statement, wording=2)
    files = {**files_of(certificate), "certificate.json": later.encode()}
    pdf = attached(plain, files)

    assert failed(verify(told, pdf)) == {"page"}
    trusted = verify(told, seal(pdf))
    assert failed(trusted) == set()
    assert words(trusted)["page"].startswith("the page could not be compared")


def test_receipts_of_one_certificate_in_another_order_are_still_one_story(
    told: Told, renderer: CertificateRenderer
) -> None:
    receipts = [told.story.world.receipt(fact) for fact in told.facts]

    assert verify(told, renderer.render(certificate_from(receipts[::-1]))).verdict is Verdict.VALID
