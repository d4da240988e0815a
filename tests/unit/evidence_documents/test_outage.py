"""The evidence of outages: what is written comes back, and nothing else is read."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.document import Issuer
from namak.evidence.failures import MalformedEvidence
from namak.evidence.outage import OutageBeganDetails, OutageDetails, OutageDocument, OutageEndedDetails
from namak.evidence.recorded import recorded

SINCE = datetime(2026, 11, 22, 8, 0, 0, 5, tzinfo=UTC)
BEGAN = OutageBeganDetails("log.e-citizen.am/2026", 41, SINCE, timedelta(hours=4))
ENDED = OutageEndedDetails("log.e-citizen.am/2026", 60, "ab" * 32)


def document(details: OutageDetails) -> OutageDocument:
    return OutageDocument(
        evidence_id=UUID("0192f0c4-0000-7000-8000-000000000001"),
        event_time=SINCE + timedelta(hours=4, seconds=1),
        policy_id="namak:am:1",
        issuer=Issuer("e-citizen.am", "Էլեկտրոնային քաղաքացի"),
        salt=bytes(range(16)),
        details=details,
    )


SIZES = st.integers(0, 2**63 - 1)
DETAILS = st.one_of(
    st.builds(
        OutageBeganDetails,
        st.just("log.e-citizen.am/2026"),
        SIZES,
        st.datetimes(min_value=datetime(2026, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis adds the zone
        st.integers(0, 366 * 24 * 3600 - 1).map(lambda seconds: timedelta(seconds=seconds)),
    ),
    st.builds(
        OutageEndedDetails,
        st.just("log.e-citizen.am/2026"),
        SIZES,
        st.binary(min_size=32, max_size=32).map(bytes.hex),
    ),
)


@given(DETAILS)
def test_what_is_written_comes_back(details: OutageDetails) -> None:
    written = document(details)
    data = written.encode()
    assert OutageDocument.parse(data) == written
    found = recorded(data)
    assert (found.document, found.data) == (written, data)


def changed(details: OutageDetails, change: Callable[[dict[str, Any]], object]) -> bytes:
    value = json.loads(document(details).encode())
    change(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def put(key: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda whole: whole["Extensions"].update({key: value})


WRONG: dict[str, tuple[OutageDetails, Callable[[dict[str, Any]], object]]] = {
    "no shard": (BEGAN, lambda whole: whole["Extensions"].pop("shard")),
    "a shard that is no origin": (BEGAN, put("shard", "Log 2026")),
    "a negative size": (BEGAN, put("witnessedSize", -1)),
    "a size beyond 63 bits": (ENDED, put("witnessedSize", 2**63)),
    "a size as text": (ENDED, put("witnessedSize", "60")),
    "a truth for a size": (ENDED, put("witnessedSize", True)),
    "a limit of a year": (BEGAN, put("debtLimit", 366 * 24 * 3600)),
    "half a second": (BEGAN, put("debtLimit", 0.5)),
    "a time without a zone": (BEGAN, put("unwitnessedSince", "2026-11-22T08:00:00.000005")),
    "an end that names no begin": (ENDED, lambda whole: whole["Extensions"].pop("fact")),
    "a digest in capitals": (ENDED, put("fact", "AB" * 32)),
    "what belongs to the other": (ENDED, put("debtLimit", 3)),
    "a sender": (BEGAN, lambda whole: whole.update({"SenderDetails": {}})),
    "another event": (
        BEGAN,
        lambda whole: whole.update({"ERDSEventId": "https://namak.am/event/AdministrativeAct"}),
    ),
    "a short salt": (BEGAN, put("salt", "AAAA")),
}


@pytest.mark.parametrize("name", WRONG)
def test_refuses(name: str) -> None:
    data = changed(*WRONG[name])
    with pytest.raises(MalformedEvidence):
        OutageDocument.parse(data)
    with pytest.raises(MalformedEvidence):
        recorded(data)


def test_an_end_needs_what_it_is_the_end_of() -> None:
    with pytest.raises(MalformedEvidence):
        document(OutageEndedDetails("log.e-citizen.am/2026", 60, "")).encode()
