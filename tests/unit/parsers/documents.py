"""The formats that are JSON: the evidence of every event, and what delivery certificates state."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from namak.delivery_certificate.statement import (
    WORDING,
    Audience,
    StatedEffect,
    StatedProof,
)
from namak.delivery_certificate.statement import Statement as CertificateStatement
from namak.evidence.document import Issuer
from namak.evidence.failures import MalformedEvidence
from namak.evidence.outage import OutageBeganDetails, OutageDetails, OutageDocument, OutageEndedDetails
from namak.evidence.recorded import recorded
from tests.unit.evidence_documents.acts import AT_COMMAND_LINE, BY_ADMINISTRATOR, BY_OPERATOR
from tests.unit.evidence_documents.documents import ONE_OF_EACH, OUTSIDE, PAPER, TEXTS
from tests.unit.parsers.parsers import Parser

_NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
_SHARD = "log.e-citizen.am/2026"
_CERTIFICATE = CertificateStatement(
    language="hy",
    wording=WORDING,
    made_time=_NOON,
    audience=Audience.SENDER,
    delivery_id=UUID("0192f0c4-0000-7000-8000-0000000000ab"),
    subject="Ծանուցում հարկի մասին",
    site="https://e-citizen.am",
    unprintable="ꙮ𝄞",
    proofs=(StatedProof("01-ContentConsignment.tlog-proof", "ab" * 32),),
    effect=StatedEffect("POST-2", _NOON, "cd" * 32),
)


def _outage(details: OutageDetails) -> bytes:
    return OutageDocument(
        evidence_id=UUID("0192f0c4-0000-7000-8000-000000000001"),
        event_time=_NOON,
        policy_id="namak:am:1",
        issuer=Issuer("e-citizen.am", "Էլեկտրոնային քաղաքացի"),
        salt=bytes(range(16)),
        details=details,
    ).encode()


_EVIDENCE = {
    **{each.event.name: each.encode() for each in (*ONE_OF_EACH, *OUTSIDE, PAPER, *TEXTS)},
    "act of the operator": BY_OPERATOR.encode(),
    "act of an administrator": BY_ADMINISTRATOR.encode(),
    "act at the command line": AT_COMMAND_LINE.encode(),
    "OutageBegan": _outage(OutageBeganDetails(_SHARD, 41, _NOON, timedelta(hours=4))),
    "OutageEnded": _outage(OutageEndedDetails(_SHARD, 60, "ab" * 32)),
}

DOCUMENTS: tuple[Parser, ...] = (
    *(
        Parser(
            name,
            sample,
            recorded,
            (MalformedEvidence,),
            permits={"spellings": "what was acted on has a name of any form"} if "act" in name else {},
        )
        for name, sample in _EVIDENCE.items()
    ),
    Parser(
        "certificate's statement",
        _CERTIFICATE.encode(),
        CertificateStatement.parse,
        (MalformedEvidence,),
    ),
)
