"""A seal that is in a file's bytes counts, whatever an update makes of the file's structure."""

import re
from collections.abc import Callable

import pytest

from namak.client.signers import FileSigner
from namak.client.signing import sign_pdf
from namak.delivery_certificate.additions.whole import hides_seal
from namak.delivery_certificate.verify import VerifiedCertificate
from namak.evidence.report import Outcome, Verdict
from server.gateways.certificate_pages.renderer import CertificateRenderer
from tests.delivery_certificates import MADE, certificate_of
from tests.unit.delivery_certificates.conftest import Told
from tests.unit.delivery_certificates.sealing import objects_of, stamped, with_update
from tests.unit.delivery_certificates.test_additions import seal_of, verify
from tests.unit.evidence_documents.pki import Authority

HIDDEN = "the seal does not hold: the file was altered so that its seal is hidden"
_CARD = Authority.root("Somebody else").authority("Somebody's authority").card()
SOMEBODY = FileSigner(_CARD.key, _CARD.der, tuple(_CARD.chain))


def number_of(pdf: bytes, mark: bytes) -> int:
    """Returns which object has that among its members."""
    return next(number for number, content in objects_of(pdf).items() if mark in content)


def skipped(pdf: bytes) -> bytes:
    """An update of what was there before the seal."""
    first = re.search(rb"startxref\s+([0-9]+)", pdf)
    assert first is not None
    return with_update(pdf, {}, previous=int(first[1]))


def without_form(pdf: bytes) -> bytes:
    root = number_of(pdf, b"/AcroForm")
    return with_update(pdf, {root: re.sub(rb"/AcroForm [0-9]+ 0 R", b"", objects_of(pdf)[root])})


def without_field(pdf: bytes) -> bytes:
    form = number_of(pdf, b"/SigFlags")
    return with_update(pdf, {form: b"<< /Fields [ ] /SigFlags 3 >>"})


def without_value(pdf: bytes) -> bytes:
    field = number_of(pdf, b"/FT /Sig")
    return with_update(pdf, {field: re.sub(rb"/V [0-9]+ 0 R", b"", objects_of(pdf)[field])})


def without_end(pdf: bytes) -> bytes:
    """As if it had never been a revision of its own."""
    end = pdf.rindex(b"%%EOF")
    return skipped(pdf).replace(pdf[end:], b"%%end" + pdf[end + 5 :], 1)


WAYS = [skipped, without_form, without_field, without_value, without_end]


def is_told(found: VerifiedCertificate) -> bool:
    return seal_of(found) == (Outcome.FAILED, HIDDEN) and found.verdict is Verdict.INVALID


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_seal_to_which_nothing_leads_any_more_is_told(
    told: Told, sealed: bytes, kept: bytes, way: Callable[[bytes], bytes]
) -> None:
    for pdf in (sealed, kept):
        found = verify(told, way(pdf))
        assert is_told(found)
        assert found.is_altered
        assert found.proofs.verdict is Verdict.VALID


def test_a_seal_is_not_hidden_by_one_of_somebody_else(told: Told, sealed: bytes) -> None:
    for pdf in (sign_pdf(skipped(sealed), SOMEBODY, at=MADE), stamped(without_field(sealed))):
        assert is_told(verify(told, pdf))


def test_what_merely_reads_like_a_seal_hides_none(told: Told) -> None:
    subject = "/ByteRange [0 100 200 300] /Type /Sig startxref %%EOF"
    with CertificateRenderer() as renderer:
        plain = renderer.render(certificate_of(told.story, [told.story.acceptance], subject=subject))
    assert b"/ByteRange [0 100" in plain
    assert not hides_seal(plain)
    assert not hides_seal(sign_pdf(plain, SOMEBODY, at=MADE))
