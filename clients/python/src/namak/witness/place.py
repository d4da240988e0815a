"""The directory of a witness: its key, unless a token holds it, and its state."""

import re
from pathlib import Path

from namak.evidence import ed25519
from namak.evidence.cosignature import COSIGNATURE
from namak.evidence.errors import MalformedKey
from namak.evidence.note import is_key_name, vkey
from namak.witness.keys import KEY_FILE, FileKey, TokenPlace, WitnessKey
from namak.witness.state import STATE_FILE, Identity, State, StateUnusable
from namak.witness.token import TokenKey


def check_name(name: str) -> None:
    """Raises :class:`MalformedKey` for what is no name to sign as for ever: it should be a URL without a
    schema (C2SP signed-note), such as ``witness.court.example/w1``.
    """
    if not is_key_name(name):
        raise MalformedKey("a witness's name is not empty and has no space, plus sign or control character")
    if "://" in name:
        bare = name.partition("://")[2].strip("/")
        raise MalformedKey(f"a witness's name is written without {name.partition('://')[0]}://: {bare}")
    if wrong := re.search("[?#@\\\\]", name):
        raise MalformedKey(f"a witness's name is an address and a path, and has no {wrong[0]}")
    if not all(name.split("/")):
        raise MalformedKey("a witness's name neither begins nor ends with a slash, and has no two together")


def made(directory: Path, name: str, token: TokenPlace | None, *, create_key: bool = False) -> str:
    """Makes a witness and returns its verifier key.

    Raises :class:`~namak.witness.keys.KeyUnusable`, :class:`StateUnusable` and OSError, also where there is a
    witness already or a part of one; :class:`MalformedKey` for a name that no key can have.
    """
    check_name(name)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (directory / STATE_FILE).exists():
        raise StateUnusable(f"{directory} holds a witness already")
    key: WitnessKey
    if token is None:
        key = FileKey.make(directory / KEY_FILE)
    else:
        key = TokenKey.make(token) if create_key else TokenKey.open(token)
    ed25519.check_public_key(key.public_key)
    identity = Identity(name, key.public_key, None if token is None else token.encode())
    State.make(directory / STATE_FILE, identity).close()
    return vkey(name, key.public_key, COSIGNATURE)


def state_in(directory: Path) -> State:
    """Opens the state of the witness in a directory. Raises :class:`StateUnusable`."""
    return State.open(directory / STATE_FILE)


def key_of(directory: Path, state: State) -> WitnessKey:
    """Opens the key of the witness in a directory. Raises :class:`~namak.witness.keys.KeyUnusable`."""
    place = state.identity().token
    return FileKey.read(directory / KEY_FILE) if place is None else TokenKey.open(TokenPlace.parse(place))
