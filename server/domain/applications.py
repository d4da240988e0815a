"""Applications for a mailbox: how far they come, and what the registers say of them (BOX-4, BOX-10)."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from namak.evidence.registration import commitment
from server.domain.administration import Snapshot
from server.domain.holders import HolderData
from server.domain.mailboxes import HolderKind
from server.domain.profile import Registration, RegistrationWay
from server.domain.refusals import (
    ApplicationContradicted,
    ApplicationDecided,
    ApplicationWaiting,
    RegistrationWayClosed,
)
from server.domain.state_records import (
    EntityAnswer,
    EntityRecord,
    EntityState,
    Found,
    NotFound,
    PersonAnswer,
    PersonRecord,
    PersonState,
    Unavailable,
)

CHECK_LIFE: Final = timedelta(days=1)
"""How old what the registers said may be when an application is approved."""


class Channel(StrEnum):
    """How an application came."""

    ELECTRONIC = "ELECTRONIC"
    PAPER = "PAPER"


class ApplicationState(StrEnum):
    """How far an application has come."""

    RECEIVED = "RECEIVED"
    WAITING = "WAITING"
    CHECKED = "CHECKED"
    CONTRADICTED = "CONTRADICTED"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"


_ASKED = frozenset({ApplicationState.WAITING, ApplicationState.CHECKED, ApplicationState.CONTRADICTED})

FOLLOWS: Mapping[ApplicationState, frozenset[ApplicationState]] = MappingProxyType(
    {
        ApplicationState.RECEIVED: _ASKED | {ApplicationState.REFUSED},
        ApplicationState.WAITING: _ASKED | {ApplicationState.REFUSED},
        ApplicationState.CHECKED: _ASKED | {ApplicationState.APPROVED, ApplicationState.REFUSED},
        ApplicationState.CONTRADICTED: _ASKED | {ApplicationState.REFUSED},
        ApplicationState.APPROVED: frozenset(),
        ApplicationState.REFUSED: frozenset(),
    }
)
"""Which states can come after which. Only what the registers confirm is ever approved."""

UNDECIDED: Final = frozenset(state for state, following in FOLLOWS.items() if following)


class Finding(StrEnum):
    """Where a register contradicts an application."""

    NOT_REGISTERED = "NOT_REGISTERED"
    ENDED = "ENDED"
    NAME_DIFFERS = "NAME_DIFFERS"
    REGISTRATION_DIFFERS = "REGISTRATION_DIFFERS"
    SIGNER_NOT_SIGNATORY = "SIGNER_NOT_SIGNATORY"


@dataclass(frozen=True, slots=True, repr=False)
class Scan:
    """A paper's scan, and its media type."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True, repr=False)
class Application:
    """An application, as it came and as it stands.

    Attributes:
        signer_number: the person who signed it, on whichever way; for a natural person their own number.
        text: the exact bytes that were signed, or, of one on paper, would have been.
        cms: the signature, DER; None for one on paper.
        scan: the paper; None for one that was signed.
        salt: 32 random bytes: evidence holds the commitment to the text under it.
        agreement_version: the version of the user agreement that it joins; empty for none.
        mailbox_id: what was opened for it.
    """

    id: UUID
    channel: Channel
    data: HolderData
    login: str
    agreement_version: str
    signer_number: str
    text: bytes
    cms: bytes | None
    scan: Scan | None
    salt: bytes
    received_at: datetime
    state: ApplicationState = ApplicationState.RECEIVED
    findings: tuple[Finding, ...] = ()
    checked_at: datetime | None = None
    decided_at: datetime | None = None
    refusal_reason: str = ""
    mailbox_id: UUID | None = None

    def snapshot(self) -> Snapshot:
        """Returns what evidence says of it: no personal data, but commitments to them."""
        content = self.text + (b"" if self.scan is None else self.scan.content)
        checked = {"findings": tuple(self.findings)} if self.findings else {}
        why = self.refusal_reason.encode()
        refused = {"refusal_commitment": commitment(self.salt, why).hex()} if why else {}
        opened = {} if self.mailbox_id is None else {"mailbox": str(self.mailbox_id)}
        return {
            "state": self.state.value,
            "channel": self.channel.value,
            "text_commitment": commitment(self.salt, content).hex(),
            **checked,
            **refused,
            **opened,
        }

    def came_to(self, state: ApplicationState) -> "Application":
        """Returns the application in another state.

        Raises:
            ApplicationDecided: nothing follows the state that it is in.
            ValueError: that state can't follow; a defect.
        """
        self.check_undecided()
        if state not in FOLLOWS[self.state]:
            raise ValueError(f"{state} does not follow {self.state}")
        return replace(self, state=state)

    def check_undecided(self) -> None:
        """Raises `ApplicationDecided` once it is approved or refused."""
        if self.state not in UNDECIDED:
            raise ApplicationDecided(self.id, self.state.value)

    def asked(self, finding: "Sequence[Finding] | Unavailable", at: datetime) -> "Application":
        """Returns the application after the registers were asked: what they found against it, or nothing, or
        that one does not answer.

        What was known already stays known while a register is down.

        Raises:
            ApplicationDecided.
        """
        if isinstance(finding, Unavailable):
            known = self.state in (ApplicationState.CHECKED, ApplicationState.CONTRADICTED)
            self.check_undecided()
            return self if known else self.came_to(ApplicationState.WAITING)
        state = ApplicationState.CONTRADICTED if finding else ApplicationState.CHECKED
        return replace(self.came_to(state), findings=tuple(finding), checked_at=at)

    def needs_check(self, now: datetime) -> bool:
        """Whether the registers are to be asked before it may be approved."""
        if self.state is ApplicationState.CHECKED and self.checked_at is not None:
            return now - self.checked_at > CHECK_LIFE
        return self.state in UNDECIDED

    def check_approvable(self, now: datetime) -> None:
        """Checks that it may be approved now.

        Raises:
            ApplicationDecided, ApplicationContradicted.
            ApplicationWaiting: the registers have not said enough, or not lately.
        """
        self.check_undecided()
        if self.state is ApplicationState.CONTRADICTED:
            raise ApplicationContradicted(self.id, self.findings)
        if self.needs_check(now):
            raise ApplicationWaiting(self.id)


def findings_on(
    application: Application, answer: PersonAnswer | EntityAnswer
) -> Sequence[Finding] | Unavailable:
    """Returns where a register's answer contradicts an application (BOX-10)."""
    match answer:
        case Unavailable():
            return answer
        case NotFound():
            return [Finding.NOT_REGISTERED]
        case Found(record=PersonRecord() as person):
            return _on_person(application, person)
        case Found(record=EntityRecord() as entity):
            return _on_entity(application, entity)
    raise TypeError("no answer of a register")


def _on_person(application: Application, record: PersonRecord) -> Sequence[Finding]:
    found = []
    if record.state is not PersonState.ALIVE:
        found.append(Finding.ENDED)
    if not _same_name(record.name, application.data.name):
        found.append(Finding.NAME_DIFFERS)
    return found


def _on_entity(application: Application, record: EntityRecord) -> Sequence[Finding]:
    data, found = application.data, []
    # One in liquidation still has letters to receive.
    if record.state is EntityState.ENDED:
        found.append(Finding.ENDED)
    if not _same_name(record.name, data.name):
        found.append(Finding.NAME_DIFFERS)
    known = record.registration
    if known is not None and (known.number, known.issued_on) != (
        data.registration_number,
        data.registration_date,
    ):
        found.append(Finding.REGISTRATION_DIFFERS)
    if application.signer_number not in {signatory.number for signatory in record.signatories}:
        found.append(Finding.SIGNER_NOT_SIGNATORY)
    return found


def _same_name(one: str, other: str) -> bool:
    """Tells whether two spellings are of one name: case, the way of composing letters, and blanks aside."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def check_way_open(rules: Registration, kind: HolderKind, way: RegistrationWay) -> None:
    """Checks that the jurisdiction lets this kind of holder come by a mailbox in this way (POST-3, BOX-4).

    Raises:
        RegistrationWayClosed.
    """
    open_ways = rules.persons if kind is HolderKind.PERSON else rules.entities
    if way not in open_ways:
        raise RegistrationWayClosed(kind.value, way.value, open_ways)


def is_person(application: Application) -> bool:
    """Whether a natural person applies."""
    return application.data.kind is HolderKind.PERSON
