"""``namak verify``: receipts against what the verifier trusts, offline."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.screen import Screen
from namak.cli.texts import N_, _, ngettext
from namak.cli.timestamps_beside import is_beside, timestamps_beside
from namak.cli.verify_words import said
from namak.config import TrustFiles, find_config, load_trust
from namak.errors import ConfigurationError, FileProblem, TrustMissing
from namak.evidence.errors import EvidenceError
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import MAX_BYTES, SUFFIX
from namak.evidence.verify import FileReport, Outcome, Report, Trust, Verdict, verify_receipts

_PDF_MARK = b"%PDF-"
_PDF_MARK_WITHIN = 1024

_LIST_BYTES = 256 * 1024 * 1024
"""More than a revocation list of some million entries."""

_MARKS: Mapping[Outcome, str] = {
    Outcome.PASSED: N_("ok"),
    Outcome.FAILED: N_("FAIL"),
    Outcome.NOT_BOUNDED: N_("note"),
    Outcome.NOT_GIVEN: N_("note"),
    Outcome.NOT_COUNTED: N_("note"),
}

VERDICTS = (N_("VALID"), N_("INVALID"))
"""Verdicts, for the catalogue; programs get these words as they are."""


def verify(run: Run, files: Sequence[Path], named: TrustFiles, crls: Sequence[Path]) -> ExitCode:
    """Verifies receipts, and the certificates that hold some, and says each check in words."""
    trust = trusted(run, named, crls)
    paths = _expanded(files)
    certificates = [path for path in paths if _is_pdf(path)]
    receipts = {str(path): read_file(path) for path in paths if path not in certificates}
    stamps = timestamps_beside([path for path in paths if path not in certificates])
    if stamps:
        trust = _trusting_authorities(run, trust, named.tsa_roots)
    reports = [verify_receipts(receipts, trust, stamps)] if receipts else []
    reports += _certificates(run, certificates, trust, named) if certificates else []
    run.screen.result(_document(reports))
    if not trust.citizen_roots:
        run.screen.note(_("You named no citizen roots, so no confirmation can be valid."))
    shown = [found for report in reports for found in report.files]
    for found in shown:
        _show(run.screen, found)
    _advise_witnessed(run.screen, shown)
    verdict = Verdict.VALID if all(each.verdict is Verdict.VALID for each in reports) else Verdict.INVALID
    counted = [found for found in shown if found.name not in {str(path) for path in certificates}]
    if counted:
        valid = sum(found.verdict is Verdict.VALID for found in counted)
        run.screen.line(
            ngettext(
                "{verdict}: {valid} of {count} receipt is valid.",
                "{verdict}: {valid} of {count} receipts are valid.",
                len(counted),
            ).format(verdict=_(verdict), valid=valid, count=len(counted))
        )
    return ExitCode.OK if verdict is Verdict.VALID else ExitCode.NOT_VERIFIED


def _is_pdf(path: Path) -> bool:
    return read_file(path, _PDF_MARK_WITHIN)[:_PDF_MARK_WITHIN].find(_PDF_MARK) >= 0


def _certificates(run: Run, paths: Sequence[Path], trust: Trust, named: TrustFiles) -> Sequence[Report]:
    # Only where there are some, since the library for PDFs takes a while to load.
    from namak.delivery_certificate.reading import MAX_BYTES as CERTIFICATE_BYTES
    from namak.delivery_certificate.verify import VerifiedCertificate, verify_certificate

    seal_roots = named.seal_roots or _configured(run.options.config).seal_roots
    roots = [] if seal_roots is None else _roots(seal_roots)

    def verified(trust: Trust) -> Sequence[VerifiedCertificate]:
        now = datetime.now(UTC)
        return [
            verify_certificate(str(path), read_file(path, CERTIFICATE_BYTES), trust, roots, now)
            for path in paths
        ]

    found = verified(trust)
    if any(each.timestamped for each in found) and not trust.tsa_roots:
        trust = _trusting_authorities(run, trust, named.tsa_roots)
        found = verified(trust) if trust.tsa_roots else found
    return [Report((each.file, *each.proofs.files)) for each in found]


def _trusting_authorities(run: Run, trust: Trust, named: Path | None) -> Trust:
    """Returns what is trusted of time-stamping authorities, too; says so where that is nobody."""
    path = named or _configured(run.options.config).tsa_roots
    if path is None:
        run.screen.note(
            _("There are timestamps beside the receipts. They count once --tsa-roots names whom you trust.")
        )
        return trust
    if find_spec("rfc3161_client") is None:
        raise ConfigurationError(
            "--tsa-roots", [_("install what reads timestamps: pip install './clients/python[timestamps]'")]
        )
    return replace(trust, tsa_roots=_roots(path))


def trusted_logs(run: Run, named: Path | None) -> TlogPolicy:
    """Returns the logs that the caller trusts, by the option or the configuration. Raises TrustMissing."""
    return trusted(run, TrustFiles(named)).log_policy


def trusted(run: Run, named: TrustFiles, crls: Sequence[Path] = ()) -> Trust:
    """Returns what is trusted; the configuration is only needed for what the options leave open."""
    if named.log_policy is None or named.citizen_roots is None:
        configured = _configured(run.options.config)
        named = TrustFiles(
            named.log_policy or configured.log_policy,
            named.citizen_roots or configured.citizen_roots,
            named.seal_roots or configured.seal_roots,
            named.tsa_roots or configured.tsa_roots,
        )
    if named.log_policy is None:
        raise TrustMissing(
            _("what you trust"), [_("neither --log-policy nor [trust] log_policy names the logs")]
        )
    try:
        policy = TlogPolicy.parse(read_file(named.log_policy))
    except EvidenceError as problem:
        raise ConfigurationError(str(named.log_policy), [problem.detail]) from problem
    lists = [_list(path) for path in crls]
    return Trust(
        log_policy=policy,
        citizen_roots=[] if named.citizen_roots is None else _roots(named.citizen_roots),
        crls={hashlib.sha256(der).hexdigest(): der for der in lists},
        now=datetime.now(UTC),
    )


def _configured(config: Path | None) -> TrustFiles:
    try:
        path = find_config(config)
    except ConfigurationError:
        return TrustFiles()  # there is none, and none is needed for what the options name
    return load_trust(path)


def _roots(path: Path) -> Sequence[bytes]:
    try:
        found = x509.load_pem_x509_certificates(read_file(path))
    except ValueError as problem:
        raise ConfigurationError(str(path), [_("holds no readable PEM certificate")]) from problem
    return [certificate.public_bytes(Encoding.DER) for certificate in found]


def _list(path: Path) -> bytes:
    """Returns a revocation list as DER, in exactly the bytes that it was given in unless it is PEM."""
    data = read_file(path, _LIST_BYTES)
    if not data.lstrip().startswith(b"-----BEGIN"):
        return data
    try:
        return x509.load_pem_x509_crl(data).public_bytes(Encoding.DER)
    except ValueError as problem:
        raise ConfigurationError(str(path), [_("holds no readable revocation list")]) from problem


def _expanded(paths: Sequence[Path]) -> Sequence[Path]:
    expanded: list[Path] = []
    # A shell's * names also what lies beside receipts.
    for path in [path for path in paths if not is_beside(path)] or paths:
        inside = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not inside:
            raise FileProblem(_("{directory} holds no {suffix} file").format(directory=path, suffix=SUFFIX))
        expanded += inside
    return expanded


def read_file(path: Path, most: int = MAX_BYTES) -> bytes:
    """Returns a file's content, up to one byte more than `most`: what is longer is refused for that.

    A pipe or a device is no receipt, and reading one might never end.
    """
    try:
        if path.exists() and not path.is_file():
            raise FileProblem(_("{file} can't be read: it is no regular file").format(file=path))
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as problem:
        raise FileProblem(
            _("{file} can't be read: {problem}").format(file=path, problem=problem.strerror)
        ) from problem


def _show(screen: Screen, found: FileReport) -> None:
    checks = (
        f"    {_(_MARKS[check.outcome]):4} {_(check.name)}: {said(check.words)}" for check in found.checks
    )
    screen.lines([f"{_(found.verdict)}  {found.name}", *checks, f"    {said(found.proves)}", ""])


def _advise_witnessed(screen: Screen, shown: Sequence[FileReport]) -> None:
    """Says how receipts are had that more witnesses vouch for, where the quorum was missed."""
    for found in shown:
        if found.evidence is not None and any(
            check.name == "witnesses" and check.outcome is Outcome.FAILED for check in found.checks
        ):
            evidence_id = found.evidence.document.evidence_id
            screen.note(
                _("The post may have a witnessed receipt by now: {command}").format(
                    command=f"namak receipt {evidence_id} -o DIR --witnessed --force"
                )
            )
            return


def _document(reports: Sequence[Report]) -> Mapping[str, object]:
    report = Report(tuple(found for each in reports for found in each.files))
    return {
        "verdict": str(report.verdict),
        "files": [
            {
                "name": found.name,
                "verdict": str(found.verdict),
                "proves": found.proves,
                "evidence_id": None if found.evidence is None else str(found.evidence.document.evidence_id),
                "event": None if found.evidence is None else found.evidence.document.event.uri,
                "checks": [
                    {"name": check.name, "outcome": str(check.outcome), "words": check.words}
                    for check in found.checks
                ],
            }
            for found in report.files
        ],
    }
