"""The programs that the docs print are run as they stand, against the whole server."""

import asyncio
import os
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.system.post import Post

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.hsm]

ROOT = Path(__file__).resolve().parents[2]


def program_in(page: str) -> str:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    return str(program)


def commands_in(page: str, beginning: str) -> str:
    """Returns the block of commands that begins so."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    (block,) = (each for each in blocks if each.startswith(beginning))
    return str(block)


async def run(program: str, directory: Path) -> str:
    """Runs a program in a directory that holds what it names; returns what it prints."""
    path = directory / "program.py"
    path.write_text(program, encoding="utf-8")
    return await _printed(sys.executable, "-P", str(path), directory=directory)


async def _printed(*command: str, directory: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=directory,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
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
    registering = program_in("docs/senders-and-mailboxes.md")
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


async def test_the_operators_commands_register_and_close_as_the_page_tells(
    post: Post, tmp_path: Path
) -> None:
    world = post.world
    shutil.copy(
        world.write_client("commanding-operator", world.operator, post.address), tmp_path / "operator.toml"
    )
    shutil.copy(
        post.pki.machine("commanded", organisation="X", common_name="x").cert_path, tmp_path / "agency.pem"
    )
    # Another organisation than the one that the page's program registers in the same post.
    others = {"217.76.0.10/32": "127.0.0.1/32", "00000701": "00000799", "src.am": "commanded.am"}
    others["5001950015"] = "4908870019"
    registering = commands_in("docs/senders-and-mailboxes.md", "export NAMAK_CONFIG=operator.toml")
    page = (ROOT / "docs/senders-and-mailboxes.md").read_text(encoding="utf-8")
    # Not those that need a file, a portal, a print house or a session: these have tests of their own, too.
    apart = re.compile("import FILE|portal bind|print-house|session list")
    told = re.findall(r"^\| [^|]+ \| `(namak admin [^`]+)`", page, re.MULTILINE)
    looking_after = [line for line in told if not apart.search(line)]
    assert (len(looking_after), len(told)) == (8, 13)
    script = "\n".join(["set -e", registering, *(f"{line} --yes" for line in looking_after), AUDIT])
    for printed, tried in others.items():
        script = script.replace(printed, tried)
    # The page's days go by.
    script = re.sub(r"--until \d{4}-12-31", f"--until {datetime.now(UTC).year + 1}-12-31", script)

    acts = await _printed("bash", "-c", script, directory=tmp_path)

    named = re.findall(r"^ *\"act\": \"(\w+)\"", acts, re.MULTILINE)
    assert sorted(named) == sorted(
        [
            "RegisterOrganisation",
            "RegisterDomain",
            "EnableAdministrator",
            "RegisterSenderAddress",
            "BindCertificate",
            "SuspendSenderAddress",
            "RevokeCertificate",
            "DisableAdministrator",
            *["SetContractState"] * 4,
        ]
    )


AUDIT = "namak --json admin audit --org 00000701"
