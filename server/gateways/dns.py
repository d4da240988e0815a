"""Asks the DNS: where senders' host names lead, and for the records that prove who has a domain (ADMIN-2,
POST-8).

The resolver that is asked is trusted as the machine's own is; what anybody else sends in its place is dropped
by dnspython, which wants the same server, identifier and question. What an answer says beside the question is
not looked at.
"""

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import dns.asyncbackend
import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
import structlog

from server.domain import networks
from server.domain.caller import IpAddress
from server.domain.refusals import ServiceUnavailable
from server.domain.sending_rights import Hosts

COMPONENT = "DNS"

MOST_SECONDS = 3600.0
"""How long an answer is believed at most, whatever its time to live says."""
MOST_SECONDS_NOTHING = 60.0
"""How long it is believed at most that a name has no addresses: soon after it gets one, its sender sends."""
FAILED_SECONDS = 1.0
"""How long a look-up that failed is not tried again (RFC 9520, 3.2: at least one second)."""
KNOWN_SECONDS = 2.0
"""How long after a look-up its answer is known at least, whatever its time to live says: whoever asked for it
has to come to use it.
"""
REMEMBERED_ANSWERS = 10_000
LOOK_UPS_AT_ONCE = 64
MOST_ADDRESSES = 256
"""A name that shows more is believed to have none: as many as the widest network that is permitted has."""

ANSWER_BYTES = 8192
"""A longer answer is not read: it holds more addresses than count, and taking 64 KiB of records apart would
hold up everything else in the process for a second.
"""

_UDP_BYTES = 1232  # DNS Flag Day 2020: what passes unfragmented everywhere
_TRIES = 4

_log = structlog.get_logger(__name__)

_Key = tuple[str, dns.rdatatype.RdataType]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a look-up told: None for the addresses of one that failed.

    `until` is when it is asked again, `known_until` when it is forgotten, both on the monotonic clock.
    """

    addresses: frozenset[IpAddress] | None
    until: float
    known_until: float


class DnsFailure(Exception):
    """There is no usable answer; the text says why, without the answer's content."""


class Dns:
    """Looks names up; equal questions at the same time are asked once."""

    def __init__(
        self,
        servers: Sequence[tuple[str, int]] = (),
        *,
        timeout_seconds: float = 3.0,
        development: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        remembered_answers: int = REMEMBERED_ANSWERS,
    ) -> None:
        """Asks these servers (address and port) in their order; without any, those that the system asks.

        Args:
            timeout_seconds: how long one look-up takes at most, repetitions and all.
            development: loopback addresses count too, and nothing else besides public ones.
        """
        self._resolver = _resolver(servers, timeout_seconds)
        self._backend = dns.asyncbackend.get_backend("asyncio")
        self._timeout = timeout_seconds
        self._development = development
        self._monotonic = monotonic
        self._remembered = remembered_answers
        self._answers: OrderedDict[_Key, _Answer] = OrderedDict()
        self._under_way: dict[_Key, asyncio.Task[_Answer]] = {}
        self._at_once = asyncio.Semaphore(LOOK_UPS_AT_ONCE)

    def known(self, names: Collection[str], *, like: IpAddress) -> Hosts:
        """Returns at once what `addresses_of` returned before and still holds; other names are missing."""
        now, kind = self._monotonic(), _kind(like)
        found: dict[str, frozenset[IpAddress]] = {}
        for name in names:
            answer = self._answers.get((name, kind))
            if answer is not None and answer.addresses is not None and now < answer.known_until:
                found[name] = answer.addresses
        return found

    async def addresses_of(self, names: Collection[str], *, like: IpAddress) -> Hosts:
        """Returns the public addresses of each name, of the same version as `like`; those of its CNAME count.

        A name that has none comes with an empty set. A name that could not be looked up is missing: nothing
        is known of it. Names are A-labels.
        """
        kind = _kind(like)
        asked = list(dict.fromkeys(names))
        found = await asyncio.gather(*(self._answer((name, kind)) for name in asked))
        return {
            name: answer.addresses
            for name, answer in zip(asked, found, strict=True)
            if answer.addresses is not None
        }

    async def texts_of(self, name: str) -> Sequence[str]:
        """Returns the texts of a name's TXT records, each joined from its strings; asked anew every time.

        Raises:
            ServiceUnavailable: there is no usable answer.
        """
        try:
            found, _ = await self._ask(name, dns.rdatatype.TXT)
        except DnsFailure as failure:
            _log.warning("a DNS look-up failed", name=name, kind="TXT", error=str(failure))
            raise ServiceUnavailable(COMPONENT) from failure
        return [b"".join(record.strings).decode("utf-8", "replace") for record in found]

    async def records_of(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Sequence[Any]:
        """Returns the records of a name, in dnspython's form, those of its CNAME too; asked anew every time.

        Raises:
            DnsFailure: there is no usable answer.
        """
        found, _ = await self._ask(name, kind)
        return found

    async def _answer(self, key: _Key) -> _Answer:
        known = self._answers.get(key)
        if known is not None and self._monotonic() < known.until:
            self._answers.move_to_end(key)
            return known
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._look_up(key))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        # Shielded, for one caller who hangs up must not fail the others who wait for the same answer.
        return await asyncio.shield(task)

    async def _look_up(self, key: _Key) -> _Answer:
        name, kind = key
        # Counted from the question on: the answer may have been old when it came.
        asked_at = self._monotonic()
        try:
            records, seconds = await self._ask(name, kind)
            addresses = self._believed(name, [ipaddress.ip_address(record.address) for record in records])
            until = asked_at + seconds
            answer = _Answer(addresses, until, max(until, self._monotonic() + KNOWN_SECONDS))
        except DnsFailure as failure:
            _log.warning("a DNS look-up failed", name=name, kind=kind.name, error=str(failure))
            until = self._monotonic() + FAILED_SECONDS
            answer = _Answer(None, until, until)
        self._answers[key] = answer
        self._answers.move_to_end(key)
        while len(self._answers) > self._remembered:
            self._answers.popitem(last=False)
        return answer

    def _believed(self, name: str, shown: Sequence[IpAddress]) -> frozenset[IpAddress]:
        if len(shown) > MOST_ADDRESSES:
            _log.warning("a host name shows too many addresses", name=name, addresses=len(shown))
            return frozenset()
        return frozenset(
            address for address in shown if networks.is_usable(address, development=self._development)
        )

    async def _ask(
        self, asked: str | dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> tuple[Sequence[Any], float]:
        """Returns the records of a name, and for how many seconds they may be believed.

        Raises:
            DnsFailure: no server answers, or none usably.
        """
        if self._resolver is None:
            raise DnsFailure("the system names no DNS servers")
        name = asked if isinstance(asked, dns.name.Name) else _name(asked)
        try:
            async with asyncio.timeout(self._timeout), self._at_once:
                answer = await self._resolver.resolve(
                    name, kind, raise_on_no_answer=False, backend=self._backend
                )
        except dns.resolver.NXDOMAIN as nothing:
            response = nothing.response(name)  # type: ignore[no-untyped-call]
            return (), _nothing_seconds(response)
        except (dns.exception.DNSException, OSError, TimeoutError, EOFError) as error:
            raise DnsFailure(type(error).__name__) from error
        if answer.rrset is None:
            if answer.chaining_result.cnames and not _has_soa(answer.response):
                # The name leads elsewhere, and nobody says what is there.
                raise DnsFailure("the answer ends in a CNAME")
            return (), _nothing_seconds(answer.response)
        return list(answer.rrset), min(float(answer.chaining_result.minimum_ttl), MOST_SECONDS)


def _name(text: str) -> dns.name.Name:
    try:
        return dns.name.from_text(text)
    except dns.exception.DNSException as error:
        raise DnsFailure(type(error).__name__) from error


def _kind(like: IpAddress) -> dns.rdatatype.RdataType:
    return dns.rdatatype.A if like.version == 4 else dns.rdatatype.AAAA


class _TooLong(dns.exception.FormError):
    """The answer is longer than ANSWER_BYTES."""


class _AnotherQuestion(dns.exception.FormError):
    """The answer is to another question."""


class _Server(dns.nameserver.Do53Nameserver):
    """A server whose long answers are not taken apart."""

    async def async_query(
        self,
        request: dns.message.QueryMessage,
        timeout: float,  # noqa: ASYNC109 - the library's own
        source: str | None,
        source_port: int,
        max_size: bool,
        backend: Any,
        one_rr_per_rrset: bool = False,
        ignore_trailing: bool = False,
    ) -> dns.message.Message:
        """Asks over UDP as the library does, and over TCP, when `max_size` says so, up to ANSWER_BYTES."""
        if not max_size:
            return await super().async_query(
                request, timeout, source, source_port, max_size, backend, one_rr_per_rrset, ignore_trailing
            )
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(self.address, self.port)
            try:
                writer.write(request.to_wire(prepend_length=True))
                length = int.from_bytes(await reader.readexactly(2), "big")
                if length > ANSWER_BYTES:
                    raise _TooLong
                response = dns.message.from_wire(await reader.readexactly(length))
            finally:
                writer.close()
        if not request.is_response(response):
            raise _AnotherQuestion
        return response


def _nothing_seconds(response: dns.message.Message) -> float:
    """Returns how long to believe that there is nothing: as the zone's SOA says (RFC 2308, 5), or not at all
    without one.
    """
    if not isinstance(response, dns.message.QueryMessage) or not _has_soa(response):
        return 0.0
    return min(float(response.resolve_chaining().minimum_ttl), MOST_SECONDS_NOTHING)


def _has_soa(response: dns.message.Message) -> bool:
    return any(rrset.rdtype == dns.rdatatype.SOA for rrset in response.authority)


def _resolver(
    servers: Sequence[tuple[str, int]], timeout_seconds: float
) -> dns.asyncresolver.Resolver | None:
    try:
        resolver = dns.asyncresolver.Resolver(configure=not servers)
    except dns.resolver.NoResolverConfiguration:
        # No reason not to serve: most senders rely on no name.
        return None
    if not servers:
        servers = [(server, resolver.port) for server in resolver.nameservers if isinstance(server, str)]
    resolver.nameservers = [_Server(address, port) for address, port in servers]
    # So that a server that does not answer leaves time for the next one.
    resolver.timeout = timeout_seconds / _TRIES
    resolver.lifetime = timeout_seconds
    resolver.search = []
    resolver.use_search_by_default = False
    resolver.use_edns(0, 0, _UDP_BYTES)
    return resolver
