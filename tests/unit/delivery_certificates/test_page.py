"""What stands on the pages, in words and times, in every language."""

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from uuid import UUID

import pytest

from namak.delivery_certificate.page import Mark, Page
from namak.delivery_certificate.statement import Audience
from namak.delivery_certificate.words import WORDS
from namak.evidence import events
from namak.evidence.cosignature import COSIGNATURE
from namak.evidence.details import AccessDetails, WithdrawalDetails
from namak.evidence.notification_policy import POLICIES
from server.usecases.certificate_ports import Certificate
from tests.delivery_certificates import certificate_of, many_facts
from tests.unit.delivery_certificates.conftest import Told
from tests.unit.evidence_documents.documents import document
from tests.unit.evidence_documents.world import Key, Story

LANGUAGES = sorted(WORDS)


def page(certificate: Certificate) -> Page:
    return certificate.written(certificate.account())[2]


def test_every_language_has_the_same_words_with_the_same_values() -> None:
    english = WORDS["en"]
    for language in LANGUAGES:
        words = WORDS[language]
        assert list(words.said) == list(english.said)
        for name, text in words.said.items():
            assert holes(text) == holes(english.said[name]), (language, name)
        assert words.events.keys() == english.events.keys()
        assert words.rules.keys() == english.rules.keys()
        assert words.codes.keys() == english.codes.keys()


def holes(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


def test_there_are_words_for_every_event_of_a_delivery_and_every_rule() -> None:
    of_deliveries = {
        event.name for event in events.EVENTS if event.of_delivery and event.extensions is not None
    }

    assert WORDS["en"].events.keys() == of_deliveries
    assert WORDS["en"].rules.keys() == {rule.id for policy in POLICIES.values() for rule in policy.rules}


def test_the_timeline_tells_each_fact_at_its_time_by_the_clocks_of_the_profile(told: Told) -> None:
    made = page(certificate_of(told.story, told.facts))

    # Half past eight in the evening, UTC, is the next day in Yerevan.
    assert [(each.day, each.time, each.title, each.mark) for each in made.moments] == [
        ("22.11.2026", "00:00:00", "Accepted for delivery", Mark.FACT),
        ("22.11.2026", "00:00:00", "Laid into the recipient's mailbox", Mark.FACT),
        ("22.11.2026", "00:05:00", "The message was opened", Mark.FACT),
        ("22.11.2026", "00:15:00", "The reading was confirmed by signature", Mark.FACT),
        ("22.11.2026", "00:15:00", "Proper notification", Mark.EFFECT),
    ]
    assert made.story.lines[1] == "All times: Asia/Yerevan (UTC+04:00)"
    index = told.story.world.log.entries.index(told.facts[3].entry)
    assert made.moments[3].lines == (
        "Signed by the recipient with their own key",
        f"Entry {index} of the log, SHA-256 {told.facts[3].digest}",
    )


def test_the_effect_names_its_rule_in_words_and_the_fact_that_it_follows_from(told: Told) -> None:
    assert page(certificate_of(told.story, told.facts)).effect.lines == (
        "The recipient is properly notified as of 22.11.2026 00:15:00.",
        (
            "Rule POST-2 of the notification policy am-2015@1: the message was sent to the official "
            "address, and its reading was confirmed electronically."
        ),
        "This follows from: The reading was confirmed by signature, recorded 22.11.2026 00:15:00.",
    )


def test_without_an_effect_it_says_so_and_by_what_one_would_be_notified(told: Told) -> None:
    lines = page(certificate_of(told.story, told.facts[:3])).effect.lines

    assert lines[0] == "No proper notification had been recorded when this certificate was made."
    assert [line.partition(":")[0] for line in lines[2:]] == ["POST-2"]


def test_what_was_withdrawn_notifies_nobody() -> None:
    story = Story()
    withdrawn = story.world.record(
        document(
            events.WITHDRAWN,
            WithdrawalDetails(story.consignment.digest),
            after=timedelta(minutes=20),
            number=9,
        )
    )
    made = page(certificate_of(story, [story.acceptance, story.consignment, withdrawn]))

    assert made.effect.lines == ("The sender withdrew the message. It notifies nobody.",)
    assert made.moments[-1].mark is Mark.END


def test_the_log_is_told_with_the_witnesses_and_the_times_that_they_state(told: Told) -> None:
    court = Key("witness.court.example/1", COSIGNATURE)
    at = int(datetime(2026, 11, 21, 20, 16, tzinfo=UTC).timestamp())
    made = page(certificate_of(told.story, told.facts, witnesses=[(court, at)]))

    assert made.log.lines[2] == (
        "Cosigned by witnesses, whom whoever checks must know from elsewhere: "
        "witness.court.example/1 (22.11.2026 00:16:00)"
    )
    unwitnessed = page(certificate_of(told.story, told.facts))
    assert unwitnessed.log.lines[2] == "No witness had cosigned this state."


def test_who_acted_on_the_recipients_behalf_is_told_by_the_act_alone() -> None:
    story = Story()
    act = "ab" * 32
    opened = document(
        events.CONTENT_ACCESS_TRACKING,
        AccessDetails(story.consignment.digest, act),
        after=timedelta(minutes=6),
        number=8,
    )
    made = page(certificate_of(story, [story.consignment, story.world.record(opened)]))

    assert made.moments[1].lines[0] == (
        f"On the recipient's behalf, by the right of the act with SHA-256 {act}"
    )


def test_the_code_holds_what_lets_anybody_check_and_nothing_personal(told: Told) -> None:
    made = page(certificate_of(told.story, told.facts))

    version, delivery, statement, log = made.code.split("\n")
    assert version == "namak-certificate/1"
    assert delivery == "delivery 0192f0c3-0000-7000-8000-000000000001"
    assert statement.startswith("statement sha-256 ")
    assert made.notes[-1].endswith(statement.removeprefix("statement sha-256 "))
    assert log.startswith("log log.e-citizen.am/2026 ")
    for personal in ("5001950015", "State Revenue", "հարկ", "notices@"):
        assert personal not in made.code


def test_characters_that_the_fonts_lack_are_told_by_their_numbers(told: Told) -> None:
    made = certificate_of(told.story, told.facts)
    shown = made.written(made.account(), "Ծ")[2]

    assert shown.rows[2] == ("Subject", "⟨U+053E⟩անուցում հարկի մասին")


def test_of_the_sender_the_page_tells_name_and_address_and_no_number(told: Told) -> None:
    texts = "".join(page(certificate_of(told.story, told.facts)).strings())

    assert "State Revenue Committee, notices@src.am" in texts
    # A person's letter has their number there.
    assert "01234567" not in texts


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_fact_is_told_in_every_language(language: str) -> None:
    story = Story()
    facts = many_facts(story, 14)
    made = page(certificate_of(story, facts, language=language, audience=Audience.HOLDER))

    words = WORDS[language]
    assert [each.title for each in made.moments] == [words.events[fact.document.event.name] for fact in facts]
    texts = list(chain.from_iterable(each.lines for each in made.moments))
    assert any("RR123456785AM" in text for text in texts)
    assert not any("{" in text for text in made.strings())


def test_under_a_profile_whose_clocks_are_not_known_times_are_utc() -> None:
    story = Story()
    elsewhere = replace(
        story.consignment.document,
        policy_id="namak:xx:1",
        evidence_id=UUID(int=0x0192F0C4_0000_7000_8000 << 48),
    )
    made = page(certificate_of(story, [story.world.record(elsewhere)]))

    assert made.story.lines[1] == "All times: UTC (UTC+00:00)"
    assert made.moments[0].time == "20:00:00"
