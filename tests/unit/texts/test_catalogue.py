"""What people read of refusals: there in every language, with the same values, and made of any metadata."""

import re
import string
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given

from namak.evidence import registration, sign_in, statement
from scripts.catalogue import SERVER, problems
from server.domain import mobile_identity_texts, refusals
from server.domain.applications import Finding
from server.domain.mobile_identity import Failure
from server.domain.reasons import Reason
from server.domain.refused import Refused
from server.domain.sessions import Ending
from server.jurisdictions import PROFILES
from server.texts.catalogue import LANGUAGES, Texts
from server.texts.reasons import FINDINGS, TEXTS, VARIANTS

AT = datetime(2026, 11, 22, 6, 5, tzinfo=UTC)
ID = UUID("0192f0c3-0000-7000-8000-00000000000a")

# One of each whose text has values in it; a test holds that none is missing.
WITH_VALUES: tuple[Refused, ...] = (
    refusals.NetworkNotPermitted("192.0.2.7"),
    refusals.DomainNotRegistered("notices@src.am"),
    refusals.DomainProofMissing("_namak.src.am", "namak-proof"),
    refusals.SenderNotPermitted("notices@src.am"),
    refusals.SenderSuspended("notices@src.am"),
    refusals.NotificationPolicyNotPermitted("am-2025@2", "am-2015@1"),
    refusals.MailboxUnknown("5001950015@e-citizen.am"),
    refusals.MailboxSuspended("5001950015@e-citizen.am"),
    refusals.MailboxClosed("5001950015@e-citizen.am"),
    refusals.MailboxNotConfirmed("5001950015@e-citizen.am"),
    refusals.SessionEnded("EXPIRED", AT),
    refusals.SessionEnded("SIGNED_OUT", AT),
    refusals.SessionEnded("REPLACED", AT),
    refusals.SessionEnded("TERMINATED", AT),
    refusals.SessionEnded("PASSWORD_SET", AT),
    refusals.SessionEnded("IN_ANOTHER_WAY", AT),
    refusals.SessionActive(AT, may_be_ended=True),
    refusals.SessionActive(AT, may_be_ended=False),
    refusals.AgreementNotCurrent("kz-1", "kz-2"),
    refusals.ApplicationContradicted(ID, ["NOT_REGISTERED", "NAME_DIFFERS"]),
    refusals.MobileIdFailed("WRONG_PIN", 2),
    refusals.OwnMailboxNotOpen("900101000016@post.kz", "CLOSED"),
    refusals.RecipientNotOfficial("900101000016@post.kz"),
    refusals.TooManyLetters(100, 60),
    refusals.CertificateTooLarge(256),
    refusals.TooManyForwardingTargets(3),
    refusals.TooManyForwardingCodes(5, 60),
    refusals.SmsNotPermitted("a@example.am"),
    refusals.TooManySms("notices@src.am", 10_000, 3600),
    refusals.ForwardingCodeWrong(4),
)


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts(LANGUAGES, "Asia/Yerevan")


def values(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def sources(reason: Reason) -> Iterator[str]:
    yield TEXTS[reason]
    yield from VARIANTS.get(reason, ("", {}))[1].values()


@pytest.mark.parametrize("language", SERVER.languages)
def test_every_text_is_translated_and_compiled(language: str) -> None:
    assert list(problems(SERVER, language)) == []


def test_the_catalogues_hold_every_language_that_a_profile_offers() -> None:
    assert {*SERVER.languages, "en"} == set(LANGUAGES)
    assert {language for profile in PROFILES.values() for language in profile.languages} <= set(LANGUAGES)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_has_a_text_of_its_own_in_every_language(reason: Reason, texts: Texts) -> None:
    assert reason in TEXTS, "write it into server/texts/reasons.py, and run scripts/texts"
    told = {texts.of_refusal(reason, {}, language) for language in LANGUAGES}

    assert len(told) == len(LANGUAGES)
    assert len({TEXTS[each] for each in Reason if each in TEXTS}) == len(TEXTS)


SCRIPTS: Mapping[str, str] = {
    "hy": r"[^\u0400-\u04FF]*",
    "ru": r"[^\u0531-\u058FӘәҒғҚқҢңӨөҰұҮүҺһІі]*",
    "kk": r"[^\u0531-\u058F]*",
    "en": r"[\x20-\x7E…]*",
    "az": r"[^\u0370-\u058F]*",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_in_the_letters_of_its_language(language: str, texts: Texts) -> None:
    own = {"hy": "[Ա-և]", "ru": "[а-я]", "kk": "[әғқңөұүһі]", "en": "[a-z]", "az": "[əğıöüşç]"}[language]
    for reason in Reason:
        told = texts.of_refusal(reason, {}, language)
        assert re.search(own, told), told
        assert re.fullmatch(SCRIPTS[language], told), told


@pytest.mark.parametrize("refused", WITH_VALUES, ids=lambda refused: type(refused).__name__)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_values_of_a_refusal_stand_in_what_is_told(refused: Refused, language: str, texts: Texts) -> None:
    told = texts.of_refusal(refused.reason, refused.metadata, language)

    assert "…" not in told
    assert "{" not in told


def test_every_text_with_values_was_looked_at() -> None:
    looked_at = {refused.reason for refused in WITH_VALUES} - {Reason.MOBILE_ID_FAILED}

    assert looked_at == {reason for reason in TEXTS if any(values(text) for text in sources(reason))}


def test_a_value_is_one_of_the_metadata_s() -> None:
    for refused in WITH_VALUES:
        if refused.reason in TEXTS:
            needed = set().union(*(values(text) for text in sources(refused.reason)))
            assert needed <= set(refused.metadata), refused.reason


@pytest.mark.parametrize(
    ("language", "zone", "time"),
    [
        ("hy", "Asia/Yerevan", "22.11.2026 10:05"),
        ("kk", "Asia/Almaty", "22.11.2026 11:05"),
        ("en", "Asia/Baku", "2026-11-22 10:05"),
    ],
)
def test_a_time_is_told_by_local_clocks(language: str, zone: str, time: str) -> None:
    texts = Texts((language,), zone)
    active = refusals.SessionActive(AT, may_be_ended=False)

    assert time in texts.of_refusal(active.reason, active.metadata, language)


def test_how_a_session_ended_and_whether_another_may_be_ended_is_told(texts: Texts) -> None:
    def told(refused: Refused) -> str:
        return texts.of_refusal(refused.reason, refused.metadata, "en")

    endings = (*Ending, "UNKNOWN")
    assert len({told(refusals.SessionEnded(ending, AT)) for ending in endings}) == len(endings)
    assert "choose to end it" in told(refusals.SessionActive(AT, may_be_ended=True))
    assert "choose" not in told(refusals.SessionActive(AT, may_be_ended=False))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_way_a_phone_can_fail_has_words_of_its_own(language: str, texts: Texts) -> None:
    told = [
        texts.of_refusal(Reason.MOBILE_ID_FAILED, {"outcome": failure, "tries_left": "2"}, language)
        for failure in Failure
    ]

    assert len(set(told)) == len(Failure)
    unknown = texts.of_refusal(Reason.MOBILE_ID_FAILED, {"outcome": "NEW"}, language)
    assert unknown not in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_a_register_contradicts_is_told_in_the_language(language: str, texts: Texts) -> None:
    assert set(FINDINGS) == {finding.value for finding in Finding}
    refused = refusals.ApplicationContradicted(ID, [finding.value for finding in Finding])
    told = texts.of_refusal(refused.reason, refused.metadata, language)

    assert [finding for finding in Finding if finding.value in told] == []


METADATA = st.dictionaries(
    st.sampled_from(["recipient", "end_time", "start_time", "ending", "outcome", "tries_left", "findings"])
    | st.text(),
    st.text() | st.sampled_from(["WRONG_PIN", "EXPIRED", "{x}", "%s", "2026-11-22T06:05:00.000000Z"]),
)


SPOKEN = Texts(LANGUAGES, "Asia/Almaty")


@given(st.sampled_from(list(Reason)), METADATA, st.sampled_from(LANGUAGES))
def test_whatever_the_metadata_holds_something_is_told(
    reason: Reason, metadata: Mapping[str, str], language: str
) -> None:
    assert SPOKEN.of_refusal(reason, metadata, language)


SIGNED_AND_SHOWN: tuple[Mapping[Any, Mapping[str, str]], ...] = (
    {"reading": statement.TRANSLATIONS},
    sign_in.SENTENCES,
    {"application": registration.APPLICATION_SENTENCES, "profile": registration.PROFILE_SENTENCES},
    mobile_identity_texts.TEXTS,
    mobile_identity_texts.SCREENS,
)


@pytest.mark.parametrize("table", SIGNED_AND_SHOWN)
def test_what_people_sign_and_what_phones_show_exists_in_every_language_with_the_same_values(
    table: Mapping[Any, Mapping[str, str]],
) -> None:
    for key, by_language in table.items():
        assert set(by_language) == set(LANGUAGES), key
        assert len(set(by_language.values())) == len(LANGUAGES), key
        expected = values(by_language["en"])
        assert [language for language, text in by_language.items() if values(text) != expected] == [], key
