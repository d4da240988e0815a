"""`namak-server hsm give-up` and `hsm rotate --key-lost` over a real database, with real tokens."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from namak.evidence.note import Verifier, vkey
from server.hsm.pkcs11 import Pkcs11LogSigner
from server.hsm.token_link import TokenKey
from server.storage.log import log_storage
from server.transparency.guard import FileGuard
from server.transparency.service import TransparencyService
from server.transparency.shard import Shard
from tests import forking
from tests.integration.hsm.place import NEXT, ORIGIN, Place
from tests.integration.transparency.conftest import PATIENCE_SECONDS, WallClock
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.rotating import integrate_on
from tests.integration.transparency.signers import TokenLikeSigner

pytestmark = pytest.mark.hsm


@dataclass
class Post:
    """A log whose first key is in no token."""

    place: Place
    directory: Path
    ledger: Ledger
    lost: TokenLikeSigner

    def settings(self, label: str, *, origin: str = ORIGIN, next_label: str = "", token: str = "") -> Path:
        database = f'[database]\nurl = "{self.ledger.url}"\n'
        return self.place.settings(
            self.directory,
            label=label,
            origin=origin,
            next_label=next_label,
            more=database,
            token=token or self.place.token.label,
        )

    @asynccontextmanager
    async def leading(self, shard: Shard, *former: Verifier) -> AsyncIterator[TransparencyService]:
        service = TransparencyService([shard], log_storage(self.ledger.url), clock=WallClock(), former=former)
        await service.start()
        try:
            yield service
        finally:
            await service.stop(5.0)

    def shard(self) -> Shard:
        verifier = Verifier(ORIGIN, self.lost.public_key)
        return Shard(ORIGIN, self.lost, FileGuard(self.directory / "guard.note", verifier))

    @asynccontextmanager
    async def keyed(self, label: str, origin: str) -> AsyncIterator[Shard]:
        token = self.place.token
        where = TokenKey(token.module, token.label, label, token.pin_file, token.environment)
        signer = await Pkcs11LogSigner.open(where)
        yield Shard(
            origin, signer, FileGuard(self.directory / "next.note", Verifier(origin, signer.public_key))
        )
        await signer.close()

    async def begin(self, shard: Shard) -> None:
        """Has three leaves published, and two integrated that nobody signs."""
        facts = await self.ledger.record(3)
        async with self.leading(shard) as service:
            assert len(await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == 3
        await self.ledger.record(2)
        session = await log_storage(self.ledger.url).sessions.open()
        await integrate_on(session, shard.origin)  # type: ignore[arg-type]
        await session.close()

    async def hsm(self, *options: str | Path, given: str = "") -> "CompletedProcess[str]":
        command = ("hsm", *options, "--config", self.directory / "namak-server.toml")
        return await asyncio.to_thread(forking.run, "server", *command, given=given)

    async def goes_on(self, label: str) -> None:
        """Asserts that all that was recorded gets its receipt of the next shard's key."""
        old = Verifier(ORIGIN, self.lost.public_key)
        async with self.keyed(label, NEXT) as shard, self.leading(shard, old) as service:
            receipts = await service.log.receipts(self.ledger.recorded, wait_seconds=PATIENCE_SECONDS)
        assert len(receipts) == 5
        assert sorted(each.origin for each in receipts.values()) == [ORIGIN] * 3 + [NEXT] * 2


@pytest.fixture(scope="module")
def lost_place(place: Place) -> Place:
    for label in ("held", "after"):
        place.token.generate_log_key(label)
    return place


@pytest.fixture
def post(lost_place: Place, tmp_path: Path, database_url: str) -> Post:
    return Post(
        lost_place, tmp_path, Ledger(database_url), TokenLikeSigner(os.urandom(32), tmp_path / "journal")
    )


async def test_the_log_goes_on_without_a_key_that_is_lost(post: Post) -> None:
    await post.begin(post.shard())
    post.settings("gone", next_label="after")
    only = await post.hsm("rotate", "--key-lost", "--dry-run")
    assert (only.returncode, only.stdout) == (0, "Nothing was changed.\n"), only.stderr
    asked = await post.hsm("rotate", "--key-lost", given="n\n")
    assert (asked.returncode, asked.stdout.strip()) == (1, "")
    assert "lost for ever?" in asked.stderr
    assert await post.ledger.value("SELECT count(*) FROM log_given_up") == 0
    paper = post.directory / "lost.txt"
    done = await post.hsm("rotate", "--key-lost", "--yes", "--protocol", paper, "--witness-name", "Ani")
    assert done.returncode == 0, done.stderr
    text = paper.read_text()
    for words in ("A KEY IS LOST", "3 leaves", "2 leaves, up to a tree of 5", "token 'namak'", "Ani"):
        assert words in text
    assert vkey(ORIGIN, post.lost.public_key) in text
    again = await post.hsm("rotate", "--key-lost", "--yes")
    assert (again.returncode, again.stdout) == (0, f"{ORIGIN} was given up before; nothing was changed.\n")
    await post.goes_on("after")


async def test_what_a_former_shards_lost_key_never_signed_is_logged_again(post: Post) -> None:
    await post.begin(post.shard())
    await post.ledger.rows("UPDATE log_heads SET successor = $1, frozen_at = now()", NEXT)
    async with post.keyed("after", NEXT) as shard:
        await post.ledger.rows(
            "INSERT INTO log_shards (origin, position, vkey, predecessor) VALUES ($1, 2, $2, $3)",
            *(NEXT, shard.vkey, ORIGIN),
        )
    await post.ledger.rows("INSERT INTO log_heads VALUES ($1, 0, sha256(''), 0)", NEXT)
    post.settings("after", origin=NEXT)
    for options, words in (
        ([ORIGIN], "--without-guard"),
        ([NEXT, "--without-guard"], "the settings have a key"),
        (["log.example/none", "--without-guard"], "no shard of this log"),
        ([ORIGIN, "--guard", "none.note"], "no guard"),
    ):
        refused = await post.hsm("give-up", "--yes", *options)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert words in refused.stderr
    done = await post.hsm("give-up", "--yes", ORIGIN, "--guard", post.directory / "guard.note")
    assert done.returncode == 0, done.stderr
    assert "PROTOCOL: A KEY IS LOST" in done.stdout
    await post.goes_on("after")


async def test_the_protocol_does_not_say_that_a_token_was_looked_into_which_is_gone(post: Post) -> None:
    await post.begin(post.shard())
    post.settings("gone", next_label="after", token="burnt")

    done = await post.hsm("rotate", "--key-lost", "--yes")

    assert done.returncode == 0, done.stderr
    assert "could not look into the token 'burnt'" in done.stderr
    looked = [line for line in done.stdout.splitlines() if "token '" in line]
    assert any("token 'burnt', which could not be opened" in line for line in looked)
    assert any(line.endswith("token 'namak'") for line in looked)


async def test_a_key_that_a_token_of_the_settings_has_is_not_given_up(post: Post) -> None:
    """Whatever its label is: here the settings name the key of the next shard alone."""
    async with post.keyed("held", ORIGIN) as shard:
        await post.begin(shard)
    post.settings("nothing", next_label="after")
    found = await post.hsm("rotate", "--key-lost", "--yes", "--without-guard")
    assert found.returncode == 4, found.stderr
    assert "is not lost: the token 'namak' has it under the label 'held'" in found.stdout
    assert await post.ledger.value("SELECT count(*) FROM log_given_up") == 0
