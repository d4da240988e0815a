"""A witness written from the text of C2SP tlog-witness, tlog-cosignature, tlog-checkpoint and signed-note.

It shares nothing with this project, on purpose: what it accepts and answers is what those pages say, read by
somebody else's eyes (tree arithmetic after RFC 9162, 2.1.4.2, where the project follows RFC 6962).
"""

import base64
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

DECIMAL = re.compile(rb"0|[1-9][0-9]*")
PLAIN = "text/plain"
Reply = tuple[int, str, bytes]


@dataclass
class StrictWitness:
    """Follows logs by their vkeys; keeps its state in memory.

    `seen` holds size and root by origin.
    """

    name: str = "strict.example/w"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    clock: Callable[[], float] = time.time
    seen: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    logs: dict[bytes, list[tuple[bytes, bytes, Ed25519PublicKey]]] = field(default_factory=dict)

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n\x04" + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([4]) + self.public).decode()}"

    def follow(self, vkey: str) -> None:
        name, key_id, material = vkey.split("+", 2)
        kind, *public = base64.b64decode(material)
        assert kind == 1
        key = (name.encode(), bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(bytes(public)))
        self.logs.setdefault(name.encode(), []).append(key)

    def answer(self, body: bytes) -> Reply:
        """Answers `add-checkpoint`."""
        read = read_request(body)
        if read is None:
            return 400, PLAIN, b"malformed\n"
        old, proof, origin, size, root, text, signatures = read
        if origin not in self.logs:
            return 404, PLAIN, b"unknown\n"
        if not self.signed(origin, text, signatures):
            return 403, PLAIN, b"nobody\n"
        if old > size:
            return 400, PLAIN, b"backwards\n"
        seen_size, seen_root = self.seen.get(origin, (0, hashlib.sha256(b"").digest()))
        if old != seen_size:
            return 409, "text/x.tlog.size", b"%d\n" % seen_size
        if size == 0 and root != hashlib.sha256(b"").digest():
            return 422, PLAIN, b"empty\n"
        if not consistent(old, seen_root, size, root, proof):
            return 422, PLAIN, b"inconsistent\n"
        self.seen[origin] = (size, root)
        return 200, PLAIN, self.cosigned(text)

    def signed(self, origin: bytes, text: bytes, signatures: list[tuple[bytes, bytes, bytes]]) -> bool:
        """Whether a trusted key signed, and none of them wrongly."""
        good = 0
        for name, key_id, key in self.logs[origin]:
            for by, by_id, signature in signatures:
                if (by, by_id) == (name, key_id):
                    try:
                        key.verify(signature, text)
                    except InvalidSignature:
                        return False
                    good += 1
        return good > 0

    def cosigned(self, text: bytes) -> bytes:
        at = int(self.clock())
        signed = self.key.sign(b"cosignature/v1\ntime %d\n" % at + text)
        return self.line(at.to_bytes(8, "big") + signed)

    def line(self, signature: bytes) -> bytes:
        return f"— {self.name} {base64.b64encode(self.key_id + signature).decode()}\n".encode()


def read_request(
    body: bytes,
) -> tuple[int, list[bytes], bytes, int, bytes, bytes, list[tuple[bytes, bytes, bytes]]] | None:
    """Returns old size, proof, origin, size, root, signed text, signatures; None for what is no request."""
    head, blank, note = body.partition(b"\n\n")
    lines = head.split(b"\n")
    if not blank or not lines[0].startswith(b"old ") or not DECIMAL.fullmatch(lines[0][4:]):
        return None
    proof = [exactly(line) for line in lines[1:]]
    if len(proof) > 63 or any(value is None or len(value) != 32 for value in proof):
        return None
    if not note.endswith(b"\n") or any(byte < 0x20 and byte != 0x0A for byte in note):
        return None
    at = note.rfind(b"\n\n")
    text, block = note[: at + 1], note[at + 2 : -1]
    fields = text.split(b"\n")
    if at < 0 or len(fields) < 4 or not all(fields[:-1]) or not DECIMAL.fullmatch(fields[1]):
        return None
    root = exactly(fields[2])
    signatures = []
    for line in block.split(b"\n"):
        parts = line.split(b" ")
        if len(parts) != 3 or parts[0] != "—".encode() or not parts[1] or b"+" in parts[1]:
            return None
        value = exactly(parts[2])
        if value is None or len(value) < 5:
            return None
        signatures.append((parts[1], value[:4], value[4:]))
    if root is None or len(root) != 32:
        return None
    return (
        int(lines[0][4:]),
        [value for value in proof if value is not None],
        fields[0],
        int(fields[1]),
        root,
        text,
        signatures,
    )


def exactly(text: bytes) -> bytes | None:
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return value if base64.b64encode(value) == text else None


def consistent(first: int, first_root: bytes, second: int, second_root: bytes, proof: list[bytes]) -> bool:
    """RFC 9162, 2.1.4.2, with what tlog-witness adds for an old size of zero."""
    if first == 0:
        return not proof
    if first == second:
        return not proof and first_root == second_root
    if not proof:
        return False
    path = [first_root, *proof] if first & (first - 1) == 0 else proof
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for value in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = inner(value, fr), inner(value, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = inner(sr, value)
        fn, sn = fn >> 1, sn >> 1
    return fr == first_root and sr == second_root and sn == 0


def inner(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
