"""`namak-server log fsck`: each kind of damage is found in a real log, and nothing else is told."""

import asyncio
import hashlib
import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.cosignature import COSIGNATURE, cosigned_message, timestamped_signature
from namak.evidence.note import Verifier, key_id, parse_note, sign_note, signature_line, vkey
from namak.evidence.tlog_policy import TlogPolicy
from server.domain.ids import MonotonicIds
from server.fsck.check import Asked, LogCheck
from server.fsck.checkpoints import Trusted
from server.fsck.findings import KINDS, MOST_OF_A_KIND, Kind, Part, Report
from server.fsck.kinds import USUAL
from server.storage.log_inspection import PostgresLogInspection
from server.transparency.guard import FileGuard
from tests.integration.transparency.conftest import ORIGIN, World, eventually
from tests.integration.transparency.damages import DAMAGES, MAILBOX_DAMAGES, SHARD_DAMAGES, TOKEN_DAMAGES
from tests.integration.transparency.delivery_damages import DELIVERY_DAMAGES, USAGE_DAMAGES
from tests.integration.transparency.inspected import stored_over
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.signers import TokenLikeSigner
from tests.integration.transparency.test_fsck_signatures import SIGNATURES
from tests.integration.transparency.test_lost_keys import DAMAGES as LOST_DAMAGES
from tests.integration.transparency.test_tiles_commands import SETTINGS, is_published, run
from tests.postgres import finish

IDS = MonotonicIds(lambda: time.time_ns() // 1_000_000, os.urandom)
WITNESS = "witness.example/w"
PORTIONS = (100, 450, 150)
QUEUED = 3

ALL_DAMAGES = (
    *(DAMAGES, SHARD_DAMAGES, MAILBOX_DAMAGES, TOKEN_DAMAGES, DELIVERY_DAMAGES, USAGE_DAMAGES),
    LOST_DAMAGES,
)
CONSTRAINED = {"evidence": "ck_evidence_entry", "log_entries": "uq_log_entries_evidence_id"}


@dataclass
class Post:
    """A log of 700 leaves, 3 pieces of evidence in its queue, and a witness that cosigned the first tree."""

    world: World
    policy: TlogPolicy

    @property
    def trusted(self) -> Trusted:
        return Trusted({ORIGIN: self.world.shard().verifier}, self.policy)

    async def check(self, inspection: PostgresLogInspection, guard: Path | None = None) -> Report:
        report = Report()
        kept = FileGuard(guard or self.world.guard_path, self.world.shard().verifier)
        stored = stored_over(inspection)
        await LogCheck(stored, {ORIGIN: kept}, self.trusted, report).run(Asked(USUAL, ORIGIN))
        return report


async def record(ledger: Ledger, count: int) -> None:
    """Records facts with their evidence, in one transaction."""
    facts = [(IDS.new_id(), os.urandom(20).hex().encode()) for _ in range(count)]
    rows = [(each, document, hashlib.sha256(document).digest()) for each, document in facts]
    connection = await ledger.connect()
    async with connection.transaction():
        await connection.executemany(
            "INSERT INTO evidence (owner_id, id, event, organisation_id, document, entry, recorded_at)"
            " VALUES (gen_random_uuid(), $1, 'urn:event', gen_random_uuid(), $2, $3, now())",
            rows,
        )
        await connection.executemany(
            "INSERT INTO log_queue (evidence_id, entry) VALUES ($1, $2)",
            [(each, entry) for each, _, entry in rows],
        )
    await connection.close()
    ledger.recorded.update(facts)


async def made(world: World) -> Post:
    for count in PORTIONS:
        await record(world.ledger, count)
        async with world.replica():
            await eventually(lambda: is_published(world, len(world.ledger.recorded)))
    await record(world.ledger, QUEUED)
    witness = TokenLikeSigner(os.urandom(32), world.journal)
    # The second tree stood still for a while.
    for table, size in (("log_witnessed", PORTIONS[0]), ("log_rewitnessed", sum(PORTIONS[:2]))):
        note = await world.ledger.value("SELECT note FROM log_checkpoints WHERE size = $1", size)
        at = int(datetime.now(UTC).timestamp())
        signature = await witness.sign(cosigned_message(parse_note(note).text, at))
        line = signature_line(
            WITNESS, key_id(WITNESS, COSIGNATURE, witness.public_key), timestamped_signature(at, signature)
        )
        statement = f"INSERT INTO {table} VALUES ($1, $2, $3, now())"
        await world.ledger.rows(statement, ORIGIN, size, note + line)
    policy = f"witness w {vkey(WITNESS, witness.public_key, COSIGNATURE)}\nquorum w\n"
    return Post(world, TlogPolicy.parse(policy.encode()))


@pytest.fixture(scope="module")
def post(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Post:
    world = World(Ledger(module_database_url), tmp_path_factory.mktemp("fsck"))
    found: list[Post] = []

    async def make() -> None:
        found.append(await made(world))

    finish(make())
    return found[0]


async def opened(post: Post) -> PostgresLogInspection:
    return await PostgresLogInspection.open(post.world.ledger.url)


async def test_a_sound_log_is_sound_and_all_of_it_is_checked(post: Post) -> None:
    inspection = await opened(post)
    report = await post.check(inspection)
    await inspection.close()
    assert (report.sound, report.unchecked) == (True, [])
    trees = await post.world.ledger.value("SELECT count(*) FROM log_trees")
    notes = await post.world.ledger.value("SELECT count(*) FROM log_checkpoints")
    assert {what: count for what, count in report.checked.items() if count and what != "days"} == {
        "leaves": 700,
        "trees": trees,
        "tiles": 4,
        "evidence": 700,
        "queued": QUEUED,
        "checkpoints": notes,
        "cosigned": 2,
        "shards": 1,
    }
    assert list(report.seconds) == [part for part in Part if part in USUAL]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_damage_is_found_for_what_it_is(post: Post, damage: str) -> None:
    statement, expected = DAMAGES[damage]
    connection = await post.world.ledger.connect()
    # Everything in a transaction that is rolled back, and looked at from within.
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    for table in ("log_entries", "log_trees", "log_checkpoints", "log_witnessed", "log_heads", "evidence"):
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    for table, constraint in CONSTRAINED.items():
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    changed = await connection.execute(statement)
    assert not changed.endswith(" 0")
    report = await post.check(PostgresLogInspection(connection))
    await transaction.rollback()
    await connection.close()
    assert {str(kind) for kind in report.counts} == expected


async def guard_note(post: Post, size: int, root: bytes | None = None) -> bytes:
    """A note that the log's key signed, over a tree of that size."""
    known = await post.world.ledger.rows("SELECT root FROM log_trees WHERE size = $1", size)
    checkpoint = Checkpoint(ORIGIN, size, root or known[0][0])
    signer = post.world.signer()
    verifier = Verifier(ORIGIN, signer.public_key)

    class Named:
        name = ORIGIN
        key_id = verifier.key_id

        async def sign(self, message: bytes) -> bytes:
            return await signer.sign(message)

    return await sign_note(checkpoint.text(), Named())


@pytest.mark.parametrize(
    ("size", "root", "kind"),
    [
        (100, None, "guard-behind"),
        (701, bytes(32), "guard-ahead"),
        (700, bytes(32), "guard-differs"),
        (None, None, "guard-missing"),
        (0, None, "guard-damaged"),
    ],
)
async def test_a_guard_that_does_not_fit_is_told(
    post: Post, tmp_path: Path, size: int | None, root: bytes | None, kind: str
) -> None:
    path = tmp_path / "guard"
    if size is not None:
        path.write_bytes(await guard_note(post, size, root) if size else b"nothing")
    inspection = await opened(post)
    report = await post.check(inspection, path)
    await inspection.close()
    assert dict(report.counts) == {Kind(kind): 1}


def test_every_kind_of_finding_is_shown_by_a_test() -> None:
    guards = {kind for kind in Kind if kind.startswith("guard-")} | SIGNATURES
    assert (
        set(KINDS)
        == set(Kind)
        == {Kind(kind) for damages in ALL_DAMAGES for _, kinds in damages.values() for kind in kinds} | guards
    )


def test_of_many_findings_of_a_kind_a_hundred_are_told_and_all_counted() -> None:
    report = Report()
    for index in range(MOST_OF_A_KIND + 50):
        report.found(Part.TREE, Kind.ROOT_WRONG, f"tree of {index} leaves")
    assert (len(report.findings), report.counts[Kind.ROOT_WRONG]) == (100, 150)


async def test_a_log_that_grows_meanwhile_is_sound(world: World) -> None:
    post = Post(world, TlogPolicy.parse(b"quorum none\n"))
    done = asyncio.Event()

    async def grow() -> None:
        while not done.is_set():
            await record(world.ledger, 40)

    async with world.replica():
        growing = asyncio.create_task(grow())
        await eventually(lambda: is_more(world, 0))
        inspection = await opened(post)
        size, looks = 0, []
        for _ in range(4):
            looks.append(await post.check(inspection))
            size = await world.ledger.value("SELECT published_size FROM log_heads")
            await eventually(lambda size=size: is_more(world, size))  # type: ignore[misc]
        done.set()
        await growing
        await inspection.close()
    assert [report.findings for report in looks] == [[]] * 4
    assert looks[0].checked["leaves"] < looks[3].checked["leaves"]


async def is_more(world: World, size: int) -> bool:
    found = await world.ledger.rows("SELECT published_size FROM log_heads WHERE origin = $1", ORIGIN)
    return bool(found) and found[0][0] > size


async def test_the_command_reports_in_words_and_in_json(post: Post) -> None:
    world = post.world
    (world.directory / "file").touch()
    settings = world.directory / "namak-server.toml"
    settings.write_text(SETTINGS.format(database=world.ledger.url, origin=ORIGIN))
    key = ("--vkey", world.shard().vkey)

    done = await run(settings, "fsck", *key)
    assert done.exit_code == 0, done.stderr
    assert "700 leaves, " in done.stdout
    assert done.stdout.endswith(" checked: sound.\n")
    assert f"not checked: cosignatures over {ORIGIN}: no policy is set" in done.stdout

    done = await run(settings, "fsck", "--only", "tree", "--from-index", "600", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["sound"], told["checked"]["leaves"], list(told["parts"])) == (True, 188, ["tree"])

    await world.ledger.rows(
        "INSERT INTO log_queue (evidence_id, entry) VALUES ($1, $2)", UUID(int=1), bytes(32)
    )
    try:
        done = await run(settings, "fsck", "--only", "evidence")
        assert done.exit_code == 4
        line, to_do, *_, last = done.stdout.splitlines()
        assert line.startswith("grave evidence/queued-wrong: queue position ")
        assert to_do == f"to do, queued-wrong: {KINDS[Kind.QUEUED_WRONG][2]}"
        assert last.endswith(" checked: NOT SOUND: 1 findings.")
    finally:
        await world.ledger.rows("DELETE FROM log_queue WHERE evidence_id = $1", UUID(int=1))

    for wrong, words in (
        (
            ("--only", "trees"),
            "--only: there is no part 'trees', but tree, evidence, checkpoints, shards, tokens, mailboxes",
        ),
        (("--vkey", "none"), "--vkey: a verifier key has three parts"),
        (
            ("--from-index", "701", "--only", "tree"),
            "there is no leaf 701 to begin at: the shard has 700 leaves",
        ),
    ):
        done = await run(settings, "fsck", *wrong)
        assert (done.exit_code, done.stdout) == (1, "")
        assert words in done.stderr
