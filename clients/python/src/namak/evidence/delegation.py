"""Rights in somebody else's mailbox, as administrative acts say them: an entity's registered signatory, and
delegates.

What these acts say of a mailbox is read by verifiers too, so it has one form. ``docs/receipts.md`` is
normative.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from namak.evidence.administrative_act import Fields, RecordedAct
from namak.evidence.failures import MalformedEvidence
from namak.evidence.strict_json import HEX_DIGEST_FORM
from namak.evidence.times import format_time, parse_time

DELEGATION: Final = "DELEGATION"
"""The kind of resource that a delegation is; it has an identifier of its own, a UUID."""

SIGNATORY: Final = "SIGNATORY"
"""The kind of resource that an entity's registered signatory is; its identifier is the mailbox's address."""

GRANT: Final = "GrantDelegation"
"""The act that gives a delegate a right."""

REVOKE: Final = "RevokeDelegation"
"""The act that takes it back."""


class Right(StrEnum):
    """What a delegate may do."""

    READ = "READ"
    """List, open and read the letters."""
    READ_AND_CONFIRM = "READ_AND_CONFIRM"
    """Confirm by signature that they were read, besides."""


@dataclass(frozen=True, slots=True)
class DelegationTerms:
    """What a delegate was given: ``right`` in ``mailbox``, from ``start`` on, before ``expire``.

    ``delegate`` is a personal number. ``under`` is the hex digest of the act that made the grantor the
    signatory of the entity whose mailbox it is; None where the grantor is the holder.
    """

    mailbox: str
    delegate: str
    right: Right
    start: datetime
    expire: datetime
    under: str | None = None

    def fields(self) -> Mapping[str, str]:
        """Returns the terms as an act has them."""
        under = {} if self.under is None else {"under": self.under}
        return {
            "mailbox": self.mailbox,
            "delegate": self.delegate,
            "right": self.right.value,
            "start_time": format_time(self.start),
            "expire_time": format_time(self.expire),
            **under,
        }

    @classmethod
    def granted_by(cls, act: RecordedAct) -> Self:
        """Returns what an act grants. Raises :class:`MalformedEvidence` for an act that grants nothing."""
        details = act.document.details
        if details.resource.kind != DELEGATION or details.act != GRANT or details.before is not None:
            raise MalformedEvidence("the act grants no delegation")
        fields = details.after or {}
        return cls(
            mailbox=_text(fields, "mailbox"),
            delegate=_text(fields, "delegate"),
            right=_right(fields),
            start=_time(fields, "start_time"),
            expire=_time(fields, "expire_time"),
            under=_digest(fields, "under"),
        )


@dataclass(frozen=True, slots=True)
class SignatoryEntry:
    """What the register of entities said: that ``person`` may sign for the entity whose ``mailbox`` it is.

    ``register_time`` is when the register said so.
    """

    mailbox: str
    person: str
    register_time: datetime

    def fields(self) -> Mapping[str, str]:
        """Returns the entry as an act has it."""
        return {
            "mailbox": self.mailbox,
            "person": self.person,
            "register_time": format_time(self.register_time),
        }

    @classmethod
    def made_by(cls, act: RecordedAct) -> Self:
        """Returns what an act enters. Raises :class:`MalformedEvidence` for an act that enters nobody."""
        details = act.document.details
        if details.resource.kind != SIGNATORY or details.after is None:
            raise MalformedEvidence("the act enters no signatory")
        entry = cls(
            mailbox=_text(details.after, "mailbox"),
            person=_text(details.after, "person"),
            register_time=_time(details.after, "register_time"),
        )
        if details.resource.identifier != entry.mailbox:
            raise MalformedEvidence("the act enters a signatory of another mailbox than it says")
        return entry


def is_ended_by(act: RecordedAct, other: RecordedAct) -> bool:
    """Tells whether the right that ``act`` gave was taken back by ``other``."""
    given, taken = act.document.details, other.document.details
    if given.resource != taken.resource or act.digest == other.digest:
        return False
    if given.resource.kind == DELEGATION:
        return taken.act == REVOKE
    # Of an entity's signatory the next entry, or none, takes the place.
    return given.resource.kind == SIGNATORY and taken.before == given.after


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise MalformedEvidence(f"the act does not say its {name}")
    return value


def _time(fields: Fields, name: str) -> datetime:
    try:
        return parse_time(_text(fields, name))
    except ValueError:
        raise MalformedEvidence(f"the act's {name} is no time") from None


def _right(fields: Fields) -> Right:
    try:
        return Right(_text(fields, "right"))
    except ValueError:
        raise MalformedEvidence("the act gives a right that there is not") from None


def _digest(fields: Fields, name: str) -> str | None:
    if name not in fields:
        return None
    if not HEX_DIGEST_FORM.fullmatch(digest := _text(fields, name)):
        raise MalformedEvidence(f"the act's {name} is no SHA-256")
    return digest
