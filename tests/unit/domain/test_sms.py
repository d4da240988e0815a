"""How texts are cut, how centres' identifiers are compared, and what phones are told."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.sms import (
    Alphabet,
    DeliveryReport,
    SentSegment,
    TextKind,
    alphabet_of,
    identifier,
    identifiers,
    named_by,
    outcome,
    segment_count,
    segments,
)
from server.domain.sms_texts import TEXTS, code_text, notice_text

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "alphabet", "count"),
    [
        ("", Alphabet.GSM, 1),
        ("a" * 160, Alphabet.GSM, 1),
        ("a" * 161, Alphabet.GSM, 2),
        ("€" * 80, Alphabet.GSM, 1),
        ("€" * 81, Alphabet.GSM, 2),
        ("a" * 306, Alphabet.GSM, 2),
        ("a" * 307, Alphabet.GSM, 3),
        # An escape is not parted from what it escapes: 152 and not 153 in each.
        ("€" * 153, Alphabet.GSM, 3),
        ("ա" * 70, Alphabet.UCS2, 1),
        ("ա" * 71, Alphabet.UCS2, 2),
        ("ա" * 134, Alphabet.UCS2, 2),
        ("ա" * 135, Alphabet.UCS2, 3),
        ("📨" * 35, Alphabet.UCS2, 1),
        # 33 and not 33.5 in each.
        ("📨" * 67, Alphabet.UCS2, 3),
        ("`", Alphabet.UCS2, 1),
        ("ә", Alphabet.UCS2, 1),
    ],
)
def test_a_text_takes_so_many_segments(text: str, alphabet: Alphabet, count: int) -> None:
    assert (alphabet_of(text), segment_count(text)) == (alphabet, count)
    assert len(segments(text, 0)) == count


def test_a_text_of_more_segments_than_can_be_numbered_is_refused() -> None:
    assert len(segments("a" * 153 * 255, 0)) == 255
    with pytest.raises(ValueError, match="more segments"):
        segments("a" * (153 * 255 + 1), 0)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=500), st.integers(0, 255))
def test_no_segment_is_longer_than_the_air_takes(text: str, reference: int) -> None:
    for each in segments(text, reference):
        assert (
            len(each.octets) - (6 if each.has_header else 0)
            <= {
                (Alphabet.GSM, False): 160,
                (Alphabet.GSM, True): 153,
                (Alphabet.UCS2, False): 140,
                (Alphabet.UCS2, True): 134,
            }[each.alphabet, each.has_header]
        )


def sent(
    centre_id: str, *, ending: str = "123456", number: int = 1, failure: str | None = None
) -> SentSegment:
    return SentSegment(
        UUID(int=number), number, 2, TextKind.COPY, identifier(centre_id), ending, NOON, failure
    )


def about(reported: str, *kept: SentSegment, phone: str = "37491123456") -> SentSegment | None:
    report = DeliveryReport(reported, phone, "")
    return named_by(report, [each for each in kept if each.centre_id in identifiers(reported)])


@pytest.mark.parametrize(
    ("answered", "reported"),
    [
        ("5F3A", "5f3a"),
        ("0005f3a", "5F3A"),
        ("5f3a", "24378"),  # hexadecimal in the answer, decimal in the report
        ("24378", "5F3A"),  # and the other way round
        ("24378", "0000024378"),
        ("a-uuid-like:id", "A-UUID-like:id"),
        ("000", "0"),
    ],
)
def test_a_report_finds_its_segment_however_centres_write_numbers(answered: str, reported: str) -> None:
    kept = sent(answered)
    assert about(reported, kept) == kept


def test_a_number_in_other_digits_counts_for_the_same_phone_only() -> None:
    other = sent("10", ending="999999")
    assert about("16", other) is None
    assert about("10", other, phone="") == other  # the very identifier: some centres report without a phone
    assert about("10", other, sent("16", number=2)) == sent("16", number=2)
    assert about("10", sent("16", number=2), sent("10", number=1)) == sent("10", number=1)


def test_a_report_about_another_phone_is_about_none_of_ours() -> None:
    mine, other = sent("10"), sent("10", ending="999999")
    assert about("10", other) is None
    assert about("10", other, phone="1234") == other  # a short code is no phone: the two ends changed places
    assert about("10", mine, other, phone="") is None, "either may be meant"
    assert about("10", other, mine) == mine


@given(st.text(max_size=70))
def test_whatever_is_reported_can_be_looked_for(reported: str) -> None:
    assert identifiers(reported)[0] == identifier(reported)


def test_a_text_is_there_when_all_of_it_is_and_failed_when_any_is_not() -> None:
    one, two, lost = sent("1", failure=""), sent("2", number=2, failure=""), sent("3", failure="EXPIRED")
    waiting = sent("4", number=2)
    assert outcome([]) is None
    assert outcome([one]) is None  # of two
    assert outcome([one, waiting]) is None
    assert outcome([one, two]) == ""
    assert outcome([waiting, lost]) == "EXPIRED"


MAILBOX = "5001950015@e-citizen.am"
LINK = "https://post.example.am/letters"
LONG = "Հայաստանի Հանրապետության պետական եկամուտների կոմիտեի հարկային ծառայության վարչություն"


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_phones_are_told_in_two_segments_at_most(language: str) -> None:
    assert sorted(TEXTS) == ["az", "en", "hy", "kk", "ru"]
    code = code_text(language, code="123456", minutes=30, mailbox=MAILBOX)
    assert "123456" in code
    assert MAILBOX in code
    assert segment_count(code) <= 2
    for sender in ("ՊԵԿ", LONG, "A" * 300, "📨" * 100):
        said = notice_text(language, sender=sender, time="22.11.2026", link=LINK)
        assert said.endswith(LINK)
        assert segment_count(said) <= 2
    assert "ՊԵԿ" in notice_text(language, sender="ՊԵԿ", time="22.11.2026", link="")


def test_a_notice_is_one_line_whatever_a_sender_is_called() -> None:
    said = notice_text("en", sender="Tax\nService  of\tArmenia", time="22.11.2026", link="")
    assert said == "New official letter from Tax Service of Armenia, 22.11.2026."
