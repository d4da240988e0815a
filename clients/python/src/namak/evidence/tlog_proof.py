"""C2SP tlog-proof: one text file that shows an entry to be in a log, without asking the log."""

from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.encoding import LIMIT, decode_base64, parse_decimal
from namak.evidence.errors import MalformedCheckpoint, MalformedNote, MalformedProof
from namak.evidence.note import parse_note
from namak.evidence.tlog_policy import CheckedCheckpoint, TlogPolicy
from namak.evidence.tree import HASH_BYTES, leaf_hash, verify_inclusion

SUFFIX = ".tlog-proof"
"""The extension of its file's name, by which a directory's receipts are known."""

MAX_BYTES = 16 * 1024 * 1024
"""Length of a proof file. The rest of it being small, this bounds ``extra`` to nearly 12 MiB."""

MAX_HASHES = 63
"""Hashes in an inclusion proof: the height of a tree of up to 2**63 - 1 leaves."""

_ONE_LENGTH = frozenset({HASH_BYTES})
_KEPT_BYTES = 4096
_FIRST_LINE = b"c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof that an entry is leaf ``index`` of the tree under ``checkpoint``, a signed note kept verbatim.

    ``extra`` is opaque, not empty, and not authenticated by the format: it counts only as far as the entry is
    computed from it. ``hashes`` run from the leaf's sibling up to the root's child, 32 bytes each. Nothing is
    verified before :meth:`verify`. Raises :class:`MalformedProof` for values that no proof file can hold.
    """

    extra: bytes | None
    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def __post_init__(self) -> None:
        if self.extra == b"":
            raise MalformedProof("the extra data is empty")
        if not 0 <= self.index < LIMIT:
            raise MalformedProof(f"index {self.index} is not between 0 and 2**63 - 1")
        if len(self.hashes) > MAX_HASHES or not _ONE_LENGTH.issuperset(map(len, self.hashes)):
            raise MalformedProof(
                f"the inclusion proof is not at most {MAX_HASHES} hashes of {HASH_BYTES} bytes"
            )
        _check_checkpoint(self.checkpoint)

    def encode(self) -> bytes:
        """Returns the file's bytes. Raises :class:`MalformedProof` above :data:`MAX_BYTES`."""
        extra = b"" if self.extra is None else b"extra " + b2a_base64(self.extra)
        # Each line of base64 comes with its end.
        hashes = b"".join(map(b2a_base64, self.hashes))
        data = b"%b\n%bindex %d\n%b\n%b" % (_FIRST_LINE, extra, self.index, hashes, self.checkpoint)
        _check_length(data)
        return data

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Reads a proof file.

        Raises :class:`MalformedProof` for all but the one encoding that :meth:`encode` gives.
        """
        _check_length(data)
        if not data.startswith(_FIRST_LINE + b"\n"):
            raise MalformedProof("a proof does not begin with its version line" if data else "it is empty")
        # No empty line begins within the second line, which is long: it holds the extra data.
        empty = data.find(b"\n\n", max(0, data.find(b"\n", len(_FIRST_LINE) + 1) - 1))
        if empty < 0:
            raise MalformedProof("a proof has no empty line before its checkpoint")
        checkpoint = data[empty + 2 :]
        start, extra = len(_FIRST_LINE) + 1, None
        if data.startswith(b"extra ", start):
            end = data.find(b"\n", start, empty + 1)
            extra = _decode("the extra data", data[start + len(b"extra ") : end])
            start = end + 1
        # The rest is short; the extra data is not looked through for ends of lines.
        lines = data[start:empty].split(b"\n", MAX_HASHES + 3)
        if not lines[0].startswith(b"index "):
            raise MalformedProof("a proof has no index line where it belongs")
        try:
            index = parse_decimal(lines[0].removeprefix(b"index ").decode("ascii"))
        except ValueError:
            raise MalformedProof(
                "the index is not a decimal number below 2**63 without leading zeros"
            ) from None
        return cls(extra, index, _hashes(lines[1:]), checkpoint)

    def verify(self, entry: bytes, policy: TlogPolicy) -> CheckedCheckpoint:
        """Checks that ``entry`` is in a log that ``policy`` trusts, at this index (tlog-proof, "Verifying").

        The order is the standard's: the log's signature, the witnesses' quorum, then inclusion. Raises
        :class:`UnknownLog`, :class:`InvalidSignature`, :class:`QuorumNotMet` or :class:`InvalidProof`.
        """
        checked = policy.check(self.checkpoint)
        tree = checked.checkpoint
        verify_inclusion(self.index, tree.size, leaf_hash(entry), self.hashes, tree.root)
        return checked


def _check_checkpoint(note: bytes) -> None:
    # Thousands of proofs stand under one checkpoint; what is kept of notes stays below four megabytes.
    if len(note) <= _KEPT_BYTES:
        _check_small_checkpoint(note)
    else:
        _check_any_checkpoint(note)


@lru_cache(maxsize=1024)
def _check_small_checkpoint(note: bytes) -> None:
    _check_any_checkpoint(note)


def _check_any_checkpoint(note: bytes) -> None:
    try:
        Checkpoint.parse(parse_note(note).text)
    except (MalformedNote, MalformedCheckpoint) as error:
        raise MalformedProof(f"the checkpoint is malformed: {error.detail}") from error


def _check_length(data: bytes) -> None:
    if len(data) > MAX_BYTES:
        raise MalformedProof(f"a proof is longer than {MAX_BYTES} bytes")


def _hashes(lines: Sequence[bytes]) -> tuple[bytes, ...]:
    """Reads lines of base64: each is canonical where it is what is written of its bytes."""
    try:
        hashes = tuple(map(a2b_base64, lines))
    except ValueError:
        hashes = ()
    if len(hashes) == len(lines) and list(map(b2a_base64, hashes)) == [line + b"\n" for line in lines]:
        return hashes
    return tuple(_decode("a hash", line) for line in lines)


def _decode(what: str, line: bytes) -> bytes:
    try:
        return decode_base64(line.decode("ascii"))
    except ValueError:
        raise MalformedProof(f"{what} is not canonical base64") from None
