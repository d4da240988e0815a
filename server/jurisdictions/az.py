"""Azerbaijan (seed 004): sign-in by phone, token and card, lock-outs, sessions."""

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
    MobileCode,
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

_FIN = "[0-9A-HJ-NP-Z]{7}"

AZ = Profile(
    code="az",
    evidence_policy="namak:az:1",
    operator_identifier="e-gov.az",
    operator_name="Elektron hökumət",
    languages=("az", "ru", "en"),
    statement_language="az",
    copy_statement=TRUE_COPY,
    time_zone="Asia/Baku",
    mailbox_domain="post.e-gov.az",
    mailbox_domain_aliases=(),
    notification_policy="am-2015@1",
    notification_policies=("am-2015@1",),
    identifiers=Identifiers(
        persons=(
            IdentifierRule(
                id="fin",
                name="fərdi identifikasiya nömrəsi (FİN)",
                pattern=_FIN,
                form="7 letters and digits, without I and O",
            ),
        ),
        entities=(
            IdentifierRule(
                id="voen",
                name="vergi ödəyicisinin eyniləşdirmə nömrəsi (VÖEN)",
                pattern="[0-9]{9}1",
                form="10 digits of a legal person's VÖEN",
                check=IdentifierCheck.AZ_VOEN,
            ),
        ),
        either="a person's FIN of 7 letters and digits or an entity's VÖEN of 10 digits",
    ),
    naming=NAMINGS["namak:az:1"],
    entity_naming=CertificateNaming(attribute="organization_identifier", prefix="VATAZ-", number="[0-9]{9}1"),
    sender_domains=SenderDomains(top=("az",), ascii_only=("az",), idn_script="LATIN"),
    phones=Phones(country_prefix="+994", pattern=r"\+994[0-9]{9}", example="+994000000000"),
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
        methods=(SignInMethod.MOBILE_ID, SignInMethod.TOKEN, SignInMethod.CARD),
        card=DeviceLock(pins=10, puks=None),
        token=DeviceLock(pins=10, puks=None),
        mobile=DeviceLock(pins=3, puks=3),
        mobile_code=MobileCode.ENTER,
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
            *days_of(
                2026,
                "01-01 01-02 01-20 03-09 03-20 03-23 03-24 03-25 03-26 03-27 03-30 05-11 "
                "05-27 05-28 05-29 06-15 06-26 11-09 11-10 12-31",
            ),
            *days_of(
                2027,
                "01-01 01-04 01-20 03-08 03-09 03-10 03-22 03-23 03-24 03-25 03-26 05-10 "
                "05-17 05-18 05-28 06-15 06-28 11-08 11-09 12-31",
            ),
            *days_of(
                2028,
                "01-03 01-04 01-20 02-28 02-29 03-08 03-20 03-21 03-22 03-23 03-24 05-05 "
                "05-08 05-09 05-29 06-15 06-26 11-08 11-09",
            ),
        ),
    ),
)

_SILENT = "seed 004 is about a portal, not a post; the value of `am`"
_CRASH = "a crashed browser must not lock its user out for the rest of a session"
_SENTENCE = "the documents know no sentence that confirms a reading; that of ADMIN-7, translated by us"
_HOLIDAYS = "the labour code's days off as collected in the package `holidays`"

AZ_SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "code": stated("ISO 3166-1"),
        "evidence_policy": assumed("our name for evidence under this profile"),
        "operator_identifier": assumed("seed 004 names no operator of a post; the portal's site"),
        "operator_name": assumed("seed 004 names no operator of a post; the portal"),
        "languages": assumed("POST-11 asks for az where it is needed"),
        "statement_language": assumed(f"{_SENTENCE}; the state's language"),
        "copy_statement": assumed("BOX-11 sets no words; they are ours"),
        "time_zone": stated("IANA time zone database"),
        "mailbox_domain": assumed("seed 004 knows no mailboxes; a name below the portal's site"),
        "mailbox_domain_aliases": assumed("seed 004 knows no mailboxes"),
        "notification_policy": assumed(_SILENT),
        "notification_policies": assumed(_SILENT),
        "identifiers.persons.fin": stated("published by the issuer of identity cards; no check is published"),
        "identifiers.entities.voen": stated("published by the tax service; legal persons' end in 1"),
        "identifiers.either": assumed("as in POST-3 and POST-4, by number"),
        "naming": assumed("ETSI EN 319 412-1, 5.1.3: a national personal number"),
        "entity_naming": assumed("ETSI EN 319 412-1, 5.1.4: a tax number"),
        "sender_domains": assumed(f"{_SILENT}, with the national domain .az"),
        "phones.country_prefix": stated("ITU-T E.164"),
        "phones.pattern": stated("the national numbering plan: nine digits after the country's"),
        "phones.example": assumed("a number that nobody has"),
        "forwarding": assumed(_SILENT),
        "registration": assumed(_SILENT),
        "correspondence": assumed(_SILENT),
        "sign_in.methods": stated("SIGN-1, SIGN-3"),
        "sign_in.card": stated("SIGN-3"),
        "sign_in.token": stated("SIGN-3"),
        "sign_in.card.puks": assumed("SIGN-3 names no limit"),
        "sign_in.token.puks": assumed("SIGN-3 names no limit"),
        "sign_in.mobile": stated("SIGN-2"),
        "sign_in.mobile_code": stated("SIGN-1"),
        "sign_in.passwords": stated("SIGN-1, SIGN-3: sign-in is by signature"),
        "sessions": stated("SIGN-5"),
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
