"""Witnessed checkpoints in memory."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from server.domain.refusals import ServiceUnavailable
from server.transparency.ports import WitnessedTree

NOTES_LOOKED_THROUGH = 1000


@dataclass
class MemoryWitnessedTrees:
    """`WitnessedTrees`; `away` makes it unavailable, `integrated_at` is when every leaf was integrated."""

    integrated_at: datetime | None = None
    away: bool = False
    trees: dict[tuple[str, int], WitnessedTree] = field(default_factory=dict)
    renewed: dict[str, WitnessedTree] = field(default_factory=dict)

    def _answering(self) -> None:
        if self.away:
            raise ServiceUnavailable("database")

    async def keep(self, tree: WitnessedTree) -> None:
        self._answering()
        self.trees.setdefault((tree.origin, tree.size), tree)

    async def newest(self, origins: Collection[str]) -> Mapping[str, WitnessedTree]:
        self._answering()
        return {origin: tree for (origin, _), tree in sorted(self.trees.items()) if origin in origins}

    async def renew(self, tree: WitnessedTree) -> None:
        self._answering()
        old = self.renewed.get(tree.origin)
        if old is None or (tree.size, tree.witnessed_at) > (old.size, old.witnessed_at):
            self.renewed[tree.origin] = tree

    async def freshest(self, origins: Collection[str]) -> Mapping[str, WitnessedTree]:
        newest = dict(await self.newest(origins))
        for origin, tree in self.renewed.items():
            first = newest.get(origin)
            if origin in origins and (
                first is None or (tree.size, tree.witnessed_at) > (first.size, first.witnessed_at)
            ):
                newest[origin] = tree
        return newest

    async def last_with(self, origin: str, starts: Collection[bytes]) -> Mapping[bytes, bytes]:
        trees = [tree for (of, _), tree in sorted(self.trees.items()) if of == origin]
        trees = trees[-NOTES_LOOKED_THROUGH:]
        if origin in self.renewed:
            trees = sorted([*trees, self.renewed[origin]], key=lambda each: (each.size, each.witnessed_at))
        return {start: tree.note for tree in trees for start in starts if b"\n" + start in tree.note}

    async def first_over(self, origin: str, index: int) -> WitnessedTree | None:
        self._answering()
        found = [tree for (of, size), tree in sorted(self.trees.items()) if of == origin and size > index]
        return found[0] if found else None

    async def integrated_beyond(self, origin: str, size: int) -> datetime | None:
        self._answering()
        return self.integrated_at
