"""A log on a real database: keys made at run time, replicas in this process and in others."""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import Verifier, open_note, parse_note
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.tree import leaf_hash, verify_inclusion
from server.storage.log import log_storage
from server.transparency.guard import FileGuard
from server.transparency.service import TransparencyService
from server.transparency.settings import DEFAULT_PACE, Pace
from server.transparency.shard import Shard
from server.transparency.steps import OnStep, unobserved
from server.usecases.records import LoggedReceipt
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.signers import TokenLikeSigner

ORIGIN = "log.example.am/2026"
PATIENCE_SECONDS = 60.0


class WallClock:
    """Tells the time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


async def eventually(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Waits until a condition holds; fails after the deadline."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            held = condition()
            if await held if isinstance(held, Awaitable) else held:
                return
            await asyncio.sleep(0.01)


@dataclass
class World:
    """One log: its database, its key, its guard, and whoever runs it."""

    ledger: Ledger
    directory: Path
    secret: bytes = field(default_factory=lambda: os.urandom(32))

    @property
    def guard_path(self) -> Path:
        return self.directory / "guard"

    @property
    def journal(self) -> Path:
        return self.directory / "signed"

    def signer(self) -> TokenLikeSigner:
        return TokenLikeSigner(self.secret, self.journal)

    def guard(self, origin: str = ORIGIN) -> FileGuard:
        return FileGuard(self.guard_path, Verifier(origin, self.signer().public_key))

    def shard(self, signer: TokenLikeSigner | None = None, origin: str = ORIGIN) -> Shard:
        return Shard(origin, signer or self.signer(), self.guard(origin))

    @contextlib.asynccontextmanager
    async def replica(
        self,
        *shards: Shard,
        former: Sequence[Verifier] = (),
        url: str | None = None,
        on_step: OnStep = unobserved,
        pace: Pace = DEFAULT_PACE,
        drain: float = 5.0,
    ) -> AsyncIterator[TransparencyService]:
        """Runs a replica in this process."""
        service = TransparencyService(
            shards or [self.shard()],
            log_storage(url or self.ledger.url, pace=pace),
            clock=WallClock(),
            former=former,
            pace=pace,
            on_step=on_step,
        )
        await service.start()
        try:
            yield service
        finally:
            await service.stop(drain)

    def verify(self, receipts: Mapping[UUID, LoggedReceipt], origin: str = ORIGIN) -> None:
        """Asserts that each is a receipt of what was recorded, as a stranger would see it."""
        verifier = Verifier(origin, self.signer().public_key)
        for evidence_id, receipt in receipts.items():
            verify_receipt(receipt, self.ledger.recorded[evidence_id], verifier)


def verify_receipt(receipt: LoggedReceipt, document: bytes, verifier: Verifier) -> None:
    """Asserts what tlog-proof asks: the log's signature, and inclusion of the document's digest."""
    proof = TlogProof.parse(receipt.tlog_proof)
    assert proof.extra == document
    note = parse_note(proof.checkpoint)
    open_note(note, [verifier])
    tree = Checkpoint.parse(note.text)
    assert (tree.origin, tree.size, proof.index) == (receipt.origin, receipt.tree_size, receipt.leaf_index)
    entry = hashlib.sha256(document).digest()
    verify_inclusion(proof.index, tree.size, leaf_hash(entry), proof.hashes, tree.root)


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> World:
    return World(Ledger(database_url), tmp_path)
