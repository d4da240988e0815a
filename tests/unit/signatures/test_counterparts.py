"""What others sign is verified here, and what is signed here is verified by others: openssl and poppler."""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from namak.client.signing import sign_cms, sign_pdf
from namak.signatures.report import CheckId, CheckResult, Finding, SubIndication, TimeBasis, Verdict
from tests.signing import files
from tests.signing.authority import DAY, NOW
from tests.signing.files import openssl, signed_by_openssl
from tests.signing.world import DOCUMENT, SIGNED, World, found, judged, only, trusting


@pytest.fixture(scope="module")
def world() -> World:
    return World()


# Openssl writes its own clock into signatures: who verifies these looks later.
LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize("options", [(), ("-md", "sha512"), ("-keyid",)], ids=["plain", "sha512", "key id"])
def test_a_signature_by_openssl_is_valid(world: World, tmp_path: Path, options: tuple[str, ...]) -> None:
    signature = signed_by_openssl(tmp_path, world.aram, DOCUMENT, *options)

    report = judged(DOCUMENT, signature, world.trust(), LATER)

    assert report.verdict is Verdict.VALID


@pytest.mark.parametrize("padding", ["pkcs1", "pss"])
def test_an_rsa_signature_by_openssl_is_valid(world: World, tmp_path: Path, padding: str) -> None:
    holder = world.issuing.issue(key=rsa.generate_private_key(65537, 2048))
    options = (
        ("-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest") if padding == "pss" else ()
    )
    signature = signed_by_openssl(tmp_path, holder, DOCUMENT, *options)

    report = judged(DOCUMENT, signature, world.trust(), LATER)

    assert (report.verdict, only(report).signature_algorithm) == (
        Verdict.VALID,
        "rsassa_pss" if padding == "pss" else "rsassa_pkcs1v15",
    )


def test_a_signature_by_openssl_in_pieces_is_read(world: World, tmp_path: Path) -> None:
    # BER with indefinite lengths and the content inside.
    signature = signed_by_openssl(tmp_path, world.aram, DOCUMENT, "-nodetach", "-stream")

    report = judged(signature, None, world.trust(), LATER)

    assert report.verdict is Verdict.VALID


def test_openssl_without_the_reference_to_the_certificate_is_told_as_such(
    world: World, tmp_path: Path
) -> None:
    signature = signed_by_openssl(tmp_path, world.aram, DOCUMENT, cades=False)

    strict = judged(DOCUMENT, signature, world.trust(), LATER)
    lenient = judged(
        DOCUMENT, signature, trusting(world.trust(), requires_certificate_reference=False), LATER
    )

    assert (strict.verdict, strict.sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
    assert found(strict, CheckId.SIGNING_CERTIFICATE) == (CheckResult.FAILED, Finding.CERTIFICATE_NOT_NAMED)
    assert lenient.verdict is Verdict.VALID


@pytest.mark.parametrize("bits", [0, 2048], ids=["ec", "rsa"])
def test_openssl_verifies_ours(world: World, tmp_path: Path, bits: int) -> None:
    holder = world.issuing.issue(key=rsa.generate_private_key(65537, bits)) if bits else world.aram
    stamp = world.authority_of_time(NOW - DAY)
    signature = sign_cms(DOCUMENT, holder.signer, at=SIGNED, timestamps=stamp)
    place(tmp_path, world, signature)

    good = verified_by_openssl(tmp_path, DOCUMENT)
    bad = verified_by_openssl(tmp_path, DOCUMENT + b" ")

    assert good.returncode == 0, good.stderr.decode()
    assert good.stdout == DOCUMENT
    assert bad.returncode != 0


def test_a_timestamp_by_openssl_counts(world: World, tmp_path: Path) -> None:
    unit = world.authority_of_time(NOW).holder
    authority = OpensslAuthority(tmp_path, unit.key_pem, unit.chain_pem)
    signature = sign_cms(DOCUMENT, world.aram.signer, at=SIGNED, timestamps=authority)

    report = judged(DOCUMENT, signature, world.trust(), LATER)

    assert report.verdict is Verdict.VALID
    assert only(report).time_basis is TimeBasis.TIMESTAMP


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="poppler's pdfsig is not installed")
def test_poppler_verifies_our_pdfs(world: World, tmp_path: Path) -> None:
    signed = sign_pdf(files.pdf(), world.aram.signer, at=SIGNED)
    (tmp_path / "good.pdf").write_bytes(signed)
    (tmp_path / "bad.pdf").write_bytes(signed.replace(b"granted", b"refused"))

    good, bad = (told_by_poppler(tmp_path / name) for name in ("good.pdf", "bad.pdf"))

    assert "Signature is Valid." in good
    assert "Total document signed" in good
    assert "ETSI.CAdES.detached" in good
    assert "Digest Mismatch." in bad


def told_by_poppler(path: Path) -> str:
    run = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, check=False)
    return run.stdout.decode()


def place(directory: Path, world: World, signature: bytes) -> None:
    (directory / "document.p7s").write_bytes(signature)
    (directory / "root.pem").write_bytes(world.root.certificate.public_bytes(Encoding.PEM))


def verified_by_openssl(directory: Path, document: bytes) -> subprocess.CompletedProcess[bytes]:
    (directory / "document").write_bytes(document)
    return openssl(
        *("cms", "-verify", "-binary", "-cades", "-purpose", "any", "-inform", "DER"),
        *("-in", directory / "document.p7s", "-content", directory / "document"),
        *("-CAfile", directory / "root.pem", "-attime", str(int(NOW.timestamp()))),
    )


@dataclass
class OpensslAuthority:
    """A timestamping authority that openssl plays; its time is the machine's."""

    directory: Path
    key: bytes
    certificates: bytes

    def token(self, imprint: bytes, algorithm: str) -> bytes:
        place = self.directory
        (place / "tsa.key").write_bytes(self.key)
        (place / "tsa.pem").write_bytes(self.certificates)
        (place / "serial").write_text("01")
        (place / "tsa.cnf").write_text(_TSA.format(place=place))
        query = openssl(
            *("ts", "-query", "-digest", imprint.hex(), f"-{algorithm}", "-cert", "-out", place / "query")
        )
        assert query.returncode == 0, query.stderr.decode()
        reply = openssl(
            *("ts", "-reply", "-config", place / "tsa.cnf", "-queryfile", place / "query", "-token_out")
        )
        assert reply.returncode == 0, reply.stderr.decode()
        return reply.stdout


_TSA = """
[tsa]
default_tsa = unit
[unit]
serial = {place}/serial
signer_cert = {place}/tsa.pem
certs = {place}/tsa.pem
signer_key = {place}/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.2
digests = sha256, sha384, sha512
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
