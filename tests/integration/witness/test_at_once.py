"""Many ask at once, and several processes share one state: there is one history all the same."""

import asyncio
import json
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from namak.witness.clock import WitnessClock
from namak.witness.place import key_of, state_in
from namak.witness.witness import Witness
from tests import forking
from tests.unit.witness.growing_log import GrowingLog
from tests.unit.witness.places import make
from tests.waiting import until

LOG = GrowingLog()
FORK = GrowingLog(LOG.key, "another")
SIZES = 24
SECONDS = 60


def test_threads_with_states_of_their_own_never_cosign_two_histories(tmp_path: Path) -> None:
    make(tmp_path, LOG)
    together = threading.Barrier(4)
    cosigned: list[tuple[str, int]] = []

    def ask(log: GrowingLog) -> None:
        state = state_in(tmp_path)
        witness = Witness(state, key_of(tmp_path, state), WitnessClock())
        together.wait(SECONDS)
        size = 0
        while size < SIZES:
            answer = witness.add_checkpoint(log.asks(size, size + 1))
            if answer.status == 200:
                cosigned.append((log.history, size + 1))
                size += 1
            elif answer.status == 409:
                size = int(answer.body)
            else:
                # This one's history is not the one that came first.
                assert answer.status == 422
                break
        state.close()

    askers = [threading.Thread(target=ask, args=(log,)) for log in (LOG, FORK, LOG, FORK)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(SECONDS)
    assert not any(asker.is_alive() for asker in askers)

    histories = {history for history, _ in cosigned}
    assert len(histories) == 1
    # Two can't both have moved it from one size to the next.
    assert sorted(size for _, size in cosigned) == list(range(1, SIZES + 1))


@asynccontextmanager
async def running(directory: Path, name: str) -> AsyncIterator[str]:
    """Runs the command; yields its address, and waits until it has ended by itself."""
    ready = directory / f"{name}.json"
    command = ("run", "-d", directory, "--listen", "127.0.0.1:0", "--ready-file", ready)
    ended = asyncio.create_task(asyncio.to_thread(forking.run, "namak.witness", *command))
    try:
        await until(lambda: ready.exists() or ended.done(), seconds=SECONDS)
        assert not ended.done(), ended.result().stderr
        said = json.loads(ready.read_text())
        yield said["url"]
        os.kill(said["pid"], signal.SIGTERM)
    finally:
        done = await ended
    assert done.returncode == 0, done.stderr


async def test_two_servers_on_one_state_cosign_one_history(tmp_path: Path) -> None:
    make(tmp_path, LOG)
    async with (
        running(tmp_path, "one") as one,
        running(tmp_path, "two") as two,
        aiohttp.ClientSession() as client,
    ):

        async def ask(url: str, log: GrowingLog, old: int, new: int) -> tuple[str, int, int]:
            async with client.post(f"{url}/add-checkpoint", data=log.asks(old, new)) as answer:
                await answer.read()
                return log.history, new, answer.status

        answers = []
        for size in range(6):
            asked = [
                ask(url, log, size, size + 1) for url in (one, two) for log in (FORK, LOG) for _ in range(3)
            ]
            answers += await asyncio.gather(*asked)

    cosigned = [(history, size) for history, size, status in answers if status == 200]
    assert len({history for history, _ in cosigned}) == 1
    assert [size for _, size in cosigned] == [1, 2, 3, 4, 5, 6]
    assert {status for _, _, status in answers} <= {200, 409, 422}
