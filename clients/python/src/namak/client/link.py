"""The connection: one mutual-TLS channel, the caller's certificate checked first, and a reason when none
comes about.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import grpc
import grpc.aio

from namak.client.certificates import check_own_certificate
from namak.client.retries import Patience, persistently
from namak.client.statuses import error_from_call
from namak.config import Connection, files_of
from namak.errors import CannotConnect
from namak.v1 import evidence_pb2, evidence_pb2_grpc

if TYPE_CHECKING:
    from grpc.aio import UnaryStreamMultiCallable, UnaryUnaryMultiCallable

Request = TypeVar("Request")
Reply = TypeVar("Reply")
T = TypeVar("T")

MAX_REQUEST_BYTES = 4 * 1024 * 1024
"""The server's limit for one request."""

_MAX_REPLY_BYTES = 64 * 1024 * 1024
# 500 results with two pieces of evidence and two receipts each far exceed gRPC's usual 4 MiB.

_CONNECT_PATIENCE = 5.0
# Seconds for a first connection: long enough for a server that restarts, short enough for a wrong
# certificate.

_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_send_message_length", MAX_REQUEST_BYTES),
    ("grpc.max_receive_message_length", _MAX_REPLY_BYTES),
    # Repeating is ours alone (retries.py): gRPC's own retries would double it and outlive our clock.
    ("grpc.enable_retries", 0),
    ("grpc.service_config_disable_resolution", 1),
    # Servers commonly end connections that ping more often than every five minutes.
    ("grpc.keepalive_time_ms", 330_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # gRPC's reconnection pauses grow to two minutes, longer than most callers wait.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)

# What gRPC's text says -> what a person can look at. The texts are a courtesy: nothing else depends on them.
_HINTS: tuple[tuple[str, str], ...] = (
    (
        "Hostname Verification",
        "the server's certificate is for another name: check address, or set server_name",
    ),
    ("Peer name", "the server's certificate is for another name: check address, or set server_name"),
    (
        "CERTIFICATE_VERIFY_FAILED",
        "the server's certificate is not vouched for by ca: check that file and the address",
    ),
    ("WRONG_VERSION_NUMBER", "the other side does not speak TLS: check the port in address"),
    ("Connection refused", "nobody listens there: check address, and whether the post is running"),
    ("DNS", "the host's name can't be resolved: check address and the network"),
    ("name resolution", "the host's name can't be resolved: check address and the network"),
    ("unreachable", "there is no way to that host: check the network"),
    ("timed out", "the host does not answer: check address, the network and firewalls"),
)
_HANDSHAKE_HINT = (
    "the other side ended the connection during the handshake, as it does when it does not accept the "
    "caller's certificate: check that certificate is one whose issuer the post knows"
)


SESSION_KEY = "namak-session"
"""The metadata key of a session's token."""


class Link:
    """A channel to the post and the patience for calls over it. Belongs to the event loop it is first used
    in.
    """

    def __init__(self, connection: Connection, *, patience: Patience | None = None) -> None:
        """Reads and checks the files. Raises ConfigurationError, OwnCertificateError; opens nothing yet."""
        certificate, key, authorities = files_of(connection)
        check_own_certificate(certificate, key, authorities, at=datetime.now(UTC))
        self._address = connection.address
        self._credentials = grpc.ssl_channel_credentials(authorities, key, certificate)
        self._options: list[tuple[str, int | str]] = list(_OPTIONS)
        if connection.server_name is not None:
            self._options.append(("grpc.ssl_target_name_override", connection.server_name))
        # Whoever is refused is told why in this language, as far as the post speaks it.
        language = connection.lang
        self._metadata: tuple[tuple[str, str], ...] = (("accept-language", language),) if language else ()
        self.patience = patience or Patience(total=connection.timeout)
        self._channel: grpc.aio.Channel | None = None
        self._was_connected = False

    def channel(self) -> grpc.aio.Channel:
        """Returns the channel, made at first use, within the running event loop."""
        if self._channel is None:
            self._channel = grpc.aio.secure_channel(self._address, self._credentials, options=self._options)
        return self._channel

    async def close(self) -> None:
        """Ends the connection; calls under way end with it."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
            self._was_connected = False

    def in_session(self, token: str) -> "Link":
        """Returns a link over the same connection whose calls carry a session's token; closing it ends
        nothing.
        """
        return _SessionLink(self, token)

    async def connect(self) -> None:
        """Waits for the first connection, briefly. Raises :class:`CannotConnect`, saying what to look at."""
        if self._was_connected:
            return
        channel = self.channel()
        patience = min(_CONNECT_PATIENCE, self.patience.total)
        deadline = time.monotonic() + patience
        state = channel.get_state(try_to_connect=True)
        while state is not grpc.ChannelConnectivity.READY:
            remaining = deadline - time.monotonic()
            try:
                await asyncio.wait_for(channel.wait_for_state_change(state), max(0.0, remaining))
            except TimeoutError:
                raise await self._no_connection() from None
            state = channel.get_state(try_to_connect=True)
        self._was_connected = True

    async def _no_connection(self) -> CannotConnect:
        """Returns why, in the words of a call that fails at once. The call is one that is permitted to
        everybody.
        """
        stub = evidence_pb2_grpc.EvidenceServiceStub(self.channel())
        try:
            await stub.GetCheckpoint(evidence_pb2.GetCheckpointRequest(), timeout=2.0)
        except grpc.aio.AioRpcError as failure:
            problem = error_from_call(failure).message
            hint = next((hint for sign, hint in _HINTS if sign.lower() in problem.lower()), _HANDSHAKE_HINT)
            text = f"no connection to {self._address}: {hint}"
            return CannotConnect(text, metadata={"details": problem})
        return CannotConnect(f"the connection to {self._address} took too long")

    async def unary(
        self,
        method: "UnaryUnaryMultiCallable[Request, Reply]",
        request: Request,
        *,
        within: float | None = None,
    ) -> Reply:
        """Calls until there is an answer or a refusal; ``within`` so many seconds instead of the link's own
        patience.
        """
        patience = self._patience(within)
        await self.connect()

        async def attempt(seconds: float) -> Reply:
            return await method(request, timeout=seconds, metadata=self._metadata)

        return await persistently(attempt, patience)

    async def stream(
        self,
        method: "UnaryStreamMultiCallable[Request, Reply]",
        request: Request,
        take: Callable[[AsyncIterator[Reply]], Awaitable[T]],
    ) -> T:
        """Has ``take`` consume the replies; a stream that breaks begins again, so ``take`` MUST start afresh
        each time.
        """
        await self.connect()

        async def attempt(seconds: float) -> T:
            call = method(request, timeout=seconds, metadata=self._metadata)
            try:
                return await take(aiter(call))
            finally:
                call.cancel()  # does nothing to a finished stream, and ends one that `take` gave up on

        return await persistently(attempt, self.patience)

    def _patience(self, within: float | None) -> Patience:
        if within is None:
            return self.patience
        return Patience(within, self.patience.first_pause, self.patience.longest_pause)


class _SessionLink(Link):
    """Another link's connection, with a session's token in every call."""

    def __init__(self, link: Link, token: str) -> None:
        self._link = link
        self._metadata = (*link._metadata, (SESSION_KEY, token))  # noqa: SLF001 - one's own kind
        self.patience = link.patience

    def channel(self) -> grpc.aio.Channel:
        return self._link.channel()

    async def connect(self) -> None:
        await self._link.connect()

    async def close(self) -> None:
        """Ends nothing: the connection is the other link's."""

    def in_session(self, token: str) -> Link:
        return self._link.in_session(token)
