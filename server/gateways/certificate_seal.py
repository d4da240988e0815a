"""The post's electronic seal on certificates: PAdES baseline B-B (ETSI EN 319 142-1, 6), by a key kept
elsewhere.

A timestamp over the seal (B-T) would be one more argument of `build_cms`: `stamp`, which gets the digest of
the signature's value and returns a token. There is room for it in the file.
"""

import asyncio
from collections.abc import Awaitable, Callable

from namak.signatures.cades import SignatureMisfit, SignerCertificates, build_cms
from namak.signatures.prepared import PreparedPdf, SignatureTooLarge
from server.gateways.certificate_pages.workers import ALGORITHM
from server.usecases.certificate_ports import SealUnavailable

Sign = Callable[[bytes], Awaitable[bytes]]
"""Signs data, hashed with SHA-256: ECDSA as DER, RSA by PKCS #1 v1.5. Raises `SealUnavailable`."""


class PadesSeal:
    """Seals by a key and its certificates."""

    def __init__(self, certificates: SignerCertificates, sign: Sign) -> None:
        """Takes the seal's certificate with those above it, and what signs with its key."""
        self._certificates = certificates
        self._sign = sign

    async def seal(self, prepared: PreparedPdf) -> bytes:
        """Returns the sealed PDF.

        Raises:
            SealUnavailable: the key can't be reached, or is not the certificate's.
        """
        loop = asyncio.get_running_loop()

        async def signature(data: bytes) -> bytes:
            return await self._sign(data)

        def sign(data: bytes, _algorithm: str) -> bytes:
            return asyncio.run_coroutine_threadsafe(signature(data), loop).result()

        try:
            cms = await asyncio.to_thread(
                build_cms, prepared.digest, self._certificates, sign, algorithm=ALGORITHM
            )
            return prepared.filled(cms)
        except SignatureMisfit as problem:
            raise SealUnavailable("the seal's key is not that of its certificate") from problem
        except SignatureTooLarge as problem:
            raise SealUnavailable("the seal's certificates do not fit into the file") from problem
