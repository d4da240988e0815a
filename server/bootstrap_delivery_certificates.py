"""Wires delivery certificates: who sets them, and the post's seal."""

import contextlib
from collections.abc import AsyncIterator

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.signatures.cades import SignerCertificates
from server.config import Settings
from server.gateways.certificate_pages.workers import CertificateWorkers
from server.gateways.certificate_seal import PadesSeal
from server.hsm.errors import HsmError
from server.hsm.seal_key import Pkcs11SealKey
from server.hsm.token_link import TokenKey
from server.usecases.certificate_ports import SealUnavailable
from server.usecases.delivery_certificates import Office


@contextlib.asynccontextmanager
async def certificate_office(settings: Settings) -> AsyncIterator[Office | None]:
    """Gives what makes certificates; nothing where the post has no seal.

    Raises OSError, ValueError: the fonts are missing, or a file of the settings can't be used.
    """
    seal = settings.seal
    if seal.module is None or seal.pin_file is None or seal.certificate is None:
        yield None
        return
    own, *above = (
        each.public_bytes(Encoding.DER)
        for each in x509.load_pem_x509_certificates(seal.certificate.read_bytes())
    )
    environment = {"SOFTHSM2_CONF": str(seal.softhsm_config)} if seal.softhsm_config else {}
    key = Pkcs11SealKey(TokenKey(seal.module, seal.token, seal.label, seal.pin_file, environment))

    async def sign(data: bytes) -> bytes:
        try:
            return await key.sign(data)
        except HsmError as problem:
            raise SealUnavailable(str(problem)) from problem

    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(key.close)
        setter = await stack.enter_async_context(CertificateWorkers(settings.certificate.processes))
        yield Office(
            setter, PadesSeal(SignerCertificates(own, tuple(above)), sign), settings.certificate.site
        )
