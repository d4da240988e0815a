"""Lists that ask for what is rare read little, however much there is of everything else."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import NullPool, Select, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from server.domain.deliveries import DeliveryFilter, DeliveryState
from server.storage.administration import SqlAdministrativeActs
from server.storage.delivery_lists import newest_sent
from server.storage.ladders import TAKE_DUE
from server.storage.register_tables import CertificateBindingRow
from server.storage.statements import Statements
from server.storage.stored import table
from server.usecases.records import ActFilter
from tests.explained import rows_read

MANY = 3000
ORGANISATION, OTHER, MAILBOX = UUID(int=1), UUID(int=2), UUID(int=3)
PERSON = "5001950015"

_FILL = f"""
INSERT INTO organisations (id, code, name, contract_state, registered_at)
VALUES ('{OTHER}', '0', 'Other', 'NONE', now()), ('{ORGANISATION}', '1', 'Own', 'NONE', now());

INSERT INTO mailboxes (id, address, holder_kind, holder_number, state, opened_at)
VALUES ('{MAILBOX}', 'a@e-citizen.am', 'PERSON', '{PERSON}', 'OPEN', now());

INSERT INTO deliveries (mailbox_id, id, organisation_id, sender_address_id, organisation_code,
    organisation_name, sender, recipient, subject, notification_policy, sequence, submitted_at, state,
    notified_at)
SELECT '{MAILBOX}', CAST(lpad(to_hex(n), 32, '0') AS uuid), '{ORGANISATION}', '{ORGANISATION}', '1',
    'Own', 'a@a.am', 'b@b.am', 's', 'p', n, now(), CASE WHEN n > 3 THEN 'NOTIFIED' ELSE 'CONSIGNED' END,
    CASE WHEN n > 3 THEN now() END
FROM generate_series(1, {MANY}) n;

INSERT INTO ladder_wakes (mailbox_id, delivery_id, wake_at)
SELECT mailbox_id, id, now() + CASE WHEN sequence > 3 THEN 1 ELSE -1 END * sequence * interval '1 hour'
FROM deliveries;

INSERT INTO administrative_acts (owner_id, evidence_id, act, actor_kind, person_number, resource_kind,
    resource, recorded_at)
SELECT '{ORGANISATION}', CAST(lpad(to_hex(n), 32, '0') AS uuid),
    CASE WHEN n > 3 THEN 'BindCertificate' ELSE 'CloseMailbox' END, 'ADMINISTRATOR',
    CASE WHEN n > 3 THEN '5001950016' ELSE '{PERSON}' END, 'kind', 'r' || n, now()
FROM generate_series(1, {MANY}) n;

INSERT INTO certificate_bindings (certificate_sha256, role, organisation_id, certificate, expires_at,
    bound_at)
SELECT sha256(made), 'SENDER', CAST(CASE WHEN n > 3 THEN '{OTHER}' ELSE '{ORGANISATION}' END AS uuid),
    made, now(), now()
FROM (SELECT n, CAST(CAST(n AS text) AS bytea) AS made FROM generate_series(1, {MANY}) n) numbered;

ANALYZE
"""


class Explaining:
    """Answers nothing, and knows how many rows a query reads."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.read = 0.0
        self.found = 0

    async def rows(self, query: Select[Any], values: dict[str, Any] | None = None) -> Sequence[Any]:
        given = dict(values or {})
        if "most" in given:
            query = query.limit(given.pop("most"))
        literal = query.params(**given).compile(
            dialect=self._connection.dialect, compile_kwargs={"literal_binds": True}
        )
        statement = str(literal)
        self.found = len((await self._connection.exec_driver_sql(statement)).all())
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
        self.read = rows_read((await self._connection.exec_driver_sql(explain)).scalar_one())
        return []


@pytest.fixture
async def explaining(database_url: str) -> AsyncIterator[Explaining]:
    engine = create_async_engine(database_url, poolclass=NullPool)
    async with engine.connect() as connection:
        for statement in _FILL.split(";\n"):
            await connection.execute(text(statement))
        yield Explaining(connection)
    await engine.dispose()


async def test_a_list_of_the_few_that_are_not_notified_reads_few(explaining: Explaining) -> None:
    wanted = DeliveryFilter(states=frozenset({DeliveryState.CONSIGNED}))
    await explaining.rows(newest_sent(ORGANISATION, None, wanted, before=None, limit=50))
    assert explaining.found == 3
    assert explaining.read < 30


@pytest.mark.parametrize(
    "wanted", [ActFilter(act="CloseMailbox"), ActFilter(person_number=PERSON)], ids=["kind", "person"]
)
async def test_a_list_of_rare_acts_of_all_organisations_reads_few(
    explaining: Explaining, wanted: ActFilter
) -> None:
    acts = SqlAdministrativeActs(cast("Statements", explaining))
    await acts.list_newest(wanted, before=None, limit=50)
    assert explaining.found == 3
    assert explaining.read < 30


async def test_a_list_of_one_organisation_s_certificates_reads_few(explaining: Explaining) -> None:
    bindings = table(CertificateBindingRow)
    await explaining.rows(select(bindings).where(bindings.c.organisation_id == ORGANISATION))
    assert explaining.found == 3
    assert explaining.read < 30


async def test_looking_for_what_is_due_reads_no_delivery_that_is_not(explaining: Explaining) -> None:
    await explaining.rows(TAKE_DUE, {"now": datetime.now(UTC), "most": 50})
    assert explaining.found == 3
    assert explaining.read < 30
