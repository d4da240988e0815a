"""C2SP tlog-checkpoint: the text of a note that states a log's size and root."""

from dataclasses import dataclass
from typing import Self

from namak.evidence.encoding import LIMIT, decode_base64, encode_base64, is_line, parse_decimal
from namak.evidence.errors import MalformedCheckpoint
from namak.evidence.tree import HASH_BYTES

MAX_BYTES = 512 * 1024
"""Length of a checkpoint's text: that of a note."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's tree head.

    ``origin`` names the log (and its shard), ``size`` counts the leaves, below 2**63, ``root`` is the RFC
    6962 root of 32 bytes, and ``extensions`` are opaque lines, which logs should not use. Raises
    :class:`MalformedCheckpoint` for values that no checkpoint text can hold.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not all(is_line(line) for line in (self.origin, *self.extensions)):
            raise MalformedCheckpoint("a line of a checkpoint is empty or has a control character")
        if not 0 <= self.size < LIMIT:
            raise MalformedCheckpoint(f"tree size {self.size} is not between 0 and 2**63 - 1")
        if len(self.root) != HASH_BYTES:
            raise MalformedCheckpoint(f"the root hash has {len(self.root)} bytes, not {HASH_BYTES}")

    def text(self) -> bytes:
        """Returns the text to sign, its final newline included."""
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines).encode()

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Reads a note's text.

        Raises :class:`MalformedCheckpoint`; whatever it accepts, :meth:`text` gives back.
        """
        if len(text) > MAX_BYTES:
            raise MalformedCheckpoint(f"a checkpoint is longer than {MAX_BYTES} bytes")
        try:
            decoded = text.decode("utf-8")
        except UnicodeDecodeError:
            raise MalformedCheckpoint("a checkpoint is not UTF-8") from None
        if not decoded.endswith("\n"):
            raise MalformedCheckpoint("the last line of a checkpoint does not end in a newline")
        lines = decoded[:-1].split("\n")
        if len(lines) < 3:
            raise MalformedCheckpoint("a checkpoint has fewer than three lines")
        try:
            size = parse_decimal(lines[1])
        except ValueError as error:
            raise MalformedCheckpoint(f"the tree size is wrong: {error}") from None
        try:
            root = decode_base64(lines[2])
        except ValueError as error:
            raise MalformedCheckpoint(f"the root hash is {error}") from None
        return cls(lines[0], size, root, tuple(lines[3:]))
