"""The log over gRPC as a monitor reads it: which of the two checkpoints that the post gives counts."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

from namak.client import Client
from namak.client.log_source import WITNESS_SECONDS, PostSource
from namak.v1 import evidence_pb2
from tests.fakes.grown_log import Cosigner, GrownLog

WITNESS = Cosigner("w.example/1")


@dataclass
class Told:
    """A post that tells what a test says."""

    log: GrownLog = field(default_factory=GrownLog)
    now: float = 1000.0
    known: int = 0
    witnessed: bytes = b""
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        post = cast(Client, SimpleNamespace(evidence=self))
        self.source = PostSource(post, "post:443", known=lambda _: self.known, clock=lambda: self.now)

    async def checkpoint(self, origin: str) -> evidence_pb2.GetCheckpointResponse:
        self.asked.append(origin)
        return evidence_pb2.GetCheckpointResponse(
            checkpoint=self.log.note or b"", witnessed_checkpoint=self.witnessed
        )

    def cosign(self, time: int = 1) -> bytes:
        """Has the newest tree witnessed, and returns the note."""
        self.witnessed = WITNESS.cosigned(self.log.signed(self.log.published), time)
        return self.witnessed


async def test_without_witnesses_the_newest_one_counts() -> None:
    told = Told()
    note = told.log.grow(3)
    assert await told.source.checkpoint() == note


async def test_the_witnessed_one_counts_until_it_is_late() -> None:
    told = Told()
    told.log.grow(3)
    witnessed = told.cosign()
    assert await told.source.checkpoint() == witnessed
    # However long nothing happens.
    told.now += 3600
    assert await told.source.checkpoint() == witnessed

    told.log.grow(1)
    witnessed = told.cosign(2)
    newest = told.log.grow(2)
    assert await told.source.checkpoint() == witnessed
    told.now += WITNESS_SECONDS - 0.1
    assert await told.source.checkpoint() == witnessed
    told.now += 0.1
    assert await told.source.checkpoint() == newest
    assert await told.source.checkpoint() == (again := newest)
    witnessed = told.cosign(3)
    assert await told.source.checkpoint() == witnessed != again


async def test_nothing_that_was_seen_is_taken_back_for_being_witnessed() -> None:
    told = Told()
    told.log.grow(3)
    witnessed = told.cosign()
    newest = told.log.grow(2)
    told.known = 3
    assert await told.source.checkpoint() == witnessed
    told.known = 4
    assert await told.source.checkpoint() == newest
    # Neither after it was shown by this source.
    told.known = 0
    assert await told.source.checkpoint() == newest


async def test_what_is_no_checkpoint_does_not_count() -> None:
    told = Told()
    newest = told.log.grow(3)
    for witnessed in (b"x", newest.replace(b"\n3\n", b"\n03\n"), newest[:-1]):
        told.witnessed = witnessed
        assert await told.source.checkpoint() == newest


async def test_the_shard_that_is_the_current_one_at_first_is_followed_to_its_end() -> None:
    told = Told()
    told.log.grow(3)
    for _ in range(2):
        await told.source.checkpoint()
    await told.source.at_successor(told.log.origin, "log.example.am/2027").checkpoint()
    assert told.asked == ["", told.log.origin, "log.example.am/2027"]


async def test_what_is_witnessed_of_another_shard_does_not_count() -> None:
    told = Told()
    told.log.grow(300)
    told.cosign()
    told.log = GrownLog(origin="log.example.am/2027")
    newest = told.log.grow(1)
    assert await told.source.checkpoint() == newest


async def test_a_shard_that_was_not_asked_about_is_not_shown() -> None:
    """Nobody would see that the one before does not go on."""
    told = Told()
    told.log.grow(3)
    assert await told.source.checkpoint() is not None
    told.log = GrownLog(origin="log.example.am/2027")
    told.log.grow(1)
    assert await told.source.checkpoint() is None
