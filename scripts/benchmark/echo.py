"""What gRPC alone does here: a server that gives back the bytes it gets, over the same mutual TLS.

`python -m scripts.benchmark.echo PORT CERTIFICATE KEY CLIENT_ROOTS` prints its port and serves until SIGTERM;
several share one port.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio

from scripts.benchmark.spread import connections_of
from server.dev.world import World

METHOD = "/benchmark.Echo/Echo"


async def serve(port: int, certificate: bytes, key: bytes, client_roots: bytes) -> None:
    """Serves on a port of 127.0.0.1 until SIGTERM; 0 takes a free one."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = grpc.aio.server(options=[("grpc.so_reuseport", 1)])
    _, service, name = METHOD.split("/")
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {name: grpc.unary_unary_rpc_method_handler(_echo)})]
    )
    credentials = grpc.ssl_server_credentials(
        [(key, certificate)],
        root_certificates=client_roots,
        require_client_auth=True,
    )
    port = server.add_secure_port(f"127.0.0.1:{port}", credentials)
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await stop.wait()
    await server.stop(None)


async def _echo(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:  # noqa: ARG001
    return request


@dataclass(frozen=True)
class Echo:
    """Running echo servers: the agency's channels to them, and how many each of them serves."""

    channels: Sequence[grpc.aio.Channel]
    spread: Sequence[int]


@contextlib.asynccontextmanager
async def echoing(world: World, *, processes: int, connections: int) -> AsyncIterator[Echo]:
    """Runs echo servers, each a process of its own, on one port, and connects the agency so many times."""
    async with contextlib.AsyncExitStack() as stack:
        port = 0
        for _ in range(processes):
            port = await stack.enter_async_context(_server(world, port))
        credentials = grpc.ssl_channel_credentials(
            world.pki.server_root_path.read_bytes(), world.agency.key_pem, world.agency.cert_pem
        )
        channels = [
            await stack.enter_async_context(
                grpc.aio.secure_channel(
                    f"127.0.0.1:{port}",
                    credentials,
                    # Channels of one address share a connection otherwise.
                    options=[("grpc.use_local_subchannel_pool", 1)],
                )
            )
            for _ in range(connections)
        ]
        for channel in channels:
            await channel.channel_ready()
        yield Echo(channels, connections_of(port))


@contextlib.asynccontextmanager
async def _server(world: World, port: int) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__, str(port)),
        *(str(world.server.cert_path), str(world.server.key_path), str(world.pki.client_roots_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the echo server's output is a pipe")
        yield int(await process.stdout.readline())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), *(Path(name).read_bytes() for name in sys.argv[2:])))
