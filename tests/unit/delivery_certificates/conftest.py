"""The story that the tests of certificates share."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from namak.evidence.document import RecordedFact
from tests.unit.evidence_documents.world import Story


@dataclass(frozen=True)
class Told:
    """A delivery from its acceptance to its effect."""

    story: Story
    facts: Sequence[RecordedFact]


@pytest.fixture(scope="session")
def told() -> Told:
    story = Story()
    confirmed = story.world.record(story.confirmation())
    effected = story.world.record(story.effect(confirmed))
    return Told(story, [story.acceptance, story.consignment, story.access, confirmed, effected])
