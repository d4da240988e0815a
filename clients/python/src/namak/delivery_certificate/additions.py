"""What stands in a certificate's file behind what its seal is over: nothing, or what keeps it for long.

A signature alone tells nothing of what follows it. Whole updates by the rules of PDF (ISO 32000-2, 7.5.6)
may, and only such as add to the security store (DSS) or a document timestamp (ETSI EN 319 142-1, 5.4, 5.5):
the objects by pyhanko's analysis, without those of its rules that let metadata or forms change, and each byte
between and behind them by itself.
"""

import io
import re
import zlib
from collections.abc import Iterator
from typing import Any, Final

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DiffResult,
    DSSCompareRule,
    FormUpdatingRule,
    ModificationLevel,
    ObjectStreamRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    XrefStreamRule,
)
from pyhanko.sign.general import CMSExtractionError
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.errors import SignatureValidationError

from namak.delivery_certificate.page_text import TOKEN, Unreadable, end_of_string
from namak.delivery_certificate.reading import LIMITS
from namak.evidence.certificate import PARSING, UNREADABLE

# Untyped in pyhanko.
_catalogue: Any = CatalogModificationRule
_new_field: Any = SigFieldCreationRule
_LEVEL: Final = ModificationLevel.LTA_UPDATES
_POLICY: Final = StandardDiffPolicy(
    global_rules=[
        _catalogue(ignored_keys=frozenset({"/AcroForm", "/DSS", "/Extensions"})),
        XrefStreamRule().as_qualified(_LEVEL),
        ObjectStreamRule().as_qualified(_LEVEL),
        DSSCompareRule().as_qualified(_LEVEL),
    ],
    form_rule=FormUpdatingRule(field_rules=[_new_field(), SigFieldModificationRule()]),
    ignore_orphaned_objects=False,
    ignore_identical_objects=False,
)
_TRAILER: Final = frozenset(
    {"/Size", "/Prev", "/ID", "/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"}
)
"""What an update's trailer may say otherwise than that of what was sealed (ISO 32000-2, tables 15 and 17)."""

_OF_FORM: Final = frozenset({"/Fields", "/SigFlags"})
"""What of the form grows with a document timestamp."""

_OF_STAMP: Final = frozenset({"/FT", "/T", "/Type", "/Subtype", "/F", "/Rect", "/P", "/V"})
"""What the field of a document timestamp that shows nowhere consists of: nothing that acts or speaks."""

_OF_TOKEN: Final = frozenset({"/Type", "/Filter", "/SubFilter", "/Contents", "/ByteRange"})
"""And its value."""

_END: Final = re.compile(rb"\s*([0-9]+)\s*%%EOF(?:\r\n|\n|\r)?")
_BODY: Final = re.compile(rb"\r?\n")
_END_OF_BODY: Final = re.compile(rb"\s*endstream\s+endobj\b")
_BROKEN: Final = (
    PdfError,
    CMSExtractionError,
    SignatureValidationError,
    AssertionError,
    EOFError,
    AttributeError,
    RecursionError,
    MemoryError,
    NotImplementedError,
    zlib.error,
    Unreadable,
    *UNREADABLE,
)


def is_altered(data: bytes) -> bool:
    """Whether anything else follows what a certificate's one seal is over than what keeps it for the long
    term. What can't be read is something else.
    """
    try:
        with PARSING:
            return _is_altered(PdfFileReader(io.BytesIO(data), strict=True, decode_limits=LIMITS), data)
    except _BROKEN:
        return True


def _is_altered(reader: PdfFileReader, data: bytes) -> bool:
    seals = reader.embedded_regular_signatures
    if len(seals) != 1:
        return True
    (seal,) = seals
    sealed = seal.signed_revision
    end = int(seal.byte_range[2]) + int(seal.byte_range[3])
    updates = list(_updates(data, end))
    if len(updates) != reader.xrefs.total_revisions - sealed - 1:
        return True
    if any(not _is_told(reader, revision, numbers) for revision, numbers in enumerate(updates, sealed + 1)):
        return True
    return _has_other_objects(seal) or _has_other_trailer(reader, sealed) or _has_other_form(reader, sealed)


def _has_other_objects(seal: EmbeddedPdfSignature) -> bool:
    seal.compute_integrity_info(diff_policy=_POLICY)  # type: ignore[no-untyped-call]
    found: Any = seal.diff_result
    return not isinstance(found, DiffResult) or found.modification_level > _LEVEL


def _has_other_trailer(reader: PdfFileReader, sealed: int) -> bool:
    before: Any = reader.trailer.flatten(sealed)
    for revision in range(sealed + 1, reader.xrefs.total_revisions):
        after: Any = reader.trailer.flatten(revision)
        for name in ({*before} | {*after}) - _TRAILER:
            if name not in before or name not in after or before.raw_get(name) != after.raw_get(name):
                return True
    return False


def _has_other_form(reader: PdfFileReader, sealed: int) -> bool:
    """Whether the form has more than it had, but for document timestamps.

    What pyhanko's analysis permits of a new signature field is judged by the objects that it refers to:
    what stands in the field itself, a script for example, and a field without a signature, pass there.
    """
    before = _form(reader, sealed)
    for revision in range(sealed + 1, reader.xrefs.total_revisions):
        after = _form(reader, revision)
        for name in ({*before} | {*after}) - _OF_FORM:
            if name not in before or name not in after or _bytes(before, name) != _bytes(after, name):
                return True
        fields, more = before["/Fields"], after["/Fields"]
        # By place: going through an array gives references.
        for place in range(max(len(fields), len(more))):
            if place >= len(fields):
                if not _is_stamp(more[place]):
                    return True
            elif _bytes(fields, place) != _bytes(more, place) or _all(fields[place]) != _all(more[place]):
                return True
    return False


def _form(reader: PdfFileReader, revision: int) -> Any:
    root: Any = reader.get_historical_root(revision)
    return root["/AcroForm"]


def _bytes(holder: Any, place: str | int) -> bytes:
    """Returns how a member is written, a reference as one: so it says the same of two revisions."""
    return _all(holder.raw_get(place))


def _all(value: Any) -> bytes:
    written = io.BytesIO()
    value.write_to_stream(written)
    return written.getvalue()


def _is_stamp(field: Any) -> bool:
    if not _OF_STAMP.issuperset(field) or "/V" not in field or field["/FT"] != "/Sig":
        return False
    # Not by `get`, which gives references.
    value = field["/V"]
    return _OF_TOKEN.issuperset(value) and value["/Type"] == "/DocTimeStamp"


def _is_told(reader: PdfFileReader, revision: int, numbers: list[int]) -> bool:
    """Whether the objects that stand in an update are those of its own cross-references, each once."""
    told = {each.idnum for each in reader.xrefs.explicit_refs_in_revision(revision)}
    stream = reader.xrefs.get_xref_container_info(revision).stream_ref
    if stream is not None:
        told.add(stream.idnum)
    return len(numbers) == len(set(numbers)) and told.issuperset(numbers)


def _updates(data: bytes, position: int) -> Iterator[list[int]]:
    """Yields the numbers of the objects of each update from there on. Raises :class:`Unreadable` where
    anything else stands between or behind them, be it a comment or a space.
    """
    while position < len(data):
        numbers: list[int] = []
        while True:
            kind, value, position = _token(data, position)
            if kind == "word" and value == b"startxref":
                break
            if kind == "word" and value == b"xref":
                position = _behind_table(data, position)
            elif kind == "word" and value.isdigit():
                numbers.append(int(value))
                position = _behind_object(data, position)
            else:
                raise Unreadable("something else than an object follows")
        end = _END.match(data, position)
        if end is None:
            raise Unreadable("an update does not end")
        position = end.end()
        yield numbers


def _token(data: bytes, position: int) -> tuple[str, bytes, int]:
    found = TOKEN.match(data, position)
    if found is None or found.lastgroup == "end":
        raise Unreadable("an update is cut off, or holds a comment")
    kind = found.lastgroup or ""
    after = end_of_string(data, found.end()) if kind == "string" else found.end()
    return kind, found[kind], after


def _behind_object(data: bytes, position: int) -> int:
    """Returns where an object ends of which the number is behind."""
    for expected in (bytes.isdigit, b"obj".__eq__):
        kind, value, position = _token(data, position)
        if kind != "word" or not expected(value):
            raise Unreadable("an object does not begin")
    depth, length, last = 0, -1, b""
    while True:
        kind, value, position = _token(data, position)
        if kind == "mark":
            depth += {b"<<": 1, b">>": -1}.get(value, 0)
        elif depth == 1 and last == b"/Length" and value.isdigit():
            length = int(value)
        elif kind == "word" and depth == 0 and value == b"endobj":
            return position
        elif kind == "word" and depth == 0 and value == b"stream":
            return _behind_stream(data, position, length)
        last = value


def _behind_stream(data: bytes, position: int, length: int) -> int:
    begin = _BODY.match(data, position)
    end = None if begin is None or length < 0 else _END_OF_BODY.match(data, begin.end() + length)
    if end is None:
        raise Unreadable("a stream does not end")
    return end.end()


def _behind_table(data: bytes, position: int) -> int:
    """Returns where a table of cross-references ends, its trailer included."""
    while True:
        kind, value, position = _token(data, position)
        if kind == "word" and value == b"trailer":
            break
        if kind != "word" or not (value.isdigit() or value in (b"n", b"f")):
            raise Unreadable("a table holds something else than cross-references")
    depth = 0
    while True:
        kind, value, position = _token(data, position)
        depth += {b"<<": 1, b">>": -1}.get(value, 0) if kind == "mark" else 0
        if depth == 0:
            return position
