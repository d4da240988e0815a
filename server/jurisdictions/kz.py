"""Kazakhstan (seed 003): registration by application, login, confirmed profiles, two-way letters."""

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
    IdentifierCheck,
    IdentifierRule,
    Identifiers,
    Passwords,
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

KZ = Profile(
    code="kz",
    evidence_policy="namak:kz:1",
    operator_identifier="post.kz",
    operator_name="Ұлттық пошта операторы",
    languages=("kk", "ru", "en"),
    statement_language="kk",
    copy_statement=TRUE_COPY,
    time_zone="Asia/Almaty",
    mailbox_domain="post.kz",
    mailbox_domain_aliases=(),
    notification_policy="am-2015@1",
    notification_policies=("am-2015@1",),
    identifiers=Identifiers(
        persons=(
            IdentifierRule(
                id="iin",
                name="жеке сәйкестендіру нөмірі (ЖСН)",
                pattern="[0-9]{4}[0-3][0-9]{7}",
                form="12 digits of an IIN",
                check=IdentifierCheck.KZ_IIN,
            ),
        ),
        entities=(
            IdentifierRule(
                id="bin",
                name="бизнес-сәйкестендіру нөмірі (БСН)",
                pattern="[0-9]{4}[4-6][0-9]{7}",
                form="12 digits of a BIN",
                check=IdentifierCheck.KZ_BIN,
            ),
        ),
        either="a person's IIN or an entity's BIN, of 12 digits",
    ),
    naming=NAMINGS["namak:kz:1"],
    entity_naming=CertificateNaming(
        attribute="organizational_unit", prefix="BIN", number="[0-9]{4}[4-6][0-9]{7}"
    ),
    sender_domains=SenderDomains(top=("kz", "xn--80ao21a"), ascii_only=("kz",), idn_script="CYRILLIC"),
    phones=Phones(country_prefix="+7", pattern=r"\+7[67][0-9]{9}", example="+77000000000"),
    forwarding=Forwarding(targets=3, local_phones_only=True),
    registration=Registration(
        persons=(RegistrationWay.APPLICATION,),
        entities=(RegistrationWay.APPLICATION,),
        agreement=True,
        login=True,
        signatories_every=timedelta(days=1),
    ),
    correspondence=Correspondence(confirmed_profile=True, two_way=True, letters_a_day=100),
    sign_in=SignIn(
        methods=(SignInMethod.PASSWORD, SignInMethod.TOKEN, SignInMethod.CARD),
        card=DeviceLock(pins=10, puks=None),
        token=DeviceLock(pins=10, puks=None),
        mobile=None,
        mobile_code=None,
        passwords=Passwords(wrong=5, locked_for=timedelta(minutes=15), characters=12),
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
            *days_of(
                2026, "01-01 01-02 01-07 03-09 03-23 03-24 03-25 05-01 05-07 05-11 05-27 07-06 10-26 12-16"
            ),
            *days_of(
                2027, "01-01 01-04 01-07 03-08 03-15 03-22 03-23 03-24 05-03 05-07 05-10 07-06 10-25 12-16"
            ),
            *days_of(
                2028,
                "01-03 01-04 01-07 03-08 03-15 03-21 03-22 03-23 05-01 05-05 05-08 05-09 07-06 10-25 12-18",
            ),
        ),
    ),
)

_SILENT = "the documents on Kazakhstan are silent; the value of `am`"
_CRASH = "a crashed browser must not lock its user out for the rest of a session"
_NOTIFIED = "the documents do not say when a person is notified; the value of `am`"
_SENTENCE = "the documents know no sentence that confirms a reading; that of ADMIN-7, translated by us"
_HOLIDAYS = "the law on holidays as collected in the package `holidays`"

KZ_SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "code": stated("ISO 3166-1"),
        "evidence_policy": assumed("our name for evidence under this profile"),
        "operator_identifier": stated("seed 003: the operator's site"),
        "operator_name": stated("BOX-1"),
        "languages": assumed("POST-11 asks for kk where it is needed; the order exists in kk and ru"),
        "statement_language": assumed(f"{_SENTENCE}; the state's language"),
        "copy_statement": assumed("BOX-11 sets no words; they are ours"),
        "time_zone": stated("IANA time zone database"),
        "mailbox_domain": assumed("BOX-2 leaves the domain to the user agreement; the operator's site"),
        "mailbox_domain_aliases": assumed("the documents name none"),
        "notification_policy": assumed(_NOTIFIED),
        "notification_policies": assumed(_NOTIFIED),
        "identifiers.persons.iin": stated("BOX-10; the rules of forming identification numbers"),
        "identifiers.entities.bin": stated("BOX-10; the rules of forming identification numbers"),
        "identifiers.either": assumed("BOX-2: the address identifies its user; as in POST-3, by number"),
        "naming": stated("the national certification authority's certificates: IIN in serialNumber"),
        "entity_naming": stated("the national certification authority's certificates: BIN in OU"),
        "sender_domains": assumed(f"{_SILENT}, with the national domains .kz and .қаз"),
        "phones.country_prefix": stated("ITU-T E.164"),
        "phones.pattern": stated("the national numbering plan: codes that begin with 6 or 7"),
        "phones.example": assumed("a number that nobody has"),
        "forwarding": assumed(_SILENT),
        "registration.persons": stated("BOX-4"),
        "registration.entities": stated("BOX-4"),
        "registration.agreement": stated("BOX-3"),
        "registration.login": stated("BOX-8"),
        "registration.signatories_every": assumed("no period is set; who is dismissed may act for a day"),
        "correspondence": stated("BOX-9"),
        "correspondence.letters_a_day": assumed("BOX-9 sets no limit; more is no person's own writing"),
        "sign_in.methods": stated("BOX-8, BOX-9"),
        "sign_in.card": assumed("the documents on Kazakhstan are silent; the limit of SIGN-3"),
        "sign_in.token": assumed("the documents on Kazakhstan are silent; the limit of SIGN-3"),
        "sign_in.mobile": assumed("the documents know no mobile signature"),
        "sign_in.mobile_code": assumed("the documents know no mobile signature"),
        "sign_in.passwords": assumed("BOX-8 sets no limits"),
        "sessions": assumed("the documents on Kazakhstan are silent; the value of SIGN-5"),
        "sessions.takeover": assumed(
            "a crashed browser must not lock its user out for the rest of a session"
        ),
        "retention.unproved": assumed("nobody completes it any more; a day to look into what failed"),
        "retention.tries": assumed("longer than any lock"),
        "retention.sessions": assumed("no period is set; for a year holders may ask about one"),
        "retention.proofs": assumed("no period is set; for ten years a sign-in may be disputed"),
        "calendar.weekdays": assumed(_SILENT),
        "calendar.opens": assumed(_SILENT),
        "calendar.closes": assumed(_SILENT),
        "calendar.years": assumed("the years that the days off were looked up for"),
        "calendar.days_off": assumed(f"{_HOLIDAYS}; those that follow the moon are estimates"),
    }
)
