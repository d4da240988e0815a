"""What senders used, on the whole server: what they are told, and what the evidence says to it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from namak.errors import InvalidRequest, NotPermitted
from server.domain.usage import Usage
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.usage_audit import UsageAudit
from tests import forking
from tests.system.post import Agency, Citizen, Post

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.hsm]

DAY = timedelta(days=1)


class Later:
    """A clock that is ahead: what was accepted just now counts as settled."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(minutes=5)


def today() -> Any:
    return datetime.now(ZoneInfo("Asia/Yerevan")).date()


async def test_a_sender_is_told_what_it_sent_and_the_evidence_says_the_same(
    post: Post, citizen: Citizen
) -> None:
    agency, other = await post.agency(), await post.agency()
    first = await agency.client.deliveries.submit(agency.letter(citizen.address, request_id="one"))
    await agency.client.deliveries.submit(agency.letter(citizen.address, request_id="one"))
    await agency.client.deliveries.submit(agency.letter(citizen.address))
    await other.client.deliveries.submit(other.letter(citizen.address))
    await agency.client.deliveries.withdraw(first.delivery.delivery_id)

    used = await agency.client.billing.usage(today() - DAY, today())

    assert used.time_zone == "Asia/Yerevan"
    assert (used.total.accepted, used.total.withdrawn) == (2, 1)
    assert [(each.sender, each.usage.accepted) for each in used.addresses] == [(agency.sender, 2)]
    operator = await post.operator()
    of_operator = await operator.billing.usage(today() - DAY, today(), organisation_id=agency.organisation_id)
    assert of_operator == used
    findings = await audited(post, UUID(agency.organisation_id))
    assert (findings.differences, findings.corrupt) == ((), ())
    assert findings.facts == 3


async def test_nobody_is_told_what_others_sent(post: Post, agency: Agency, citizen: Citizen) -> None:
    other = await post.agency()

    for organisation_id in (other.organisation_id, "0192f0c3-0000-7000-8000-00000000000a"):
        with pytest.raises(NotPermitted):
            await agency.client.billing.usage(today(), today(), organisation_id=organisation_id)
    with pytest.raises(NotPermitted):
        await citizen.client.billing.usage(today(), today(), acting_as=agency.organisation_id)


async def test_days_in_the_wrong_order_are_refused(agency: Agency) -> None:
    with pytest.raises(InvalidRequest):
        await agency.client.billing.usage(today(), today() - DAY)


async def test_a_delivery_that_was_tampered_with_is_found_by_the_audit(
    post: Post, citizen: Citizen, tmp_path: Path
) -> None:
    agency = await post.agency()
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))
    assert (await command(post, tmp_path, agency))["differences"] == []
    # Not insert-only: a delivery's state moves. Whoever can write into the database could write this.
    await post.records.rows(
        "UPDATE deliveries SET sender = 'forged@src.am' WHERE id = :id",
        id=UUID(accepted.delivery.delivery_id),
    )

    findings = await audited(post, UUID(agency.organisation_id))

    assert {(each.sender, each.billed, each.evidenced) for each in findings.differences} == {
        ("forged@src.am", Usage(1, 0), Usage()),
        (agency.sender, Usage(), Usage(1, 0)),
    }


async def audited(post: Post, organisation_id: UUID) -> Any:
    database = Database(post.database_url, pool_size=1)
    try:
        audit = UsageAudit(uow=SqlUnitOfWork(database), clock=Later(), profile=AM)
        return await audit.run(today() - DAY, today(), organisation_id)
    finally:
        await database.dispose()


async def command(post: Post, place: Path, agency: Agency) -> Any:
    """Runs `namak-server billing audit`, which must find no difference."""
    settings = post.world.write_settings("audit", database_url=post.database_url)
    audit = ("billing", "audit", "--json", "--organisation", agency.organisation_id)
    guard = {"NAMAK_LOG_GUARD": str(place / "guard")}
    run = await asyncio.to_thread(forking.run, "server", *audit, "--config", settings, environment=guard)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)
