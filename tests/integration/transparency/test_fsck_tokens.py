"""`namak-server log fsck` over timestamps: each kind of damage is found, and nothing else is told."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from namak.evidence.timestamp import TimestampTrust, check_timestamp, timestamp_request, token_from
from server.fsck.findings import Part, Report
from server.fsck.tokens import TokenCheck
from server.storage.log_connection import driver_url
from server.storage.log_inspection import PostgresLogInspection
from server.storage.token_inspection import PostgresTokenInspection
from tests.integration.timestamps.authority import OPENSSL, OpensslAuthority
from tests.integration.transparency.conftest import ORIGIN
from tests.integration.transparency.damages import TOKEN_DAMAGES
from tests.postgres import finish

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="there is no openssl")

NOTES = {5: (b"the log's note of 5", b"the cosigned note of 5"), 9: (b"the log's note of 9", None)}

Trusts = dict[str, TimestampTrust]


async def stamped(url: str, authority: OpensslAuthority) -> None:
    """Stores notes, and tokens over the cosigned one of 5 and the log's of 9."""
    connection = await asyncpg.connect(driver_url(url))
    before = datetime.now(UTC) - timedelta(seconds=1)
    trust = TimestampTrust.from_pem(authority.roots.read_bytes())
    for size, (own, cosigned) in NOTES.items():
        await connection.execute(
            "INSERT INTO log_checkpoints VALUES ($1, $2, $3, $4)", ORIGIN, size, own, before
        )
        if cosigned is not None:
            await connection.execute(
                "INSERT INTO log_witnessed VALUES ($1, $2, $3, $4)", ORIGIN, size, cosigned, before
            )
        note = cosigned or own
        token = token_from(authority.reply(timestamp_request(note, size)))
        await connection.execute(
            "INSERT INTO log_timestamps (origin, authority, size, note_digest, token, gen_time, stored_at)"
            " VALUES ($1, 'court', $2, $3, $4, $5, now())",
            *(
                ORIGIN,
                size,
                hashlib.sha256(note).digest(),
                token,
                check_timestamp(token, note, trust).gen_time,
            ),
        )
    await connection.close()


@pytest.fixture(scope="module")
def trusts(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Trusts:
    place: Path = tmp_path_factory.mktemp("authorities")
    court, registry = (OpensslAuthority.made(place / name) for name in ("court", "registry"))
    finish(stamped(module_database_url, court))
    return {
        name: TimestampTrust.from_pem(each.roots.read_bytes())
        for name, each in (("court", court), ("registry", registry))
    }


async def checked(connection: object, trusts: Trusts) -> Report:
    report = Report()
    tokens = PostgresTokenInspection(PostgresLogInspection(connection))
    await TokenCheck(tokens, trusts, report).run()
    return report


async def test_sound_tokens_are_sound_and_those_of_unknown_authorities_are_named(
    module_database_url: str, trusts: Trusts
) -> None:
    connection = await asyncpg.connect(driver_url(module_database_url))
    report = await checked(connection, trusts)
    strange = await checked(connection, {"registry": trusts["registry"]})
    await connection.close()
    assert (report.findings, report.unchecked, report.checked) == ([], [], {"tokens": 2})
    assert strange.unchecked == ["signatures of 2 tokens: there is no authority 'court' in the settings"]
    assert strange.sound


@pytest.mark.parametrize("damage", TOKEN_DAMAGES)
async def test_a_damaged_token_is_found(module_database_url: str, trusts: Trusts, damage: str) -> None:
    statement, expected = TOKEN_DAMAGES[damage]
    connection = await asyncpg.connect(driver_url(module_database_url))
    transaction = connection.transaction()
    await transaction.start()
    for table in ("log_timestamps", "log_witnessed", "log_checkpoints"):
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    changed = await connection.execute(statement)
    assert not changed.endswith(" 0")
    report = await checked(connection, trusts)
    await transaction.rollback()
    await connection.close()
    assert ({str(kind) for kind in report.counts}, len(report.findings)) == (expected, 1)
    assert {each.part for each in report.findings} == {Part.TOKENS}
