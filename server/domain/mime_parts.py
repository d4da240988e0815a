"""The parts of a mail, taken out of its bytes strictly (RFC 2045, RFC 2046).

Pure, and in time proportional to the input: at most `NESTING` passes over it.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from server.domain import limits
from server.domain.malformed import Malformed
from server.domain.mime_fields import Fields, Parametrised, decoded

NESTING = 6
"""Multiparts within one another, at most."""

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_TYPE = re.compile(r"[0-9a-z!#$&^_.+-]{1,50}/[0-9a-z!#$&^_.+-]{1,50}")
_CHARSET = re.compile(r"[0-9A-Za-z_.:+-]{1,30}")
_QP_LINE = re.compile(rb"(?:[\t !-<>-~]|=[0-9A-Fa-f]{2})*")
_PLAIN_ENCODINGS = frozenset({"7bit", "8bit", "binary"})
_PLAIN_TEXT = Parametrised("text/plain", {})


@dataclass(frozen=True, slots=True)
class Leaf:
    """One part that has no parts: its type as the header says it, its name if any, its bytes decoded."""

    media_type: str
    name: str | None
    content: bytes


def header_and_body(entity: bytes) -> tuple[Fields, bytes]:
    """Parts an entity into its header and its body at the first empty line.

    Raises:
        Malformed: as `Fields`.
    """
    if not entity or entity.startswith(b"\r\n"):
        return Fields(b""), entity[2:]
    header, _, body = entity.partition(b"\r\n\r\n")
    return Fields(header.removesuffix(b"\r\n") + b"\r\n"), body


def leaves_of(fields: Fields, body: bytes) -> Iterator[Leaf]:
    """Yields all that is no multipart, in the order of the mail, whatever kind of multipart it stands in.

    Raises:
        Malformed: there are too many or they are nested too deeply, a boundary is broken, an encoding does
            not hold, a name is none, or a part is elsewhere (`message/external-body`, `message/partial`).
    """
    for count, leaf in enumerate(_leaves(fields, body, 0)):
        # One place is the original's.
        if count == limits.PARTS - 1:
            raise Malformed("TOO_MANY_PARTS", f"must have at most {limits.PARTS - 1} parts")
        yield leaf


def _leaves(fields: Fields, body: bytes, depth: int) -> Iterator[Leaf]:
    kind = fields.parametrised("content-type") or _PLAIN_TEXT
    if not _TYPE.fullmatch(kind.value):
        raise Malformed("MEDIA_TYPE_MALFORMED", "must have a Content-Type of the form type/subtype")
    encoding = (fields.get("content-transfer-encoding") or "7bit").lower()
    if kind.value.startswith("multipart/"):
        if encoding not in _PLAIN_ENCODINGS:
            raise Malformed("BAD_ENCODING", "must not have a multipart encoded as a whole")
        if depth == NESTING:
            raise Malformed("NESTED_TOO_DEEPLY", f"must have at most {NESTING} multiparts within one another")
        for entity in entities_of(kind, body):
            yield from _leaves(*header_and_body(entity), depth + 1)
        return
    if kind.value in ("message/partial", "message/external-body"):
        raise Malformed("CONTENT_ELSEWHERE", "must have all of its content in itself")
    yield Leaf(_media_type(kind), _name(fields, kind), decoded_content(fields, body))


def entities_of(kind: Parametrised, body: bytes) -> Iterator[bytes]:
    """Yields what a multipart holds, in its order.

    Raises:
        Malformed: `BOUNDARY_MALFORMED`, or `BOUNDARY_BROKEN`, when that is reached.
    """
    boundary = kind.parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise Malformed("BOUNDARY_MALFORMED", "must have multiparts with a boundary of 1 to 70 characters")
    mark = re.compile(rb"(?:\A|\r\n)--" + re.escape(boundary.encode("ascii")) + rb"(--)?[ \t]*(?=\r\n|\Z)")
    begun, ended = None, False
    for found in mark.finditer(body):
        if ended:
            raise Malformed("BOUNDARY_BROKEN", "must have nothing of a multipart behind its end")
        if begun is not None:
            if found.start() < begun:
                raise Malformed("BOUNDARY_BROKEN", "must have something between two boundaries")
            yield body[begun : found.start()]
        begun, ended = found.end() + 2, found[1] is not None
    if begun is None or not ended:
        raise Malformed("BOUNDARY_BROKEN", "must have multiparts that begin and end with their boundary")


def _media_type(kind: Parametrised) -> str:
    charset = kind.parameters.get("charset")
    if charset is None or not kind.value.startswith("text/"):
        return kind.value
    if not _CHARSET.fullmatch(charset):
        raise Malformed("MEDIA_TYPE_MALFORMED", "must name a charset of up to 30 letters and digits")
    return f"{kind.value}; charset={charset.lower()}"


def _name(fields: Fields, kind: Parametrised) -> str | None:
    disposition = fields.parametrised("content-disposition")
    name = None if disposition is None else disposition.parameters.get("filename")
    if name is None:
        name = kind.parameters.get("name")
    # Encoded words have no place in parameters, and many programs put them there.
    return None if name is None else decoded(name)


def decoded_content(fields: Fields, body: bytes, *, lenient: bool = False) -> bytes:
    """Returns what a part that is no multipart holds, decoded; `lenient` takes letters beyond ASCII where
    7bit is said, too.

    Raises:
        Malformed: `BAD_ENCODING`.
    """
    encoding = (fields.get("content-transfer-encoding") or "7bit").lower()
    return _content(body, "8bit" if lenient and encoding == "7bit" else encoding)


def _content(body: bytes, encoding: str) -> bytes:
    match encoding:
        case "base64":
            try:
                return binascii.a2b_base64(body.replace(b"\r\n", b""), strict_mode=True)
            except ValueError:
                raise Malformed("BAD_ENCODING", "has a part that is not base64 as it says") from None
        case "quoted-printable":
            return b"".join(_unquoted(body))
        case "7bit" if not body.isascii():
            raise Malformed("BAD_ENCODING", "has letters beyond ASCII where it does not say 8bit")
        case _ if encoding in _PLAIN_ENCODINGS:
            return body
    raise Malformed("BAD_ENCODING", "has a part in an encoding that RFC 2045 does not know")


def _unquoted(body: bytes) -> Iterator[bytes]:
    *lines, last = body.split(b"\r\n")
    for line, end in (*((line, b"\r\n") for line in lines), (last, b"")):
        # What programs on the way may have added (RFC 2045, 6.7, rule 3).
        text = line.rstrip(b" \t")
        if text.endswith(b"="):
            text, end = text[:-1], b""
        if not _QP_LINE.fullmatch(text):
            raise Malformed("BAD_ENCODING", "has a part that is not quoted-printable as it says")
        yield binascii.a2b_qp(text) + end
