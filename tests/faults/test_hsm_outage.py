"""The key is gone for a while: letters are taken in all the same, and their receipts come when it is back."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from server.dev.tokens import SoftToken
from tests.faults.agency import LONG_TRY, Agency
from tests.faults.register import ENTITY, PERSON
from tests.faults.scene import Replica, Scene, assert_gets_receipts, eventually

pytestmark = [pytest.mark.faults, pytest.mark.hsm]

BRIEFLY = timedelta(seconds=0.5)


async def test_receipts_wait_for_the_key_and_come_by_themselves(scene: Scene) -> None:
    scene.patience = LONG_TRY
    (server,) = await scene.start("one")
    agency = Agency("hsm", scene.replicas, scene.told)
    await assert_gets_receipts(agency, agency.letter(PERSON))
    with token_away(scene.world.log_token, server):
        single = await agency.send([agency.letter(ENTITY)], wait=BRIEFLY)
        letters = [agency.letter(each) for each in (PERSON, ENTITY, PERSON)]
        several = await agency.send(letters, wait=BRIEFLY)
        await eventually(lambda: server.said(level="warning", trouble="HSM_UNAVAILABLE"))
        pending = [outcome.accepted for outcome in (*single, *several) if outcome.accepted]
        assert [len(accepted.receipts) for accepted in pending] == [0, 0, 0, 0]
        assert [len(accepted.evidence) for accepted in pending] == [2, 2, 2, 2]
    for accepted in pending:
        for fact in accepted.evidence:
            scene.told.keep(await server.client.evidence.receipt(fact.evidence_id, within=60.0))
    assert not server.dead
    assert scene.told.failures == []
    await scene.repeat_everything()
    await scene.balance()


@contextmanager
def token_away(token: SoftToken, server: Replica) -> Iterator[None]:
    """Takes the token's files away, and the process that has them open."""
    place = token.configuration.parent / "tokens"
    away = place.rename(place.with_name("away"))
    try:
        os.kill(token_process_of(server), signal.SIGKILL)
        yield
    finally:
        away.rename(place)


def token_process_of(server: Replica) -> int:
    """Returns the server's child that holds the token."""
    children = [
        int(child)
        for task in Path(f"/proc/{server.pid}/task").iterdir()
        for child in (task / "children").read_text(encoding="ascii").split()
    ]
    (found,) = [
        child
        for child in children
        if b"server.hsm.token_process" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    return found
