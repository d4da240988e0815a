"""`namak-server log fsck` of parts together, in one walk over the deliveries, finds what each finds alone."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import pytest

from scripts.benchmark.stored_post import _BEGAN, ORIGIN, fill
from server.bootstrap_fsck import opened
from server.fsck.check import Asked, LogCheck, Stored
from server.fsck.checkpoints import Trusted
from server.fsck.findings import Kind, Part, Report
from server.fsck.ours import acceptance_in
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.log_connection import driver_url
from server.storage.log_inspection import PostgresLogInspection
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.usage_audit import UsageAudit
from tests.integration.transparency.inspected import stored_over
from tests.postgres import finish
from tests.unit.usecases.world import FixedClock

LEAVES = 640
MAILBOXES = LEAVES // 32 * 10 // 50
OTHERS = 3
NOW = _BEGAN + timedelta(days=40)
TABLES = ("evidence", "deliveries", "mailbox_links", "mailbox_heads", "log_entries", "openings")

BOX = "(SELECT mailbox_id FROM mailbox_heads ORDER BY mailbox_id LIMIT 1 OFFSET {})"
SECOND = f"mailbox_id = {BOX.format(1)} AND sequence = 4"
ITS = f"delivery_id = (SELECT id FROM deliveries WHERE {SECOND})"
_ACCEPTED = "event = 'http://uri.etsi.org/19522/Event/SubmissionAcceptance'"
_CONSIGNED = "event = 'http://uri.etsi.org/19522/Event/ContentConsignment'"
_AGAIN = (
    "INSERT INTO evidence (owner_id, id, event, organisation_id, delivery_id, document, entry, recorded_at)"
    " SELECT {}, {}, event, organisation_id, {}, {}, entry, recorded_at FROM evidence"
)

DAMAGES: dict[str, tuple[str, set[str]]] = {
    "nothing": ("SELECT 1", set()),
    "a leaf is another": (
        "UPDATE log_entries SET entry = sha256('x') WHERE leaf_index IN (9, 300)",
        {"entry-wrong"},
    ),
    "a leaf is gone": ("DELETE FROM log_entries WHERE leaf_index = 300", {"unqueued"}),
    "a leaf is another shard's": (
        "UPDATE log_entries SET origin = 'x' WHERE leaf_index = 300",
        set(),
    ),
    "evidence has two leaves": (
        (
            "UPDATE log_entries SET evidence_id = (SELECT evidence_id FROM log_entries WHERE leaf_index = 20)"
            " WHERE leaf_index = 300"
        ),
        {"entry-wrong", "logged-twice", "unqueued"},
    ),
    "evidence is gone": (f"DELETE FROM evidence WHERE {ITS} AND {_ACCEPTED}", {"evidence-missing"}),
    "evidence is there twice, once wrong": (
        _AGAIN.format("gen_random_uuid()", "id", "NULL", "'x'") + f" WHERE {ITS} AND {_ACCEPTED}",
        {"entry-wrong", "digest-wrong"},
    ),
    "evidence is there twice, with a delivery that is not there": (
        _AGAIN.format("owner_id", "gen_random_uuid()", "gen_random_uuid()", "document")
        + f" WHERE {ITS} AND {_ACCEPTED}",
        {"fact-stray", "unqueued"},
    ),
    "evidence of no delivery is another": (
        "UPDATE evidence SET document = 'x' WHERE delivery_id IS NULL",
        {"entry-wrong", "digest-wrong"},
    ),
    "a digest is another": (f"UPDATE evidence SET entry = sha256('x') WHERE {ITS}", {"digest-wrong"}),
    "a document is another": (
        f"UPDATE evidence SET document = 'x' WHERE {ITS} AND {_CONSIGNED}",
        {"entry-wrong", "digest-wrong", "link-wrong", "fact-unreadable"},
    ),
    "a consignment has another link": (
        (
            "UPDATE evidence SET document = convert_to(regexp_replace(convert_from(document, 'UTF8'),"
            f" '\"mailboxLink\":\"....', '\"mailboxLink\":\"AAAA'), 'UTF8') WHERE {ITS} AND {_CONSIGNED}"
        ),
        {"entry-wrong", "digest-wrong", "link-wrong"},
    ),
    "a consignment is there twice": (
        _AGAIN.format("owner_id", "'00000000-0000-7000-8000-000000000000'", "delivery_id", "document")
        + f" WHERE {ITS} AND {_CONSIGNED}",
        {"unqueued", "origin-missing", "fact-wrong"},
    ),
    "a nonce is another": (f"UPDATE mailbox_links SET nonce = sha256('x') WHERE {SECOND}", {"link-wrong"}),
    "a link is gone": (f"DELETE FROM mailbox_links WHERE {SECOND}", {"link-missing", "unlinked"}),
    "a link is another delivery's": (
        (
            f"UPDATE mailbox_links l SET delivery_id = o.delivery_id FROM mailbox_links o"
            f" WHERE l.mailbox_id = {BOX.format(1)}"
            " AND l.sequence = 4 AND o.mailbox_id = l.mailbox_id AND o.sequence = 5"
        ),
        {"link-wrong", "unlinked"},
    ),
    "a link stands behind the last": (
        (
            "INSERT INTO mailbox_links SELECT mailbox_id, 90, delivery_id, nonce, previous, link"
            f" FROM mailbox_links WHERE {SECOND}"
        ),
        {"link-missing", "link-wrong", "chain-head-wrong"},
    ),
    "a delivery is gone": (
        f"DELETE FROM deliveries WHERE {SECOND}",
        {"link-wrong", "fact-stray"},
    ),
    "all deliveries of a mailbox are gone": (
        f"DELETE FROM deliveries WHERE mailbox_id = {BOX.format(2)}",
        {"link-wrong", "fact-stray"},
    ),
    "a delivery has another place": (
        f"UPDATE deliveries SET sequence = 70 WHERE {SECOND}",
        {"link-wrong", "unlinked"},
    ),
    "a mailbox has another address": (
        f"UPDATE mailboxes SET address = 'x@y' WHERE id = {BOX.format(3)}",
        {"link-wrong"},
    ),
    "a recipient is another": (f"UPDATE deliveries SET recipient = 'x@y' WHERE {SECOND}", {"fact-wrong"}),
    "heads are gone, or of no links": (
        (
            f"WITH gone AS (DELETE FROM mailbox_links WHERE mailbox_id = {BOX.format(1)})"
            f" DELETE FROM mailbox_heads WHERE mailbox_id = {BOX.format(2)}"
        ),
        {"link-missing", "chain-head-wrong", "unlinked"},
    ),
}


async def stored(url: str) -> None:
    """Fills a post, and logs what is of no delivery."""
    await fill(url, LEAVES)
    connection = await asyncpg.connect(driver_url(url))
    for index in range(LEAVES, LEAVES + OTHERS):
        document = os.urandom(40)
        await connection.execute(
            "WITH made AS (INSERT INTO evidence (owner_id, id, event, organisation_id, document, entry,"
            " recorded_at) VALUES (gen_random_uuid(), gen_random_uuid(), 'urn:x', gen_random_uuid(), $1, $2,"
            " now()) RETURNING id, entry) INSERT INTO log_entries (origin, leaf_index, entry, evidence_id)"
            " SELECT $3, $4, entry, id FROM made",
            *(document, sha256(document).digest(), ORIGIN, index),
        )
    await connection.execute("UPDATE log_heads SET integrated_size = integrated_size + $1", OTHERS)
    await connection.close()


@pytest.fixture(scope="module")
def url(module_database_url: str) -> str:
    finish(stored(module_database_url))
    return module_database_url


@asynccontextmanager
async def damaged(url: str, statement: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(driver_url(url))
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    for table in TABLES:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    await connection.execute("ALTER TABLE evidence DROP CONSTRAINT ck_evidence_entry")
    await connection.execute("ALTER TABLE log_entries DROP CONSTRAINT uq_log_entries_evidence_id")
    assert not (await connection.execute(statement)).endswith(" 0")
    yield connection
    await transaction.rollback()
    await connection.close()


def told(report: Report) -> Any:
    return report.findings, report.counts, report.by_part, report.checked, report.unchecked


async def both(stored: Stored, parts: frozenset[Part]) -> Report:
    """Checks parts together and one by one, and returns the report in which they agree."""
    together, alone = Report(), Report()
    await LogCheck(stored, {}, Trusted({}), together).run(Asked(parts, ORIGIN))
    for part in (part for part in Part if part in parts):
        await LogCheck(stored, {}, Trusted({}), alone).run(Asked(frozenset({part}), ORIGIN))
    assert told(together) == told(alone)
    assert list(together.seconds) == list(alone.seconds) == [part for part in Part if part in parts]
    return together


@pytest.mark.parametrize("damage", DAMAGES)
async def test_parts_together_find_what_each_finds_alone(url: str, damage: str) -> None:
    statement, expected = DAMAGES[damage]
    async with damaged(url, statement) as connection:
        report = await both(
            stored_over(PostgresLogInspection(connection)),
            frozenset({Part.EVIDENCE, Part.MAILBOXES, Part.EFFECTS}),
        )
    assert expected <= {str(kind) for kind in report.counts}
    assert report.sound or expected or damage == "a leaf is another shard's"
    assert report.checked["mailboxes"] in (MAILBOXES, MAILBOXES - 1)


BILLS: dict[str, tuple[str, str, set[Kind]]] = {
    "nothing": ("deliveries", "UPDATE deliveries SET in_reply_to = NULL", set()),
    "a delivery is billed to another address": (
        "deliveries",
        f"UPDATE deliveries SET sender = 'x@src.am' WHERE {SECOND}",
        {Kind.USAGE_WRONG},
    ),
    "a delivery is billed on another day": (
        "deliveries",
        f"UPDATE deliveries SET submitted_at = submitted_at + interval '1 day' WHERE {SECOND}",
        {Kind.USAGE_WRONG},
    ),
    "an acceptance is another organisation's": (
        "evidence",
        f"UPDATE evidence SET organisation_id = gen_random_uuid() WHERE {ITS} AND {_ACCEPTED}",
        {Kind.USAGE_WRONG},
    ),
    "an acceptance is a holder's": (
        "evidence",
        f"UPDATE evidence SET organisation_id = {BOX.format(0)} WHERE {ITS} AND {_ACCEPTED}",
        {Kind.USAGE_WRONG},
    ),
    "an acceptance is of no delivery": (
        "evidence",
        f"UPDATE evidence SET delivery_id = NULL WHERE {ITS} AND {_ACCEPTED}",
        set(),
    ),
    "an acceptance more, of no delivery": (
        "evidence",
        _AGAIN.format("gen_random_uuid()", "gen_random_uuid()", "NULL", "document").replace(
            "gen_random_uuid(), event", "'01a20244-e827-7000-8000-00000000ffff', event"
        )
        + f" WHERE {ITS} AND {_ACCEPTED}",
        {Kind.USAGE_WRONG},
    ),
    "an acceptance can't be read": (
        "evidence",
        f"UPDATE evidence SET document = 'x' WHERE {ITS} AND {_ACCEPTED}",
        {Kind.USAGE_WRONG, Kind.USAGE_UNPROVED},
    ),
    "the log vouches for something else": (
        "log_entries",
        (
            "UPDATE log_entries SET entry = sha256('x') WHERE evidence_id IN"
            f" (SELECT id FROM evidence WHERE {_ACCEPTED} ORDER BY id LIMIT 3)"
        ),
        {Kind.USAGE_UNPROVED},
    ),
}


@pytest.mark.parametrize("damage", BILLS)
async def test_a_bill_is_recounted_from_the_walk_as_it_is_alone(url: str, damage: str) -> None:
    table, statement, expected = BILLS[damage]
    clock = FixedClock()
    clock.time = NOW
    database = Database(url, pool_size=1)
    connection = await asyncpg.connect(driver_url(url))
    kept = await connection.fetch(f"SELECT * FROM {table}")
    for each in ("evidence", "deliveries", "log_entries"):
        await connection.execute(f"ALTER TABLE {each} DISABLE TRIGGER ALL")
    await connection.execute("ALTER TABLE evidence DROP CONSTRAINT IF EXISTS ck_evidence_entry")
    try:
        assert not (await connection.execute(statement)).endswith(" 0")
        audit = UsageAudit(uow=SqlUnitOfWork(database), clock=clock, profile=AM, recognise=acceptance_in)
        async with opened(url, AM) as whole:
            fixed = replace(whole, recount=audit, now=clock.now)
            report = await both(fixed, frozenset({Part.EFFECTS, Part.USAGE}))
    finally:
        await connection.execute(f"DELETE FROM {table}")
        await connection.copy_records_to_table(table, records=kept, columns=list(kept[0].keys()))
        await connection.close()
        await database.dispose()
    assert {each.kind for each in report.findings if each.part is Part.USAGE} == expected
