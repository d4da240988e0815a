"""What the state's registers say of a person or an entity (BOX-10), as values.

Nothing here prints what it holds: a record that strays into a log line or a traceback shows no personal data.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Generic, TypeVar


class PersonState(StrEnum):
    """What the register of persons knows of a person's life."""

    ALIVE = "alive"
    DEAD = "dead"


class EntityState(StrEnum):
    """What the register of entities knows of an entity's existence."""

    REGISTERED = "registered"
    IN_LIQUIDATION = "in_liquidation"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, repr=False)
class IdentityDocument:
    """The identity document in force: its kind as the register names it (`id-card`), its number, its last day
    (None where it has none).
    """

    kind: str
    number: str
    expires_on: date | None


@dataclass(frozen=True, slots=True, repr=False)
class PersonRecord:
    """One person in the register of persons.

    Attributes:
        number: the personal number (public services number, IIN, FIN), exactly as it was asked for.
        name: the full name, as the register writes it.
        document: None where the register knows of none in force.
        address: the registered residence on one line, empty where there is none.
    """

    number: str
    name: str
    state: PersonState
    document: IdentityDocument | None
    address: str


@dataclass(frozen=True, slots=True, repr=False)
class RegistrationCertificate:
    """The certificate of state registration (BOX-4)."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True, repr=False)
class Signatory:
    """A person who may sign for an entity alone, by personal number."""

    number: str
    name: str


@dataclass(frozen=True, slots=True, repr=False)
class EntityRecord:
    """One entity in the register of entities.

    Attributes:
        code: the entity code (BIN, VÖEN), exactly as it was asked for.
        name: the full name, as the register writes it.
        registration: None where the register knows of none.
        address: the legal address on one line, empty where there is none.
        signatories: those registered now; none twice.
    """

    code: str
    name: str
    state: EntityState
    registration: RegistrationCertificate | None
    address: str
    signatories: tuple[Signatory, ...]


class Fault(StrEnum):
    """Why a register gave no usable answer; constant, so that it may be logged and counted."""

    NOT_CONFIGURED = "not_configured"
    """The settings name no such register."""
    UNREACHABLE = "unreachable"
    """No connection came about, or it broke off."""
    UNTRUSTED = "untrusted"
    """Whoever answered is not the register: its certificate does not lead to the authorities set, or has
    another name. Or it does not take ours.
    """
    TIMED_OUT = "timed_out"
    REFUSED_US = "refused_us"
    """It does not let us ask (401, 403)."""
    BUSY = "busy"
    """It has had too many questions (429), or has no time now (503 with Retry-After)."""
    FAILED = "failed"
    """It failed (5xx), or answered with a status that the protocol does not have."""
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    """The answer is not in the protocol's form."""
    ANOTHER_RECORD = "another_record"
    """The answer is in form, and is about somebody else."""
    RESTING = "resting"
    """It failed too often just now, so that it is not asked for a while."""

    @property
    def may_be_the_records(self) -> bool:
        """Whether the record asked for may be the cause, so that another one may be had all the same."""
        return self in (
            Fault.TIMED_OUT,
            Fault.FAILED,
            Fault.TOO_LARGE,
            Fault.MALFORMED,
            Fault.ANOTHER_RECORD,
        )


R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Found(Generic[R]):
    """The register has this record.

    `age` is how long ago the register said so: from when the question was sent, so never too little. Whether
    that is fresh enough is for whoever asked to decide.
    """

    record: R = field(repr=False)
    age: timedelta


@dataclass(frozen=True, slots=True)
class NotFound:
    """The register itself says, now, that it has no such record."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Nothing is known: whoever asked waits, and decides nothing (an application is neither approved nor
    refused).

    `retry_after` is how long to wait at least before asking again.
    """

    fault: Fault
    retry_after: timedelta


PersonAnswer = Found[PersonRecord] | NotFound | Unavailable
EntityAnswer = Found[EntityRecord] | NotFound | Unavailable
