"""The mobile-id service on loopback, and a client of it; a certificate for servers on loopback."""

import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from server.gateways.mobile_id import MobileId, MobileIdSettings
from tests.fakes.clock import HeldClock
from tests.fakes.sim import Sim, new_sim
from tests.integration.gateways.authorities import NOW, subject_of
from tests.integration.gateways.mobile_id import ISSUER, Pauses, client_of, settings_for, somebody_else
from tests.mobile_id_server import MobileIdServer


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
async def service() -> MobileIdServer:
    return MobileIdServer()


@pytest.fixture
async def settings(service: MobileIdServer, tmp_path: Path) -> AsyncIterator[MobileIdSettings]:
    async with service.running(tmp_path) as authorities:
        yield settings_for(service, authorities)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
async def identity(settings: MobileIdSettings, clock: HeldClock, pauses: Pauses) -> AsyncIterator[MobileId]:
    async with client_of(settings, clock, pause=pauses) as client:
        yield client


@pytest.fixture
def sim(service: MobileIdServer) -> Sim:
    return service.know(new_sim(ISSUER))


@pytest.fixture
def stranger() -> Sim:
    return somebody_else()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate that only itself vouches for, and the server's side of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder()
        .subject_name(subject_of("localhost"))
        .issuer_name(subject_of("localhost"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(hours=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    directory = tmp_path_factory.mktemp("server")
    path, key_path = directory / "server.pem", directory / "server.key.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM))
    key_path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key_path)
    return path, context
