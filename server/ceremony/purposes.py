"""The keys that the settings name, and what each is for."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from server.hsm.key_kinds import KeyKind
from server.hsm.token_link import TokenKey


class Purpose(StrEnum):
    """What a key is for, by its name in the output."""

    LOG = "log"
    """Signs the checkpoints of the current shard."""
    NEXT_LOG = "next-log"
    """Will sign the checkpoints of the next shard."""
    SEAL = "seal"
    """Seals delivery certificates."""


TYPES: Final = {
    Purpose.LOG: frozenset({"Ed25519"}),
    Purpose.NEXT_LOG: frozenset({"Ed25519"}),
    Purpose.SEAL: frozenset({"EC P-256", "EC P-384", "RSA 2048", "RSA 3072", "RSA 4096"}),
}
"""Which types of keys serve a purpose."""

MADE: Final = {
    Purpose.LOG: (KeyKind.ED25519,),
    Purpose.NEXT_LOG: (KeyKind.ED25519,),
    Purpose.SEAL: (KeyKind.P256, KeyKind.RSA_3072, KeyKind.RSA_4096),
}
"""Which kinds are made for a purpose, the one by default first."""


@dataclass(frozen=True, slots=True)
class ConfiguredKey:
    """A key that the settings name."""

    purpose: Purpose
    section: str
    """Where the settings name it, such as `[log.key]`."""
    where: TokenKey | None
    """The token; None for a key in a file."""
    file: Path | None = None
    """Development only: the file that holds the key."""
    origin: str = ""
    """Of the log's keys: the shard."""
    guard: Path | None = None
    """Of the log's keys: the file with the shard's last signed checkpoint."""
    certificate: Path | None = None
    """Of the seal: the file with its certificate."""

    @property
    def words(self) -> str:
        """What the key is for, in words."""
        match self.purpose:
            case Purpose.LOG:
                return f"the log's key, for the shard {self.origin}"
            case Purpose.NEXT_LOG:
                return f"the log's next key, for the shard {self.origin}"
        return "the key of the post's electronic seal"
