"""Small files that ask for endless work: each is refused before it is done."""

import contextlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import copy_into_new_writer

from namak.delivery_certificate.page_text import (
    MAX_MEANING,
    MAX_SHOWN,
    MAX_TABLE_BYTES,
    Unreadable,
    font_of,
    shown_text,
)
from namak.delivery_certificate.reading import NotReadable, read_certificate
from namak.signatures import verify as signatures
from namak.signatures.trust import Trust
from server.gateways.certificate_pages.renderer import CertificateRenderer
from tests.delivery_certificates import MADE, certificate_of
from tests.unit.delivery_certificates.conftest import Told

MIB = 1024 * 1024
_dictionary: Any = generic.DictionaryObject
_number: Any = generic.NumberObject


class Stream:
    """A stream of a PDF, unpacked."""

    def __init__(self, data: bytes) -> None:
        self.data = data


def font(table: bytes) -> Any:
    return font_of({"/Subtype": "/Type0", "/Encoding": "/Identity-H", "/ToUnicode": Stream(table)})


def filled(piece: bytes, begin: bytes = b"", end: bytes = b"") -> bytes:
    """Returns a table of as many bytes as one may have."""
    return begin + piece * ((MAX_TABLE_BYTES - len(begin) - len(end)) // len(piece)) + end


def test_a_table_says_what_its_codes_mean() -> None:
    table = b"1 beginbfchar <0001> <0041> endbfchar 1 beginbfrange <0002> <0004> <0061> endbfrange"
    assert font(table) == {1: "A", 2: "a", 3: "b", 4: "c"}
    assert font(b"beginbfchar <0001> <00660066006C> endbfchar") == {1: "ffl"}


@pytest.mark.parametrize(
    "table",
    [
        filled(b"beginbfchar"),
        filled(b"beginbfchar ", end=b"endbfrang"),
        filled(b"<0000><7000><0041>", b"beginbfrange", b"endbfrange"),
        filled(b"<0000><7000><0041>", b"beginbfrange ", b" endbfrange") + b" ",
        filled(b"beginbfrange<0000><7FFF><0041>endbfrange"),
        filled(b"<0001><0041>", b"beginbfchar", b"endbfchar"),
        filled(b"41", b"beginbfchar<0001><", b">endbfchar"),
        b"beginbfrange<0005><0001><0041>endbfrange",
        b"beginbfrange<0000><FFFFFFFF><0041>endbfrange",
        b"beginbfchar<0001><" + b"0041" * (MAX_MEANING + 1) + b">endbfchar",
        b"beginbfchar<0001>endbfchar",
        b"beginbfrange<0000><0001>[<0041><0042>]endbfrange",
        bytes(MAX_TABLE_BYTES + 1),
    ],
    ids=range(13),
)
def test_a_table_that_asks_for_endless_work_is_refused(table: bytes) -> None:
    with pytest.raises(Unreadable):
        font(table)


def test_a_table_without_an_end_of_anything_is_empty() -> None:
    assert font(filled(b"endbfchar")) == {}
    assert font(filled(b"<")) == {}


def test_a_page_has_only_so_much_text() -> None:
    meant = {1: "A" * MAX_MEANING}
    once = b"/f0 9 Tf " + b"<%b> Tj " % (b"0001" * 1024)
    assert len(shown_text(once, {"/f0": meant}, ())) == 1024 * MAX_MEANING
    with pytest.raises(Unreadable, match="more text"):
        shown_text(once * (MAX_SHOWN // (1024 * MAX_MEANING) + 1), {"/f0": meant}, ())


@pytest.mark.parametrize(
    "content",
    [
        b" " * MIB,
        b"<" + b"0" * (MIB - 1),
        b"(" * MIB,
        b"[<" * (MIB // 2),
        b"/" * MIB,
        b"\\" * MIB,
        b"(\\" * (MIB // 2),
    ],
    ids=range(7),
)
def test_instructions_without_an_end_are_read_once(content: bytes) -> None:
    with contextlib.suppress(Unreadable):
        assert shown_text(content, {}, ()) == ""


@pytest.fixture(scope="module")
def plain(told: Told) -> bytes:
    with CertificateRenderer() as renderer:
        return renderer.render(certificate_of(told.story, told.facts, language="en"))


def changed(pdf: bytes, change: Callable[[Any], None]) -> bytes:
    made: Any = copy_into_new_writer(IncrementalPdfFileWriter(io.BytesIO(pdf)).prev)
    change(made)
    output = io.BytesIO()
    made.write(output)
    return output.getvalue()


def bush(made: Any, kind: str, key: str) -> Any:
    """Returns the root of a tree of few nodes and endless branches: each has the next one a hundred times."""
    below: Any = None
    for _ in range(8):
        node: Any = _dictionary({generic.pdf_name("/Type"): generic.pdf_name(kind)})
        node[generic.pdf_name(key)] = generic.ArrayObject([below] * 100 if below is not None else [])
        below = made.add_object(node)
    return below


def test_a_tree_of_pages_with_endless_branches_is_not_walked(plain: bytes) -> None:
    def change(made: Any) -> None:
        made.root["/Pages"]["/Kids"].append(bush(made, "/Pages", "/Kids"))

    found = read_certificate(changed(plain, change))
    assert (found.pages, found.problem) == (None, "the pages are nested too deeply, or in too many parts")


def test_a_tree_of_names_with_endless_branches_is_not_walked(plain: bytes) -> None:
    def change(made: Any) -> None:
        made.root["/Names"]["/EmbeddedFiles"][generic.pdf_name("/Kids")] = generic.ArrayObject(
            [bush(made, "/None", "/Kids")]
        )

    with pytest.raises(NotReadable, match="too many parts"):
        read_certificate(changed(plain, change))


@pytest.mark.parametrize("spelled", [b"1.2.3", b"--1.0", b"+-+-1", b".....", b"1-1-1", b"1e+99", b"00000"])
def test_a_number_that_is_none_leaks_no_other_error(plain: bytes, spelled: bytes) -> None:
    def change(made: Any) -> None:
        made.root[generic.pdf_name("/Number")] = _number(77777)

    data = changed(plain, change).replace(b"77777", spelled)
    assert signatures.verify(signatures.BytesDocument(data), None, Trust(()), MADE).signatures == ()
    with contextlib.suppress(NotReadable):
        read_certificate(data)


def test_an_attachment_with_an_endless_name_is_not_looked_at(plain: bytes) -> None:
    def change(made: Any) -> None:
        names = made.root["/Names"]["/EmbeddedFiles"]["/Names"]
        name = generic.pdf_string("." * 20_000 + ".tsr")
        names[0] = name
        names[1][generic.pdf_name("/UF")] = name

    with pytest.raises(NotReadable, match="name has more than"):
        read_certificate(changed(plain, change))


def first_page(made: Any) -> Any:
    return made.root["/Pages"]["/Kids"][0]


def test_a_page_with_endless_fonts_is_not_read(plain: bytes) -> None:
    def change(made: Any) -> None:
        fonts = first_page(made)["/Resources"]["/Font"]
        some = next(iter(fonts))
        for number in range(100):
            fonts[generic.pdf_name(f"/more{number}")] = fonts.raw_get(some)

    assert "more fonts, pictures or annotations" in read_certificate(changed(plain, change)).problem


def test_a_file_with_endless_fonts_is_not_read(plain: bytes) -> None:
    def change(made: Any) -> None:
        kids = made.root["/Pages"]["/Kids"]
        page = first_page(made)
        fonts = page["/Resources"]["/Font"]
        some = fonts[next(iter(fonts))]
        for number in range(40):
            copy: Any = _dictionary(page)
            resources: Any = _dictionary(page["/Resources"])
            many: Any = _dictionary(fonts)
            many[generic.pdf_name(f"/one{number}")] = _dictionary(some)
            many[generic.pdf_name(f"/two{number}")] = _dictionary(some)
            resources[generic.pdf_name("/Font")] = many
            copy[generic.pdf_name("/Resources")] = resources
            kids.append(made.add_object(copy))

    assert "more fonts than certificates have" in read_certificate(changed(plain, change)).problem


def test_pages_that_share_long_instructions_are_counted_each(plain: bytes) -> None:
    def change(made: Any) -> None:
        page = first_page(made)
        long: Any = generic.StreamObject(stream_data=b" " * MIB)
        page[generic.pdf_name("/Contents")] = made.add_object(long)
        made.root["/Pages"]["/Kids"].extend([made.root["/Pages"]["/Kids"].raw_get(0)] * 20)

    assert "more instructions than those of certificates" in read_certificate(changed(plain, change)).problem
