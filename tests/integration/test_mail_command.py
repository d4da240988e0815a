"""`namak-server mail`: which mail a delivery came in by, over a real database."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from namak.evidence.events import CONTENT_CONSIGNMENT
from server.cli.app import app
from server.domain.deliveries import Delivery
from server.domain.mail_origins import MailChecks, MailOrigin
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests.contracts import examples
from tests.integration.test_notices_command import SETTINGS

CHECKS = MailChecks("none", "", "softfail", "src.am")


@pytest.fixture
def settings(module_database_url: str, tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    path = tmp_path / "namak-server.toml"
    path.write_text(SETTINGS.format(database=module_database_url, feed="https://notices.post.example.am"))
    return path


@pytest.fixture
async def deliveries(module_database_url: str) -> list[Delivery]:
    """Returns one that was looked at, one that was not, and one that came in otherwise."""
    database = Database(module_database_url, pool_size=1)
    async with SqlUnitOfWork(database).writing() as tx:
        owner, mailbox = examples.organisation(), examples.mailbox()
        address, parts = examples.address(owner), [examples.part()]
        await tx.organisations.add(owner)
        await tx.sender_addresses.add(address)
        await tx.mailboxes.add(mailbox)
        now = datetime.now(UTC)
        made = [
            replace(examples.delivery(mailbox, address, n, parts), id=examples.id_at(now))
            for n in range(1, 4)
        ]
        await tx.deliveries.add([(each, parts) for each in made])
        consigned = [examples.fact(each, CONTENT_CONSIGNMENT) for each in made]
        await tx.evidence.record([replace(fact, id=examples.id_at(now)) for fact in consigned])
        origins = [MailOrigin("<1@src.am>"), MailOrigin(None)]
        keys = [(each.mailbox_id, each.id) for each in made]
        await tx.mail_origins.add([(*key, origin) for key, origin in zip(keys, origins, strict=False)])
        await tx.mail_origins.set_checks(keys[:1], CHECKS)
        await tx.commit()
    await database.dispose()
    return made


def show(settings: Path, delivery: object, *options: str) -> Result:
    return CliRunner().invoke(app, ["mail", "show", str(delivery), *options, "--config", str(settings)])


def test_an_operator_sees_what_dkim_and_spf_said(settings: Path, deliveries: list[Delivery]) -> None:
    looked_at, unseen, _ = deliveries
    told = show(settings, looked_at.id).output.splitlines()
    assert told[0] == f"delivery: {looked_at.id}"
    assert told[-3:] == ["message_id: <1@src.am>", "dkim: none", "spf: softfail (src.am)"]
    assert show(settings, unseen.id).output.splitlines()[-2:] == ["dkim: not looked at", "spf: not looked at"]
    document = json.loads(show(settings, looked_at.id, "--json").output)
    assert document["sender"] == looked_at.sender
    assert document["spf"] == {"result": "softfail", "domain": "src.am"}
    assert json.loads(show(settings, unseen.id, "--json").output)["spf"] is None


def test_what_did_not_come_by_mail_is_said_plainly(settings: Path, deliveries: list[Delivery]) -> None:
    for delivery, why in (
        (deliveries[2].id, "did not come in by mail"),
        (examples.new_id(), "there is no delivery"),
        ("1", "DELIVERY"),
    ):
        result = show(settings, delivery)
        assert result.exit_code == 1
        assert why in result.output
