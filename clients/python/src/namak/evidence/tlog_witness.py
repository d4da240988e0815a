"""C2SP tlog-witness: what a log asks of a witness, and what the witness answers, as bytes over HTTP."""

from dataclasses import dataclass
from typing import Final, Self

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.cosignature import CosignatureVerifier
from namak.evidence.encoding import LIMIT, decode_base64, encode_base64, parse_decimal
from namak.evidence.errors import (
    InvalidSignature,
    MalformedCheckpoint,
    MalformedNote,
    MalformedWitnessing,
)
from namak.evidence.note import Note, NoteSignature, open_note, parse_note, shown
from namak.evidence.tree import HASH_BYTES

ADD_CHECKPOINT: Final = "add-checkpoint"
"""The call's path below the witness's submission prefix; it is a POST."""

SIZE_TYPE: Final = "text/x.tlog.size"
"""The media type of a conflict's body."""

MAX_REQUEST_BYTES: Final = 256 * 1024
"""Length of a request: 63 hashes, and a note with over 30 post-quantum signatures."""

MAX_ANSWER_BYTES: Final = 64 * 1024
"""Length of an answer: the cosignatures of one witness, a few keys in rotation among them."""

MAX_HASHES: Final = 63
"""Hashes in a consistency proof (tlog-witness, "add-checkpoint")."""

_OLD: Final = b"old "
_HASH_LINE_BYTES: Final = 44
_SIZE_BODY_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request that a witness cosign ``note``, whose tree begins with that of ``old_size`` leaves.

    ``hashes`` are the consistency proof (RFC 6962, 2.1.2), 32 bytes each. Nothing is verified, not even that
    the old size is not the larger one: what is wrong there has an answer of its own. Raises
    :class:`MalformedWitnessing` for values that no request can hold.
    """

    old_size: int
    hashes: tuple[bytes, ...]
    note: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.old_size < LIMIT:
            raise MalformedWitnessing(f"old size {self.old_size} is not between 0 and 2**63 - 1")
        if len(self.hashes) > MAX_HASHES:
            raise MalformedWitnessing(f"a consistency proof has more than {MAX_HASHES} hashes")
        if any(len(value) != HASH_BYTES for value in self.hashes):
            raise MalformedWitnessing(f"a hash of the consistency proof is not {HASH_BYTES} bytes long")
        self.parsed()

    def encode(self) -> bytes:
        """Returns the request's body. Raises :class:`MalformedWitnessing` above :data:`MAX_REQUEST_BYTES`."""
        hashes = b"".join(f"{encode_base64(value)}\n".encode() for value in self.hashes)
        return _bounded(b"old %d\n%b\n%b" % (self.old_size, hashes, self.note))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Reads a request's body.

        Raises :class:`MalformedWitnessing` for all but the one encoding that :meth:`encode` gives.
        """
        head, separator, note = _bounded(data).partition(b"\n\n")
        if not separator:
            raise MalformedWitnessing("a request has no empty line before its checkpoint")
        first, *lines = head.split(b"\n", MAX_HASHES + 2)
        if not first.startswith(_OLD):
            raise MalformedWitnessing("a request does not begin with its old size")
        if len(lines) > MAX_HASHES:
            raise MalformedWitnessing(f"a consistency proof has more than {MAX_HASHES} hashes")
        return cls(_decimal("the old size", first.removeprefix(_OLD)), tuple(map(_hash, lines)), note)

    def parsed(self) -> tuple[Note, Checkpoint]:
        """Returns the note in its parts, and the checkpoint that is its text; neither is verified."""
        try:
            note = parse_note(self.note)
            return note, Checkpoint.parse(note.text)
        except (MalformedNote, MalformedCheckpoint) as error:
            raise MalformedWitnessing(f"the checkpoint is malformed: {error.detail}") from None


def size_body(size: int) -> bytes:
    """Returns the body of a conflict: the size of the newest tree that the witness recorded."""
    return b"%d\n" % size


def parse_size_body(data: bytes) -> int:
    """Reads the body of a conflict. Raises :class:`MalformedWitnessing`."""
    if len(data) > _SIZE_BODY_BYTES or not data.endswith(b"\n"):
        raise MalformedWitnessing("a size is not one line")
    return _decimal("the size", data[:-1])


def cosignature_from(answer: bytes, text: bytes, witness: CosignatureVerifier) -> NoteSignature:
    """Returns the first cosignature over the checkpoint ``text`` by that key of the witness.

    Other keys' lines are ignored, whatever they hold (tlog-witness, "add-checkpoint"). Raises
    :class:`MalformedWitnessing` where the answer is not signature lines, :class:`InvalidSignature` where
    there is none by this key, or one of them is wrong.
    """
    if len(answer) > MAX_ANSWER_BYTES:
        raise MalformedWitnessing(f"an answer is longer than {MAX_ANSWER_BYTES} bytes")
    try:
        note = parse_note(b"%b\n%b" % (text, answer))
    except MalformedNote as error:
        raise MalformedWitnessing(f"the answer is not signature lines: {error.detail}") from None
    if note.text != text:
        # An empty line within the answer would move where the signatures begin.
        raise MalformedWitnessing("the answer is not signature lines: it has an empty line")
    try:
        return open_note(note, [witness])[0]
    except InvalidSignature as error:
        raise InvalidSignature(f"the witness {shown(witness.name)} did not cosign: {error.detail}") from None


def _bounded(data: bytes) -> bytes:
    if len(data) > MAX_REQUEST_BYTES:
        raise MalformedWitnessing(f"a request is longer than {MAX_REQUEST_BYTES} bytes")
    return data


def _decimal(what: str, digits: bytes) -> int:
    try:
        return parse_decimal(digits.decode("ascii"))
    except ValueError:
        raise MalformedWitnessing(
            f"{what} is not a decimal number below 2**63 without leading zeros"
        ) from None


def _hash(line: bytes) -> bytes:
    try:
        if len(line) != _HASH_LINE_BYTES:
            raise ValueError
        return decode_base64(line.decode("ascii"))
    except ValueError:
        raise MalformedWitnessing(
            "a line of the consistency proof is not the canonical base64 of a hash"
        ) from None
