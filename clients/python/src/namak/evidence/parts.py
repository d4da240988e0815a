"""The parts of a message as evidence names them: ``UserContentInfo``."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from namak.evidence.encoding import encode_base64
from namak.evidence.failures import MalformedEvidence
from namak.evidence.strict_json import Value, json_of

PARTS_LIMIT: Final = 1000
"""A document names at most so many parts, the subject included."""

SUBJECT: Final = "subject"
"""The identifier of the first part of every message."""

SUBJECT_MEDIA_TYPE: Final = "text/plain;charset=utf-8"

_DIGEST_ALGORITHM: Final = "SHA-256"
_DIGEST_BYTES: Final = 32
_SIZE_LIMIT: Final = 2**63
_MEDIA_TYPE = re.compile(r"[!#-~]{1,50}/[ -~]{1,98}", re.ASCII)
_FILE_NAME = re.compile(r"[^/\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,200}")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message: ``digest`` is the SHA-256 of its content (32 bytes), ``size`` the content's
    bytes.

    The subject is a part as well (:func:`subject_part`); it alone has no file name.
    """

    identifier: str
    media_type: str
    size: int
    digest: bytes
    file_name: str | None = None


def subject_part(subject: str) -> Part:
    """Returns the part that stands for the subject: the first of every message."""
    content = subject.encode()
    return Part(SUBJECT, SUBJECT_MEDIA_TYPE, len(content), hashlib.sha256(content).digest())


def read_parts(value: Value) -> tuple[Part, ...]:
    """Returns what ``UserContentInfo`` says."""
    subject, *others = value.fields(["PartsInfo"])["PartsInfo"].items(1, PARTS_LIMIT)
    return (_read_subject(subject), *(_read_part(part, number) for number, part in enumerate(others, 1)))


def _read_subject(value: Value) -> Part:
    fields = value.fields(["PartIdentifier", "MediaType", "Size", "Digest"])
    return Part(
        fields["PartIdentifier"].exactly(SUBJECT),
        fields["MediaType"].exactly(SUBJECT_MEDIA_TYPE),
        fields["Size"].integer(below=_SIZE_LIMIT),
        _read_digest(fields["Digest"]),
    )


def _read_part(value: Value, number: int) -> Part:
    fields = value.fields(["PartIdentifier", "MediaType", "FileName", "Size", "Digest"])
    return Part(
        fields["PartIdentifier"].exactly(str(number)),
        fields["MediaType"].matching(_MEDIA_TYPE),
        fields["Size"].integer(below=_SIZE_LIMIT),
        _read_digest(fields["Digest"]),
        fields["FileName"].matching(_FILE_NAME),
    )


def _read_digest(value: Value) -> bytes:
    fields = value.fields(["Algorithm", "Value"])
    fields["Algorithm"].exactly(_DIGEST_ALGORITHM)
    return fields["Value"].base64(_DIGEST_BYTES, _DIGEST_BYTES)


@lru_cache(16)
def write_parts(parts: tuple[Part, ...]) -> str:
    """Returns the JSON of ``UserContentInfo``; kept for the delivery's next document.

    Raises :class:`MalformedEvidence` for what :func:`read_parts` would not give back.
    """
    if not 1 <= len(parts) <= PARTS_LIMIT:
        raise MalformedEvidence(f"a message has 1 to {PARTS_LIMIT} parts")
    written = ",".join([_write_part(part, number) for number, part in enumerate(parts)])
    return f'{{"PartsInfo":[{written}]}}'


def _write_part(part: Part, number: int) -> str:
    if number:
        identifier = Value(part.identifier, "PartIdentifier").exactly(str(number))
        media_type = Value(part.media_type, "MediaType").matching(_MEDIA_TYPE)
        file_name = f'"FileName":{json_of(Value(part.file_name, "FileName").matching(_FILE_NAME))},'
    else:
        identifier = Value(part.identifier, "PartIdentifier").exactly(SUBJECT)
        media_type = Value(part.media_type, "MediaType").exactly(SUBJECT_MEDIA_TYPE)
        file_name = ""
        if part.file_name is not None:
            raise MalformedEvidence("a subject has no file name")
    size = Value(part.size, "Size").integer(below=_SIZE_LIMIT)
    if len(part.digest) != _DIGEST_BYTES:
        raise MalformedEvidence(f"a digest has {_DIGEST_BYTES} bytes")
    return (
        f'{{"PartIdentifier":"{identifier}","MediaType":{json_of(media_type)},{file_name}"Size":{size},'
        f'"Digest":{{"Algorithm":"{_DIGEST_ALGORITHM}","Value":"{encode_base64(part.digest)}"}}}}'
    )
