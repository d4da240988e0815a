"""The link to a centre: kept up, and used no faster than it is meant to be."""

import asyncio
import contextlib
import random
import ssl
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import structlog

from server.domain.sms import Alphabet, Segment
from server.gateways.sms import pdu
from server.gateways.sms.pdu import Address, Command, Delivered, Packet, Status
from server.gateways.sms.reports import report_of
from server.gateways.sms.session import LinkLost, NotLetIn, Session
from server.usecases.sms_ports import SmsNotSent, TakeReport

_log = structlog.get_logger(__name__)

_CODINGS: Final = {Alphabet.GSM: 0x00, Alphabet.UCS2: 0x08}
_AGAIN_LATER: Final[frozenset[int]] = frozenset(
    {
        Status.NOT_BOUND,
        Status.SYSTEM_ERROR,
        Status.QUEUE_FULL,
        Status.THROTTLED,
        Status.TEMPORARY_TROUBLE,
        Status.UNKNOWN_ERROR,
    }
)
_TOO_FAST: Final[frozenset[int]] = frozenset({Status.QUEUE_FULL, Status.THROTTLED})
_FOR_GOOD: Final[dict[int, str]] = {
    Status.INVALID_DESTINATION: "INVALID_PHONE",
    Status.INVALID_SOURCE: "INVALID_SOURCE",
}
_NOT_LET_IN: Final[dict[int, str]] = {
    Status.INVALID_PASSWORD: "the password is wrong",
    Status.INVALID_SYSTEM_ID: "the system_id is not known there",
    Status.ALREADY_BOUND: "it is bound already, by another worker say",
}
_CATCHING_UP: Final = 0.05
"""So many seconds of its rate a link makes up for at most, after a timer that came late."""
_LEAVING: Final = 2.0
"""How many seconds the centre has at most to say goodbye."""


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """A centre, and how it is used.

    Attributes:
        host, port: where it listens.
        system_id, password, system_type: as whom we ask to be let in.
        source: what stands as the sender.
        context: TLS, where the centre offers it.
        window: how many segments may be without an answer.
        rate: how many segments are handed over a second.
        timeout: how many seconds an answer may take.
        silence: after how many seconds without a sign of life one is asked for.
        first_wait, longest_wait: seconds before the link is tried again; doubled each time.
        pause: seconds that nothing is handed over after the centre said that it was too fast.
    """

    host: str
    port: int
    system_id: str
    password: str = field(repr=False)
    source: Address
    system_type: str = ""
    context: ssl.SSLContext | None = None
    window: int = 10
    rate: float = 10.0
    timeout: float = 30.0
    silence: float = 30.0
    first_wait: float = 1.0
    longest_wait: float = 60.0
    pause: float = 1.0


class SmppLink:
    """A route for short messages, and taker of their reports, while it is entered."""

    def __init__(self, settings: LinkSettings, take: TakeReport) -> None:
        """Raises ValueError: a setting that SMPP has no room for."""
        self._settings = settings
        self._bind = pdu.bind_transceiver(settings.system_id, settings.password, settings.system_type)
        self._take = take
        self._session: Session | None = None
        # Set while the link is there, and while the centre does not let us in: waiting would not help then.
        self._known = asyncio.Event()
        self._line = asyncio.Lock()
        self._window = asyncio.Semaphore(settings.window)
        self._next = 0.0
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping

    async def submit(self, to: str, segment: Segment, *, reports: bool) -> str:
        """Hands one segment over; returns the centre's identifier of it. Raises SmsNotSent."""
        body = pdu.submit_sm(
            self._settings.source,
            pdu.phone_address(to),
            segment.octets,
            data_coding=_CODINGS[segment.alphabet],
            has_header=segment.has_header,
            reports=reports,
        )
        session = await self._turn()
        try:
            answer = await session.submit(body, self._settings.timeout)
        except LinkLost:
            raise SmsNotSent("LINK_LOST", for_good=False) from None
        except TimeoutError:
            raise SmsNotSent("NO_ANSWER", for_good=False) from None
        finally:
            self._window.release()
        return self._identifier(answer)

    async def _turn(self) -> Session:
        """Waits for the link, for room in its window and for its rate, in the order of asking."""
        try:
            await asyncio.wait_for(self._known.wait(), self._settings.timeout)
        except TimeoutError:
            raise SmsNotSent("UNREACHABLE", for_good=False) from None
        if self._session is None:
            raise SmsNotSent("NOT_LET_IN", for_good=False)
        # One after the other: whoever has room waits for its time, and nobody behind takes room meanwhile.
        async with self._line:
            await self._window.acquire()
            try:
                await self._pace()
                if self._session is None:
                    raise SmsNotSent("LINK_LOST", for_good=False)
            except BaseException:
                self._window.release()
                raise
            return self._session

    async def _pace(self) -> None:
        now = asyncio.get_running_loop().time()
        # By the time that was meant, not by when a timer fired: what came late is made up for, up to a bit.
        at = max(self._next, now - _CATCHING_UP)
        self._next = at + 1 / self._settings.rate
        if at > now:
            await asyncio.sleep(at - now)

    def _identifier(self, answer: Packet) -> str:
        """Returns the identifier in an answer. Raises SmsNotSent."""
        status = answer.status
        if answer.command == Command.SUBMIT_SM_RESP and status == Status.OK:
            return pdu.message_id(answer.body)
        if status in _TOO_FAST:
            now = asyncio.get_running_loop().time()
            self._next = max(self._next, now + self._settings.pause)
        if status in _AGAIN_LATER or status == Status.OK:
            raise SmsNotSent("BUSY", for_good=False)
        reason = _FOR_GOOD.get(status, "REFUSED")
        _log.warning("an SMS centre refused a message", status=status, reason=reason)
        raise SmsNotSent(reason, for_good=True)

    async def _deliver(self, delivered: Delivered) -> None:
        report = report_of(delivered)
        if report is not None:
            await self._take(report)

    async def _keep(self) -> None:
        """Has a link, again and again, until cancelled."""
        wait = self._settings.first_wait
        while True:
            try:
                await self._have()
            except LinkLost as lost:
                _log.warning("the link to an SMS centre ended", problem=str(lost))
                wait = self._settings.first_wait
            except NotLetIn as refused:
                self._known.set()
                problem = _NOT_LET_IN.get(refused.status, "it does not say why")
                _log.error("an SMS centre does not let us in", status=refused.status, problem=problem)
            except (OSError, TimeoutError) as error:
                self._known.clear()
                _log.warning("an SMS centre can't be reached", kind=type(error).__name__)
            except Exception:  # noqa: BLE001 - a defect must not be the end of all short messages
                _log.exception("the link to an SMS centre met an unexpected error")
            # Not all at once: workers that lost their centre together do not come back together.
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311
            wait = min(2 * wait, self._settings.longest_wait)

    async def _have(self) -> None:
        """Has a link until it ends.

        Raises:
            LinkLost: it was there. NotLetIn, OSError, TimeoutError: it never was.
        """
        settings = self._settings
        async with asyncio.timeout(settings.timeout):
            reader, writer = await asyncio.open_connection(settings.host, settings.port, ssl=settings.context)
        session = Session(reader, writer, self._deliver)
        tasks = {asyncio.create_task(session.run())}
        try:
            await self._bound_by(session)
            tasks.add(asyncio.create_task(session.stay_awake(settings.silence, settings.timeout)))
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            was_bound, self._session = self._session is not None, None
            if was_bound:
                self._known.clear()
                await session.leave(min(settings.timeout, _LEAVING))
            else:
                await session.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _bound_by(self, session: Session) -> None:
        try:
            await session.bind(self._bind, self._settings.timeout)
        except LinkLost:
            raise ConnectionError("the link ended before the bind was answered") from None
        self._session = session
        self._known.set()
        _log.info("an SMS centre let us in", window=self._settings.window, rate=self._settings.rate)
