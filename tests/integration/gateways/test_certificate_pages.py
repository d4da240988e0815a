"""Certificates as the setter makes them: PDF/A-3b by all that can be looked at here, whole, and readable."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pypdfium2 as pdfium
import pytest
import zxingcpp
from pyhanko.pdf_utils.reader import PdfFileReader

from namak.delivery_certificate.reading import read_certificate
from namak.delivery_certificate.statement import Audience, Statement
from namak.evidence.document import Sender, subject_part
from namak.signatures.pdf_building import prepare_pdf
from server.gateways.certificate_pages.renderer import CertificateRenderer
from server.usecases.certificate_ports import Certificate
from tests.delivery_certificates import MADE, SUBJECT, certificate_from, certificate_of, many_facts
from tests.unit.delivery_certificates.conftest import Told
from tests.unit.delivery_certificates.conftest import told as told
from tests.unit.evidence_documents.documents import LETTER
from tests.unit.evidence_documents.world import Key, Log, Story

OTHER = UUID(int=0x0192F0C9_0000_7000_8000_000000000000)
LONG_NAME = "Հայաստանի Հանրապետության պետական եկամուտների կոմիտեի փաստաթղթաշրջանառության բաժին " * 5
LONG_SUBJECT = ("Հարկային մարմնի որոշում ակտի մասին Қазақстан Əliyev «ё» " * 5)[:250]


@pytest.fixture(scope="module")
def renderer() -> Iterator[CertificateRenderer]:
    with CertificateRenderer() as renderer:
        yield renderer


def pages_and_expected(pdf: bytes, certificate: Certificate) -> tuple[list[str], str, str]:
    """Returns the text of each page, what all of them together should be, and what stands at their feet."""
    read = read_certificate(pdf)
    statement = Statement.parse(read.statement)
    page = certificate.written(certificate.account(), statement.unprintable)[2]
    assert read.problem == ""
    return [joined(text) for text in read.pages or ()], joined("".join(page.strings())), joined(page.foot)


def joined(text: str) -> str:
    return re.sub(r"[\s\u200b]+", "", text)


@pytest.mark.parametrize("language", ["hy", "ru", "en"])
def test_the_pages_say_exactly_what_they_should(
    told: Told, renderer: CertificateRenderer, language: str
) -> None:
    certificate = certificate_of(told.story, told.facts, language=language, site="e-citizen.am/verify")
    pages, expected, foot = pages_and_expected(renderer.render(certificate), certificate)

    assert len(pages) == 1
    assert pages[0] == f"{expected}{foot}1/1"


@pytest.mark.parametrize("language", ["hy", "ru", "en"])
@pytest.mark.parametrize("joint", ["/", "", "-"])
def test_a_log_of_a_long_name_stays_on_the_paper(
    told: Told, renderer: CertificateRenderer, language: str, joint: str
) -> None:
    log = Log(Key(f"log.{joint.join(['elektronayin-tsanutsumner'] * 8)}.e-citizen.am/2026"))
    for fact in told.facts:
        log.append(fact)
    receipts = [log.proof(fact.data, number).encode() for number, fact in enumerate(told.facts)]
    certificate = certificate_from(receipts, language=language)
    pdf = renderer.render(certificate)
    pages, expected, foot = pages_and_expected(pdf, certificate)

    feet = [f"{foot}{number}/{len(pages)}" for number, _ in enumerate(pages, 1)]
    assert "".join(text.removesuffix(each) for text, each in zip(pages, feet, strict=True)) == expected
    for lines in lines_of(pdf):
        assert max(right for _, _, right, _ in lines) < 595 - 50


def test_thirty_facts_under_long_names_flow_over_the_pages(renderer: CertificateRenderer) -> None:
    story = Story()
    sender = Sender("notices@src.am", "01234567", (LONG_NAME + "W" * 90)[:500])
    facts = many_facts(story, 30, subject=LONG_SUBJECT, sender=sender)
    certificate = certificate_of(story, facts, language="hy", subject=LONG_SUBJECT, audience=Audience.HOLDER)
    pdf = renderer.render(certificate)
    pages, expected, foot = pages_and_expected(pdf, certificate)

    assert len(pages) == 3
    feet = [f"{foot}{number}/3" for number in (1, 2, 3)]
    assert "".join(text.removesuffix(each) for text, each in zip(pages, feet, strict=True)) == expected
    # Nothing leaves the paper, and no line of text stands on another.
    for lines in lines_of(pdf):
        for left, bottom, right, top in lines:
            assert left > 50
            assert right < 595 - 50
            assert bottom > 30
            assert top < 842 - 40


def test_names_of_many_files_can_be_searched_on_the_pages(renderer: CertificateRenderer) -> None:
    story = Story()
    names = [f"Решение_суда_по_делу_о_взыскании_налоговой_задолженности_{n}.pdf" for n in range(19)]
    names.append("Ձ" * 200)
    parts = [replace(LETTER, identifier=str(n), file_name=name) for n, name in enumerate(names, 1)]
    document = replace(story.consignment.document, parts=(subject_part(SUBJECT), *parts), evidence_id=OTHER)
    pdf = renderer.render(certificate_of(story, [story.world.record(document)], language="hy"))
    pages = read_certificate(pdf).pages or ()

    assert len(pages) == 2
    assert all(name in "".join(pages) for name in names)
    assert "\u200b" not in "".join(pages)
    for lines in lines_of(pdf):
        assert max(right for _, _, right, _ in lines) < 595 - 50


def lines_of(pdf: bytes) -> Iterator[list[tuple[float, float, float, float]]]:
    """Yields the rectangles of each page's texts, as PDFium finds them."""
    document = pdfium.PdfDocument(pdf)
    for number in range(len(document)):
        page = document[number].get_textpage()
        yield [page.get_rect(index) for index in range(page.count_rects())]
    document.close()


def test_no_line_stands_on_another(told: Told, renderer: CertificateRenderer) -> None:
    [rectangles] = lines_of(renderer.render(certificate_of(told.story, told.facts, language="hy")))

    for place, (left, bottom, right, top) in enumerate(rectangles):
        for other_left, other_bottom, other_right, other_top in rectangles[place + 1 :]:
            wide = min(right, other_right) - max(left, other_left)
            high = min(top, other_top) - max(bottom, other_bottom)
            # Letters that go below their line may touch the next one's.
            assert wide < 1 or high < 2


def test_what_no_font_has_and_what_turns_the_text_around_is_told_by_numbers(
    renderer: CertificateRenderer,
) -> None:
    story = Story()
    subject = "Ակտ 😀 \u202eabc 汉"
    facts = many_facts(story, 2, subject=subject)
    certificate = certificate_of(story, facts, subject=subject)
    pdf = renderer.render(certificate)

    assert Statement.parse(read_certificate(pdf).statement).unprintable == "\u202e汉😀"
    pages, expected, foot = pages_and_expected(pdf, certificate)
    assert "⟨U+1F600⟩" in pages[0]
    assert pages[0].startswith(expected[:200])
    assert foot in pages[0]


@pytest.fixture(scope="module")
def reader(told: Told, renderer: CertificateRenderer) -> PdfFileReader:
    """A certificate with room for its seal."""
    pdf = renderer.render(certificate_of(told.story, told.facts, language="hy"))
    return PdfFileReader(io.BytesIO(prepare_pdf(pdf, algorithm="sha256", at=MADE).data), strict=True)


def test_it_says_of_itself_that_it_is_a_pdf_a_3b(reader: PdfFileReader) -> None:
    metadata = reader.root["/Metadata"].data.decode()

    assert re.search(r"pdfaid:part>3<|pdfaid:part=\"3\"", metadata)
    assert re.search(r"pdfaid:conformance>B<|pdfaid:conformance=\"B\"", metadata)
    assert "Առաքման վկայագիր 0192f0c3-0000-7000-8000-000000000001" in metadata
    assert reader.root["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"
    assert "/ID" in reader.trailer
    assert str(reader.root["/Lang"]) == "hy"


def test_the_document_information_is_that_of_the_metadata(reader: PdfFileReader) -> None:
    information, metadata = reader.trailer["/Info"], reader.root["/Metadata"].data.decode()

    assert str(information["/Title"]) in metadata
    assert str(information["/CreationDate"]) == "D:20261130091500Z"
    assert metadata.count("2026-11-30T09:15:00Z") >= 2


def test_every_font_is_embedded_and_says_what_its_signs_mean(reader: PdfFileReader) -> None:
    fonts = reader.root["/Pages"]["/Kids"][0]["/Resources"]["/Font"]

    assert len(fonts) >= 3
    for name in fonts:
        font: Any = fonts[name]
        assert font["/DescendantFonts"][0]["/FontDescriptor"]["/FontFile2"].data
        assert font["/ToUnicode"].data


def test_every_attachment_is_an_associated_file_with_relationship_type_and_date(
    reader: PdfFileReader,
) -> None:
    names = reader.root["/Names"]["/EmbeddedFiles"]["/Names"]

    attached = {str(names[place]): names[place + 1] for place in range(0, len(names), 2)}
    assert list(attached) == [
        "01-SubmissionAcceptance.tlog-proof",
        "02-ContentConsignment.tlog-proof",
        "03-ContentAccessTracking.tlog-proof",
        "04-ReadingConfirmed.tlog-proof",
        "05-NotificationEffected.tlog-proof",
        "certificate.json",
    ]
    associated = [str(file.get_object()["/UF"]) for file in reader.root["/AF"]]
    assert sorted(associated) == sorted(attached)
    for name, file in attached.items():
        assert file["/AFRelationship"] == "/Data"
        stream = file["/EF"]["/F"]
        assert stream["/Subtype"] == ("/application/json" if name.endswith(".json") else "/text/plain")
        assert stream["/Params"]["/ModDate"] == "D:20261130091500Z"


def test_the_place_of_the_seal_shows_nowhere(reader: PdfFileReader) -> None:
    [field] = reader.root["/Pages"]["/Kids"][0]["/Annots"]

    widget = field.get_object()
    assert list(widget["/Rect"]) == [0, 0, 0, 0]
    # To be printed, and neither hidden nor without view (ISO 19005-3, 6.3.2).
    assert int(widget["/F"]) & 0b100
    assert not int(widget["/F"]) & 0b100011


def test_the_code_can_be_read_from_the_page(told: Told, renderer: CertificateRenderer) -> None:
    certificate = certificate_of(told.story, told.facts)
    document = pdfium.PdfDocument(renderer.render(certificate))
    picture = document[0].render(scale=3, grayscale=True)
    [code] = zxingcpp.read_barcodes(_grey(picture))
    document.close()

    assert code.text == certificate.written(certificate.account())[2].code


def _grey(picture: Any) -> Any:
    """Returns the picture as a buffer of rows, as the reader of codes takes it."""
    return memoryview(bytes(picture.buffer)).cast("B", (picture.height, picture.stride))


def test_the_same_certificate_is_set_in_the_same_bytes(told: Told, renderer: CertificateRenderer) -> None:
    certificate = certificate_of(told.story, told.facts)

    assert renderer.render(certificate) == renderer.render(certificate)
