"""``namak token``: what is on a card, and signing with it, on SoftHSM."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pkcs11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.cms_signature import check_signature
from namak.evidence.sign_in import Purpose, SignInChallenge
from namak.signatures.report import FileFormat, Report, Verdict
from namak.signatures.trust import Trust, TrustPolicy
from namak.signatures.verify import BytesDocument, verify
from server.dev.tokens import SoftToken, TokenStore
from tests.client.cards import COUNT_LOW, FINAL_TRY, LOCKED, NORMAL, Issuer, ToldToken, der, told_library
from tests.client.conftest import Namak
from tests.client.terminal import at_terminal
from tests.signing.files import pdf

pytestmark = pytest.mark.hsm

ROOT = Issuer("Citizens' root")
BELOW = Issuer("Citizens' authority", ROOT)
ROOT_CERTIFICATE = ROOT.certificate()
PIN = "739182"


@dataclass(frozen=True)
class Holder:
    """A citizen with a card and a configuration that names only the card's module."""

    token: SoftToken
    config: Path
    signing: x509.Certificate
    authentication: x509.Certificate

    def asks(self, *arguments: object) -> list[object]:
        return ["--config", self.config, "token", *arguments]


def store_for(directory: Path, *, end: timedelta = timedelta(days=1)) -> Holder:
    token = TokenStore.create(directory / "store").new_token("citizen", PIN)
    start = end - timedelta(days=2)
    issued = {}
    for label in ("sign", "auth"):
        key = token.generate_card_key(label)
        issued[label] = BELOW.issue(
            f"ANI {label}", key, signing=label == "sign", authentication=label == "auth", start=start, end=end
        )
        token.store_certificate(label, label, der(issued[label]))
    roots = directory / "roots.pem"
    roots.write_bytes(ROOT_CERTIFICATE.public_bytes(Encoding.PEM))
    config = directory / "namak.toml"
    config.write_text(
        f'[signing]\nmodule = "{token.module}"\nconfig = "{token.configuration}"\n'
        f'[trust]\ncitizen_roots = "{roots}"\n',
        "utf-8",
    )
    return Holder(token, config, issued["sign"], issued["auth"])


@pytest.fixture(scope="module")
def holder(tmp_path_factory: pytest.TempPathFactory) -> Holder:
    return store_for(tmp_path_factory.mktemp("holder"))


@pytest.fixture
def issuer(tmp_path: Path) -> Path:
    path = tmp_path / "issuer.pem"
    path.write_bytes(BELOW.certificate().public_bytes(Encoding.PEM))
    return path


def signed(holder: Holder) -> tuple[str, str]:
    return "--pin-file", str(holder.token.pin_file)


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


def looked_at(document: bytes, signature: bytes | None) -> Report:
    """Returns what the verifier finds; it knows nothing of revocation, so at best nothing is wrong."""
    trust = Trust((TrustPolicy("citizens", (der(ROOT_CERTIFICATE),)),))
    return verify(BytesDocument(document), signature, trust, datetime.now(UTC))


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


def issuer_der(path: Path) -> bytes:
    return der(x509.load_pem_x509_certificate(path.read_bytes()))


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


def test_a_wrong_pin_is_tried_once_and_never_shown(namak: Namak, holder: Holder, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "pin").write_text("000000\n")
    run = namak(None, *holder.asks("sign", tmp_path / "a", "--pin-file", tmp_path / "pin"))
    assert run.code == 5
    assert "PIN_WRONG_COUNTED" in run.err
    assert "000000" not in run.out + run.err
    assert not (tmp_path / "a.p7s").exists()
    assert "a wrong PIN was given since the last right one" in namak(None, *holder.asks("list")).out
    run = namak(None, *holder.asks("sign", tmp_path / "a", *signed(holder)))
    assert run.code == 0


def test_where_nobody_can_be_asked_the_pin_is_missing(namak: Namak, holder: Holder, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    run = namak(None, *holder.asks("sign", tmp_path / "a", "--json"))
    assert (run.code, run.document["error"]["reason"]) == (5, "PIN_NOT_GIVEN")


def test_a_pin_in_the_environment_works_with_a_warning(
    namak: Namak, holder: Holder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"a")
    monkeypatch.setenv("NAMAK_PIN", PIN)
    run = namak(None, *holder.asks("sign", tmp_path / "a"))
    assert run.code == 0
    assert "Warning: the PIN is taken from NAMAK_PIN" in run.err
    assert PIN not in run.err


def test_a_pin_file_that_others_can_read_is_warned_of(namak: Namak, holder: Holder, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    pin = tmp_path / "pin"
    pin.write_text(f"{PIN}\n")
    pin.chmod(0o644)
    assert (
        "others on this machine can read"
        in namak(None, *holder.asks("sign", tmp_path / "a", "--pin-file", pin)).err
    )
    pin.chmod(0o600)
    assert "others" not in namak(None, *holder.asks("sign", tmp_path / "a", "--pin-file", pin, "--force")).err


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff", "can't be read"), (None, "can't")]
)
def test_a_pin_file_that_holds_none_is_named(
    namak: Namak, holder: Holder, tmp_path: Path, content: bytes | None, said: str
) -> None:
    (tmp_path / "a").write_bytes(b"a")
    if content is not None:
        (tmp_path / "pin").write_bytes(content)
    run = namak(None, *holder.asks("sign", tmp_path / "a", "--pin-file", tmp_path / "pin"))
    assert run.code == 6
    assert said in run.err


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (f"{PIN}\n", 0, "a.p7s"),
        ("\n", 1, "PIN_CANCELLED"),
        ("\x04", 1, "PIN_CANCELLED"),
        ("\x03", 1, "PIN_CANCELLED"),
        ("12\n", 5, "PIN_WRONG_COUNTED"),
    ],
)
def test_the_pin_is_asked_for_once_without_showing_it(
    holder: Holder, tmp_path: Path, answer: str, code: int, said: str
) -> None:
    (tmp_path / "a").write_bytes(b"a")
    ended, shown = at_terminal(
        holder.asks("sign", tmp_path / "a"),
        answers=[("PIN of citizen:", answer)],
        environment={"NAMAK_LANG": "en"},
    )
    assert ended == code, shown
    assert said in shown
    assert shown.count("PIN of citizen:") == 1
    assert PIN not in shown
    assert (tmp_path / "a.p7s").exists() is (code == 0)


def told(monkeypatch: pytest.MonkeyPatch, place: Path, *tokens: ToldToken) -> tuple[object, ...]:
    """Has the command load a module with these tokens; returns the options that name it."""
    monkeypatch.setattr(pkcs11, "lib", told_library(*tokens))
    (place / "module.so").touch()
    (place / "pin").write_text(f"{PIN}\n")
    (place / "pin").chmod(0o600)
    (place / "a").write_bytes(b"a")
    (place / "empty.toml").touch()
    return "--module", place / "module.so", "--pin-file", place / "pin", "--config", place / "empty.toml"


@pytest.mark.parametrize(
    ("flags", "reason", "pins"),
    [
        (NORMAL | COUNT_LOW, "PIN_WRONG_FINAL_TRY", [PIN]),
        (NORMAL | COUNT_LOW | FINAL_TRY, "PIN_FINAL_TRY", []),
        (NORMAL | LOCKED, "PIN_LOCKED", []),
    ],
)
def test_the_last_try_is_no_machines_to_use(
    namak: Namak,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    flags: int,
    reason: str,
    pins: list[str],
) -> None:
    token = ToldToken(flags=flags, opening_with_pin=pkcs11.PinIncorrect(), flags_after=flags | FINAL_TRY)
    options = told(monkeypatch, tmp_path, token)
    run = namak(None, "token", "list", "--pin", *options, "--json")
    assert (run.code, run.document["error"]["reason"]) == (5, reason)
    assert token.pins == pins


@pytest.mark.parametrize(
    ("tokens", "code", "said"),
    [
        ((), 5, "READER_MISSING"),
        ((None,), 5, "no card"),
        ((pkcs11.TokenNotRecognised(),), 5, "TOKEN_UNREADABLE"),
        ((ToldToken("a"), ToldToken("b", b"0002")), 0, "Token: b, serial number 0002"),
    ],
)
def test_list_says_what_is_in_each_slot(
    namak: Namak,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tokens: tuple[ToldToken, ...],
    code: int,
    said: str,
) -> None:
    run = namak(None, "token", "list", *told(monkeypatch, tmp_path, *tokens))
    assert run.code == code
    assert said in run.out + run.err


def test_which_of_several_tokens_must_be_said(
    namak: Namak, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = told(monkeypatch, tmp_path, ToldToken("a"), ToldToken("b", b"0002"))
    run = namak(None, "token", "sign", tmp_path / "a", *options, "--json")
    assert run.document["error"]["reason"] == "TOKEN_AMBIGUOUS"
    run = namak(None, "token", "list", "--token", "0002", *options, "--json")
    assert [slot["token"]["label"] for slot in run.document["slots"]] == ["b"]


def test_the_module_is_that_of_the_option_else_of_the_environment_else_of_the_configuration(
    namak: Namak, holder: Holder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAMAK_PKCS11_MODULE", str(tmp_path / "environment.so"))
    run = namak(None, *holder.asks("list", "--module", tmp_path / "option.so"))
    assert "option.so" in run.err
    assert "environment.so" in namak(None, *holder.asks("list")).err
    monkeypatch.delenv("NAMAK_PKCS11_MODULE")
    assert namak(None, *holder.asks("list")).code == 0
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    run = namak(None, "token", "list")
    assert run.code == 2
    assert "--module" in run.err


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
        "another certificate": (challenge(holder.signing), 5),
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
