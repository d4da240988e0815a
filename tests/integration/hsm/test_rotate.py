"""`namak-server hsm rotate` over a real database, with real tokens and a leader that is there or not."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from uuid import uuid4

import pytest

from namak.evidence.cosignature import COSIGNATURE, cosigned_message, timestamped_signature
from namak.evidence.note import Verifier, key_id, parse_note, signature_line, vkey
from namak.evidence.succession import SUCCESSOR_FILE
from server.hsm.pkcs11 import Pkcs11LogSigner
from server.hsm.token_link import TokenKey
from server.storage.log import log_storage
from server.storage.log_store import LEADER_LOCK
from server.transparency.guard import FileGuard
from server.transparency.service import TransparencyService
from server.transparency.shard import Shard
from tests import forking
from tests.integration.hsm.place import NEXT, ORIGIN, Place
from tests.integration.transparency.conftest import WallClock, eventually
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.signers import TokenLikeSigner

pytestmark = pytest.mark.hsm

WITNESS = "witness.example/w"


@dataclass
class Post:
    """A log with keys in a token, and settings that name its next shard."""

    place: Place
    directory: Path
    ledger: Ledger

    def settings(self, *, next_label: str = "turn", more: str = "") -> Path:
        database = f'[database]\nurl = "{self.ledger.url}"\n{more}'
        return self.place.settings(self.directory, label="good", next_label=next_label, more=database)

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        """Runs a server's part that leads the log, with the keys of both shards."""
        shards, token = [], self.place.token
        for origin, label, guard in ((ORIGIN, "good", "guard.note"), (NEXT, "turn", "next.note")):
            where = TokenKey(token.module, token.label, label, token.pin_file, token.environment)
            signer = await Pkcs11LogSigner.open(where)
            verifier = Verifier(origin, signer.public_key)
            shards.append(Shard(origin, signer, FileGuard(self.directory / guard, verifier)))
        service = TransparencyService(shards, log_storage(self.ledger.url), clock=WallClock())
        await service.start()
        try:
            yield
        finally:
            await service.stop(5.0)
            for shard in shards:
                await shard.signer.close()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Has the log led by a server that does nothing."""
        connection = await self.ledger.connect()
        await connection.execute("SELECT pg_advisory_lock($1)", LEADER_LOCK)
        try:
            yield
        finally:
            await connection.close()

    async def begin(self) -> None:
        """Has the log begin, with three leaves."""
        await self.ledger.record(3)
        async with self.leading():
            await eventually(lambda: self.is_published(3))

    async def is_published(self, size: int) -> bool:
        rows = await self.ledger.rows("SELECT 1 FROM log_heads WHERE published_size = $1", size)
        return bool(rows)

    async def rotate(self, *options: str | Path, given: str = "") -> "CompletedProcess[str]":
        command = ("hsm", "rotate", "--config", self.directory / "namak-server.toml", *options)
        return await asyncio.to_thread(forking.run, "server", *command, given=given)

    async def successor(self) -> str | None:
        found = await self.ledger.rows("SELECT successor FROM log_heads WHERE origin = $1", ORIGIN)
        return found[0][0] if found else None


@pytest.fixture(scope="module")
def turn_place(place: Place) -> Place:
    place.token.generate_log_key("turn")
    return place


@pytest.fixture
def post(turn_place: Place, tmp_path: Path, database_url: str) -> Post:
    return Post(turn_place, tmp_path, Ledger(database_url))


def joined(text: str) -> str:
    """Undoes what the page's width does to a protocol."""
    return re.sub(r"\n {24}", " ", text.replace("\\\n                        ", "").replace("\\\n", ""))


def undated(text: str) -> str:
    """Leaves out when a protocol was written: all else is the same whenever that is."""
    lines = text.splitlines()
    assert sum("Protocol written" in line for line in lines) == 1
    return "\n".join(line for line in lines if "Protocol written" not in line)


async def test_the_log_goes_over_and_the_protocol_tells_all_of_it_again_and_again(post: Post) -> None:
    settings, paper = post.settings(), post.directory / "protocol.txt"
    await post.begin()
    async with post.leading():
        plan = await post.rotate("--dry-run")
        assert plan.returncode == 0, plan.stderr
        assert f"goes over from {ORIGIN} to {NEXT}" in plan.stdout
        assert await post.successor() is None

        # Nobody sends anything meanwhile: the new shard begins by itself.
        done = await post.rotate("--yes", "--protocol", paper, "--witness-name", "Ani Sargsyan")
    assert done.returncode == 0, done.stderr
    for step in (
        "is announced",
        "has its last leaf",
        "its last tree is published",
        "first checkpoint of the",
    ):
        assert step in done.stderr

    text = joined(paper.read_text(encoding="utf-8"))
    shards = await post.ledger.rows(
        "SELECT origin, vkey, announcement, opening FROM log_shards ORDER BY position"
    )
    notes = await post.ledger.rows(
        "SELECT origin, size, note FROM log_checkpoints WHERE (origin, size) IN (SELECT $1, 4 UNION"
        " SELECT $2, min(size) FROM log_checkpoints WHERE origin = $2) ORDER BY origin",
        *(ORIGIN, NEXT),
    )
    assert [row["origin"] for row in shards] == [row["origin"] for row in notes] == [ORIGIN, NEXT]
    for row in notes:
        assert row["note"].decode() in text
        digest = hashlib.sha256(row["note"]).hexdigest()
        assert " ".join(digest[at : at + 4] for at in range(0, 64, 4)) in text
    for told in (
        *(each["vkey"] for each in shards),
        *(f"evidence {shards[1]['announcement']}", "index of the leaf   3\n", "4 leaves", "Ani Sargsyan"),
        *(f"evidence {shards[1]['opening']}", "index of the leaf   0\n", "1 leaf\n"),
        "".join(f"log {each['vkey']}\n" for each in shards) + "quorum none\n",
        *("The settings name no witnesses", "Asia/Yerevan", str(settings), "Label (CKA_LABEL)     turn"),
    ):
        assert told in text
    assert post.place.token.pin not in text + done.stdout + done.stderr

    again = await post.rotate("--witness-name", "Ani Sargsyan")
    assert again.returncode == 0, again.stderr
    # Each step is told with when it was done, then as now.
    assert told_steps(again.stderr) == told_steps(done.stderr)
    assert await post.ledger.value("SELECT count(*) FROM administrative_acts") == 2
    assert undated(again.stdout) == undated(paper.read_text(encoding="utf-8"))
    assert "announced already" in (await post.rotate("--dry-run")).stdout
    checked = await asyncio.to_thread(forking.run, "server", "hsm", "check", "--config", settings)
    assert checked.stdout.endswith("2 keys checked: sound.\n")


def told_steps(text: str) -> list[str]:
    steps = [line for line in text.splitlines() if re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  ", line)]
    assert len(steps) == 4
    return steps


async def is_announced(post: Post) -> bool:
    return await post.successor() == NEXT


async def test_what_was_interrupted_goes_on_from_where_it_was(post: Post) -> None:
    post.settings()
    await post.begin()
    paper = post.directory / "protocol.txt"

    settings = post.directory / "namak-server.toml"
    async with post.held():
        killed = forking.start("server", "hsm", "rotate", "--yes", "--protocol", paper, "--config", settings)
        await eventually(lambda: is_announced(post))
    killed.kill()
    assert await asyncio.to_thread(killed.wait) < 0
    assert not paper.exists()

    stopped = await post.rotate("--wait", "0.5")
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert "not so yet that the old shard has its last leaf (only a server" in stopped.stderr

    async with post.leading():
        done = await post.rotate("--wait", "20", "--protocol", paper)
    assert (done.returncode, "goes on as" in done.stdout) == (0, True), done.stderr
    assert await post.ledger.value("SELECT count(*) FROM administrative_acts") == 2
    taken = await post.rotate("--protocol", paper)
    assert (taken.returncode, "file exists" in taken.stderr) == (1, True)


async def test_of_a_shard_that_the_release_before_announced_nothing_is_said_that_is_not_known(
    post: Post,
) -> None:
    """It has no opening: while the log is quiet nothing shows that a server can lead the new shard."""
    post.settings()
    await post.begin()
    paper = post.directory / "protocol.txt"
    async with post.held():
        stopped = await post.rotate("--yes", "--wait", "0")
    assert stopped.returncode == 1
    opening = await post.ledger.value("SELECT opening FROM log_shards WHERE opening IS NOT NULL")
    await post.ledger.rows("ALTER TABLE log_shards DISABLE TRIGGER ALL")
    await post.ledger.rows("UPDATE log_shards SET opening = NULL")
    await post.ledger.rows("DELETE FROM log_queue WHERE evidence_id = $1", opening)
    async with post.leading():
        done = await post.rotate("--wait", "20", "--protocol", paper)
    assert (done.returncode, "goes on as" in done.stdout) == (1, False)
    assert "NOT COMPLETE" in done.stderr
    assert "Restart the servers with [log.next]" in done.stderr
    assert "NOT COMPLETE. It has no leaf yet" in paper.read_text(encoding="utf-8")


async def test_the_last_tree_is_waited_for_until_it_is_witnessed(post: Post) -> None:
    witness = TokenLikeSigner(b"\x05" * 32, post.directory / "journal")
    policy = post.directory / "policy.txt"
    policy.write_text(f"witness court {vkey(WITNESS, witness.public_key, COSIGNATURE)}\nquorum court\n")
    post.settings(more='[witnesses]\npolicy = "policy.txt"')
    await post.begin()
    async with post.leading():
        stopped = await post.rotate("--yes", "--wait", "3")
        assert (stopped.returncode, stopped.stdout.count("PROTOCOL")) == (1, 0)
        assert "not so yet that its last tree is witnessed" in stopped.stderr

        note = await post.ledger.value(
            "SELECT note FROM log_checkpoints WHERE origin = $1 AND size = 4", ORIGIN
        )
        at = int(datetime(2026, 11, 22, 20, 0, 0, tzinfo=UTC).timestamp())
        signature = await witness.sign(cosigned_message(parse_note(note).text, at))
        identifier = key_id(WITNESS, COSIGNATURE, witness.public_key)
        cosigned = note + signature_line(WITNESS, identifier, timestamped_signature(at, signature))
        await post.ledger.rows("INSERT INTO log_witnessed VALUES ($1, 4, $2, now())", ORIGIN, cosigned)
        done = await post.rotate("--wait", "1")
    assert done.returncode == 0, done.stderr
    text = joined(done.stdout)
    assert cosigned.decode() in text
    key = vkey(WITNESS, witness.public_key, COSIGNATURE)
    assert "court, 2026-11-23 00:00:00+04:00 (20:00:00 UTC)\n" in text
    shards = [row["vkey"] for row in await post.ledger.rows("SELECT vkey FROM log_shards ORDER BY position")]
    published = "".join(f"log {each}\n" for each in shards) + f"witness court {key}\nquorum court\n"
    assert published in text
    assert text.count(key) == 2
    quick = await post.rotate("--wait", "0")
    assert (quick.returncode, f"no quorum of witnesses follows {NEXT} yet" in quick.stderr) == (0, True)
    assert "older than 4 h" in quick.stderr
    await post.ledger.rows("INSERT INTO log_witnessed VALUES ($1, 1, $2, now())", NEXT, cosigned)
    followed = await post.rotate("--wait", "20")
    assert (followed.returncode, "WARNING" in followed.stderr) == (0, False)


async def test_nothing_changes_before_all_answers_are_good(post: Post) -> None:
    post.settings()
    early = await post.rotate("--yes")
    assert (early.returncode, "the database knows no shard yet" in early.stdout) == (4, True)
    await post.begin()

    idle = await post.rotate("--dry-run")
    assert (idle.returncode, "no server leads the log" in idle.stdout) == (4, True)
    async with post.held():
        await refusals(post)
    assert await post.successor() is None


async def refusals(post: Post) -> None:
    refused = await post.rotate(given="n\n")
    assert refused.returncode == 1
    assert "Have all servers been restarted with these settings?" in refused.stderr
    assert "nothing was changed" in refused.stderr
    nobody = await post.rotate()
    assert (nobody.returncode, "say --yes" in nobody.stderr) == (1, True)
    (post.directory / "taken").touch()
    taken = await post.rotate("--yes", "--protocol", post.directory / "taken")
    assert (taken.returncode, "file exists" in taken.stderr) == (1, True)

    for label, words in (
        ("extractable", "can be taken out"),
        ("absent", "no key 'absent' in the token; make it first: `namak-server hsm init --shard next`"),
    ):
        post.settings(next_label=label)
        bad = await post.rotate("--yes")
        assert (bad.returncode, words in bad.stdout, "Nothing was changed" in bad.stdout) == (4, True, True)
    post.settings(next_label="good")
    assert "needs a key of its own" in (await post.rotate("--yes")).stderr
    post.place.settings(post.directory, label="good", more=f'[database]\nurl = "{post.ledger.url}"')
    assert "no [log.next]" in (await post.rotate("--yes")).stderr
    post.settings()
    (post.directory / "next.note").write_text("somebody's")
    bad = await post.rotate("--yes")
    assert (bad.returncode, "guard-" in bad.stdout) == (4, True)
    (post.directory / "next.note").unlink()

    old, waiting = uuid4(), b"{}"
    await post.ledger.rows(
        "INSERT INTO evidence (owner_id, id, event, organisation_id, document, entry, recorded_at)"
        " VALUES (gen_random_uuid(), $1, 'urn:event', gen_random_uuid(), $2, $3, now() - interval '1 min')",
        *(old, waiting, hashlib.sha256(waiting).digest()),
    )
    await post.ledger.rows(
        "INSERT INTO log_queue (evidence_id, entry) SELECT id, entry FROM evidence WHERE id = $1", old
    )
    stuck = await post.rotate("--yes")
    assert (stuck.returncode, "that leads it can't go on" in stuck.stdout) == (4, True)


async def test_commands_of_the_log_are_told_which_of_the_settings_shards_is_meant(post: Post) -> None:
    former = "log.example.am/2025"
    old = vkey(former, TokenLikeSigner(b"\x07" * 32, post.directory / "journal").public_key)
    settings = post.settings(more=f'[[log.former]]\norigin = "{former}"\nvkey = "{old}"')

    async def asked(*command: str | Path) -> "CompletedProcess[str]":
        return await asyncio.to_thread(forking.run, "server", "log", *command, "--config", settings)

    for origin in (ORIGIN, NEXT):
        done = await asked("vkey", "--origin", origin)
        assert done.stdout.startswith(f"{origin}+"), done.stderr
    assert (await asked("vkey", "--origin", former)).stdout.strip() == old
    unknown = await asked("vkey", "--origin", "log.example.am/2030")
    assert (unknown.returncode, "the settings have no key for it" in unknown.stderr) == (1, True)
    # A former shard has no guard any more, and nothing of the next one is published yet.
    for origin, why in ((former, "no key for it"), (NEXT, f"nothing of {NEXT} is published")):
        refused = await asked("adopt-guard", "--yes", "--origin", origin)
        assert (refused.returncode, why in refused.stderr) == (1, True)


async def test_the_shard_that_the_database_has_as_the_current_one_is_exported(post: Post) -> None:
    """Whatever the settings have as [log]; and a directory goes on with its own shard when it is told to."""
    settings, old, new = post.settings(), post.directory / "old", post.directory / "new"
    await post.begin()

    async def exported(*options: str | Path) -> "CompletedProcess[str]":
        return await asyncio.to_thread(forking.run, "server", "log", "export", *options, "--config", settings)

    assert f"3 leaves of {ORIGIN}" in (await exported(old)).stdout
    async with post.leading():
        assert (await post.rotate("--yes")).returncode == 0
    assert f"1 leaf of {NEXT}" in (await exported(new)).stdout
    refused = await exported(old)
    assert (refused.returncode, f"holds the shard {ORIGIN}" in refused.stderr) == (1, True)
    # Who names the shard by its key goes on with it, too.
    key = await post.ledger.value("SELECT vkey FROM log_shards WHERE origin = $1", ORIGIN)
    for named in (("--origin", ORIGIN), ("--vkey", key)):
        assert f"4 leaves of {ORIGIN}" in (await exported(old, *named)).stdout
    assert (old / SUCCESSOR_FILE).exists()
