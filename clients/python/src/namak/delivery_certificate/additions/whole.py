"""Whether a file says more than what was sealed, or less."""

import io
import re
import zlib
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionType
from pyhanko.sign.general import CMSExtractionError
from pyhanko.sign.validation.errors import SignatureValidationError

from namak.delivery_certificate.additions.places import check_trailer
from namak.delivery_certificate.additions.step import Step, demand
from namak.delivery_certificate.additions.store import Store
from namak.delivery_certificate.additions.updates import Update, updates, without_streams
from namak.delivery_certificate.page_text import Unreadable
from namak.delivery_certificate.reading import LIMITS
from namak.evidence.certificate import PARSING, UNREADABLE

# Untyped in pyhanko.
_of_trailer: Any = generic.TrailerReference
_SEAL: Final = re.compile(rb"/ByteRange(?:\s*\[\s*([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s*\])?")
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
            _check(data)
    except _BROKEN:
        return True
    return False


def hides_seal(data: bytes) -> bool:
    """Whether the bytes hold a signature to which the file's structure does not lead: an update can make a
    sealed file look like one that never was.
    """
    # Who sends a message could have words that read like one attached to the certificate.
    bare = without_streams(data) if _SEAL.search(data) else b""
    written = {tuple(map(int, found.groups(b"-1"))) for found in _SEAL.finditer(bare)}
    if not written:
        return False
    try:
        with PARSING:
            found = _reader(data).embedded_signatures
            return not written.issubset(tuple(map(int, each.byte_range)) for each in found)
    except _BROKEN:
        return True


def _reader(data: bytes) -> PdfFileReader:
    return PdfFileReader(io.BytesIO(data), strict=True, decode_limits=LIMITS)


def _check(data: bytes) -> None:
    """Raises one of `_BROKEN` unless all that follows the seal may."""
    ranges = _seal_of(_reader(data))
    end = ranges[2] + ranges[3]
    before = _reader(data[:end])
    demand(_seal_of(before) == ranges)
    store = Store()
    kept = store.material_of(before.root, Step(before, before, set()))
    for update in updates(data, end):
        after = _reader(data[: update.end])
        step = Step(before, after, _written(before, after, update))
        check_trailer(step, _trailer(after, update, data))
        more = store.material_of(after.root, step)
        demand(more >= kept and not step.unexplained)
        before, kept = after, more


def _seal_of(reader: PdfFileReader) -> list[int]:
    seals = reader.embedded_regular_signatures
    demand(len(seals) == 1)
    return [int(number) for number in seals[0].byte_range]


def _written(before: PdfFileReader, after: Any, update: Update) -> set[int]:
    """Returns the numbers of an update's objects, each of which stands where its cross-references say."""
    revision = before.xrefs.total_revisions
    demand(after.xrefs.total_revisions == revision + 1)
    section, told = after.xrefs.get_xref_container_info(revision), after.xrefs.get_xref_data(revision)
    demand(not (told.hybrid or told.xrefs_in_objstm or told.freed))
    placed = {number: offset for number, (_, offset) in told.standard_xrefs.items()}
    if update.table is not None:
        demand(section.xref_section_type is XRefSectionType.STANDARD and section.stream_ref is None)
        # One row for each: of two for one object readers might go by either.
        demand(update.start_of_references == update.table and update.rows == len(placed))
        demand(placed == update.objects)
        return set(placed)
    stream: Any = section.stream_ref
    demand(section.xref_section_type is XRefSectionType.STREAM and stream is not None)
    listed = [int(number) for number in after.get_object(stream)["/Index"]]
    demand(sum(listed[1::2]) == len(placed) + (listed[0] == 0))
    demand(update.start_of_references == update.objects[stream.idnum])
    demand({**placed, stream.idnum: update.start_of_references} == update.objects)
    return set(placed) - {stream.idnum}


def _trailer(reader: Any, update: Update, data: bytes) -> Any:
    """Returns an update's own trailer, without what those before it say."""
    if update.table is not None:
        behind = io.BytesIO(data[update.trailer : update.end].lstrip())
        return generic.DictionaryObject.read_from_stream(behind, _of_trailer(reader))
    info = reader.xrefs.get_xref_container_info(reader.xrefs.total_revisions - 1)
    return reader.get_object(info.stream_ref)
