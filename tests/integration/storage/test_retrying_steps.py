"""`namak-server ladder failed` and `retry --all`, over PostgreSQL."""

import asyncio
import functools
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from namak.evidence.notification_steps import Action
from server.cli import ladder_commands
from server.domain.jobs import PREPARE_LETTER, JobState
from server.usecases.ladder_jobs import JobActions
from tests.integration.storage.test_ladders import MANY, Replicas, replicas
from tests.unit.test_config import GOOD, loaded, place
from tests.unit.usecases.test_ladder import NOTICE_DUE

__all__ = ["place", "replicas"]

PRINTING = """
[printing]
numbers = ["10000000-10049999"]
return_address = ["Post", "Yerevan"]
"""


async def test_the_operator_has_all_failed_letters_carried_out_again_at_once(
    replicas: Replicas, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAMAK_DATABASE_URL", replicas.url)
    deliveries = await replicas.submitted()
    replicas.workers[0]._actions = JobActions({})
    replicas.clock.time = NOTICE_DUE
    await replicas.workers[0].work_off()

    async def ladder(*words: str, settings: str = GOOD, code: int = 0) -> Any:
        loaded(place, settings)
        arguments = [*words, "--config", str(place / "namak-server.toml")]
        run = functools.partial(CliRunner().invoke, ladder_commands.ladder, arguments)
        done = await asyncio.to_thread(run)
        assert done.exit_code == code, done.output
        return done

    async def ordered() -> int:
        async with replicas.units[0].reading() as tx:
            return len(await tx.jobs.listed([JobState.WAITING], PREPARE_LETTER.name, after=0, limit=999))

    narrowed = ("--action", "letter", "--reason", "NOT_CONFIGURED", "--json")
    found = json.loads((await ladder("failed", *narrowed)).stdout)
    assert {each["action"] for each in found} == {Action.LETTER.value}
    assert len(found) == MANY
    told = json.loads((await ladder("retry", "--all", *narrowed, code=1)).stdout)
    assert told == {"dry_run": False, "carried_out_again": 0, "not": {"NOT_CONFIGURED": MANY}}
    with_letters = GOOD + PRINTING
    dry = await ladder("retry", "--all", "--step", "LETTER", "--dry-run", settings=with_letters)
    assert f"{MANY} of {MANY} failed steps would be carried out again" in dry.stdout
    assert await ordered() == 0

    some = await ladder("retry", "--all", "--action", "letter", "--limit", "5", settings=with_letters)
    assert "5 of 5 failed steps are carried out again" in some.stdout
    rest = await ladder("retry", "--all", settings=with_letters, code=1)
    assert f"{MANY - 5} of {2 * MANY - 5} failed steps are carried out again" in rest.stdout
    assert f"{MANY} not: nothing is configured" in rest.stdout
    assert await ordered() == len(deliveries)
    for wrong in (
        ("retry",),
        ("retry", "--all", str(deliveries[0].id), "LETTER"),
        ("retry", str(deliveries[0].id)),
        ("retry", str(deliveries[0].id), "LETTER", "--limit", "3"),
        ("retry", "--all", "--action", "pigeon"),
        ("failed", "--action", "pigeon"),
    ):
        await ladder(*wrong, code=2)
