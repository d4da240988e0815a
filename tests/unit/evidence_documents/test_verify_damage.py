import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence.document import RecordedFact
from namak.evidence.report import Verdict
from namak.evidence.verify import verify_receipts
from tests.unit.evidence_documents.world import Log, Story


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_reports_any_damage_and_never_raises(
    story: Story, confirmed: RecordedFact, data: st.DataObject
) -> None:
    receipt = bytearray(story.world.receipt(confirmed))
    receipt[data.draw(st.integers(0, 10_000)) % len(receipt)] ^= data.draw(st.integers(1, 255))

    report = verify_receipts({"x": bytes(receipt)}, story.world.trust())

    assert report.verdict is Verdict.INVALID


# Libraries warn of certificates that are odd but readable; a warning is no refusal.
@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_reports_any_damage_within_a_logged_signature_and_never_raises(
    story: Story, data: st.DataObject
) -> None:
    cms = bytearray(story.confirmation_details().cms)
    cms[data.draw(st.integers(0, 10_000)) % len(cms)] ^= data.draw(st.integers(1, 255))
    fact = RecordedFact.parse(story.confirmation(story.confirmation_details(cms=bytes(cms))).encode())
    log = Log(story.world.log.key, [fact.entry])

    report = verify_receipts({"x": log.proof(fact.data, 0).encode()}, story.world.trust())

    assert report.verdict is Verdict.INVALID


@given(st.binary(max_size=200))
def test_reports_garbage_and_never_raises(story: Story, garbage: bytes) -> None:
    assert verify_receipts({"x": garbage}, story.world.trust()).verdict is Verdict.INVALID
