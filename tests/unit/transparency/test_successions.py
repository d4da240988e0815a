"""The receipt that leads from a shard to the next one: of the last leaf alone."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from namak.evidence.succession import succession
from namak.evidence.tiles import TileId
from namak.evidence.tlog_policy import TlogPolicy
from server.domain.refusals import ServiceUnavailable
from server.transparency.ports import WitnessedTree
from server.transparency.successions import Successions
from tests.fakes.grown_log import Cosigner, GrownLog
from tests.fakes.succeeding import announcement, ended

WITNESS = Cosigner("w.example/1")
AT = datetime(2026, 12, 31, tzinfo=UTC)


@dataclass
class Announced:
    """`Announcements` of one shard."""

    document: bytes | None = None

    async def of(self, origin: str) -> bytes | None:
        return self.document


@pytest.fixture
def log() -> GrownLog:
    log = GrownLog()
    log.grow(300)
    return log


@pytest.fixture
def document(log: GrownLog) -> bytes:
    return announcement(log, GrownLog(origin="log.example.am/2027"))


async def test_it_stands_under_the_witnessed_checkpoint_where_there_is_one(
    log: GrownLog, document: bytes
) -> None:
    announced = Announced()
    successions = Successions(log, log.witnessed, announced)
    assert await successions.receipt(log.origin) is None
    await log.witnessed.keep(WitnessedTree(log.origin, 300, WITNESS.cosigned(log.signed(300), 1), AT))
    note = ended(log, document)
    announced.document = document
    plain = await successions.receipt(log.origin)
    # Witnesses have not seen the last leaf yet.
    assert plain is not None
    assert plain.endswith(note)
    await log.witnessed.keep(WitnessedTree(log.origin, 301, WITNESS.cosigned(note, 2), AT))
    found = await successions.receipt(log.origin)
    assert found is not None
    policy = f"log {log.vkey}\nwitness w {WITNESS.vkey}\nquorum w\n"
    assert succession(found, TlogPolicy.parse(policy.encode())).tree.size == 301


async def test_what_is_not_the_last_leaf_leads_nowhere(log: GrownLog, document: bytes) -> None:
    ended(log, document)
    log.grow(1)
    with capture_logs() as logs:
        assert await Successions(log, log.witnessed, Announced(document)).receipt(log.origin) is None
    assert logs == []


async def test_tiles_that_do_not_give_the_published_root_are_an_alarm(log: GrownLog, document: bytes) -> None:
    ended(log, document)
    log.rows[TileId(0, 0)] = bytes(8192)
    log.rows[TileId(1, 0)] = bytes(32)
    with capture_logs() as logs, pytest.raises(ServiceUnavailable):
        await Successions(log, log.witnessed, Announced(document)).receipt(log.origin)
    assert [line["log_level"] for line in logs] == ["critical"]
