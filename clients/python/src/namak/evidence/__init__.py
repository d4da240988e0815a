"""Evidence that convinces a stranger: trees, tiles, notes, checkpoints, proofs, and what to trust of them.

Everything here is pure: bytes in, values or an :class:`EvidenceError` out. Nothing opens a socket, reads a
file or a clock, or knows the server; the server imports this package, so that what it issues and what a
verifier accepts are the same code. The formats are those of RFC 6962 (the tree) and of C2SP: signed-note,
tlog-checkpoint, tlog-cosignature, tlog-witness, tlog-tiles, tlog-proof and tlog-policy.
"""

from namak.evidence.errors import EvidenceError

__all__ = ["EvidenceError"]
