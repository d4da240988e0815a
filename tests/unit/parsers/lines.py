"""The formats that are lines of text: notes, checkpoints, proofs, policies, keys, what witnesses are asked
and answer, and what people sign.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.cosignature import CosignatureVerifier
from namak.evidence.encoding import decode_base64, encode_base64, parse_decimal
from namak.evidence.errors import (
    InvalidProof,
    InvalidSignature,
    MalformedCheckpoint,
    MalformedKey,
    MalformedNote,
    MalformedPolicy,
    MalformedProof,
    MalformedWitnessing,
    UnknownLog,
)
from namak.evidence.failures import MalformedSignIn, MalformedStatement
from namak.evidence.note import (
    ED25519,
    Note,
    Verifier,
    VerifierKey,
    key_id,
    note_from,
    open_note,
    parse_note,
    signature_line,
    vkey,
)
from namak.evidence.sign_in import Purpose, SignInChallenge
from namak.evidence.statement import StatedPart, Statement
from namak.evidence.times import format_time, parse_time
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.tlog_witness import AddCheckpoint, cosignature_from, parse_size_body, size_body
from tests.unit.evidence.signing import LogKey, WitnessKey, proof_of
from tests.unit.parsers.parsers import Parser
from tests.unit.witness.growing_log import GrowingLog

LOG = GrowingLog(LogKey("log.example/2026"))
W1, W2 = WitnessKey("witness.example/w1"), WitnessKey("witness.example/w2")
TEXT = LOG.text(10)
NOTE = LOG.note(10, W1.line(TEXT), W2.line(TEXT))
POLICY = f"""# whom this verifier trusts
log {LOG.key.vkey}
witness w1 {W1.vkey} https://w1.example/
witness w2 {W2.vkey}
group both 2 w1 w2
quorum both
""".encode()
PROOF = proof_of(LOG.key, [b"entry %d" % each for each in range(11)], 5, extra=b"evidence!", witnesses=[W1])
_NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
STATEMENT = Statement(
    statement_id=UUID("0192f0c4-0000-7000-8000-0000000000aa"),
    delivery_id=UUID("0192f0c4-0000-7000-8000-0000000000ab"),
    sender="notices@src.am",
    recipient="5001950015@e-citizen.am",
    parts=(StatedPart("subject", bytes(32)), StatedPart("1", bytes(range(32)))),
    issued=_NOON,
    expires=_NOON + timedelta(minutes=5),
    right="ab" * 32,
)
CHALLENGE = SignInChallenge(
    sign_in_id=UUID("0192f0c4-0000-7000-8000-0000000000aa"),
    purpose=Purpose.SIGN_IN,
    language="hy",
    post="e-citizen.am",
    portal="Էլեկտրոնային քաղաքացի",
    certificate_sha256=bytes(32),
    ends_others=False,
    issued=_NOON,
    expires=_NOON + timedelta(minutes=5),
    nonce=bytes(range(32)),
)

FREE_TEXT = "the text of a note is its signer's own"
BLANKS = "lines of a policy may be empty, and have any blanks"
_BASE64 = re.compile(rb"(?<=[ \n])(?:[A-Za-z0-9+/]{4}){8,}(?:[A-Za-z0-9+/]{2,3}={1,2})?(?=\n)")
Place = tuple[bytes, bytes, bytes]


def base64_of(sample: bytes) -> tuple[Place, ...]:
    """Returns where lines of a sample end in base64, each with what stands before and behind it."""
    places = []
    for found in _BASE64.finditer(sample):
        before = sample[sample.rfind(b"\n", 0, found.start()) + 1 : found.start()]
        places.append((before, found[0], b"\n"))
    return tuple(places)


def key_place(spelled: str) -> Place:
    """Returns where the base64 of a verifier key is."""
    name, number, material = spelled.split("+", 2)
    return f"{name}+{number}+".encode(), material.encode(), b""


def text_of(data: bytes) -> str:
    """Returns bytes as the text that a program may hold of them; what is not UTF-8 becomes surrogates."""
    return data.decode("utf-8", "surrogateescape")


def _note_bytes(note: Note) -> bytes:
    lines = [signature_line(each.name, each.key_id, each.signature) for each in note.signatures]
    return note_from(note.text, lines)


def _key_bytes(key: VerifierKey) -> bytes:
    material = encode_base64(bytes([key.signature_type]) + key.public_key)
    return f"{key.name}+{key.key_id.hex()}+{material}".encode()


def _opened(data: bytes) -> Note:
    note = parse_note(data)
    open_note(note, [LOG.key.verifier, W1.verifier, W2.verifier])
    return note


def _proven(data: bytes) -> TlogProof:
    proof = TlogProof.parse(data)
    proof.verify(b"entry 5", TlogPolicy.parse(f"log {LOG.key.vkey}\nquorum none\n".encode()))
    return proof


def _spelled(read: Callable[[str], Any]) -> Callable[[bytes], Any]:
    return lambda data: read(text_of(data))


LINES: tuple[Parser, ...] = (
    Parser(
        "note",
        NOTE,
        parse_note,
        (MalformedNote,),
        _note_bytes,
        base64=base64_of(NOTE)[1:],
        signature=W1.line(TEXT),
        permits={"a byte order mark": FREE_TEXT},
    ),
    Parser(
        "note, opened",
        NOTE,
        _opened,
        (MalformedNote, InvalidSignature),
        _note_bytes,
        numbers=((b"\n", b"10", b"\n"),),
        base64=base64_of(NOTE),
        signature=W1.line(TEXT),
    ),
    Parser(
        "checkpoint",
        TEXT,
        Checkpoint.parse,
        (MalformedCheckpoint,),
        Checkpoint.text,
        numbers=((b"\n", b"10", b"\n"),),
        base64=base64_of(TEXT),
        permits={"a byte order mark": FREE_TEXT, "a line more": "extensions are lines of any text"},
    ),
    Parser(
        "proof",
        PROOF.encode(),
        TlogProof.parse,
        (MalformedProof,),
        TlogProof.encode,
        numbers=((b"index ", b"5", b"\n"), (b"\n", b"11", b"\n")),
        base64=((b"extra ", b"ZXZpZGVuY2Uh", b"\n"), *base64_of(PROOF.encode())),
        signature=W1.line(parse_note(PROOF.checkpoint).text),
    ),
    Parser(
        "proof, verified",
        PROOF.encode(),
        _proven,
        (MalformedProof, UnknownLog, InvalidSignature, InvalidProof),
        TlogProof.encode,
        signature=W1.line(parse_note(PROOF.checkpoint).text),
    ),
    Parser(
        "policy",
        POLICY,
        TlogPolicy.parse,
        (MalformedPolicy,),
        numbers=((b"group both ", b"2", b" w1"),),
        base64=tuple(
            (key_place(key)[0], key_place(key)[1], behind)
            for key, behind in ((LOG.key.vkey, b"\n"), (W1.vkey, b" "), (W2.vkey, b"\n"))
        ),
        permits={"a line more": BLANKS, "blanks around numbers": BLANKS},
    ),
    Parser(
        "log's key",
        LOG.key.vkey.encode(),
        _spelled(Verifier.parse),
        (MalformedKey,),
        lambda key: vkey(key.name, key.public_key).encode(),
        base64=(key_place(LOG.key.vkey),),
    ),
    Parser(
        "witness's key",
        W1.vkey.encode(),
        _spelled(CosignatureVerifier.parse),
        (MalformedKey,),
        lambda key: vkey(key.name, key.public_key, 4).encode(),
        base64=(key_place(W1.vkey),),
    ),
    Parser(
        "key of any kind",
        W1.vkey.encode(),
        _spelled(VerifierKey.parse),
        (MalformedKey,),
        _key_bytes,
        base64=(key_place(W1.vkey),),
        permits={
            "a byte order mark": "it may stand in a name",
            "another key id": "whose the id is follows from the type, which is not known here",
        },
    ),
    Parser(
        "request to a witness",
        LOG.asks(3, 10),
        AddCheckpoint.parse,
        (MalformedWitnessing,),
        AddCheckpoint.encode,
        numbers=((b"old ", b"3", b"\n"), (b"\n", b"10", b"\n")),
        base64=base64_of(LOG.asks(3, 10)),
        signature=LOG.key.line(TEXT),
    ),
    Parser(
        "answer of a witness",
        W1.line(TEXT) + W2.line(TEXT),
        lambda data: cosignature_from(data, TEXT, W1.verifier),
        (MalformedWitnessing, InvalidSignature),
        base64=base64_of(b"\n" + W1.line(TEXT) + W2.line(TEXT)),
        signature=W1.line(TEXT),
    ),
    Parser(
        "size that a witness tells",
        b"20852163\n",
        parse_size_body,
        (MalformedWitnessing,),
        size_body,
        numbers=((b"", b"20852163", b"\n"),),
    ),
    Parser("statement", STATEMENT.encode(), Statement.parse, (MalformedStatement,), Statement.encode),
    Parser("sign-in", CHALLENGE.encode(), SignInChallenge.parse, (MalformedSignIn,), SignInChallenge.encode),
    Parser(
        "base64",
        b"ZXZpZGVuY2Uh",
        _spelled(decode_base64),
        (ValueError,),
        lambda data: encode_base64(data).encode(),
        base64=((b"", b"ZXZpZGVuY2Uh", b""),),
        permits={"nothing": "of no bytes", "megabytes": "whoever reads it has a limit"},
    ),
    Parser(
        "number",
        b"20852163",
        _spelled(parse_decimal),
        (ValueError,),
        lambda number: b"%d" % number,
        numbers=((b"", b"20852163", b""),),
    ),
    Parser(
        "time",
        b"2026-11-21T23:42:45.123456Z",
        _spelled(parse_time),
        (ValueError,),
        lambda time: format_time(time).encode(),
    ),
)

ONE_LINE = {"log's key", "witness's key", "key of any kind", "base64", "number", "time"}
"""What is no file, and has no newline at its end."""

WRONG_KEY_ID = key_id("another.example", ED25519, LOG.key.public_key)
