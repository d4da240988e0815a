"""Names from others become safe names; files appear whole or not at all."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.client.files import IncomingFile, distinct_names, safe_name, write_new_file
from namak.errors import ContentMismatch, FileExistsAlready, FileProblem


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ծանուցում հարկի մասին.pdf", "ծանուցում հարկի մասին.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("/etc/passwd", "_etc_passwd"),
        ("..\\..\\boot.ini", "_.._boot.ini"),
        ("..", "part-1"),
        (".", "part-1"),
        ("", "part-1"),
        (".bashrc", "bashrc"),
        ("a\x00b\x1b[31mc\n.txt", "ab[31mc.txt"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("NUL.txt", "_NUL.txt"),
        ("name. ", "name"),
        ("C:\\x", "C__x"),
    ],
)
def test_a_name_becomes_one_that_stays_and_shows_what_it_is(name: str, expected: str) -> None:
    assert safe_name(name, "part-1") == expected


@given(st.text(max_size=300))
def test_whatever_the_name_the_file_stays_in_its_directory(name: str) -> None:
    safe = safe_name(name, "part-1")
    assert (Path("/a/b") / safe).parent == Path("/a/b")
    assert safe not in ("", ".", "..")
    assert len(safe.encode()) <= 255
    assert all(character.isprintable() or character.isspace() for character in safe)
    assert "\n" not in safe


def test_a_long_armenian_name_keeps_its_ending() -> None:
    safe = safe_name("ծ" * 196 + ".pdf", "part-1")
    assert safe.endswith("ծ.pdf")
    assert len(safe.encode()) <= 255


def test_equal_names_are_told_apart() -> None:
    assert distinct_names(["a.pdf", "A.pdf", "a.pdf", ""]) == ["a.pdf", "A (2).pdf", "a (3).pdf", "part-4"]


def test_a_number_that_tells_names_apart_does_not_make_equal_ones() -> None:
    assert distinct_names(["a (3)", "a", "a"]) == ["a (3)", "a", "a (4)"]


@given(st.lists(st.sampled_from(["a", "a (2)", "a (3)", "A", "", "part-2"]), max_size=8))
def test_names_of_one_letter_always_differ(names: list[str]) -> None:
    distinct = distinct_names(names)
    assert len({name.casefold() for name in distinct}) == len(names)


def digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a"
    incoming = IncomingFile(target)
    incoming.write(b"con")
    assert not target.exists()
    incoming.write(b"tent")
    incoming.keep(size=7, sha256=digest(b"content"))
    incoming.discard()
    assert target.read_bytes() == b"content"
    assert list(tmp_path.iterdir()) == [target]


def test_a_wrong_digest_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    incoming = IncomingFile(target, force=True)
    incoming.write(b"new")
    with pytest.raises(ContentMismatch):
        incoming.keep(size=3, sha256=digest(b"other"))
    incoming.discard()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_name_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "a"
    incoming = IncomingFile(target)
    incoming.write(b"new")
    target.write_bytes(b"somebody's")
    with pytest.raises(FileExistsAlready):
        incoming.keep(size=3, sha256=digest(b"new"))
    incoming.discard()
    assert target.read_bytes() == b"somebody's"


def test_a_link_that_leads_elsewhere_counts_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsAlready):
        write_new_file(tmp_path / "link", b"new")
    write_new_file(tmp_path / "link", b"new", force=True)
    assert not (tmp_path / "elsewhere").exists()


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="absent"):
        write_new_file(tmp_path / "absent" / "a", b"new")
