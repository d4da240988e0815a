"""PDFs that are said to be scans: whether one opens without a password, has pages that can be read, and
nothing that does anything.
"""

from typing import Final

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from server.domain.scans import ScanFault
from server.gateways.scans.pictures import MOST_PAGES

MOST_POINTS: Final = 14_400
"""A page's longer side, in 1/72 inch: what ISO 32000-1 allows."""

_UNPROTECTED = -1
# FPDF_GetSecurityHandlerRevision of what is not encrypted.


def pdf_fault(content: bytes) -> ScanFault | None:
    """Returns why it is not taken; None where it is."""
    if not content.startswith(b"%PDF-"):
        return ScanFault.NOT_WHAT_IT_SAYS
    if b"%%EOF" not in content[-1024:]:
        return ScanFault.BROKEN
    try:
        document = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as problem:
        locked = getattr(problem, "err_code", None) in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        return ScanFault.LOCKED if locked else ScanFault.BROKEN
    try:
        return _fault_of(document)
    except pdfium.PdfiumError:
        return ScanFault.BROKEN
    finally:
        document.close()


def _fault_of(document: pdfium.PdfDocument) -> ScanFault | None:
    if raw.FPDF_GetSecurityHandlerRevision(document) != _UNPROTECTED:
        # It opens without a password, but what it permits is said in it, and PDF/A knows no encryption.
        return ScanFault.LOCKED
    if (
        document.get_formtype() != raw.FORMTYPE_NONE
        or raw.FPDFDoc_GetJavaScriptActionCount(document) > 0
        or document.count_attachments() > 0
    ):
        return ScanFault.ACTIVE_CONTENT
    if len(document) == 0:
        return ScanFault.BROKEN
    if len(document) > MOST_PAGES:
        return ScanFault.TOO_MANY_PAGES
    for index in range(len(document)):
        page = document[index]
        try:
            width, height = page.get_size()
        finally:
            page.close()
        if min(width, height) <= 0:
            return ScanFault.BROKEN
        if max(width, height) > MOST_POINTS:
            return ScanFault.TOO_DEMANDING
    return None
