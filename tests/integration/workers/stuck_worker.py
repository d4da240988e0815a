"""A worker whose jobs never end, for a test to kill: `python -m … URL KIND…`."""

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta

from server.domain.jobs import Backoff, JobKind, RunningJob
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.workers.workers import Workers, WorkerSettings

BACKOFF = Backoff(3, timedelta(milliseconds=10), 1, timedelta(milliseconds=10))


class _Clock:
    def now(self) -> object:
        raise AssertionError("nothing fails here")


async def _stuck(_job: RunningJob) -> None:
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def main(url: str, *names: str) -> None:
    kinds = {JobKind(name, "", "", BACKOFF): _stuck for name in names}
    settings = replace(WorkerSettings(), poll=timedelta(milliseconds=20))
    await Workers(url, kinds, SqlUnitOfWork(Database(url, pool_size=2)), _Clock(), settings).run()  # type: ignore[arg-type]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
