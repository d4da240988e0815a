"""`namak-server log export` and `log serve` over a real log, as an operator runs them."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from typer.testing import CliRunner, Result

from server.cli.app import app
from server.tiles.directory import PARTIALS
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, World, eventually
from tests.integration.transparency.exporting import export
from tests.killing import killed_before_each
from tests.unit.tiles import reading

START_SECONDS = 240.0

SETTINGS = """
[server]
certificate = "file"
key = "file"
client_authorities = "file"
[database]
url = "{database}"
[log]
origin = "{origin}"
guard = "guard"
http_listen = "127.0.0.1:0"
[log.key]
module = "file"
token = "namak-log"
pin_file = "file"
[citizens]
roots = "file"
revocation_lists = "."
"""


@pytest.fixture
def settings(world: World) -> Path:
    (world.directory / "file").touch()
    path = world.directory / "namak-server.toml"
    path.write_text(SETTINGS.format(database=world.ledger.url, origin=ORIGIN))
    return path


async def published(world: World, count: int) -> None:
    """Has so many more facts under a published checkpoint."""
    size = len(world.ledger.recorded) + count
    await world.ledger.record(count)
    async with world.replica():
        await eventually(lambda: is_published(world, size))


async def is_published(world: World, size: int) -> bool:
    found = await world.ledger.rows("SELECT published_size FROM log_heads WHERE origin = $1", ORIGIN)
    return bool(found) and found[0][0] == size


async def run(settings: Path, *arguments: str | Path) -> Result:
    command = ["log", *map(str, arguments), "--config", str(settings)]
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, command, env={"COLUMNS": "200"}))


@asynccontextmanager
async def running(settings: Path, *arguments: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
    command = [sys.executable, "-m", "server", "log", *map(str, arguments), "--config", str(settings)]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            began = json.loads(await process.stderr.readline())
        assert began["event"] in ("exporting the log", "handing out the log")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def stopped(process: asyncio.subprocess.Process) -> str:
    process.send_signal(signal.SIGTERM)
    _, told = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert process.returncode == 0, told.decode()
    return told.decode()


def entries_in(directory: Path, world: World) -> list[bytes] | None:
    def fetch(name: str) -> bytes | None:
        return (directory / name).read_bytes() if (directory / name).is_file() else None

    return reading.whole(fetch, world.shard().verifier)


async def stored(world: World) -> list[bytes]:
    rows = await world.ledger.rows("SELECT entry FROM log_entries ORDER BY leaf_index")
    return [row["entry"] for row in rows]


async def test_the_log_is_exported_followed_and_served(
    world: World, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vkey, directory = world.shard().vkey, world.directory / "log"
    done = await run(settings, "export", directory, "--vkey", vkey)
    assert (done.exit_code, done.stdout) == (0, f"nothing of {ORIGIN} is published yet\n")

    await published(world, 300)
    done = await run(settings, "export", directory, "--vkey", vkey)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith(f"{directory}: 300 leaves of {ORIGIN}, 300 of them new; 5 files written")
    assert entries_in(directory, world) == await stored(world)

    follow = ("export", directory, "--vkey", vkey, "--follow", "--interval", "0.1")
    async with running(settings, *follow) as following:
        await published(world, 250)
        await eventually(lambda: len(entries_in(directory, world) or []) == 550)
        said = [json.loads(line) for line in (await stopped(following)).splitlines()]
    assert [line["size"] for line in said if line["event"] == "exported"][-1] == 550
    assert entries_in(directory, world) == await stored(world)

    ready = world.directory / "ready.json"
    monkeypatch.setenv("NAMAK_METRICS_LOG_LISTEN", "127.0.0.1:0")
    async with running(settings, "serve", "--ready-file", ready) as serving:
        await eventually(ready.exists)
        told = json.loads(ready.read_text())
        port = told["port"]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            files = {}
            for path in ("checkpoint", *(path for path, *_ in reading.files_of(550))):
                async with session.get(f"/2026/{path}") as answer:
                    assert answer.status == 200
                    files[path] = await answer.read()
            assert (await session.get("/2026/tile/0/999")).status == 404
            assert (await session.get("/5001950015")).status == 404
        async with aiohttp.request("GET", f"http://{told['metrics_address']}/metrics") as page:
            figures = (await page.text()).splitlines()
        await stopped(serving)
    for line in (
        'namak_log_requests_total{file="checkpoint",status="200"} 1.0',
        f'namak_log_requests_total{{file="tile",status="200"}} {len(files) - 1}.0',
        'namak_log_requests_total{file="tile",status="404"} 1.0',
        'namak_log_requests_total{file="none",status="404"} 1.0',
    ):
        assert line in figures
    assert reading.whole(files.get, world.shard().verifier) == await stored(world)


async def test_an_export_that_is_killed_before_any_change_leaves_a_log_and_is_ended_by_the_next(
    world: World,
) -> None:
    url, verifier, old = world.ledger.url, world.shard().verifier, world.directory / "old"
    await published(world, 250)
    await export(url, verifier, old)
    before = await stored(world)
    # The partial tiles become full ones, there are new partial ones, and a tile of the next level.
    await published(world, 8)
    after = await stored(world)

    command = ("tests.integration.transparency.exporting", url, world.shard().vkey, "@")
    runs = await asyncio.to_thread(
        lambda: killed_before_each(old, world.directory / "runs", *command, least=25)
    )

    sizes = []
    for run_ in runs:
        entries = entries_in(run_.directory, world)
        assert entries in (before, after)
        sizes.append(len(entries or []))
        # What is told was done before.
        assert not run_.said or entries == after
    assert sizes == sorted(sizes)
    assert set(sizes) == {250, 258}
    assert await export(url, verifier, *(run_.directory for run_ in runs)) == 258
    wanted = {path for size in (250, 258) for path, *_ in reading.files_of(size)}
    for run_ in runs:
        assert entries_in(run_.directory, world) == after
        # Nothing lies about but what it keeps for itself.
        assert files_in(run_.directory) == wanted | {"checkpoint", PARTIALS}


def files_in(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


async def test_what_does_not_fit_is_told_in_one_line(world: World, settings: Path) -> None:
    await published(world, 3)
    shard, directory = world.shard(), world.directory / "log"
    for arguments, words in (
        (("--vkey", "no key"), "--vkey: a verifier key has three parts"),
        (("--vkey", shard.vkey, "--origin", "log.example.am/2025"), f"is the key of {ORIGIN}, not of log"),
        (("--origin", "log.example.am/2025"), "--vkey is needed for log.example.am/2025"),
    ):
        done = await run(settings, "export", directory, *arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert words in done.stderr
    other = World(world.ledger, world.directory).shard()
    done = await run(settings, "export", directory, "--vkey", other.vkey)
    assert done.exit_code == 1
    assert "the published checkpoint is not signed by the log" in done.stderr
    assert not (directory / "checkpoint").exists()
