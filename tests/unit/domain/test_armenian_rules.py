"""Armenian addresses and numbers are judged byte for byte as before profiles had rules of their own.

What was judged once stands in evidence and in claims: a repetition must meet the same answer.
"""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain import addresses, fields
from server.domain.mailboxes import HolderKind
from server.domain.malformed import Malformed
from server.domain.profile import Profile
from server.jurisdictions.am import AM

Judged = tuple[str, str]

# Near the numbers that there are, so that the edges are met: their lengths, and digits that look alike.
texts = st.one_of(
    st.text("0123456789", max_size=13),
    st.text("0123456789OoIl٥５² -+.\n", max_size=12),
    st.text(max_size=12),
)
domains = st.sampled_from(
    ("e-citizen.am", "E-Citizen.AM", "ecitizen.am", "e-citizen.am.", "e\u2010citizen.am", "src.am", "post.kz")
)


def before(text: str) -> Judged:
    """The rule of before: ten ASCII digits or eight, at either domain."""
    if text.count("@") != 1:
        return "refused", "ADDRESS_MALFORMED: must be an e-mail address with one @"
    if text != text.strip():
        return "refused", "ADDRESS_MALFORMED: must not begin or end with a space or a line break"
    number, _, domain = text.partition("@")
    if not number or not domain:
        return "refused", "ADDRESS_MALFORMED: must have something on both sides of the @"
    if domain.lower() not in ("e-citizen.am", "ecitizen.am") or not domain.isascii():
        return "refused", "DOMAIN_NOT_OFFICIAL: an official address ends in @e-citizen.am"
    if not (number.isascii() and number.isdecimal() and len(number) in (10, 8)):
        return "refused", "NUMBER_MALFORMED: begins with a person's 10 digits or an entity's 8"
    return "taken", f"{number}@e-citizen.am"


def judged(check: Callable[[str, Profile], str], text: str) -> Judged:
    try:
        return "taken", check(text, AM)
    except Malformed as refused:
        return "refused", f"{refused.reason}: {refused.text}"


@given(texts, domains)
def test_an_official_address_is_judged_as_before(number: str, domain: str) -> None:
    text = f"{number}@{domain}"
    assert judged(addresses.recipient_address, text) == before(text)


@given(texts)
def test_a_number_is_judged_as_before(text: str) -> None:
    digits = text.isascii() and text.isdigit()
    person = (
        ("taken", text)
        if digits and len(text) == 10
        else ("refused", "PERSON_NUMBER_MALFORMED: must be 10 digits")
    )
    entity = ("taken", text) if digits and len(text) == 8 else ("refused", "CODE_MALFORMED: must be 8 digits")
    assert judged(fields.person_number, text) == person
    assert judged(fields.organisation_code, text) == entity


@given(st.text("0123456789", min_size=8, max_size=8) | st.text("0123456789", min_size=10, max_size=10))
def test_a_holder_is_told_as_before(number: str) -> None:
    kind = HolderKind.PERSON if len(number) == 10 else HolderKind.ENTITY
    assert addresses.holder_of(f"{number}@e-citizen.am", AM) == (kind, number)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("evidence_policy", "namak:am:1"),
        ("operator_identifier", "e-citizen.am"),
        ("operator_name", "e-citizen.am"),
        ("notification_policy", "am-2015@1"),
        ("time_zone", "Asia/Yerevan"),
        ("mailbox_domain", "e-citizen.am"),
        ("mailbox_domain_aliases", ("ecitizen.am",)),
    ],
)
def test_what_evidence_says_of_the_profile_never_changes(field: str, value: object) -> None:
    assert getattr(AM, field) == value


def test_certificates_name_their_person_as_before() -> None:
    assert (AM.naming.attribute, AM.naming.prefix, AM.naming.number) == (
        "serial_number",
        "PNOAM-",
        "[0-9]{10}",
    )
