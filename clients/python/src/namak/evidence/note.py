"""C2SP signed-note: text, and who signed it.

A note's text counts for nothing until :func:`open_note` has found a known key's signature over it. Names here
are configured, never taken from the note: a name in a note is only a hint which known key to try.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, Self

from namak.evidence import ed25519
from namak.evidence.encoding import decode_base64, encode_base64
from namak.evidence.errors import InvalidSignature, MalformedKey, MalformedNote

ED25519 = 0x01
"""Signature type: plain Ed25519 over the text, as logs sign (signed-note, "Signature types")."""

MAX_SIGNATURES = 64
"""Signatures in one note.

A log and 32 witnesses, which tlog-policy wants supported, must fit, with keys in rotation.
"""

MAX_NOTE_BYTES = 512 * 1024
"""Length of a note: room for that many post-quantum signatures of nearly 5 kB each before base64."""

MAX_VKEY = 16 * 1024
"""Characters of a verifier key: room for the largest post-quantum keys, of some 2 kB, and a long name."""

KEY_ID_BYTES = 4

_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_KEY_ID_HEX = re.compile(r"[0-9a-f]{8}")
# What `str.isspace` says of a character, `\s` says too.
_KEY_NAME = re.compile("[^\\s+\x00-\x1f\ud800-\udfff]+")
_DASH = "\N{EM DASH}"
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line. ``key_id`` is 4 bytes; ``signature`` is what follows them, at least one byte."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note in its parts, nothing verified.

    ``text`` ends in a newline and is exactly the bytes that are signed.
    """

    text: bytes
    signatures: tuple[NoteSignature, ...]


class NoteVerifier(Protocol):
    """A known key. The pair of name and key id says which signature lines are its own."""

    @property
    def name(self) -> str: ...

    @property
    def key_id(self) -> bytes: ...

    def verify(self, text: bytes, signature: bytes) -> None:
        """Checks a signature over a note's text. Raises :class:`InvalidSignature`."""


class NoteSigner(Protocol):
    """A private key that signs notes, wherever it is kept."""

    @property
    def name(self) -> str: ...

    @property
    def key_id(self) -> bytes: ...

    async def sign(self, message: bytes) -> bytes:
        """Returns the signature over ``message``, without name or key id."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A vkey in its parts, of any signature type: not yet known to be fit for anything."""

    name: str
    key_id: bytes
    signature_type: int
    public_key: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads ``<name>+<hex key id>+<base64(type ‖ key)>``, checking only the form.

        Raises :class:`MalformedKey`.
        """
        if len(text) > MAX_VKEY:
            raise MalformedKey(f"a verifier key is longer than {MAX_VKEY} characters")
        # The base64 at the end may itself hold plus signs.
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise MalformedKey("a verifier key has three parts, separated by plus signs")
        name, key_id_hex, encoded = parts
        if not is_key_name(name):
            raise MalformedKey("the name of a verifier key is empty or has a space or control character")
        if not _KEY_ID_HEX.fullmatch(key_id_hex):
            raise MalformedKey("the id of a verifier key is not 8 lowercase hexadecimal digits")
        try:
            material = decode_base64(encoded)
        except ValueError as error:
            raise MalformedKey(f"a verifier key is {error}") from None
        if len(material) < 2:
            raise MalformedKey("a verifier key holds no public key")
        return cls(name, bytes.fromhex(key_id_hex), material[0], material[1:])

    def require(self, signature_type: int) -> None:
        """Raises :class:`MalformedKey` unless this is a sound Ed25519 key of that type with its own id."""
        if self.signature_type != signature_type:
            raise MalformedKey(
                f"signature type 0x{self.signature_type:02x} of {shown(self.name)} is not"
                f" 0x{signature_type:02x}"
            )
        ed25519.check_public_key(self.public_key)
        if self.key_id != key_id(self.name, signature_type, self.public_key):
            raise MalformedKey(f"the key id of {shown(self.name)} does not belong to its name, type and key")


@dataclass(frozen=True, slots=True)
class Verifier:
    """A log's Ed25519 key, signature type 0x01 (signed-note, "Ed25519 signatures")."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise MalformedKey("a key name is empty or has a space, plus sign or control character")
        ed25519.check_public_key(self.public_key)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a vkey of signature type 0x01. Raises :class:`MalformedKey`."""
        key = VerifierKey.parse(text)
        key.require(ED25519)
        return cls(key.name, key.public_key)

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, ED25519, self.public_key)

    def verify(self, text: bytes, signature: bytes) -> None:
        """Checks an Ed25519 signature over ``text``. Raises :class:`InvalidSignature`."""
        if len(signature) != ed25519.SIGNATURE_BYTES:
            raise InvalidSignature(f"a signature by {shown(self.name)} has {len(signature)} bytes")
        ed25519.verify(self.public_key, text, signature)


def is_key_name(name: str) -> bool:
    """Says whether ``name`` may be a key's: not empty; no Unicode space, plus sign or control character."""
    return _KEY_NAME.fullmatch(name) is not None


def shown(name: str) -> str:
    """Returns a key's name as a message may say it: not at any length, and without signs that nobody sees."""
    return name if len(name) <= _SHOWN and name.isprintable() else ascii(name[:_SHOWN])


# The same few keys are asked for with every note.
@lru_cache(maxsize=256)
def key_id(name: str, signature_type: int, public_key: bytes) -> bytes:
    """Returns the 4 bytes that, with the name, say which key signed (signed-note, "Signatures")."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([signature_type]) + public_key).digest()[
        :KEY_ID_BYTES
    ]


def vkey(name: str, public_key: bytes, signature_type: int = ED25519) -> str:
    """Returns the verifier key of an Ed25519 public key of 32 bytes.

    Raises :class:`MalformedKey` if unfit.
    """
    if not is_key_name(name):
        raise MalformedKey("a key name is empty or has a space, plus sign or control character")
    ed25519.check_public_key(public_key)
    material = encode_base64(bytes([signature_type]) + public_key)
    return f"{name}+{key_id(name, signature_type, public_key).hex()}+{material}"


def signature_line(name: str, key_id: bytes, signature: bytes) -> bytes:
    """Returns a signature line with its newline.

    Raises :class:`MalformedNote` where it could not be read back.
    """
    if not is_key_name(name) or len(key_id) != KEY_ID_BYTES or not signature:
        raise MalformedNote("a signature line needs a key name, a key id of 4 bytes and a signature")
    return f"{_DASH} {name} {encode_base64(key_id + signature)}\n".encode()


def line_start(name: str, key_id: bytes) -> bytes:
    """Returns how all signature lines by a key begin: with all but two bits of its id, which stand in one
    digit of Base64 with the signature's first.
    """
    return f"{_DASH} {name} {encode_base64(key_id)[:5]}".encode()


def note_from(text: bytes, lines: Sequence[bytes]) -> bytes:
    """Returns the note of ``text`` and signature lines.

    Raises :class:`MalformedNote` where it could not be read back.
    """
    note = b"".join([text, b"\n", *lines])
    if parse_note(note).text != text:
        raise MalformedNote("the text of a note does not end where its signatures begin")
    return note


async def sign_note(text: bytes, signer: NoteSigner) -> bytes:
    """Returns the note of ``text`` with one signature. Further lines may be appended to it."""
    return note_from(text, [signature_line(signer.name, signer.key_id, await signer.sign(text))])


def parse_note(data: bytes) -> Note:
    """Splits a note into text and signatures, verifying none. Raises :class:`MalformedNote`.

    The text ends at the last empty line. There must be at least one signature and at most
    :data:`MAX_SIGNATURES`, and none twice: a key may sign a text more than once, but the very same line
    again says nothing, and leaves room for many notes that are one.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedNote(f"a note is longer than {MAX_NOTE_BYTES} bytes")
    if _CONTROL.search(data):
        raise MalformedNote("a note has a control character")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedNote("a note is not UTF-8") from None
    end_of_text = data.rfind(b"\n\n") + 1
    if not end_of_text:
        raise MalformedNote("a note has no empty line before its signatures")
    text, block = data[:end_of_text], data[end_of_text + 1 :].decode("utf-8")
    if not block.endswith("\n"):
        raise MalformedNote("a note has no signature, or its last line does not end in a newline")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedNote(f"a note has more than {MAX_SIGNATURES} signatures")
    if len(set(lines)) != len(lines):
        raise MalformedNote("a signature stands twice in a note")
    return Note(text, tuple(_parse_signature(line) for line in lines))


def open_note(note: Note, verifiers: Sequence[NoteVerifier]) -> tuple[NoteSignature, ...]:
    """Returns the signatures that known keys made over the note's text, in the note's order; at least one.

    Signatures by unknown keys are ignored. Raises :class:`InvalidSignature` if one by a known key does not
    verify, whatever the others say, or if there is none by a known key; :class:`ValueError` if two verifiers
    share name and id, which leaves open whose signature is whose.
    """
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    if len(known) != len(verifiers):
        raise ValueError("two verifiers have the same name and key id")
    verified: list[NoteSignature] = []
    for signature in note.signatures:
        if verifier := known.get((signature.name, signature.key_id)):
            try:
                verifier.verify(note.text, signature.signature)
            except InvalidSignature as error:
                raise InvalidSignature(
                    f"the signature by {shown(signature.name)} is refused: {error.detail}"
                ) from None
            verified.append(signature)
    if not verified:
        raise InvalidSignature("the note has no signature by a known key")
    return tuple(verified)


def _parse_signature(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH or not is_key_name(parts[1]):
        raise MalformedNote("a signature line is not an em dash, a key name and a signature")
    try:
        material = decode_base64(parts[2])
    except ValueError as error:
        raise MalformedNote(f"a signature is {error}") from None
    if len(material) <= KEY_ID_BYTES:
        raise MalformedNote("a signature is too short")
    return NoteSignature(parts[1], material[:KEY_ID_BYTES], material[KEY_ID_BYTES:])
