"""The witness's own key: in a file that only its owner may read, or in a PKCS#11 token."""

import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Protocol, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

KEY_FILE: Final = "witness.key"
"""Where the key is within the witness's directory, unless a token holds it."""


class KeyUnusable(Exception):
    """The key can't be used, now or at all; the text says why, without PINs."""


class WitnessKey(Protocol):
    """Signs with the witness's Ed25519 key; used by one thread at a time."""

    @property
    def public_key(self) -> bytes:
        """The public key, 32 bytes."""

    def sign(self, message: bytes) -> bytes:
        """Returns the signature, 64 bytes. Raises :class:`KeyUnusable`."""


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """Where a key is in a PKCS#11 token: the module, the token's label, the key's, and the PIN's file."""

    module: str
    token: str
    label: str
    pin_file: str

    def encode(self) -> str:
        """Returns it as text, for the witness's state."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads what :meth:`encode` gave. Raises :class:`KeyUnusable`."""
        try:
            place = cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError):
            raise KeyUnusable("the state does not say where the key is") from None
        if not all(isinstance(each, str) for each in asdict(place).values()):
            raise KeyUnusable("the state does not say where the key is")
        return place


class FileKey:
    """A :class:`WitnessKey` that was read from a PEM file (PKCS#8, not encrypted)."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public_key = key.public_key().public_bytes_raw()

    @classmethod
    def make(cls, path: Path) -> Self:
        """Makes a key in a new file of mode 0600, on the disk.

        Raises :class:`KeyUnusable` where there is such a file: keys are never replaced.
        """
        key = Ed25519PrivateKey.generate()
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise KeyUnusable(f"{path} exists already; a key is never replaced") from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            os.fsync(file.fileno())
        return cls(key)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads the key. Raises :class:`KeyUnusable`, also where others than its owner may read the file."""
        try:
            with path.open("rb") as file:
                if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                    raise KeyUnusable(f"{path} may be read by others than its owner; chmod 600 it")
                key = load_pem_private_key(file.read(), password=None)
        except FileNotFoundError:
            raise KeyUnusable(f"{path}: there is no such file") from None
        except (OSError, TypeError, ValueError) as error:
            raise KeyUnusable(f"{path} holds no key: {type(error).__name__}") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnusable(f"the key in {path} is not an Ed25519 key")
        return cls(key)

    @property
    def public_key(self) -> bytes:
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)
