"""`namak-server hsm list` and `check`: what there is, what is wrong with it, and how they end."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import ED25519, Verifier, key_id, note_from, signature_line, vkey
from namak.evidence.tlog_policy import TlogPolicy
from server.ceremony.findings import Gravity, Kind
from server.ceremony.seal_certificate import checked_certificate
from server.ceremony.shard_key import is_log_key, policy_findings, published_findings, registered_findings
from server.cli.hsm_check import Known, judged_key
from server.hsm.file_key import generate_log_key_file
from server.hsm.pkcs11 import Pkcs11LogSigner
from server.hsm.token_link import TokenKey
from tests.integration.hsm.place import ORIGIN, Place, hsm

pytestmark = pytest.mark.hsm

WITHOUT = "--without-database"
NOTHING = Known({}, {}, None)


def checked(settings: Path, *options: str) -> tuple[int, dict[str, Any]]:
    done = hsm("check", "--json", "--config", settings, *options)
    return done.returncode, json.loads(done.stdout)


def kinds(told: dict[str, Any], gravity: str = "wrong") -> set[str]:
    return {
        finding["kind"]
        for key in told["keys"]
        for finding in key["findings"]
        if finding["gravity"] == gravity
    }


def where(place: Place, label: str) -> TokenKey:
    token = place.token
    return TokenKey(token.module, token.label, label, token.pin_file, token.environment)


async def test_good_keys_are_sound_while_a_server_has_them_open(place: Place, tmp_path: Path) -> None:
    signer = await Pkcs11LogSigner.open(where(place, "good"))
    settings = place.settings(tmp_path, label="good")

    code, told = checked(settings)

    assert (code, told["sound"], told["unchecked"]) == (0, True, [])
    (key,) = told["keys"]
    assert key["vkey"] == vkey(ORIGIN, signer.public_key)
    assert (key["purpose"], key["type"], key["origin"], key["findings"]) == ("log", "Ed25519", ORIGIN, [])
    assert 0 < key["signed_in_seconds"] < 2
    assert hsm("check", "--config", settings).stdout.endswith("1 keys checked: sound.\n")
    assert not (tmp_path / "database").exists()
    await signer.sign(b"still there")
    await signer.close()


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("extractable", Kind.EXTRACTABLE),
        ("twice", Kind.NO_SINGLE_PAIR),
        ("rsa", Kind.TYPE_WRONG),
        ("half", Kind.NO_SINGLE_PAIR),
        ("unlike", Kind.IDENTIFIERS_DIFFER),
        ("data", Kind.NO_SINGLE_PAIR),
        ("absent", Kind.NO_SINGLE_PAIR),
    ],
)
async def test_a_key_that_is_not_as_it_should_be_is_told(place: Place, label: str, kind: Kind) -> None:
    found = await judged_key(place.key(label), NOTHING)
    assert (found.sound, kind in [each.kind for each in found.findings]) == (False, True)


async def test_a_key_that_may_do_more_than_sign_is_noted(place: Place) -> None:
    found = await judged_key(place.key("usable"), NOTHING)
    assert (found.sound, [each.kind for each in found.findings]) == (True, [Kind.NOT_SIGN_ONLY])


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"token": "absent"}, Kind.UNREACHABLE),
        ({"token": "fresh"}, Kind.UNREACHABLE),
        ({"pin_file": "wrong.pin"}, Kind.UNREACHABLE),
        ({"pin_file": "open.pin"}, Kind.PIN_FILE_EXPOSED),
        ({"module": "wrong.pin"}, Kind.UNREACHABLE),
    ],
)
async def test_a_token_that_cannot_be_used_is_told(
    place: Place, tmp_path: Path, changed: dict[str, str], kind: Kind
) -> None:
    for name, content, mode in (("wrong.pin", "1111", 0o600), ("open.pin", place.token.pin, 0o644)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(mode)
    places = {name: tmp_path / value if "pin" in value else value for name, value in changed.items()}
    found = await judged_key(place.key("good", **places), NOTHING)
    assert [each.kind for each in found.findings if each.gravity is Gravity.WRONG] == [kind]
    assert place.token.pin not in str(found)


def test_the_command_ends_with_4_where_a_key_is_wrong(place: Place, tmp_path: Path) -> None:
    code, told = checked(place.settings(tmp_path, label="extractable"), WITHOUT)
    assert (code, told["sound"], kinds(told)) == (4, False, {Kind.EXTRACTABLE})


def test_a_key_in_a_file_is_said_loudly_to_be_for_development(place: Place, tmp_path: Path) -> None:
    generate_log_key_file(tmp_path / "key.pem")
    settings = place.settings(tmp_path)
    head, _, _ = settings.read_text(encoding="utf-8").partition("[log.key]")
    settings.write_text(f'{head}[log.key]\nfile = "key.pem"\n', encoding="utf-8")

    done = hsm("check", WITHOUT, "--config", settings)
    assert done.returncode == 0
    assert "FOR DEVELOPMENT ONLY" in done.stdout
    assert "FOR DEVELOPMENT ONLY" in hsm("list", "--config", settings).stdout
    (tmp_path / "key.pem").chmod(0o644)
    assert hsm("check", WITHOUT, "--config", settings).returncode == 4


def checkpoint(key: Ed25519PrivateKey, origin: str = ORIGIN) -> bytes:
    text = Checkpoint(origin, 1, b"\x07" * 32).text()
    public = key.public_key().public_bytes_raw()
    return note_from(text, [signature_line(origin, key_id(origin, ED25519, public), key.sign(text))])


def test_a_guard_that_another_key_signed_is_told(place: Place, tmp_path: Path) -> None:
    settings = place.settings(tmp_path, label="good")
    (tmp_path / "guard.note").write_bytes(checkpoint(Ed25519PrivateKey.generate()))
    code, told = checked(settings, WITHOUT)
    assert (code, kinds(told)) == (4, {Kind.GUARD_DAMAGED})


def test_a_database_that_does_not_answer_leaves_its_part_unchecked(place: Place, tmp_path: Path) -> None:
    more = '[database]\nurl = "postgresql://nobody@127.0.0.1:1/none"'
    code, told = checked(place.settings(tmp_path, label="good", more=more))
    assert (code, told["sound"]) == (1, True)
    assert "the published checkpoints" in told["unchecked"][0]


def test_published_checkpoints_and_policies_must_know_the_key() -> None:
    own, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    verifier = Verifier(ORIGIN, own.public_key().public_bytes_raw())
    assert published_findings(verifier, None) == published_findings(verifier, checkpoint(own)) == []
    for note in (checkpoint(other), checkpoint(own, "log.example/2025"), b"no note"):
        assert [each.kind for each in published_findings(verifier, note)] == [Kind.KEY_UNKNOWN_TO_LOG]
    for key, found in ((own, []), (other, [Kind.KEY_UNKNOWN_TO_DATABASE])):
        registered = {ORIGIN: vkey(ORIGIN, key.public_key().public_bytes_raw()), "log.example/2025": "other"}
        assert [each.kind for each in registered_findings(verifier, registered)] == found
    for key, found in ((own, []), (other, [Kind.KEY_UNKNOWN_TO_POLICY])):
        line = f"log {vkey(ORIGIN, key.public_key().public_bytes_raw())}\nquorum none\n"
        assert [each.kind for each in policy_findings(verifier, TlogPolicy.parse(line.encode()))] == found


def test_only_an_ed25519_key_can_be_a_shards() -> None:
    """Others end in 32 octets, too, of which half are no point of the curve."""
    others = [ec.generate_private_key(ec.SECP256R1()).public_key() for _ in range(8)]
    spki = [each.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for each in others]
    own = Ed25519PrivateKey.generate().public_key()
    good = own.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert is_log_key(good)
    assert not any(is_log_key(each) for each in (*spki, b"", good[:-32] + bytes(32)))


def test_a_key_of_another_type_is_listed_without_a_verifier_key(place: Place, tmp_path: Path) -> None:
    settings = place.settings(tmp_path, label="rsa")
    done = hsm("list", "--config", settings)
    assert (done.returncode, "vkey" in done.stdout) == (0, False)
    (token,) = json.loads(hsm("list", "--json", "--config", settings).stdout)["tokens"]
    assert [(each["found"], each["vkey"]) for each in token["keys"]] == [(True, None)]


NOW = datetime(2026, 11, 22, tzinfo=UTC)


def build(
    key: ec.EllipticCurvePrivateKey, *, days: tuple[int, int] = (-10, 300), commitment: bool | None = True
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Seal")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
    )
    if commitment is not None:
        uses = dict.fromkeys(
            ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"), False
        )
        usage = x509.KeyUsage(
            digital_signature=not commitment,
            content_commitment=commitment,
            encipher_only=False,
            decipher_only=False,
            **uses,
        )
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(key, hashes.SHA256())


Certificates = Callable[[ec.EllipticCurvePrivateKey], list[x509.Certificate]]


@pytest.mark.parametrize(
    ("certificates", "found"),
    [
        (lambda key: [build(key)], []),
        (lambda key: [build(key), build(key)], []),
        (lambda _: [build(ec.generate_private_key(ec.SECP256R1()))], [Kind.CERTIFICATE_OF_ANOTHER_KEY]),
        (lambda key: [build(key, days=(-10, -1))], [Kind.CERTIFICATE_EXPIRED]),
        (lambda key: [build(key, days=(1, 10))], [Kind.CERTIFICATE_NOT_YET_VALID]),
        (lambda key: [build(key, days=(-10, 29))], [Kind.CERTIFICATE_ENDS_SOON]),
        (lambda key: [build(key, commitment=False)], [Kind.CERTIFICATE_USE_WRONG]),
        (lambda key: [build(key, commitment=None)], [Kind.CERTIFICATE_USE_WRONG]),
        (
            lambda key: [build(key), build(ec.generate_private_key(ec.SECP256R1()))],
            [Kind.CERTIFICATE_CHAIN_BROKEN],
        ),
        (lambda _: [], [Kind.CERTIFICATE_UNREADABLE]),
    ],
)
def test_a_seals_certificate_must_be_its_keys_and_in_force(
    tmp_path: Path, certificates: Certificates, found: list[Kind]
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "seal.pem"
    path.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in certificates(key)))
    public = build(key).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert [each.kind for each in checked_certificate(path, public, NOW)[1]] == found


def test_a_seal_without_a_certificate_is_told_and_listed(place: Place, tmp_path: Path) -> None:
    place.token.generate_card_key("seal-for-list")
    settings = place.settings(tmp_path, label="good", seal="seal-for-list", certificate=tmp_path / "none.pem")
    code, told = checked(settings, WITHOUT)
    assert (code, kinds(told)) == (4, {Kind.CERTIFICATE_MISSING})

    done = hsm("list", "--config", settings)
    assert done.returncode == 0
    assert f"there is no certificate {tmp_path / 'none.pem'}" in done.stdout
    listed = json.loads(hsm("list", "--json", "--config", settings).stdout)
    (token,) = listed["tokens"]
    assert token["serial"]
    objects = {(each["object"], each["label"]): each for each in token["objects"]}
    assert objects["PRIVATE_KEY", "good"]["used_for"] == ["log"]
    assert objects["PRIVATE_KEY", "extractable"]["attributes"]["extractable"] is True
    assert objects["PRIVATE_KEY", "extractable"]["used_for"] == []
    assert ("DATA", "data") in objects
    assert {each["used_for"]: each["found"] for each in token["keys"]} == {"log": True, "seal": True}
    for line in done.stdout.splitlines():
        if line.split()[:1] == ["extractable"] and "private" in line:
            assert "EXTRACTABLE" in line


def test_a_token_that_cannot_be_opened_is_listed_as_that(place: Place, tmp_path: Path) -> None:
    settings = place.settings(tmp_path, token="absent")
    done = hsm("list", "--config", settings)
    assert done.returncode == 1
    assert "there is no token 'absent' yet" in done.stdout
    listed = json.loads(hsm("list", "--json", "--config", settings).stdout)
    assert "no token" in listed["tokens"][0]["problem"]
