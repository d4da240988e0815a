"""What gRPC alone does here: a server that gives back the bytes it gets, over the same mutual TLS.

`python -m scripts.benchmark.echo CERTIFICATE KEY CLIENT_ROOTS` prints its port and serves until SIGTERM.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio

from server.dev.world import World

METHOD = "/benchmark.Echo/Echo"


async def serve(certificate: bytes, key: bytes, client_roots: bytes) -> None:
    """Serves on a free port of 127.0.0.1 until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = grpc.aio.server()
    _, service, name = METHOD.split("/")
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {name: grpc.unary_unary_rpc_method_handler(_echo)})]
    )
    credentials = grpc.ssl_server_credentials(
        [(key, certificate)],
        root_certificates=client_roots,
        require_client_auth=True,
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await stop.wait()
    await server.stop(None)


async def _echo(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:  # noqa: ARG001
    return request


@contextlib.asynccontextmanager
async def echoing(world: World) -> AsyncIterator[grpc.aio.Channel]:
    """Runs the echo server in a process of its own and yields the agency's channel to it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__),
        *(str(world.server.cert_path), str(world.server.key_path), str(world.pki.client_roots_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the echo server's output is a pipe")
        port = int(await process.stdout.readline())
        credentials = grpc.ssl_channel_credentials(
            world.pki.server_root_path.read_bytes(), world.agency.key_pem, world.agency.cert_pem
        )
        async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
            yield channel
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(serve(*(Path(name).read_bytes() for name in sys.argv[1:])))
