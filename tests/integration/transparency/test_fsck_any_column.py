"""`namak-server log fsck` finds damage in every column of what the log rests upon, or is known not to."""

import hashlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from namak.evidence.cosignature import COSIGNATURE, cosigned_message, timestamped_signature
from namak.evidence.note import key_id, parse_note, signature_line, vkey
from namak.evidence.timestamp import TimestampTrust, check_timestamp, timestamp_request, token_from
from namak.evidence.tlog_policy import TlogPolicy
from server.fsck.check import Asked, LogCheck, Stored
from server.fsck.checkpoints import Trusted
from server.fsck.findings import Part, Report
from server.fsck.kinds import USUAL
from server.fsck.ours import acceptance_in
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.delivery_inspection import PostgresDeliveryInspection
from server.storage.log_connection import driver_url
from server.storage.log_inspection import PostgresLogInspection
from server.storage.mailbox_inspection import PostgresMailboxInspection
from server.storage.shard_inspection import PostgresShardInspection
from server.storage.signature_inspection import PostgresSignatureInspection
from server.storage.token_inspection import PostgresTokenInspection
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.usage_audit import UsageAudit
from tests.integration.timestamps.authority import OPENSSL, OpensslAuthority
from tests.integration.transparency.any_damage import Damageable
from tests.integration.transparency.conftest import ORIGIN, eventually
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.rotating import NEXT, RotatingWorld
from tests.integration.transparency.signers import TokenLikeSigner
from tests.integration.transparency.test_fsck import WITNESS, record
from tests.integration.transparency.test_fsck_deliveries import NOW, filled
from tests.postgres import finish
from tests.unit.usecases.world import FixedClock

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="there is no openssl")


@dataclass
class Whole:
    """A post with all that a check goes through."""

    world: RotatingWorld
    trusted: Trusted


async def published(world: RotatingWorld) -> bool:
    return bool(
        await world.ledger.value(
            "SELECT (SELECT count(*) FROM evidence) = coalesce(sum(published_size), 0) FROM log_heads"
        )
    )


async def made(url: str, place: Path) -> Whole:
    world = RotatingWorld(Ledger(url), place)
    await filled(url)
    async with world.replica(*world.shards(ORIGIN, NEXT)):
        await eventually(lambda: published(world))
        await world.announce(ORIGIN, NEXT)
        await record(world.ledger, 3)
        await eventually(lambda: published(world))
    await record(world.ledger, 2)
    witness = TokenLikeSigner(os.urandom(32), world.journal)
    authority = OpensslAuthority.made(place / "authority")
    trust = TimestampTrust.from_pem(authority.roots.read_bytes())
    notes = await world.ledger.rows(
        "SELECT DISTINCT ON (origin) origin, size, note FROM log_checkpoints ORDER BY origin, size DESC"
    )
    for origin, size, note in notes:
        at = int(time.time())
        signature = await witness.sign(cosigned_message(parse_note(note).text, at))
        key = key_id(WITNESS, COSIGNATURE, witness.public_key)
        cosigned = note + signature_line(WITNESS, key, timestamped_signature(at, signature))
        for table in ("log_witnessed", "log_rewitnessed"):
            await world.ledger.rows(f"INSERT INTO {table} VALUES ($1, $2, $3, now())", origin, size, cosigned)
        token = token_from(authority.reply(timestamp_request(cosigned, size)))
        stamped_at = check_timestamp(token, cosigned, trust).gen_time
        await world.ledger.rows(
            "INSERT INTO log_timestamps (origin, authority, size, note_digest, token, gen_time, stored_at)"
            " VALUES ($1, 'court', $2, $3, $4, $5, now())",
            *(origin, size, hashlib.sha256(cosigned).digest(), token, stamped_at),
        )
    policy = f"witness w {vkey(WITNESS, witness.public_key, COSIGNATURE)}\nquorum w\n"
    logs = {each: world.verifier(each) for each in (ORIGIN, NEXT)}
    return Whole(world, Trusted(logs, TlogPolicy.parse(policy.encode()), {"court": trust}))


@pytest.fixture(scope="module")
def whole(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    found: list[Whole] = []

    async def make() -> None:
        found.append(await made(module_database_url, tmp_path_factory.mktemp("whole")))

    finish(make())
    return found[0]


def stored_over(inspection: PostgresLogInspection, database: Database) -> Stored:
    clock = FixedClock()
    clock.time = NOW
    return Stored(
        log=inspection,
        shards=PostgresShardInspection(inspection),
        mailboxes=PostgresMailboxInspection(inspection),
        deliveries=PostgresDeliveryInspection(inspection),
        tokens=PostgresTokenInspection(inspection),
        confirmations=PostgresSignatureInspection(inspection),
        recount=UsageAudit(uow=SqlUnitOfWork(database), clock=clock, profile=AM, recognise=acceptance_in),
        zone=ZoneInfo(AM.time_zone),
        now=lambda: NOW,
    )


LOG = frozenset({Part.TREE, Part.EVIDENCE, Part.CHECKPOINTS, Part.SHARDS, Part.TOKENS})
DELIVERIES = frozenset({Part.MAILBOXES, Part.EFFECTS})
POST = frozenset({Part.EVIDENCE, Part.MAILBOXES, Part.EFFECTS, Part.USAGE})

CHECKED = {
    **dict.fromkeys(
        (
            *("log_checkpoints", "log_entries", "log_heads", "log_queue", "log_rewitnessed", "log_shards"),
            *("log_tiles", "log_timestamps", "log_trees", "log_witnessed"),
        ),
        LOG,
    ),
    **dict.fromkeys(
        (
            *("confirmations", "mailbox_heads", "mailbox_links", "mailboxes", "openings"),
            "revocation_lists",
        ),
        DELIVERIES,
    ),
    **dict.fromkeys(("deliveries", "evidence"), POST),
}
"""Tables on which the log, evidence, deliveries or the bill rest, and the parts that go through them."""

_REGISTER = "who takes part: the acts that changed it are evidence, and it proves nothing by itself"
_ACCESS = "who is signed in, or signs in"
_WORK = "what is still to be done, or how it was; what came of it is evidence"
_MESSAGE = "the message; whoever opens it holds it against the digests in its evidence"

OUTSIDE = {
    _REGISTER: {
        *("administrators", "agreement_acceptances", "applications", "certificate_bindings", "delegations"),
        *("domain_challenges", "domains", "holders", "mail_origins", "organisations", "portals"),
        *("print_houses", "sender_addresses", "signatories", "signatory_checks", "signatory_endings"),
        *("signatory_entries", "user_agreements", "forwarding_targets", "sender_sms", "right_uses"),
    },
    _ACCESS: {
        *("logins", "outstanding_sign_ins", "phone_confirmations", "profile_confirmations", "sessions"),
        *("sign_in_tries", "sign_ins", "forwarding_codes", "statements"),
    },
    _WORK: {
        *("administrative_acts", "claims", "forwarded_copies", "ladder_nudges", "ladder_steps"),
        *("ladder_wakes", "letter_orders", "letter_reports", "notice_entries", "notices", "outages"),
        *("refusals", "sender_sms_days", "sms_reports", "sms_segments"),
    },
    _MESSAGE: {"parts", "letter_files"},
    "the release of the tables": {"alembic_version"},
    "of shards whose keys were lost; none were here": {"log_given_up", "log_unsigned"},
}
"""Tables that nothing of this is derived from, by why."""

_WHEN = "when it was stored; the evidence or a time-stamp says when it was"
_SHOWN = "shown in lists; receipts and certificates tell it by the evidence"
_PERSON = "who it was; the evidence does not name persons, a signature does"

NOT_DERIVED = {
    "confirmations.confirmed_at": _WHEN,
    "confirmations.person_number": _PERSON,
    "deliveries.in_reply_to": _SHOWN,
    "deliveries.organisation_code": _SHOWN,
    "deliveries.organisation_name": _SHOWN,
    "deliveries.receipts_by_mail": "how the sender wants to be told",
    "deliveries.sender_address_id": "for lists by address; the bill goes by the evidence's",
    "deliveries.subject": _SHOWN,
    "evidence.entry": "of what is still queued: the leaf is made from the queue, which is checked",
    "evidence.event": "of what concerns no delivery, as `owner_id`",
    "evidence.organisation_id": "of what concerns no delivery, as `owner_id`",
    "evidence.owner_id": "of what concerns no delivery: to whom it is shown",
    "evidence.recorded_at": "of what concerns no delivery, as `owner_id`",
    "log_checkpoints": "not every tree has one; one that was handed out and is gone its holder has",
    "log_checkpoints.published_at": _WHEN,
    "log_entries.organisation_id": "whose stream has it; what is handed out goes by the evidence's",
    "log_heads.frozen_at": "when it was frozen; that it is follows from the next shard",
    "log_queue.organisation_id": "as that of `log_entries`",
    "log_rewitnessed": "the newest cosignature alone is kept, while the tree stands still",
    "log_rewitnessed.witnessed_at": _WHEN,
    "log_shards.announced_at": _WHEN,
    "log_timestamps": "nothing says how many authorities there were",
    "log_timestamps.authority": "of an unknown name, which is told as not checked",
    "log_timestamps.stored_at": "clocks differ: another time within the allowance is as good",
    "log_trees.integrated_at": _WHEN,
    "log_witnessed.witnessed_at": "as `stored_at` of `log_timestamps`",
    "mailboxes.confirmed_at": _REGISTER,
    "mailboxes.forwards": _REGISTER,
    "mailboxes.holder_kind": _REGISTER,
    "mailboxes.holder_number": _REGISTER,
    "mailboxes.opened_at": _REGISTER,
    "mailboxes.state": _REGISTER,
    "openings.opened_at": _WHEN,
    "openings.person_number": _PERSON,
}
"""Columns, and tables of which a row may go, where some damage can't be found by what else is there."""


@pytest.fixture
async def connection(whole: Whole) -> AsyncIterator[asyncpg.Connection]:
    made = await asyncpg.connect(driver_url(whole.world.ledger.url))
    yield made
    await made.close()


async def test_damage_to_any_column_is_found_or_is_known_not_to_be(
    whole: Whole, connection: asyncpg.Connection
) -> None:
    url = whole.world.ledger.url
    inspection, database = await PostgresLogInspection.open(url), Database(url, pool_size=1)
    stored = stored_over(inspection, database)
    guards = {each: whole.world.guard(each) for each in (ORIGIN, NEXT)}

    async def check(parts: frozenset[Part]) -> Report:
        report = Report()
        await LogCheck(stored, guards, whole.trusted, report).run(Asked(parts, NEXT))
        return report

    sound = await check(USUAL)
    assert (sound.findings, sound.unchecked) == ([], [])
    damageable = Damageable(connection)
    await damageable.prepare()
    assert set(damageable.tables) == {*CHECKED}.union(*OUTSIDE.values())
    unseen: dict[str, list[str]] = {}
    for table, parts in CHECKED.items():
        async for damage in damageable.damages(table):
            if await damageable.do(damage):
                report = await check(parts)
                if report.sound:
                    unseen.setdefault(damage.place, []).append(damage.how)
            await damageable.undo(table)
    await inspection.close()
    await database.dispose()
    assert {place: how for place, how in unseen.items() if place not in NOT_DERIVED} == {}
    assert set(NOT_DERIVED) - set(unseen) == set()
