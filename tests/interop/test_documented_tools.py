"""The sessions with other people's tools that the README prints are run as they stand, on a whole server."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from server.dev.pki import Identity
from server.grpc_server import SERVICES
from tests.interop.programs import ROOT, Outcome, run
from tests.system.post import Agency, Citizen, Post

TOOLS = {
    "grpcurl": "grpcurl not tried: scripts/setup --with-others has it only for Linux on x86-64",
    "buf": "buf not tried: scripts/setup has not installed it",
    "node": "Node.js not tried: it is missing (apt install nodejs npm)",
}
NODE_MODULES = ROOT / "tests/interop/node/node_modules"

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.hsm]


def session(tool: str) -> str:
    """Returns what the README says to type for a tool, with the settings of the connection before it."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, section = readme.partition("\n## Other tools and languages\n")
    settings, *blocks = re.findall(r"```sh\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    (commands,) = [block for block in blocks if re.search(rf"^{tool} ", block, re.MULTILINE)]
    return str(settings) + str(commands)


def need(tool: str) -> None:
    if shutil.which(tool) is None or (tool == "node" and not NODE_MODULES.is_dir()):
        pytest.skip(TOOLS[tool])


def replaced(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


async def typed(script: str, post: Post, identity: Identity, directory: Path) -> Outcome:
    """Types a session in a directory that holds what it names."""
    assert identity.key_path is not None
    shutil.copy(post.pki.server_root_path, directory / "server-ca.pem")
    shutil.copy(identity.cert_path, directory / "agency.pem")
    shutil.copy(identity.key_path, directory / "agency.key.pem")
    (directory / "letter.pdf").write_bytes(b"a letter")
    for name in ("proto", "tests", ".venv"):
        (directory / name).symlink_to(ROOT / name)
    script = replaced(script, {"post.example.am:443": post.address.replace("127.0.0.1", "localhost")})
    return await run("bash", "-euo", "pipefail", "-c", script, directory=directory)


def names(agency: Agency, citizen: Citizen) -> Mapping[str, str]:
    return {"notices@src.am": agency.sender, "5001950015@e-citizen.am": citizen.address}


async def test_grpcurl_lists_describes_submits_and_asks(post: Post, tmp_path: Path) -> None:
    need("grpcurl")
    agency, citizen = await post.agency(), await post.citizen()

    done = await typed(replaced(session("grpcurl"), names(agency, citizen)), post, agency.identity, tmp_path)

    assert done.code == 0, done.told
    for service in SERVICES:
        assert f"{service.full_name}\n" in done.output
    assert "rpc Submit ( .namak.v1.SubmitRequest ) returns ( .namak.v1.SubmitResponse )" in done.output
    accepted, listed = re.findall(
        rf'"delivery_?[iI]d": "([^"]+)",\n *"sender": "{agency.sender}"', done.output
    )
    assert accepted == listed
    assert (await agency.client.deliveries.get(accepted)).recipient == citizen.address


async def test_buf_curl_lists_and_asks(post: Post, tmp_path: Path) -> None:
    need("buf")
    agency, citizen = await post.agency(), await post.citizen()
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))

    done = await typed(session("buf"), post, agency.identity, tmp_path)

    assert done.code == 0, done.told
    for service in SERVICES:
        for method in service.methods:
            assert f"{service.full_name}/{method.name}\n" in done.output
    assert f'"deliveryId":"{accepted.delivery.delivery_id}"' in done.output.replace(": ", ":")


async def test_node_submits(post: Post, tmp_path: Path) -> None:
    need("node")
    agency, citizen = await post.agency(), await post.citizen()

    done = await typed(replaced(session("node"), names(agency, citizen)), post, agency.identity, tmp_path)

    assert done.code == 0, done.told
    sent = await agency.client.deliveries.get(json.loads(done.output)["delivery_id"])
    assert sent.recipient == citizen.address


@pytest.mark.parametrize("tool", ["grpcurl", "buf"])
async def test_a_stranger_is_told_nothing(post: Post, tmp_path: Path, tool: str) -> None:
    need(tool)
    stranger = post.pki.machine(f"stranger-with-{tool}", organisation="X", common_name="x")

    done = await typed(session(tool), post, stranger, tmp_path)

    assert done.code != 0
    assert "namak.v1" not in done.output
    assert "authenticated" in done.told.lower()
