"""Adds to a signed PDF what verifies its signatures in decades: PAdES baseline B-LT (ETSI EN 319 142-1, 6).

The certificates, revocation lists and responses go into the document security store (DSS), as an incremental
update: what was signed stays byte for byte, and the file's metadata is left alone. Nothing is fetched here.
"""

import io
from collections.abc import Sequence

from asn1crypto import crl, ocsp, x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.validation.dss import DocumentSecurityStore

from namak.evidence.certificate import PARSING, UNREADABLE
from namak.signatures.pdf_building import AsItIs, PdfNotSignable
from namak.signatures.trust import RevocationMaterial


def with_material(data: bytes, certificates: Sequence[bytes], material: RevocationMaterial) -> bytes:
    """Returns the PDF with these certificates (DER) and this material in its security store, besides what is
    there. Raises :class:`PdfNotSignable`.
    """
    output = io.BytesIO(data)
    try:
        with PARSING:
            writer = AsItIs(output, strict=True)
            if writer.prev.encrypted:
                raise PdfNotSignable("the file is encrypted")
            writer.register_extension(ESIC_EXTENSION_1)
            # In no VRI: who reads by signature finds it all the same (EN 319 142-1, 5.4.2.3).
            DocumentSecurityStore.supply_dss_in_writer(
                writer,
                None,
                certs=[x509.Certificate.load(each, strict=True) for each in certificates],
                ocsps=[ocsp.OCSPResponse.load(each, strict=True) for each in material.ocsps],
                crls=[crl.CertificateList.load(each, strict=True) for each in material.crls],
            )
            writer.write_in_place()  # type: ignore[no-untyped-call]
    except (PdfError, EOFError, AssertionError, *UNREADABLE):
        raise PdfNotSignable("the file takes no further material") from None
    return output.getvalue()
