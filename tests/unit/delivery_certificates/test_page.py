"""What stands on the pages, in words and times, in every language."""

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from uuid import UUID

import pytest

from namak.delivery_certificate.page import Mark, Page
from namak.delivery_certificate.signer import signer_of
from namak.delivery_certificate.statement import Audience
from namak.delivery_certificate.words import WORDS
from namak.evidence import events
from namak.evidence.administrative_act import RecordedAct
from namak.evidence.cosignature import COSIGNATURE
from namak.evidence.details import AccessDetails, ConfirmationDetails, WithdrawalDetails
from namak.evidence.notification_policy import POLICIES
from server.usecases.certificate_ports import Certificate
from tests.delivery_certificates import certificate_from, certificate_of, many_facts
from tests.unit.delivery_certificates.conftest import Told
from tests.unit.evidence_documents.acts import BY_ADMINISTRATOR
from tests.unit.evidence_documents.documents import document
from tests.unit.evidence_documents.world import ORIGIN, Key, Log, Story

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
        assert words.sources.keys() == POLICIES.keys()


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
        "The signer by the certificate of the verified signature: SARGSYAN,ANI, 5001950015",
        f"Entry {index} of the log {ORIGIN}, SHA-256 {told.facts[3].digest}",
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_entry_names_the_log_that_it_stands_in_and_each_log_is_told(told: Told, language: str) -> None:
    following = Log(Key("log.e-citizen.am/2027"))
    following.append(told.facts[-1])
    receipts = [told.story.world.receipt(fact) for fact in told.facts[:-1]]
    receipts.append(following.proof(told.facts[-1].data, 0).encode())
    made = page(certificate_from(receipts, language=language))

    origins = [ORIGIN] * (len(receipts) - 1) + [following.key.name]
    for moment, origin in zip(made.moments, origins, strict=True):
        assert [each for each in (ORIGIN, following.key.name) if each in moment.lines[-1]] == [origin]
    states = [line for line in made.log.lines if "SHA-256" in line]
    assert [origin in state for origin, state in zip(dict.fromkeys(origins), states, strict=True)] == [
        True
    ] * 2


def test_the_effect_names_its_rule_in_words_and_the_fact_that_it_follows_from(told: Told) -> None:
    assert page(certificate_of(told.story, told.facts)).effect.lines == (
        (
            "The recipient (5001950015@e-citizen.am) is properly notified of this message of the sender "
            "(State Revenue Committee, notices@src.am) as of 22.11.2026 00:15:00 (UTC+04:00)."
        ),
        (
            "By this rule: the message was sent to the official address, and its reading was confirmed "
            "electronically. It is rule POST-2 of the notification policy am-2015@1; its source: EKENG's "
            "guide to the official electronic post."
        ),
        "This follows from: The reading was confirmed by signature, recorded 22.11.2026 00:15:00.",
    )


def test_without_an_effect_it_says_so_and_by_what_one_would_be_notified(told: Told) -> None:
    assert page(certificate_of(told.story, told.facts[:3])).effect.lines == (
        (
            "Not yet notified: when this certificate was made, 30.11.2026 13:15:00 (UTC+04:00), no proper "
            "notification of the recipient (5001950015@e-citizen.am) of this message of the sender (State "
            "Revenue Committee, notices@src.am) had been recorded."
        ),
        (
            "The notification policy am-2015@1 (its source: EKENG's guide to the official electronic post) "
            "lets the recipient be properly notified in these cases:"
        ),
        (
            "– the message was sent to the official address, and its reading was confirmed electronically "
            "(rule POST-2)."
        ),
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_stands_first_and_every_sentence_of_it_ends(told: Told, language: str) -> None:
    for facts in (told.facts, told.facts[:3]):
        made = page(certificate_of(told.story, facts, language=language))
        texts = list(made.strings())
        assert texts[2:4] == [made.effect.heading, made.effect.lines[0]]
        for party in ("5001950015@e-citizen.am", "State Revenue Committee, notices@src.am"):
            assert party in made.effect.lines[0]
        assert all(line[-1] in ".։" for line in made.effect.lines if line[-1] not in ":՝")
        assert [value for _, value in made.rows if "UTC+04:00" in value] == [
            "22.11.2026 00:00:00 (UTC+04:00)",
            "30.11.2026 13:15:00 (UTC+04:00)",
        ]


def test_a_signature_over_something_else_names_nobody(told: Told) -> None:
    details = told.facts[3].document.details
    assert isinstance(details, ConfirmationDetails)

    assert signer_of(details, "namak:am:1") == "SARGSYAN,ANI, 5001950015"
    assert signer_of(replace(details, statement=f"{details.statement} "), "namak:am:1") is None
    assert signer_of(replace(details, cms=b"\x30\x00"), "namak:am:1") is None


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

    assert made.effect.lines == (
        (
            "The sender (State Revenue Committee, notices@src.am) withdrew the message. It notifies nobody, "
            "nor the recipient (5001950015@e-citizen.am)."
        ),
    )
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_act_that_gave_the_right_is_told_by_its_kind_and_time_where_it_is_attached(language: str) -> None:
    story = Story()
    act = RecordedAct.parse(BY_ADMINISTRATOR.encode())
    story.world.log.entries.append(act.entry)
    opened = document(
        events.CONTENT_ACCESS_TRACKING,
        AccessDetails(story.consignment.digest, act.digest),
        after=timedelta(minutes=6),
        number=8,
    )
    log = story.world.log
    receipts = [story.world.receipt(each) for each in (story.consignment, story.world.record(opened))]
    receipts.append(log.proof(act.data, log.entries.index(act.entry)).encode())
    made = page(certificate_from(receipts, language=language))

    kind = BY_ADMINISTRATOR.details.resource.kind
    told = WORDS[language].codes.get(kind, kind)
    behalf, right, _ = made.moments[1].lines
    assert act.digest in behalf
    assert told in right
    assert made.acts.lines[0].partition(": ")[0] in right


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
