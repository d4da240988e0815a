"""Letters as print houses get them: real Typst, real fonts and pictures, read back as machines read them."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pypdfium2 as pdfium
import pytest
import typst
import zxingcpp

from server.domain.deliveries import Part
from server.domain.paper_letter_texts import ANSWERS, TEXTS
from server.domain.paper_letters import (
    LONGEST_LINE,
    LONGEST_TEXT,
    MOST_ADDRESS_LINES,
    MOST_PAGES,
    NotPrintable,
    PaperLetter,
    PostalAddress,
    PrintReady,
    Unprintable,
)
from server.gateways.printing import fonts
from server.gateways.printing.renderer import Renderer
from server.gateways.printing.samples import LANGUAGES, part, sample, text_part

DECISION = next((Path(__file__).parents[4] / "samples").glob("*.pdf")).read_bytes()
MM = 72 / 25.4


def fonts_missing() -> bool:
    try:
        fonts.found()
    except fonts.FontsMissing:
        return True
    return False


pytestmark = pytest.mark.skipif(fonts_missing(), reason="needs Debian's fonts-noto-core")


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer() as made:
        yield made


def texts(made: PrintReady) -> list[str]:
    document = pdfium.PdfDocument(made.pdf)
    return ["".join(page.get_textpage().get_text_range().split()) for page in document]


def codes(made: PrintReady, page: int) -> list[str]:
    bitmap = pdfium.PdfDocument(made.pdf)[page].render(scale=300 / 72, grayscale=True)
    found = zxingcpp.read_barcodes(_picture(bitmap))
    return sorted(each.text for each in found)


def _picture(bitmap: pdfium.PdfBitmap) -> memoryview:
    rows = bytes(bitmap.buffer)
    packed = b"".join(rows[at : at + bitmap.width] for at in range(0, len(rows), bitmap.stride))
    return memoryview(packed).cast("B", (bitmap.height, bitmap.width))


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_says_who_sent_what_and_how_to_read_it_in_its_language(
    renderer: Renderer, language: str
) -> None:
    letter = sample(language)

    made = renderer.render(letter)

    cover, message = texts(made)
    words = TEXTS[language]
    for said in (words["title"], words["how"], letter.sender.name, letter.subject, letter.mailbox):
        assert squeezed(said) in cover.replace("\u200b", "")
    assert str(letter.delivery_id) in cover.replace("\u200b", "")
    assert letter.parts[0].info.digest.hex() in cover.replace("\u200b", "")
    assert squeezed(letter.parts[0].content.decode()) in message


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_speaks_of_no_mailbox_since_its_reader_has_none(renderer: Renderer, language: str) -> None:
    letter = replace(sample(language), is_answer=True)

    cover = texts(renderer.render(letter))[0].replace("\u200b", "")

    assert squeezed(ANSWERS[language]["title"]) in cover
    for unsaid in (letter.mailbox, letter.policy, TEXTS[language]["how"], TEXTS[language]["title"]):
        assert squeezed(unsaid) not in cover


@pytest.mark.parametrize("language", LANGUAGES)
def test_recipient_and_return_address_stand_in_the_window_and_nothing_else(
    renderer: Renderer, language: str
) -> None:
    letter = sample(language)

    page = pdfium.PdfDocument(renderer.render(letter).pdf)[0]

    text = page.get_textpage()
    top = page.get_height()
    seen = text.get_text_bounded(20 * MM, top - 90 * MM, 105 * MM, top - 45 * MM)
    inside = squeezed(" ".join((letter.recipient.name, *letter.recipient.lines)))
    back = squeezed("".join((letter.sender.name, *letter.sender.lines)))
    assert squeezed(seen).replace("·", "") == back + inside
    # The sender's line is where DIN 5008 has it, above the address.
    line = text.get_text_bounded(20 * MM, top - 52.2 * MM, 105 * MM, top - 45 * MM)
    assert squeezed(line).replace("·", "") == back
    # Above and below the window nothing stands that could slip into it.
    assert not squeezed(text.get_text_bounded(0, top - 98 * MM, 110 * MM, top - 90 * MM))
    assert not squeezed(text.get_text_bounded(0, top - 45 * MM, 110 * MM, top - 20 * MM))


def test_machines_read_the_number_on_the_first_page_and_the_sheet_on_every_front(renderer: Renderer) -> None:
    letter = replace(sample("hy"), parts=(part("a.pdf", "application/pdf", DECISION),) * 2)

    made = renderer.render(letter)

    assert (made.pages, made.sheets) == (4, 2)
    assert codes(made, 0) == [letter.tracking, f"{letter.tracking}-01"]
    assert codes(made, 1) == []
    assert codes(made, 2) == [f"{letter.tracking}-02"]


def test_only_the_last_sheet_has_the_bar_that_ends_the_letter(renderer: Renderer) -> None:
    made = renderer.render(replace(sample("hy"), parts=(part("a.pdf", "application/pdf", DECISION),) * 2))

    def bar(page: int) -> bool:
        bitmap = pdfium.PdfDocument(made.pdf)[page].render(scale=1, grayscale=True)
        return bool(bytes(bitmap.buffer)[int(136.8 * MM) * bitmap.stride + int(11 * MM)] < 128)

    assert [bar(page) for page in range(4)] == [False, False, True, False]


@pytest.mark.parametrize("pages", range(1, 5))
def test_no_two_letters_share_a_sheet(renderer: Renderer, pages: int) -> None:
    made = renderer.render(replace(sample("hy"), parts=(part("a.pdf", "application/pdf", DECISION),) * pages))

    assert made.pages == (1 + pages) + (1 + pages) % 2
    assert len(pdfium.PdfDocument(made.pdf)) == made.pages


@pytest.mark.parametrize("parts", [None, (part("a.pdf", "application/pdf", DECISION),)])
def test_an_equal_letter_gives_the_same_bytes_from_another_renderer(
    renderer: Renderer, parts: tuple[Part, ...] | None
) -> None:
    once = renderer.render(sample("kk", "ru", parts=parts))
    renderer.render(sample("az"))

    with Renderer() as other:
        again = other.render(sample("kk", "ru", parts=parts))
        different = other.render(sample("kk", "ru", parts=parts, serial=118))

    assert again == once
    assert different.digest != once.digest


def test_it_says_that_it_is_pdf_a_2b_and_holds_its_fonts(renderer: Renderer) -> None:
    made = renderer.render(sample("hy", "ru"))

    assert b"<pdfaid:part>2</pdfaid:part>" in made.pdf
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in made.pdf
    for page in pdfium.PdfDocument(made.pdf):
        for piece in page.get_objects(filter=(pdfium.raw.FPDF_PAGEOBJ_TEXT,), max_depth=5):
            assert pdfium.raw.FPDFFont_GetIsEmbedded(pdfium.raw.FPDFTextObj_GetFont(piece.raw)) == 1


def test_what_people_write_is_text_and_never_markup(renderer: Renderer) -> None:
    text = '#panic("x") *bold* $x$ = heading // comment <label> @ref \\ `raw` #image("/letter.typ") [a]'
    letter = replace(sample("en", parts=(text_part("#panic(1).txt", text),)), subject=text)

    cover, message = texts(renderer.render(letter))

    assert squeezed(text) in message
    assert squeezed(text) in cover.replace("\u200b", "")
    assert "#panic(1).txt" in cover


def test_the_longest_address_that_fits_stays_whole_in_the_window(renderer: Renderer) -> None:
    long = "Ծննդկան" * 8 + " " + "Жолдасбекова-Əliyeva"
    address = PostalAddress(long, (long,) * MOST_ADDRESS_LINES)

    made = renderer.render(replace(sample("hy"), recipient=address, sender=PostalAddress(long, (long, "x"))))

    page = pdfium.PdfDocument(made.pdf)[0]
    top = page.get_height()
    seen = page.get_textpage().get_text_bounded(20 * MM, top - 90 * MM, 105 * MM, top - 45 * MM)
    assert squeezed(seen).replace("\u200b", "").count("Жолдасбекова-Əliyeva") == 8


def test_an_address_that_fits_at_no_size_is_refused(renderer: Renderer) -> None:
    wide = "Щ" * LONGEST_LINE
    address = PostalAddress(wide, (wide,) * MOST_ADDRESS_LINES)

    with pytest.raises(NotPrintable, match="window") as refused:
        renderer.render(replace(sample("ru"), recipient=address))

    assert refused.value.problem is Unprintable.LENGTH


@pytest.mark.parametrize("others", [(), ("ru",), ("ru", "en")])
def test_twenty_parts_with_long_names_are_all_listed(renderer: Renderer, others: tuple[str, ...]) -> None:
    parts = tuple(text_part(f"{index:02}-{'կ' * 90}.txt", "x") for index in range(17))

    pages = texts(renderer.render(sample("hy", *others, parts=parts)))

    listed = "".join(pages[:2]).replace("\u200b", "")
    for each in parts:
        assert each.info.name in listed
        assert each.info.digest.hex() in listed


def pdf(
    *, media: str = "[0 0 595 842]", font: str = "Helvetica", count: int = 1, locked: bool = False
) -> bytes:
    """Returns a PDF in which each page says `Hello`, in a font that it doesn't hold; perhaps `locked`."""
    kids = " ".join(f"{10 + each} 0 R" for each in range(count))
    content = b"BT /F1 24 Tf 100 100 Td (Hello) Tj ET"
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: f"<</Type/Pages/Kids[{kids}]/Count {count}>>".encode(),
        3: f"<</Type/Font/Subtype/TrueType/BaseFont/{font}>>".encode(),
        4: b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
    }
    page = f"<</Type/Page/Parent 2 0 R/MediaBox{media}/Resources<</Font<</F1 3 0 R>>>>/Contents 4 0 R>>"
    objects |= {10 + each: page.encode() for each in range(count)}
    made = io.BytesIO()
    made.write(b"%PDF-1.4\n")
    for number, body in objects.items():
        made.write(b"%d 0 obj%s endobj\n" % (number, body))
    keys = b"<</Filter/Standard/V 1/R 2/P -4/O<%b>/U<%b>>>" % (b"ab" * 32, b"cd" * 32)
    made.write(b"trailer<</Root 1 0 R%b>>\n%%%%EOF\n" % (b"/ID[<ab><ab>]/Encrypt" + keys if locked else b""))
    return made.getvalue()


def letter_of(media_type: str, content: bytes) -> PaperLetter:
    return sample("en", parts=(text_part("good.txt", "x"), part("the.part", media_type, content)))


@pytest.mark.parametrize(
    ("media_type", "content", "problem"),
    [
        ("image/png", b"\x89PNG", Unprintable.KIND),
        ("application/zip", b"PK", Unprintable.KIND),
        ("text/html", b"<b>x</b>", Unprintable.KIND),
        ("text/plain", b"caf\xe9", Unprintable.ENCODING),
        ("text/plain", b"a\0b", Unprintable.CHARACTER),
        ("text/plain", "a\u202eb".encode(), Unprintable.CHARACTER),
        ("text/plain", b"x" * (LONGEST_TEXT + 1), Unprintable.LENGTH),
        ("application/pdf", b"", Unprintable.BROKEN_PDF),
        ("application/pdf", b"%PDF-1.7\nnothing", Unprintable.BROKEN_PDF),
        ("application/pdf", DECISION[: len(DECISION) // 3], Unprintable.BROKEN_PDF),
        ("application/pdf", pdf(locked=True), Unprintable.LOCKED_PDF),
        ("application/pdf", pdf(count=MOST_PAGES), Unprintable.LENGTH),
        ("application/pdf", pdf(font="ArmTahoma"), Unprintable.FONT),
    ],
)
def test_a_part_that_cannot_be_printed_is_refused_by_name_and_reason(
    renderer: Renderer, media_type: str, content: bytes, problem: Unprintable
) -> None:
    with pytest.raises(NotPrintable) as refused:
        renderer.render(letter_of(media_type, content))

    assert (refused.value.problem, refused.value.part) == (problem, "the.part")


def test_a_character_that_no_font_has_is_refused_and_told(renderer: Renderer) -> None:
    with pytest.raises(NotPrintable, match="中") as refused:
        renderer.render(sample("en", parts=(text_part("a.txt", "tax 中 notice"),)))

    assert refused.value.problem is Unprintable.CHARACTER


def test_a_letter_with_too_many_pages_is_refused(renderer: Renderer) -> None:
    with pytest.raises(NotPrintable, match=f"more than {MOST_PAGES}") as refused:
        renderer.render(sample("en", parts=(text_part("a.txt", "line\n" * 60 * MOST_PAGES),)))

    assert refused.value.problem is Unprintable.LENGTH


@pytest.mark.parametrize(
    "media", ["[0 0 595 842]", "[0 0 842 595]", "[0 0 14400 14400]", "[0 0 300 14400]", "[0 0 3 3]"]
)
def test_a_page_of_any_size_is_shown_whole_on_one_page(renderer: Renderer, media: str) -> None:
    made = renderer.render(letter_of("application/pdf", pdf(media=media)))

    assert made.pages == 4
    assert len(made.pdf) < 3_000_000


def test_what_is_drawn_leaves_no_files_behind(renderer: Renderer) -> None:
    before = sorted(renderer._directory.iterdir())

    renderer.render(letter_of("application/pdf", DECISION))
    with pytest.raises(NotPrintable):
        renderer.render(letter_of("application/pdf", pdf(font="ArmTahoma")))

    assert sorted(renderer._directory.iterdir()) == before


def test_without_the_fonts_nothing_is_set(tmp_path: Path) -> None:
    with pytest.raises(fonts.FontsMissing, match="fonts-noto-core"):
        fonts.found([tmp_path])


def test_typst_itself_finds_no_other_fonts(renderer: Renderer) -> None:
    found = typst.Fonts(False, False, [renderer._directory / "fonts"])

    assert {"Noto Sans", "Noto Sans Armenian"} < set(found.families()) < set(fonts.FAMILIES)
