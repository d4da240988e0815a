"""`namak-server notices`: what an operator sees of public notices, and decides, over a real database."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from typer.testing import CliRunner, Result

from server.bootstrap_machine import SystemClock
from server.cli.app import app
from server.domain.jobs import WITHDRAW_NOTICE, JobState
from server.domain.notices import Notice, NoticeState, PublicNotice
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.notice_feed import NoticeFeed
from tests import forking
from tests.contracts import examples
from tests.contracts.notice_contract import added

SETTINGS = """
[server]
certificate = "file"
key = "file"
client_authorities = "file"
[database]
url = "{database}"
[log]
origin = "log.e-citizen.am/2026"
guard = "guard"
[log.key]
module = "file"
token = "namak-log"
pin_file = "file"
[citizens]
roots = "file"
revocation_lists = "."
[notices]
feed_url = "{feed}"
feed_listen = "127.0.0.1:0"
"""
FEED = "https://notices.post.example.am"


@pytest.fixture
def settings(module_database_url: str, tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    path = tmp_path / "namak-server.toml"
    path.write_text(SETTINGS.format(database=module_database_url, feed=FEED))
    return path


@pytest.fixture
async def uow(module_database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    database = Database(module_database_url, pool_size=3)
    yield SqlUnitOfWork(database)
    await database.dispose()


async def run(settings: Path, *arguments: str) -> Result:
    command = ["notices", *arguments, "--config", str(settings)]
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, command, env={"COLUMNS": "200"}))


async def stored(uow: SqlUnitOfWork, notice: Notice) -> Notice:
    async with uow.reading() as tx:
        found = await tx.notices.get(notice.id)
    assert found is not None
    return found


async def test_notices_are_listed_by_state_and_shown_with_why_they_wait(
    settings: Path, uow: SqlUnitOfWork
) -> None:
    waiting, public = await added(uow), await added(uow, NoticeState.PUBLISHED)
    gone = await added(uow, NoticeState.WITHDRAWN)
    async with uow.writing() as tx:
        await tx.notices.change(replace(waiting, reason="UNREACHABLE"))
        await tx.commit()
    behind = str(examples.id_before(waiting.id))

    usual = await run(settings, "list", "--after", behind)
    assert usual.exit_code == 0, usual.output
    assert str(waiting.id) in usual.stdout
    assert "UNREACHABLE" in usual.stdout
    assert str(public.id) in usual.stdout
    assert str(gone.id) not in usual.stdout
    told = json.loads(
        (await run(settings, "list", "--state", "withdrawn", "--after", behind, "--json")).stdout
    )
    assert [each["notice"] for each in told] == [str(gone.id)]
    shown = json.loads((await run(settings, "show", str(public.id), "--json")).stdout)
    assert public.document is not None
    assert shown["sha256"] == hashlib.sha256(public.document).hexdigest()
    assert (shown["state"], shown["delivery_state"]) == ("PUBLISHED", "CONSIGNED")
    document = await run(settings, "show", str(public.id), "--document")
    assert document.stdout_bytes == public.document
    assert (await run(settings, "show", str(waiting.id), "--document")).exit_code == 1
    assert "there is no notice" in (await run(settings, "show", str(examples.new_id()))).stderr
    assert "no identifier" in (await run(settings, "show", "nonsense")).stderr
    assert "no state" in (await run(settings, "list", "--state", "lost")).stderr


async def test_taking_one_back_says_first_what_follows_and_asks_for_it_expressly(
    settings: Path, uow: SqlUnitOfWork
) -> None:
    notice = await added(uow, NoticeState.PUBLISHED)

    dry = await run(settings, "withdraw", str(notice.id))
    assert dry.exit_code == 0
    assert "counts as notified from 2026-11-29T12:00:00+00:00 on all the same" in dry.stdout.replace(
        "\n", " "
    )
    assert "Nothing was changed" in dry.stdout
    refused = await run(settings, "withdraw", str(notice.id), "--yes")
    assert refused.exit_code == 1
    assert "--despite-effect" in refused.stderr
    assert await stored(uow, notice) == notice

    done = await run(settings, "withdraw", str(notice.id), "--yes", "--despite-effect")
    assert (done.exit_code, done.stdout) == (0, "To be taken back at once.\n")
    assert (await stored(uow, notice)).state is NoticeState.WITHDRAWING
    async with uow.reading() as tx:
        jobs = await tx.jobs.listed([JobState.WAITING], WITHDRAW_NOTICE.name, after=0, limit=99)
    assert notice.id in [job.arguments["notice"] for job in jobs]


async def test_one_that_waits_is_stopped(settings: Path, uow: SqlUnitOfWork) -> None:
    notice = await added(uow)
    assert "ever" in (await run(settings, "withdraw", str(notice.id))).stdout
    done = await run(settings, "withdraw", str(notice.id), "--yes")
    assert (done.exit_code, done.stdout) == (0, "It will not be published.\n")
    assert (await stored(uow, notice)).state is NoticeState.NOT_NEEDED
    assert (await run(settings, "withdraw", str(notice.id), "--yes")).exit_code == 1


async def test_one_that_can_not_be_taken_back_is_tried_again(settings: Path, uow: SqlUnitOfWork) -> None:
    notice, waiting = await added(uow, NoticeState.WITHDRAWING), await added(uow)

    done = await run(settings, "retry", str(notice.id))
    assert (done.exit_code, done.stdout) == (0, "To be tried again at once.\n")
    async with uow.reading() as tx:
        jobs = await tx.jobs.listed([JobState.WAITING], WITHDRAW_NOTICE.name, after=0, limit=99)
    assert notice.id in [job.arguments["notice"] for job in jobs]
    assert (await run(settings, "retry", str(waiting.id))).exit_code == 1


async def test_the_feed_is_exported_and_handed_out_by_a_process_of_its_own(
    settings: Path, uow: SqlUnitOfWork, tmp_path: Path
) -> None:
    notice = PublicNotice(
        examples.new_id(), examples.new_id(), "Անի Գրիգորյան", "Կոմիտե", SystemClock().now()
    )
    document = notice.document(AM.languages, AM.time_zone)
    await NoticeFeed(uow=uow, clock=SystemClock(), url=FEED).publish(notice.id, document)
    exported = await run(settings, "export", str(tmp_path / "www"))
    assert exported.exit_code == 0, exported.output
    assert (tmp_path / "www" / f"{notice.id}.json").read_bytes() == document

    ours, theirs = os.pipe()
    process = forking.start("server", "notices", "serve", "--config", settings, err=theirs)
    os.close(theirs)
    told = os.fdopen(ours, "rb")
    try:
        async with asyncio.timeout(60):
            began = json.loads(await asyncio.to_thread(told.readline))
            async with aiohttp.ClientSession(f"http://127.0.0.1:{began['port']}") as reader:
                async with reader.get(f"/{notice.id}.json") as answer:
                    assert await answer.read() == document
                async with reader.get("/hy.atom") as answer:
                    assert (tmp_path / "www" / "hy.atom").read_bytes() == await answer.read()
    finally:
        process.terminate()
        assert await asyncio.to_thread(process.wait) == 0
        told.close()


def without_feed(settings: Path) -> Path:
    settings.write_text(settings.read_text().replace(f'feed_url = "{FEED}"', ""))
    return settings


async def test_without_a_feed_in_the_settings_there_is_none_to_hand_out(settings: Path) -> None:
    done = await run(without_feed(settings), "export", "www")
    assert done.exit_code == 1
    assert "feed_url is not set" in done.stderr
