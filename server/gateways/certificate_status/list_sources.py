"""Where revocation lists come from: the operator's files, and the authorities' servers.

Lists are read and indexed in threads; checks go on by the former one until the new one is whole, and then by
the new one at once. A list that is older than the one it would replace, by the same issuer's word, is not
taken: somebody on the way may hold newer ones back.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog
from cryptography import x509

from server.gateways.certificate_status.fetching import Fetcher, Unfetched
from server.gateways.certificate_status.judging import HeldList
from server.gateways.certificate_status.list_layout import ListUnusable, list_der
from server.gateways.certificate_status.revocation_list import RevocationList
from server.gateways.certificate_status.settings import Revocation
from server.gateways.citizen_trust import Trust
from server.usecases.certificate_status import Origin

PATIENCE_SECONDS = 0.25
"""So long checks wait for lists from when their reading began; then they go by the former ones."""

_ADDRESSES = 256

_log = structlog.get_logger(__name__)


class FileLists:
    """The lists among the operator's files, indexed."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._patient_until = 0.0
        self._by_file: Mapping[Path, RevocationList] = {}
        self._held: tuple[HeldList, ...] | None = None
        self._generation = -1
        self._reading: asyncio.Task[None] | None = None

    @property
    def generation(self) -> int:
        """Of the files whose lists are gone by."""
        return self._generation

    async def of(self, trust: Trust) -> tuple[HeldList, ...]:
        """Returns the lists of the files as they are; while large ones are being read, the former ones."""
        if trust.generation != self._generation:
            if self._reading is None:
                self._patient_until = self._monotonic() + PATIENCE_SECONDS
                self._reading = asyncio.create_task(self._read(trust))
                self._reading.add_done_callback(self._done)
            patience = max(0.0, self._patient_until - self._monotonic())
            await asyncio.wait({self._reading}, timeout=None if self._held is None else patience)
        return self._held or ()

    async def close(self) -> None:
        """Gives up what is being read."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    async def _read(self, trust: Trust) -> None:
        by_file = await asyncio.to_thread(_read_all, trust, self._by_file)
        self._by_file = by_file
        self._held = tuple(HeldList(content, Origin.FILE) for content in by_file.values())
        self._generation = trust.generation

    def _done(self, reading: "asyncio.Task[None]") -> None:
        self._reading = None
        if not reading.cancelled() and (error := reading.exception()) is not None:
            _log.error("revocation lists can't be read", exc_info=error)


def _read_all(trust: Trust, former: Mapping[Path, RevocationList]) -> dict[Path, RevocationList]:
    authorities = [x509.load_der_x509_certificate(der) for der in (*trust.intermediates, *trust.roots)]
    unchanged = {held.der: held for held in former.values()}
    by_file: dict[Path, RevocationList] = {}
    for path, der in trust.lists.items():
        try:
            by_file[path] = unchanged.get(der) or RevocationList.read(der)
        except ListUnusable as why:
            _log.warning("revocation list is not gone by", file=path.name, why=str(why))
            # The former one serves as long as it is in force.
            if path in former:
                by_file[path] = former[path]
            continue
        _verify_beforehand(by_file[path], authorities)
    return by_file


def _verify_beforehand(content: RevocationList, authorities: Iterable[x509.Certificate]) -> None:
    """Hashes the whole list now, in this thread: the first check would have to wait for it."""
    for authority in authorities:
        if authority.subject == content.issuer:
            content.unsigned_by(authority)


@dataclass(slots=True)
class _Fetched:
    """What is known of one address; times are monotonic.

    `issuer` has signed the list. One of an authority that nobody has met yet is kept all the same: whoever
    goes by it verifies it.
    """

    content: RevocationList | None = None
    issuer: x509.Certificate | None = None
    due: float = 0.0
    trouble: str | None = None
    task: "asyncio.Task[None] | None" = field(default=None, repr=False)


class FetchedLists:
    """The lists that lie on the authorities' servers, fetched when a check needs them."""

    def __init__(
        self,
        fetcher: Fetcher,
        settings: Revocation,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetcher = fetcher
        self._settings = settings
        self._monotonic = monotonic
        self._known: OrderedDict[str, _Fetched] = OrderedDict()

    async def of(
        self, certificate: x509.Certificate, authorities: Sequence[x509.Certificate]
    ) -> tuple[tuple[HeldList, ...], str | None]:
        """Returns the lists that certificate and settings name, and why one of them is missing.

        A list in the name of one of the authorities is taken only if that one has signed it. One that was
        never had is waited for; one that is due again is fetched while the former serves.
        """
        lists: list[HeldList] = []
        trouble: str | None = None
        for url in self._addresses(certificate):
            known = await self._current(url, authorities)
            if known.content is not None:
                lists.append(HeldList(known.content, Origin.FETCHED))
            else:
                trouble = known.trouble or "it is still being fetched"
        return tuple(lists), trouble

    async def close(self) -> None:
        """Gives up what is being fetched."""
        tasks = [known.task for known in self._known.values() if known.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _addresses(self, certificate: x509.Certificate) -> list[str]:
        named = [*self._settings.lists, *points_of(certificate)]
        return [url for url in dict.fromkeys(named) if self._fetcher.may_ask(url)]

    async def _current(self, url: str, authorities: Sequence[x509.Certificate]) -> _Fetched:
        known = self._known.setdefault(url, _Fetched())
        self._known.move_to_end(url)
        self._forget()
        if known.task is None and self._monotonic() >= known.due:
            known.task = asyncio.create_task(self._fetch(url, known, authorities))
            known.task.add_done_callback(partial(self._ended, known))
        if known.content is None and known.task is not None:
            await asyncio.wait({known.task}, timeout=self._settings.timeout.total_seconds())
        return known

    def _ended(self, known: _Fetched, task: "asyncio.Task[None]") -> None:
        known.task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            # Nobody foresaw it: told once a while, and not fetched again by every check.
            known.trouble = "it can't be read"
            known.due = self._monotonic() + self._settings.retry.total_seconds()
            _log.error("revocation list can't be read", exc_info=error)

    def _forget(self) -> None:
        while len(self._known) > _ADDRESSES:
            oldest = next(iter(self._known.values()))
            if oldest.task is not None:
                return
            self._known.popitem(last=False)

    async def _fetch(self, url: str, known: _Fetched, authorities: Sequence[x509.Certificate]) -> None:
        settings = self._settings
        try:
            der = await self._fetcher.get(url, most_bytes=settings.longest_list, limit=settings.list_timeout)
            taken, issuer = await asyncio.to_thread(_taken, der, known, authorities)
        except (Unfetched, ListUnusable) as why:
            known.trouble = str(why)
            known.due = self._monotonic() + settings.retry.total_seconds()
            _log.warning("revocation list can't be had", why=str(why))
            return
        if taken is not known.content:
            _log.info("revocation list read", entries=len(taken))
        known.content, known.trouble = taken, None
        known.issuer = issuer
        wait = settings.retry if issuer is None else settings.refresh
        known.due = self._monotonic() + wait.total_seconds()


def _taken(
    der: bytes, known: _Fetched, authorities: Sequence[x509.Certificate]
) -> tuple[RevocationList, x509.Certificate | None]:
    """Returns the list to go by from now on, and who signed it, if that is known. Raises ListUnusable."""
    former = known.content
    content = former if former is not None and former.der == der else RevocationList.read(list_der(der))
    candidates = authorities if known.issuer is None else (known.issuer, *authorities)
    issuers = [authority for authority in candidates if authority.subject == content.issuer]
    whys = [content.unsigned_by(issuer) for issuer in issuers]
    if None in whys:
        if known.issuer is not None and former is not None and content.issued < former.issued:
            raise ListUnusable("the list is older than the one before")
        return content, issuers[whys.index(None)]
    if issuers:
        raise ListUnusable(f"the list does not count: {whys[0]}")
    if known.issuer is not None:
        raise ListUnusable("the list is another authority's than the one before")
    return content, None


def points_of(certificate: x509.Certificate) -> list[str]:
    """Returns the addresses of whole lists that the certificate names (RFC 5280, 4.2.1.13)."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    return [
        name.value
        for point in points
        # Of another issuer: an indirect list. For some reasons only: half an answer.
        if point.crl_issuer is None and point.reasons is None
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    ]


def held_in(given: Sequence[bytes], most_bytes: int) -> tuple[HeldList, ...]:
    """Returns the lists among bytes that came along; what is none, or too long, is passed over."""
    lists = []
    for der in given:
        try:
            if len(der) <= most_bytes:
                lists.append(HeldList(RevocationList.read(der), Origin.GIVEN))
        except ListUnusable:
            continue
    return tuple(lists)
