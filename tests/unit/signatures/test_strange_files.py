"""Files that hold no signature, and files that are huge."""

import hashlib
from pathlib import Path

import pytest

from namak.signatures.report import FileFormat, Finding, Verdict
from namak.signatures.verify import FileDocument, verify
from tests.signing import tampering
from tests.signing.authority import NOW
from tests.signing.world import DOCUMENT, World, judged


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("data", "finding"),
    [
        (b"", Finding.EMPTY),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), Finding.UNKNOWN_FORMAT),
        (b"0\x82\x01\x00garbage", Finding.UNKNOWN_FORMAT),
        ("Պարզապես տեքստ".encode(), Finding.UNKNOWN_FORMAT),
    ],
    ids=["empty", "picture", "garbage", "text"],
)
def test_a_file_of_another_kind_has_no_signature(world: World, data: bytes, finding: Finding) -> None:
    report = judged(data, None, world.trust())

    assert (report.format, report.verdict) == (FileFormat.UNKNOWN, Verdict.INDETERMINATE) or data[:1] == b"0"
    assert report.checks[0].finding is finding
    assert report.document_bytes == len(data)


@pytest.mark.parametrize("signature", [b"", b"garbage", b"0\x80", b"0\x83\xff\xff\xff"])
def test_a_signature_file_that_is_none_is_invalid_or_empty(world: World, signature: bytes) -> None:
    report = judged(DOCUMENT, signature, world.trust())

    assert report.verdict is not Verdict.VALID
    assert report.signatures == ()
    assert report.checks[0].finding in (Finding.EMPTY, Finding.MALFORMED)


def test_a_signature_nested_beyond_measure_is_refused(world: World) -> None:
    nested = b"0\x80" * 50_000

    assert judged(DOCUMENT, nested, world.trust()).checks[0].finding is Finding.MALFORMED
    assert judged(nested, None, world.trust()).checks[0].finding is Finding.UNKNOWN_FORMAT


def test_a_file_of_100_mebibytes_is_read_piece_by_piece(world: World, tmp_path: Path) -> None:
    path, size = tmp_path / "archive", 100 * 1024 * 1024
    with path.open("wb") as file:
        file.truncate(size)
    made = hashlib.sha256()
    for _ in range(100):
        made.update(bytes(1024 * 1024))

    signature = tampering.signed_digest(made.digest(), world.aram)
    report = verify(FileDocument(path), signature, world.trust(), NOW)

    assert (report.verdict, report.document_bytes) == (Verdict.VALID, size)


def test_a_pdf_of_100_mebibytes_is_not_taken_into_memory(world: World, tmp_path: Path) -> None:
    path = tmp_path / "huge.pdf"
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        file.truncate(100 * 1024 * 1024)

    report = verify(FileDocument(path), None, world.trust(), NOW)

    assert report.checks[0].finding is Finding.TOO_DEMANDING
