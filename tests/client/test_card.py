"""Signing with a real SoftHSM token, and what each of its failures is called."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from namak.cards.card import Card, read_pin
from namak.client.confirmation import sign_statement
from namak.config import Signing
from namak.errors import (
    CardError,
    CardModuleMissing,
    CardSupportMissing,
    ConfigurationError,
    SigningCertificateMisfit,
    SigningKeyMissing,
    TokenMissing,
    WrongPin,
)
from namak.evidence.cms_signature import check_signature
from server.dev.tokens import TokenStore
from tests.client.authority import Authority

pytestmark = pytest.mark.hsm


def opened(settings: Signing, pin: str | None) -> None:
    with Card(settings, pin or ""):
        pass


def test_the_card_signs_what_its_certificate_verifies(signing: Signing) -> None:
    with Card(signing, "4321") as card:
        signature = card.sign(b"data")
    key = x509.load_pem_x509_certificate(signing.certificate.read_bytes()).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(signature, b"data", ec.ECDSA(hashes.SHA256()))


def test_a_statement_signed_by_the_card_is_a_cms_over_its_exact_bytes(signing: Signing) -> None:
    with Card(signing, "4321") as card:
        cms = sign_statement("Հավաստում եմ\n".encode(), signing, card)
    checked = check_signature(cms, "Հավաստում եմ\n".encode())
    assert x509.load_der_x509_certificate(checked.certificate) == x509.load_pem_x509_certificate(
        signing.certificate.read_bytes()
    )


def test_a_certificate_of_another_key_is_found_out_before_anything_is_handed_in(
    signing: Signing, authority: Authority, tmp_path: Path
) -> None:
    other = tmp_path / "other.crt"
    other.write_bytes(authority.issue("other").certificate)
    wanted = pytest.raises(SigningCertificateMisfit, match="do not fit together")
    with Card(signing, "4321") as card, wanted as caught:
        sign_statement(b"statement", replace(signing, certificate=other), card)
    assert "[signing] certificate" in caught.value.advice


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_certificate_file_that_is_none_is_named(
    signing: Signing, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "signing.crt"
    if content is not None:
        path.write_bytes(content)
    with Card(signing, "4321") as card, pytest.raises(ConfigurationError, match=r"signing\.crt"):
        sign_statement(b"statement", replace(signing, certificate=path), card)


def test_a_digest_of_the_wrong_length_is_not_signed(signing: Signing) -> None:
    with Card(signing, "4321") as card, pytest.raises(ValueError, match="no digest"):
        card.sign_digest(b"short")


def test_a_card_that_is_not_open_does_not_sign(signing: Signing) -> None:
    with pytest.raises(CardError, match="not open"):
        Card(signing, "4321").sign(b"data")


def test_the_failures_of_a_real_token_have_their_own_names(signing: Signing) -> None:
    with pytest.raises(WrongPin):
        opened(signing, "0000")
    with pytest.raises(TokenMissing, match="absent"):
        opened(replace(signing, token="absent"), "4321")
    with pytest.raises(SigningKeyMissing, match="absent"):
        opened(replace(signing, label="absent"), "4321")
    with pytest.raises(CardModuleMissing):
        opened(replace(signing, module=Path("/absent.so")), "4321")
    opened(signing, "4321")


def test_a_second_session_needs_no_second_login(signing: Signing) -> None:
    with Card(signing, "4321"):
        opened(signing, "4321")


def test_a_card_in_another_store_of_tokens_is_found(signing: Signing, tmp_path: Path) -> None:
    token = TokenStore.create(tmp_path / "other").new_token("other-card", "9876")
    token.generate_card_key("sign")
    opened(signing, "4321")
    opened(replace(signing, config=token.configuration, token="other-card"), "9876")
    opened(signing, "4321")


def test_without_python_pkcs11_it_says_what_to_install(
    signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(CardSupportMissing) as caught:
        opened(signing, "4321")
    assert "clients/python[card]" in caught.value.advice


def test_the_pin_is_the_first_line_of_its_file(signing: Signing, tmp_path: Path) -> None:
    path = tmp_path / "pin"
    path.write_text("1234\n\n")
    assert read_pin(replace(signing, pin_file=path)) == "1234"
    assert read_pin(replace(signing, pin_file=None)) is None
    path.write_text("\n")
    with pytest.raises(CardError, match="empty"):
        read_pin(replace(signing, pin_file=path))
    path.unlink()
    with pytest.raises(CardError, match="can't be read"):
        read_pin(replace(signing, pin_file=path))
