"""The evidence that the operator stopped taking messages for want of witnesses, and that it began again.

It is about no message, so it names neither sender, recipient nor content; all that it says stands in
``Extensions``. ``docs/receipts.md`` is normative.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, Self
from uuid import UUID

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
from namak.evidence.events import OUTAGE_BEGAN, OUTAGE_ENDED, Event, Extension
from namak.evidence.failures import MalformedEvidence
from namak.evidence.strict_json import Value, load
from namak.evidence.times import format_time

_ORIGIN = re.compile(r"[a-z0-9.-]+(/[a-z0-9.-]+)+", re.ASCII)
_SIZES: Final = 2**63
_SECONDS: Final = 366 * 24 * 3600
"""No debt limit is a year long."""
_COMMON_KEYS = (
    "version",
    "EvidenceIdentifier",
    "ERDSEventId",
    "EventTime",
    "EvidenceIssuerPolicyID",
    "EvidenceIssuerDetails",
    "Extensions",
)


@dataclass(frozen=True, slots=True)
class OutageBeganDetails:
    """The ``shard`` of the log, the size of the largest tree of it that witnesses had cosigned, since when
    the oldest evidence beyond that waited, and how long it may (docs/log-operations.md): whole seconds.
    """

    shard: str
    witnessed_size: int
    unwitnessed_since: datetime
    debt_limit: timedelta


@dataclass(frozen=True, slots=True)
class OutageEndedDetails:
    """The ``shard``, the size of the largest tree of it that witnesses have cosigned now, and the hex digest
    of the evidence that the outage ``began``.
    """

    shard: str
    witnessed_size: int
    began: str


OutageDetails = OutageBeganDetails | OutageEndedDetails


@dataclass(frozen=True, slots=True)
class OutageDocument:
    """OutageBegan or OutageEnded, parsed; see `EvidenceDocument` for what they have in common with others.

    Between the two the operator refused every new submission with EVIDENCE_DEBT_EXCEEDED.
    """

    evidence_id: UUID
    event_time: datetime
    policy_id: str
    issuer: Issuer
    salt: bytes
    details: OutageDetails

    @property
    def event(self) -> Event:
        """OutageBegan or OutageEnded."""
        return OUTAGE_BEGAN if isinstance(self.details, OutageBeganDetails) else OUTAGE_ENDED

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Returns what ``data`` says. Raises :class:`MalformedEvidence` for whatever the format does not
        permit.
        """
        return cls.read(load(data, DOCUMENT_LIMIT))

    @classmethod
    def read(cls, value: Value) -> Self:
        """Returns what a document says that was loaded already. Raises as :meth:`parse` does."""
        event = event_of(value)
        if event not in (OUTAGE_BEGAN, OUTAGE_ENDED):
            value.refuse("neither OutageBegan nor OutageEnded")
        fields = value.fields(_COMMON_KEYS)
        fields["version"].exactly(VERSION)
        extensions = fields["Extensions"].fields(("salt", *(event.extensions or ())))
        return cls(
            evidence_id=fields["EvidenceIdentifier"].uuid(),
            event_time=fields["EventTime"].time(),
            policy_id=read_policy_id(fields["EvidenceIssuerPolicyID"]),
            issuer=read_issuer(fields["EvidenceIssuerDetails"]),
            salt=extensions["salt"].base64(SALT_BYTES, SALT_BYTES),
            details=_read_details(event, extensions),
        )

    def encode(self) -> bytes:
        """Returns the bytes to be stored, hashed and handed out: the one time that the document is written.

        Raises :class:`MalformedEvidence` when they would not parse to this very document.
        """
        written = {
            "version": VERSION,
            "EvidenceIdentifier": str(self.evidence_id),
            "ERDSEventId": self.event.uri,
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
class RecordedOutage:
    """The evidence of an outage's begin or end with the bytes that were recorded; ``data`` is what counts."""

    document: OutageDocument
    data: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Returns what ``data`` records. Raises :class:`MalformedEvidence`."""
        return cls(OutageDocument.parse(data), data)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the bytes in lower-case hexadecimal: how the end names the begin."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def entry(self) -> bytes:
        """The log's entry of this evidence."""
        return entry_of(self.data)


def _read_details(event: Event, fields: dict[str, Value]) -> OutageDetails:
    shard = fields[Extension.SHARD].matching(_ORIGIN)
    size = fields[Extension.WITNESSED_SIZE].integer(_SIZES)
    if event == OUTAGE_ENDED:
        return OutageEndedDetails(shard, size, fields[Extension.FACT].hex_digest())
    seconds = fields[Extension.DEBT_LIMIT].integer(_SECONDS)
    since = fields[Extension.UNWITNESSED_SINCE].time()
    return OutageBeganDetails(shard, size, since, timedelta(seconds=seconds))


def _write_details(details: OutageDetails) -> dict[str, object]:
    common: dict[str, object] = {
        Extension.SHARD: details.shard,
        Extension.WITNESSED_SIZE: details.witnessed_size,
    }
    if isinstance(details, OutageEndedDetails):
        return {**common, Extension.FACT: details.began}
    return {
        **common,
        Extension.UNWITNESSED_SINCE: format_time(details.unwitnessed_since),
        Extension.DEBT_LIMIT: details.debt_limit // timedelta(seconds=1),
    }
