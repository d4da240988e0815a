"""What can be wrong with evidence.

One class per kind of refusal, so that callers match on types, never on text.
"""

from typing import ClassVar


class EvidenceError(Exception):
    """Evidence was refused.

    ``reason`` is a constant of the class in UPPER_SNAKE and never changes; ``detail`` says in words what was
    wrong with this input and may change. Neither holds content of messages or key material.
    """

    reason: ClassVar[str] = "EVIDENCE_REFUSED"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MalformedNote(EvidenceError):
    """The bytes are not a signed note (C2SP signed-note, "Format")."""

    reason = "MALFORMED_NOTE"


class MalformedKey(EvidenceError):
    """A key is no vkey of a kind we accept, or a weak key (C2SP signed-note, "Verifier keys")."""

    reason = "MALFORMED_KEY"


class MalformedCheckpoint(EvidenceError):
    """A note's text is not a checkpoint (C2SP tlog-checkpoint, "Note text")."""

    reason = "MALFORMED_CHECKPOINT"


class MalformedProof(EvidenceError):
    """The bytes are not a ``tlog-proof@v1`` in its one canonical encoding (C2SP tlog-proof, "Format")."""

    reason = "MALFORMED_PROOF"


class MalformedPolicy(EvidenceError):
    """The bytes are not a trust policy, or it breaks one of the format's rules (C2SP tlog-policy)."""

    reason = "MALFORMED_POLICY"


class MalformedWitnessing(EvidenceError):
    """The bytes are no request to a witness, or no answer of one (C2SP tlog-witness, "add-checkpoint")."""

    reason = "MALFORMED_WITNESSING"


class MalformedTile(EvidenceError):
    """A tile is not 1 to 256 whole hashes (C2SP tlog-tiles, "Merkle Tree")."""

    reason = "MALFORMED_TILE"


class MissingTile(EvidenceError):
    """A tile that the computation needs was not given, or is narrower than the tree size asks for."""

    reason = "MISSING_TILE"


class InvalidSignature(EvidenceError):
    """A known key's signature on a note is wrong, or no known key signed (C2SP signed-note, "Signatures")."""

    reason = "NOTE_SIGNATURE_INVALID"


class InvalidProof(EvidenceError):
    """An inclusion or consistency proof does not lead to the root it is said to lead to (RFC 6962, 2.1)."""

    reason = "INVALID_PROOF"


class UnknownLog(EvidenceError):
    """The checkpoint's origin is no log of the policy."""

    reason = "UNKNOWN_LOG"


class QuorumNotMet(EvidenceError):
    """The log signed the checkpoint, but too few witnesses of the policy cosigned it."""

    reason = "QUORUM_NOT_MET"


class MalformedTimestamp(EvidenceError):
    """The bytes are no answer of a time-stamping authority, or no token of one (RFC 3161, 2.4.2)."""

    reason = "MALFORMED_TIMESTAMP"


class TimestampNotGranted(EvidenceError):
    """The authority answered that it gives no token, or not the one asked for (RFC 3161, 2.4.2)."""

    reason = "TIMESTAMP_NOT_GRANTED"


class InvalidTimestamp(EvidenceError):
    """A token is over other bytes, answers another question, or no trusted authority signed it (RFC 3161)."""

    reason = "INVALID_TIMESTAMP"
