"""``namak verify``: receipts against what the verifier trusts, offline."""

import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from stat import S_ISREG

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.screen import Screen
from namak.cli.texts import N_, _, ngettext
from namak.cli.timestamps_beside import is_beside, timestamps_beside
from namak.cli.verify_words import said
from namak.cli.verifying_many import AT_ONCE, Result, Results, verify_many
from namak.config import TrustFiles, find_config, load_trust
from namak.errors import ConfigurationError, FileProblem, TrustMissing
from namak.evidence.errors import EvidenceError
from namak.evidence.tlog_policy import NOT_NAMED, TlogPolicy
from namak.evidence.tlog_proof import MAX_BYTES, SUFFIX
from namak.evidence.verify import Outcome, Trust, Verdict

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
    paths = list(dict.fromkeys(_expanded(files)))
    certificates = [path for path in paths if _is_pdf(path)]
    receipts = [path for path in paths if path not in certificates] if certificates else paths
    stamps = timestamps_beside(receipts)
    if stamps:
        trust = _trusting_authorities(run, trust, named.tsa_roots)
    results = _verified(run.screen, receipts, trust, stamps)
    inside = _certificates(run, certificates, trust, named) if certificates else []
    # What is in the certificates counts as well, but not they themselves.
    others = [found for found in inside if found.name not in {str(path) for path in certificates}]
    sound = all(found.verdict is Verdict.VALID for found in inside) and results.valid == results.count
    verdict = Verdict.VALID if sound and paths else Verdict.INVALID
    every = itertools.chain(results, inside)
    if run.screen.as_json:
        run.screen.results({"verdict": str(verdict)}, "files", map(_document, every))
    else:
        _show_all(run.screen, every, trust)
    if count := results.count + len(others):
        valid = results.valid + sum(found.verdict is Verdict.VALID for found in others)
        run.screen.line(
            ngettext(
                "{verdict}: {valid} of {count} receipt is valid.",
                "{verdict}: {valid} of {count} receipts are valid.",
                count,
            ).format(verdict=_(verdict), valid=valid, count=count)
        )
    return ExitCode.OK if verdict is Verdict.VALID else ExitCode.NOT_VERIFIED


def _verified(
    screen: Screen, receipts: Sequence[Path], trust: Trust, stamps: Mapping[str, Mapping[str, bytes]]
) -> Results:
    if len(receipts) <= AT_ONCE:
        return verify_many(receipts, read_file, trust, stamps)
    with screen.progress(_("Verifying"), len(receipts)) as steps:
        return verify_many(receipts, read_file, trust, stamps, steps.reached)


def _show_all(screen: Screen, every: Iterable[Result], trust: Trust) -> None:
    if not trust.citizen_roots:
        screen.note(_("You named no citizen roots, so no confirmation can be valid."))
    unwitnessed, is_unknown = None, False
    for found in every:
        _show(screen, found)
        is_unknown = is_unknown or _is_of_unknown_log(found)
        if unwitnessed is None and _lacks_witnesses(found):
            unwitnessed = found.evidence_id
    if is_unknown:
        screen.note(
            _(
                "A log goes on under another name and key now and then: for one that follows a log that you "
                "trust, `namak log successor RECEIPT` prints the line for your policy."
            )
        )
    if unwitnessed is not None:
        screen.note(
            _("The post may have a witnessed receipt by now: {command}").format(
                command=f"namak receipt {unwitnessed} -o DIR --witnessed --force"
            )
        )


def _is_pdf(path: Path) -> bool:
    if path.name.endswith(SUFFIX):
        return False
    return read_file(path, _PDF_MARK_WITHIN)[:_PDF_MARK_WITHIN].find(_PDF_MARK) >= 0


def _certificates(run: Run, paths: Sequence[Path], trust: Trust, named: TrustFiles) -> Sequence[Result]:
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
    return [Result.of(file) for each in found for file in (each.file, *each.proofs.files)]


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
        if not S_ISREG(path.stat().st_mode):
            raise FileProblem(_("{file} can't be read: it is no regular file").format(file=path))
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as problem:
        raise FileProblem(
            _("{file} can't be read: {problem}").format(file=path, problem=problem.strerror)
        ) from problem


def _show(screen: Screen, found: Result) -> None:
    checks = (
        f"    {_(_MARKS[check.outcome]):4} {_(check.name)}: {said(check.words)}" for check in found.checks
    )
    screen.lines([f"{_(found.verdict)}  {found.name}", *checks, f"    {said(found.proves)}", ""])


def _lacks_witnesses(found: Result) -> bool:
    return found.evidence_id is not None and any(
        check.name == "witnesses" and check.outcome is Outcome.FAILED for check in found.checks
    )


def _is_of_unknown_log(found: Result) -> bool:
    return any(check.name == "log" and check.words.endswith(NOT_NAMED) for check in found.checks)


def _document(found: Result) -> Mapping[str, object]:
    return {
        "name": found.name,
        "verdict": str(found.verdict),
        "proves": found.proves,
        "evidence_id": found.evidence_id,
        "event": found.event,
        "checks": [
            {"name": check.name, "outcome": str(check.outcome), "words": check.words}
            for check in found.checks
        ],
    }
