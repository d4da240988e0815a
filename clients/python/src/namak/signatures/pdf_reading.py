"""Signed PDFs (ISO 32000-2, 12.8; ETSI EN 319 142) as they come from strangers, read by pyhanko.

Strictly, and within limits on what is unpacked: a file that needs more is not judged. What came after a
signature is judged by pyhanko's rules of what filling in forms, signing again and keeping for the long term
may change; everything else counts as another document.
"""

import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import parser as asn1_parser
from pyhanko.pdf_utils.decode_limits import (
    DEFAULT_PURPOSE_LIMITS,
    DecodeLimits,
    DecodePurpose,
    DocumentDecodeBudget,
    StreamDecodeLimits,
)
from pyhanko.pdf_utils.generic import parse_pdf_date
from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel, SuspiciousModification
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.general import CMSExtractionError
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.status import SignatureCoverageLevel

from namak.certificate_names import plain
from namak.evidence.certificate import PARSING, UNREADABLE
from namak.signatures.report import Finding
from namak.signatures.trust import RevocationMaterial

MAX_PDF_BYTES: Final = 64 * 1024 * 1024
"""A PDF has at most so many bytes: it is held in memory, and read again for every signature."""

MAX_SIGNATURES: Final = 32
MAX_REVISIONS: Final = 100

_MIB: Final = 1024 * 1024
_LIMITS: Final = DecodeLimits(
    per_stream=StreamDecodeLimits(max_output_size=64 * _MIB),
    per_purpose={
        **DEFAULT_PURPOSE_LIMITS,
        DecodePurpose.XREF_STREAM: StreamDecodeLimits(max_ratio=200, max_output_size=32 * _MIB),
    },
    document_budget=DocumentDecodeBudget(base_allowance=128 * _MIB, max_ratio=8),
)
_SUBFILTERS: Final = frozenset({"/ETSI.CAdES.detached", "/adbe.pkcs7.detached"})
_TIMESTAMP_SUBFILTER: Final = "/ETSI.RFC3161"
_BROKEN = (
    PdfError,
    SignatureValidationError,
    CMSExtractionError,
    AssertionError,
    EOFError,
    zlib.error,
    *UNREADABLE,
)


class PdfProblem(Exception):
    """The file can't be judged; ``finding`` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding


@dataclass(frozen=True, slots=True)
class PdfSignature:
    """One signature of a PDF.

    Attributes:
        field_name: the full name of its field.
        revision: the revision it signs, from 1.
        is_timestamp: whether it is a document timestamp, not a person's signature.
        contents: the CMS, DER.
        ranges: offset and length of the bytes it is over.
        covers_revision, covers_file: whether it is over all of its revision, all of the file.
        changes: what came after it, a name of pyhanko's ModificationLevel.
        permitted: whether that is permitted.
        time: the time that the signature's dictionary claims.
        problem: why it can't be taken as it is.
    """

    field_name: str
    revision: int
    is_timestamp: bool
    contents: bytes = field(repr=False)
    ranges: tuple[tuple[int, int], ...]
    covers_revision: bool
    covers_file: bool
    changes: str
    permitted: bool
    time: datetime | None
    problem: Finding | None = None


@dataclass(frozen=True, slots=True)
class Pdf:
    """A PDF's signatures in the order of their revisions, and what its security store (DSS) carries."""

    data: bytes = field(repr=False)
    revisions: int
    signatures: tuple[PdfSignature, ...]
    certificates: tuple[bytes, ...] = field(repr=False)
    revocation: RevocationMaterial

    def digest(self, signature: PdfSignature, algorithm: str) -> bytes:
        """Returns the digest of the bytes that a signature is over."""
        view, made = memoryview(self.data), hashlib.new(algorithm, usedforsecurity=False)
        for offset, length in signature.ranges:
            made.update(view[offset : offset + length])
        return made.digest()


def read_pdf(data: bytes) -> Pdf:
    """Reads the signatures of a PDF. Raises :class:`PdfProblem`."""
    if len(data) > MAX_PDF_BYTES:
        raise PdfProblem(Finding.TOO_DEMANDING)
    try:
        with PARSING:
            return _read(data)
    except (PdfDecodeLimitError, RecursionError, MemoryError):
        raise PdfProblem(Finding.TOO_DEMANDING) from None
    except _BROKEN:
        raise PdfProblem(Finding.UNREADABLE) from None


def _read(data: bytes) -> Pdf:
    reader = PdfFileReader(io.BytesIO(data), strict=True, decode_limits=_LIMITS)
    if reader.trailer.raw_get("/Encrypt") if "/Encrypt" in reader.trailer else None:
        raise PdfProblem(Finding.ENCRYPTED)
    revisions = reader.xrefs.total_revisions
    if revisions > MAX_REVISIONS:
        raise PdfProblem(Finding.TOO_DEMANDING)
    fields = []
    for name, _value, found in enumerate_sig_fields(reader, filled_status=True):
        fields.append((name, found))
        if len(fields) > MAX_SIGNATURES:
            raise PdfProblem(Finding.TOO_DEMANDING)
    signatures = [_signature(reader, name, found, len(data)) for name, found in fields]
    certificates, revocation = _security_store(reader)
    ordered = sorted(signatures, key=lambda each: each.revision)
    return Pdf(data, revisions, tuple(ordered), certificates, revocation)


def _signature(reader: PdfFileReader, name: str, found: Any, size: int) -> PdfSignature:
    try:
        embedded = EmbeddedPdfSignature(reader, found, name)
        subfilter = str(embedded.sig_object.get("/SubFilter", ""))
        timestamp = embedded.sig_object_type == "/DocTimeStamp"
        if subfilter not in ({_TIMESTAMP_SUBFILTER} if timestamp else _SUBFILTERS):
            return _broken(name, Finding.MALFORMED)
        ranges = _ranges(embedded.byte_range, size)
        contents = _unpadded(embedded.pkcs7_content)
        embedded.compute_integrity_info()  # type: ignore[no-untyped-call]
        kwargs = embedded.summarise_integrity_info()
    except CMSExtractionError:
        return _broken(name, Finding.SEVERAL_SIGNERS)
    except PdfDecodeLimitError:
        raise
    except _BROKEN:
        return _broken(name, Finding.MALFORMED)
    return PdfSignature(
        field_name=plain(name),
        revision=embedded.signed_revision + 1,
        is_timestamp=timestamp,
        contents=contents,
        ranges=ranges,
        covers_revision=embedded.coverage >= SignatureCoverageLevel.ENTIRE_REVISION,
        covers_file=embedded.coverage >= SignatureCoverageLevel.ENTIRE_FILE,
        changes=_changes(embedded.diff_result),
        permitted=bool(kwargs["docmdp_ok"]),
        time=_claimed(embedded.sig_object),
    )


def _broken(name: str, finding: Finding) -> PdfSignature:
    return PdfSignature(plain(name), 0, False, b"", (), False, False, "OTHER", False, None, finding)


def _changes(result: Any) -> str:
    if result is None or isinstance(result, SuspiciousModification):
        return ModificationLevel.OTHER.name
    return str(result.modification_level.name)


def _ranges(byte_range: Any, size: int) -> tuple[tuple[int, int], ...]:
    """Returns the two ranges around the signature's value, within the file. Raises ValueError."""
    first, first_length, second, second_length = (int(number) for number in byte_range)
    ends = (first, first + first_length, second, second + second_length)
    if first != 0 or list(ends) != sorted(ends) or ends[-1] > size:
        raise ValueError("no byte range around a signature")
    return (first, first_length), (second, second_length)


def _unpadded(contents: bytes) -> bytes:
    """Returns the CMS without the zeros that fill its place. Raises ValueError where something else does."""
    length = asn1_parser.peek(contents)
    if contents[length:].strip(b"\x00"):
        raise ValueError("something follows the signature's value")
    return contents[:length]


def _claimed(dictionary: Any) -> datetime | None:
    try:
        time: datetime = parse_pdf_date(dictionary["/M"])
        return time.astimezone(UTC) if time.tzinfo else None
    except (KeyError, *_BROKEN):
        return None


def _security_store(reader: PdfFileReader) -> tuple[tuple[bytes, ...], RevocationMaterial]:
    """Returns the certificates, lists and responses of the DSS (ISO 32000-2, 12.8.4.3), if it has one."""
    try:
        store = reader.root["/DSS"]
    except KeyError:
        return (), RevocationMaterial()
    certificates = tuple(_streams(store, "/Certs", DecodePurpose.CERTIFICATE))
    crls = tuple(_streams(store, "/CRLs", DecodePurpose.CRL))
    ocsps = tuple(_streams(store, "/OCSPs", DecodePurpose.OCSP_RESPONSE))
    return certificates, RevocationMaterial(crls, ocsps)


def _streams(store: Any, name: str, purpose: DecodePurpose) -> Iterator[bytes]:
    for reference in store.get(name, ()):
        yield bytes(reference.get_object().read_data(purpose))
