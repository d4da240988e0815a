"""Makes PAdES baseline signatures (ETSI EN 319 142-1, 6): a CMS in a new signature field of a PDF.

The signature is invisible and added as an incremental update: what the PDF held before stays byte for byte.
"""

import io
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any, Final

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject

from namak.evidence.certificate import PARSING, UNREADABLE
from namak.signatures.prepared import PreparedPdf

RESERVED_BYTES: Final = 32 * 1024
"""The room for the CMS in the PDF: certificates of a chain and a timestamp token fit in."""


class AsItIs(IncrementalPdfFileWriter):
    """Leaves the file's metadata alone: written anew they might not be those of a PDF/A any more."""

    def _update_meta(self) -> None:
        """Updates nothing."""


class PdfNotSignable(Exception):
    """The bytes are no PDF that can be signed: broken, encrypted, or no PDF at all."""


def build_pdf(
    data: bytes,
    make_cms: Callable[[bytes], bytes],
    *,
    algorithm: str,
    at: datetime,
    name: str = "",
    reason: str = "",
    location: str = "",
) -> bytes:
    """Returns the PDF with one more signature, which ``make_cms`` makes from the digest of what is signed.

    ``at`` is the time that the signature claims. Raises :class:`PdfNotSignable` and what ``make_cms`` raises.
    """
    try:
        with PARSING:
            embedding, prepared, output = _prepared(data, algorithm, at, name, reason, location)
    except (PdfError, EOFError, AssertionError, *UNREADABLE):
        raise PdfNotSignable("the file is no PDF that can be signed") from None
    # Outside the lock: whoever signs may wait for a person's PIN.
    cms = make_cms(prepared.document_digest)
    if len(cms) > RESERVED_BYTES // 2:
        raise PdfNotSignable("the signature is larger than the room for it")
    with PARSING:
        embedding.send(cms)
    return bytes(output.getvalue())


def prepare_pdf(
    data: bytes, *, algorithm: str, at: datetime, name: str = "", reason: str = "", location: str = ""
) -> PreparedPdf:
    """Returns the PDF with room for one more signature, for whoever signs elsewhere or later.

    Arguments and errors as for :func:`build_pdf`.
    """
    try:
        with PARSING:
            _embedding, prepared, output = _prepared(data, algorithm, at, name, reason, location)
    except (PdfError, EOFError, AssertionError, *UNREADABLE):
        raise PdfNotSignable("the file is no PDF that can be signed") from None
    start, end = prepared.reserved_region_start, prepared.reserved_region_end
    return PreparedPdf(bytes(output.getvalue()), bytes(prepared.document_digest), start, end)


def _prepared(
    data: bytes, algorithm: str, at: datetime, name: str, reason: str, location: str
) -> tuple[Any, Any, Any]:
    writer = AsItIs(io.BytesIO(data), strict=True)
    if writer.prev.encrypted:
        raise PdfNotSignable("the file is encrypted")
    field = _new_name({found for found, _value, _field in enumerate_sig_fields(writer.prev)})
    spec = SigFieldSpec(sig_field_name=field, on_page=0)
    embedding: Any = PdfCMSEmbedder(new_field_spec=spec).write_cms(field_name=field, writer=writer)
    next(embedding)
    placeholder = SignatureObject(
        timestamp=at.replace(microsecond=0),
        subfilter=SigSeedSubFilter.PADES,
        name=name or None,
        reason=reason or None,
        location=location or None,
        bytes_reserved=RESERVED_BYTES,
    )
    embedding.send(SigObjSetup(sig_placeholder=placeholder))
    prepared, output = embedding.send(SigIOSetup(md_algorithm=algorithm))
    return embedding, prepared, output


def _new_name(taken: set[str]) -> str:
    return next(name for number in count(1) if (name := f"Signature{number}") not in taken)
