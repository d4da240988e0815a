import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence import events
from namak.evidence.cosignature import COSIGNATURE
from namak.evidence.document import RecordedFact
from namak.evidence.report import FileReport, Outcome, Verdict
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.verify import verify_receipts
from tests.unit.evidence_documents.documents import SUBMITTED, document
from tests.unit.evidence_documents.reading import PASSED, failures, only, outcomes
from tests.unit.evidence_documents.world import Key, Log, Story, World


def test_accepts_the_whole_story(story: Story, confirmed: RecordedFact, effected: RecordedFact) -> None:
    report = story.verify(story.acceptance, story.consignment, story.access, confirmed, effected)

    assert report.verdict is Verdict.VALID
    assert [file.verdict for file in report.files] == [Verdict.VALID] * 5
    assert outcomes(report.files[3]) == {
        "file": PASSED,
        "log": PASSED,
        "witnesses": PASSED,
        "inclusion": PASSED,
        "evidence": PASSED,
        "time": Outcome.NOT_BOUNDED,
        "statement": PASSED,
        "statement time": PASSED,
        "signature": PASSED,
        "certificate": PASSED,
        "revocation": PASSED,
        "signer": PASSED,
        "consignment": PASSED,
        "access": PASSED,
    }
    assert {"fact", "derivation", "once"} <= outcomes(report.files[4]).keys()


def test_says_in_a_sentence_what_is_proven(
    story: Story, confirmed: RecordedFact, effected: RecordedFact
) -> None:
    report = story.verify(story.acceptance, story.consignment, story.access, confirmed, effected)

    message = "message 0192f0c3-0000-7000-8000-000000000001 from notices@src.am to 5001950015@e-citizen.am"
    accepted, consigned, opened, read, notified = [file.proves for file in report.files]
    assert (
        accepted == f"SubmissionAcceptance: at 2026-11-21T20:00:00.123456Z the operator accepted {message}."
    )
    assert f"{message} was laid into the recipient's mailbox" in consigned
    assert f"{message} was opened for the first time by its recipient, as the operator recorded" in opened
    assert read.startswith("ReadingConfirmed: at 2026-11-21T20:15:00.123456Z 5001950015 had signed")
    assert f"with their own key, to have read and accepted {message}" in read
    assert f"5001950015@e-citizen.am is properly notified of {message}" in notified
    assert "since 2026-11-21T20:15:00.123456Z by POST-2 of am-2015@1" in notified


def test_a_confirmation_alone_convinces(story: Story, confirmed: RecordedFact) -> None:
    file = only(story.verify(confirmed))

    assert file.verdict is Verdict.VALID
    assert outcomes(file)["consignment"] is outcomes(file)["access"] is Outcome.NOT_GIVEN


def test_a_rejection_proves_its_reason(story: Story) -> None:
    rejected = story.world.record(document(events.SUBMISSION_REJECTION, SUBMITTED, number=90))

    file = only(story.verify(rejected))

    assert file.verdict is Verdict.VALID
    assert "refused a message from notices@src.am" in file.proves
    assert "MAILBOX_UNKNOWN" in file.proves


def test_two_receipts_of_the_same_evidence_agree(story: Story, confirmed: RecordedFact) -> None:
    data = story.world.receipt(confirmed)

    report = verify_receipts({"one": data, "two": data}, story.world.trust())

    assert report.verdict is Verdict.VALID
    assert report.files[0].checks == report.files[1].checks


def test_of_evidence_logged_twice_the_first_entry_counts_in_any_order_of_files() -> None:
    story = Story()
    confirmed = story.world.record(story.confirmation())
    effected = story.world.record(story.effect(confirmed))
    again = story.world.log.proof(confirmed.data, story.world.log.append(confirmed)).encode()
    files = {"again": again, **story.files(story.consignment, story.access, confirmed, effected)}

    for ordered in (files, dict(reversed(files.items()))):
        report = verify_receipts(ordered, story.world.trust())

        assert report.verdict is Verdict.VALID, report


def test_nothing_given_proves_nothing(story: Story) -> None:
    assert verify_receipts({}, story.world.trust()).verdict is Verdict.INVALID


def test_one_bad_file_makes_the_whole_invalid(story: Story, confirmed: RecordedFact) -> None:
    files = {"good": story.world.receipt(confirmed), "bad": b"not a receipt"}

    report = verify_receipts(files, story.world.trust())

    assert [file.verdict for file in report.files] == [Verdict.VALID, Verdict.INVALID]
    assert report.verdict is Verdict.INVALID
    assert report.files[1].proves == "Proves nothing: failed on file."


def test_refuses_a_changed_byte_of_evidence(story: Story, confirmed: RecordedFact) -> None:
    proof = TlogProof.parse(story.world.receipt(confirmed))
    assert proof.extra is not None
    changed = proof.extra.replace(b"State Revenue Committee", b"State Revenue Kommittee")
    assert changed != proof.extra

    file = only(verify_receipts({"x": replace(proof, extra=changed).encode()}, story.world.trust()))

    assert failures(file).keys() == {"inclusion"}


def test_refuses_another_index(story: Story, confirmed: RecordedFact) -> None:
    proof = TlogProof.parse(story.world.receipt(confirmed))

    for index in (proof.index - 1, proof.index + 1, 2**40):
        file = only(verify_receipts({"x": replace(proof, index=index).encode()}, story.world.trust()))
        assert failures(file).keys() == {"inclusion"}


def test_refuses_another_checkpoint_of_the_same_log(story: Story, confirmed: RecordedFact) -> None:
    proof = TlogProof.parse(story.world.receipt(confirmed))
    before = story.world.log.checkpoint(size=proof.index)
    other = Log(story.world.log.key, [bytes(32)] * len(story.world.log.entries)).checkpoint()

    for checkpoint in (before, other):
        file = only(
            verify_receipts({"x": replace(proof, checkpoint=checkpoint).encode()}, story.world.trust())
        )
        assert failures(file).keys() == {"inclusion"}


def test_refuses_a_checkpoint_by_another_key(story: Story, confirmed: RecordedFact) -> None:
    proof = TlogProof.parse(story.world.receipt(confirmed))
    impostor = Log(entries=story.world.log.entries).checkpoint()

    file = only(verify_receipts({"x": replace(proof, checkpoint=impostor).encode()}, story.world.trust()))

    assert failures(file).keys() == {"log"}


def test_refuses_another_log(story: Story, confirmed: RecordedFact) -> None:
    trust = World(log=Log(Key("log.elsewhere.am/2026"))).trust()

    assert failures(only(verify_receipts(story.files(confirmed), trust))).keys() == {"log"}


def test_refuses_a_receipt_without_its_evidence(story: Story, confirmed: RecordedFact) -> None:
    proof = TlogProof.parse(story.world.receipt(confirmed))

    file = only(verify_receipts({"x": replace(proof, extra=None).encode()}, story.world.trust()))

    assert failures(file).keys() == {"evidence"}


def test_refuses_a_logged_entry_that_is_no_evidence_document(story: Story) -> None:
    data = b'{"version":"namak-evidence/1"}'
    story.world.log.entries.append(hashlib.sha256(data).digest())
    proof = story.world.log.proof(data, len(story.world.log.entries) - 1)

    file = only(verify_receipts({"x": proof.encode()}, story.world.trust()))

    assert failures(file).keys() == {"evidence"}


@pytest.fixture(scope="module")
def witness() -> Key:
    return Key("witness.example", COSIGNATURE)


def witnessed(story: Story, fact: RecordedFact, witness: Key, after: timedelta | None) -> FileReport:
    time = fact.document.event_time + (after or timedelta(0))
    cosigned = [] if after is None else [(witness, int(time.timestamp()))]
    policy = f"log {story.world.log.key.vkey}\nwitness w {witness.vkey}\nquorum w\n"
    files = {"x": story.world.receipt(fact, cosigned)}
    return only(verify_receipts(files, story.world.trust(policy)))


def test_a_missing_witness_is_not_the_quorum(story: Story, witness: Key) -> None:
    assert failures(witnessed(story, story.acceptance, witness, None)).keys() == {"witnesses"}


def test_a_witness_bounds_the_time(story: Story, witness: Key) -> None:
    for after in (timedelta(seconds=1), timedelta(seconds=-110), timedelta(hours=3, minutes=59)):
        file = witnessed(story, story.acceptance, witness, after)
        assert file.verdict is Verdict.VALID
        assert outcomes(file)["time"] is PASSED


def test_an_event_time_soon_after_a_witness_saw_it_is_said_to_be_within_bounds(
    story: Story, witness: Key
) -> None:
    file = witnessed(story, story.acceptance, witness, timedelta(seconds=-110))
    (words,) = [check.words for check in file.checks if check.name == "time"]
    assert words.endswith("according to w, 109 s earlier, within the 120 s that clocks may differ")


def test_an_event_time_long_after_a_witness_saw_it_is_refused(story: Story, witness: Key) -> None:
    assert failures(witnessed(story, story.acceptance, witness, timedelta(seconds=-122))).keys() == {"time"}


def test_an_event_time_long_before_the_first_witness_is_not_bounded(story: Story, witness: Key) -> None:
    file = witnessed(story, story.acceptance, witness, timedelta(hours=25))

    assert file.verdict is Verdict.VALID
    assert outcomes(file)["time"] is Outcome.NOT_BOUNDED


def test_a_witness_with_an_absurd_clock_is_reported(story: Story, witness: Key) -> None:
    policy = f"log {story.world.log.key.vkey}\nwitness w {witness.vkey}\nquorum w\n"
    files = {"x": story.world.receipt(story.acceptance, [(witness, 2**63 - 1)])}

    file = only(verify_receipts(files, story.world.trust(policy)))

    assert outcomes(file)["time"] is Outcome.NOT_BOUNDED


@pytest.mark.parametrize("ahead", [121, 86400, 2**40, 2**63 - 1 - 2**31])
def test_a_cosignature_from_the_future_does_not_count(story: Story, witness: Key, ahead: int) -> None:
    now = story.acceptance.document.event_time + timedelta(minutes=1)
    honest = Key("honest.example", COSIGNATURE)
    seconds = int(now.timestamp())
    policy = (
        f"log {story.world.log.key.vkey}\nwitness w {witness.vkey}\nwitness h {honest.vkey}\n"
        "group one any w h\nquorum one\n"
    )

    def judged(*witnesses: tuple[Key, int]) -> FileReport:
        trust = replace(story.world.trust(policy), now=now)
        return only(verify_receipts({"x": story.world.receipt(story.acceptance, witnesses)}, trust))

    refused = judged((witness, seconds + ahead))
    assert failures(refused).keys() == {"witnesses"}
    assert failures(refused)["witnesses"].startswith("0 of your witnesses cosigned")
    beside = judged((honest, seconds), (witness, seconds + ahead))
    assert beside.verdict is Verdict.VALID
    said = [check.words for check in beside.checks if check.name == "witnesses"]
    assert said[0].startswith("1 of your witnesses cosigned at a time yet to come")
    assert judged((witness, seconds + 119)).verdict is Verdict.VALID
