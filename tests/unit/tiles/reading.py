"""Reads a log as C2SP tlog-tiles describes it, by nothing but the specification."""

import hashlib
from base64 import b64decode
from collections.abc import Callable, Sequence
from functools import cache

from namak.evidence.note import Verifier, open_note, parse_note

Fetch = Callable[[str], bytes | None]


def path_of(index: int) -> str:
    digits = f"{index:0{-(-len(str(index)) // 3) * 3}d}"
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def files_of(size: int) -> list[tuple[str, int, int, int]]:
    """Returns path, level (-1 for entries), index and width of all that a tree of this size has."""
    found = []
    for level in (-1, 0, 1, 2, 3):
        hashes = size >> 8 * max(level, 0)
        name = "entries" if level < 0 else str(level)
        for index in range(hashes // 256):
            found.append((f"tile/{name}/{path_of(index)}", level, index, 256))
        if partial := hashes % 256:
            index = hashes // 256
            found.append((f"tile/{name}/{path_of(index)}.p/{partial}", level, index, partial))
    return found


def whole(fetch: Fetch, verifier: Verifier) -> list[bytes] | None:
    """Returns the entries under the checkpoint, having compared every tile with what they give; None where
    there is no checkpoint.
    """
    note = fetch("checkpoint")
    if note is None:
        return None
    parsed = parse_note(note)
    open_note(parsed, [verifier])
    _, size_line, root_line = parsed.text.decode().splitlines()
    size = int(size_line)
    entries: list[bytes] = []
    for path, level, _, width in files_of(size):
        content = fetch(path)
        assert content is not None, f"{path} of the tree of {size} leaves is missing"
        if level < 0:
            assert len(content) == 34 * width, path
            entries += _unbundled(content)
    root = tree_hash(entries)
    for path, level, index, width in files_of(size):
        if level >= 0:
            span = 256**level
            first = index * 256 * span
            expected = [root(first + i * span, first + (i + 1) * span) for i in range(width)]
            assert fetch(path) == b"".join(expected), path
    assert root(0, size) == b64decode(root_line)
    return entries


def tree_hash(entries: Sequence[bytes]) -> Callable[[int, int], bytes]:
    """MTH of RFC 6962, 2.1."""

    @cache
    def root(first: int, end: int) -> bytes:
        if end == first:
            return hashlib.sha256(b"").digest()
        if end - first == 1:
            return hashlib.sha256(b"\0" + entries[first]).digest()
        middle = first + (1 << (end - first - 1).bit_length() - 1)
        return hashlib.sha256(b"\1" + root(first, middle) + root(middle, end)).digest()

    return root


def _unbundled(content: bytes) -> list[bytes]:
    found = []
    while content:
        length = int.from_bytes(content[:2], "big")
        found.append(content[2 : 2 + length])
        content = content[2 + length :]
    return found
