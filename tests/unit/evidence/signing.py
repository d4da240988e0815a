"""Keys made at run time, and small logs signed with them: what the tests of evidence are built from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.cosignature import (
    COSIGNATURE,
    CosignatureVerifier,
    cosigned_message,
    timestamped_signature,
)
from namak.evidence.note import Verifier, note_from, signature_line, vkey
from namak.evidence.tiles import extend, inclusion_proof
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.tree import leaf_hash


@dataclass(frozen=True)
class LogKey:
    """A log's key in memory; it is also a NoteSigner."""

    name: str = "log.example/2026"
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public_key(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.public_key)

    @property
    def key_id(self) -> bytes:
        return self.verifier.key_id

    @property
    def vkey(self) -> str:
        return vkey(self.name, self.public_key)

    async def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)

    def line(self, text: bytes) -> bytes:
        return signature_line(self.name, self.key_id, self.private.sign(text))


@dataclass(frozen=True)
class WitnessKey:
    """A witness's key in memory."""

    name: str = "witness.example/w1"
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public_key(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def verifier(self) -> CosignatureVerifier:
        return CosignatureVerifier(self.name, self.public_key)

    @property
    def vkey(self) -> str:
        return vkey(self.name, self.public_key, COSIGNATURE)

    def line(self, text: bytes, time: int = 1_767_225_600) -> bytes:
        signature = timestamped_signature(time, self.private.sign(cosigned_message(text, time)))
        return signature_line(self.name, self.verifier.key_id, signature)


def signed_checkpoint(
    key: LogKey, entries: Sequence[bytes], witnesses: Sequence[WitnessKey] = (), origin: str | None = None
) -> bytes:
    """Returns the signed note of the checkpoint over ``entries``."""
    tree = extend({}, 0, [leaf_hash(entry) for entry in entries])
    text = Checkpoint(origin or key.name, tree.new_size, tree.root).text()
    return note_from(text, [key.line(text), *(witness.line(text) for witness in witnesses)])


def proof_of(
    key: LogKey,
    entries: Sequence[bytes],
    index: int,
    extra: bytes | None = None,
    witnesses: Sequence[WitnessKey] = (),
) -> TlogProof:
    """Returns the proof of one entry of the log of ``entries``."""
    tree = extend({}, 0, [leaf_hash(entry) for entry in entries])
    hashes = inclusion_proof(tree.changed, index, len(entries))
    return TlogProof(extra, index, tuple(hashes), signed_checkpoint(key, entries, witnesses))
