"""``namak token sign-in``: a portal's challenge and nothing else is signed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.cms_signature import check_signature
from namak.evidence.sign_in import Purpose, SignInChallenge
from tests.client.cards import der
from tests.client.conftest import Namak
from tests.client.holders import BELOW, Holder, signed, store_for
from tests.client.terminal import at_terminal

pytestmark = pytest.mark.hsm


@pytest.fixture(scope="module")
def holder(tmp_path_factory: pytest.TempPathFactory) -> Holder:
    return store_for(tmp_path_factory.mktemp("holder"))


@pytest.fixture
def issuer(tmp_path: Path) -> Path:
    path = tmp_path / "issuer.pem"
    path.write_bytes(BELOW.certificate().public_bytes(Encoding.PEM))
    return path


def challenge(certificate: x509.Certificate, *, lasts: timedelta = timedelta(minutes=5)) -> bytes:
    now = datetime.now(UTC).replace(microsecond=0)
    return SignInChallenge(
        sign_in_id=UUID("0192f0c3-0000-7000-8000-000000000000"),
        purpose=Purpose.SIGN_IN,
        language="en",
        post="am",
        portal="Portal of the city",
        certificate_sha256=certificate.fingerprint(SHA256()),
        ends_others=False,
        issued=now - timedelta(minutes=10),
        expires=now + lasts,
        nonce=bytes(32),
    ).encode()


def test_a_challenge_is_shown_and_signed_by_the_certificate_for_signing_in(
    namak: Namak, holder: Holder, tmp_path: Path
) -> None:
    file = tmp_path / "challenge.txt"
    file.write_bytes(challenge(holder.authentication))
    run = namak(None, *holder.asks("sign-in", file, *signed(holder), "--yes", "--json"))
    assert run.code == 0, run.out
    assert "Portal of the city" in run.err
    assert run.document["portal"] == "Portal of the city"
    checked = check_signature(Path(run.document["signature"]).read_bytes(), file.read_bytes())
    assert checked.certificate == der(holder.authentication)


def test_a_challenge_is_not_signed_unless_agreed_to(holder: Holder, tmp_path: Path) -> None:
    file = tmp_path / "challenge.txt"
    file.write_bytes(challenge(holder.authentication))
    code, shown = at_terminal(
        holder.asks("sign-in", file),
        answers=[("Sign in there?", "n\n")],
        environment={"NAMAK_LANG": "en"},
    )
    assert (code, "PIN of" in shown) == (1, False)
    assert not (tmp_path / "challenge.txt.p7s").exists()


@pytest.mark.parametrize("case", ["statement", "expired", "another certificate"])
def test_what_is_no_fitting_challenge_is_not_signed(
    namak: Namak, holder: Holder, tmp_path: Path, case: str
) -> None:
    content, code = {
        "statement": ("Հավաստում եմ\n".encode(), 4),
        "expired": (challenge(holder.authentication, lasts=-timedelta(minutes=1)), 4),
        "another certificate": (challenge(holder.signing), 4),
    }[case]
    file = tmp_path / "challenge.txt"
    file.write_bytes(content)
    run = namak(None, *holder.asks("sign-in", file, *signed(holder), "--yes"))
    assert run.code == code, run.err
    assert not (tmp_path / "challenge.txt.p7s").exists()


def test_a_challenge_is_not_signed_as_a_file(namak: Namak, holder: Holder, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_bytes(challenge(holder.signing))
    run = namak(None, *holder.asks("sign", file, *signed(holder)))
    assert run.code == 2
    assert "namak token sign-in" in run.err


def test_the_pin_is_not_tried_for_a_challenge_of_another_certificate(
    namak: Namak, holder: Holder, tmp_path: Path
) -> None:
    file, pin = tmp_path / "challenge.txt", tmp_path / "pin"
    file.write_bytes(challenge(holder.signing))
    pin.write_text("000000\n")
    run = namak(None, *holder.asks("sign-in", file, "--pin-file", pin, "--yes"))
    assert run.code == 4, run.err
    assert "PIN: no wrong tries" in namak(None, *holder.asks("list")).out
