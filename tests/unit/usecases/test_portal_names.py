"""Portals' names: whoever is bound under one can sign people in there."""

import pytest

from server.domain import fields
from server.domain.malformed import Malformed
from tests.unit.usecases.sign_in_world import SignInWorld, portal


@pytest.mark.parametrize("name", ["e-citizen.am", "Էլ. քաղաքացի", "Портал «Гражданин» 2", "x" * 100])
async def test_a_name_that_can_be_bound_signs_people_in(name: str) -> None:
    scene = SignInWorld()

    started = await scene.start(by=portal(fields.portal_name(name)))

    assert f"portal: {name}\n" in started.sign_in.text.decode()


@pytest.mark.parametrize("mark", ["\u00a0", "\u200b", "\u00ad", "\u3000", "\ufeff", "\u2060", "\ue000"])
def test_a_name_that_no_challenge_can_hold_is_refused(mark: str) -> None:
    with pytest.raises(Malformed) as refused:
        fields.portal_name(f"e{mark}citizen")
    assert refused.value.reason == "NOT_PRINTABLE"
