"""What a jurisdiction decides, as values; the data itself stands in `server/jurisdictions`.

A profile holds no rule that runs: rules are in the domain and read the values. Where each value comes from
stands beside it, in `server/domain/profile_sources.py`'s terms, so that who uses a value needs not look past
it.
"""

from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum

from namak.evidence.signature import CertificateNaming


class IdentifierCheck(StrEnum):
    """What is checked of an identifier besides its form; the rules are in `server/domain/identifiers.py`."""

    NONE = "none"
    """Nothing more is published."""
    KZ_IIN = "kz-iin"
    """Date of birth, century and sex, check digit."""
    KZ_BIN = "kz-bin"
    """Month of registration, kind of entity, check digit."""
    AZ_VOEN = "az-voen"
    """Legal status and check digit."""


@dataclass(frozen=True, slots=True)
class IdentifierRule:
    """One kind of number that persons or entities are known by.

    Attributes:
        id: names the kind, `iin`.
        name: what it is called, in the jurisdiction's own words.
        pattern: regular expression of the canonical form, ASCII; the whole number must match.
        form: the form in words, `10 digits`.
        check: what else is checked.
    """

    id: str
    name: str
    pattern: str
    form: str
    check: IdentifierCheck = IdentifierCheck.NONE


@dataclass(frozen=True, slots=True)
class Identifiers:
    """The numbers before the `@` of official addresses, which are those of persons and entities everywhere
    else too (POST-3, POST-4, BOX-10).

    A number of one kind is never one of another's, unless both are persons' or both are entities'.

    Attributes:
        persons, entities: the kinds of number; the first is the usual one.
        either: what may stand before the `@`, in words.
    """

    persons: tuple[IdentifierRule, ...]
    entities: tuple[IdentifierRule, ...]
    either: str


@dataclass(frozen=True, slots=True)
class SenderDomains:
    """Under which domains senders' addresses must be (ADMIN-4).

    Attributes:
        top: national top-level domains, as A-labels.
        ascii_only: those of them that admit no IDN labels below.
        idn_script: the Unicode script name that a label under one of the others must be written in.
    """

    top: tuple[str, ...]
    ascii_only: tuple[str, ...]
    idn_script: str


@dataclass(frozen=True, slots=True)
class Phones:
    """Which phone numbers are local (POST-6).

    Attributes:
        country_prefix: `+374`.
        pattern: regular expression of a local number in E.164's form, ASCII; the whole number must match.
        example: one that matches and is nobody's.
    """

    country_prefix: str
    pattern: str
    example: str


@dataclass(frozen=True, slots=True)
class Forwarding:
    """How a holder may have messages forwarded (POST-6).

    Attributes:
        targets: at most so many e-mail addresses and phones together.
        local_phones_only: whether a phone must be one of `Profile.phones`.
    """

    targets: int
    local_phones_only: bool


class RegistrationWay(StrEnum):
    """How a holder comes by a mailbox."""

    CARD_REGISTER = "card-register"
    """It is opened with the issue of the identity card (POST-3)."""
    APPLICATION = "application"
    """The holder applies for it (BOX-4)."""


@dataclass(frozen=True, slots=True)
class Registration:
    """How mailboxes come to be. Beside these ways the operator may open any by hand, on a document.

    Attributes:
        persons, entities: the ways that are open to natural persons, and to legal entities; any other is
            refused.
        agreement: whether an applicant joins the user agreement in force (BOX-3); the operator publishes it.
            Where there is none to join, applications name none.
        login: whether the user chooses a login, unique among all (BOX-8).
        signatories_every: how long what the register of entities said about who may sign for one (BOX-10) is
            relied on before the register is asked again.
    """

    persons: tuple[RegistrationWay, ...]
    entities: tuple[RegistrationWay, ...]
    agreement: bool
    login: bool
    signatories_every: timedelta


@dataclass(frozen=True, slots=True)
class Correspondence:
    """What a holder may receive and write.

    Attributes:
        confirmed_profile: whether official letters are received and sent only once the holder confirmed the
            profile with a signature (BOX-9).
        two_way: whether a holder writes to state bodies and replies.
        letters_a_day: how many letters a holder may write on one local day.
    """

    confirmed_profile: bool
    two_way: bool
    letters_a_day: int


class SignInMethod(StrEnum):
    """A way to sign in."""

    CARD = "card"
    """An identity card's authentication key (POST-5)."""
    TOKEN = "token"  # noqa: S105 - the name of a device
    """The authentication key of a token (SIGN-3)."""
    MOBILE_ID = "mobile-id"
    """The authentication key in a phone's SIM (SIGN-1)."""
    PASSWORD = "password"  # noqa: S105 - the name of a method
    """Login and password of the user's choice (BOX-8)."""


class MobileCode(StrEnum):
    """What the user does with the 4-digit code that ties phone and portal together (SIGN-1)."""

    COMPARE = "compare"
    """Both screens show it, and the user compares."""
    ENTER = "enter"
    """The phone shows it, and the user enters it at the portal."""


@dataclass(frozen=True, slots=True)
class DeviceLock:
    """How many wrong codes lock a device; None where it has no such code, or nothing is known of it.

    Attributes:
        pins: wrong PINs in a row until only the PUK helps.
        puks: wrong PUKs in a row until the device is of no use any more.
    """

    pins: int | None
    puks: int | None


@dataclass(frozen=True, slots=True)
class Passwords:
    """What holds for passwords.

    Attributes:
        wrong: wrong passwords in a row that lock the login.
        locked_for: how long it stays locked.
        characters: a password has at least so many.
    """

    wrong: int
    locked_for: timedelta
    characters: int


@dataclass(frozen=True, slots=True)
class SignIn:
    """How holders sign in.

    Attributes:
        methods: the ways offered, the usual one first.
        card, token, mobile: when such a device locks (SIGN-2, SIGN-3); None where the method is not offered.
        mobile_code: what is done with the code; None where mobile id is not offered.
        passwords: None where passwords are not offered.
    """

    methods: tuple[SignInMethod, ...]
    card: DeviceLock | None
    token: DeviceLock | None
    mobile: DeviceLock | None
    mobile_code: MobileCode | None
    passwords: Passwords | None


@dataclass(frozen=True, slots=True)
class Sessions:
    """How long a sign-in holds (SIGN-5).

    Attributes:
        length: a session ends so long after the sign-in, whatever is done meanwhile.
        at_once: a holder has at most so many.
        takeover: whether a fresh sign-in with a PIN may ask to end the session there is, instead of being
            refused because of it.
    """

    length: timedelta
    at_once: int
    takeover: bool


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what signing in leaves behind is kept; a worker deletes what is older. Evidence is for ever.

    Attributes:
        unproved: what was started and proved nothing, after it expired: sign-ins with their challenges, and
            questions to phones.
        tries: counts of tries, after the last one.
        sessions: sessions, after the time that they could be used for.
        proofs: the signatures and certificates by which people signed in, and what phones signed, after the
            time that they could be given.
    """

    unproved: timedelta
    tries: timedelta
    sessions: timedelta
    proofs: timedelta


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """When the post's people, and state bodies, work (ADMIN-8).

    Days off are published year by year: some follow the moon, and governments move others.

    Attributes:
        weekdays: working days of the week, Monday is 0.
        opens, closes: the working hours, local time.
        years: the years for which the days off are known.
        days_off: the days of these years, among the working days of the week, on which nobody works.
    """

    weekdays: tuple[int, ...]
    opens: time
    closes: time
    years: tuple[int, ...]
    days_off: tuple[date, ...]


def days_of(year: int, days: str) -> tuple[date, ...]:
    """Returns days of one year that are written as `01-28 03-09`."""
    return tuple(date.fromisoformat(f"{year}-{day}") for day in days.split())


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The rules of one jurisdiction.

    Attributes:
        code: ISO 3166 code in lower case, `am`.
        evidence_policy: `EvidenceIssuerPolicyID` of the evidence issued under it.
        operator_identifier, operator_name: `EvidenceIssuerDetails`.
        languages: what texts are offered in (POST-11), BCP 47; the first governs.
        statement_language: the language of the sentence that confirms a reading (ADMIN-7); that which
            verifiers know for `evidence_policy`.
        time_zone: the IANA name of the zone whose calendar days count, `Asia/Yerevan` (ADMIN-5).
        copy_statement: the version of what the operator states of scans of letters on paper (BOX-11), one of
            those that verifiers know.
        mailbox_domain: the canonical domain of official addresses; `mailbox_domain_aliases` are accepted
            and replaced (POST-4).
        notification_policy: `name@version` of the policy under which new deliveries are accepted (LADDER-2);
            one of `notification_policies`, under which there may be deliveries.
        naming: how a personal certificate names its person.
        entity_naming: how an entity's certificate names the entity.
    """

    code: str
    evidence_policy: str
    operator_identifier: str
    operator_name: str
    languages: tuple[str, ...]
    statement_language: str
    copy_statement: str
    time_zone: str
    mailbox_domain: str
    mailbox_domain_aliases: tuple[str, ...]
    notification_policy: str
    notification_policies: tuple[str, ...]
    identifiers: Identifiers
    naming: CertificateNaming
    entity_naming: CertificateNaming
    sender_domains: SenderDomains
    phones: Phones
    forwarding: Forwarding
    registration: Registration
    correspondence: Correspondence
    sign_in: SignIn
    sessions: Sessions
    retention: Retention
    calendar: WorkingCalendar
