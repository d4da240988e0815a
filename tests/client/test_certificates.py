"""The caller's own certificate is looked at before anything connects; a failed connection says what to look
at.
"""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from namak.client import Client, Connection
from namak.client.certificates import check_own_certificate
from namak.client.retries import Patience
from namak.errors import CannotConnect, ConfigurationError, OwnCertificateError
from tests.client.authority import Authority, connection_for

HOUR = timedelta(hours=1)
BRIEF = Patience(total=1.0)


def problems(certificate: bytes, key: bytes, ca: bytes) -> tuple[str, ...]:
    with pytest.raises(OwnCertificateError) as caught:
        check_own_certificate(certificate, key, ca, at=datetime.now(UTC))
    return caught.value.problems


def test_accepts_a_certificate_in_force_with_its_issuers_in_order(authority: Authority) -> None:
    below, issuer = authority.issue_intermediate("Below")
    own = below.issue("agency")
    check_own_certificate(own.certificate + issuer, own.key, authority.certificate, at=datetime.now(UTC))


def test_names_an_expired_certificate(authority: Authority) -> None:
    own = authority.issue("agency", start=-2 * HOUR, end=-HOUR)
    (problem,) = problems(own.certificate, own.key, authority.certificate)
    assert "expired at" in problem


def test_names_a_certificate_that_has_not_begun(authority: Authority) -> None:
    own = authority.issue("agency", start=HOUR, end=2 * HOUR)
    (problem,) = problems(own.certificate, own.key, authority.certificate)
    assert "clock" in problem


def test_names_a_key_of_another_certificate(authority: Authority) -> None:
    own, other = authority.issue("agency"), authority.issue("other")
    assert problems(own.certificate, other.key, authority.certificate) == (
        "key does not belong to certificate",
    )


def test_names_issuers_that_stand_before_the_certificate(authority: Authority) -> None:
    below, issuer = authority.issue_intermediate("Below")
    own = below.issue("agency")
    found = problems(issuer + own.certificate, own.key, authority.certificate)
    assert any("place 2" in problem and "first" in problem for problem in found)


def test_names_an_issuer_that_did_not_issue(authority: Authority) -> None:
    own = authority.issue("agency")
    stranger = Authority("Stranger").certificate
    (problem,) = problems(own.certificate + stranger, own.key, authority.certificate)
    assert "did not issue" in problem


def test_names_everything_that_is_unreadable_at_once(authority: Authority) -> None:
    assert len(problems(b"no", b"no", b"no")) == 3


def test_names_a_key_under_a_passphrase(authority: Authority) -> None:
    own = authority.issue("agency")
    key = load_pem_private_key(own.key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    (problem,) = problems(own.certificate, key, authority.certificate)
    assert "passphrase" in problem


def test_a_client_with_an_expired_certificate_is_never_made(authority: Authority, tmp_path: Path) -> None:
    own = authority.issue("agency", start=-2 * HOUR, end=-HOUR)
    with pytest.raises(OwnCertificateError):
        Client(connection_for(own, authority, "127.0.0.1:1", tmp_path))


def test_files_that_vanished_are_named(authority: Authority, tmp_path: Path) -> None:
    connection = connection_for(authority.issue("agency"), authority, "127.0.0.1:1", tmp_path)
    connection.key.unlink()
    with pytest.raises(ConfigurationError, match="key can't be read"):
        Client(connection)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nobody listens, and that nobody else can take meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


async def test_a_refused_connection_points_to_address_and_post(
    authority: Authority, closed_port: int, tmp_path: Path
) -> None:
    own = connection_for(authority.issue("agency"), authority, f"127.0.0.1:{closed_port}", tmp_path)
    with pytest.raises(CannotConnect, match="check address"):
        async with Client(own, patience=BRIEF):
            pass


async def test_a_server_of_another_authority_points_to_ca(agency: Connection, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.crt"
    stranger.write_bytes(Authority("Stranger").certificate)
    with pytest.raises(CannotConnect, match="not vouched for by ca"):
        async with Client(replace(agency, ca=stranger), patience=BRIEF):
            pass


async def test_a_certificate_of_an_unknown_issuer_points_to_the_handshake(
    authority: Authority, agency: Connection, tmp_path: Path
) -> None:
    stranger = connection_for(
        Authority("Stranger").issue("agency"), authority, agency.address, tmp_path / "s"
    )
    with pytest.raises(CannotConnect, match="does not accept the caller's certificate"):
        async with Client(stranger, patience=BRIEF):
            pass


async def test_a_server_under_another_name_is_reached_by_server_name(agency: Connection) -> None:
    by_name = replace(agency, server_name="post.example.am")
    with pytest.raises(CannotConnect, match="server_name"):
        async with Client(by_name, patience=BRIEF):
            pass


@pytest.fixture
def plain_port() -> Iterator[int]:
    """A port where somebody answers who does not speak TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def answer() -> None:
            listener.settimeout(0.1)
            while not stop.is_set():
                try:
                    caller, _ = listener.accept()
                except TimeoutError:
                    continue
                with caller:
                    caller.recv(100)
                    caller.sendall(b"220 mail.example.am ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        yield int(listener.getsockname()[1])
        stop.set()
        thread.join()


async def test_a_server_without_tls_points_to_the_port(
    authority: Authority, plain_port: int, tmp_path: Path
) -> None:
    own = connection_for(authority.issue("agency"), authority, f"127.0.0.1:{plain_port}", tmp_path)
    with pytest.raises(CannotConnect, match="does not speak TLS"):
        async with Client(own, patience=BRIEF):
            pass
