"""What works for a process that is killed dead ends too."""

import os
import select
import subprocess
import sys
from pathlib import Path

DEADLINE = 60.0
PROGRAM = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from server.gateways.orphans import end_with_parent

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, mp_context=context, initializer=end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(100)
"""


def test_a_pools_process_ends_when_the_one_that_started_it_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    ended, _, _ = select.select([worker], [], [], DEADLINE)
    os.close(worker)
    assert ended
