"""Wires delivery certificates: who sets them, and the post's seal."""

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.signatures.cades import SignerCertificates
from server.bootstrap_long_term import long_term_seal
from server.bootstrap_machine import SystemClock
from server.bootstrap_timestamps import timestamp_terms
from server.config import Settings
from server.gateways.certificate_pages.workers import CertificateWorkers
from server.gateways.certificate_seal import PadesSeal, Stamp
from server.hsm.errors import HsmError
from server.hsm.seal_key import Pkcs11SealKey
from server.hsm.token_link import TokenKey
from server.transparency.timestamp_link import AuthorityLink, TimestampTerms
from server.usecases.certificate_ports import SealUnavailable
from server.usecases.delivery_certificates import Office

_STAMP_TIMEOUT = timedelta(seconds=3)
_STAMP_REST_SECONDS = 30.0


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
        certificates = SignerCertificates(own, tuple(above))
        setter = await stack.enter_async_context(CertificateWorkers(settings.certificate.processes))
        stamp = await stack.enter_async_context(_stamping(settings))
        long_term = await stack.enter_async_context(long_term_seal(settings, certificates, setter.extend))
        seal_ = PadesSeal(certificates, sign, stamp, long_term)
        yield Office(setter, seal_, settings.certificate.site)


@contextlib.asynccontextmanager
async def _stamping(settings: Settings) -> AsyncIterator[Stamp | None]:
    """Gives what stamps seals; nothing where nobody is to be asked. Raises as `timestamp_terms` does."""
    timeout = min(settings.timestamps.timeout, _STAMP_TIMEOUT)
    async with timestamp_terms(settings.timestamps.model_copy(update={"timeout": timeout})) as terms:
        yield None if terms is None else stamp_by(replace(terms, retry_first=_STAMP_REST_SECONDS))


def stamp_by(terms: TimestampTerms) -> Stamp:
    """Returns what has seals stamped by the first authority that gives a token; those that failed are left
    alone for a while, so that they delay no more certificates than must be.
    """
    clock, now = SystemClock(), time.monotonic
    links = [
        AuthorityLink(f"seal timestamps {each.name}", each, terms, clock, now) for each in terms.authorities
    ]

    async def stamp(digest: bytes) -> bytes | None:
        for link in links:
            if link.ready and (token := await link.token(digest)) is not None:
                return token.der
        return None

    return stamp
