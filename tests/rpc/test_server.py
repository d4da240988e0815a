"""The server around the calls: health, drain, limits, certificates that are renewed under way."""

import asyncio
import shutil
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from namak.v1 import delivery_pb2, delivery_pb2_grpc, evidence_pb2, evidence_pb2_grpc
from server.grpc_server import GrpcSettings, TlsFiles, build_server
from tests.rpc.edge import Edge, World, started_edge
from tests.rpc.serving import Gate

LIST = delivery_pb2.ListDeliveriesRequest()
CHECKPOINT = evidence_pb2.GetCheckpointRequest()
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health_of(address: str, service: str = "") -> int:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return int((await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=60)).status)


async def await_health(address: str, status: int, service: str = "") -> None:
    async with asyncio.timeout(60):
        while await health_of(address, service) != status:
            pass


class Readiness:
    """A readiness that a test turns on and off, or breaks."""

    def __init__(self) -> None:
        self.ready: bool | None = True

    async def __call__(self) -> bool:
        if self.ready is None:
            raise RuntimeError("can't be told")
        return self.ready


async def test_health_follows_readiness(world: World) -> None:
    readiness = Readiness()
    log = Readiness()
    log.ready = False
    server = build_server(
        settings_of(world, readiness_interval=0.01), lambda server: None, (), {"": readiness, "log": log}
    )
    await server.start()
    address = f"127.0.0.1:{server.health_port}"
    try:
        await await_health(address, SERVING)
        readiness.ready = False
        await await_health(address, NOT_SERVING)
        readiness.ready = True
        await await_health(address, SERVING)
        assert await health_of(address, "log") == NOT_SERVING
        log.ready = True
        await await_health(address, SERVING, "log")
        readiness.ready = None
        await await_health(address, NOT_SERVING)
        assert await health_of(address, "log") == SERVING
    finally:
        await server.stop()


def settings_of(world: World, *, readiness_interval: float, health: str = "127.0.0.1:0") -> GrpcSettings:
    assert world.server.key_path is not None
    tls = TlsFiles(world.server.cert_path, world.server.key_path, world.pki.client_roots_path)
    return GrpcSettings("127.0.0.1:0", health, tls, readiness_interval=readiness_interval)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
def test_refuses_to_serve_health_to_the_world(world: World, address: str) -> None:
    settings = settings_of(world, readiness_interval=1, health=address)

    with pytest.raises(ValueError, match="loopback"):
        build_server(settings, lambda server: None, (), {"": Readiness()})


async def test_a_stopping_server_says_so_finishes_what_is_under_way_and_takes_no_more(world: World) -> None:
    async with started_edge(world, drain=60) as edge:
        edge.desks.gate = gate = Gate()
        stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(world.agency))
        under_way = asyncio.ensure_future(stub.ListDeliveries(LIST, timeout=60))
        await gate.entered.wait()
        health = f"127.0.0.1:{edge.server.health_port}"

        stopping = asyncio.create_task(edge.server.stop())
        await await_health(health, NOT_SERVING)
        late = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(world.agency_address))
        await await_unavailable(late)

        assert not stopping.done()
        gate.leave.set()
        assert (await under_way).deliveries
        await stopping


async def await_unavailable(stub: delivery_pb2_grpc.DeliveryServiceStub) -> None:
    """Returns once calls are refused because nobody listens any more."""
    async with asyncio.timeout(60):
        while True:
            try:
                await stub.ListDeliveries(LIST, timeout=0.5)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.UNAVAILABLE:
                    return


async def test_ends_calls_that_outlast_the_drain(world: World) -> None:
    async with started_edge(world, drain=0.05) as edge:
        edge.desks.gate = gate = Gate()
        stub = delivery_pb2_grpc.DeliveryServiceStub(edge.channel(world.agency))
        under_way = asyncio.ensure_future(stub.ListDeliveries(LIST, timeout=60))
        await gate.entered.wait()

        await edge.server.stop()

        with pytest.raises(grpc.aio.AioRpcError):
            await under_way
        assert gate.left.is_set()


@pytest.fixture
def renewable(world: World, tmp_path: Path) -> TlsFiles:
    """The server's TLS files, in a place of their own where a test may change them."""
    assert world.server.key_path is not None
    files = TlsFiles(tmp_path / "server.pem", tmp_path / "server.key", tmp_path / "clients.pem")
    shutil.copy(world.server.cert_path, files.certificate)
    shutil.copy(world.server.key_path, files.key)
    shutil.copy(world.pki.client_roots_path, files.client_authorities)
    return files


async def is_let_in(edge: Edge, name: str) -> bool:
    """Tells whether a new connection with this certificate gets through the handshake."""
    async with grpc.aio.secure_channel(edge.address, credentials_of(edge.world, name)) as channel:
        try:
            await evidence_pb2_grpc.EvidenceServiceStub(channel).GetCheckpoint(CHECKPOINT, timeout=60)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                return False
            raise
    return True


def credentials_of(world: World, name: str) -> grpc.ChannelCredentials:
    identity = getattr(world, name)
    root = world.pki.server_root_path.read_bytes()
    return grpc.ssl_channel_credentials(root, identity.key_pem, identity.cert_pem)


async def test_takes_up_changed_authorities_at_the_next_handshake(world: World, renewable: TlsFiles) -> None:
    async with started_edge(world, tls=renewable) as edge:
        assert not await is_let_in(edge, "unknown_issuer")

        authorities = (
            world.pki.client_roots_path.read_bytes() + world.pki.unknown_authority().path.read_bytes()
        )
        renewable.client_authorities.write_bytes(authorities)

        assert await is_let_in(edge, "unknown_issuer")


async def test_keeps_the_former_certificate_while_half_of_the_new_one_is_there(
    world: World, renewable: TlsFiles
) -> None:
    async with started_edge(world, tls=renewable) as edge:
        renewed = world.pki.server_identity("renewed")
        renewable.certificate.write_bytes(renewed.cert_pem)
        assert await is_let_in(edge, "stranger")

        renewable.key.write_bytes(renewed.key_pem)
        assert await is_let_in(edge, "stranger")
