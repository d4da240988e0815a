"""Reads a register's answer: strict JSON, one record, in exactly the form of `docs/outside-services.md`.

Keys that are not known are passed over, for registers grow; whatever is known must be there, once, and of its
form. A refusal names the field and what kind of thing is wrong with it, never what stood there.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from server.domain.state_records import (
    EntityRecord,
    EntityState,
    IdentityDocument,
    PersonRecord,
    PersonState,
    RegistrationCertificate,
    Signatory,
)

MOST_SIGNATORIES = 1000
_TEXT_CHARACTERS = 500
_TOLD_FIELDS = 5

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# Cc, Cs, and the separators that break lines: nothing that a name or an address on one line has.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Malformed(Exception):
    """The answer is not in the protocol's form; the text holds nothing that stood in it."""


def _one_line(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("has a control character")
    return value


def _spoken(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    return value


def _day(value: object) -> object:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("is not a day, YYYY-MM-DD")
    return date.fromisoformat(value)


_Line = Annotated[str, Field(max_length=_TEXT_CHARACTERS), AfterValidator(_one_line)]
_Name = Annotated[_Line, AfterValidator(_spoken)]
_Day = Annotated[date, BeforeValidator(_day)]


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, hide_input_in_errors=True)


class _Document(_Answer):
    kind: _Name
    number: _Name
    expires_on: _Day | None

    def value(self) -> IdentityDocument:
        return IdentityDocument(self.kind, self.number, self.expires_on)


class _Person(_Answer):
    number: _Name
    name: _Name
    state: Literal["alive", "dead"]
    document: _Document | None
    address: _Line


class _Registration(_Answer):
    number: _Name
    issued_on: _Day

    def value(self) -> RegistrationCertificate:
        return RegistrationCertificate(self.number, self.issued_on)


class _Signatory(_Answer):
    number: _Name
    name: _Name


class _Entity(_Answer):
    number: _Name
    name: _Name
    state: Literal["registered", "in_liquidation", "ended"]
    registration: _Registration | None
    address: _Line
    signatories: Annotated[list[_Signatory], Field(max_length=MOST_SIGNATORIES)]


class _Absent(_Answer):
    number: _Name
    state: Literal["absent"]


R = TypeVar("R")
_M = TypeVar("_M", bound=_Answer)

Reader = Callable[[bytes], tuple[str, R]]
"""From an answer's bytes to whose record it is, and the record. Raises `Malformed`."""


def person(body: bytes) -> tuple[str, PersonRecord]:
    """Reads a person's record."""
    read = _read(_Person, body)
    return read.number, PersonRecord(
        number=read.number,
        name=read.name,
        state=PersonState(read.state),
        document=read.document.value() if read.document else None,
        address=read.address,
    )


def entity(body: bytes) -> tuple[str, EntityRecord]:
    """Reads an entity's record."""
    read = _read(_Entity, body)
    if len({signatory.number for signatory in read.signatories}) < len(read.signatories):
        raise Malformed("signatories: one is named twice")
    return read.number, EntityRecord(
        code=read.number,
        name=read.name,
        state=EntityState(read.state),
        registration=read.registration.value() if read.registration else None,
        address=read.address,
        signatories=tuple(Signatory(each.number, each.name) for each in read.signatories),
    )


def absent(body: bytes) -> str:
    """Reads the word that there is no record, and returns under which number.

    Raises `Malformed`: a mistaken address or a proxy says 404 too, and knows nothing of persons.
    """
    return _read(_Absent, body).number


def _read(model: type[_M], body: bytes) -> _M:
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_no_number
        )
        return model.model_validate(value)
    except ValidationError as wrong:
        raise Malformed(_told(wrong)) from None
    except (ValueError, RecursionError) as wrong:
        raise Malformed(wrong.args[0] if isinstance(wrong, _NotStrict) else "not JSON in UTF-8") from None


class _NotStrict(ValueError):
    """JSON that could be read in two ways; the text is constant."""


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _NotStrict("a key stands twice in one object")
    return made


def _no_number(_text: str) -> Any:
    raise _NotStrict("a number with a fraction, or one that is none")


def _told(wrong: ValidationError) -> str:
    problems = wrong.errors(include_input=False, include_url=False, include_context=False)
    # Places are names of the form and positions in lists: nothing of what stood there.
    told = [f"{'.'.join(map(str, each['loc'])) or 'answer'}: {each['msg']}" for each in problems]
    return "; ".join(told[:_TOLD_FIELDS])
