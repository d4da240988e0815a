"""The data of the jurisdictions: complete, consistent, and each value says where it comes from."""

import re
import typing
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from namak.evidence.namings import naming_under
from namak.evidence.notification_policy import POLICIES
from namak.evidence.statement import SIGNED_IN
from server.config import Settings
from server.domain import addresses
from server.domain.malformed import Malformed
from server.domain.profile import MobileCode, Profile, RegistrationWay, SignInMethod
from server.domain.profile_sources import assumed, fields_of, in_words, source_of, sourced
from server.jurisdictions import PROFILES, SOURCES
from server.jurisdictions.am import AM
from server.jurisdictions.az import AZ
from server.jurisdictions.kz import KZ
from tests import numbers

every_profile = pytest.mark.parametrize("profile", list(PROFILES.values()), ids=list(PROFILES))
RULE = re.compile(r"\b(?:POST|ADMIN|BOX|SIGN|LADDER|CARD)-[0-9]+\b")


def test_the_setting_knows_every_profile_and_no_other() -> None:
    assert typing.get_args(Settings.model_fields["profile"].annotation) == tuple(PROFILES)


@every_profile
def test_every_field_has_a_source(profile: Profile) -> None:
    found = sourced(profile, SOURCES[profile.code])

    assert [each.name for each in found] == [name for name, _ in fields_of(profile)]
    assert all(each.source.by for each in found)


@every_profile
def test_every_source_is_that_of_a_field(profile: Profile) -> None:
    names = [name for name, _ in fields_of(profile)]
    for key in SOURCES[profile.code]:
        assert any(name == key or name.startswith(f"{key}.") for name in names), key


@every_profile
def test_no_source_stands_where_each_field_below_it_has_one_of_its_own(profile: Profile) -> None:
    sources = SOURCES[profile.code]
    used = {id(source_of(name, sources)) for name, _ in fields_of(profile)}
    assert [key for key, source in sources.items() if id(source) not in used] == []


def test_a_field_without_a_source_is_an_error() -> None:
    with pytest.raises(LookupError, match="nothing says where"):
        source_of("sessions.length", {"session": assumed("another field"), "sessions.at_once": assumed("x")})


@every_profile
def test_fields_are_told_one_by_one(profile: Profile) -> None:
    names = [name for name, _ in fields_of(profile)]
    assert len(set(names)) == len(names)
    assert {"code", "sessions.length", "naming.prefix", "calendar.days_off"} <= set(names)
    assert all(in_words(value) for _, value in fields_of(profile))


def test_what_the_requirements_state_is_not_marked_assumed() -> None:
    stated = {
        (AM, "forwarding.targets"): (3, "POST-6"),
        (AM, "phones.country_prefix"): ("+374", "POST-6"),
        (AM, "mailbox_domain_aliases"): (("ecitizen.am",), "POST-4"),
        (AM, "registration.persons"): ((RegistrationWay.CARD_REGISTER,), "POST-3"),
        (AM, "sign_in.methods"): ((SignInMethod.CARD,), "POST-5"),
        (KZ, "correspondence.confirmed_profile"): (True, "BOX-9"),
        (KZ, "registration.persons"): ((RegistrationWay.APPLICATION,), "BOX-4"),
        (KZ, "registration.agreement"): (True, "BOX-3"),
        (KZ, "registration.login"): (True, "BOX-8"),
        (AZ, "sessions.length"): (timedelta(minutes=500), "SIGN-5"),
        (AZ, "sessions.at_once"): (1, "SIGN-5"),
        (AZ, "sign_in.mobile.pins"): (3, "SIGN-2"),
        (AZ, "sign_in.mobile.puks"): (3, "SIGN-2"),
        (AZ, "sign_in.token.pins"): (10, "SIGN-3"),
        (AZ, "sign_in.mobile_code"): (MobileCode.ENTER, "SIGN-1"),
    }
    for (profile, name), (value, rule) in stated.items():
        (found,) = [each for each in sourced(profile, SOURCES[profile.code]) if each.name == name]
        assert found.value == value, name
        assert not found.source.assumed, name
        assert rule in RULE.findall(found.source.by), name


def test_what_another_jurisdictions_documents_state_is_assumed_here() -> None:
    for profile, name in (
        (KZ, "notification_policy"),
        (AZ, "notification_policy"),
        (KZ, "mailbox_domain"),
        (AZ, "mailbox_domain"),
        (AM, "sessions.length"),
        (KZ, "sessions.length"),
        (KZ, "forwarding.targets"),
        (AZ, "forwarding.targets"),
    ):
        assert source_of(name, SOURCES[profile.code]).assumed, (profile.code, name)


@every_profile
def test_new_deliveries_have_a_policy_that_verifiers_know(profile: Profile) -> None:
    assert profile.notification_policy in profile.notification_policies
    assert set(profile.notification_policies) <= set(POLICIES)


@every_profile
def test_verifiers_know_how_certificates_name_people_under_it(profile: Profile) -> None:
    assert naming_under(profile.evidence_policy) == profile.naming


@every_profile
def test_people_sign_the_sentence_that_verifiers_know_in_the_language_that_governs(profile: Profile) -> None:
    assert SIGNED_IN[profile.evidence_policy] == profile.statement_language == profile.languages[0]


@every_profile
def test_certificates_name_exactly_those_who_can_have_a_mailbox(profile: Profile) -> None:
    for number in range(50):
        person, entity = numbers.person(profile.code, number), numbers.entity(profile.code, number)
        assert profile.naming.is_number(person)
        assert not profile.naming.is_number(entity)
        assert profile.entity_naming.is_number(entity)
        assert not profile.entity_naming.is_number(person)


def test_no_certificate_names_a_person_under_two_profiles() -> None:
    prefixes = [profile.naming.prefix for profile in PROFILES.values()]
    assert len(set(prefixes)) == len(prefixes)
    assert not any(one != other and one.startswith(other) for one in prefixes for other in prefixes)


@every_profile
def test_devices_and_passwords_have_rules_where_they_are_offered(profile: Profile) -> None:
    rules = {
        SignInMethod.CARD: profile.sign_in.card,
        SignInMethod.TOKEN: profile.sign_in.token,
        SignInMethod.MOBILE_ID: profile.sign_in.mobile,
        SignInMethod.PASSWORD: profile.sign_in.passwords,
    }
    assert {method for method, rule in rules.items() if rule is not None} == set(profile.sign_in.methods)
    assert (profile.sign_in.mobile_code is not None) is (SignInMethod.MOBILE_ID in profile.sign_in.methods)
    assert profile.registration.login is (SignInMethod.PASSWORD in profile.sign_in.methods)


@every_profile
def test_days_off_are_working_days_of_known_years(profile: Profile) -> None:
    calendar = profile.calendar
    assert calendar.opens < calendar.closes
    assert list(calendar.days_off) == sorted(set(calendar.days_off))
    assert {day.year for day in calendar.days_off} == set(calendar.years)
    assert all(day.weekday() in calendar.weekdays for day in calendar.days_off)


@every_profile
def test_names_and_patterns_are_good(profile: Profile) -> None:
    assert ZoneInfo(profile.time_zone).key == profile.time_zone
    assert re.fullmatch(profile.phones.pattern, profile.phones.example)
    assert profile.phones.example.startswith(profile.phones.country_prefix)
    assert not re.fullmatch(profile.phones.pattern, "+14155550123")
    for domain in (profile.mailbox_domain, *profile.mailbox_domain_aliases):
        assert addresses.domain_name(domain, profile) == domain
    ids = [rule.id for rule in (*profile.identifiers.persons, *profile.identifiers.entities)]
    assert len(set(ids)) == len(ids)


def test_mailboxes_of_two_jurisdictions_are_never_at_one_domain() -> None:
    domains = [
        domain
        for profile in PROFILES.values()
        for domain in (profile.mailbox_domain, *profile.mailbox_domain_aliases)
    ]
    assert len(set(domains)) == len(domains)


@pytest.mark.parametrize(
    ("profile", "text", "canonical"),
    [
        (KZ, "Info@KGD.kz", "info@kgd.kz"),
        (KZ, "post@хат.қаз", f"post@xn--{'хат'.encode('punycode').decode()}.xn--80ao21a"),
        (AZ, "info@taxes.AZ", "info@taxes.az"),
    ],
)
def test_senders_write_from_under_their_own_national_domain(
    profile: Profile, text: str, canonical: str
) -> None:
    assert addresses.sender_address(text, profile) == canonical


@pytest.mark.parametrize(
    ("profile", "text"), [(KZ, "info@src.am"), (AZ, "info@kgd.kz"), (KZ, "post@gmail.com"), (AM, "a@b.az")]
)
def test_senders_write_from_under_no_other(profile: Profile, text: str) -> None:
    with pytest.raises(Malformed) as refused:
        addresses.sender_address(text, profile)
    assert refused.value.reason == "FOREIGN_DOMAIN"
