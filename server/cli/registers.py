"""`namak-server register ask`: asks a state register once, as the server would."""

import json
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import typer

from server.bootstrap_registers import state_registers
from server.cli.endings import fail, load, run
from server.config import Settings
from server.domain.fields import Malformed
from server.domain.identifiers import entity_number, masked, person_number
from server.domain.state_records import EntityRecord, Found, NotFound, PersonRecord, Unavailable
from server.jurisdictions import PROFILES

_REASON = "INVALID_NUMBER"

Answer = Found[PersonRecord] | Found[EntityRecord] | NotFound | Unavailable


@dataclass(frozen=True, slots=True)
class Asked:
    """What to ask: `person` or `entity`, the number (`-`: it is on standard input), and how to print it."""

    whose: str
    number: str
    whole: bool
    as_json: bool


def ask(settings: Path, asked: Asked) -> None:
    """Prints the answer; exit code 1 where there is none. That somebody is not registered is an answer."""
    run(_ask(load(settings), asked))


async def _ask(settings: Settings, asked: Asked) -> None:
    text = sys.stdin.readline().strip() if asked.number == "-" else asked.number
    canonical = {"person": person_number, "entity": entity_number}.get(asked.whose)
    if canonical is None:
        fail("a register is asked for a person or an entity")
    try:
        number = canonical(text, PROFILES[settings.profile], _REASON)
    except Malformed as wrong:
        fail(f"the number {wrong.text}")
    registers = state_registers(settings)
    began = time.monotonic()
    try:
        answer: Answer
        if asked.whose == "person":
            answer = await registers.person(number, no_older_than=timedelta(0))
        else:
            answer = await registers.entity(number, no_older_than=timedelta(0))
    finally:
        await registers.close()
    told = _told(answer, whole=asked.whole) | {"latency_ms": round((time.monotonic() - began) * 1000, 1)}
    if asked.as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for key, value in told.items():
            typer.echo(f"{key}: {value}")
    if isinstance(answer, Unavailable):
        raise typer.Exit(1)


def _told(answer: Answer, *, whole: bool) -> dict[str, Any]:
    if isinstance(answer, Unavailable):
        return {
            "answer": "unavailable",
            "fault": answer.fault.value,
            "retry_after_s": round(answer.retry_after.total_seconds()),
        }
    if isinstance(answer, NotFound):
        return {"answer": "not registered"}
    fields = _person(answer.record) if isinstance(answer.record, PersonRecord) else _entity(answer.record)
    shown = {key: value if whole or key in _NOBODYS else _hidden(value) for key, value in fields.items()}
    return {"answer": "found", **shown, "age_s": round(answer.age.total_seconds(), 3)}


_NOBODYS = frozenset({"state", "document_kind", "document_expires_on", "registered_on"})
"""What is told of a record and tells nobody whose it is."""


def _hidden(value: Any) -> Any:
    if isinstance(value, list):
        return [_hidden(each) for each in value]
    if not isinstance(value, str) or not value:
        return value
    # Of a number two characters are left; of words nothing but how many there are.
    return masked(value) if value.isascii() and value.isalnum() else " ".join("*" * 3 for _ in value.split())


def _person(record: PersonRecord) -> dict[str, Any]:
    document = record.document
    return {
        "number": record.number,
        "name": record.name,
        "state": record.state.value,
        "document_kind": document.kind if document else None,
        "document_number": document.number if document else None,
        "document_expires_on": str(document.expires_on) if document and document.expires_on else None,
        "address": record.address,
    }


def _entity(record: EntityRecord) -> dict[str, Any]:
    registration = record.registration
    return {
        "code": record.code,
        "name": record.name,
        "state": record.state.value,
        "registration_number": registration.number if registration else None,
        "registered_on": str(registration.issued_on) if registration else None,
        "address": record.address,
        "signatories": [f"{each.number} {each.name}" for each in record.signatories],
    }
