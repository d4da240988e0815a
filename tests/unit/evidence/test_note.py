"""Signed notes: what is one, and who signed it."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.cosignature import COSIGNATURE
from namak.evidence.errors import InvalidSignature, MalformedKey, MalformedNote
from namak.evidence.note import (
    ED25519,
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Verifier,
    VerifierKey,
    is_key_name,
    key_id,
    note_from,
    open_note,
    parse_note,
    sign_note,
    signature_line,
    vkey,
)
from tests.unit.evidence.other_signatures import signed_otherwise
from tests.unit.evidence.signing import LogKey

# The example of the standard (signed-note, "Verifier keys").
EXAMPLE_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONn"
    "cAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
# The standard's other example has an empty line in its text, and no key is given for it.
POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj"
    "99ihAQwaqP3ZekRwNtIc=\n"
).encode()
TEXT = "Նամակ\n\nsecond paragraph\n".encode()
KEY = LogKey("log.example")
LINE = KEY.line(TEXT)


def test_opens_the_standards_example() -> None:
    verifier = Verifier.parse(EXAMPLE_VKEY)
    note = parse_note(EXAMPLE_NOTE)
    assert note.text == b"This is an example message.\n"
    (signature,) = open_note(note, [verifier])
    assert (signature.name, signature.key_id.hex()) == ("example.com/foo", "530d903a")
    assert vkey(verifier.name, verifier.public_key) == EXAMPLE_VKEY


def test_the_text_ends_at_the_last_empty_line() -> None:
    note = parse_note(POEM)
    assert note.text.endswith("sole:\n\ned è subito sera.\n".encode())
    assert [signature.name for signature in note.signatures] == ["quasimodo.example/salvatore"]


def test_any_changed_byte_of_the_example_is_refused() -> None:
    verifier = Verifier.parse(EXAMPLE_VKEY)
    for position in range(len(EXAMPLE_NOTE)):
        changed = bytearray(EXAMPLE_NOTE)
        changed[position] ^= 1
        with pytest.raises((MalformedNote, InvalidSignature)):
            open_note(parse_note(bytes(changed)), [verifier])


async def test_signs_what_it_opens() -> None:
    note = parse_note(await sign_note(TEXT, KEY))
    assert note.text == TEXT
    assert [signature.name for signature in open_note(note, [KEY.verifier])] == ["log.example"]


@given(st.text(alphabet="a\n— +é", max_size=30))
def test_a_note_comes_back_in_its_parts(text: str) -> None:
    encoded = f"{text}\n".encode()
    note = parse_note(note_from(encoded, [KEY.line(encoded)]))
    assert note.text == encoded
    assert open_note(note, [KEY.verifier])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        TEXT,
        TEXT + b"\n",
        TEXT + LINE,
        TEXT + b"\n" + LINE[:-1],
        TEXT + b"\n" + LINE + b"\n",
        TEXT + b"\n" + LINE + b"trailing\n",
        b"\n" + LINE,
        TEXT + b"\n" + LINE.replace("—".encode(), b"-"),
        TEXT + b"\n" + LINE.replace(b" ", b"  ", 1),
        TEXT + b"\n" + LINE.replace(b" log", b" l\xc2\xa0og"),
        TEXT + b"\n" + LINE.replace(b" log", b" l+og"),
        TEXT + b"\n" + LINE.replace(b"log.example ", b" "),
        TEXT + b"\n" + LINE.replace(b"\n", b"\r\n"),
        TEXT + b"\n" + LINE.replace(b"\n", b" \n"),
        TEXT + b"\n" + LINE.replace(b"=", b""),
        TEXT + b"\n" + "— log.example AAAAAA==\n".encode(),
        TEXT + b"\n" + "— log.example AAAAAAB=\n".encode(),
        TEXT + b"\n" + "— log.example AAAA\n".encode(),
        TEXT + b"\t\n\n" + LINE,
        TEXT + b"\x00\n\n" + LINE,
        TEXT + b"\xff\n\n" + LINE,
        TEXT + b"\xed\xa0\x80\n\n" + LINE,
        TEXT + b"\n" + LINE * (MAX_SIGNATURES + 1),
        b"a" * MAX_NOTE_BYTES + b"\n\n" + LINE,
    ],
    # Keys are new in every process, and all processes must call a test by the same name.
    ids=lambda data: "note",
)
def test_refuses_what_is_no_note(data: bytes) -> None:
    with pytest.raises(MalformedNote):
        parse_note(data)


def test_a_key_may_sign_twice_but_not_alike() -> None:
    key = LogKey()
    text = b"text\n"
    first = key.line(text)
    second = signature_line(key.name, key.key_id, signed_otherwise(key.private, text, 5))
    both = parse_note(note_from(text, [first, second]))
    assert open_note(both, [key.verifier]) == both.signatures
    for lines in ([first, first], [first, second, first], [second, first, second]):
        with pytest.raises(MalformedNote, match="twice"):
            parse_note(text + b"\n" + b"".join(lines))


def test_accepts_as_many_signatures_as_it_says() -> None:
    lines = [signature_line(f"w{number}.example", b"abcd", bytes(72)) for number in range(MAX_SIGNATURES)]
    assert len(parse_note(TEXT + b"\n" + b"".join(lines)).signatures) == MAX_SIGNATURES
    with pytest.raises(MalformedNote, match="more than"):
        parse_note(TEXT + b"\n" + b"".join(lines) + LINE)


def test_ignores_unknown_keys_that_share_a_name_or_an_id() -> None:
    other = signature_line("other.example", KEY.key_id, b"\x00" * 64)
    namesake = signature_line(KEY.name, bytes(4), b"\x00" * 64)
    opened = open_note(parse_note(note_from(TEXT, [other, namesake, LINE])), [KEY.verifier])
    assert [signature.key_id for signature in opened] == [KEY.key_id]


def test_one_wrong_signature_by_a_known_key_spoils_the_note() -> None:
    second = LogKey("second.example")
    wrong = second.line(b"another text\n")
    with pytest.raises(InvalidSignature, match=r"second\.example"):
        open_note(parse_note(note_from(TEXT, [LINE, wrong])), [KEY.verifier, second.verifier])
    with pytest.raises(InvalidSignature):
        open_note(parse_note(note_from(TEXT, [LINE, KEY.line(b"another text\n")])), [KEY.verifier])


def test_refuses_a_note_that_no_known_key_signed() -> None:
    with pytest.raises(InvalidSignature, match="no signature by a known key"):
        open_note(parse_note(note_from(TEXT, [LINE])), [LogKey("log.example").verifier])
    with pytest.raises(InvalidSignature, match="no signature by a known key"):
        open_note(parse_note(note_from(TEXT, [LINE])), [])


@pytest.mark.parametrize("length", [1, 63, 65, 72])
def test_refuses_a_signature_of_another_length(length: int) -> None:
    note = note_from(TEXT, [signature_line(KEY.name, KEY.key_id, bytes(length))])
    with pytest.raises(InvalidSignature):
        open_note(parse_note(note), [KEY.verifier])


def test_two_verifiers_of_one_name_and_id_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="same name"):
        open_note(parse_note(note_from(TEXT, [LINE])), [KEY.verifier, KEY.verifier])


@pytest.mark.parametrize("text", [b"no newline", b"a\n\nb", b"", b"tab\t\n", b"\xff\n"], ids=repr)
def test_writes_no_note_that_it_could_not_read(text: bytes) -> None:
    with pytest.raises(MalformedNote):
        note_from(text, [LINE])


def test_a_line_cannot_smuggle_text() -> None:
    with pytest.raises(MalformedNote):
        note_from(b"text\n", [b"more text\n", b"\n", LINE])


@pytest.mark.parametrize(
    ("name", "key", "signature"),
    [
        ("", b"1234", b"s"),
        ("a b", b"1234", b"s"),
        ("a\n", b"1234", b"s"),
        ("a", b"123", b"s"),
        ("a", b"1234", b""),
    ],
)
def test_writes_no_line_that_it_could_not_read(name: str, key: bytes, signature: bytes) -> None:
    with pytest.raises(MalformedNote):
        signature_line(name, key, signature)


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a\tb", "a+b", "a\u00a0b", "a\u2028b", "a\u3000", "\x01", "\ud800"]
)
def test_no_name_of_a_key(name: str) -> None:
    assert not is_key_name(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        EXAMPLE_VKEY.replace("530d903a", "530D903A"),
        EXAMPLE_VKEY.replace("530d903a", "530d903b"),
        EXAMPLE_VKEY.replace("530d903a", "530d903"),
        EXAMPLE_VKEY.replace("530d903a", "0530d903a"),
        EXAMPLE_VKEY.replace("foo", "fop"),
        EXAMPLE_VKEY.replace("/", " "),
        EXAMPLE_VKEY.replace("example.com/foo", ""),
        EXAMPLE_VKEY + "\n",
        " " + EXAMPLE_VKEY,
        EXAMPLE_VKEY[:-1],
        EXAMPLE_VKEY + "=",
        EXAMPLE_VKEY[:-4],
        "example.com/foo+530d903a+",
        "example.com/foo+530d903a+AQ==",
        "\udcff" + EXAMPLE_VKEY,
    ],
    ids=repr,
)
def test_refuses_what_is_no_verifier_key(text: str) -> None:
    with pytest.raises(MalformedKey):
        Verifier.parse(text)


def test_refuses_a_key_of_another_signature_type() -> None:
    with pytest.raises(MalformedKey, match="0x04"):
        Verifier.parse(vkey("log.example", KEY.public_key, COSIGNATURE))


def test_refuses_a_key_id_of_another_signature_type() -> None:
    stolen = key_id("log.example", COSIGNATURE, KEY.public_key).hex()
    material = base64.b64encode(bytes([ED25519]) + KEY.public_key).decode()
    with pytest.raises(MalformedKey, match="key id"):
        Verifier.parse(f"log.example+{stolen}+{material}")


def test_refuses_a_weak_key_with_a_right_id() -> None:
    weak = (1).to_bytes(32, "little")
    material = base64.b64encode(bytes([ED25519]) + weak).decode()
    with pytest.raises(MalformedKey, match="small order"):
        Verifier.parse(f"log.example+{key_id('log.example', ED25519, weak).hex()}+{material}")
    with pytest.raises(MalformedKey, match="small order"):
        vkey("log.example", weak)
    with pytest.raises(MalformedKey, match="small order"):
        Verifier("log.example", weak)


def test_key_material_may_hold_plus_signs() -> None:
    material = base64.b64encode(b"\x01\x00\x00" + b"\xfb\xef\xbe" * 10).decode()
    assert "+" in material
    assert (
        VerifierKey.parse(f"log.example+00000000+{material}").public_key == b"\x00\x00" + b"\xfb\xef\xbe" * 10
    )
