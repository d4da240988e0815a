"""What is taken as a scan: whole pictures and plain PDFs, and nothing that only says so."""

import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils.crypt import StandardSecurityHandler

from server.domain.scans import SCAN_FAULTS, ScanFault
from server.gateways.scans.pictures import MOST_PAGES
from server.gateways.scans.process import fault_of
from tests import scans
from tests.signing import files

PDF, PNG, JPEG, TIFF = "application/pdf", "image/png", "image/jpeg", "image/tiff"
SAMPLES = {PDF: files.pdf(), PNG: scans.png(), JPEG: scans.jpeg(), TIFF: scans.tiff()}


def _script() -> bytes:
    def add(writer: Any) -> None:
        name = files.generic.pdf_name
        action = files.generic.DictionaryObject(
            {name("/S"): name("/JavaScript"), name("/JS"): files.generic.pdf_string("app.alert(1)")}
        )
        named = files.generic.ArrayObject([files.generic.pdf_string("a"), writer.add_object(action)])
        tree = files.generic.DictionaryObject({name("/Names"): named})
        writer.root["/Names"] = files.generic.DictionaryObject({name("/JavaScript"): tree})
        writer.update_root()

    return files.changed(files.pdf(), add)


def _encrypted_for_all() -> bytes:
    writer = files.PdfFileWriter()
    writer._assign_security_handler(StandardSecurityHandler.build_from_pw("owner", ""))
    content = writer.add_object(files.generic.StreamObject(stream_data=b"BT ET"))
    writer.insert_page(files.PageObject(contents=content, media_box=(0, 0, 10, 10)))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        *SAMPLES.items(),
        (TIFF, scans.tiff(pages=3)),
        (TIFF, scans.tiff(order=">")),
        (PNG, scans.png(4960, 7016)),
    ],
)
def test_what_scanners_write_is_taken(media_type: str, content: bytes) -> None:
    assert fault_of(content, media_type) is None


@pytest.mark.parametrize("media_type", SAMPLES)
@pytest.mark.parametrize("said", SAMPLES)
def test_a_file_of_another_kind_than_it_says_is_told(media_type: str, said: str) -> None:
    expected = None if media_type == said else ScanFault.NOT_WHAT_IT_SAYS
    assert fault_of(SAMPLES[media_type], said) is expected


@pytest.mark.parametrize("media_type", SAMPLES)
def test_text_is_no_scan_whatever_it_says(media_type: str) -> None:
    assert fault_of("Մեծարգո պարոն".encode(), media_type) is ScanFault.NOT_WHAT_IT_SAYS


@pytest.mark.parametrize("media_type", [PNG, JPEG, TIFF])
@given(data=st.data())
def test_a_picture_that_was_cut_off_is_broken(media_type: str, data: st.DataObject) -> None:
    whole = SAMPLES[media_type]
    cut = whole[: data.draw(st.integers(4, len(whole) - 1))]
    assert fault_of(cut, media_type) in (ScanFault.BROKEN, ScanFault.NOT_WHAT_IT_SAYS)


@pytest.mark.parametrize("media_type", [PNG, JPEG])
def test_nothing_follows_the_end_of_a_picture(media_type: str) -> None:
    assert fault_of(SAMPLES[media_type] + b"PK\x03\x04", media_type) is ScanFault.BROKEN


@pytest.mark.parametrize("media_type", SAMPLES)
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_no_changed_byte_is_more_than_a_fault(media_type: str, place: int, byte: int) -> None:
    whole = bytearray(SAMPLES[media_type])
    whole[place % len(whole)] = byte
    assert fault_of(bytes(whole), media_type) in (None, *ScanFault)


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        (PNG, scans.png(30_000, 1)),
        (JPEG, scans.jpeg(20_000, 20_000)),
        (TIFF, scans.tiff(2**31, 1)),
        (TIFF, scans.tiff(19_999, 19_999)),
        (PDF, files.pdf().replace(b"842", b"99842")),
    ],
)
def test_a_page_that_no_scanner_has_is_too_demanding(media_type: str, content: bytes) -> None:
    assert fault_of(content, media_type) is ScanFault.TOO_DEMANDING


@pytest.mark.parametrize("rows", [bytes(9 * 8 - 1), bytes(9 * 8 + 1), bytes(64 * 1024 * 1024)])
def test_a_png_has_the_rows_that_it_says_and_no_bomb_behind_them(rows: bytes) -> None:
    assert fault_of(scans.png(rows=rows), PNG) is ScanFault.BROKEN


def test_a_png_with_a_wrong_check_sum_is_broken() -> None:
    changed = scans.png().replace(b"IEND\xaeB`\x82", b"IEND\x00\x00\x00\x00")
    assert fault_of(changed, PNG) is ScanFault.BROKEN


@pytest.mark.parametrize("data", [b"no deflate", zlib.compress(bytes(9 * 8)) + b"and what nobody sees"])
def test_a_png_whose_rows_are_not_deflate_and_nothing_else_is_broken(data: bytes) -> None:
    chunk = struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))
    whole = scans.png()
    start, end = whole.index(b"IDAT") - 4, whole.index(b"IEND") - 4
    assert fault_of(whole[:start] + chunk + whole[end:], PNG) is ScanFault.BROKEN


def test_a_tiff_whose_pages_lead_in_a_circle_is_broken() -> None:
    circle = scans.tiff()[:-4] + struct.pack("<I", 16)
    assert fault_of(circle, TIFF) is ScanFault.BROKEN


def test_a_tiff_whose_strips_lie_outside_is_broken() -> None:
    assert fault_of(scans.tiff(strip=10_000), TIFF) is ScanFault.BROKEN
    assert fault_of(scans.tiff(strip=0), TIFF) is ScanFault.BROKEN


def test_a_letter_has_at_most_so_many_pages() -> None:
    assert fault_of(scans.tiff(pages=MOST_PAGES), TIFF) is None
    assert fault_of(scans.tiff(pages=MOST_PAGES + 1), TIFF) is ScanFault.TOO_MANY_PAGES


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (files.encrypted(), ScanFault.LOCKED),
        (_encrypted_for_all(), ScanFault.LOCKED),
        (files.pdf(form=True), ScanFault.ACTIVE_CONTENT),
        (_script(), ScanFault.ACTIVE_CONTENT),
        (files.pdf()[:-200], ScanFault.BROKEN),
        (b"%PDF-1.7\n%%EOF\n", ScanFault.BROKEN),
        (files.deeply_nested(), ScanFault.BROKEN),
    ],
)
def test_a_pdf_that_is_more_or_less_than_pages_is_refused(content: bytes, fault: ScanFault) -> None:
    assert fault_of(content, PDF) is fault


def test_every_fault_has_its_words() -> None:
    assert set(SCAN_FAULTS) == set(ScanFault)
