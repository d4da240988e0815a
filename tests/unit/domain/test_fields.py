"""Single fields: what is refused, and with which constant."""

import hashlib
import sys
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain import fields
from server.domain.fields import Malformed
from server.jurisdictions.am import AM


def reason_of(check: Callable[[], object]) -> str:
    with pytest.raises(Malformed) as refused:
        check()
    return refused.value.reason


@pytest.mark.parametrize("text", ["a", "A-1_b.c:d", "x" * 64])
def test_accepts_request_ids(text: str) -> None:
    assert fields.request_id(text) == text


@pytest.mark.parametrize("text", ["", "x" * 65, "a b", "a\n", "ա", "a/b", "１"])
def test_refuses_other_request_ids(text: str) -> None:
    assert reason_of(lambda: fields.request_id(text)) == "REQUEST_ID_MALFORMED"


def test_a_subject_is_kept_as_it_is() -> None:
    text = " Ծանուցում № 12: «հարկ»\u00a0 "
    assert fields.subject(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "EMPTY"),
        (" \u00a0", "EMPTY"),
        ("ա" * 251, "TOO_LONG"),
        ("a\nb", "CONTROL_CHARACTER"),
        ("a\rb", "CONTROL_CHARACTER"),
        ("a\x00b", "CONTROL_CHARACTER"),
        ("a\x85b", "CONTROL_CHARACTER"),
        ("a\u2028b", "CONTROL_CHARACTER"),
        ("a\u202eb", "CONTROL_CHARACTER"),
        ("a\ud800b", "CONTROL_CHARACTER"),
    ],
)
def test_refuses_subjects_that_break_the_line_or_mislead(text: str, reason: str) -> None:
    assert reason_of(lambda: fields.subject(text)) == reason


def test_refuses_every_control_and_direction_mark_of_unicode_and_no_other_character() -> None:
    refused = set()
    for mark in map(chr, range(sys.maxunicode + 1)):
        try:
            fields.subject(f"a{mark}b")
        except Malformed:
            refused.add(mark)

    assert refused == {
        mark
        for mark in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(mark) in {"Cc", "Cs", "Zl", "Zp"}
        or unicodedata.bidirectional(mark) in {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
        or mark in "\u061c\u200e\u200f"
    }


def test_counts_a_subject_in_characters() -> None:
    assert fields.subject("ա" * 250) == "ա" * 250


@pytest.mark.parametrize("text", ["notice.pdf", "ծանուցում 1.pdf", "...", "x" * 200])
def test_accepts_file_names(text: str) -> None:
    assert fields.part_name(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "EMPTY"),
        ("a/b", "NOT_A_FILE_NAME"),
        ("..\\b", "NOT_A_FILE_NAME"),
        ("..", "NOT_A_FILE_NAME"),
        (".", "NOT_A_FILE_NAME"),
        ("x" * 201, "TOO_LONG"),
        ("fdp.\u202eexe", "CONTROL_CHARACTER"),
    ],
)
def test_refuses_other_file_names(text: str, reason: str) -> None:
    assert reason_of(lambda: fields.part_name(text)) == reason


@pytest.mark.parametrize(
    "text",
    [
        "application/pdf",
        "text/plain;charset=utf-8",
        "text/plain; charset=utf-8",
        'text/plain; name="a;b"',
        "image/svg+xml",
    ],
)
def test_accepts_media_types(text: str) -> None:
    assert fields.media_type(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "MEDIA_TYPE_MALFORMED"),
        ("pdf", "MEDIA_TYPE_MALFORMED"),
        ("application/", "MEDIA_TYPE_MALFORMED"),
        ("/pdf", "MEDIA_TYPE_MALFORMED"),
        ("a/b/c", "MEDIA_TYPE_MALFORMED"),
        ("text/plain;", "MEDIA_TYPE_MALFORMED"),
        ("text/plain; charset", "MEDIA_TYPE_MALFORMED"),
        ("text/plain\n", "MEDIA_TYPE_MALFORMED"),
        ("text/պարզ", "MEDIA_TYPE_MALFORMED"),
        ("a" * 51 + "/b", "MEDIA_TYPE_MALFORMED"),
        ("text/" + "a" * 96, "TOO_LONG"),
    ],
)
def test_refuses_other_media_types(text: str, reason: str) -> None:
    assert reason_of(lambda: fields.media_type(text)) == reason


def test_returns_the_digest_of_a_content() -> None:
    digest = hashlib.sha256(b"letter").digest()
    assert fields.content(b"letter", None) == digest
    assert fields.content(b"letter", digest) == digest


def test_refuses_a_content_that_is_empty_or_not_the_stated_one() -> None:
    assert reason_of(lambda: fields.content(b"", None)) == "EMPTY"
    assert (
        reason_of(lambda: fields.content(b"letter", hashlib.sha256(b"Letter").digest())) == "DIGEST_MISMATCH"
    )
    assert reason_of(lambda: fields.content(b"letter", b"")) == "DIGEST_MISMATCH"


@pytest.mark.parametrize("text", ["", "2233558", "223355888", "2233558a", "２２３３５５８８", "²²³³⁵⁵⁸⁸"])
def test_refuses_what_is_no_organisation_code(text: str) -> None:
    assert reason_of(lambda: fields.organisation_code(text, AM)) == "CODE_MALFORMED"


def test_accepts_an_organisation_code() -> None:
    assert fields.organisation_code("22335588", AM) == "22335588"


@given(st.text(max_size=300))
def test_what_a_line_accepts_has_one_line(text: str) -> None:
    try:
        accepted = fields.line(text, 200)
    except Malformed:
        return
    assert accepted == text
    assert len(text.splitlines()) == 1
    text.encode()
