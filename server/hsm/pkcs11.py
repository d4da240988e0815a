"""The log's key in a PKCS#11 token."""

import asyncio
from typing import Self

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from server.hsm.errors import HsmKeyChanged, HsmUnavailable
from server.hsm.token_link import ProcessFailed, TokenKey, TokenPatience, TokenProcess

__all__ = ["Pkcs11LogSigner", "TokenKey", "TokenPatience"]

_log = structlog.get_logger(__name__)


class Pkcs11LogSigner:
    """A `LogSigner` whose key lies in a PKCS#11 token, which a process of its own holds open.

    That process (`server.hsm.token_process`, which says why it is one) makes one signature at a time. When it
    fails, dies, or does not answer in time, it is killed, the call raises `HsmUnavailable`, and the next call
    starts another. There is never more than one: where even killing does not help (a process stuck in the
    kernel), calls raise `HsmUnavailable` until it is gone. Every signature is checked before it is given out.
    A call that is cancelled does not disturb the others.

    Bound to the event loop that opened it.
    """

    def __init__(self, where: TokenKey, patience: TokenPatience) -> None:
        """For `open`."""
        self._where = where
        self._patience = patience
        self._turn = asyncio.Lock()
        self._process: TokenProcess | None = None
        self._signing: set[asyncio.Task[bytes]] = set()
        self._closed = False
        self._retry_at = 0.0
        self._public_key = b""

    @classmethod
    async def open(cls, where: TokenKey, patience: TokenPatience | None = None) -> Self:
        """Opens the token and reads the public key. Raises `HsmUnavailable` when it cannot."""
        signer = cls(where, patience or TokenPatience())
        try:
            async with signer._turn:
                signer._process = await signer._start()
        except BaseException:
            await signer.close()
            raise
        return signer

    @property
    def public_key(self) -> bytes:
        return self._public_key

    @property
    def process_id(self) -> int | None:
        """The token process, for operators who watch it; None while there is none."""
        return self._process.id if self._process else None

    async def sign(self, message: bytes) -> bytes:
        # A task of its own: cancelling the caller leaves no half-read answer behind.
        signing = asyncio.create_task(self._sign(message))
        self._signing.add(signing)
        signing.add_done_callback(self._signing.discard)
        return await asyncio.shield(signing)

    async def close(self) -> None:
        self._closed = True
        async with self._turn:
            if self._process:
                await self._process.end(within=self._patience.signing)
                self._process = None

    async def _sign(self, message: bytes) -> bytes:
        async with self._turn:
            if self._process is None or not self._process.usable:
                self._process = await self._start()
            try:
                answer = await self._process.ask({"message": message.hex()}, within=self._patience.signing)
                signature = bytes.fromhex(answer["signature"])
                Ed25519PublicKey.from_public_bytes(self._public_key).verify(signature, message)
            except (ProcessFailed, InvalidSignature, LookupError, TypeError, ValueError) as failure:
                self._process.kill()
                raise self._unavailable(failure) from failure
            self._retry_at = 0.0
            return signature

    async def _start(self) -> TokenProcess:
        """Starts a token process and learns the key. Raises `HsmUnavailable`, `HsmKeyChanged`."""
        if self._closed:
            raise HsmUnavailable("the signer is closed")
        if self._process and not await self._process.end(within=self._patience.signing):
            raise HsmUnavailable(f"the token process {self._process.id} cannot be ended")
        now = asyncio.get_running_loop().time()
        if now < self._retry_at:
            raise HsmUnavailable(f"token {self._where.token!r} did not open a moment ago")
        self._retry_at = now + self._patience.retry

        self._process = await TokenProcess.start(self._where, "server.hsm.token_process")
        try:
            answer = await self._process.read(within=self._patience.opening)
            public_key = bytes.fromhex(answer["public_key"])
            Ed25519PublicKey.from_public_bytes(public_key)
        except (ProcessFailed, LookupError, TypeError, ValueError) as failure:
            self._process.kill()
            raise self._unavailable(failure) from failure
        if self._public_key and public_key != self._public_key:
            self._process.kill()
            _log.critical("log_key_changed", token=self._where.token, key=self._where.key)
            raise HsmKeyChanged(f"token {self._where.token!r} now holds another key {self._where.key!r}")
        self._public_key = public_key
        _log.info("log_token_opened", token=self._where.token, key=self._where.key)
        return self._process

    def _unavailable(self, failure: Exception) -> HsmUnavailable:
        words = str(failure) or type(failure).__name__
        _log.error("log_token_unavailable", token=self._where.token, key=self._where.key, failure=words)
        return HsmUnavailable(f"token {self._where.token!r}: {words}")
