"""The rules of a signing key's attributes: made in the token, never outside it, only signs."""

from typing import Final

from server.ceremony.findings import Finding, Kind, note, wrong
from server.ceremony.purposes import TYPES, Purpose
from server.hsm.token_contents import KeyPair, TokenObject

_OTHER_USES: Final = ("decrypt", "unwrap", "derive")

TOLD: Final = ("sensitive", "extractable", "always sensitive", "never extractable", "local", "sign")
"""The attributes of a private key that lists and protocols tell."""


def told(key: TokenObject) -> str:
    """Returns a private key's attributes in words: `sensitive, not extractable, …`."""
    words = []
    for flag in (*TOLD, *_OTHER_USES):
        value = key.flags.get(flag)
        if value is None:
            words.append(f"{flag}: not told")
        elif flag in _OTHER_USES:
            words += [flag] * value
        else:
            words.append(flag if value else f"not {flag}")
    return ", ".join(words)


def problems(pair: KeyPair, purpose: Purpose) -> list[Finding]:
    """Returns what is wrong with a key pair by what the token says of it."""
    private, public = pair.private, pair.public
    found = []
    if private.key_type not in TYPES[purpose]:
        found.append(
            wrong(
                Kind.TYPE_WRONG,
                f"it is a key of the type {private.key_type}; wanted: {', '.join(sorted(TYPES[purpose]))}",
            )
        )
    if private.identifier != public.identifier:
        found.append(
            wrong(
                Kind.IDENTIFIERS_DIFFER,
                "its two halves have different identifiers (CKA_ID), so that other software finds no pair",
            )
        )
    if not public.public_key:
        found.append(wrong(Kind.PUBLIC_KEY_UNREADABLE, "the token does not tell its public key"))
    return found + _secrecy(private) + _uses(private)


def _secrecy(key: TokenObject) -> list[Finding]:
    found = []
    if key.is_set("extractable") or key.flags.get("sensitive") is False:
        found.append(
            wrong(
                Kind.EXTRACTABLE,
                "it can be taken out of the token: whoever has the PIN can have copied it. Make another one",
            )
        )
    elif key.flags.get("never extractable") is False or key.flags.get("always sensitive") is False:
        found.append(
            wrong(
                Kind.ONCE_EXTRACTABLE,
                "it could be taken out of the token once, or came from outside: there may be copies",
            )
        )
    if key.flags.get("local") is False:
        found.append(wrong(Kind.NOT_LOCAL, "it was not made in this token: there may be copies"))
    unknown = [
        flag
        for flag in ("sensitive", "extractable", "always sensitive", "never extractable", "local")
        if key.flags.get(flag) is None
    ]
    if unknown:
        found.append(
            note(Kind.ATTRIBUTE_UNKNOWN, f"the token does not say whether it is {', '.join(unknown)}")
        )
    return found


def _uses(key: TokenObject) -> list[Finding]:
    found = []
    if key.flags.get("sign") is False:
        found.append(wrong(Kind.NOT_SIGN_ONLY, "it may not sign"))
    other = [use for use in _OTHER_USES if key.is_set(use)]
    if other:
        found.append(note(Kind.NOT_SIGN_ONLY, f"it may {', '.join(other)}, too, and should only sign"))
    return found
