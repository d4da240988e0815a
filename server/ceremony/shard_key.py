"""Whether a key is the one that its shard is known by: to guard, published checkpoints, policy."""

from collections.abc import Mapping
from typing import Final

from namak.evidence import EvidenceError
from namak.evidence.note import Verifier, vkey
from namak.evidence.tlog_policy import TlogPolicy
from server.ceremony.findings import Finding, Kind, wrong
from server.ceremony.purposes import ConfiguredKey
from server.transparency.guard import FileGuard, verified
from server.transparency.troubles import GuardUnreachable, LogTrouble

_ED25519: Final = bytes.fromhex("302a300506032b6570032100")
"""What the SubjectPublicKeyInfo of an Ed25519 key begins with (RFC 8410, 4)."""


def raw_ed25519(public_key: bytes) -> bytes:
    """Returns the 32 octets of an Ed25519 key from its SubjectPublicKeyInfo (RFC 8410, 4)."""
    return public_key[-32:]


def is_log_key(public_key: bytes) -> bool:
    """Tells whether a SubjectPublicKeyInfo is one that a shard's verifier key can be made of."""
    if len(public_key) != len(_ED25519) + 32 or not public_key.startswith(_ED25519):
        return False
    try:
        Verifier("shard", raw_ed25519(public_key))
    except EvidenceError:
        return False
    return True


def verifier_of(key: ConfiguredKey, public_key: bytes) -> Verifier:
    """Returns what verifies the shard's checkpoints by this key (SubjectPublicKeyInfo)."""
    return Verifier(key.origin, raw_ed25519(public_key))


def verifier_key(key: ConfiguredKey, public_key: bytes) -> str:
    """Returns the verifier key that a shard has with this key (SubjectPublicKeyInfo)."""
    return vkey(key.origin, raw_ed25519(public_key))


async def guard_findings(key: ConfiguredKey, verifier: Verifier, *, published: bool) -> list[Finding]:
    """Holds the guard against the key.

    Raises:
        GuardUnreachable: its file can't be read.
    """
    if key.guard is None:
        return []
    try:
        kept = await FileGuard(key.guard, verifier).read()
    except GuardUnreachable:
        raise
    except LogTrouble:
        text = f"the guard {key.guard} holds no checkpoint that this key signed"
        return [wrong(Kind.GUARD_DAMAGED, text)]
    if kept is None and published:
        return [wrong(Kind.GUARD_MISSING, f"checkpoints are published, but there is no guard {key.guard}")]
    return []


def published_findings(verifier: Verifier, note: bytes | None) -> list[Finding]:
    """Holds the newest published checkpoint against the key."""
    if note is None:
        return []
    try:
        verified(note, verifier)
    except EvidenceError:
        text = f"the newest published checkpoint of {verifier.name} was not signed by this key"
        return [wrong(Kind.KEY_UNKNOWN_TO_LOG, text)]
    return []


def registered_findings(verifier: Verifier, registered: Mapping[str, str]) -> list[Finding]:
    """Holds the verifier keys of the shards that the database knows against the key."""
    known = registered.get(verifier.name)
    if known is not None and known != vkey(verifier.name, verifier.public_key):
        text = f"the database knows another key for {verifier.name}: {known}"
        return [wrong(Kind.KEY_UNKNOWN_TO_DATABASE, text)]
    return []


def policy_findings(verifier: Verifier, policy: TlogPolicy) -> list[Finding]:
    """Holds the policy of the witnesses against the key, where it names the shard."""
    named = [log.verifier for log in policy.logs if log.verifier.name == verifier.name]
    if named and verifier not in named:
        text = f"the witnesses' policy names another key for {verifier.name}"
        return [wrong(Kind.KEY_UNKNOWN_TO_POLICY, text)]
    return []
