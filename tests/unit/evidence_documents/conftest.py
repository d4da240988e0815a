"""The story that the tests of verification share."""

import pytest

from namak.evidence.document import RecordedFact
from tests.unit.evidence_documents.world import Story


@pytest.fixture(scope="module")
def story() -> Story:
    """A story that is as it should be; tests record beside it what they change."""
    return Story()


@pytest.fixture(scope="module")
def confirmed(story: Story) -> RecordedFact:
    return story.world.record(story.confirmation())


@pytest.fixture(scope="module")
def effected(story: Story, confirmed: RecordedFact) -> RecordedFact:
    return story.world.record(story.effect(confirmed))
