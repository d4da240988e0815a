"""A replica in a process of its own whose checkpoints are witnessed, and which kills itself on the way.

Arguments: database URL, directory of guard and journal, file with the key, file with the policy, moment.
"""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from namak.evidence.tlog_policy import TlogPolicy
from server.gateways.witnesses import HttpWitnesses
from server.storage.log import log_storage
from server.transparency.ports import WitnessedTree, WitnessedTrees
from server.transparency.service import TransparencyService
from server.transparency.witness_link import WitnessTerms
from server.usecases.witness_ports import WitnessAnswer, WitnessClient
from tests.integration.transparency.conftest import WallClock, World
from tests.integration.transparency.ledger import Ledger


class Moment(StrEnum):
    """When the process is killed."""

    ASKING = "asking"
    """No witness was asked yet."""
    ONE = "one"
    """One witness has cosigned, the other one was not heard."""
    COLLECTED = "collected"
    """The quorum has cosigned; nothing is stored."""
    STORING = "storing"
    """The database was told to store it; by whoever waits for that."""
    STORED = "stored"
    """It is stored."""


class _Killed:
    """Sends the process a SIGKILL at its moment."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def now(self, moment: Moment) -> None:
        if moment is self._moment:
            os.kill(os.getpid(), signal.SIGKILL)


class _Witnesses:
    """A `WitnessClient`: one that is killed."""

    def __init__(self, client: WitnessClient, killed: _Killed) -> None:
        self._client = client
        self._killed = killed

    async def add_checkpoint(self, url: str, body: bytes) -> WitnessAnswer:
        self._killed.now(Moment.ASKING)
        answer = await self._client.add_checkpoint(url, body)
        if answer.status == 200:
            self._killed.now(Moment.ONE)
        return answer


class _Store:
    """`WitnessedTrees`, of which one is killed around `keep`."""

    def __init__(self, store: WitnessedTrees, killed: _Killed) -> None:
        self._store = store
        self._killed = killed
        self.newest = store.newest
        self.first_over = store.first_over
        self.freshest = store.freshest
        self.renew = store.renew
        self.integrated_beyond = store.integrated_beyond

    async def keep(self, tree: WitnessedTree) -> None:
        self._killed.now(Moment.COLLECTED)
        await self._store.keep(tree)
        self._killed.now(Moment.STORED)


def terms(policy: bytes, client: WitnessClient) -> WitnessTerms:
    """Returns how witnesses are asked here: soon, and soon again."""
    return WitnessTerms(TlogPolicy.parse(policy), client, interval=0.02, retry_first=0.02, retry_longest=0.1)


async def main(world: World, policy: bytes, moment: Moment) -> None:
    killed = _Killed(moment)
    storage = log_storage(world.ledger.url)
    service = TransparencyService(
        [world.shard()],
        replace(storage, witnessed=_Store(storage.witnessed, killed)),
        clock=WallClock(),
        witnesses=terms(policy, _Witnesses(HttpWitnesses(seconds=60), killed)),
    )
    await service.start()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    url, directory, key, policy_file, moment_ = sys.argv[1:]
    log = World(Ledger(url), Path(directory), Path(key).read_bytes())
    asyncio.run(main(log, Path(policy_file).read_bytes(), Moment(moment_)))
