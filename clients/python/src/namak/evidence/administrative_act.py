"""The evidence of an administrative act: who changed what in the registers, from where, before and after.

It is about no message, so it names neither sender, recipient nor content; all that it says stands in
``Extensions``. ``docs/receipts.md`` is normative.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Final, Self
from uuid import UUID

from namak.evidence.details import REQUEST_ID_FORM
from namak.evidence.document import (
    DOCUMENT_LIMIT,
    SALT_BYTES,
    VERSION,
    Issuer,
    entry_of,
    event_of,
    read_issuer,
    read_policy_id,
)
from namak.evidence.encoding import encode_base64
from namak.evidence.events import ADMINISTRATIVE_ACT, Event, Extension
from namak.evidence.failures import MalformedEvidence
from namak.evidence.strict_json import IpAddress, Value, load
from namak.evidence.times import format_time

FIELDS_LIMIT: Final = 100
"""What was before, or is after, has at most so many fields."""

VALUES_LIMIT: Final = 1000
"""A field that is a list has at most so many items."""

VALUE_LIMIT: Final = 1000
"""A field's value, or a list's item, has at most so many characters."""

FieldValue = str | tuple[str, ...]
Fields = Mapping[str, FieldValue]
"""A thing's fields by name. A field that has no value, and a list without items, is not there."""

_ACT = re.compile(r"[A-Za-z][A-Za-z0-9 -]{0,63}", re.ASCII)
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_RESOURCE_KIND = re.compile(r"[A-Z][A-Z_]{0,31}", re.ASCII)
_IDENTIFIER_LIMIT = 320
_COMMON_KEYS = (
    "version",
    "EvidenceIdentifier",
    "ERDSEventId",
    "EventTime",
    "EvidenceIssuerPolicyID",
    "EvidenceIssuerDetails",
    "Extensions",
)


class ActorKind(StrEnum):
    """In what capacity somebody acted."""

    OPERATOR = "OPERATOR"
    """The operator of the post, with a certificate bound as its own."""
    ADMINISTRATOR = "ADMINISTRATOR"
    """A person whom the operator enabled as administrator of the organisation (ADMIN-1)."""
    COMMAND_LINE = "COMMAND_LINE"
    """Somebody at the server's own command line; who that was, the operating system knows."""
    CLERK = "CLERK"
    """A clerk's desk of the post, with a certificate bound as such."""
    HOLDER = "HOLDER"
    """A person who acts for themselves, or for the entity whose signatory they are."""
    SERVER = "SERVER"
    """The server by itself, for example when it asks a register again."""


_NOWHERE: Final = frozenset({ActorKind.COMMAND_LINE, ActorKind.SERVER})
# Whose acts come over no connection, and so from no address and with no certificate.


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted: ``certificate`` is the hex SHA-256 of the client certificate's DER, ``person`` the personal
    number of an administrator or a holder.

    The operator and clerks have a certificate only, administrators and holders both, the command line and the
    server neither. A holder's certificate is that of the portal where they are signed in at one.
    """

    kind: ActorKind
    certificate: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """What was acted on: its kind, for example ``SENDER_ADDRESS``, and its identifier: a UUID, a domain, a
    mailbox's address, a person's number, or a certificate's SHA-256 in hexadecimal.
    """

    kind: str
    identifier: str


@dataclass(frozen=True, slots=True)
class ActDetails:
    """What was done.

    Attributes:
        act: the method's name, ``UpdateSenderAddress``, or a command's of the server, ``operator bind``.
        acted_from: the address that the call came from; None for the command line and the server, and for
            those acts of holders that others than the operator get to see.
        organisation: the code of the organisation whose thing it was; None for mailboxes and for what is the
            operator's own.
        before, after: the thing's fields; None where there was, or is, no such thing. They differ.
        request_id: the caller's identifier of the request, where it had one.
    """

    act: str
    actor: Actor
    acted_from: IpAddress | None
    organisation: str | None
    resource: Resource
    before: Fields | None
    after: Fields | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class AdministrativeAct:
    """The evidence of one administrative act, parsed; see `EvidenceDocument` for what they have in common."""

    evidence_id: UUID
    event_time: datetime
    policy_id: str
    issuer: Issuer
    salt: bytes
    details: ActDetails

    @property
    def event(self) -> Event:
        """AdministrativeAct."""
        return ADMINISTRATIVE_ACT

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Returns what ``data`` says. Raises :class:`MalformedEvidence` for whatever the format does not
        permit.
        """
        return cls.read(load(data, DOCUMENT_LIMIT))

    @classmethod
    def read(cls, value: Value) -> Self:
        """Returns what a document says that was loaded already. Raises as :meth:`parse` does."""
        if event_of(value) != ADMINISTRATIVE_ACT:
            value.refuse("not an AdministrativeAct")
        fields = value.fields(_COMMON_KEYS)
        fields["version"].exactly(VERSION)
        extensions = fields["Extensions"].fields(("salt", *_required()), ADMINISTRATIVE_ACT.optional)
        return cls(
            evidence_id=fields["EvidenceIdentifier"].uuid(),
            event_time=fields["EventTime"].time(),
            policy_id=read_policy_id(fields["EvidenceIssuerPolicyID"]),
            issuer=read_issuer(fields["EvidenceIssuerDetails"]),
            salt=extensions["salt"].base64(SALT_BYTES, SALT_BYTES),
            details=_read_details(fields["Extensions"], extensions),
        )

    def encode(self) -> bytes:
        """Returns the bytes to be stored, hashed and handed out: the one time that the document is written.

        Raises :class:`MalformedEvidence` when they would not parse to this very document.
        """
        written = {
            "version": VERSION,
            "EvidenceIdentifier": str(self.evidence_id),
            "ERDSEventId": ADMINISTRATIVE_ACT.uri,
            "EventTime": format_time(self.event_time),
            "EvidenceIssuerPolicyID": [self.policy_id],
            "EvidenceIssuerDetails": {"Identifier": self.issuer.identifier, "Name": self.issuer.name},
            "Extensions": {"salt": encode_base64(self.salt), **_write_details(self.details)},
        }
        text = json.dumps(written, ensure_ascii=False, separators=(",", ":"))
        data = text.encode("utf-8", errors="surrogatepass")
        if type(self).parse(data) != self:
            raise MalformedEvidence("the document does not come back as it was written")
        return data


@dataclass(frozen=True)
class RecordedAct:
    """The evidence of an administrative act with the bytes that were recorded; ``data`` is what counts."""

    document: AdministrativeAct
    data: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Returns the act that ``data`` records. Raises :class:`MalformedEvidence`."""
        return cls(AdministrativeAct.parse(data), data)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the bytes in lower-case hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def entry(self) -> bytes:
        """The log's entry of this evidence."""
        return entry_of(self.data)


def _required() -> tuple[Extension, ...]:
    keys = ADMINISTRATIVE_ACT.extensions or ()
    return tuple(key for key in keys if key not in ADMINISTRATIVE_ACT.optional)


def _read_details(whole: Value, fields: Mapping[str, Value]) -> ActDetails:
    details = ActDetails(
        act=fields[Extension.ACT].matching(_ACT),
        actor=_read_actor(fields[Extension.ACTOR]),
        acted_from=value.ip_address() if (value := fields.get(Extension.ACTED_FROM)) else None,
        organisation=value.line(64) if (value := fields.get(Extension.ORGANISATION)) else None,
        resource=_read_resource(fields[Extension.RESOURCE]),
        before=_read_fields(value) if (value := fields.get(Extension.BEFORE)) else None,
        after=_read_fields(value) if (value := fields.get(Extension.AFTER)) else None,
        request_id=value.matching(REQUEST_ID_FORM) if (value := fields.get(Extension.REQUEST_ID)) else None,
    )
    kind = details.actor.kind
    if kind is not ActorKind.HOLDER and (details.acted_from is None) != (kind in _NOWHERE):
        whole.refuse("an act has an address that it came from, but for those of this machine itself")
    if kind is ActorKind.ADMINISTRATOR and details.organisation is None:
        whole.refuse("an administrator acts for an organisation")
    # Both absent are equal too.
    if details.before == details.after:
        whole.refuse("an act changes something")
    return details


def _read_actor(value: Value) -> Actor:
    kind = _read_kind(value)
    keys = {
        ActorKind.OPERATOR: ("kind", "certificate"),
        ActorKind.ADMINISTRATOR: ("kind", "certificate", "person"),
        ActorKind.COMMAND_LINE: ("kind",),
        ActorKind.CLERK: ("kind", "certificate"),
        ActorKind.HOLDER: ("kind", "certificate", "person"),
        ActorKind.SERVER: ("kind",),
    }[kind]
    fields = value.fields(keys)
    return Actor(
        kind,
        fields["certificate"].hex_digest() if "certificate" in fields else None,
        fields["person"].line(64) if "person" in fields else None,
    )


def _read_kind(value: Value) -> ActorKind:
    if not value.has("kind"):
        value.refuse("kind is missing")
    spelled = Value(value.raw["kind"], "kind", value)  # type: ignore[index]  # `has` says that it is an object
    try:
        return ActorKind(spelled.string())
    except ValueError:
        spelled.refuse("no kind of actor")


def _read_resource(value: Value) -> Resource:
    fields = value.fields(["kind", "id"])
    return Resource(fields["kind"].matching(_RESOURCE_KIND), fields["id"].line(_IDENTIFIER_LIMIT))


def _read_fields(value: Value) -> Fields:
    return {name: _read_value(item) for name, item in value.entries(_FIELD_NAME, FIELDS_LIMIT).items()}


def _read_value(value: Value) -> FieldValue:
    if isinstance(value.raw, list):
        return tuple(item.line(VALUE_LIMIT) for item in value.items(1, VALUES_LIMIT))
    return value.line(VALUE_LIMIT)


def _write_details(details: ActDetails) -> dict[str, object]:
    actor = {"kind": details.actor.kind, "certificate": details.actor.certificate}
    actor["person"] = details.actor.person
    written: dict[str, object] = {
        Extension.ACT: details.act,
        Extension.ACTOR: {key: value for key, value in actor.items() if value is not None},
        Extension.ACTED_FROM: None if details.acted_from is None else str(details.acted_from),
        Extension.ORGANISATION: details.organisation,
        Extension.RESOURCE: {"kind": details.resource.kind, "id": details.resource.identifier},
        Extension.BEFORE: details.before,
        Extension.AFTER: details.after,
        Extension.REQUEST_ID: details.request_id,
    }
    return {key: value for key, value in written.items() if value is not None}
