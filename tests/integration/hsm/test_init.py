"""`namak-server hsm init`: the key, its protocol, its request, and what is refused beforehand."""

import errno
import hashlib
import os
import re
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from namak.evidence.note import Verifier, vkey
from server.ceremony.files import NewFile, alone
from server.ceremony.making import KeyRefused, Wanted, made
from server.ceremony.paper import WIDTH
from server.hsm.ceremony import CeremonyPatience, opened
from server.hsm.errors import HsmKeyExists, HsmUnavailable
from server.hsm.key_kinds import KeyKind
from server.hsm.pkcs11 import Pkcs11LogSigner
from server.hsm.token_contents import NoSinglePair, TokenObject, pair_of
from server.hsm.token_link import TokenKey
from tests import forking
from tests.integration.hsm.place import NEXT, ORIGIN, Place, hsm, refused
from tests.integration.transparency.conftest import WallClock

pytestmark = pytest.mark.hsm

PATIENT = CeremonyPatience(opening=60.0, signing=60.0)
SEAL = ("--seal", "--subject", "CN=E-Post seal,O=Operator,C=AM", "--request")


def where(place: Place, label: str) -> TokenKey:
    token = place.token
    return TokenKey(token.module, token.label, label, token.pin_file, token.environment)


async def objects(place: Place) -> tuple[TokenObject, ...]:
    async with opened(where(place, ""), PATIENT) as token:
        return await token.objects()


async def labels(place: Place) -> list[str]:
    return sorted(each.label for each in await objects(place))


async def test_it_makes_the_logs_key_and_writes_all_that_tells_it_from_others(
    place: Place, tmp_path: Path
) -> None:
    settings = place.settings(tmp_path, label="made")
    paper = tmp_path / "protocol.txt"
    done = hsm(
        *("init", "--config", settings, "--protocol", paper),
        *("--witness-name", "Ani Sargsyan", "--witness-name", "Կարեն Պետրոսյան"),
    )
    assert done.returncode == 0, done.stderr

    pair = pair_of(await objects(place), "made")
    assert (pair.private.identifier, pair.private.key_type) == (pair.public.identifier, "Ed25519")
    for flag in ("sensitive", "always sensitive", "never extractable", "local", "sign"):
        assert pair.private.is_set(flag)
    for flag in ("extractable", "decrypt", "unwrap", "derive"):
        assert pair.private.flags[flag] is False
    signer = await Pkcs11LogSigner.open(where(place, "made"))
    verifier_key = vkey(ORIGIN, signer.public_key)
    Verifier.parse(verifier_key).verify(b"", await signer.sign(b""))
    await signer.close()
    assert verifier_key in done.stdout

    text = paper.read_text(encoding="utf-8")
    assert hashlib.sha256(text.encode()).hexdigest() in done.stderr
    joined = re.sub(r"\n +", " ", re.sub(r"\\\n +", "", text))
    for told in (
        *("A KEY IS MADE", verifier_key, "made", pair.private.identifier.hex(), "SoftHSM", "Asia/Yerevan"),
        *("Ani Sargsyan", "Կարեն Պետրոսյան", "not extractable", str(settings), os.uname().nodename),
        *(grouped(place.token.module.read_bytes()), grouped(settings.read_bytes())),
        *(grouped(pair.public.public_key), "+04:00", " UTC)"),
    ):
        assert told in joined, told
    assert place.token.pin not in text + done.stdout + done.stderr
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.replace("\n", "").isprintable()
    assert names_in(tmp_path) == ["namak-server.toml", "protocol.txt"]


def names_in(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir())


def grouped(content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return " ".join(digest[at : at + 4] for at in range(0, 64, 4))


async def test_a_key_that_is_there_is_never_replaced_and_its_protocol_can_still_be_had(
    place: Place, tmp_path: Path
) -> None:
    """As after an interruption between the making and the protocol."""
    settings = place.settings(tmp_path, label="kept")
    key = forking.run("server", "log", "create-key", "--config", settings)
    assert key.returncode == 0, key.stderr
    before = await labels(place)

    assert "--existing" in refused("init", "--config", settings)
    found = hsm("init", "--existing", "--config", settings)

    assert (found.returncode, found.stderr) == (0, "")
    assert key.stdout.strip() in found.stdout
    assert "A KEY IS FOUND" in found.stdout
    assert await labels(place) == before


async def test_it_makes_the_next_shards_key(place: Place, tmp_path: Path) -> None:
    settings = place.settings(tmp_path, label="good", next_label="next")
    (tmp_path / "guard.note").write_text("the current shard has signed", encoding="utf-8")
    done = hsm("init", "--shard", "next", "--config", settings)
    assert (done.returncode, done.stderr) == (0, "")
    public = pair_of(await objects(place), "next").public.public_key[-32:]
    assert vkey(NEXT, public) in done.stdout
    assert "the log's next key" in done.stdout


@pytest.mark.parametrize(("label", "kind"), [("seal-ec", ""), ("seal-rsa", "rsa3072")])
async def test_it_makes_the_seals_key_with_a_request_that_it_signs(
    place: Place, tmp_path: Path, label: str, kind: str
) -> None:
    settings = place.settings(tmp_path, seal=label)
    request, again = tmp_path / "seal.csr", tmp_path / "again.csr"
    done = hsm("init", "--config", settings, *SEAL, request, *(("--type", kind) if kind else ()))
    assert done.returncode == 0, done.stderr

    asked = x509.load_pem_x509_csr(request.read_bytes())
    public = asked.public_key()
    assert asked.is_signature_valid
    assert asked.subject.rfc4514_string() == "CN=E-Post seal,O=Operator,C=AM"
    usage = asked.extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.content_commitment, usage.value.digital_signature) == (
        True,
        True,
        False,
    )
    pair = pair_of(await objects(place), label)
    assert public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == pair.public.public_key
    assert isinstance(public, rsa.RSAPublicKey) == bool(kind)
    assert request.read_text() in done.stdout
    assert [pair.private.flags[flag] for flag in ("sign", "decrypt", "unwrap")] == [True, False, False]

    assert hsm("init", "--existing", "--config", settings, *SEAL, again).returncode == 0
    assert x509.load_pem_x509_csr(again.read_bytes()).public_key() == public


Change = Callable[[Path], tuple[str | Path, ...]]


def a_file(directory: Path) -> Path:
    path = directory / "taken.txt"
    path.write_text("an older protocol", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (lambda at: ("--protocol", a_file(at)), "taken.txt: file exists"),
        (lambda at: ("--protocol", at / "absent" / "p.txt"), "p.txt: no such file or directory"),
        (lambda at: ("--protocol", at), "is a directory|file exists"),
        (lambda _: ("--shard", "next"), r"no \[log.next\]"),
        (lambda _: ("--shard", "2027"), "--shard: current or next"),
        (lambda _: ("--type", "rsa3072"), "--type: ed25519 for the log's key"),
        (lambda _: ("--seal",), r"\[seal\] names no token"),
        (lambda _: ("--witness-name", "a\nb"), "--witness-name must be"),
        (lambda _: ("--witness-name", " "), "--witness-name must be"),
        (lambda at: ("--subject", "CN=x", "--request", at / "r"), "go with --seal"),
    ],
)
async def test_what_cannot_be_done_is_told_before_a_key_is_made(
    place: Place, tmp_path: Path, options: Change, words: str
) -> None:
    settings = place.settings(tmp_path, label="never")
    done = hsm("init", "--config", settings, *options(tmp_path))
    assert done.returncode in (1, 2)
    assert re.search(words, " ".join(done.stderr.lower().split()), re.IGNORECASE), done.stderr
    assert "never" not in await labels(place)
    taken = tmp_path / "taken.txt"
    assert not taken.exists() or taken.read_text(encoding="utf-8") == "an older protocol"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--subject and --request are needed"),
        (("--subject", "CN=x"), "go together"),
        (("--subject", "nonsense", "--request", "r"), "--subject: .*it is written like CN="),
        (("--subject", "", "--request", "r"), "go together"),
        (("--type", "dsa", "--subject", "CN=x", "--request", "r"), "--type: p256, rsa3072, rsa4096"),
    ],
)
async def test_a_seal_without_a_good_request_is_not_made(
    place: Place, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    settings = place.settings(tmp_path, seal="never-seal")
    assert re.search(words, refused("init", "--seal", "--config", settings, *options))
    assert "never-seal" not in await labels(place)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("extractable", "can be taken out of the token"),
        ("twice", "2 private keys are called 'twice'"),
        ("rsa", "the type RSA 2048; wanted: Ed25519"),
        ("half", "the public half of the key 'half' is missing"),
        ("unlike", "different identifiers"),
        ("data", "there is no key 'data'"),
    ],
)
async def test_a_label_that_anything_has_is_taken_and_what_is_odd_gets_no_protocol(
    place: Place, label: str, words: str
) -> None:
    wanted = Wanted(place.key(label), where(place, label), KeyKind.ED25519)
    with pytest.raises(HsmKeyExists, match="already"):
        await made(wanted, WallClock(), PATIENT)
    with pytest.raises((KeyRefused, NoSinglePair), match=words):
        await made(replace(wanted, existing=True), WallClock(), PATIENT)


async def test_odd_keys_change_nothing_by_command(place: Place, tmp_path: Path) -> None:
    settings, paper = place.settings(tmp_path, label="extractable"), tmp_path / "p.txt"
    before = await labels(place)
    assert "--existing" in refused("init", "--config", settings)
    assert "be taken out" in refused("init", "--existing", "--config", settings, "--protocol", paper)
    assert await labels(place) == before
    assert names_in(tmp_path) == ["namak-server.toml"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"token": "absent"}, "softhsm2-util --init-token --free --label absent"),
        ({"token": "fresh"}, "has no user PIN yet"),
        ({"pin_file": "wrong.pin"}, "the PIN in .*wrong.pin is wrong"),
        ({"pin_file": "open.pin"}, "anybody on this machine may read the PIN"),
        ({"pin_file": "binary.pin"}, "is no text"),
        ({"module": "module.so"}, "module.so is no PKCS#11 module"),
        ({"module": "namak-server.toml"}, "is no PKCS#11 module"),
    ],
)
def test_a_token_that_cannot_be_used_is_told_in_words(
    place: Place, tmp_path: Path, changed: dict[str, str], words: str
) -> None:
    for name, content, mode in (
        ("wrong.pin", b"1111", 0o600),
        ("open.pin", b"1111", 0o644),
        ("binary.pin", b"\xff\xfe\x00", 0o600),
        ("module.so", b"no module", 0o600),
    ):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(mode)
    settings = place.settings(tmp_path, **changed)  # type: ignore[arg-type]
    assert re.search(words, refused("init", "--config", settings, "--protocol", tmp_path / "p.txt"))
    assert [each for each in tmp_path.iterdir() if "p.txt" in each.name] == []


def test_a_key_in_a_file_gets_no_ceremony(place: Place, tmp_path: Path) -> None:
    settings = place.settings(tmp_path)
    (tmp_path / "key.pem").write_text("")
    head, _, _ = settings.read_text(encoding="utf-8").partition("[log.key]")
    settings.write_text(f'{head}[log.key]\nfile = "key.pem"\n', encoding="utf-8")
    assert "for development only" in refused("init", "--config", settings)


async def test_a_shard_that_has_signed_gets_no_second_key(place: Place, tmp_path: Path) -> None:
    settings = place.settings(tmp_path, label="second")
    (tmp_path / "guard.note").write_text("a checkpoint of another key", encoding="utf-8")
    assert "A shard never gets another key" in refused("init", "--config", settings)
    assert "second" not in await labels(place)

    settings = place.settings(tmp_path, label="good")
    assert "holds no checkpoint that this key signed" in refused("init", "--existing", "--config", settings)


async def test_a_token_that_does_not_answer_ends_the_ceremony_in_time(place: Place, tmp_path: Path) -> None:
    """A PIN that never comes stands for a module that never comes back."""
    os.mkfifo(tmp_path / "pin", 0o600)
    token = place.token
    silent = TokenKey(token.module, token.label, "any", tmp_path / "pin", token.environment)
    with pytest.raises(HsmUnavailable, match="no answer within"):
        async with opened(silent, CeremonyPatience(opening=1.0, signing=0.1)):
            pytest.fail("it opened")


def test_only_one_ceremony_at_a_time_makes_keys_in_a_token(place: Place, tmp_path: Path) -> None:
    settings = place.settings(tmp_path, label="alone")
    with alone(place.token.pin_file):
        assert "another ceremony with this token goes on" in refused("init", "--config", settings)


def test_a_full_disk_is_told_before_anything_is_done(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match=r"large|space") as raised:
            NewFile(tmp_path / "protocol.txt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert raised.value.errno in (errno.EFBIG, errno.ENOSPC)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_ceremony_left_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "protocol.txt"
    NewFile(path)  # as if the process had ended here
    assert not path.exists()
    with NewFile(path) as file:
        file.write("որոշում".encode())
    assert path.read_text(encoding="utf-8") == "որոշում"
    with pytest.raises(FileExistsError):
        NewFile(path)


def test_a_file_that_came_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "protocol.txt"
    with NewFile(path) as file:
        path.write_text("another's", encoding="utf-8")
        with pytest.raises(FileExistsError):
            file.write(b"ours")
    assert path.read_text(encoding="utf-8") == "another's"
