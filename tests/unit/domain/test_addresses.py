"""Addresses have one canonical form each, and no letter of an admitted one has a double in another script."""

import dataclasses
import unicodedata

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain import addresses
from server.domain.fields import Malformed
from server.domain.mailboxes import HolderKind
from server.jurisdictions.am import AM

HAY = "xn--y9a3aq"


def reason_of(check: object, text: str) -> str:
    with pytest.raises(Malformed) as refused:
        check(text, AM)  # type: ignore[operator]
    return refused.value.reason


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("notices@src.am", "notices@src.am"),
        ("Notices@SRC.AM", "notices@src.am"),
        ("a.b+c_d@mail.src.am", "a.b+c_d@mail.src.am"),
        ("info@1-2.am", "info@1-2.am"),
        ("info@src。am", "info@src.am"),
        ("post@նամակ.հայ", f"post@xn--{'նամակ'.encode('punycode').decode()}.{HAY}"),
        ("post@ՆԱՄԱԿ.ՀԱՅ", f"post@xn--{'նամակ'.encode('punycode').decode()}.{HAY}"),
        (
            f"post@xn--{'նամակ'.encode('punycode').decode()}.{HAY}",
            f"post@xn--{'նամակ'.encode('punycode').decode()}.{HAY}",
        ),
        ("post@նամակ-1.հայ", f"post@xn--{'նամակ-1'.encode('punycode').decode()}.{HAY}"),
    ],
)
def test_brings_a_sender_address_to_its_canonical_form(text: str, canonical: str) -> None:
    assert addresses.sender_address(text, AM) == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("*@SRC.am", "*@src.am"),
        ("*@նամակ.հայ", f"*@xn--{'նամակ'.encode('punycode').decode()}.{HAY}"),
        ("Notices@SRC.AM", "notices@src.am"),
        ("**@src.am", "**@src.am"),
    ],
)
def test_brings_a_sending_permission_to_its_canonical_form(text: str, canonical: str) -> None:
    assert addresses.sending_permission(text, AM) == canonical


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("*@gmail.com", "FOREIGN_DOMAIN"),
        ("*@am", "DOMAIN_MALFORMED"),
        ("*@*.src.am", "DOMAIN_MALFORMED"),
        ("*", "ADDRESS_MALFORMED"),
        ("* @src.am", "ADDRESS_MALFORMED"),
    ],
)
def test_refuses_a_permission_for_what_is_no_domain(text: str, reason: str) -> None:
    assert reason_of(addresses.sending_permission, text) == reason


def test_a_permission_with_two_stars_is_for_one_address_only() -> None:
    assert not addresses.is_whole_domain("**@src.am")
    assert addresses.is_whole_domain("*@src.am")


@pytest.mark.parametrize(
    "text",
    [
        "agency@gmail.com",
        "agency@yahoo.com",
        "agency@mail.ru",
        "agency@src.am.com",
        "agency@src.amx",
        "agency@почта.рф",
        "agency@localhost",
        "agency@e-citizen.kz",
    ],
)
def test_refuses_a_foreign_domain_with_its_own_reason(text: str) -> None:
    assert reason_of(addresses.sender_address, text) == "FOREIGN_DOMAIN"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "src.am",
        "@src.am",
        "notices@",
        "a@b@src.am",
        " notices@src.am",
        "not ices@src.am",
        ".notices@src.am",
        "no..tices@src.am",
        "notices.@src.am",
        '"notices"@src.am',
        "notices(x)@src.am",
        "ծանուցում@src.am",
        "nοtices@src.am",
        "n\u0000@src.am",
        "a" * 65 + "@src.am",
        "*@src.am",
    ],
)
def test_refuses_what_is_no_address(text: str) -> None:
    assert reason_of(addresses.sender_address, text) == "ADDRESS_MALFORMED"


@pytest.mark.parametrize(
    "text",
    [
        "am",
        ".am",
        "src..am",
        "src.am.",
        ".src.am",
        "-src.am",
        "src-.am",
        "s_rc.am",
        "s rc.am",
        "ab--cd.am",
        "xn--.am",
        "xn--a-.am",
        "[127.0.0.1]",
        "s\u00adrc.am",
        "s\u200drc.am",
        "s\u202erc.am",
        "a" * 64 + ".am",
        ".".join(["a" * 60] * 5) + ".am",
        "",
    ],
)
def test_refuses_what_is_no_domain(text: str) -> None:
    assert reason_of(addresses.domain_name, text) == "DOMAIN_MALFORMED"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ѕrс.am", "MIXED_SCRIPT"),  # Cyrillic dze and es beside Latin r
        ("срс.am", "SCRIPT_NOT_PERMITTED"),
        ("սրս.am", "SCRIPT_NOT_PERMITTED"),
        ("xn--" + "срс".encode("punycode").decode() + ".am", "SCRIPT_NOT_PERMITTED"),
        ("straße.am", "SCRIPT_NOT_PERMITTED"),
        ("mail.սրս.am", "SCRIPT_NOT_PERMITTED"),
        ("src.հայ", "SCRIPT_NOT_PERMITTED"),
        ("срс.հայ", "SCRIPT_NOT_PERMITTED"),
        ("նaմակ.հայ", "MIXED_SCRIPT"),  # Latin a
        ("նամօк.հայ", "MIXED_SCRIPT"),  # Cyrillic ka
        ("mail.նամակ.հայ", "SCRIPT_NOT_PERMITTED"),
    ],
)
def test_refuses_look_alike_and_mixed_labels(text: str, reason: str) -> None:
    assert reason_of(addresses.domain_name, text) == reason


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("5001950015@e-citizen.am", "5001950015@e-citizen.am"),
        ("5001950015@ecitizen.am", "5001950015@e-citizen.am"),
        ("5001950015@E-Citizen.AM", "5001950015@e-citizen.am"),
        ("22335588@ecitizen.am", "22335588@e-citizen.am"),
    ],
)
def test_brings_an_official_address_to_its_canonical_form(text: str, canonical: str) -> None:
    assert addresses.recipient_address(text, AM) == canonical


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("500195001@e-citizen.am", "NUMBER_MALFORMED"),
        ("50019500155@e-citizen.am", "NUMBER_MALFORMED"),
        ("٥٠٠١٩٥٠٠١٥@e-citizen.am", "NUMBER_MALFORMED"),
        ("５００１９５００１５@e-citizen.am", "NUMBER_MALFORMED"),
        ("²²³³⁵⁵⁸⁸@e-citizen.am", "NUMBER_MALFORMED"),
        ("500195001O@e-citizen.am", "NUMBER_MALFORMED"),
        ("-500195001@e-citizen.am", "NUMBER_MALFORMED"),
        (" 5001950015@e-citizen.am", "ADDRESS_MALFORMED"),
        ("@e-citizen.am", "ADDRESS_MALFORMED"),
        ("5001950015@src.am", "DOMAIN_NOT_OFFICIAL"),
        ("5001950015@e-citizen.am.", "DOMAIN_NOT_OFFICIAL"),
        ("5001950015@e-citizen.am ", "ADDRESS_MALFORMED"),
        ("5001950015@е-citizen.am", "DOMAIN_NOT_OFFICIAL"),  # Cyrillic ie
        ("5001950015@mail.e-citizen.am", "DOMAIN_NOT_OFFICIAL"),
        ("5001950015", "ADDRESS_MALFORMED"),
        ("5001950015@e-citizen.am@e-citizen.am", "ADDRESS_MALFORMED"),
    ],
)
def test_refuses_what_is_no_official_address(text: str, reason: str) -> None:
    assert reason_of(addresses.recipient_address, text) == reason


@pytest.mark.parametrize("text", [" notices@src.am", "notices@src.am ", "notices@src.am\n"])
def test_names_the_space_around_an_address(text: str) -> None:
    with pytest.raises(Malformed, match="begin or end with a space") as refused:
        addresses.sender_address(text, AM)
    assert refused.value.reason == "ADDRESS_MALFORMED"


def test_a_refusal_never_repeats_the_number_it_refuses() -> None:
    with pytest.raises(Malformed) as refused:
        addresses.recipient_address("5001950015@example.am", AM)
    assert "5001950015" not in refused.value.text


def test_tells_persons_from_entities_by_the_length_of_the_number() -> None:
    assert addresses.holder_of("5001950015@e-citizen.am", AM) == (HolderKind.PERSON, "5001950015")
    assert addresses.holder_of("22335588@e-citizen.am", AM) == (HolderKind.ENTITY, "22335588")


def test_lists_enclosing_domains_from_the_narrowest() -> None:
    assert addresses.enclosing_domains("a.b.am") == ["a.b.am", "b.am"]


ARMENIAN = "".join(chr(point) for point in range(0x561, 0x587))
# Mostly labels that are admitted, with now and then a letter that looks like one of another script.
latin = st.text(st.sampled_from("abcxyzABC019-ＡＺ"), min_size=1, max_size=12)
armenian = st.text(st.sampled_from(ARMENIAN + "ՆԱև01-"), min_size=1, max_size=12)
doubtful = st.text(st.sampled_from("abօսասеοѕıßﬁ"), min_size=1, max_size=4)
domains = st.one_of(
    st.builds("{}.{}".format, latin, st.sampled_from(["am", "AM"])),
    st.builds("{}.{}".format, armenian, st.sampled_from(["հայ", "ՀԱՅ", HAY])),
    st.builds("{}.{}.{}".format, st.one_of(latin, armenian, doubtful), st.one_of(latin, armenian, doubtful),
              st.sampled_from(["am", "հայ"])),
)  # fmt: skip


def canonical_or_none(text: str) -> str | None:
    try:
        return addresses.domain_name(text, AM)
    except Malformed:
        return None


@given(domains)
def test_a_canonical_domain_is_its_own_canonical_form(text: str) -> None:
    if (canonical := canonical_or_none(text)) is not None:
        assert canonical.isascii()
        assert canonical == canonical.lower()
        assert addresses.domain_name(canonical, AM) == canonical


@given(domains)
def test_no_admitted_domain_has_letters_of_two_scripts(text: str) -> None:
    if (canonical := canonical_or_none(text)) is not None:
        shown = idna.decode(canonical)
        scripts = {unicodedata.name(mark).split()[0] for mark in shown if mark.isalpha()}
        assert scripts in ({"LATIN"}, {"ARMENIAN"})


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_malformed(text: str) -> None:
    for check in (addresses.sender_address, addresses.recipient_address, addresses.domain_name):
        try:
            assert check(text, AM).isascii()
        except Malformed:
            continue


def test_a_profile_decides_the_numbers() -> None:
    long = dataclasses.replace(AM.identifiers.persons[0], pattern="[0-9]{12}")
    other = dataclasses.replace(AM, identifiers=dataclasses.replace(AM.identifiers, persons=(long,)))
    assert addresses.recipient_address("123456789012@e-citizen.am", other) == "123456789012@e-citizen.am"
    with pytest.raises(Malformed):
        addresses.recipient_address("5001950015@e-citizen.am", other)
