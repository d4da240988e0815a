"""What the evidence holds of a letter that came on paper: ReceivedFromNonERDS."""

import re
from dataclasses import dataclass
from typing import Final

from namak.evidence.copy_statement import CopyStatement
from namak.evidence.custody import STEPS_LIMIT, CustodyAct, CustodyStep
from namak.evidence.strict_json import Value
from namak.evidence.times import format_time

PERSON_LIMIT: Final = 200
PLACE_LIMIT: Final = 200
SENDER_NAME_LIMIT: Final = 120
SENDER_LINES_LIMIT: Final = 5
SENDER_LINE_LIMIT: Final = 120
ORIGINAL_LIMIT: Final = 300
"""Characters, and lines of an address, at most."""

_STATEMENT_TEXT_LIMIT = 1000
_VERSION = re.compile(r"[a-z][a-z0-9-]{0,39}@[1-9][0-9]{0,5}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2}", re.ASCII)
_ACT = re.compile("|".join(CustodyAct), re.ASCII)


@dataclass(frozen=True, slots=True)
class PaperSender:
    """Who the paper says that it is from: a name, and the lines of a postal address, as far as they stand
    there; at least one of the two. Nobody has proved it.
    """

    name: str | None = None
    address: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PaperDetails:
    """ReceivedFromNonERDS: the hex digest of the ContentConsignment evidence, by which certificate a clerk
    handed the scans in (hex SHA-256 of its DER), the paper's way to the scans, where the paper is kept, what
    the operator states of the copy, and, as far as they are known, who the paper says that it is from and the
    post's number of it.
    """

    consignment: str
    clerk: str
    custody: tuple[CustodyStep, ...]
    original: str
    copy_statement: CopyStatement
    paper_sender: PaperSender | None = None
    tracking: str | None = None


def read_custody(value: Value) -> tuple[CustodyStep, ...]:
    """Returns what ``custody`` says. Whether the chain holds is another question."""
    return tuple(_read_step(item) for item in value.items(1, STEPS_LIMIT))


def _read_step(value: Value) -> CustodyStep:
    fields = value.fields(["act", "time", "place", "person", "digest"])
    return CustodyStep(
        CustodyAct(fields["act"].matching(_ACT)),
        fields["time"].time(),
        fields["place"].line(PLACE_LIMIT),
        fields["person"].line(PERSON_LIMIT),
        fields["digest"].hex_digest(),
    )


def custody_values(steps: tuple[CustodyStep, ...]) -> list[dict[str, str]]:
    """Returns the JSON of what :func:`read_custody` gives back."""
    return [
        {
            "act": step.act.value,
            "time": format_time(step.time),
            "place": step.place,
            "person": step.person,
            "digest": step.digest,
        }
        for step in steps
    ]


def read_paper_sender(value: Value) -> PaperSender:
    """Returns what ``paperSender`` says."""
    fields = value.fields((), ("name", "address"))
    if not fields:
        value.refuse("says nothing of a sender")
    address: tuple[str, ...] = ()
    if "address" in fields:
        address = tuple(
            item.line(SENDER_LINE_LIMIT) for item in fields["address"].items(1, SENDER_LINES_LIMIT)
        )
    return PaperSender(fields["name"].line(SENDER_NAME_LIMIT) if "name" in fields else None, address)


def paper_sender_values(sender: PaperSender) -> dict[str, object]:
    """Returns the JSON of what :func:`read_paper_sender` gives back."""
    values: dict[str, object] = {} if sender.name is None else {"name": sender.name}
    return {**values, "address": list(sender.address)} if sender.address else values


def read_copy_statement(value: Value) -> CopyStatement:
    """Returns what ``copyStatement`` says; whether it is one that we know is another question."""
    fields = value.fields(["version", "language", "text"])
    return CopyStatement(
        fields["version"].matching(_VERSION),
        fields["language"].matching(_LANGUAGE),
        fields["text"].line(_STATEMENT_TEXT_LIMIT),
    )


def copy_statement_values(statement: CopyStatement) -> dict[str, str]:
    """Returns the JSON of what :func:`read_copy_statement` gives back."""
    return {"version": statement.version, "language": statement.language, "text": statement.text}
