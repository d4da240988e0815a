"""What a log and a witness say to each other: one spelling each, and anything else a clear refusal."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from namak.evidence.cosignature import CosignatureVerifier
from namak.evidence.errors import EvidenceError, InvalidSignature, MalformedKey, MalformedWitnessing
from namak.evidence.note import MAX_SIGNATURES, note_from, signature_line
from namak.evidence.tlog_witness import (
    MAX_ANSWER_BYTES,
    MAX_HASHES,
    MAX_REQUEST_BYTES,
    AddCheckpoint,
    cosignature_from,
    parse_size_body,
    size_body,
)
from tests.unit.evidence.signing import LogKey, WitnessKey
from tests.unit.witness.growing_log import GrowingLog

# The request of the standard (tlog-witness, "add-checkpoint").
EXAMPLE = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzG\
ku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw\
6QUXTS5Rovnzv++qbSzm9Q=
""".encode()
# Its answer, by two witnesses that nobody here knows.
EXAMPLE_ANSWER = """— witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL3\
9QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==
— witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+Uf\
zuOBMh9ChdMkP1vi/lCAsmlw==
— witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/\
kWl7oJlqU3rXXvpysAdyP3wQ==
""".encode()
LOG = GrowingLog()
GOOD = LOG.asks(3, 10)
WITNESS = WitnessKey()
TEXT = LOG.text(10)
LINE = WITNESS.line(TEXT)
# Points of order 1, 4 and 8: under such a key one signature fits many messages.
SMALL_ORDER = [
    bytes([1]) + bytes(31),
    bytes(32),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
]


def test_reads_the_standards_example() -> None:
    request = AddCheckpoint.parse(EXAMPLE)

    note, checkpoint = request.parsed()
    assert (request.old_size, len(request.hashes), checkpoint.size) == (20852014, 4, 20852163)
    assert request.hashes[0] == base64.b64decode("PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=")
    assert len(note.signatures) == 2
    assert request.encode() == EXAMPLE


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_HASHES))
def test_reads_what_it_writes(old: int, hashes: list[bytes]) -> None:
    request = AddCheckpoint(old, tuple(hashes), LOG.note(2))

    assert AddCheckpoint.parse(request.encode()) == request


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (b"", "empty line"),
        (b"old 3\n", "empty line"),
        (GOOD[:-1], "newline"),
        (GOOD.replace(b"\n", b"\r\n"), "empty line"),
        (GOOD.replace(b"old 3\n", b"old 3\r\n"), "old size"),
        (GOOD.replace(b"old 3\n", b"old 03\n"), "leading zeros"),
        (GOOD.replace(b"old 3\n", b"old +3\n"), "leading zeros"),
        (GOOD.replace(b"old 3\n", b"old -3\n"), "leading zeros"),
        (GOOD.replace(b"old 3\n", b"old  3\n"), "leading zeros"),
        (GOOD.replace(b"old 3\n", "old ٣\n".encode()), "leading zeros"),
        (GOOD.replace(b"old 3\n", b"old 3_0\n"), "leading zeros"),
        (GOOD.replace(b"old 3\n", b"old \n"), "leading zeros"),
        (GOOD.replace(b"old 3\n", b"old %d\n" % 2**63), r"2\*\*63"),
        (GOOD.replace(b"old 3\n", b"old %b\n" % (b"9" * 5000)), r"2\*\*63"),
        (GOOD.replace(b"old 3\n", b"size 3\n"), "begin with its old size"),
        (GOOD.replace(b"old 3\n", b"Old 3\n"), "begin with its old size"),
        (GOOD.replace(b"old 3\n", b"old 3\n\n"), "checkpoint is malformed"),
        (GOOD.replace(b"old 3\n", b"old 3\nold 3\n"), "base64"),
        (GOOD.replace(b"old 3\n", b"old 3\n" + base64.b64encode(bytes(31)) + b"\n"), "32 bytes"),
        (GOOD.replace(b"old 3\n", b"old 3\n" + base64.b64encode(bytes(33)) + b"\n"), "32 bytes"),
        (GOOD.replace(b"old 3\n", b"old 3\n" + b"A" * 42 + b"B=\n"), "base64"),
        (GOOD.replace(b"old 3\n", b"old 3\n " + b"A" * 43 + b"=\n"), "base64"),
        (GOOD.replace(b"old 3\n", b"old 3\n\x00\n"), "base64"),
        (GOOD.replace(b"old 3\n", b"old 3\n" + (b"A" * 43 + b"=\n") * 64), "more than 63"),
        (GOOD.replace(b"\n10\n", b"\n010\n"), "checkpoint is malformed"),
        (GOOD.replace(b"\n10\n", b"\n%d\n" % 2**63), "checkpoint is malformed"),
        (GOOD.replace(b"\n10\n", b"\n1\x000\n"), "checkpoint is malformed"),
        (GOOD.replace("—".encode(), b"-"), "checkpoint is malformed"),
        (GOOD + b"\x00", "checkpoint is malformed"),
        (GOOD + LINE * MAX_SIGNATURES, "checkpoint is malformed"),
        (GOOD + b"\xff\n", "checkpoint is malformed"),
        (b"\x00" * (MAX_REQUEST_BYTES + 1), "longer than"),
    ],
)
def test_refuses_what_is_no_request(wrong: bytes, told: str) -> None:
    assert wrong != GOOD
    with pytest.raises(MalformedWitnessing, match=told):
        AddCheckpoint.parse(wrong)


@given(st.binary(max_size=200), st.integers(0, len(GOOD)), st.integers(0, 30))
@example(b"", 6, 1)
def test_damage_never_leaks_another_error_and_is_never_read_as_two_things(
    put: bytes, at: int, gone: int
) -> None:
    data = GOOD[:at] + put + GOOD[at + gone :]
    try:
        read = AddCheckpoint.parse(data).encode()
    except MalformedWitnessing:
        return
    assert read == data


@given(st.binary(max_size=400))
def test_noise_leaks_no_other_error(data: bytes) -> None:
    with pytest.raises(MalformedWitnessing):
        AddCheckpoint.parse(data)
    with pytest.raises(EvidenceError):
        cosignature_from(data, TEXT, WITNESS.verifier)


def test_a_request_that_nobody_could_read_is_not_written() -> None:
    with pytest.raises(MalformedWitnessing, match="hash"):
        AddCheckpoint(1, (bytes(31),), LOG.note(2))
    with pytest.raises(MalformedWitnessing, match="more than"):
        AddCheckpoint(1, (bytes(32),) * 64, LOG.note(2))
    with pytest.raises(MalformedWitnessing, match=r"2\*\*63"):
        AddCheckpoint(-1, (), LOG.note(2))
    with pytest.raises(MalformedWitnessing, match="malformed"):
        AddCheckpoint(1, (), b"no note")
    large = [signature_line("pq.example", number, bytes(150_000)) for number in (b"1234", b"1235")]
    with pytest.raises(MalformedWitnessing, match="longer than"):
        AddCheckpoint(0, (), LOG.note(2, *large)).encode()


@given(st.integers(0, 2**63 - 1))
def test_reads_the_sizes_that_it_writes(size: int) -> None:
    assert parse_size_body(size_body(size)) == size


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"\n",
        b"7",
        b"07\n",
        b"7\r\n",
        b" 7\n",
        b"-7\n",
        b"7\n\n",
        b"7\n8\n",
        b"%d\n" % 2**63,
        b"1" * 10**6,
    ],
)
def test_refuses_what_is_no_size(wrong: bytes) -> None:
    with pytest.raises(MalformedWitnessing):
        parse_size_body(wrong)


def test_finds_the_witnesss_own_line_among_others() -> None:
    stranger = WitnessKey()
    same_name_other_key = signature_line(WITNESS.name, b"\0\0\0\0", bytes(72))
    unknown_kind = signature_line("pq.example", b"abcd", bytes(2432))
    answer = b"".join([stranger.line(TEXT), same_name_other_key, LINE, unknown_kind, EXAMPLE_ANSWER])

    found = cosignature_from(answer, TEXT, WITNESS.verifier)

    assert signature_line(found.name, found.key_id, found.signature) == LINE


def test_one_who_did_not_cosign_is_told_from_one_who_wrote_nonsense() -> None:
    with pytest.raises(InvalidSignature, match=r"witness\.example/w1 did not cosign"):
        cosignature_from(EXAMPLE_ANSWER, TEXT, WITNESS.verifier)
    for wrong in (
        b"",
        LINE[:-1],
        LINE.replace(b"\n", b"\r\n"),
        b"\n" + LINE,
        LINE + b"\n" + LINE,
        b"<html>\n",
    ):
        with pytest.raises(MalformedWitnessing, match="signature lines"):
            cosignature_from(wrong, TEXT, WITNESS.verifier)
    with pytest.raises(MalformedWitnessing, match="longer"):
        cosignature_from(LINE * (MAX_ANSWER_BYTES // len(LINE) + 1), TEXT, WITNESS.verifier)


@pytest.mark.parametrize(
    "wrong",
    [
        WITNESS.line(LOG.text(9)),  # over another checkpoint
        LINE + WITNESS.line(LOG.text(9)),  # a good one does not heal a wrong one
        WitnessKey(WITNESS.name).line(TEXT).replace(b"+", b"/"),
        signature_line(WITNESS.name, WITNESS.verifier.key_id, WITNESS.private.sign(TEXT)),
        signature_line(WITNESS.name, WITNESS.verifier.key_id, b"\xff" * 8 + WITNESS.private.sign(TEXT)),
    ],
)
def test_a_wrong_cosignature_is_refused(wrong: bytes) -> None:
    with pytest.raises(InvalidSignature):
        cosignature_from(wrong, TEXT, WITNESS.verifier)


def test_of_several_cosignatures_the_first_is_taken_and_none_may_come_twice() -> None:
    later = WITNESS.line(TEXT, 1_767_225_601)

    found = cosignature_from(LINE + later, TEXT, WITNESS.verifier)

    assert signature_line(found.name, found.key_id, found.signature) == LINE
    with pytest.raises(MalformedWitnessing, match="twice"):
        cosignature_from(LINE + later + LINE, TEXT, WITNESS.verifier)


def test_a_checkpoint_that_ends_its_text_twice_takes_no_cosignature() -> None:
    # What is signed must be what is asked about, wherever the empty lines are.
    with pytest.raises(MalformedWitnessing):
        cosignature_from(b"\n" + LINE, TEXT.removesuffix(b"\n"), WITNESS.verifier)


@pytest.mark.parametrize("weak", SMALL_ORDER)
def test_a_witness_with_a_key_of_small_order_is_none(weak: bytes) -> None:
    with pytest.raises(MalformedKey):
        CosignatureVerifier("witness.example/w1", weak)


@pytest.mark.parametrize(
    "much",
    [
        b"\n" * MAX_REQUEST_BYTES,
        b"old 1\n" + b"A" * (MAX_REQUEST_BYTES - 6),
        b"old 1\n\n" + b"a\n\n" * 80_000,
    ],
)
def test_megabytes_are_refused_in_linear_time(much: bytes) -> None:
    # Twice quadratic would be minutes; the limit of time is that of all tests.
    for _ in range(20):
        with pytest.raises(MalformedWitnessing):
            AddCheckpoint.parse(much)


def test_a_note_may_carry_what_other_kinds_of_keys_signed() -> None:
    # A log in rotation, and witnesses with post-quantum keys, 32 of them.
    others = [signature_line(f"w{number}.example", b"abcd", bytes(2432)) for number in range(32)]
    note = note_from(TEXT, [LOG.key.line(TEXT), LogKey(LOG.key.name).line(TEXT), *others])

    assert AddCheckpoint.parse(AddCheckpoint(3, LOG.proof(3, 10), note).encode()).note == note
