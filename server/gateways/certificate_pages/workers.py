"""Certificates set by a process of its own: setting one takes a tenth of a second of the processor."""

from typing import Final

from namak.signatures.prepared import LongTermPdf, PreparedPdf
from server.gateways.certificate_pages.renderer import CertificateRenderer
from server.gateways.setters import SetterDied, Setters, for_this_process
from server.usecases.certificate_ports import Certificate, CertificateNotSet

ALGORITHM: Final = "sha256"
"""What the seal is made over the file with."""


class CertificateWorkers(Setters):
    """Sets certificates and makes room for the seal in them. For one event loop; to be used as a context."""

    def __init__(self, processes: int) -> None:
        """Finds the fonts; processes start with the first certificates. Raises `FontsMissing`."""
        super().__init__(processes, _begin)

    async def render(self, certificate: Certificate) -> PreparedPdf:
        """Returns the certificate with room for the seal.

        Raises:
            CertificateNotSet: the setter refused it, or its process died; later ones get new processes.
        """
        try:
            return await self.run(_render, certificate)
        except SetterDied as problem:
            raise CertificateNotSet("a process that set certificates died") from problem

    async def extend(self, kept: LongTermPdf) -> bytes:
        """Returns a sealed file with what verifies it in decades.

        Raises:
            CertificateNotSet: the file does not take it, or the process died.
        """
        try:
            return await self.run(_extend, kept)
        except SetterDied as problem:
            raise CertificateNotSet("a process that set certificates died") from problem


_renderer: CertificateRenderer | None = None
# The process's own: one in each worker, never in the server.


def _begin() -> None:
    global _renderer
    _renderer = for_this_process(CertificateRenderer)


def _render(certificate: Certificate) -> PreparedPdf:
    # Only here, since the library for it takes a while to load.
    from namak.signatures.pdf_building import prepare_pdf

    assert _renderer is not None
    pdf = _renderer.render(certificate)
    return prepare_pdf(pdf, algorithm=ALGORITHM, at=certificate.statement.made_time)


def _extend(kept: LongTermPdf) -> bytes:
    from namak.signatures.pdf_building import PdfNotSignable
    from namak.signatures.pdf_long_term import with_material

    try:
        return with_material(kept.pdf, kept.certificates, kept.material)
    except PdfNotSignable as problem:
        raise CertificateNotSet(str(problem)) from None
