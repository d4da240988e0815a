"""``namak admin certificate bind``: the proof that the certificate's key is at hand."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from namak.client import Connection
from tests.client.authority import Authority
from tests.client.conftest import Namak

ORGANISATION = "0192f0c3-4d5e-7a6b-8c9d-0e1f2a3b4c5d"
BIND = ("admin", "certificate", "bind")


@pytest.fixture
def files(tmp_path: Path, authority: Authority) -> Path:
    """A directory with agency.pem, its key agency.key, and other things that are no key of it."""
    agency, other = authority.issue("agency"), authority.issue("other")
    private = load_pem_private_key(agency.key, password=None)
    locked = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    for name, data in (
        ("agency.pem", agency.certificate),
        ("agency.key", agency.key),
        ("other.key", other.key),
        ("locked.key", locked),
    ):
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_an_administrator_must_name_the_key(namak: Namak, operator: Connection, files: Path) -> None:
    run = namak(operator, *BIND, files / "agency.pem", "--acting-as", ORGANISATION)
    assert run.code == 2
    assert "--key" in run.err
    assert "private key" in run.err


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("other.key", "is not the certificate's key"),
        ("locked.key", "is protected by a passphrase"),
        ("agency.pem", "holds no readable PEM private key"),
        ("absent.key", "can't be read"),
    ],
)
def test_a_key_that_can_t_prove_it_is_found_out_before_anything_is_asked(
    namak: Namak, operator: Connection, files: Path, name: str, told: str
) -> None:
    run = namak(operator, *BIND, files / "agency.pem", "--key", files / name, "--org", ORGANISATION)
    assert run.code != 0
    assert told in " ".join(run.err.split())


def test_the_operator_binds_with_the_key_or_without(namak: Namak, operator: Connection, files: Path) -> None:
    certificate = x509.load_pem_x509_certificate((files / "agency.pem").read_bytes())
    of = ("--org", ORGANISATION, "--json")
    for key in ((), ("--key", files / "agency.key")):
        document = namak(operator, *BIND, files / "agency.pem", *key, *of).document
        digest = bytes.fromhex(document["binding"]["certificate_sha256"])
        assert digest == certificate.fingerprint(SHA256())
