"""Numbers of people and entities: what is published of them is checked, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain import addresses, fields, identifiers
from server.domain.mailboxes import HolderKind
from server.domain.malformed import Malformed
from server.domain.profile import Profile
from server.jurisdictions import PROFILES
from server.jurisdictions.am import AM
from server.jurisdictions.az import AZ
from server.jurisdictions.kz import KZ
from tests import numbers

eleven = st.text("0123456789", min_size=11, max_size=11)
profiles = st.sampled_from(tuple(PROFILES.values()))
FIN = st.text("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=7, max_size=7)


def kind_of(text: str, profile: Profile) -> HolderKind | None:
    found = identifiers.identified(text, profile)
    return None if found is None else found.kind


@pytest.mark.parametrize(
    ("text", "profile", "kind"),
    [
        ("5001950015", AM, HolderKind.PERSON),
        ("0000000000", AM, HolderKind.PERSON),
        ("22335588", AM, HolderKind.ENTITY),
        ("791028302728", KZ, HolderKind.PERSON),
        ("061211600012", KZ, HolderKind.PERSON),
        ("990340000708", KZ, HolderKind.ENTITY),
        ("94FMDDD", AZ, HolderKind.PERSON),
        ("94fmddd", AZ, HolderKind.PERSON),
        ("1401555071", AZ, HolderKind.ENTITY),
    ],
)
def test_takes_a_number_of_the_published_form(text: str, profile: Profile, kind: HolderKind) -> None:
    assert kind_of(text, profile) is kind


@pytest.mark.parametrize(
    ("text", "profile"),
    [
        ("500195001", AM),
        ("50019500155", AM),
        ("94FMDDD", AM),
        ("", AM),
        ("791028302729", KZ),  # the check digit
        ("791328302728", KZ),  # the month
        ("790230300000", KZ),  # 30 February, whatever its check digit
        ("79102830272", KZ),
        ("7910283027280", KZ),
        ("５００１９５００１５", AM),
        ("٧٩١٠٢٨٣٠٢٧٢٨", KZ),
        ("94IMDDD", AZ),
        ("94OMDDD", AZ),
        ("94FMDD", AZ),
        ("94FMDDDD", AZ),
        ("94FMDDİ", AZ),
        ("94FMDß", AZ),  # its capitals would be two letters
        ("1401555081", AZ),
        ("1401555072", AZ),  # a natural person's
        ("140 155 5071", AZ),
        ("140155507", AZ),
        ("1401555071\n", AZ),
        ("94FMDDD\n", AZ),
    ],
)
def test_refuses_what_no_number_looks_like(text: str, profile: Profile) -> None:
    assert identifiers.identified(text, profile) is None


@given(st.integers(0, 9_999), st.sampled_from(("3", "4")))
def test_the_check_digit_of_an_iin_finds_every_wrong_digit(serial: int, century: str) -> None:
    right = numbers.iin(serial, century=century)
    assert kind_of(right, KZ) is HolderKind.PERSON

    for wrong in "0123456789":
        if wrong != right[-1]:
            assert kind_of(right[:-1] + wrong, KZ) is None


@given(eleven)
def test_a_number_without_a_check_digit_is_never_issued(first: str) -> None:
    """Both sums are 10, of which the rules say that the number is not used."""
    issued = {last for last in "0123456789" if kind_of(first + last, KZ) is not None}

    expected = numbers.with_kz_check(first)
    assert issued <= ({expected[-1]} if expected is not None else set())


def test_the_second_weights_decide_where_the_first_sum_is_10() -> None:
    # 1·1+2·0+3·1+6·1 = 10, and 3·1+5·1+8·1 = 16, which is 5 modulo 11.
    assert kind_of("101001000005", KZ) is HolderKind.PERSON
    assert kind_of("101001000000", KZ) is None


def test_an_iin_has_a_date_of_its_century() -> None:
    # 29 February: there was one in 2000, not in 1900.
    assert kind_of(numbers.iin(1, "000229", "5"), KZ) is HolderKind.PERSON
    assert kind_of(numbers.iin(1, "000229", "3"), KZ) is None
    assert kind_of(numbers.iin(1, "000229", "0"), KZ) is HolderKind.PERSON
    assert kind_of(numbers.iin(1, "850312", "7"), KZ) is None


@pytest.mark.parametrize("kind", ["4", "5", "6"])
def test_a_bin_names_its_kind_of_entity(kind: str) -> None:
    assert kind_of(numbers.bin_(3, kind), KZ) is HolderKind.ENTITY


@pytest.mark.parametrize("kind", ["7", "8", "9"])
def test_another_kind_is_neither_a_persons_nor_an_entitys(kind: str) -> None:
    assert kind_of(numbers.bin_(3, kind), KZ) is None


@given(FIN)
def test_every_fin_is_a_number_and_written_in_capitals(text: str) -> None:
    for written in (text, text.lower()):
        assert identifiers.person_number(written, AZ, "X") == text


@given(st.integers(0, 19_999))
def test_a_voen_is_an_entitys(number: int) -> None:
    assert kind_of(numbers.voen_(number), AZ) is HolderKind.ENTITY


@given(st.text(max_size=20), profiles)
def test_what_is_taken_is_canonical_and_taken_again(text: str, profile: Profile) -> None:
    found = identifiers.identified(text, profile)
    if found is not None:
        assert found.number.isascii()
        assert found.number.isalnum()
        assert identifiers.identified(found.number, profile) == found


@given(st.from_regex(r"[0-9A-Za-z]{7,12}", fullmatch=True), profiles)
def test_no_number_is_both_a_persons_and_an_entitys(text: str, profile: Profile) -> None:
    kinds = [
        kind
        for kind, rules in (
            (HolderKind.PERSON, profile.identifiers.persons),
            (HolderKind.ENTITY, profile.identifiers.entities),
        )
        if any(identifiers.canonical(text, rule) is not None for rule in rules)
    ]
    assert len(kinds) <= 1


@given(st.integers(0, 5_000), st.sampled_from(("am", "kz", "az")))
def test_an_address_is_the_number_at_the_profiles_domain(number: int, code: str) -> None:
    profile = PROFILES[code]
    for kind, holder in (
        (HolderKind.PERSON, numbers.person(code, number)),
        (HolderKind.ENTITY, numbers.entity(code, number)),
    ):
        address = f"{holder}@{profile.mailbox_domain}"
        assert (
            addresses.recipient_address(f"{holder.lower()}@{profile.mailbox_domain.upper()}", profile)
            == address
        )
        assert addresses.holder_of(address, profile) == (kind, holder)


@pytest.mark.parametrize("code", list(PROFILES))
def test_the_address_of_another_jurisdiction_is_none_here(code: str) -> None:
    others = [other for other in PROFILES.values() if other.code != code]
    for other in others:
        foreign = f"{numbers.person(other.code, 7)}@{other.mailbox_domain}"
        with pytest.raises(Malformed):
            addresses.recipient_address(foreign, PROFILES[code])


@pytest.mark.parametrize(
    ("check", "text", "reason", "words"),
    [
        (fields.person_number, "1", "PERSON_NUMBER_MALFORMED", "must be 12 digits of an IIN"),
        (fields.organisation_code, "791028302728", "CODE_MALFORMED", "must be 12 digits of a BIN"),
    ],
)
def test_a_refusal_says_what_is_wanted_and_not_what_came(
    check: object, text: str, reason: str, words: str
) -> None:
    with pytest.raises(Malformed) as refused:
        check(text, KZ)  # type: ignore[operator]
    assert (refused.value.reason, refused.value.text) == (reason, words)


@given(st.text(max_size=80))
def test_masking_leaves_at_most_two_characters_of_a_number(text: str) -> None:
    masked = identifiers.masked(text)
    left = masked.partition("@")[0].replace("*", "")

    assert len(left) <= 2
    assert len(masked) <= 16 + 1 + 253
    assert "\n" not in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("5001950015", "********15"),
        ("5001950015@e-citizen.am", "********15@e-citizen.am"),
        ("94FMDDD", "*****DD"),
        ("15", "**"),
        ("", ""),
        ("5001950015@\nforged line", "********15"),
        ("500195\n0015", "***********"),
        ("1" * 40, "****************11"),
    ],
)
def test_a_masked_number_tells_two_apart_and_nobody_who_it_is(text: str, masked: str) -> None:
    assert identifiers.masked(text) == masked


@given(st.integers(0, 99_999_999), st.sampled_from(("am", "kz", "az")))
def test_no_masked_number_is_a_number(number: int, code: str) -> None:
    whole = numbers.person(code, number % 5_000)
    masked = identifiers.masked(whole)

    assert identifiers.identified(masked, PROFILES[code]) is None
    assert re.fullmatch(r"\*+..", masked)
