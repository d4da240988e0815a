"""What a check may find, how bad it is, and the report that collects it."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

MOST_OF_A_KIND: Final = 100
"""Findings of one kind that are told one by one; all are counted. One changed leaf makes every later root
another.
"""


class Part(StrEnum):
    """What can be checked by itself, in the order of checking."""

    TREE = "tree"
    """Leaves without gaps, the tiles over them, and the root of every tree."""
    EVIDENCE = "evidence"
    """Every leaf has its evidence, every piece of evidence its leaf or its place in the queue."""
    CHECKPOINTS = "checkpoints"
    """Published and cosigned notes, their signatures and trees, and the guard."""
    MAILBOXES = "mailboxes"
    """Every mailbox's chain of links, its consignments and its head."""


class Gravity(StrEnum):
    """How bad a finding is."""

    GRAVE = "grave"
    """Evidence, or what was signed, is gone, changed, or nowhere proved."""
    MENDABLE = "mendable"
    """What is wrong can be derived or asked for again; the evidence is not touched."""


class Kind(StrEnum):
    """What is wrong, by its name in the output."""

    HEAD_MISSING = "head-missing"
    HEAD_WRONG = "head-wrong"
    LEAF_MISSING = "leaf-missing"
    LEAF_BEYOND = "leaf-beyond"
    TREE_MISSING = "tree-missing"
    TREE_BEYOND = "tree-beyond"
    ROOT_WRONG = "root-wrong"
    TILE_MISSING = "tile-missing"
    TILE_WRONG = "tile-wrong"
    TILE_NARROW = "tile-narrow"
    TILE_WIDE = "tile-wide"
    TILE_BEYOND = "tile-beyond"
    EVIDENCE_MISSING = "evidence-missing"
    ENTRY_WRONG = "entry-wrong"
    DIGEST_WRONG = "digest-wrong"
    UNQUEUED = "unqueued"
    QUEUED_AND_LOGGED = "queued-and-logged"
    QUEUED_WRONG = "queued-wrong"
    CHECKPOINT_MISSING = "checkpoint-missing"
    CHECKPOINT_BEYOND = "checkpoint-beyond"
    NOTE_UNREADABLE = "note-unreadable"
    NOTE_MISPLACED = "note-misplaced"
    SIGNATURE_WRONG = "signature-wrong"
    NOTE_TREE_UNKNOWN = "note-tree-unknown"
    NOTE_ROOT_WRONG = "note-root-wrong"
    COSIGNED_UNPUBLISHED = "cosigned-unpublished"
    BELOW_QUORUM = "below-quorum"
    GUARD_MISSING = "guard-missing"
    GUARD_DAMAGED = "guard-damaged"
    GUARD_BEHIND = "guard-behind"
    GUARD_AHEAD = "guard-ahead"
    GUARD_DIFFERS = "guard-differs"
    LINK_MISSING = "link-missing"
    LINK_WRONG = "link-wrong"
    CHAIN_HEAD_WRONG = "chain-head-wrong"


_G, _M = Gravity.GRAVE, Gravity.MENDABLE

KINDS: Mapping[Kind, tuple[Gravity, str]] = MappingProxyType(
    {
        Kind.HEAD_MISSING: (_G, "rows of a shard that has no head"),
        Kind.HEAD_WRONG: (_G, "the head's root is not that of the entries"),
        Kind.LEAF_MISSING: (_G, "there is no leaf of this index"),
        Kind.LEAF_BEYOND: (_G, "leaves behind the end of the tree"),
        Kind.TREE_MISSING: (_G, "the head's size is that of no recorded tree"),
        Kind.TREE_BEYOND: (_G, "trees larger than the head"),
        Kind.ROOT_WRONG: (_G, "the recorded root is not that of the entries"),
        Kind.TILE_MISSING: (_M, "the tile is not there"),
        Kind.TILE_WRONG: (_M, "the tile is not what the entries give"),
        Kind.TILE_NARROW: (_M, "the tile lacks hashes"),
        Kind.TILE_WIDE: (_M, "the tile has hashes behind the end of the tree"),
        Kind.TILE_BEYOND: (_M, "tiles behind the end of the tree"),
        Kind.EVIDENCE_MISSING: (_G, "the leaf's evidence is not there"),
        Kind.ENTRY_WRONG: (_G, "the leaf is not the SHA-256 of its evidence"),
        Kind.DIGEST_WRONG: (_G, "the digest beside the evidence is not that of its bytes"),
        Kind.UNQUEUED: (_G, "the evidence is neither in the log nor queued for it"),
        Kind.QUEUED_AND_LOGGED: (_G, "the evidence is in the log, and queued for it once more"),
        Kind.QUEUED_WRONG: (_G, "what is queued is not the SHA-256 of stored evidence"),
        Kind.CHECKPOINT_MISSING: (_G, "the published size has no checkpoint"),
        Kind.CHECKPOINT_BEYOND: (_G, "checkpoints larger than the published size"),
        Kind.NOTE_UNREADABLE: (_G, "the note is no checkpoint"),
        Kind.NOTE_MISPLACED: (_G, "the note speaks of another log or size"),
        Kind.SIGNATURE_WRONG: (_G, "a signature by a known key does not verify, or the log's is missing"),
        Kind.NOTE_TREE_UNKNOWN: (_G, "no recorded tree has the note's size"),
        Kind.NOTE_ROOT_WRONG: (_G, "the note's root is not that of the recorded tree"),
        Kind.COSIGNED_UNPUBLISHED: (_G, "witnesses cosigned what was never published"),
        Kind.BELOW_QUORUM: (_M, "the cosignatures are no quorum of the policy in the settings"),
        Kind.GUARD_MISSING: (_M, "there is no guard, though the log is published"),
        Kind.GUARD_DAMAGED: (_M, "the guard is no checkpoint of this log"),
        Kind.GUARD_BEHIND: (_M, "the guard holds less than is published"),
        Kind.GUARD_AHEAD: (_G, "the guard holds more than the database: it was put back, or lost commits"),
        Kind.GUARD_DIFFERS: (_G, "the guard holds another tree than the database"),
        Kind.LINK_MISSING: (_G, "places of a mailbox are missing"),
        Kind.LINK_WRONG: (_G, "a link, its opening, its consignment or its delivery does not fit"),
        Kind.CHAIN_HEAD_WRONG: (_G, "the mailbox's links do not end in its head"),
    }
)
"""How bad each is, and in words (docs/operations.md)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where: a shard, an index, an identifier; never anything of a person."""

    part: Part
    kind: Kind
    where: str

    @property
    def gravity(self) -> Gravity:
        return KINDS[self.kind][0]

    @property
    def text(self) -> str:
        return KINDS[self.kind][1]


def untold(_finding: Finding) -> None:
    """Tells nobody of a finding."""


def unwatched(_part: Part, _done: int) -> None:
    """Watches no progress."""


@dataclass
class Report:
    """What was checked and found so far.

    `on_finding` is told of each finding that is kept, `on_progress` how many of a part's things are done.
    """

    on_finding: Callable[[Finding], None] = untold
    on_progress: Callable[[Part, int], None] = unwatched
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    unchecked: list[str] = field(default_factory=list)
    """What could not be checked, and why, in words."""
    seconds: dict[Part, float] = field(default_factory=dict)
    _began: float = field(default_factory=time.perf_counter)

    def found(self, part: Part, kind: Kind, where: str, count: int = 1) -> None:
        """Notes a finding; with a count, one that stands for so many."""
        told = self.counts[kind] < MOST_OF_A_KIND
        self.counts[kind] += count
        if told:
            finding = Finding(part, kind, where)
            self.findings.append(finding)
            self.on_finding(finding)

    def done(self, part: Part, what: str, count: int) -> None:
        """Counts what was checked."""
        self.checked[what] += count
        self.on_progress(part, self.checked[what])

    def ended(self, part: Part) -> None:
        """Notes how long a part took; parts are checked one after another."""
        now = time.perf_counter()
        self.seconds[part] = now - self._began
        self._began = now

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.counts
