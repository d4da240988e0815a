"""A witness's directory: made once, its key read by its owner only."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from namak.evidence.cosignature import CosignatureVerifier
from namak.evidence.errors import MalformedKey
from namak.witness.keys import FileKey, KeyUnusable
from namak.witness.place import key_of, made, state_in
from namak.witness.state import StateUnusable
from tests.unit.witness.places import NAME, make


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "witness"
    vkey = make(directory)

    assert stat.S_IMODE((directory / "witness.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((directory / "witness.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    state = state_in(directory)
    assert CosignatureVerifier.parse(vkey) == CosignatureVerifier(NAME, key_of(directory, state).public_key)
    state.close()


def test_nothing_is_ever_made_anew(tmp_path: Path) -> None:
    make(tmp_path)
    before = (tmp_path / "witness.key").read_bytes()
    with pytest.raises(StateUnusable, match="already"):
        make(tmp_path)
    # A lost state with a kept key would be a rollback.
    (tmp_path / "witness.db").unlink()
    with pytest.raises(KeyUnusable, match="never replaced"):
        make(tmp_path)
    assert (tmp_path / "witness.key").read_bytes() == before


@pytest.mark.parametrize("name", ["", "a name", "a+b", "a\nb", "a\u2003b"])
def test_a_name_that_no_key_can_have_makes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(MalformedKey):
        made(tmp_path / "witness", name, None)
    assert not (tmp_path / "witness").exists()


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    make(tmp_path)
    for mode in (0o640, 0o604, 0o644):
        (tmp_path / "witness.key").chmod(mode)
        with pytest.raises(KeyUnusable, match="chmod 600"):
            FileKey.read(tmp_path / "witness.key")


def test_a_file_without_an_ed25519_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(KeyUnusable, match="no such file"):
        FileKey.read(path)
    other = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"", b"-----BEGIN PRIVATE KEY-----\n", other):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(KeyUnusable):
            FileKey.read(path)


def test_a_file_that_is_no_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateUnusable, match="no witness"):
        state_in(tmp_path)
    (tmp_path / "witness.db").write_bytes(b"")
    with pytest.raises(StateUnusable, match="version"):
        state_in(tmp_path)
    (tmp_path / "witness.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StateUnusable, match="can't be used"):
        state_in(tmp_path)
