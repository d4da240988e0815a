"""The post's electronic seal on certificates: PAdES baseline B-LT or B-T (ETSI EN 319 142-1, 6), by a key
kept elsewhere, or B-B where no timestamp is to be had.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from namak.signatures.cades import SignatureMisfit, SignerCertificates, build_cms
from namak.signatures.prepared import PreparedPdf, SignatureTooLarge
from server.gateways.certificate_pages.workers import ALGORITHM
from server.gateways.long_term_seal import LongTermSeal
from server.usecases.certificate_ports import SealUnavailable

_log = structlog.get_logger(__name__)

Sign = Callable[[bytes], Awaitable[bytes]]
"""Signs data, hashed with SHA-256: ECDSA as DER, RSA by PKCS #1 v1.5. Raises `SealUnavailable`."""


Stamp = Callable[[bytes], Awaitable[bytes | None]]
"""Returns a timestamp token (DER) over what has a SHA-256, or None; takes bounded time and never fails."""


class PadesSeal:
    """Seals by a key and its certificates."""

    def __init__(
        self,
        certificates: SignerCertificates,
        sign: Sign,
        stamp: Stamp | None = None,
        long_term: LongTermSeal | None = None,
    ) -> None:
        """Takes the seal's certificate with those above it, what signs with its key, what stamps, and what
        keeps seals for the long term.
        """
        self._certificates = certificates
        self._sign = sign
        self._stamp = stamp
        self._long_term = long_term

    async def seal(self, prepared: PreparedPdf) -> bytes:
        """Returns the sealed PDF.

        Raises:
            SealUnavailable: the key can't be reached, or is not the certificate's, or that is revoked.
        """
        if self._long_term is None:
            pdf, _ = await self._put_on(prepared)
            return pdf
        about_seal = await self._long_term.about_seal()
        return await self._long_term.kept(*await self._put_on(prepared), about_seal)

    async def _put_on(self, prepared: PreparedPdf) -> tuple[bytes, bytes | None]:
        """Returns the sealed PDF, and the timestamp in its seal."""
        try:
            try:
                return await self._sealed(prepared, self._stamp)
            except SignatureTooLarge:
                if self._stamp is None:
                    raise
                _log.warning("a timestamp is too large for the seal's room")
                return await self._sealed(prepared, None)
        except SignatureMisfit as problem:
            raise SealUnavailable("the seal's key is not that of its certificate") from problem
        except SignatureTooLarge as problem:
            raise SealUnavailable("the seal's certificates do not fit into the file") from problem

    async def _sealed(self, prepared: PreparedPdf, stamp: Stamp | None) -> tuple[bytes, bytes | None]:
        loop = asyncio.get_running_loop()
        given: bytes | None = None

        async def signature(data: bytes) -> bytes:
            return await self._sign(data)

        def sign(data: bytes, _algorithm: str) -> bytes:
            return asyncio.run_coroutine_threadsafe(signature(data), loop).result()

        async def stamped(stamp: Stamp, digest: bytes) -> bytes | None:
            return await stamp(digest)

        def token(digest: bytes, _algorithm: str) -> bytes | None:
            nonlocal given
            if stamp is not None:
                given = asyncio.run_coroutine_threadsafe(stamped(stamp, digest), loop).result()
            return given

        cms = await asyncio.to_thread(
            build_cms, prepared.digest, self._certificates, sign, algorithm=ALGORITHM, stamp=token
        )
        return prepared.filled(cms), given
