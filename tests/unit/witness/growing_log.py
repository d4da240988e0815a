"""A log in memory that can tell everything of any of its sizes, and lie."""

from dataclasses import dataclass, field
from functools import cache

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import note_from
from namak.evidence.tiles import Extension, consistency_proof, extend
from namak.evidence.tlog_witness import AddCheckpoint
from namak.evidence.tree import leaf_hash
from tests.unit.evidence.signing import LogKey


@dataclass(frozen=True)
class GrowingLog:
    """Its entries are its numbers, after `history`: two logs with different ones are forks of one another."""

    key: LogKey = field(default_factory=LogKey)
    history: str = "ours"

    def text(self, size: int) -> bytes:
        return Checkpoint(self.key.name, size, _tree(self.history, size).root).text()

    def note(self, size: int, *more: bytes) -> bytes:
        """The checkpoint of that size, signed by the log, with further signature lines."""
        return note_from(self.text(size), [self.key.line(self.text(size)), *more])

    def proof(self, old: int, new: int) -> tuple[bytes, ...]:
        return tuple(consistency_proof(_tree(self.history, new).changed, old, new))

    def request(self, old: int, new: int) -> AddCheckpoint:
        return AddCheckpoint(old, self.proof(old, new) if old <= new else (), self.note(new))

    def asks(self, old: int, new: int) -> bytes:
        """The request's body."""
        return self.request(old, new).encode()


@cache
def _tree(history: str, size: int) -> Extension:
    return extend({}, 0, [leaf_hash(f"{history} {number}".encode()) for number in range(size)])
