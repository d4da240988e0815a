"""Whatever somebody writes behind a seal, or into it: it is told, or the certificate is what it was."""

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pypdfium2 as pdfium
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from namak.client.signing import sign_pdf
from namak.delivery_certificate.additions.whole import hides_seal, is_altered
from namak.evidence.report import Verdict
from tests.delivery_certificates import MADE
from tests.unit.delivery_certificates.conftest import Told
from tests.unit.delivery_certificates.sealing import (
    SEAL,
    archived,
    last_start,
    objects_of,
    stamped,
    updated,
    with_update,
)
from tests.unit.delivery_certificates.test_additions import verify
from tests.unit.delivery_certificates.test_hidden_seals import number_of

_name, _text = generic.pdf_name, generic.pdf_string


@pytest.fixture(scope="module")
def archive(kept: bytes) -> bytes:
    """PAdES B-LTA, renewed once."""
    return archived(archived(kept))


def placed(pdf: bytes) -> list[int]:
    """Returns the objects that an update may write again: the places of what keeps a seal."""
    reader: Any = PdfFileReader(io.BytesIO(pdf), strict=True)
    root, store = reader.root, reader.root["/DSS"]
    holders = [(reader.trailer, "/Root"), (reader.trailer, "/Info"), (root, "/Metadata"), (root, "/AcroForm")]
    holders += [
        (root, "/DSS"),
        *((store["/VRI"], name) for name in sorted(store.get("/VRI", ()))),
    ]
    return [holder.raw_get(key).idnum for holder, key in holders]


def freeing(number: int) -> Callable[[object], list[tuple[int, bytes]]]:
    return lambda _: [(number, b"0000000000 00001 f")]


def test_every_object_in_no_place_is_told_even_when_it_says_the_same(kept: bytes) -> None:
    objects: dict[int, bytes] = objects_of(kept)
    places = placed(kept)
    assert len(objects) > 40
    for number, content in objects.items():
        assert is_altered(with_update(kept, {number: content})) is (number not in places), content[:80]
    # A row that frees an object says something of it as well.
    assert all(is_altered(with_update(kept, {}, rows=freeing(number))) for number in places)


OPTIONAL = (b"/Type /VRI", b"/Type /DeveloperExtensions", b"/BaseVersion", b"/ExtensionLevel")


def variants(content: bytes) -> Iterator[bytes]:
    """Yields what a place could say instead: with a member more, less, or another."""
    if not content.startswith(b"<<"):
        return
    end = content.index(b"\n>>\nstream") if b"\nstream" in content else content.rindex(b"\n>>")
    for more in (
        b"/Zz (Never)",
        b"/AA << /O << /S /JavaScript /JS (x) >> >>",
        b"/OpenAction 1 0 R",
        b"/A 1 0 R",
    ):
        yield content[:end] + b"\n" + more + content[end:]
    for member in re.finditer(
        rb"^(/[A-Za-z]+) (?:\([^\n]*\)|/?[\w.]+(?: 0 R)?|<[^<\n]*>)$", content[:end], re.M
    ):
        if not member[0].startswith(OPTIONAL):
            yield content[: member.start()] + content[member.end() :]
        for other in (b" (Never notified)", b" 2 0 R"):
            yield content[: member.start()] + member[1] + other + content[member.end() :]


@pytest.mark.parametrize("place", range(7))
def test_a_place_that_says_more_less_or_other_is_told(archive: bytes, place: int) -> None:
    number = placed(archive)[place]
    made = list(variants(objects_of(archive)[number]))
    assert len(made) >= 4
    for content in made:
        assert is_altered(with_update(archive, {number: content})), content[:1000]


def test_a_trailer_that_leads_elsewhere_is_told(archive: bytes) -> None:
    objects = objects_of(archive)
    root, new = number_of(archive, b"/Type /Catalog"), max(objects) + 10
    others: list[dict[str, bytes | None]] = [
        {"/Root": b"%d 0 R" % new},
        {"/Info": b"%d 0 R" % new},
        {"/Info": None},
        {"/Encrypt": b"%d 0 R" % new},
        {"/XRefStm": b"%d" % last_start(archive)},
        {"/ID": None},
        {"/ID": b"[<00><00>]"},
        {"/Prev": None},
        {"/Reason": b"(Never notified)"},
    ]
    for trailer in others:
        assert is_altered(with_update(archive, {}, trailer=trailer)), trailer
        assert is_altered(with_update(archive, {new: objects[root]}, trailer=trailer)), trailer
    starts = [int(each) for each in re.findall(rb"startxref\s+([0-9]+)", archive)]
    for start in starts[:-1]:
        skipping = with_update(archive, {}, previous=start)
        assert is_altered(skipping)
        # From the seal on, the last of all says only what verifies the last timestamp.
        assert hides_seal(skipping) is (start != starts[-2])


def test_cross_references_that_readers_could_follow_differently_are_told(archive: bytes) -> None:
    root = number_of(archive, b"/Type /Catalog")
    content = objects_of(archive)[root]
    row = b"%010d 00000 n"
    assert not is_altered(with_update(archive, {root: content}))
    for rows in (
        lambda places: [(root, row % 100), *places.items()],
        lambda places: [*places.items(), *places.items()],
        lambda places: [],
        lambda places: [(root, row % archive.index(b"%d 0 obj" % root))],
        lambda places: [(root, places[root][:11] + b"00001 n")],
        lambda places: [*places.items(), (root + 500, row % archive.index(b"1 0 obj"))],
    ):
        assert is_altered(with_update(archive, {root: content}, rows=rows))
    for between in (b"% Never notified\n", b"(Never notified)\n", b"Never\n", b"<< >>\n", b"xref\n0 0\n"):
        assert is_altered(with_update(archive, {root: content}, between=between)), between


def test_objects_within_streams_are_told(archive: bytes) -> None:
    root, new = number_of(archive, b"/Type /Catalog"), 900

    inner = b"%d 0 " % root + objects_of(archive)[root]
    whole = b"<< /Type /ObjStm /N 1 /First %d /Length %d >>\nstream\n%s\nendstream"
    assert is_altered(with_update(archive, {new: whole % (len(b"%d 0 " % root), len(inner), inner)}))


def test_streams_of_cross_references_are_as_good_as_tables(told: Told, plain: bytes) -> None:
    made: Any = copy_into_new_writer(PdfFileReader(io.BytesIO(plain)))
    made.stream_xrefs = True
    output = io.BytesIO()
    made.write(output)
    sealed = sign_pdf(output.getvalue(), SEAL, at=MADE)
    assert b"/XRef" in sealed
    for pdf in (sealed, stamped(sealed), archived(archived(sealed))):
        assert verify(told, pdf).verdict is Verdict.VALID
    assert is_altered(updated(sealed, lambda writer: writer.add_object(_text("hidden"))))
    assert is_altered(updated(sealed, opened))


def opened(writer: Any) -> None:
    writer.root[_name("/PageMode")] = _name("/UseAttachments")
    writer.update_root()


def test_a_timestamp_may_have_an_empty_picture_and_no_other(kept: bytes) -> None:
    assert not is_altered(stamped(kept, picture=b""))
    assert is_altered(stamped(kept, picture=b"0 0 9 9 re f"))


METADATA = [
    (b"/Title (", b"/Title (Never notified "),
    (b"pyHanko ", b"He was never notified "),
    (b"/ModDate (D", b"/ModDate (Never"),
]


@pytest.mark.parametrize(("was", "now"), METADATA)
def test_metadata_written_anew_name_a_tool_and_nothing_else(archive: bytes, was: bytes, now: bytes) -> None:
    info = number_of(archive, b"/Producer")
    content = objects_of(archive)[info]
    assert was in content
    assert not is_altered(with_update(archive, {info: content}))
    assert is_altered(with_update(archive, {info: content.replace(was, now)}))


XMP = [
    (b"<dc:title", b"<dc:description>Never notified</dc:description><dc:title"),
    (b"Delivery certificate", b"No certificate"),
    (b'pdf:Producer="pyHanko', b'pdf:Producer="Never notified'),
    (b'xmp:ModifyDate="', b'xmp:ModifyDate="Never '),
    (b"</rdf:RDF>", b"<!-- Never notified --></rdf:RDF>"),
    (b"</rdf:RDF>", b"Never notified</rdf:RDF>"),
    (b"</rdf:RDF>", b"<?never notified?></rdf:RDF>"),
    (b"<rdf:RDF ", b"<rdf:RDF never='notified' "),
    (b"<rdf:RDF ", b'<rdf:RDF never="notified" '),
    (b'pdfaid:part="3"', b'pdfaid:part="1"'),
]


@pytest.mark.parametrize(("was", "now"), XMP)
def test_metadata_of_the_file_keep_what_they_said(archive: bytes, was: bytes, now: bytes) -> None:
    number = number_of(archive, b"<?xpacket")
    xmp = objects_of(archive)[number].partition(b"stream\n")[2].removesuffix(b"\nendstream")

    def metadata(content: bytes) -> bytes:
        told = b"<< /Type /Metadata /Subtype /XML /Length %d >>\nstream\n%s\nendstream"
        return with_update(archive, {number: told % (len(content), content)})

    assert was in xmp
    assert not is_altered(metadata(xmp))
    assert is_altered(metadata(xmp.replace(was, now, 1)))


def shown(pdf: bytes) -> tuple[object, ...]:
    """Returns what another reader shows of a file: its pages as pictures, its attachments, its properties."""
    document: Any = pdfium.PdfDocument(pdf)
    try:
        pages = tuple(bytes(page.render(scale=0.5).buffer) for page in document)
        found = []
        for number in range(document.count_attachments()):
            attachment = document.get_attachment(number)
            found.append((attachment.get_name(), bytes(attachment.get_data())))
        return pages, tuple(found), document.get_metadata_value("Title")
    finally:
        document.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.floats(0, 1, exclude_max=True),
    length=st.sampled_from([0, 1, 1, 2, 40]),
    what=st.one_of(
        st.binary(min_size=1, max_size=8),
        st.sampled_from(
            [b"%%EOF\n", b"endobj\n", b" 0 R ", b"/Annots [ ]", b">>", b"stream\n", b"startxref\n0\n"]
        ),
    ),
    behind=st.booleans(),
)
def test_any_bytes_anywhere_are_told_or_change_nothing_that_anybody_sees(
    told: Told, kept: bytes, archive: bytes, place: float, length: int, what: bytes, behind: bool
) -> None:
    begin = kept.index(b"%%EOF", kept.index(b"/ByteRange")) if behind else 0
    at = begin + int(place * (len(archive) - begin))
    pdf = archive[:at] + what + archive[at + length :]
    if verify(told, pdf).verdict is Verdict.VALID:
        assert shown(pdf) == shown(archive)
