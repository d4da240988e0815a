"""By which settings ladders can nudge."""

from pathlib import Path

import pytest

from namak.evidence.notification_steps import Action
from server.bootstrap_forwarding import forwarding_handlers
from server.bootstrap_ladder import ladder_actions
from server.jurisdictions.am import AM
from tests.fakes.sms import FakeSmsRoute
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.test_config import loaded, place

__all__ = ["place"]


@pytest.mark.parametrize(
    ("section", "offered"),
    [("mail", {Action.NUDGE}), ("sms", {Action.NUDGE}), (None, set())],
)
def test_a_ladder_nudges_where_there_is_a_way_to_holders(
    place: Path, section: str | None, offered: set[Action]
) -> None:
    settings = loaded(place)
    if section is not None:
        given = getattr(settings, section).model_copy(
            update={"host": "127.0.0.1", "sender": "no-reply@post.example.am"}
        )
        settings = settings.model_copy(update={section: given})
    route = FakeSmsRoute() if section == "sms" else None
    handlers = forwarding_handlers(settings, AM, FakeUnitOfWork(), None, route)

    assert set(ladder_actions(settings).available()) == offered
    assert {kind.name for kind in handlers if kind.name.startswith("ladder.")} == (
        {"ladder.nudge", "ladder.tell"} if offered else set()
    )
