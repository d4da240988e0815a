from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.failures import MalformedStatement
from namak.evidence.statement import (
    SENTENCE,
    SIGNED_IN,
    TRANSLATIONS,
    StatedPart,
    Statement,
    language_under,
    stated_parts,
)
from tests.unit.evidence_documents.documents import DELIVERY, LETTER, ONE_OF_EACH, START

STATEMENT = Statement(
    statement_id=UUID("0192f0c4-0000-7000-8000-0000000000aa"),
    delivery_id=DELIVERY,
    sender="notices@src.am",
    recipient="5001950015@e-citizen.am",
    parts=(StatedPart("subject", bytes(32)), StatedPart("1", LETTER.digest)),
    issued=START,
    expires=START + timedelta(minutes=30),
)

TEXT = f"""\
namak-statement/1 reading-confirmation
Հավաստում եմ, որ կարդացել և ընդունել եմ նամակի բովանդակությունը
statement: 0192f0c4-0000-7000-8000-0000000000aa
delivery: 0192f0c3-0000-7000-8000-000000000001
sender: notices@src.am
recipient: 5001950015@e-citizen.am
part: subject sha-256:{"0" * 64}
part: 1 sha-256:{LETTER.digest.hex()}
issued: 2026-11-21T20:00:00.123456Z
expires: 2026-11-21T20:30:00.123456Z
"""


def test_is_written_as_the_format_shows() -> None:
    assert STATEMENT.encode().decode() == TEXT


def test_is_read_as_it_was_written() -> None:
    assert Statement.parse(TEXT.encode()) == STATEMENT


@given(
    st.uuids(),
    st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=5),
    st.datetimes(timezones=st.just(UTC)).filter(lambda issued: issued.year < 9999),
    st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex),
)
def test_comes_back_whatever_it_says(
    statement_id: UUID, digests: list[bytes], issued: datetime, right: str | None
) -> None:
    parts = tuple(
        StatedPart(str(number) if number else "subject", digest) for number, digest in enumerate(digests)
    )
    statement = replace(
        STATEMENT,
        statement_id=statement_id,
        parts=parts,
        issued=issued,
        expires=issued + timedelta(minutes=30),
        right=right,
    )

    assert Statement.parse(statement.encode()) == statement


def test_names_whom_it_is_signed_for_and_by_which_right() -> None:
    right = f"on behalf of: {STATEMENT.recipient}\nright: sha-256:{'ab' * 32}\n"
    text = TEXT.replace("part: subject", f"{right}part: subject")

    assert replace(STATEMENT, right="ab" * 32).encode().decode() == text
    assert Statement.parse(text.encode()).right == "ab" * 32


@pytest.mark.parametrize(
    "lines",
    [
        "on behalf of: 5001950016@e-citizen.am\nright: sha-256:" + "ab" * 32,
        "on behalf of: 5001950015@e-citizen.am",
        "right: sha-256:" + "ab" * 32,
        "right: sha-256:" + "ab" * 32 + "\non behalf of: 5001950015@e-citizen.am",
        "on behalf of: 5001950015@e-citizen.am\nright: sha-256:" + "AB" * 32,
        "on behalf of: 5001950015@e-citizen.am\nright: sha-1:" + "ab" * 20,
    ],
)
def test_refuses_another_way_to_say_on_whose_behalf(lines: str) -> None:
    with pytest.raises(MalformedStatement):
        Statement.parse(TEXT.replace("part: subject", f"{lines}\npart: subject").encode())


def test_names_the_parts_of_the_evidence_in_their_order() -> None:
    parts = stated_parts(ONE_OF_EACH[0].parts)

    assert [part.identifier for part in parts] == ["subject", "1"]
    assert [part.digest for part in parts] == [part.digest for part in ONE_OF_EACH[0].parts]


def test_the_sentence_is_shown_in_five_languages_and_signed_in_that_of_the_state() -> None:
    assert set(TRANSLATIONS) == {"hy", "ru", "en", "kk", "az"}
    assert len(set(TRANSLATIONS.values())) == len(TRANSLATIONS)
    assert TRANSLATIONS["hy"] == SENTENCE == TEXT.splitlines()[1]
    assert SIGNED_IN == {"namak:am:1": "hy", "namak:kz:1": "kk", "namak:az:1": "az"}
    assert language_under("somebody's:1") == "hy"


# What was signed is for ever: these are the very words.
SENTENCES = {
    "hy": "Հավաստում եմ, որ կարդացել և ընդունել եմ նամակի բովանդակությունը",
    "kk": "Хаттың мазмұнын оқып, қабылдағанымды растаймын",
    "az": "Məktubun məzmununu oxuduğumu və qəbul etdiyimi təsdiq edirəm",
}


@pytest.mark.parametrize(("language", "sentence"), SENTENCES.items())
def test_says_the_sentence_of_its_language(language: str, sentence: str) -> None:
    text = TEXT.replace(SENTENCES["hy"], sentence)

    assert replace(STATEMENT, language=language).encode().decode() == text
    assert Statement.parse(text.encode()) == replace(STATEMENT, language=language)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_sentence_is_signed_in_no_language_that_is_only_shown(language: str) -> None:
    with pytest.raises(MalformedStatement):
        Statement.parse(TEXT.replace(SENTENCE, TRANSLATIONS[language]).encode())
    with pytest.raises(MalformedStatement):
        replace(STATEMENT, language=language).encode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("namak-statement/1", "namak-statement/2"),
        ("reading-confirmation", "withdrawal"),
        (SENTENCE, ""),
        (SENTENCE, f"{SENTENCE}\n{TRANSLATIONS['kk']}"),
        ("կարդացել և", "կարդացել"),
        (TEXT, ""),
        ("statement: 0192f0c4", "statement: 0192F0C4"),
        ("statement: ", "statement:"),
        ("delivery: ", "Delivery: "),
        ("delivery: ", "sender: a@b\ndelivery: "),
        ("sender: notices@src.am\n", ""),
        ("notices@src.am", "notices"),
        ("notices@src.am", "notices@src.am "),
        (f"part: subject sha-256:{'0' * 64}\n", ""),
        ("part: 1 ", "part: 2 "),
        ("part: 1 ", "part: 01 "),
        ("sha-256:0", "sha-512:0"),
        ("sha-256:00", "sha-256:0"),
        (LETTER.digest.hex(), LETTER.digest.hex().upper()),
        ("issued: 2026-11-21T20:00:00.123456Z", "issued: 2026-11-21T20:00:00Z"),
        ("issued: 2026-11-21T20:00", "issued: 2026-11-21T21:00"),
        ("20:30:00.123456Z\n", "20:30:00.123456Z"),
        ("20:30:00.123456Z\n", "20:30:00.123456Z\n\n"),
        ("20:30:00.123456Z\n", "20:30:00.123456Z\nnote: x\n"),
        ("\n", "\r\n"),
    ],
)
def test_refuses_any_other_text(old: str, new: str) -> None:
    changed = TEXT.replace(old, new)
    assert changed != TEXT

    with pytest.raises(MalformedStatement):
        Statement.parse(changed.encode())


def test_refuses_what_is_not_utf8_and_what_is_too_long() -> None:
    for data in (TEXT.encode("utf-16"), b"\xff" + TEXT.encode(), TEXT.encode() * 300):
        with pytest.raises(MalformedStatement):
            Statement.parse(data)


def test_does_not_write_what_it_would_not_read() -> None:
    for broken in (
        replace(STATEMENT, sender="a@b\nrecipient: c@d"),
        replace(STATEMENT, expires=STATEMENT.issued),
        replace(STATEMENT, parts=()),
        replace(STATEMENT, parts=STATEMENT.parts[::-1]),
        replace(STATEMENT, recipient="\ud800@b"),
    ):
        with pytest.raises(MalformedStatement):
            broken.encode()
