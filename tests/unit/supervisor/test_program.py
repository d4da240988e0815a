"""A server process as a real program: what it tells its supervisor, whatever else is printed in it."""

import asyncio
from pathlib import Path

import pytest

from server.supervisor.process import ServerProgram

# As a library in C prints: past Python's own streams.
NOISY = """
import os, sys
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
from server.supervisor.process import tell_ready, way_to_supervisor
way = way_to_supervisor()
sys.stdin.readline()
os.write(1, b"C_Initialize: 2 slots" + bytes([10]))
tell_ready(way, "127.0.0.1:50051")
for _ in range(3000):
    os.write(1, bytes(1024))
sys.stdin.read()
sys.exit(3)
"""


async def test_what_is_printed_in_a_process_neither_misleads_the_supervisor_nor_stops_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "noisy_server.py").write_text(NOISY, encoding="ascii")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    program = await ServerProgram.start("noisy_server", {"number": 1})
    try:
        async with asyncio.timeout(60):
            assert await program.ready() == "127.0.0.1:50051"
            program._orders.close()  # the end of its input, which it heeds once all is printed
            assert await program.ended() == 3
    finally:
        program.kill()
