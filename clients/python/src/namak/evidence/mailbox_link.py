"""The mailbox link: a commitment to a delivery's place in its mailbox, which only the holder can open.

Each ContentConsignment carries one. Who has the openings (nonce and sequence of each link) can recompute the
chain and sees whether anything is missing; who does not have them learns nothing of how much mail a person
gets. Two pieces of evidence that open to the same sequence prove that the operator told two stories.
"""

import hashlib
from uuid import UUID

LINK_BYTES = 32
NONCE_BYTES = 32

GENESIS = bytes(LINK_BYTES)
"""What stands for the link before the first."""

_TAG = b"namak-mailbox-link/1\x00"


def link(nonce: bytes, mailbox_address: str, sequence: int, delivery_id: UUID, previous: bytes) -> bytes:
    """Returns the link of the delivery that is number ``sequence`` (from 1) in the mailbox.

    ``nonce`` is 32 fresh random bytes; without it the few possible contents of a link could be tried one by
    one. ``mailbox_address`` is the canonical one. ``previous`` is the link before, or :data:`GENESIS` exactly
    when ``sequence`` is 1. Raises :class:`ValueError` for anything else.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
    if len(previous) != LINK_BYTES:
        raise ValueError(f"a link has {LINK_BYTES} bytes, not {len(previous)}")
    if not 1 <= sequence < 2**64:
        raise ValueError("a sequence is at least 1 and below 2**64")
    if (sequence == 1) != (previous == GENESIS):
        raise ValueError("the first link, and only the first, follows the genesis")
    mailbox = hashlib.sha256(mailbox_address.encode()).digest()
    return hashlib.sha256(
        _TAG + nonce + mailbox + sequence.to_bytes(8, "big") + delivery_id.bytes + previous
    ).digest()
