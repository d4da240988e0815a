"""Checking a key: it opens, signs in time, and is the one that it should be."""

import stat
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.ceremony.findings import Finding, Gravity, Kind, note, wrong
from server.ceremony.purposes import ConfiguredKey, Purpose
from server.ceremony.trial import tried
from server.hsm.ceremony import DEFAULT_PATIENCE, CeremonyPatience, opened
from server.hsm.errors import HsmError, HsmUnavailable
from server.hsm.file_key import FileLogSigner
from server.hsm.token_contents import KeyPair, NoSinglePair, TokenFacts, pair_of
from server.hsm.token_link import TokenKey

_MAKING: Final = {
    Purpose.LOG: "hsm init",
    Purpose.NEXT_LOG: "hsm init --shard next",
    Purpose.SEAL: "hsm init --seal",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found of a key itself."""

    key: ConfiguredKey
    findings: tuple[Finding, ...]
    token: TokenFacts | None = None
    pair: KeyPair | None = None
    public_key: bytes = b""
    """SubjectPublicKeyInfo, DER; empty where the key could not be reached."""
    took: timedelta | None = None
    """How long it took to sign."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return all(each.gravity is not Gravity.WRONG for each in self.findings)


async def checked(key: ConfiguredKey, patience: CeremonyPatience = DEFAULT_PATIENCE) -> Checked:
    """Tries a key where it is; never fails."""
    if key.where is not None:
        return await _in_token(key, key.where, patience)
    return await _in_file(key, key.file)


def pin_file_findings(path: Path) -> list[Finding]:
    """Returns who else than the owner may read a PIN."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return []  # opening the token says so
    if mode & 0o007:
        return [
            wrong(Kind.PIN_FILE_EXPOSED, f"anybody on this machine may read the PIN in {path}; chmod 600 it")
        ]
    if mode & 0o070:
        return [note(Kind.PIN_FILE_EXPOSED, f"the group of {path} may read the PIN, too")]
    return []


async def _in_token(key: ConfiguredKey, where: TokenKey, patience: CeremonyPatience) -> Checked:
    findings = pin_file_findings(where.pin_file)
    facts = None
    try:
        async with opened(where, patience) as token:
            facts = token.facts
            pair = pair_of(await token.objects(), where.key)
            trial = await tried(token, key, pair)
    except NoSinglePair as problem:
        first = f"; make it first: `namak-server {_MAKING[key.purpose]}`" if problem.missing else ""
        findings.append(wrong(Kind.NO_SINGLE_PAIR, f"token {where.token!r}: {problem}{first}"))
    except HsmUnavailable as problem:
        findings.append(wrong(Kind.UNREACHABLE, str(problem)))
    else:
        return Checked(key, (*findings, *trial.findings), facts, pair, pair.public.public_key, trial.took)
    return Checked(key, tuple(findings), facts)


async def _in_file(key: ConfiguredKey, path: Path | None) -> Checked:
    loud = note(
        Kind.KEY_IN_FILE,
        f"FOR DEVELOPMENT ONLY: the key is in the file {path}, and whoever reads it can forge the log",
    )
    try:
        if path is None:
            raise HsmUnavailable(f"{key.section} names neither a token nor a file")
        signer = FileLogSigner.open(path)
    except HsmError as problem:
        return Checked(key, (loud, wrong(Kind.UNREACHABLE, str(problem))))
    public_key = Ed25519PublicKey.from_public_bytes(signer.public_key)
    await signer.close()
    return Checked(
        key, (loud,), public_key=public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
