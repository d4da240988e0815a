"""The programs that the docs print are run as they stand, against the whole server."""

import asyncio
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.system.post import Post

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.hsm]

ROOT = Path(__file__).resolve().parents[2]


def program_in(page: str) -> str:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    return str(program)


async def run(program: str, directory: Path) -> str:
    """Runs a program in a directory that holds what it names; returns what it prints."""
    path = directory / "program.py"
    path.write_text(program, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(path)),
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, told = await process.communicate()
    assert process.returncode == 0, told.decode()
    return output.decode()


async def test_the_operators_program_registers_and_the_agencys_sends(post: Post, tmp_path: Path) -> None:
    world = post.world
    shutil.copy(
        world.write_client("documented-operator", world.operator, post.address), tmp_path / "operator.toml"
    )
    shutil.copy(world.write_client("documented-agency", world.agency, post.address), tmp_path / "namak.toml")
    shutil.copy(world.agency.cert_path, tmp_path / "agency.pem")
    (tmp_path / "letter.pdf").write_bytes(b"a letter")
    registering = program_in("docs/operations.md")
    # The page tells that development permits loopback networks, which is where these tests call from.
    assert "217.76.0.10/32" in registering
    sending = program_in("README.md")

    assert await run(registering.replace("217.76.0.10/32", "127.0.0.1/32"), tmp_path) == ""
    saved = (await run(sending, tmp_path)).split()
    assert (await run(sending, tmp_path)).split() == saved
    first, second = saved
    assert first.endswith("-SubmissionAcceptance.tlog-proof")
    assert second.endswith("-ContentConsignment.tlog-proof")
    (tmp_path / "letter.pdf").write_bytes(b"another letter")
    assert (await run(sending, tmp_path)).startswith("REQUEST_ID_REUSED ")
