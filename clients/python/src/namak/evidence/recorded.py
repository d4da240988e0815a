"""Evidence of whichever event, with the bytes that were recorded."""

from namak.evidence.administrative_act import AdministrativeAct, RecordedAct
from namak.evidence.as_written import document_as_written
from namak.evidence.document import DOCUMENT_LIMIT, EvidenceDocument, RecordedFact, event_of
from namak.evidence.events import ADMINISTRATIVE_ACT, OUTAGE_BEGAN, OUTAGE_ENDED
from namak.evidence.outage import OutageDocument, RecordedOutage
from namak.evidence.strict_json import load

Recorded = RecordedFact | RecordedAct | RecordedOutage
"""A fact about a message, an act in the registers, or the begin or end of an outage."""


def recorded(data: bytes) -> Recorded:
    """Returns the evidence that ``data`` records, of whichever event. Raises :class:`MalformedEvidence`."""
    if (written := document_as_written(data)) is not None:
        return RecordedFact(written, data)
    value = load(data, DOCUMENT_LIMIT)
    event = event_of(value)
    if event == ADMINISTRATIVE_ACT:
        return RecordedAct(AdministrativeAct.read(value), data)
    if event in (OUTAGE_BEGAN, OUTAGE_ENDED):
        return RecordedOutage(OutageDocument.read(value), data)
    return RecordedFact(EvidenceDocument.read(value), data)
