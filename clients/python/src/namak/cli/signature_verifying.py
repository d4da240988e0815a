"""``namak verify-signature``: the signatures of a file, judged here or by the post."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.texts import _, language
from namak.cli.verifying import read_file
from namak.config import TrustFiles, find_config, load_trust
from namak.errors import ConfigurationError, FileProblem, WrongUsage
from namak.signatures.json_form import report_document
from namak.signatures.printed import report_lines
from namak.signatures.report import Finding, Report, Verdict
from namak.signatures.trust import RevocationMaterial, Trust, TrustPolicy
from namak.signatures.unjudged import nothing_to_judge
from namak.signatures.verify import PDF_MARK, FileDocument, verify
from namak.signatures.words import LANGUAGES

_LIST_BYTES: Final = 256 * 1024 * 1024
_SIGNATURE_BYTES: Final = 16 * 1024 * 1024
_POST_BYTES: Final = 3 * 1024 * 1024
"""The post's limit for a document with its signature."""

_ARMOUR: Final = re.compile(rb"-----BEGIN (CMS|PKCS7)-----(.*?)-----END \1-----", re.DOTALL)
_ENDINGS: Final = (".pem", ".crt", ".cer", ".der")

_CODES: Final = {
    Verdict.VALID: ExitCode.OK,
    Verdict.INVALID: ExitCode.NOT_VERIFIED,
    Verdict.INDETERMINATE: ExitCode.OPEN,
}


_WITHOUT_ANSWER: Final = frozenset({Finding.NO_ANSWER, Finding.ANSWER_STALE, Finding.ANSWER_AFTER_EXPIRY})


@dataclass(frozen=True, slots=True)
class Given:
    """What the command was given."""

    file: Path
    signature: Path | None
    roots: Path | None
    timestamp_roots: Path | None
    certificates: Path | None
    crls: tuple[Path, ...]
    ocsps: tuple[Path, ...]
    at: datetime | None
    language: str


async def offline(run: Run, given: Given) -> ExitCode:
    """Verifies on this machine, by what the caller trusts."""
    document = _document(given.file)
    signature = _signature(given, document)
    trust = Trust(
        policies=_policies(given.roots or _configured(run.options.config)),
        timestamp_roots=None if given.timestamp_roots is None else _certificates(given.timestamp_roots),
        certificates=() if given.certificates is None else _certificates(given.certificates),
        revocation=RevocationMaterial(
            tuple(_revocation_list(path) for path in given.crls),
            tuple(read_file(path, _SIGNATURE_BYTES) for path in given.ocsps),
        ),
    )
    if not trust.policies:
        run.screen.note(_("You named nobody whom you trust (--roots), so no signature can be valid."))
    try:
        report = verify(document, signature, trust, given.at or datetime.now(UTC))
    except OSError as problem:
        raise _unreadable(given.file, problem) from problem
    code = _shown(run, given, report)
    if any(check.finding in _WITHOUT_ANSWER for each in report.signatures for check in each.checks):
        run.screen.note(
            _(
                "Whether the certificates were revoked can't be told by what the file carries: give the "
                "authority's revocation list by --crl or its OCSP answer by --ocsp, or have the post verify "
                "the file by --server."
            )
        )
    return code


async def by_the_post(run: Run, given: Given) -> ExitCode:
    """Has the post verify it."""
    from namak.client.signatures import report_of

    document = _document(given.file)
    signature = _signature(given, document) or b""
    if document.size + len(signature) > _POST_BYTES:
        raise FileProblem(_("the post verifies up to 3 MiB; verify larger files without --server"))
    async with run.client() as post:
        found = await post.signatures.verify(
            document.whole(), signature, language=_language(given), at=given.at
        )
    return _shown(run, given, report_of(found))


def _shown(run: Run, given: Given, report: Report) -> ExitCode:
    spoken = _language(given)
    run.screen.result(report_document(report, spoken))
    run.screen.lines(report_lines(report, spoken, name=given.file.name))
    nothing = nothing_to_judge(report)
    if nothing is Finding.UNKNOWN_FORMAT and given.signature is None:
        run.screen.note(_("If it was signed apart from the file, name the signature by --signature."))
    return _CODES[report.verdict] if nothing is None else ExitCode.FILE


def _language(given: Given) -> str:
    if given.language and given.language not in LANGUAGES:
        raise WrongUsage(_("--language must be one of {names}").format(names=", ".join(LANGUAGES)))
    return given.language or language()


def _document(path: Path) -> FileDocument:
    document = FileDocument(path)
    try:
        if path.exists() and not path.is_file():
            raise FileProblem(_("{file} can't be read: it is no regular file").format(file=path))
        document.beginning(1)
    except OSError as problem:
        raise _unreadable(path, problem) from problem
    return document


def _unreadable(path: Path, problem: OSError) -> FileProblem:
    return FileProblem(_("{file} can't be read: {problem}").format(file=path, problem=problem.strerror))


def _signature(given: Given, document: FileDocument) -> bytes | None:
    """Returns the detached signature: the one named, or the one beside a file that holds none itself."""
    path = given.signature
    if path is None:
        beside = given.file.with_name(f"{given.file.name}.p7s")
        if PDF_MARK in document.beginning(1024) or not beside.is_file():
            return None
        path = beside
    data = read_file(path, _SIGNATURE_BYTES)
    armour = _ARMOUR.search(data)
    if armour is None:
        return data
    try:
        return base64.b64decode(b"".join(armour[2].split()), validate=True)
    except binascii.Error:
        return b"\x00"  # no signature: the report says so


def _configured(config: Path | None) -> Path | None:
    try:
        path = find_config(config)
    except ConfigurationError:
        return None  # there is none, and none is needed for what the options name
    files: TrustFiles = load_trust(path)
    return files.citizen_roots


def _policies(path: Path | None) -> tuple[TrustPolicy, ...]:
    if path is None:
        return ()
    if not path.is_dir():
        return (TrustPolicy(path.stem, _certificates(path)),)
    inside = sorted(each for each in path.iterdir() if each.is_dir())
    found = [(path, _in_directory(path)), *((each, _in_directory(each)) for each in inside)]
    policies = tuple(TrustPolicy(place.resolve().name, roots) for place, roots in found if roots)
    if not policies:
        raise ConfigurationError(str(path), [_("holds no certificate file (.pem, .crt, .cer, .der)")])
    return policies


def _in_directory(path: Path) -> tuple[bytes, ...]:
    files = sorted(each for each in path.iterdir() if each.is_file() and each.suffix in _ENDINGS)
    return tuple(der for each in files for der in _in_file(each))


def _certificates(path: Path) -> tuple[bytes, ...]:
    return _in_directory(path) if path.is_dir() else tuple(_in_file(path))


def _in_file(path: Path) -> Sequence[bytes]:
    data = read_file(path)
    try:
        if b"-----BEGIN" in data:
            found = x509.load_pem_x509_certificates(data)
            return [certificate.public_bytes(Encoding.DER) for certificate in found]
        return [x509.load_der_x509_certificate(data).public_bytes(Encoding.DER)]
    except ValueError as problem:
        raise ConfigurationError(str(path), [_("holds no readable certificate")]) from problem


def _revocation_list(path: Path) -> bytes:
    data = read_file(path, _LIST_BYTES)
    if not data.lstrip().startswith(b"-----BEGIN"):
        return data
    try:
        return x509.load_pem_x509_crl(data).public_bytes(Encoding.DER)
    except ValueError as problem:
        raise ConfigurationError(str(path), [_("holds no readable revocation list")]) from problem
