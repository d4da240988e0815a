"""``namak token list`` and ``sign``: what is on a card, and files signed with it, on SoftHSM."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.signatures.report import FileFormat, Verdict
from server.dev.tokens import TokenStore
from tests.client.cards import Issuer, der
from tests.client.conftest import Namak
from tests.client.holders import (
    BELOW,
    PIN,
    ROOT_CERTIFICATE,
    Holder,
    issuer_der,
    looked_at,
    signed,
    store_for,
)
from tests.signing.files import pdf

pytestmark = pytest.mark.hsm


@pytest.fixture(scope="module")
def holder(tmp_path_factory: pytest.TempPathFactory) -> Holder:
    return store_for(tmp_path_factory.mktemp("holder"))


@pytest.fixture
def issuer(tmp_path: Path) -> Path:
    path = tmp_path / "issuer.pem"
    path.write_bytes(BELOW.certificate().public_bytes(Encoding.PEM))
    return path


def test_list_shows_certificates_purposes_validity_and_what_the_chain_lacks(
    namak: Namak, holder: Holder
) -> None:
    run = namak(None, *holder.asks("list"))
    assert run.code == 0, run.err
    assert "Token: citizen, serial number " in run.out
    assert "PIN: no wrong tries" in run.out
    assert "sign: CN=ANI sign" in run.out
    assert "for signing in; valid from " in run.out
    assert "for signing; valid from " in run.out
    assert "shows only with the PIN" in run.out
    assert "MISSING: the certificate of CN=Citizens' authority" in run.out
    assert "no card" in run.out


def test_list_with_the_pin_and_the_issuers_shows_keys_and_the_whole_chain(
    namak: Namak, holder: Holder, issuer: Path
) -> None:
    run = namak(None, *holder.asks("list", "--pin", *signed(holder), "--certificates", issuer, "--json"))
    assert run.code == 0, run.err
    (token, nothing) = (slot["token"] for slot in run.document["slots"])
    assert nothing is None
    found = {each["label"]: each for each in token["certificates"]}
    assert (found["sign"]["key"], found["sign"]["purposes"]) == ("present", ["signing"])
    assert (found["auth"]["key"], found["auth"]["purposes"]) == ("present", ["authentication"])
    chain = found["sign"]["chain"]
    assert [each["subject"] for each in chain["issuers"]] == ["CN=Citizens' authority", "CN=Citizens' root"]
    assert (chain["end"], chain["missing"]) == ("trusted_root", None)
    assert x509.load_pem_x509_certificate(found["auth"]["pem"].encode()) == holder.authentication
    assert PIN not in run.out + run.err


def test_a_signature_is_a_detached_cms_by_the_certificate_for_signing(
    namak: Namak, holder: Holder, issuer: Path, tmp_path: Path
) -> None:
    file = tmp_path / "application.txt"
    file.write_bytes(b"I apply.\n")
    run = namak(None, *holder.asks("sign", file, *signed(holder), "--certificates", issuer))
    assert run.code == 0, run.err
    cms = (tmp_path / "application.txt.p7s").read_bytes()
    found = looked_at(b"I apply.\n", cms)
    assert found.verdict is not Verdict.INVALID
    assert found.format is FileFormat.CMS_DETACHED
    (signature,) = found.signatures
    assert [each.sha256 for each in signature.chain] == [
        hashlib.sha256(each).hexdigest()
        for each in (der(holder.signing), issuer_der(issuer), der(ROOT_CERTIFICATE))
    ]
    assert looked_at(b"I do not apply.\n", cms).verdict is Verdict.INVALID
    assert "Signed by CN=ANI sign." in run.err
    assert PIN not in run.out + run.err
    again = namak(None, *holder.asks("sign", file, *signed(holder)))
    assert again.code == 6
    assert "FILE_EXISTS" in again.err


def test_a_signed_pdf_is_a_copy_with_the_signature_inside(
    namak: Namak, holder: Holder, issuer: Path, tmp_path: Path
) -> None:
    file = tmp_path / "letter.pdf"
    original = pdf()
    file.write_bytes(original)
    run = namak(None, *holder.asks("sign", file, "--pdf", *signed(holder), "--certificates", issuer))
    assert run.code == 0, run.err
    made = (tmp_path / "letter-signed.pdf").read_bytes()
    assert made.startswith(original)
    found = looked_at(made, None)
    assert (found.format, len(found.signatures)) == (FileFormat.PDF, 1)
    assert found.verdict is not Verdict.INVALID


def test_what_is_no_pdf_is_not_signed_as_one(namak: Namak, holder: Holder, tmp_path: Path) -> None:
    file = tmp_path / "letter.pdf"
    file.write_bytes(b"no PDF")
    run = namak(None, *holder.asks("sign", file, "--pdf", *signed(holder)))
    assert run.code == 6
    assert "can't be signed as a PDF" in run.err


def test_a_signature_without_its_issuers_says_whose_certificate_it_lacks(
    namak: Namak, holder: Holder, tmp_path: Path
) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"a")
    run = namak(None, *holder.asks("sign", file, *signed(holder), "-o", tmp_path / "out.p7s"))
    assert run.code == 0
    assert "lacks the certificate of CN=Citizens' authority" in run.err
    assert (tmp_path / "out.p7s").exists()


def test_a_card_without_certificates_signs_with_that_of_a_file(namak: Namak, tmp_path: Path) -> None:
    token = TokenStore.create(tmp_path / "store").new_token("bare", PIN)
    certificate = BELOW.issue("ANI", token.generate_card_key("only"), signing=True)
    (tmp_path / "own.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    config = tmp_path / "namak.toml"
    config.write_text(f'[signing]\nmodule = "{token.module}"\nconfig = "{token.configuration}"\n', "utf-8")
    (tmp_path / "a").write_bytes(b"a")
    arguments = ("--config", config, "token", "sign", tmp_path / "a", "--pin-file", token.pin_file)
    bare = namak(None, *arguments, "--json")
    assert bare.document["error"]["reason"] == "KEY_WITHOUT_CERTIFICATE"
    run = namak(None, *arguments, "--certificates", tmp_path / "own.pem")
    assert run.code == 0, run.err
    (signature,) = looked_at(b"a", (tmp_path / "a.p7s").read_bytes()).signatures
    assert signature.chain[0].sha256 == hashlib.sha256(der(certificate)).hexdigest()
    other = BELOW.issue("ANI", Issuer("x").key.public_key(), signing=True)
    (tmp_path / "own.pem").write_bytes(other.public_bytes(Encoding.PEM))
    misfit = namak(None, *arguments, "--certificates", tmp_path / "own.pem", "--force", "--json")
    assert misfit.document["error"]["reason"] == "CERTIFICATE_MISFIT"


def test_an_expired_certificate_is_told_before_anybody_is_asked_for_a_pin(
    namak: Namak, tmp_path: Path
) -> None:
    old = store_for(tmp_path, end=-timedelta(hours=1))
    (tmp_path / "a").write_bytes(b"a")
    run = namak(None, *old.asks("sign", tmp_path / "a", "--json"))
    assert (run.code, run.document["error"]["reason"]) == (5, "CARD_CERTIFICATE_EXPIRED")
    assert "EXPIRED: valid from" in namak(None, *old.asks("list")).out


def test_the_certificate_for_signing_in_signs_no_files(namak: Namak, holder: Holder, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    run = namak(None, *holder.asks("sign", tmp_path / "a", "--key", "auth", "--json"))
    assert run.document["error"]["reason"] == "CARD_CERTIFICATE_PURPOSE"
