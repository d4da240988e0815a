"""Armenia (seeds 000, 001, 002): complete, and the default."""

from collections.abc import Mapping
from datetime import time, timedelta
from types import MappingProxyType

from namak.evidence.copy_statement import TRUE_COPY
from namak.evidence.namings import NAMINGS
from namak.evidence.signature import CertificateNaming
from server.domain.profile import (
    Correspondence,
    DeviceLock,
    Forwarding,
    IdentifierRule,
    Identifiers,
    Phones,
    Profile,
    Registration,
    RegistrationWay,
    Retention,
    SenderDomains,
    Sessions,
    SignIn,
    SignInMethod,
    WorkingCalendar,
    days_of,
)
from server.domain.profile_sources import Source, assumed, stated

AM = Profile(
    code="am",
    evidence_policy="namak:am:1",
    operator_identifier="e-citizen.am",
    operator_name="e-citizen.am",
    languages=("hy", "ru", "en"),
    statement_language="hy",
    copy_statement=TRUE_COPY,
    time_zone="Asia/Yerevan",
    mailbox_domain="e-citizen.am",
    mailbox_domain_aliases=("ecitizen.am",),
    notification_policy="am-2015@1",
    notification_policies=("am-2015@1", "am-2025@1", "am-2025@2"),
    identifiers=Identifiers(
        persons=(
            IdentifierRule(
                id="psn",
                name="հանրային ծառայությունների համարանիշ",
                pattern="[0-9]{10}",
                form="10 digits",
            ),
            IdentifierRule(
                id="none",
                name="հանրային ծառայությունների համարանիշ չունենալու մասին տեղեկանք",
                pattern="[0-9]{10}",
                form="10 digits",
            ),
        ),
        entities=(
            IdentifierRule(id="code", name="իրավաբանական անձի ծածկագիր", pattern="[0-9]{8}", form="8 digits"),
        ),
        either="a person's 10 digits or an entity's 8",
    ),
    naming=NAMINGS["namak:am:1"],
    entity_naming=CertificateNaming(attribute="organization_identifier", prefix="NTRAM-", number="[0-9]{8}"),
    sender_domains=SenderDomains(top=("am", "xn--y9a3aq"), ascii_only=("am",), idn_script="ARMENIAN"),
    phones=Phones(country_prefix="+374", pattern=r"\+374[0-9]{8}", example="+37400000000"),
    forwarding=Forwarding(targets=3, local_phones_only=True),
    registration=Registration(
        persons=(RegistrationWay.CARD_REGISTER,),
        entities=(RegistrationWay.APPLICATION,),
        agreement=False,
        login=False,
        signatories_every=timedelta(days=1),
    ),
    correspondence=Correspondence(confirmed_profile=False, two_way=False, letters_a_day=0),
    sign_in=SignIn(
        methods=(SignInMethod.CARD,),
        card=DeviceLock(pins=10, puks=None),
        token=None,
        mobile=None,
        mobile_code=None,
        passwords=None,
    ),
    sessions=Sessions(length=timedelta(minutes=500), at_once=1, takeover=True),
    retention=Retention(
        unproved=timedelta(days=1),
        tries=timedelta(days=1),
        sessions=timedelta(days=365),
        proofs=timedelta(days=3653),
    ),
    calendar=WorkingCalendar(
        weekdays=(0, 1, 2, 3, 4),
        opens=time(9),
        closes=time(18),
        years=(2026, 2027, 2028),
        days_off=(
            *days_of(2026, "01-01 01-02 01-06 01-27 01-28 04-24 05-01 05-28 09-21 12-31"),
            *days_of(2027, "01-01 01-06 01-27 01-28 03-08 05-28 07-05 09-21 12-31"),
            *days_of(2028, "01-06 01-27 01-28 03-08 04-24 05-01 05-09 07-05 09-21"),
        ),
    ),
)

_LIKE_AZ = "the documents on Armenia are silent; the value of SIGN-5"
_CRASH = "a crashed browser must not lock its user out for the rest of a session"
_HOLIDAYS = "the law on holidays and memorial days as collected in the package `holidays`"

AM_SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "code": stated("ISO 3166-1"),
        "evidence_policy": assumed("our name for evidence under this profile"),
        "operator_identifier": stated("seed 000"),
        "operator_name": assumed("the documents name the operator by its site only"),
        "languages": stated("POST-11"),
        "statement_language": stated("ADMIN-7"),
        "copy_statement": assumed("BOX-11 sets no words; they are ours"),
        "time_zone": stated("IANA time zone database"),
        "mailbox_domain": stated("POST-3, POST-4"),
        "mailbox_domain_aliases": stated("POST-4"),
        "notification_policy": stated("POST-2"),
        "notification_policies": stated("POST-2; LADDER-1, as reported"),
        "identifiers.persons.psn": stated("POST-3"),
        "identifiers.persons.none": assumed("POST-3 gives the certificate's number no form; that of the psn"),
        "identifiers.entities.code": stated("POST-4"),
        "identifiers.either": stated("POST-3, POST-4"),
        "naming": assumed("ETSI EN 319 412-1, 5.1.3: a national personal number"),
        "entity_naming": assumed("ETSI EN 319 412-1, 5.1.4: a national trade register"),
        "sender_domains": stated("ADMIN-4"),
        "phones.country_prefix": stated("POST-6"),
        "phones.pattern": stated("the national numbering plan: eight digits after the country's"),
        "phones.example": assumed("a number that nobody has"),
        "forwarding": stated("POST-6"),
        "registration.persons": stated("POST-3"),
        "registration.entities": assumed("POST-4 does not say how an entity's comes to be; the way of BOX-4"),
        "registration.agreement": assumed("the documents on Armenia know no user agreement"),
        "registration.login": stated("POST-5: holders sign in with the card"),
        "registration.signatories_every": assumed("no period is set; who is dismissed may act for a day"),
        "correspondence": assumed("the documents on Armenia know neither; two-way letters are BOX-9's"),
        "sign_in": stated("POST-5"),
        "sign_in.card": assumed("the documents on Armenia are silent; the limit of SIGN-3"),
        "sessions": assumed(_LIKE_AZ),
        "sessions.takeover": assumed(
            "a crashed browser must not lock its user out for the rest of a session"
        ),
        "retention.unproved": assumed("nobody completes it any more; a day to look into what failed"),
        "retention.tries": assumed("longer than any lock"),
        "retention.sessions": assumed("no period is set; for a year holders may ask about one"),
        "retention.proofs": assumed("no period is set; for ten years a sign-in may be disputed"),
        "calendar.weekdays": assumed("ADMIN-8 says working days; Monday to Friday"),
        "calendar.opens": stated("ADMIN-8"),
        "calendar.closes": stated("ADMIN-8"),
        "calendar.years": assumed("the years that the days off were looked up for"),
        "calendar.days_off": assumed(_HOLIDAYS),
    }
)
