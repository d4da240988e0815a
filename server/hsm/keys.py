"""The interface of the key that signs the log's checkpoints."""

from typing import Protocol


class LogSigner(Protocol):
    """Signs with the log's Ed25519 key (RFC 8032, pure Ed25519), wherever that is kept.

    Implementations: `server.hsm.pkcs11.Pkcs11LogSigner` (a token; production) and
    `server.hsm.file_key.FileLogSigner` (a file; development). Both give the same signature for the same
    message, may be called by many tasks at once, and recover by themselves once the key can be reached again.
    """

    @property
    def public_key(self) -> bytes:
        """The public key, 32 bytes. It never changes during the life of the signer."""

    async def sign(self, message: bytes) -> bytes:
        """Returns the signature of the message, 64 bytes, which verifies under `public_key`.

        Takes bounded time. Raises `HsmUnavailable` when the key cannot be reached and `HsmKeyChanged` when it
        is no longer the same key. Signing is safe to repeat: Ed25519 signatures are deterministic.
        """

    async def close(self) -> None:
        """Lets go of the key; `sign` raises `HsmUnavailable` from then on. May be called again."""
