"""`namak-server hsm list`."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import typer
from cryptography import x509

from server.bootstrap_machine import SystemClock
from server.ceremony.attributes import TOLD
from server.ceremony.findings import Finding
from server.ceremony.paper import printable
from server.ceremony.purposes import ConfiguredKey, Purpose
from server.ceremony.seal_certificate import SealCertificate, checked_certificate
from server.ceremony.shard_key import is_log_key, verifier_key
from server.cli.endings import run, told
from server.cli.hsm_check import certificate_as_json
from server.cli.hsm_init import keys_of
from server.cli.hsm_settings import KeySettingsRead
from server.hsm.ceremony import opened
from server.hsm.errors import HsmUnavailable
from server.hsm.token_contents import PRIVATE, PUBLIC, TokenFacts, TokenObject, fingerprint
from server.hsm.token_link import TokenKey

_HEADINGS: Final = ("LABEL", "ID", "TYPE", "OBJECT", "USED FOR", "ATTRIBUTES")


@dataclass(frozen=True, slots=True)
class Seen:
    """A token, and what was seen of it."""

    where: TokenKey
    keys: tuple[ConfiguredKey, ...]
    """Those that the settings name in it."""
    facts: TokenFacts | None = None
    objects: tuple[TokenObject, ...] = ()
    problem: str = ""

    def uses(self, found: TokenObject) -> list[ConfiguredKey]:
        """Returns what the settings use an object for."""
        if found.kind not in (PRIVATE, PUBLIC):
            return []
        return [key for key in self.keys if key.where is not None and key.where.key == found.label]


def show(settings: Path, *, as_json: bool) -> None:
    """Shows tokens and keys; exit code 1 where a token can't be opened."""
    with told():
        loaded = keys_of(settings)
    run(_show(loaded, as_json=as_json))


async def _show(loaded: KeySettingsRead, *, as_json: bool) -> None:
    seen = [await _seen(where, keys) for where, keys in _tokens(loaded)]
    in_files = [key for key in loaded.keys if key.where is None]
    if as_json:
        told = {
            "tokens": [_token_as_json(each) for each in seen],
            "files": [
                {"section": key.section, "used_for": key.purpose, "file": str(key.file)} for key in in_files
            ],
        }
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        for each in seen:
            _tell(each)
        for key in in_files:
            typer.echo(f"{key.words}: in the file {key.file}, FOR DEVELOPMENT ONLY")
    if any(each.problem for each in seen):
        raise typer.Exit(1)


def _tokens(loaded: KeySettingsRead) -> list[tuple[TokenKey, tuple[ConfiguredKey, ...]]]:
    """Returns the tokens that the settings name, each once, with the keys in them."""
    found: dict[tuple[Any, ...], list[ConfiguredKey]] = {}
    for key in loaded.keys:
        if key.where is not None:
            where = key.where
            token = (where.module.resolve(), where.token, tuple(sorted(where.environment.items())))
            found.setdefault(token, []).append(key)
    return [(keys[0].where, tuple(keys)) for keys in found.values() if keys[0].where is not None]


async def _seen(where: TokenKey, keys: tuple[ConfiguredKey, ...]) -> Seen:
    try:
        async with opened(where) as token:
            return Seen(where, keys, token.facts, await token.objects())
    except HsmUnavailable as problem:
        return Seen(where, keys, problem=str(problem))


def _tell(seen: Seen) -> None:
    typer.echo(f"token {printable(seen.where.token)}, by {seen.where.module}")
    if seen.facts is None:
        typer.echo(f"  {seen.problem}")
        return
    facts = seen.facts
    typer.echo(
        f"  serial number {printable(facts.serial)}; {printable(facts.manufacturer)}"
        f" {printable(facts.model)}; firmware {facts.firmware}"
    )
    rows = [_row(seen, each) for each in sorted(seen.objects, key=lambda each: (each.label, each.kind))]
    widths = [max(len(row[at]) for row in (_HEADINGS, *rows)) for at in range(len(_HEADINGS))]
    for row in (_HEADINGS, *rows):
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        typer.echo(f"  {line}".rstrip())
    for key in seen.keys:
        _tell_use(seen, key)


def _row(seen: Seen, found: TokenObject) -> tuple[str, ...]:
    return (
        printable(found.label) or "-",
        found.identifier.hex() or "-",
        found.key_type or "-",
        found.kind.replace("_", " ").lower(),
        ", ".join(key.purpose for key in seen.uses(found)) or "-",
        _attributes(found),
    )


def _attributes(found: TokenObject) -> str:
    if found.certificate:
        return _subject(found.certificate)
    if found.kind != PRIVATE:
        return ", ".join(flag for flag in ("local",) if found.is_set(flag)) or "-"
    words = [flag.upper() if flag == "extractable" else flag for flag in TOLD if found.is_set(flag)]
    words += [use.upper() for use in ("decrypt", "unwrap", "derive") if found.is_set(use)]
    return ", ".join(words) or "-"


def _subject(certificate: bytes) -> str:
    try:
        read = x509.load_der_x509_certificate(certificate)
        return printable(f"{read.subject.rfc4514_string()}, until {read.not_valid_after_utc:%Y-%m-%d}")
    except ValueError:
        return "can't be read"


def _tell_use(seen: Seen, key: ConfiguredKey) -> None:
    public = _public_key(seen, key)
    if not public:
        typer.echo(
            f"  {key.purpose}: {key.section} names a key that is not here: {key.where and key.where.key}"
        )
        return
    typer.echo(f"  {key.purpose}: {key.words}; SHA-256 of the public key {fingerprint(public)}")
    if key.origin and is_log_key(public):
        typer.echo(f"    vkey {verifier_key(key, public)}")
    certificate, problems = _certificate(key, public)
    if certificate is not None:
        until = f"{certificate.not_after:%Y-%m-%d}"
        typer.echo(f"    certificate of {printable(certificate.subject)}, until {until}")
    for finding in problems:
        typer.echo(f"    {finding.text}")


def _public_key(seen: Seen, key: ConfiguredKey) -> bytes:
    for found in seen.objects:
        if found.kind == PUBLIC and key in seen.uses(found):
            return found.public_key
    return b""


def _token_as_json(seen: Seen) -> dict[str, Any]:
    told: dict[str, Any] = {"token": seen.where.token, "module": str(seen.where.module)}
    if seen.facts is not None:
        told |= asdict(seen.facts)
    if seen.problem:
        told["problem"] = seen.problem
    told["objects"] = [_object_as_json(seen, each) for each in seen.objects]
    told["keys"] = [_use_as_json(key, _public_key(seen, key)) for key in seen.keys]
    return told


def _object_as_json(seen: Seen, found: TokenObject) -> dict[str, Any]:
    return {
        "object": found.kind,
        "label": found.label,
        "id": found.identifier.hex(),
        "type": found.key_type,
        "attributes": dict(found.flags),
        "used_for": [key.purpose for key in seen.uses(found)],
        "public_key_sha256": fingerprint(found.public_key) if found.public_key else None,
        "subject": _subject(found.certificate) if found.certificate else None,
    }


def _use_as_json(key: ConfiguredKey, public: bytes) -> dict[str, Any]:
    certificate, problems = _certificate(key, public)
    return {
        "used_for": key.purpose,
        "section": key.section,
        "label": key.where.key if key.where else None,
        "found": bool(public),
        "vkey": verifier_key(key, public) if key.origin and is_log_key(public) else None,
        "public_key_sha256": fingerprint(public) if public else None,
        "certificate": None if certificate is None else certificate_as_json(certificate),
        "problems": [finding.text for finding in problems],
    }


def _certificate(key: ConfiguredKey, public: bytes) -> tuple[SealCertificate | None, list[Finding]]:
    if key.purpose is not Purpose.SEAL:
        return None, []
    return checked_certificate(key.certificate, public, SystemClock().now())
