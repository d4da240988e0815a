"""A stranger judges effects that came by lapse of time, offline (LADDER-1)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namak.evidence import events
from namak.evidence.details import (
    AccessDetails,
    EffectDetails,
    WithdrawalDetails,
)
from namak.evidence.details_outside import LetterHandedOverDetails, NoticeDetails
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.report import FileReport, Report, Verdict
from tests.unit.evidence_documents.documents import DIGEST, START, document
from tests.unit.evidence_documents.reading import failures, last
from tests.unit.evidence_documents.world import Story

POLICY = "am-2025@2"
# START is 22 November 2026, 00:00 in Yerevan and some microseconds: the letter is due when the 25th ends, the
# notice when 2 December ends; published on the 3rd, it notifies when the 10th ends.
PUBLISHED = datetime(2026, 12, 3, 9, tzinfo=UTC)
EFFECTIVE = datetime(2026, 12, 10, 20, tzinfo=UTC)


class Ladder:
    """A delivery under the policy with the ladder, whose notice was published in its time."""

    def __init__(self) -> None:
        self.story = Story()
        self.consignment = self.record(self.story.consignment.document, START)
        self.notice = self.record(self.published(), PUBLISHED)

    def record(self, evidence: EvidenceDocument, at: datetime) -> RecordedFact:
        return self.story.world.record(replace(evidence, notification_policy=POLICY, event_time=at))

    def published(self, consignment: str | None = None) -> EvidenceDocument:
        details = NoticeDetails(consignment or self.consignment.digest, "NOTICE", file=DIGEST)
        return document(events.NOTICE_PUBLISHED, details, number=30)

    def handed_over(self, reported: datetime, at: datetime) -> RecordedFact:
        details = LetterHandedOverDetails(self.consignment.digest, None, reported)
        return self.record(document(events.LETTER_HANDED_OVER, details, number=31), at)

    def opened(self, at: datetime) -> RecordedFact:
        details = AccessDetails(self.consignment.digest)
        return self.record(document(events.CONTENT_ACCESS_TRACKING, details, number=32), at)

    def effect(
        self,
        of: RecordedFact | None = None,
        since: datetime = EFFECTIVE,
        rule: str = "LADDER-1-NOTICE",
        at: datetime | None = None,
    ) -> RecordedFact:
        details = EffectDetails((of or self.notice).digest, rule, since)
        evidence = document(events.NOTIFICATION_EFFECTED, details, number=33)
        return self.record(evidence, at or EFFECTIVE + timedelta(seconds=3))

    def verify(self, *others: RecordedFact) -> Report:
        return self.story.verify(self.consignment, self.notice, *others)

    def judged(self, *others: RecordedFact) -> FileReport:
        return last(self.verify(*others))


@pytest.fixture
def ladder() -> Ladder:
    return Ladder()


def test_the_effect_of_a_notice_is_derived_from_its_publication(ladder: Ladder) -> None:
    report = ladder.verify(ladder.effect())

    assert report.verdict is Verdict.VALID
    assert "public notice was published" in report.files[1].proves
    assert {"derivation", "lapse"} <= {check.name for check in report.files[2].checks}


def test_the_effect_may_be_recorded_late_but_not_early(ladder: Ladder) -> None:
    late = ladder.effect(at=EFFECTIVE + timedelta(days=40))
    early = ladder.effect(at=EFFECTIVE - timedelta(microseconds=1))

    assert failures(ladder.judged(late)) == {}
    assert failures(ladder.judged(early)).keys() == {"lapse"}


def test_another_time_than_the_rules_is_not_accepted(ladder: Ladder) -> None:
    for since in (EFFECTIVE - timedelta(microseconds=1), PUBLISHED + timedelta(days=7), PUBLISHED):
        assert failures(ladder.judged(ladder.effect(since=since))).keys() == {"derivation"}


def test_a_notice_ahead_of_its_turn_notifies_nobody(ladder: Ladder) -> None:
    turn = datetime(2026, 12, 2, 20, tzinfo=UTC)
    for at, notifies in ((turn - timedelta(microseconds=1), False), (turn, True)):
        published = ladder.record(ladder.published(), at)
        # What its seven days would come to, were they to count.
        effect = ladder.effect(published, datetime(2026, 12, 9, 20, tzinfo=UTC), at=EFFECTIVE)

        found = failures(last(ladder.story.verify(ladder.consignment, published, effect)))

        assert ("derivation" in found) is not notifies
        assert notifies or "has no such effect" in found["derivation"]


def test_a_notice_that_names_another_consignment_notifies_nobody(ladder: Ladder) -> None:
    elsewhere = ladder.record(ladder.published("cd" * 32), PUBLISHED + timedelta(seconds=1))

    assert "derivation" in failures(ladder.judged(elsewhere, ladder.effect(elsewhere)))


def test_an_effect_by_lapse_after_the_recipient_had_opened_is_not_accepted(ladder: Ladder) -> None:
    opened = ladder.opened(EFFECTIVE - timedelta(hours=1))
    file = ladder.judged(opened, ladder.effect())

    assert failures(file).keys() == {"lapse"}
    assert "LADDER-1-OPENING" in failures(file)["lapse"]


def test_an_opening_after_the_time_had_come_changes_nothing(ladder: Ladder) -> None:
    opened = ladder.opened(EFFECTIVE + timedelta(seconds=1))

    assert failures(ladder.judged(opened, ladder.effect(at=EFFECTIVE + timedelta(seconds=2)))) == {}


def test_an_effect_of_the_opening_is_not_accepted_where_the_time_had_come_before(ladder: Ladder) -> None:
    at = EFFECTIVE + timedelta(days=2)
    opened = ladder.opened(at)

    file = ladder.judged(opened, ladder.effect(opened, at, "LADDER-1-OPENING", at))

    assert failures(file).keys() == {"lapse"}
    assert "LADDER-1-NOTICE" in failures(file)["lapse"]


def test_what_was_withdrawn_before_notifies_nobody_by_lapse(ladder: Ladder) -> None:
    details = WithdrawalDetails(ladder.consignment.digest)
    withdrawn = ladder.record(document(events.WITHDRAWN, details, number=34), PUBLISHED + timedelta(days=1))

    file = ladder.judged(withdrawn, ladder.effect())

    assert failures(file) == {"derivation": "the sender had withdrawn the message before"}


def test_a_letter_handed_over_notifies_when_it_was(ladder: Ladder) -> None:
    reported = datetime(2026, 11, 30, 8, tzinfo=UTC)
    at = PUBLISHED + timedelta(days=1)
    handed = ladder.handed_over(reported, at)

    file = ladder.judged(handed, ladder.effect(handed, reported, "LADDER-1-LETTER", at))

    assert failures(file) == {}


def test_nobody_is_notified_before_the_message_lay_in_the_mailbox_whatever_is_reported(
    ladder: Ladder,
) -> None:
    reported = START - timedelta(days=30)
    at = PUBLISHED + timedelta(days=1)
    handed = ladder.handed_over(reported, at)

    assert "derivation" in failures(
        ladder.judged(handed, ladder.effect(handed, reported, "LADDER-1-LETTER", at))
    )
    assert failures(ladder.judged(handed, ladder.effect(handed, START, "LADDER-1-LETTER", at))) == {}


def test_under_the_policy_without_a_ladder_a_notice_notifies_nobody(ladder: Ladder) -> None:
    without = "am-2025@1"
    world = ladder.story.world
    facts = [
        world.record(replace(each.document, notification_policy=without))
        for each in (ladder.consignment, ladder.notice)
    ]
    details = EffectDetails(facts[1].digest, "LADDER-1-NOTICE", EFFECTIVE)
    effect = world.record(
        replace(
            document(events.NOTIFICATION_EFFECTED, details, number=35),
            notification_policy=without,
            event_time=EFFECTIVE,
        )
    )

    assert "derivation" in failures(last(ladder.story.verify(*facts, effect)))


def test_under_a_profile_whose_calendar_is_not_known_nothing_is_guessed(ladder: Ladder) -> None:
    world = ladder.story.world
    consignment = world.record(replace(ladder.consignment.document, policy_id="namak:xx:1"))
    notice = ladder.published(consignment.digest)
    foreign = ladder.record(replace(notice, policy_id="namak:xx:1"), PUBLISHED)

    file = last(ladder.story.verify(consignment, foreign, ladder.effect(foreign)))

    assert failures(file)["derivation"] == "no calendar of the profile 'namak:xx:1'"
