"""The client, built and installed beside the lowest packages that it permits, works with a live post."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.interop.programs import ROOT, Outcome, run
from tests.system.post import Agency, Citizen, Post

PYTHON = ROOT / ".venv/floors/bin/python"
PROGRAM = Path(__file__).with_name("floor_program.py")
IMPORT_ALL = """
import importlib, pkgutil, sys
from pathlib import Path
import namak
names = [each.name for each in pkgutil.walk_packages(namak.__path__, "namak.")]
names += ["namak.v1." + each.stem for each in (Path(namak.__path__[0]) / "v1").glob("*_pb2*.py")]
for name in names:
    if not name.endswith(".__main__"):
        importlib.import_module(name)
import google.protobuf, grpc
assert not any(name.partition(".")[0] == "server" for name in sys.modules)
print(len(names), grpc.__version__, google.protobuf.__version__)
"""

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.hsm,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="the oldest packages not tried: they are not installed (scripts/setup --with-others)",
    ),
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Builds and installs the client as it is published; returns what lets another Python find it there, and
    not in the clone.
    """
    place = tmp_path_factory.mktemp("client")
    pip = (sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check")
    build = ("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", place)
    subprocess.run([*pip, *build, ROOT / "clients/python"], check=True)
    (wheel,) = place.glob("*.whl")
    put = ("install", "--no-deps", "--no-index", "--no-compile", "--target", place / "site", wheel)
    subprocess.run([*pip, *put], check=True)
    return {"PYTHONPATH": str(place / "site")}


async def with_floors(installed: Mapping[str, str], directory: Path, *arguments: str | Path) -> Outcome:
    done = await run(PYTHON, "-W", "error", "-P", *arguments, directory=directory, environment=installed)
    assert done.code == 0, done.told
    return done


async def test_everything_can_be_imported(installed: Mapping[str, str], tmp_path: Path) -> None:
    done = await with_floors(installed, tmp_path, "-c", IMPORT_ALL)

    modules, grpcio, protobuf = done.output.split()
    assert int(modules) > 60
    locked = (ROOT / "clients/python/floors.txt").read_text(encoding="utf-8")
    assert f"\ngrpcio=={grpcio} " in locked
    assert f"\nprotobuf=={protobuf} " in locked


async def test_sends_reads_confirms_and_verifies(
    installed: Mapping[str, str], post: Post, agency: Agency, citizen: Citizen, tmp_path: Path
) -> None:
    card, world = citizen.card, post.world
    assert card.signing.key_path is not None
    office = world.write_client("floors-agency", agency.identity, post.address)
    home = world.write_client("floors-citizen", card.authentication, post.address)
    people = (agency.sender, citizen.address, card.signing.cert_path, card.signing.key_path)

    played = await with_floors(installed, tmp_path, PROGRAM, office, home, *people, tmp_path)
    verified = await with_floors(
        installed, tmp_path, *("-m", "namak.cli", "--config", office, "verify", tmp_path / "receipts")
    )

    *receipts, reason = played.output.split()
    assert [name.rpartition("-")[2] for name in receipts][-1] == "proof"
    assert {name.removesuffix(".tlog-proof").rpartition("-")[2] for name in receipts} >= {
        "SubmissionAcceptance",
        "ContentConsignment",
        "ReadingConfirmed",
        "NotificationEffected",
    }
    assert reason == "ROLE_NOT_PERMITTED"  # told by the details of the status, so those are read too
    assert (tmp_path / "letter.txt").read_bytes() == b"a letter"
    assert verified.output
