"""Gets what shows that the certificates of a seal and of its timestamp are not revoked, to be kept in files.

It is judged by the verifier's own rules (`namak.signatures`): what does not satisfy it now satisfies nobody
later. Lists come from the operator's files and from the hosts that the settings name, responses from those.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509

from namak.signatures.report import RevocationStatus
from namak.signatures.revocation import revocation_of
from namak.signatures.trust import RevocationMaterial
from server.gateways.certificate_status.fetching import Fetcher
from server.gateways.certificate_status.judging import SKEW, Moment
from server.gateways.certificate_status.list_layout import ListUnusable, list_der
from server.gateways.certificate_status.list_sources import FetchedLists
from server.gateways.certificate_status.ocsp_source import Responders
from server.gateways.certificate_status.revocation_list import RevocationList
from server.gateways.certificate_status.settings import Revocation

MOST_LIST_BYTES: Final = 512 * 1024
"""Longer lists are not put into files that people send; for those there are responders."""

_log = structlog.get_logger(__name__)

Way = Sequence[x509.Certificate]
"""A certificate, those above it, and its root."""


class StatusUnknown(Exception):
    """Nobody can tell now whether a certificate is revoked; the text says why."""


class StatusRevoked(Exception):
    """A certificate is revoked; the text names it."""


class ListFiles:
    """The lists in a directory, as they are."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._known: Mapping[Path, tuple[tuple[int, int, int], RevocationList | None]] = {}

    async def current(self) -> Sequence[RevocationList]:
        """Returns the lists that can be gone by; of the others the log tells once."""
        if self._directory is None:
            return ()
        return await asyncio.to_thread(self._read, self._directory)

    def _read(self, directory: Path) -> Sequence[RevocationList]:
        known: dict[Path, tuple[tuple[int, int, int], RevocationList | None]] = {}
        for path in sorted([*directory.glob("*.crl"), *directory.glob("*.crl.pem")]):
            try:
                found = path.stat()
                stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
                former = self._known.get(path)
                known[path] = former if former and former[0] == stamp else (stamp, _read_list(path))
            except OSError as problem:
                _log.warning("a list for seals can't be read", file=path.name, why=problem.strerror)
        self._known = known
        return [content for _, content in known.values() if content is not None]


def _read_list(path: Path) -> RevocationList | None:
    try:
        return RevocationList.read(list_der(path.read_bytes()))
    except ListUnusable as why:
        _log.warning("a list for seals is not gone by", file=path.name, why=str(why))
        return None


class LongTermStatus:
    """Finds material about paths of certificates, within bounded time. For one event loop."""

    def __init__(
        self,
        directory: Path | None,
        settings: Revocation,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes the directory of lists, if any, what may be fetched and how, and the time."""
        self._files = ListFiles(directory)
        self._fetcher = Fetcher(settings.places)
        self._fetched = FetchedLists(self._fetcher, settings, monotonic=monotonic)
        self._responders = Responders(self._fetcher, settings, now=now, monotonic=monotonic)
        self._now = now
        # For a list, and for a response where that does not tell.
        self._within: timedelta = 2 * settings.timeout

    async def close(self) -> None:
        """Gives up what is under way and ends the connections."""
        await self._fetched.close()
        await self._responders.close()
        await self._fetcher.close()

    async def about(self, path: Way) -> RevocationMaterial:
        """Returns what shows that none of the path's certificates is revoked now.

        Raises:
            StatusRevoked: one is.
            StatusUnknown: of one it can't be shown, or not in time.
        """
        asked = [
            asyncio.ensure_future(self._of(certificate, issuer, path))
            for certificate, issuer in pairwise(path)
        ]
        try:
            await asyncio.wait(asked, timeout=self._within.total_seconds())
        finally:
            for each in asked:
                each.cancel()
        found = await asyncio.gather(*asked, return_exceptions=True)
        troubles = [each for each in found if isinstance(each, BaseException)]
        # That one is revoked counts, whatever could not be found out of another, and whichever was first.
        for trouble in sorted(troubles, key=lambda each: not isinstance(each, StatusRevoked)):
            if isinstance(trouble, asyncio.CancelledError):
                raise StatusUnknown("lists and responses did not come in time")
            raise trouble
        return sum((each for each in found if isinstance(each, RevocationMaterial)), RevocationMaterial())

    async def _of(
        self, certificate: x509.Certificate, issuer: x509.Certificate, path: Way
    ) -> RevocationMaterial:
        files = await self._files.current()
        # What lies here is judged before anybody is waited for: it may say already that it is revoked.
        await asyncio.to_thread(_about, files, certificate, issuer, self._now())
        fetched, trouble = await self._fetched.of(certificate, path)
        held = [*files, *(each.content for each in fetched)]
        lists = await asyncio.to_thread(_about, held, certificate, issuer, self._now())
        small = tuple(each.der for each in lists if len(each.der) <= MOST_LIST_BYTES)[:1]
        if small and await self._shows(certificate, issuer, RevocationMaterial(small)):
            return RevocationMaterial(small)
        response, said = await self._response(certificate, issuer)
        if response is not None:
            material = RevocationMaterial(ocsps=(response,))
            if await self._shows(certificate, issuer, material):
                return material
        why = trouble or "there is no list of its issuer that is in force"
        if lists and not small:
            why = f"the list of its issuer has more than {MOST_LIST_BYTES // 1024} KiB"
        name = certificate.subject.rfc4514_string()
        raise StatusUnknown("; ".join(each for each in (f"{name}: {why}", said) if each))

    async def _shows(
        self, certificate: x509.Certificate, issuer: x509.Certificate, material: RevocationMaterial
    ) -> bool:
        """Tells whether a verifier will find by this that the certificate was not revoked now."""
        now = self._now()
        # Who verifies does so later; an authority's clock may be a little ahead of ours.
        later = now + SKEW
        found = await asyncio.to_thread(revocation_of, certificate, issuer, material, used=now, now=later)
        if found.status in (RevocationStatus.REVOKED, RevocationStatus.REVOKED_SINCE):
            raise StatusRevoked(certificate.subject.rfc4514_string())
        return found.status is RevocationStatus.GOOD

    async def _response(
        self, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> tuple[bytes | None, str]:
        url = self._responders.address_for(certificate)
        if url is None:
            return None, ""
        now = self._now()
        # Of a delegate that is not vouched for, only a list of its own could tell in decades.
        found = await self._responders.ask(certificate, issuer, url, Moment(now, now), lambda _: False)
        return found.der, found.detail


def _about(
    held: Sequence[RevocationList], certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
) -> Sequence[RevocationList]:
    """Returns the lists in force that tell of the certificate, the newest first. Raises StatusRevoked: one of
    any length or age says that it is revoked.
    """
    telling = [
        each
        for each in held
        if each.issuer == issuer.subject
        and each.issued <= now
        and each.unfit_for(certificate, issuer) is None
    ]
    for each in telling:
        found = each.find(certificate.serial_number)
        if found is not None and found.since <= now:
            raise StatusRevoked(certificate.subject.rfc4514_string())
    return sorted((each for each in telling if now <= each.ends), key=lambda each: each.issued, reverse=True)
