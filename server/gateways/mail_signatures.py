"""DKIM signatures of senders' mails (RFC 6376): looked at, told in the log, and nothing hangs on them."""

import asyncio
import re
from collections.abc import Sequence
from typing import Final, Protocol

import dkim

from server.domain.inbound_mail import SignatureResult
from server.domain.mime_fields import HEADER_BYTES
from server.domain.refusals import ServiceUnavailable

SECONDS: Final = 10.0
"""How long the keys of one mail are looked for at most."""
AT_ONCE: Final = 4
"""Mails looked at at once; others wait."""
_SIGNED: Final = re.compile(rb"(?:\A|\n)dkim-signature[ \t]*:", re.IGNORECASE)
"""What stands in a mail that is to be looked at: nearly none that a sender's own program sends."""


class TextRecords(Protocol):
    """The DNS, as far as keys stand in it."""

    async def texts_of(self, name: str) -> Sequence[str]:
        """Returns the texts of a name's TXT records. Raises `ServiceUnavailable`."""
        ...


class DkimSignatures:
    """Checks the first signature of a mail, beside the event loop."""

    def __init__(self, texts: TextRecords, *, seconds: float = SECONDS) -> None:
        self._texts = texts
        self._seconds = seconds
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def of(self, mail: bytes) -> SignatureResult:
        """Returns what RFC 8601 calls the result, and the domain that signed. Never raises."""
        if not _SIGNED.search(mail, 0, HEADER_BYTES):
            return SignatureResult("none", "")
        async with self._at_once:
            return await asyncio.to_thread(self._checked, mail, asyncio.get_running_loop())

    def _checked(self, mail: bytes, loop: asyncio.AbstractEventLoop) -> SignatureResult:
        unavailable = False

        def key(name: bytes, timeout: int = 5) -> bytes | None:  # noqa: ARG001 - the library's own
            nonlocal unavailable
            asked = asyncio.run_coroutine_threadsafe(self._key(name), loop)
            try:
                found = asked.result(self._seconds)
            except (ServiceUnavailable, TimeoutError):
                unavailable = True
                asked.cancel()
                return None
            return found[0].encode() if found else None

        signed = dkim.DKIM(mail)
        try:
            passed = signed.verify(dnsfunc=key)
        except dkim.DKIMException:
            passed = False
        except Exception:  # noqa: BLE001 - the library's checks of what strangers wrote are not complete
            return SignatureResult("permerror", "")
        domain = (signed.domain or b"").decode("ascii", "replace")
        if passed:
            return SignatureResult("pass", domain)
        if unavailable:
            return SignatureResult("temperror", domain)
        return SignatureResult("fail" if domain else "none", domain)

    async def _key(self, name: bytes) -> Sequence[str]:
        return await self._texts.texts_of(name.decode("ascii", "replace").rstrip("."))
