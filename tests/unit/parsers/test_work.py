"""Twice as much to read is at most twice as much work, and what is too long is refused before any.

Work is counted and not timed: the calls that the interpreter makes, and what is asked of the bytes.
"""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

import pytest

from namak.delivery_certificate.reading import MAX_BYTES as MAX_CERTIFICATE
from namak.delivery_certificate.reading import NotReadable, read_certificate
from namak.delivery_certificate.statement import LIMIT as MAX_STATEMENT
from namak.delivery_certificate.statement import Statement as CertificateStatement
from namak.evidence import checkpoint, note, tlog_policy, tlog_proof, tlog_witness
from namak.evidence.cms_signature import check_signature
from namak.evidence.details import CMS_LIMIT, STATEMENT_LIMIT
from namak.evidence.document import DOCUMENT_LIMIT
from namak.evidence.errors import EvidenceError, MalformedKey
from namak.evidence.note import VerifierKey, signature_line
from namak.evidence.recorded import recorded
from namak.evidence.sign_in import CHALLENGE_LIMIT, SignInChallenge
from namak.evidence.statement import Statement
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.tlog_witness import AddCheckpoint, cosignature_from
from tests.unit.evidence.signing import WitnessKey
from tests.unit.parsers.lines import LOG, PROOF, STATEMENT, TEXT, W1
from tests.unit.parsers.parsers import assert_clear

REFUSALS = (EvidenceError, NotReadable)


class Untouched(bytes):
    """Bytes of which only the length may be asked."""

    def _touched(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError("it was read before its length was looked at")

    decode = find = rfind = index = partition = rpartition = split = splitlines = strip = _touched
    startswith = endswith = replace = removeprefix = translate = count = hex = __contains__ = _touched
    __getitem__ = __iter__ = _touched


LIMITS: dict[str, tuple[Callable[[bytes], Any], int]] = {
    "note": (note.parse_note, note.MAX_NOTE_BYTES),
    "checkpoint": (checkpoint.Checkpoint.parse, checkpoint.MAX_BYTES),
    "proof": (TlogProof.parse, tlog_proof.MAX_BYTES),
    "policy": (TlogPolicy.parse, tlog_policy.MAX_BYTES),
    "request to a witness": (AddCheckpoint.parse, tlog_witness.MAX_REQUEST_BYTES),
    "answer of a witness": (
        lambda data: cosignature_from(data, TEXT, W1.verifier),
        tlog_witness.MAX_ANSWER_BYTES,
    ),
    "size that a witness tells": (tlog_witness.parse_size_body, 20),
    "evidence": (recorded, DOCUMENT_LIMIT),
    "statement": (Statement.parse, 4 * STATEMENT_LIMIT),
    "sign-in": (SignInChallenge.parse, CHALLENGE_LIMIT),
    "certificate's statement": (CertificateStatement.parse, MAX_STATEMENT),
    "certificate": (read_certificate, MAX_CERTIFICATE),
    "signature": (lambda data: check_signature(data, b""), CMS_LIMIT),
}


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_too_long_is_refused_before_it_is_read(name: str) -> None:
    parse, limit = LIMITS[name]
    with pytest.raises(REFUSALS) as refused:
        parse(Untouched(limit + 1))
    assert_clear(refused.value)


def test_a_key_that_is_too_long_is_refused() -> None:
    with pytest.raises(MalformedKey, match="longer"):
        VerifierKey.parse("a" * (note.MAX_VKEY + 1))


def calls(work: Callable[[], object]) -> int:
    """Returns how many calls are made while something is done, whether it succeeds or is refused."""
    count = 0

    def counted(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    except REFUSALS:
        pass
    finally:
        sys.setprofile(before)
    return count


def _policy(count: int) -> bytes:
    witnesses = [WitnessKey(f"w{number}.example") for number in range(count)]
    lines = [f"witness w{number} {each.vkey}" for number, each in enumerate(witnesses)]
    names = " ".join(f"w{number}" for number in range(count))
    return "".join(f"{line}\n" for line in [*lines, f"group all {count} {names}", "quorum all"]).encode()


def _statement(parts: int) -> bytes:
    lines = STATEMENT.encode().split(b"\n")
    more = [b"part: %d sha-256:%b" % (number, b"00" * 32) for number in range(2, parts)]
    return b"\n".join([*lines[:-3], *more, *lines[-3:]])


def _note(count: int) -> bytes:
    lines = [signature_line(f"w{number}.example", b"abcd", bytes(72)) for number in range(count)]
    return TEXT + b"\n" + b"".join(lines)


SIZES: dict[str, tuple[Callable[[bytes], Any], Callable[[int], bytes], int]] = {
    "note of many signatures": (note.parse_note, _note, 32),
    "note of many lines": (note.parse_note, lambda count: b"a\n" * count + b"\n" + W1.line(TEXT), 50_000),
    "note of many empty lines": (note.parse_note, lambda count: b"a\n\n" * count + W1.line(TEXT), 50_000),
    "checkpoint of many extensions": (
        checkpoint.Checkpoint.parse,
        lambda count: TEXT + b"a\n" * count,
        50_000,
    ),
    "proof of many lines": (
        TlogProof.parse,
        lambda count: PROOF.encode().replace(b"index", b"A\n" * count),
        500_000,
    ),
    "proof of a long line": (
        TlogProof.parse,
        lambda count: PROOF.encode().replace(b"index", b"A" * count),
        500_000,
    ),
    "policy of many witnesses": (TlogPolicy.parse, _policy, 60),
    "policy of many blanks": (TlogPolicy.parse, lambda count: b" \t" * count + b"\nquorum none\n", 50_000),
    "policy of many comments": (TlogPolicy.parse, lambda count: b"#\n" * count + b"quorum none\n", 50_000),
    "policy of a long group": (
        TlogPolicy.parse,
        lambda count: b"group g all " + b"x " * count + b"\n",
        50_000,
    ),
    "request of many lines": (
        AddCheckpoint.parse,
        lambda count: b"old 1\n" * count + b"\n" + LOG.note(3),
        15_000,
    ),
    "request of many notes": (AddCheckpoint.parse, lambda count: b"old 1\n\n" + b"a\n\n" * count, 30_000),
    "statement of many parts": (Statement.parse, _statement, 400),
    "list of many items": (recorded, lambda count: b"[" + b"0," * count + b"0]", 200_000),
    "object of many keys": (
        recorded,
        lambda count: b"{%b}" % b",".join(b'"%d":0' % each for each in range(count)),
        40_000,
    ),
    "many levels": (recorded, lambda count: b"[" * count, 200_000),
    "many digits": (recorded, lambda count: b"1" * count, 200_000),
    "many escapes": (recorded, lambda count: b'"%b"' % (b"\\u0041" * count), 60_000),
}


@pytest.mark.parametrize("name", SIZES)
def test_twice_the_length_is_twice_the_work(name: str) -> None:
    parse, make, size = SIZES[name]
    once, twice = make(size), make(2 * size)
    assert len(twice) > 1.5 * len(once)
    parse_once, parse_twice = calls(lambda: parse(once)), calls(lambda: parse(twice))
    assert parse_twice <= 2.2 * parse_once + 50
