"""The kinds of keys that the post makes in tokens."""

from enum import StrEnum


class KeyKind(StrEnum):
    """A key's type with its size, in the words that lists and protocols have for it."""

    ED25519 = "Ed25519"
    P256 = "EC P-256"
    RSA_3072 = "RSA 3072"
    RSA_4096 = "RSA 4096"
