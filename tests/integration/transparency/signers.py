"""Keys that behave like a token's: they sign, go away, come back and break; all they signed is on record."""

import asyncio
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from namak.evidence.checkpoint import Checkpoint
from server.hsm.errors import HsmUnavailable


class TokenLikeSigner:
    """A `LogSigner` in memory; `journal`, if given, is shared with signers in other processes."""

    def __init__(self, secret: bytes, journal: Path) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self._journal = journal
        self.away = False
        self.broken = False
        self.refused = asyncio.Event()
        """Set once the key was asked while away."""

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    async def sign(self, message: bytes) -> bytes:
        if self.away:
            self.refused.set()
            raise HsmUnavailable("the token was pulled out")
        with self._journal.open("ab") as journal:
            journal.write(message + b"\n")
        signature = self._key.sign(message)
        return bytes(64) if self.broken else signature

    async def close(self) -> None:
        self.away = True


def signed_roots(journal: Path, origin: str) -> dict[int, set[bytes]]:
    """Returns the roots that any signer ever signed, by size: a log has one for each."""
    roots: dict[int, set[bytes]] = {}
    if journal.exists():
        for text in journal.read_bytes().split(b"\n\n")[:-1]:
            checkpoint = Checkpoint.parse(text + b"\n")
            if checkpoint.origin == origin:
                roots.setdefault(checkpoint.size, set()).add(checkpoint.root)
    return roots
