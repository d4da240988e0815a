"""The Merkle tree of RFC 6962 over SHA-256: the definition, and the checks a verifier makes.

Leaves and inner nodes are hashed under different prefixes, so that no inner node can pass for an entry (RFC
6962, 2.1). Sizes and indexes are below 2**63.
"""

import hashlib
from collections.abc import Iterator, Sequence

from namak.evidence.encoding import LIMIT
from namak.evidence.errors import InvalidProof

HASH_BYTES = 32
"""Length of every hash here: SHA-256."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of the tree without leaves (RFC 6962, 2.1)."""


def leaf_hash(entry: bytes) -> bytes:
    """Returns the hash of an entry as a leaf: SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Returns the hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Returns the root over ``leaf_hashes`` by the definition (RFC 6962, 2.1): for tests and small trees."""
    count = len(leaf_hashes)
    if count == 0:
        return EMPTY_ROOT
    if count == 1:
        return leaf_hashes[0]
    split = split_of(count)
    return node_hash(root_of(leaf_hashes[:split]), root_of(leaf_hashes[split:]))


def split_of(count: int) -> int:
    """Returns where a tree of ``count`` > 1 leaves divides: the largest power of two below ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


def verify_inclusion(index: int, size: int, leaf_hash: bytes, path: Sequence[bytes], root: bytes) -> None:
    """Checks that ``leaf_hash`` is leaf ``index`` (from 0) of the tree of ``size`` leaves under ``root``.

    ``path`` runs from the leaf's sibling up to the root's child (RFC 6962, 2.1.1). Raises
    :class:`InvalidProof` also for an index outside the tree and for a path that is too short or too long.
    """
    _check_size(size)
    if not 0 <= index < size:
        raise InvalidProof(f"index {index} is outside a tree of {size} leaves")
    _check_hashes(leaf_hash, root, *path)
    # As `_climb` does, in one piece: a directory of receipts has millions of these steps.
    current, node, last = leaf_hash, index, size - 1
    for sibling in path:
        if last == 0:
            raise InvalidProof("the proof is too long")
        if node & 1 or node == last:
            current = hashlib.sha256(b"\x01" + sibling + current).digest()
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            current = hashlib.sha256(b"\x01" + current + sibling).digest()
        node, last = node >> 1, last >> 1
    if last != 0:
        raise InvalidProof("the proof is too short")
    if current != root:
        raise InvalidProof("the inclusion path leads to another root")


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Checks that the tree of ``new_size`` leaves begins with that of ``old_size`` (RFC 6962, 2.1.2).

    From the empty tree and from a tree to itself the proof is empty, and the old root must be the empty
    tree's or the new one. Raises :class:`InvalidProof`.
    """
    _check_size(old_size)
    _check_size(new_size)
    _check_hashes(old_root, new_root, *path)
    if old_size > new_size:
        raise InvalidProof(f"a tree of {new_size} leaves does not extend one of {old_size}")
    for size, root in ((old_size, old_root), (new_size, new_root)):
        if size == 0 and root != EMPTY_ROOT:
            raise InvalidProof("the root of an empty tree is not the empty root")
    if old_size in (0, new_size):
        if path:
            raise InvalidProof("the consistency proof must be empty")
        if old_size == new_size and old_root != new_root:
            raise InvalidProof("two roots are given for one size")
        return
    _verify_growth(old_size, old_root, new_size, new_root, path)


def _verify_growth(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]
) -> None:
    """The case 0 < old < new: climbs from the last node the two trees share, building both roots."""
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    # If the old tree is one complete subtree of the new one, the climb starts at its root, which is not sent.
    rest = list(path)
    if node == 0:
        start = old_root
    elif rest:
        start = rest.pop(0)
    else:
        raise InvalidProof("the proof is too short")
    old, new = start, start
    for sibling, on_the_left in _climb(node, last, rest):
        # What stands on the left is in both trees, what stands on the right only in the new one.
        if on_the_left:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    if old != old_root:
        raise InvalidProof("the consistency proof leads to another old root")
    if new != new_root:
        raise InvalidProof("the consistency proof leads to another new root")


def _climb(node: int, last: int, path: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yields each hash of a path and whether it stands on the left, from ``node`` in a level up to ``last``.

    Raises :class:`InvalidProof` once the path proves too long or too short to end exactly at the root.
    """
    for sibling in path:
        if last == 0:
            raise InvalidProof("the proof is too long")
        on_the_left = bool(node & 1) or node == last
        if on_the_left:
            # A node without a sibling is carried up unhashed until it is somebody's right child.
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        yield sibling, on_the_left
        node, last = node >> 1, last >> 1
    if last != 0:
        raise InvalidProof("the proof is too short")


def _check_size(size: int) -> None:
    if not 0 <= size < LIMIT:
        raise InvalidProof(f"tree size {size} is not between 0 and 2**63 - 1")


def _check_hashes(*hashes: bytes) -> None:
    if set(map(len, hashes)) != {HASH_BYTES}:
        raise InvalidProof(f"a hash is not {HASH_BYTES} bytes long")
