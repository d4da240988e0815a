"""Ends logs as a shard ends: with the evidence that announces the next one, as its last leaf."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from namak.evidence.administrative_act import (
    ActDetails,
    Actor,
    ActorKind,
    AdministrativeAct,
    Fields,
    Resource,
)
from namak.evidence.document import Issuer
from namak.evidence.tiles import inclusion_proof
from namak.evidence.tlog_proof import TlogProof
from tests.fakes.grown_log import GrownLog

ANNOUNCED = datetime(2026, 12, 31, 20, 0, tzinfo=UTC)


def announcement(log: GrownLog, following: GrownLog, /, **changed: str) -> bytes:
    """Returns the evidence that announces a shard; ``changed`` are fields of what is after, otherwise."""
    before: Fields = {"origin": log.origin, "log_vkey": log.vkey}
    after = {**before, "successor": following.origin, "successor_vkey": following.vkey, **changed}
    details = ActDetails(
        act="hsm rotate",
        actor=Actor(ActorKind.COMMAND_LINE),
        acted_from=None,
        organisation=None,
        resource=Resource("LOG_SHARD", log.origin),
        before=before,
        after={name: value for name, value in after.items() if value},
        request_id=None,
    )
    return act(details).encode()


def act(details: ActDetails) -> AdministrativeAct:
    return AdministrativeAct(
        evidence_id=UUID("0192f0c3-0000-7000-8000-000000000001"),
        event_time=ANNOUNCED,
        policy_id="namak:am:1",
        issuer=Issuer("urn:example:operator", "Operator"),
        salt=bytes(16),
        details=details,
    )


def altered(document: bytes, **changed: object) -> bytes:
    """Returns an announcement with other details."""
    found = AdministrativeAct.parse(document)
    return replace(found, details=replace(found.details, **changed)).encode()  # type: ignore[arg-type]


def ended(log: GrownLog, document: bytes) -> bytes:
    """Has the evidence stand in the log as its last leaf, and publishes it; returns the note."""
    log.add([hashlib.sha256(document).digest()])
    return log.publish()


def receipt(log: GrownLog, document: bytes, note: bytes | None = None, *, index: int | None = None) -> bytes:
    """Returns the receipt of a leaf, by default the last one."""
    size = log.published
    index = size - 1 if index is None else index
    hashes = tuple(inclusion_proof(log.rows, index, size))
    return TlogProof(document, index, hashes, note or log.signed(size)).encode()
