"""The log's shards as they follow each other: each one tree with a key and a name of its own.

A shard ends with the evidence that announces the one after it: its last leaf names the next shard's key,
under the old shard's signature and its witnesses' (docs/receipts.md, "Shards").
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

ORIGIN_PATTERN: Final = r"^[a-z0-9.-]+(/[a-z0-9.-]+)+$"
"""How shards are named, such as `log.e-citizen.am/2026`."""


@dataclass(frozen=True, slots=True)
class RegisteredShard:
    """A shard that the database knows.

    Attributes:
        origin: the checkpoints' origin and the key's name.
        position: 1 for the first.
        vkey: its verifier key.
        predecessor: the shard before it; None for the first.
        announcement, announced_at: the evidence that announced it, and when; None for those that the settings
            named before the database did.
        opening: the evidence that was recorded with it, to be the shard's first leaf; None for those that the
            settings named, and those that the release before announced.
    """

    origin: str
    position: int
    vkey: str
    predecessor: str | None = None
    announcement: UUID | None = None
    announced_at: datetime | None = None
    opening: UUID | None = None


class AnnouncementUnreadable(Exception):
    """What is stored as the evidence that announced a shard is not what was recorded: it can't be read."""

    def __init__(self, evidence_id: UUID) -> None:
        super().__init__(str(evidence_id))
        self.evidence_id = evidence_id


@dataclass(frozen=True, slots=True)
class ShardEnd:
    """How a shard ends: the shard that is announced to come after it, and when it was frozen."""

    successor: str | None = None
    announcement: UUID | None = None
    frozen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShardTrees:
    """How far a shard has come, as read under its lock.

    Attributes:
        size, root: its newest recorded tree.
        published_size, note: its newest published checkpoint; 0 and None where there is none.
        witnessed_size: the largest tree that its witnesses cosigned; 0 where there is none.
        given_up: whether it was given up already.
    """

    size: int
    root: bytes
    published_size: int
    note: bytes | None
    witnessed_size: int
    given_up: bool


@dataclass(frozen=True, slots=True)
class GivenUpShard:
    """A shard that is given up: its key is lost.

    Attributes:
        size, root: the last tree that its key signed.
        unsigned_size, unsigned_root: the tree that was recorded and never signed.
        evidence_id, at: the act that says so, and when.
    """

    origin: str
    size: int
    root: bytes
    unsigned_size: int
    unsigned_root: bytes
    evidence_id: UUID
    at: datetime


def in_order(shards: Sequence[tuple[str, str]]) -> Sequence[RegisteredShard]:
    """Returns shards, given by origin and verifier key, the oldest first, as the settings name them."""
    before = [None, *(origin for origin, _ in shards)]
    return [
        RegisteredShard(origin, position, vkey, before[position - 1])
        for position, (origin, vkey) in enumerate(shards, 1)
    ]


def is_origin(text: str) -> bool:
    """Tells whether a shard may be named so."""
    return len(text) <= 200 and re.fullmatch(ORIGIN_PATTERN, text) is not None
