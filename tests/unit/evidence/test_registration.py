"""The texts that applicants and holders sign, and the commitments that evidence holds of them."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.failures import MalformedStatement
from namak.evidence.registration import (
    APPLICATION,
    APPLICATION_SENTENCES,
    PROFILE,
    PROFILE_SENTENCES,
    Agreement,
    agreement_digest,
    application_text,
    commitment,
    entity_lines,
    person_lines,
    profile_text,
)
from namak.evidence.sign_in import FORMAT
from namak.evidence.statement import PURPOSE

PERSON = person_lines(
    name="Айгүл Серікқызы",
    number="900101450006",
    identity_document="жеке куәлік 012345678",
    residence="Алматы, Абай даңғылы 1",
    mobile_phone="+77010000001",
)
ON_ONE_LINE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=200)


def test_an_application_reads_exactly_so() -> None:
    text = application_text(
        language="ru",
        post="post.kz",
        request_id="apply-1",
        holder=PERSON,
        login="aigul",
        agreement=Agreement("1", bytes(range(32))),
    )
    assert text.decode() == (
        "namak-application/1 mailbox-registration\n"
        "Прошу зарегистрировать электронный почтовый ящик и присоединяюсь к названному ниже "
        "пользовательскому соглашению\n"
        "post: post.kz\n"
        "request: apply-1\n"
        "holder: natural person\n"
        "name: Айгүл Серікқызы\n"
        "number: 900101450006\n"
        "identity document: жеке куәлік 012345678\n"
        "residence: Алматы, Абай даңғылы 1\n"
        "mobile phone: +77010000001\n"
        "login: aigul\n"
        "agreement: 1 sha-256:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
    )


def test_a_profile_reads_exactly_so() -> None:
    lines = entity_lines(
        name="«Болат» ЖШС",
        number="200240012349",
        registration_number="123-1910",
        registration_date="2020-02-03",
        legal_address="Астана, Достық 1",
        actual_address="Астана, Достық 2",
        home_phone="+77172000001",
    )
    text = profile_text(language="kk", post="post.kz", address="a@post.kz", state="0f", holder=lines)
    assert text.decode() == (
        "namak-profile/1 profile-confirmation\n"
        "Төменде мен туралы келтірілген мәліметтердің дұрыс екенін растаймын\n"
        "post: post.kz\n"
        "mailbox: a@post.kz\n"
        "state: 0f\n"
        "holder: legal entity\n"
        "name: «Болат» ЖШС\n"
        "number: 200240012349\n"
        "registration certificate: 123-1910\n"
        "registration date: 2020-02-03\n"
        "legal address: Астана, Достық 1\n"
        "actual address: Астана, Достық 2\n"
        "home phone: +77172000001\n"
    )


def test_no_two_purposes_begin_alike_and_each_language_has_its_own_sentence() -> None:
    purposes = [APPLICATION, PROFILE, PURPOSE, FORMAT]
    assert len({purpose.partition(" ")[0] for purpose in purposes}) == len(purposes)
    for sentences in (APPLICATION_SENTENCES, PROFILE_SENTENCES):
        assert set(sentences) == {"hy", "ru", "en", "kk", "az"}
        assert len(set(sentences.values())) == len(sentences)


@given(ON_ONE_LINE, ON_ONE_LINE)
def test_different_fields_make_different_texts(name: str, residence: str) -> None:
    def text(**fields: str) -> bytes:
        said = {"name": name, "number": "1", "identity_document": "d", "residence": residence} | fields
        return application_text(language="kk", post="p", request_id="r", holder=person_lines(**said))

    assert text(residence=name, name=residence) != text() or name == residence
    assert text(name=f"{name}.") != text()
    # What a field says is on its own line, so that none can pass for another one.
    assert text(name=f"{name}, residence: {residence}", residence="x") != text()


@pytest.mark.parametrize("value", ["a\nlogin: other", "a\u2028b", "a\x00", "a\x85b", "\ud800", "x" * 1001])
def test_a_value_that_is_not_on_one_line_is_refused(value: str) -> None:
    lines = person_lines(name=value, number="1", identity_document="d", residence="r")
    with pytest.raises(MalformedStatement):
        application_text(language="kk", post="p", request_id="r", holder=lines)


def test_a_language_without_a_sentence_is_refused() -> None:
    with pytest.raises(MalformedStatement):
        application_text(language="tlh", post="p", request_id="r", holder=PERSON)


def test_an_agreement_is_named_by_all_its_texts_in_their_order() -> None:
    texts = [("kk", "Келісім"), ("ru", "Соглашение")]
    digests = {
        agreement_digest(texts),
        agreement_digest(texts[::-1]),
        agreement_digest(texts[:1]),
        agreement_digest([("kk", "КелісімruСоглашение")]),
        agreement_digest([("kkК", "елісім"), ("ru", "Соглашение")]),
    }
    assert len(digests) == 5


def test_a_commitment_is_over_salt_and_content() -> None:
    salt = bytes(range(32))
    wanted = hashlib.sha256(b"namak-commitment/1\x00" + salt + b"content").digest()
    assert commitment(salt, b"content") == wanted
    assert commitment(bytes(32), b"content") != wanted
    with pytest.raises(ValueError, match="32 bytes"):
        commitment(b"short", b"content")
