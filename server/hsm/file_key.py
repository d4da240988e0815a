"""The log's key in a file: for development only."""

import os
import stat
from pathlib import Path
from typing import Self

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from server.hsm.errors import HsmKeyExists, HsmKeyExposed, HsmUnavailable

_log = structlog.get_logger(__name__)


def generate_log_key_file(path: Path) -> bytes:
    """Makes an Ed25519 key in a new PEM file that only its owner may read; returns the public key (32 bytes).

    Development only. Raises `HsmKeyExists` where there is such a file: keys are never replaced.
    """
    key = Ed25519PrivateKey.generate()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as failure:
        raise HsmKeyExists(f"{path} exists already") from failure
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key.public_key().public_bytes_raw()


class FileLogSigner:
    """A `LogSigner` whose key is a PEM file (PKCS#8, not encrypted), read once. Development only.

    Whoever reads the file can forge the log. So it warns whenever one is opened, and refuses a file that
    anyone but its owner may read.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        """For `open`."""
        self._key: Ed25519PrivateKey | None = key
        self._public_key = key.public_key().public_bytes_raw()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Reads the key. Raises `HsmKeyExposed`, and `HsmUnavailable` when the file holds no Ed25519 key."""
        try:
            with path.open("rb") as file:
                if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                    raise HsmKeyExposed(f"{path} may be read by others than its owner; chmod 600 it")
                key = load_pem_private_key(file.read(), password=None)
        except (OSError, TypeError, ValueError) as failure:
            raise HsmUnavailable(f"no key in {path}: {type(failure).__name__}") from failure
        if not isinstance(key, Ed25519PrivateKey):
            raise HsmUnavailable(f"the key in {path} is not an Ed25519 key")
        _log.warning(
            "log_key_in_file",
            path=str(path),
            advice="FOR DEVELOPMENT ONLY: whoever reads this file can forge the log. Use a PKCS#11 token.",
        )
        return cls(key)

    @property
    def public_key(self) -> bytes:
        return self._public_key

    async def sign(self, message: bytes) -> bytes:
        if self._key is None:
            raise HsmUnavailable("the signer is closed")
        return self._key.sign(message)

    async def close(self) -> None:
        self._key = None
