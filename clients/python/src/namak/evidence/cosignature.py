"""C2SP tlog-cosignature, Ed25519 ``cosignature/v1``: a witness saw this tree as the log's largest, when."""

from dataclasses import dataclass
from typing import Self

from namak.evidence import ed25519
from namak.evidence.encoding import LIMIT
from namak.evidence.errors import InvalidSignature, MalformedKey
from namak.evidence.note import NoteSignature, VerifierKey, is_key_name, key_id

COSIGNATURE = 0x04
"""Signature type: timestamped Ed25519 cosignature (signed-note, "Signature types")."""

_TIME_BYTES = 8


@dataclass(frozen=True, slots=True)
class CosignatureVerifier:
    """A witness's Ed25519 key, signature type 0x04."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise MalformedKey("a key name is empty or has a space, plus sign or control character")
        ed25519.check_public_key(self.public_key)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a vkey of signature type 0x04. Raises :class:`MalformedKey`."""
        key = VerifierKey.parse(text)
        key.require(COSIGNATURE)
        return cls(key.name, key.public_key)

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, COSIGNATURE, self.public_key)

    def verify(self, text: bytes, signature: bytes) -> None:
        """Checks a ``timestamped_signature`` over the checkpoint ``text``.

        Raises :class:`InvalidSignature`.
        """
        time = _time_of(signature)
        ed25519.verify(self.public_key, cosigned_message(text, time), signature[_TIME_BYTES:])


def cosigned_message(text: bytes, time: int) -> bytes:
    """Returns what a witness signs: header, time in POSIX seconds below 2**63, and the whole text."""
    if not 0 <= time < LIMIT:
        raise ValueError(f"time {time} is not between 0 and 2**63 - 1")
    return b"cosignature/v1\ntime %d\n" % time + text


def timestamped_signature(time: int, signature: bytes) -> bytes:
    """Returns what follows the key id in a cosignature line: the time as u64, then the Ed25519 signature."""
    if not 0 <= time < LIMIT or len(signature) != ed25519.SIGNATURE_BYTES:
        raise ValueError("a cosignature is a time below 2**63 and a signature of 64 bytes")
    return time.to_bytes(_TIME_BYTES, "big") + signature


def cosignature_time(signature: NoteSignature) -> int:
    """Returns the POSIX time in seconds that a cosignature states: the witness's word, once verified."""
    return _time_of(signature.signature)


def _time_of(timestamped: bytes) -> int:
    if len(timestamped) != _TIME_BYTES + ed25519.SIGNATURE_BYTES:
        raise InvalidSignature(f"a cosignature has {len(timestamped)} bytes, not 72")
    time = int.from_bytes(timestamped[:_TIME_BYTES], "big")
    if time >= LIMIT:
        raise InvalidSignature("the time of a cosignature is 2**63 or more")
    return time
