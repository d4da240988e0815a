"""The key of the post's electronic seal, in a PKCS#11 token."""

import asyncio
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from server.hsm.errors import HsmUnavailable
from server.hsm.token_link import ProcessFailed, TokenKey, TokenPatience, TokenProcess

_log = structlog.get_logger(__name__)

_PROGRAM: Final = "server.hsm.seal_process"
_EC: Final = "EC"


class Pkcs11SealKey:
    """Signs with the seal's key (EC, or RSA), which a process of its own holds open.

    The token is opened with the first signature: most servers of a post never seal anything. A process that
    fails, dies or does not answer in time is killed, the call raises `HsmUnavailable`, and the next one
    starts another. Whether a signature is right whoever asked for it finds out: they have the certificate.
    """

    def __init__(self, where: TokenKey, patience: TokenPatience | None = None) -> None:
        """Names the key; nothing is opened."""
        self._where = where
        self._patience = patience or TokenPatience()
        self._turn = asyncio.Lock()
        self._process: TokenProcess | None = None
        self._kind = ""
        self._closed = False

    @property
    def process_id(self) -> int | None:
        """The token process, for operators who watch it; None while there is none."""
        return self._process.id if self._process else None

    async def sign(self, data: bytes) -> bytes:
        """Returns the signature of data hashed with SHA-256: ECDSA as DER, RSA by PKCS #1 v1.5.

        Raises:
            HsmUnavailable.
        """
        # To its end also when the caller gives up: no answer is left behind half read.
        return await asyncio.shield(self._sign(data))

    async def close(self) -> None:
        """Lets go of the key; `sign` raises `HsmUnavailable` from then on. May be called again."""
        self._closed = True
        async with self._turn:
            if self._process is not None:
                await self._process.end(within=self._patience.signing)
                self._process = None

    async def _sign(self, data: bytes) -> bytes:
        async with self._turn:
            process = await self._opened()
            try:
                answer = await process.ask({"data": data.hex()}, within=self._patience.signing)
                value = bytes.fromhex(answer["signature"])
            except (ProcessFailed, LookupError, TypeError, ValueError) as failure:
                process.kill()
                raise self._unavailable(failure) from failure
        if self._kind != _EC:
            return value
        half = len(value) // 2
        return encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))

    async def _opened(self) -> TokenProcess:
        if self._closed:
            raise HsmUnavailable("the seal is closed")
        if self._process is not None and self._process.usable:
            return self._process
        if self._process is not None and not await self._process.end(within=self._patience.signing):
            raise HsmUnavailable(f"the token process {self._process.id} cannot be ended")
        self._process = await TokenProcess.start(self._where, _PROGRAM)
        try:
            self._kind = str((await self._process.read(within=self._patience.opening))["key"])
        except (ProcessFailed, LookupError, TypeError, ValueError) as failure:
            self._process.kill()
            raise self._unavailable(failure) from failure
        _log.info("seal_token_opened", token=self._where.token, key=self._where.key)
        return self._process

    def _unavailable(self, failure: Exception) -> HsmUnavailable:
        words = str(failure) or type(failure).__name__
        _log.error("seal_token_unavailable", token=self._where.token, key=self._where.key, failure=words)
        return HsmUnavailable(f"token {self._where.token!r}: {words}")
