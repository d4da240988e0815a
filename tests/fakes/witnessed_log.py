"""Witnessed and timestamped receipts in memory."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from server.domain.log_standing import Wait
from server.domain.refusals import ServiceUnavailable
from server.usecases.log_ports import AuthorityState, ShardState, ShardWitnesses
from server.usecases.records import LoggedReceipt, ReceiptTimestamp


@dataclass
class FakeWitnessedLog:
    """A `WitnessedLog`: has a receipt of what is in `witnessed`; `away` makes it unavailable."""

    active: bool = False
    away: bool = False
    witnessed: set[UUID] = field(default_factory=set)
    waited: list[float] = field(default_factory=list)
    notes: dict[str, bytes] = field(default_factory=dict)
    successors: dict[str, bytes] = field(default_factory=dict)

    async def checkpoint(self, origin: str) -> bytes | None:
        if self.away:
            raise ServiceUnavailable("log")
        return self.notes.get(origin)

    async def successor(self, origin: str) -> bytes | None:
        return self.successors.get(origin)

    async def receipt(
        self, evidence_id: UUID, document: bytes, *, wait_seconds: float, reply_by: float
    ) -> LoggedReceipt | None:
        self.waited.append(wait_seconds)
        if self.away:
            raise ServiceUnavailable("log")
        if evidence_id not in self.witnessed:
            return None
        return LoggedReceipt(evidence_id, "log.e-citizen.am/2026", 0, 2, document, witnessed=True)


@dataclass
class FakeTimestampedLog:
    """A `TimestampedLog`: has a receipt of what is in `stamped`, witnessed if it is in `witnessed`, too, and
    proven by `prove`; the tokens tell `gen_time`.
    """

    active: bool = False
    away: bool = False
    stamped: set[UUID] = field(default_factory=set)
    witnessed: set[UUID] = field(default_factory=set)
    prove: Callable[[bytes], bytes] = bytes
    gen_time: datetime = datetime(2026, 11, 22, tzinfo=UTC)
    waited: list[float] = field(default_factory=list)

    async def receipt(
        self, evidence_id: UUID, document: bytes, *, wait_seconds: float, reply_by: float, witnessed: bool
    ) -> LoggedReceipt | None:
        self.waited.append(wait_seconds)
        if self.away:
            raise ServiceUnavailable("log")
        if evidence_id not in self.stamped or (witnessed and evidence_id not in self.witnessed):
            return None
        return LoggedReceipt(
            *(evidence_id, "log.e-citizen.am/2026", 0, 2, self.prove(document)),
            witnessed=evidence_id in self.witnessed,
            timestamps=(ReceiptTimestamp("tsa", b"token", self.gen_time),),
        )


@dataclass
class FakeTimestampView:
    """A `TimestampView` of what it was given."""

    stamped: Mapping[str, Sequence[AuthorityState]] = field(default_factory=dict)
    waiting: Wait | None = None

    async def states(self, origins: Collection[str]) -> Mapping[str, Sequence[AuthorityState]]:
        return {origin: self.stamped.get(origin, []) for origin in origins}

    async def waits(self, shards: Sequence[ShardState]) -> Mapping[str, Wait]:
        return {shard.origin: self.waiting for shard in shards if self.waiting is not None}


@dataclass
class FakeWitnessView:
    """A `WitnessView` of what it was given."""

    witnesses: Mapping[str, ShardWitnesses] = field(default_factory=dict)

    async def states(self, origins: Collection[str]) -> Mapping[str, ShardWitnesses]:
        return {origin: each for origin, each in self.witnesses.items() if origin in origins}
