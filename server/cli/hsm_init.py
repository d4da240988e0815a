"""`namak-server hsm init`."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer
from cryptography import x509

from server.bootstrap_machine import AHEAD, SystemClock
from server.ceremony import protocol
from server.ceremony.checking import pin_file_findings
from server.ceremony.files import NewFile, alone
from server.ceremony.findings import Gravity
from server.ceremony.machine import Circumstances, circumstances
from server.ceremony.making import KeyRefused, Tried, Wanted, made
from server.ceremony.paper import printable
from server.ceremony.purposes import MADE, ConfiguredKey, Purpose
from server.ceremony.request import subject_of
from server.ceremony.shard_key import guard_findings, verifier_key, verifier_of
from server.cli.endings import fail, run, told
from server.cli.hsm_settings import KeySettingsRead, read
from server.hsm.key_kinds import KeyKind
from server.hsm.token_contents import NoSinglePair
from server.hsm.token_link import TokenKey
from server.jurisdictions import PROFILES

_KINDS: Final = {
    "ed25519": KeyKind.ED25519,
    "p256": KeyKind.P256,
    "rsa3072": KeyKind.RSA_3072,
    "rsa4096": KeyKind.RSA_4096,
}
_LONGEST_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class Asked:
    """What to make, as it was typed."""

    seal: bool = False
    shard: str = "current"
    kind: str = ""
    subject: str = ""
    request: Path | None = None
    existing: bool = False
    protocol: Path | None = None
    names: tuple[str, ...] = ()
    only_vkey: bool = False
    """Print the verifier key instead of a protocol."""


def init(settings: Path, asked: Asked) -> None:
    """Makes the key, or finds it, and writes its protocol."""
    with told():
        loaded = keys_of(settings)
        key = _key(loaded, asked)
        where = token_of(key)
        wanted = Wanted(key, where, _kind(asked.kind, key), asked.existing, _subject(asked, key))
        around = around_of(loaded, asked.names)
        with ExitStack() as stack:
            stack.enter_context(alone(where.pin_file))
            if not asked.existing:
                refuse_known_shard(key)
            written = stack.enter_context(reserved(asked.protocol))
            request = stack.enter_context(reserved(asked.request))
            run(_make(wanted, around, written, request, only_vkey=asked.only_vkey))


async def _make(
    wanted: Wanted,
    around: Circumstances,
    written: NewFile | None,
    request: NewFile | None,
    *,
    only_vkey: bool,
) -> None:
    try:
        tried = await made(wanted, SystemClock())
    except (KeyRefused, NoSinglePair) as problem:
        raise ValueError(str(problem)) from problem
    await _check_guard(tried)
    if only_vkey:
        typer.echo(verifier_key(tried.key, tried.pair.public.public_key))
        return
    text = protocol.of_key(tried, around)
    if request is not None:
        _kept(request, tried.request, text)
    if written is None:
        typer.echo(text, nl=False)
        return
    _kept(written, text.encode(), text)
    typer.echo(_summary(tried))
    tell_protocol(written, text)


def _kept(file: NewFile, content: bytes, text: str) -> None:
    """Writes a file; where that fails after all, the protocol must not be lost with it."""
    try:
        file.write(content)
    except OSError as problem:
        typer.echo(text, nl=False)
        fail(
            f"{file.path}: {problem.strerror}. The key is in its token; its protocol is above, and"
            " `hsm init --existing` prints it again"
        )


def _summary(tried: Tried) -> str:
    public = tried.pair.public.public_key
    what = "made" if tried.new else "found"
    if tried.key.purpose is Purpose.SEAL:
        return f"{what}: {tried.key.words}, {tried.pair.private.key_type}"
    return f"{what}: {tried.key.words}\n{verifier_key(tried.key, public)}"


async def _check_guard(tried: Tried) -> None:
    """A shard whose guard another key signed has another key: this one must not be taken for it."""
    public = tried.pair.public.public_key
    if tried.key.origin:
        for finding in await guard_findings(tried.key, verifier_of(tried.key, public), published=False):
            raise ValueError(finding.text)


def keys_of(path: Path) -> KeySettingsRead:
    """Returns the settings and the keys that they name; this process goes by their clock from now on."""
    loaded = read(path, os.environ)
    AHEAD.follow(loaded.settings.development_clock)
    return loaded


def around_of(loaded: KeySettingsRead, names: tuple[str, ...]) -> Circumstances:
    """Returns what a protocol says of where it is held. Raises ValueError: names that can't be printed."""
    for name in names:
        if not name.strip() or printable(name) != name or len(name) > _LONGEST_NAME:
            raise ValueError(
                f"--witness-name must be a name of 1 to {_LONGEST_NAME} printable characters on one line"
            )
    zone = PROFILES[loaded.settings.profile].time_zone
    return circumstances(loaded.path, os.environ, zone, names)


def token_of(key: ConfiguredKey) -> TokenKey:
    """Returns where a key is. Raises ValueError: in a file, or behind a PIN that anybody may read."""
    if key.where is None:
        raise ValueError(
            f"{key.section} names a file, which is for development only, and no token;"
            " a key in a file is made by `namak-server dev init`"
        )
    for finding in pin_file_findings(key.where.pin_file):
        if finding.gravity is Gravity.WRONG:
            raise ValueError(finding.text)
    return key.where


def refuse_known_shard(key: ConfiguredKey) -> None:
    """A shard that has signed keeps its key for ever. Raises ValueError."""
    if key.guard is not None and key.guard.exists():
        raise ValueError(
            f"the shard {key.origin} has signed checkpoints already: its guard {key.guard} holds one. A shard"
            " never gets another key; the next shard does (`hsm rotate`)"
        )


@contextlib.contextmanager
def reserved(path: Path | None) -> Iterator[NewFile | None]:
    """Makes a file, with its room on the disk, before anything else is done. Raises OSError."""
    if path is None:
        yield None
        return
    with NewFile(path) as file:
        yield file


def tell_protocol(file: NewFile, text: str) -> None:
    """Says where the protocol is, and its digest, which those present can write beside their names."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    typer.echo(f"The protocol is in {file.path}; its SHA-256 is {digest}", err=True)


def _key(loaded: KeySettingsRead, asked: Asked) -> ConfiguredKey:
    if asked.shard not in ("current", "next"):
        raise ValueError(f"--shard: current or next, not {asked.shard!r}")
    if asked.seal:
        if asked.shard != "current":
            raise ValueError("the seal's key is for no shard: --seal goes without --shard")
        purpose, missing = Purpose.SEAL, "[seal] names no token: module, token and pin_file are needed"
    elif asked.shard == "next":
        purpose, missing = (
            Purpose.NEXT_LOG,
            "the settings have no [log.next]: it names the next shard and its key",
        )
    else:
        purpose, missing = Purpose.LOG, "[log.key] is missing"
    key = loaded.key(purpose)
    if key is None:
        raise ValueError(missing)
    return key


def _kind(typed: str, key: ConfiguredKey) -> KeyKind:
    permitted = MADE[key.purpose]
    kind = _KINDS.get(typed) if typed else permitted[0]
    if kind not in permitted:
        names = [name for name, each in _KINDS.items() if each in permitted]
        raise ValueError(f"--type: {', '.join(names)} for {key.words}, not {typed!r}")
    return kind


def _subject(asked: Asked, key: ConfiguredKey) -> x509.Name | None:
    if key.purpose is not Purpose.SEAL:
        if asked.subject or asked.request:
            raise ValueError("--subject and --request are for the seal's certificate, and go with --seal")
        return None
    if bool(asked.subject) != bool(asked.request):
        raise ValueError(
            "--subject and --request go together: whom the certificate is for, and the request's file"
        )
    if not asked.subject and not asked.existing:
        raise ValueError("--subject and --request are needed: the seal's key needs a certificate")
    return subject_of(asked.subject) if asked.subject else None
