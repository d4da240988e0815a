"""`namak-server hsm check`."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from namak.evidence import EvidenceError
from namak.evidence.tlog_policy import TlogPolicy
from server import bootstrap
from server.bootstrap_machine import SystemClock
from server.ceremony.checking import Checked, checked
from server.ceremony.findings import Finding, Gravity
from server.ceremony.purposes import ConfiguredKey, Purpose
from server.ceremony.seal_certificate import SealCertificate, checked_certificate
from server.ceremony.shard_key import (
    guard_findings,
    is_log_key,
    policy_findings,
    published_findings,
    registered_findings,
    verifier_key,
    verifier_of,
)
from server.cli.endings import FOUND, run, told
from server.cli.hsm_init import keys_of
from server.cli.hsm_settings import KeySettingsRead
from server.cli.hsm_turns import turning
from server.config import Settings
from server.domain.refusals import ServiceUnavailable
from server.hsm.token_contents import fingerprint
from server.storage.embedded_place import EmbeddedPostgresFailed
from server.storage.failures import StorageFault
from server.transparency.troubles import GuardUnreachable


@dataclass(frozen=True, slots=True)
class Judged:
    """All that was found about a key."""

    checked: Checked
    findings: tuple[Finding, ...]
    certificate: SealCertificate | None = None
    unchecked: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with it."""
        return all(each.gravity is not Gravity.WRONG for each in self.findings)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the log besides its key."""

    published: Mapping[str, bytes]
    """The newest published note of each shard that has one."""
    registered: Mapping[str, str]
    """The verifier keys that the database has of shards."""
    policy: TlogPolicy | None
    unchecked: tuple[str, ...] = ()


def check(settings: Path, *, without_database: bool, as_json: bool) -> None:
    """Checks every key; exit code 4 where something is wrong, 1 where something could not be checked."""
    with told():
        loaded = keys_of(settings)
    run(_check(loaded, without_database=without_database, as_json=as_json))


async def _check(loaded: KeySettingsRead, *, without_database: bool, as_json: bool) -> None:
    known = await known_of(loaded, without_database=without_database)
    judged = [await judged_key(key, known) for key in loaded.keys]
    unchecked = [*known.unchecked, *(each for one in judged for each in one.unchecked)]
    sound = all(each.sound for each in judged)
    if as_json:
        typer.echo(json.dumps(_as_json(judged, unchecked, sound=sound), indent=2, ensure_ascii=False))
    else:
        tell(judged)
        for each in unchecked:
            typer.echo(f"not checked: {each}")
        typer.echo(f"{len(judged)} keys checked: {'sound' if sound else 'NOT SOUND'}.")
    if not sound:
        raise typer.Exit(FOUND)
    if unchecked:
        raise typer.Exit(1)


async def known_of(loaded: KeySettingsRead, *, without_database: bool = False) -> Known:
    """Asks the database and the policy. Raises nothing: what can't be asked is unchecked."""
    settings, unchecked = loaded.settings, []
    policy = None
    if settings.witnesses.policy is not None:
        try:
            policy = TlogPolicy.parse(settings.witnesses.policy.read_bytes())
        except (OSError, EvidenceError) as problem:
            unchecked.append(f"{settings.witnesses.policy}: {problem}")
    if without_database:
        return Known({}, {}, policy, tuple(unchecked))
    published: Mapping[str, bytes] = {}
    registered: Mapping[str, str] = {}
    try:
        published, registered = await _asked(settings, [each.origin for each in loaded.keys if each.origin])
    except (
        *(bootstrap.SchemaOutdated, ServiceUnavailable, StorageFault),
        *(EmbeddedPostgresFailed, OSError),
    ) as problem:
        unchecked.append(f"the published checkpoints: {str(problem) or type(problem).__name__}")
    return Known(published, registered, policy, tuple(unchecked))


async def _asked(settings: Settings, origins: list[str]) -> tuple[Mapping[str, bytes], Mapping[str, str]]:
    """Returns the newest published notes, and the verifier keys that the database has of shards."""
    if settings.database.url == "embedded" and not settings.database.directory.exists():
        return {}, {}  # nothing has run here yet, and looking must not make a database
    async with turning(settings) as turn:
        return await turn.published(origins), {each.origin: each.vkey for each in await turn.shards()}


async def judged_key(key: ConfiguredKey, known: Known) -> Judged:
    """Tries a key, and holds it against all that is known of it."""
    result = await checked(key)
    findings, unchecked = list(result.findings), []
    certificate = None
    if key.purpose is Purpose.SEAL:
        certificate, more = checked_certificate(key.certificate, result.public_key, SystemClock().now())
        findings += more
    elif is_log_key(result.public_key):
        verifier = verifier_of(key, result.public_key)
        note = known.published.get(key.origin)
        findings += published_findings(verifier, note) + registered_findings(verifier, known.registered)
        try:
            findings += await guard_findings(key, verifier, published=note is not None)
        except GuardUnreachable as trouble:
            unchecked.append(f"the guard {key.guard}: {trouble}")
        if known.policy is not None:
            findings += policy_findings(verifier, known.policy)
    return Judged(result, tuple(findings), certificate, tuple(unchecked))


def tell(judged: list[Judged], *, err: bool = False) -> None:
    """Tells of keys, for people."""
    for each in judged:
        result = each.checked
        key = result.key
        name = f"{key.purpose}: {key.words}"
        if key.where is not None:
            name += f"; {key.where.key!r} in the token {key.where.token!r}"
        typer.echo(name, err=err)
        if result.pair is not None and result.took is not None:
            took = result.took.total_seconds() * 1000
            typer.echo(f"  {result.pair.private.key_type}, signed in {took:.0f} ms", err=err)
        if each.certificate is not None:
            until = f"{each.certificate.not_after:%Y-%m-%d}"
            typer.echo(f"  certificate of {each.certificate.subject}, until {until}", err=err)
        for finding in each.findings:
            typer.echo(f"  {finding.gravity} {finding.kind}: {finding.text}", err=err)
        if each.sound:
            typer.echo("  sound", err=err)


def _as_json(judged: list[Judged], unchecked: list[str], *, sound: bool) -> dict[str, Any]:
    return {"sound": sound, "keys": [_key_as_json(each) for each in judged], "unchecked": unchecked}


def _key_as_json(judged: Judged) -> dict[str, Any]:
    result = judged.checked
    key, pair = result.key, result.pair
    told: dict[str, Any] = {"purpose": key.purpose, "section": key.section, "sound": judged.sound}
    if key.origin:
        told["origin"] = key.origin
    if key.where is not None:
        told |= {"token": key.where.token, "label": key.where.key, "module": str(key.where.module)}
    if key.file is not None:
        told["file"] = str(key.file)
    if result.token is not None:
        told["serial"] = result.token.serial
    if pair is not None:
        told |= {"type": pair.private.key_type, "id": pair.private.identifier.hex()}
        told["attributes"] = dict(pair.private.flags)
    if result.took is not None:
        told["signed_in_seconds"] = round(result.took.total_seconds(), 4)
    if result.public_key:
        told["public_key_sha256"] = fingerprint(result.public_key)
        if key.origin and is_log_key(result.public_key):
            told["vkey"] = verifier_key(key, result.public_key)
    if judged.certificate is not None:
        told["certificate"] = certificate_as_json(judged.certificate)
    told["findings"] = [dataclasses.asdict(each) for each in judged.findings]
    return told


def certificate_as_json(certificate: SealCertificate) -> dict[str, str]:
    """Returns what JSON says of the seal's certificate."""
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial_number": certificate.serial_number,
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
    }
