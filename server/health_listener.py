"""The health listener: `grpc.health.v1` without TLS, for whoever looks after the machine."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health

from server.listening import cant_listen

_log = structlog.get_logger(__name__)

Readiness = Callable[[], Awaitable[bool]]
"""Tells whether something is well now."""

_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_SERVING = health_pb2.HealthCheckResponse.SERVING


class HealthListener:
    """Looks again and again whether things are well, and says so to whoever asks."""

    def __init__(self, address: str, readiness: Mapping[str, Readiness], *, interval: float = 1.0) -> None:
        """Opens nothing yet.

        Args:
            address: `IP:PORT`, MUST be a loopback address; port 0 takes a free one.
            readiness: what is answered for, by service name: `""` is the server as a whole.
            interval: seconds between two looks. One may take as long, or a second where that is longer.

        Raises ValueError: the address is no loopback address.
        """
        if not address.startswith(("127.", "[::1]:", "localhost:")):
            raise ValueError("the health listener has no TLS: its address must be a loopback address")
        self._address = address
        self._readiness = readiness
        self._interval = interval
        self._health = health.HealthServicer()
        self._server: grpc.aio.Server | None = None
        self._watches: list[asyncio.Task[None]] = []
        self.port = 0

    async def open(self) -> None:
        """Takes the port, which is known then. Nobody is answered yet.

        Raises OSError: the address can't be used.
        """
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        with listening_on(self._address):
            self.port = self._server.add_insecure_port(self._address)
        for service in self._readiness:
            await self._health.set(service, _NOT_SERVING)

    async def start(self) -> None:
        """Answers from now on."""
        if self._server is None:
            raise RuntimeError("open it first")
        await self._server.start()
        self._watches = [
            asyncio.create_task(self._watch(service, is_ready), name="readiness")
            for service, is_ready in self._readiness.items()
        ]

    async def leave(self) -> None:
        """Says NOT_SERVING from now on, whatever is ready."""
        for watch in self._watches:
            watch.cancel()
        await self._health.enter_graceful_shutdown()

    async def stop(self) -> None:
        """Answers nobody any more."""
        if self._server is not None:
            await self._server.stop(0.0)

    async def _watch(self, service: str, is_ready: Readiness) -> None:
        serving: bool | None = None
        while True:
            now = await self._ready(is_ready)
            if now is not serving:
                serving = now
                await self._health.set(service, _SERVING if now else _NOT_SERVING)
                _log.info("readiness changed", service=service, ready=now)
            await asyncio.sleep(self._interval)

    async def _ready(self, is_ready: Readiness) -> bool:
        try:
            async with asyncio.timeout(max(self._interval, 1.0)):
                return await is_ready()
        except Exception:  # noqa: BLE001 - a readiness that can't be told is none
            _log.warning("readiness can't be told", exc_info=True)
            return False


@contextlib.contextmanager
def listening_on(address: str) -> Iterator[None]:
    """Has a failure to listen say where. Raises OSError."""
    try:
        yield
    except RuntimeError as failure:  # gRPC's only word for it; why, it does not tell
        raise cant_listen(address) from failure


async def says_serving(channel: grpc.aio.Channel, service: str, *, within: float) -> bool:
    """Asks a health listener about a service; one that does not answer within so many seconds is not well."""
    stub = health_pb2_grpc.HealthStub(channel)
    try:
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=within)
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == _SERVING)
