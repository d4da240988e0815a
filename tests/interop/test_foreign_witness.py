"""Ours and a witness and its client that nobody of this project wrote understand each other."""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.cosignature import CosignatureVerifier
from namak.evidence.note import note_from, open_note, parse_note, signature_line
from namak.evidence.tlog_policy import PolicyWitness, TlogPolicy
from namak.witness.clock import WitnessClock
from namak.witness.place import key_of, state_in
from namak.witness.serving import WitnessServer
from namak.witness.witness import Witness
from server.gateways.witnesses import HttpWitnesses
from server.transparency.troubles import Trouble
from server.transparency.witness_link import WitnessLink, WitnessTerms
from server.usecases.records import PublishedCheckpoint
from tests.interop.programs import ROOT
from tests.unit.witness.growing_log import GrowingLog
from tests.unit.witness.places import make

FOREIGN = ROOT / ".venv/foreign"
FEEDER = Path(__file__).with_name("foreign_feeder.py")
LOG = GrowingLog()
FORK = GrowingLog(LOG.key, "another")
SECONDS = 60.0

pytestmark = pytest.mark.skipif(
    not (FOREIGN / "stamp").exists(),
    reason="the foreign witness not tried: it is not installed (scripts/setup --with-others)",
)


async def started(*arguments: str | Path, **pipes: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", *arguments), env={"PYTHONPATH": str(FOREIGN), "PATH": ""}, **pipes
    )


async def said(*arguments: str | Path) -> str:
    """Runs the foreign witness's command to its end and returns what it printed."""
    process = await started("-m", "aics_witness", *arguments, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


@asynccontextmanager
async def foreign(directory: Path) -> AsyncIterator[tuple[CosignatureVerifier, str]]:
    """Runs the foreign witness, which follows our log; yields its key and its address."""
    config = ("--config", directory / "witness.json")
    vkey = (await said("init", "--name", "foreign.example/w1", *config)).split()[-1]
    await said("add-log", "--origin", LOG.key.name, "--vkey", LOG.key.vkey, *config)
    process = await started(
        *("-m", "aics_witness", "serve", *config, "--listen", "127.0.0.1:0"), stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(SECONDS):
            while b"http://" not in (line := await process.stderr.readline()):
                assert line, "the foreign witness ended"
        url = next(word for word in line.decode().split() if word.startswith("http://"))
        yield CosignatureVerifier.parse(vkey), url
    finally:
        process.terminate()
        await process.communicate()


class History:
    """What the log knows of itself."""

    def __init__(self, log: GrowingLog) -> None:
        self.log = log

    async def proof(self, old: int, tree: PublishedCheckpoint) -> Sequence[bytes]:
        return self.log.proof(old, tree.size)

    async def published_size(self, origin: str) -> int:
        return 300


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def tree(log: GrowingLog, size: int) -> PublishedCheckpoint:
    return PublishedCheckpoint(log.key.name, size, Checkpoint.parse(log.text(size)).root, log.note(size))


async def test_our_log_is_witnessed_by_a_foreign_witness(tmp_path: Path) -> None:
    client = HttpWitnesses(seconds=SECONDS)
    async with foreign(tmp_path) as (verifier, url):
        witness = PolicyWitness(b"w", verifier, url.encode())
        terms = WitnessTerms(TlogPolicy((), (witness,), (), b"w"), client, retry_first=0.0)
        links = [WitnessLink(witness, terms, History(log), Clock(), lambda: 0.0) for log in (LOG, LOG, FORK)]
        for link, size in ((0, 1), (0, 3), (0, 3), (1, 8), (0, 257), (1, 300)):
            # The other link knows nothing of what this one asked: a conflict puts it right.
            signature = await links[link].cosignature(tree(LOG, size))
            assert signature is not None
            text = LOG.text(size)
            line = signature_line(signature.name, signature.key_id, signature.signature)
            assert open_note(parse_note(note_from(text, [line])), [verifier]) == (signature,)
        assert await links[2].cosignature(tree(FORK, 300)) is None
        condition = links[2].watchman.condition
        assert condition is not None
        assert condition.kind is Trouble.WITNESS_DISAGREES
    await client.close()


async def submitted(url: str, vkey: str, *asked: tuple[GrowingLog, int]) -> Sequence[Mapping[str, object]]:
    """Has the foreign client submit checkpoints of these logs, in turn; returns what came of each."""
    lines = [
        json.dumps(
            {
                "note": log.note(size).decode(),
                "proofs": {
                    str(old): [base64.b64encode(value).decode() for value in log.proof(old, size)]
                    for old in range(size + 1)
                },
            }
        )
        for log, size in asked
    ]
    process = await started(
        *(FEEDER, url, vkey), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(SECONDS):
        output, _ = await process.communicate("\n".join(lines).encode())
    assert process.returncode == 0
    return [json.loads(line) for line in output.decode().splitlines()]


async def test_a_foreign_client_is_served_by_our_witness(tmp_path: Path) -> None:
    vkey = make(tmp_path, LOG)
    state = state_in(tmp_path)
    server = WitnessServer(Witness(state, key_of(tmp_path, state), WitnessClock()))
    async with TestServer(server.application()) as listening:
        url = str(listening.make_url("/"))
        first = await submitted(url, vkey, (LOG, 1), (LOG, 3), (LOG, 3), (LOG, 40))
        # A new client, which knows no sizes.
        second = await submitted(url, vkey, (LOG, 60), (LOG, 50), (FORK, 60), (FORK, 70), (LOG, 61))
    server.close()
    state.close()
    # What it accepts it has verified itself.
    assert [bool(each.get("lines")) for each in first] == [True] * 4
    assert [each.get("refused") for each in second] == [
        *(None, "WitnessAhead", "WitnessRejected", "WitnessRejected", None)
    ]
    assert [each["status"] for each in second if each.get("refused") == "WitnessRejected"] == [422, 422]
