"""The log's shards as one replica knows them, leading or not.

The database says which there are and which is current; it is asked again every now and then. Until it knows
any, the settings do. A verifier key that the settings have counts, whatever the database has.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from namak.evidence.note import Verifier, vkey
from server.domain.log_shards import RegisteredShard, in_order
from server.transparency.ports import ShardInLine, ShardRow


class LineReader(Protocol):
    """Reads which shards there are. Raises `ServiceUnavailable`."""

    async def line(self) -> Sequence[ShardInLine]:
        """Returns the shards that the database knows, the oldest first."""
        ...

    async def shards(self, origins: Collection[str]) -> Mapping[str, ShardRow]:
        """Returns how far each of these shards has come; those without a single leaf are missing."""
        ...


class ShardDirectory:
    """Which shards there are, as of the last `refresh`."""

    def __init__(
        self,
        verifiers: Sequence[Verifier],
        reader: LineReader,
        *,
        to_come: Sequence[Verifier] = (),
        keys_lost: Collection[str] = (),
    ) -> None:
        """Takes the keys that the settings have: those of the shards up to that of `[log]`, the oldest first,
        and of those that are to come after it. And who reads which there are; and those whose key is gone
        before all of them was signed.
        """
        self._keys_lost = frozenset(keys_lost)
        self._reader = reader
        self._verifiers = {each.name: each for each in (*verifiers, *to_come)}
        self._configured = in_order([(each.name, vkey(each.name, each.public_key)) for each in verifiers])
        self.registered: Sequence[RegisteredShard] = ()
        """The shards that the database knows, those that are announced too; none until it was asked."""
        self._line: Sequence[ShardInLine] = [
            ShardInLine(shard, 0, 0, frozen=shard is not self._configured[-1]) for shard in self._configured
        ]

    @property
    def line(self) -> Sequence[ShardInLine]:
        """The shards that were opened, the oldest first; the last one is the current one.

        One that is announced is opened when the one before it is frozen.
        """
        frozen = [each.frozen for each in self._line]
        return self._line[: frozen.index(False) + 1] if False in frozen else self._line

    @property
    def current(self) -> str:
        """The origin of the shard that new facts go to."""
        return self.line[-1].origin

    def get(self, origin: str) -> ShardInLine | None:
        """Returns a shard that was opened."""
        return next((each for each in self.line if each.origin == origin), None)

    def ended(self, origin: str) -> int | None:
        """Returns the size of a shard that is frozen and published to its end; None for any other."""
        shard = self.get(origin)
        return shard.published_size if shard is not None and shard.complete else None

    def awaited(self, origin: str) -> bool:
        """Tells whether what a shard has beyond its newest checkpoint may still be published: not where it is
        frozen and its key is lost.
        """
        shard = self.get(origin)
        return origin not in self._keys_lost or shard is None or not shard.frozen

    def verifier(self, origin: str) -> Verifier | None:
        """Returns a shard's key."""
        return self._verifiers.get(origin)

    def vkey(self, origin: str) -> str:
        """Returns a shard's verifier key; empty for no shard of this log."""
        verifier = self._verifiers.get(origin)
        return "" if verifier is None else vkey(origin, verifier.public_key)

    async def refresh(self) -> Sequence[ShardInLine]:
        """Asks the database again; returns the shards that were opened.

        Raises:
            ServiceUnavailable: it does not answer; what was known before stands.
        """
        line = await self._reader.line()
        self.registered = [each.shard for each in line]
        if not line:
            line = await self._of_settings()
        for each in line:
            self._verifiers.setdefault(each.origin, Verifier.parse(each.shard.vkey))
        self._line = line
        return self.line

    async def _of_settings(self) -> Sequence[ShardInLine]:
        rows = await self._reader.shards([shard.origin for shard in self._configured])
        line = []
        for shard in self._configured:
            row = rows.get(shard.origin)
            sizes = (0, 0) if row is None else (row.integrated_size, row.published_size)
            line.append(ShardInLine(shard, *sizes, frozen=shard is not self._configured[-1]))
        return line
