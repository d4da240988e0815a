import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence import events
from namak.evidence.cosignature import COSIGNATURE
from namak.evidence.details import AccessDetails, ConfirmationDetails, EffectDetails, NamedList
from namak.evidence.document import EvidenceDocument, RecordedFact, subject_part
from namak.evidence.report import FileReport, Outcome, Report, Verdict
from namak.evidence.signature import build_confirmation_signature
from namak.evidence.statement import StatedPart, Statement
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.verify import verify_receipts
from tests.unit.evidence_documents.documents import SUBMITTED, document
from tests.unit.evidence_documents.pki import Authority
from tests.unit.evidence_documents.world import Key, Log, Story, World

FAILED, PASSED = Outcome.FAILED, Outcome.PASSED


def only(report: Report) -> FileReport:
    assert len(report.files) == 1
    return report.files[0]


def outcomes(file: FileReport) -> dict[str, Outcome]:
    return {check.name: check.outcome for check in file.checks}


def failures(file: FileReport) -> dict[str, str]:
    return {check.name: check.words for check in file.checks if check.outcome is FAILED}


def last(report: Report) -> FileReport:
    return report.files[-1]


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


# --- what is accepted


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


def test_nothing_given_proves_nothing(story: Story) -> None:
    assert verify_receipts({}, story.world.trust()).verdict is Verdict.INVALID


def test_one_bad_file_makes_the_whole_invalid(story: Story, confirmed: RecordedFact) -> None:
    files = {"good": story.world.receipt(confirmed), "bad": b"not a receipt"}

    report = verify_receipts(files, story.world.trust())

    assert [file.verdict for file in report.files] == [Verdict.VALID, Verdict.INVALID]
    assert report.verdict is Verdict.INVALID
    assert report.files[1].proves == "Proves nothing: failed on file."


# --- the log


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


# --- witnesses and time


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
    for after in (timedelta(seconds=1), timedelta(seconds=-110), timedelta(hours=23)):
        file = witnessed(story, story.acceptance, witness, after)
        assert file.verdict is Verdict.VALID
        assert outcomes(file)["time"] is PASSED


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


# --- confirmations: logged by the operator all the same


def confirming(story: Story, details: ConfirmationDetails) -> FileReport:
    """Verifies a confirmation with these details, logged as if nothing was wrong with it."""
    fact = story.world.record(story.confirmation(details))
    return last(story.verify(story.consignment, story.access, fact))


def test_refuses_a_signature_by_somebody_else(story: Story) -> None:
    neighbour = story.world.issuer.card("PNOAM-5001950016")

    file = confirming(story, story.confirmation_details(card=neighbour))

    assert failures(file) == {"signer": "the signer is not the recipient"}
    assert file.proves == "Proves nothing: failed on signer."


def test_refuses_a_signature_by_an_agencys_certificate_with_the_recipients_number(story: Story) -> None:
    agencies = Authority.root("Agency root")
    impostor = agencies.card("PNOAM-5001950015")

    file = confirming(story, story.confirmation_details(card=impostor, crls=(agencies.crl(),)))

    assert failures(file).keys() == {"certificate"}


@pytest.mark.parametrize("cms", [b"\x00", b"\x30\x00", b"garbage", bytes(1000)])
def test_refuses_a_signature_by_nobody(story: Story, cms: bytes) -> None:
    file = confirming(story, story.confirmation_details(cms=cms))

    assert failures(file).keys() == {"signature"}
    assert file.verdict is Verdict.INVALID


def test_an_empty_signature_is_not_even_evidence(story: Story) -> None:
    data = story.confirmation().encode()
    written = story.confirmation_details()
    start = data.index(b'"cms":"') + 7
    emptied = data[:start] + data[data.index(b'"', start) :]
    assert written.cms
    story.world.log.entries.append(hashlib.sha256(emptied).digest())
    proof = story.world.log.proof(emptied, len(story.world.log.entries) - 1)

    assert failures(only(verify_receipts({"x": proof.encode()}, story.world.trust()))).keys() == {"evidence"}


def test_refuses_a_signature_over_another_statement(story: Story) -> None:
    card = story.world.card
    other = replace(story.statement(), statement_id=UUID(int=9)).encode()

    file = confirming(
        story,
        story.confirmation_details(cms=build_confirmation_signature(other, card.der, card.chain, card.sign)),
    )

    assert failures(file).keys() == {"signature"}


Change = Callable[[Statement], Statement]

MISSTATED: dict[str, tuple[Change, str]] = {
    "another delivery": (lambda statement: replace(statement, delivery_id=UUID(int=9)), "statement"),
    "another sender": (lambda statement: replace(statement, sender="info@src.am"), "statement"),
    "another recipient": (
        lambda statement: replace(statement, recipient="22335588@e-citizen.am"),
        "statement",
    ),
    "a part fewer": (lambda statement: replace(statement, parts=statement.parts[:1]), "statement"),
    "a part more": (
        lambda statement: replace(statement, parts=(*statement.parts, StatedPart("2", bytes(32)))),
        "statement",
    ),
    "another part": (
        lambda statement: replace(statement, parts=(statement.parts[0], StatedPart("1", bytes(32)))),
        "statement",
    ),
    "an expiry before the confirmation": (
        lambda statement: replace(statement, expires=statement.issued + timedelta(seconds=1)),
        "statement time",
    ),
    "an issue after the confirmation": (
        lambda statement: replace(statement, issued=statement.expires - timedelta(seconds=1)),
        "statement time",
    ),
}


@pytest.mark.parametrize(("change", "check"), MISSTATED.values(), ids=MISSTATED.keys())
def test_refuses_a_statement_with(story: Story, change: Change, check: str) -> None:
    statement = change(story.statement()).encode()

    assert failures(confirming(story, story.confirmation_details(statement=statement))).keys() == {check}


def test_refuses_a_signature_over_what_is_no_statement(story: Story) -> None:
    assert failures(confirming(story, story.confirmation_details(statement=b"I confirm.\n"))).keys() == {
        "statement"
    }


def test_refuses_an_authentication_certificate(story: Story) -> None:
    card = story.world.issuer.card(usages=("digital_signature",))

    assert failures(confirming(story, story.confirmation_details(card=card))).keys() == {"certificate"}


def test_refuses_an_expired_certificate(story: Story) -> None:
    card = story.world.issuer.card(days=-1)

    assert failures(confirming(story, story.confirmation_details(card=card))).keys() == {"certificate"}


def test_refuses_a_revoked_certificate_and_accepts_one_revoked_afterwards() -> None:
    for minutes, expected in ((14, {"revocation"}), (16, set())):
        story = Story()
        story.world.issuer.revoke(story.world.card, story.opening_time + timedelta(minutes=minutes - 5))

        assert failures(confirming(story, story.confirmation_details())).keys() == expected


def test_refuses_revocation_lists_that_are_not_those_of_the_path(story: Story) -> None:
    of_issuer, of_root = story.world.crls()
    other = Authority.root("Agency root").crl()

    for lists in ((of_issuer,), (of_root, of_issuer), (of_issuer, of_root, other), (other, other)):
        file = confirming(story, story.confirmation_details(crls=lists))
        assert failures(file).keys() == {"revocation"}


def test_a_list_that_is_only_named_must_be_given(story: Story) -> None:
    of_issuer, of_root = story.world.crls()
    named = NamedList(hashlib.sha256(of_issuer).hexdigest())
    details = story.confirmation_details(crls=(of_issuer, of_root))
    details = replace(details, revocation=(named, details.revocation[1]))
    fact = story.world.record(story.confirmation(details))

    def verify(crls: Mapping[str, bytes]) -> FileReport:
        return only(verify_receipts(story.files(fact), story.world.trust(crls=crls)))

    assert verify({named.digest: of_issuer}).verdict is Verdict.VALID
    assert named.digest in failures(verify({}))["revocation"]
    assert failures(verify({named.digest: of_root})).keys() == {"revocation"}


def test_refuses_a_confirmation_for_an_entitys_mailbox(story: Story) -> None:
    entity = story.world.issuer.card("PNOAM-22335588")
    recipient = replace(story.consignment.document.recipient, identifier="22335588@e-citizen.am")
    statement = replace(story.statement(), recipient=recipient.identifier).encode()
    for card in (entity, story.world.card):
        details = story.confirmation_details(statement=statement, card=card)
        fact = story.world.record(replace(story.confirmation(details), recipient=recipient))

        assert only(story.verify(fact)).verdict is Verdict.INVALID


def test_refuses_what_it_names_when_that_is_something_else(story: Story) -> None:
    right = story.confirmation_details()
    other_consignment = story.world.record(
        replace(story.consignment.document, delivery_id=UUID(int=9), evidence_id=UUID(int=8))
    )
    late_access = story.world.record(
        replace(
            story.access.document,
            evidence_id=UUID(int=10),
            event_time=story.opening_time + timedelta(minutes=11),
        )
    )
    other_access = story.world.record(
        replace(
            story.access.document,
            evidence_id=UUID(int=11),
            details=AccessDetails(other_consignment.digest),
        )
    )
    facts = (story.consignment, story.access, other_consignment, late_access, other_access)

    for details, check in (
        (replace(right, consignment=story.access.digest), "consignment"),
        (replace(right, consignment=other_consignment.digest), "consignment"),
        (replace(right, access=story.consignment.digest), "access"),
        (replace(right, access=late_access.digest), "access"),
        (replace(right, access=other_access.digest), "access"),
    ):
        fact = story.world.record(story.confirmation(details))
        files = {f"{number}": story.world.receipt(given) for number, given in enumerate((*facts, fact))}

        assert check in failures(last(verify_receipts(files, story.world.trust())))


def test_refuses_a_confirmation_logged_before_the_opening_it_names() -> None:
    story = Story()
    early = story.world.log.entries.pop()
    fact = story.world.record(story.confirmation())
    story.world.log.entries.append(early)

    assert failures(last(story.verify(story.consignment, story.access, fact))).keys() == {"access"}


# --- effects


def effecting(story: Story, evidence: EvidenceDocument, *others: RecordedFact) -> FileReport:
    fact = story.world.record(evidence)
    return last(story.verify(*others, fact))


def test_an_effect_without_the_receipt_of_its_fact_is_not_accepted(
    story: Story, effected: RecordedFact
) -> None:
    report = story.verify(story.consignment, story.access, effected)

    assert failures(last(report)).keys() == {"fact"}
    assert report.verdict is Verdict.INVALID


def test_an_effect_without_the_receipt_of_the_consignment_is_not_accepted(
    story: Story, confirmed: RecordedFact, effected: RecordedFact
) -> None:
    file = last(story.verify(story.access, confirmed, effected))

    assert failures(file).keys() == {"derivation"}
    assert "ContentConsignment is missing" in failures(file)["derivation"]


def test_an_effect_of_a_confirmation_that_does_not_hold_is_not_accepted(story: Story) -> None:
    neighbour = story.world.issuer.card("PNOAM-5001950016")
    for details in (
        story.confirmation_details(card=neighbour),
        story.confirmation_details(cms=b"nobody"),
    ):
        fact = story.world.record(story.confirmation(details))
        file = effecting(story, story.effect(fact), story.consignment, story.access, fact)

        assert failures(file) == {"fact": "the ReadingConfirmed that it rests on does not hold"}


def test_an_effect_of_something_else_than_a_confirmation_is_not_accepted(story: Story) -> None:
    for fact in (story.acceptance, story.consignment, story.access):
        file = effecting(story, story.effect(fact), story.consignment, story.access, story.acceptance)

        assert "derivation" in failures(file)


@pytest.mark.parametrize(
    "change",
    [
        lambda details: replace(details, rule="POST-3"),
        lambda details: replace(details, effective_time=details.effective_time - timedelta(days=1)),
        lambda details: replace(details, effective_time=details.effective_time + timedelta(microseconds=1)),
    ],
)
def test_an_effect_with_another_rule_or_time_is_not_accepted(
    story: Story, confirmed: RecordedFact, change: Callable[[EffectDetails], EffectDetails]
) -> None:
    right = EffectDetails(confirmed.digest, "POST-2", confirmed.document.event_time)
    evidence = story.effect(confirmed, change(right))

    file = effecting(story, evidence, story.consignment, story.access, confirmed)

    assert failures(file).keys() == {"derivation"}


def test_an_effect_under_another_policy_is_not_accepted(story: Story, confirmed: RecordedFact) -> None:
    for policy in ("am-2025@1", "am-2015@2"):
        evidence = replace(story.effect(confirmed), notification_policy=policy)
        file = effecting(story, evidence, story.consignment, story.access, confirmed)

        assert failures(file).keys() == {"fact", "derivation"}


def test_an_effect_of_another_delivery_is_not_accepted(story: Story, confirmed: RecordedFact) -> None:
    for changed in (
        replace(story.effect(confirmed), delivery_id=UUID(int=9)),
        replace(story.effect(confirmed), parts=(subject_part("Something else"),)),
        replace(
            story.effect(confirmed),
            recipient=replace(confirmed.document.recipient, identifier="5001950016@e-citizen.am"),
        ),
    ):
        file = effecting(story, changed, story.consignment, story.access, confirmed)

        assert failures(file).keys() == {"fact"}


def test_an_effect_recorded_before_its_fact_is_not_accepted(story: Story, confirmed: RecordedFact) -> None:
    early = replace(
        story.effect(confirmed), event_time=confirmed.document.event_time - timedelta(microseconds=1)
    )

    assert failures(effecting(story, early, story.consignment, story.access, confirmed)).keys() == {"fact"}


def test_two_effects_of_one_delivery_accuse_the_operator(story: Story, confirmed: RecordedFact) -> None:
    first = story.world.record(replace(story.effect(confirmed), evidence_id=UUID(int=21)))
    second = story.world.record(replace(story.effect(confirmed), evidence_id=UUID(int=22)))
    files = story.files(story.consignment, story.access, confirmed)
    files |= {"first": story.world.receipt(first), "second": story.world.receipt(second)}

    report = verify_receipts(files, story.world.trust())

    assert failures(report.files[-1]).keys() == failures(report.files[-2]).keys() == {"once"}


# --- anything at all


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_reports_any_damage_and_never_raises(
    story: Story, confirmed: RecordedFact, data: st.DataObject
) -> None:
    receipt = bytearray(story.world.receipt(confirmed))
    receipt[data.draw(st.integers(0, 10_000)) % len(receipt)] ^= data.draw(st.integers(1, 255))

    report = verify_receipts({"x": bytes(receipt)}, story.world.trust())

    assert report.verdict is Verdict.INVALID


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
