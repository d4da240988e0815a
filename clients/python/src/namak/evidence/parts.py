"""The parts of a message as evidence names them: ``UserContentInfo``."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from namak.evidence.encoding import encode_base64
from namak.evidence.failures import MalformedEvidence
from namak.evidence.strict_json import Value, text_of

PARTS_LIMIT: Final = 1000
"""A document names at most so many parts, the subject included."""

SUBJECT: Final = "subject"
"""The identifier of the first part of every message."""

SUBJECT_MEDIA_TYPE: Final = "text/plain;charset=utf-8"

_SUBJECT_MEDIA_TYPE_TEXT: Final = text_of(SUBJECT_MEDIA_TYPE)
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
    global _last_read
    # Compared as written out: Python takes true for 1, and JSON does not.
    try:
        written, (before, parts) = repr(value.raw), _last_read
    except RecursionError:
        value.refuse("nested too deeply")
    if written != before:
        subject, *others = value.fields(["PartsInfo"])["PartsInfo"].items(1, PARTS_LIMIT)
        parts = (
            _read_subject(subject),
            *(_read_part(part, number) for number, part in enumerate(others, 1)),
        )
        _last_read = (written, parts)
    return parts


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


_last_read: tuple[str, tuple[Part, ...]] = ("", ())
"""What was read last, as :data:`_last` has what was written."""

_last: tuple[tuple[Part, ...], str] = ((), "")
"""What was written last: the documents of a delivery follow one another, and name the same parts."""


def write_parts(parts: tuple[Part, ...]) -> str:
    """Returns the JSON of ``UserContentInfo``.

    Raises :class:`MalformedEvidence` for what :func:`read_parts` would not give back.
    """
    global _last
    before, text = _last
    if before is parts and parts:
        return text
    if not 1 <= len(parts) <= PARTS_LIMIT:
        raise MalformedEvidence(f"a message has 1 to {PARTS_LIMIT} parts")
    written = ",".join([_write_part(part, number) for number, part in enumerate(parts)])
    text = f'{{"PartsInfo":[{written}]}}'
    _last = (parts, text)
    return text


def _write_part(part: Part, number: int) -> str:
    media_type, size, digest, file_name = part.media_type, part.size, part.digest, part.file_name
    if number:
        name = f'"FileName":{text_of(_of_form(file_name, _FILE_NAME))},'
        right = part.identifier == str(number)
        media_type = text_of(_of_form(media_type, _MEDIA_TYPE))
    else:
        name = ""
        right = part.identifier == SUBJECT and media_type == SUBJECT_MEDIA_TYPE and file_name is None
        media_type = _SUBJECT_MEDIA_TYPE_TEXT
    # bool is an int in Python and not in JSON.
    if not right or type(size) is not int or not 0 <= size < _SIZE_LIMIT or len(digest) != _DIGEST_BYTES:
        raise MalformedEvidence(f"part {number} is none that evidence can name")
    return (
        f'{{"PartIdentifier":"{part.identifier}","MediaType":{media_type},{name}"Size":{size},'
        f'"Digest":{{"Algorithm":"{_DIGEST_ALGORITHM}","Value":"{encode_base64(digest)}"}}}}'
    )


def _of_form(text: str | None, pattern: re.Pattern[str]) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise MalformedEvidence(f"a part's name or media type is not of the form {pattern.pattern}")
    return text
