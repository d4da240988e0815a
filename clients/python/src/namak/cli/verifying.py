"""``namak verify``: receipts against what the verifier trusts, offline."""

import fnmatch
import functools
import gc
import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from io import FileIO
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.cli.app import Run
from namak.cli.certificate_words import is_only_itself_broken, verdict_over
from namak.cli.codes import ExitCode
from namak.cli.screen import Screen
from namak.cli.texts import N_, _, is_translated, ngettext
from namak.cli.timestamps_beside import is_beside, timestamps_beside
from namak.cli.verify_words import said
from namak.cli.verifying_many import AT_ONCE, Result, Results, verify_many
from namak.config import TrustFiles, find_config, load_trust
from namak.errors import ConfigurationError, FileProblem, TimestampsUnreadable, TrustMissing
from namak.evidence.errors import EvidenceError
from namak.evidence.tlog_policy import NOT_NAMED, TlogPolicy
from namak.evidence.tlog_proof import MAX_BYTES, SUFFIX
from namak.evidence.verify import Outcome, Trust, Verdict

if TYPE_CHECKING:
    from namak.delivery_certificate.verify import VerifiedCertificate

_PDF_MARK = b"%PDF-"
_PDF_MARK_WITHIN = 1024

_PIECE = 1024 * 1024
"""Bytes of a file that is longer than it said, at a time."""

_LIST_BYTES = 256 * 1024 * 1024
"""More than a revocation list of some million entries."""

_OBJECTS = 200_000
"""More than this many new objects that may be garbage are looked through, when many files are verified."""

_MARKS: Mapping[Outcome, str] = {
    Outcome.PASSED: N_("ok"),
    Outcome.FAILED: N_("FAIL"),
    Outcome.NOT_BOUNDED: N_("note"),
    Outcome.NOT_GIVEN: N_("note"),
    Outcome.NOT_COUNTED: N_("note"),
    Outcome.NOTED: N_("note"),
}

VERDICTS = (N_("VALID"), N_("INVALID"))
"""Verdicts, for the catalogue; programs get these words as they are."""


def verify(run: Run, files: Sequence[Path], named: TrustFiles, crls: Sequence[Path]) -> ExitCode:
    """Verifies receipts, and the certificates that hold some, and says each check in words."""
    trust = trusted(run, named, crls)
    names = list(dict.fromkeys(_expanded(files)))
    certificates = [name for name in names if _is_pdf(name)]
    receipts = [name for name in names if name not in certificates] if certificates else names
    stamps = timestamps_beside(receipts)
    if stamps:
        trust = _trusting_authorities(run, trust, named.tsa_roots)
    results = _verified(run.screen, receipts, trust, stamps)
    judged = _certificates(run, [Path(name) for name in certificates], trust, named) if certificates else []
    inside = [Result.of(file) for each in judged for file in (each.file, *each.proofs.files)]
    sound = all(found.verdict == Verdict.VALID for found in inside) and results.valid == results.count
    verdict = Verdict.VALID if sound and names else Verdict.INVALID
    every = itertools.chain(results, inside)
    if run.screen.as_json:
        run.screen.results({"verdict": str(verdict)}, "files", map(_document, every))
    else:
        _show_all(run.screen, every, trust)
    _conclude(run.screen, results, judged, verdict)
    return ExitCode.OK if verdict is Verdict.VALID else ExitCode.NOT_VERIFIED


def _conclude(
    screen: Screen, results: Results, certificates: Sequence["VerifiedCertificate"], verdict: Verdict
) -> None:
    """Says the verdict over all last: how many receipts are valid, and of which certificate that is not all
    that there is to say.
    """
    broken = [each for each in certificates if is_only_itself_broken(each)]
    # What is in the other certificates counts as well, but not they themselves.
    inside = [file for each in certificates if each not in broken for file in each.proofs.files]
    if count := results.count + len(inside):
        valid = results.valid + sum(file.verdict is Verdict.VALID for file in inside)
        screen.line(
            ngettext(
                "{verdict}: {valid} of {count} receipt is valid.",
                "{verdict}: {valid} of {count} receipts are valid.",
                count,
            ).format(verdict=_(verdict), valid=valid, count=count)
        )
    for each in broken:
        screen.line(_(verdict_over(each)).format(verdict=_(each.verdict), file=each.file.name))


def _verified(
    screen: Screen, receipts: Sequence[str], trust: Trust, stamps: Mapping[str, Mapping[str, bytes]]
) -> Results:
    if len(receipts) <= AT_ONCE:
        return verify_many(receipts, read_file, trust, stamps)
    with _seldom_collecting(), screen.progress(_("Verifying"), len(receipts)) as steps:
        return verify_many(receipts, read_file, trust, stamps, steps.reached)


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Looks for garbage less often than Python does by itself: what a verification makes goes by itself, and
    what there is besides lives as long as the process.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _show_all(screen: Screen, every: Iterable[Result], trust: Trust) -> None:
    if not trust.citizen_roots:
        screen.note(_("You named no citizen roots, so no confirmation can be valid."))
    unwitnessed, is_unknown = None, False
    begin = functools.cache(_begin)  # in the language that is spoken now
    say = said if is_translated() else str  # most sentences are said once, of one receipt

    def told() -> Iterator[Sequence[str]]:
        nonlocal unwitnessed, is_unknown
        for found in every:
            yield _lines_of(found, begin, say)
            if found.verdict == Verdict.VALID:
                continue
            is_unknown = is_unknown or _is_of_unknown_log(found)
            if unwitnessed is None and _lacks_witnesses(found):
                unwitnessed = found.evidence_id

    screen.paragraphs(told())
    if is_unknown:
        screen.note(
            _(
                "A log goes on under another name and key now and then: for one that follows a log that you "
                "trust, `namak log successor successor.tlog-proof` prints the line for your policy; that "
                "file is beside the public files of the log that ended."
            )
        )
    if unwitnessed is not None:
        screen.note(
            _("The post may have a witnessed receipt by now: {command}").format(
                command=f"namak receipt {unwitnessed} -o DIR --witnessed --force"
            )
        )
        screen.note(
            _(
                "A receipt keeps the cosignatures of its own time: if your policy asks for more witnesses "
                "than the one of that time did, verify it by that one."
            )
        )


def _is_pdf(name: str) -> bool:
    if name.endswith(SUFFIX):
        return False
    return read_file(name, _PDF_MARK_WITHIN)[:_PDF_MARK_WITHIN].find(_PDF_MARK) >= 0


def _certificates(
    run: Run, paths: Sequence[Path], trust: Trust, named: TrustFiles
) -> Sequence["VerifiedCertificate"]:
    # Only where there are some, since the library for PDFs takes a while to load.
    from namak.delivery_certificate.reading import MAX_BYTES as CERTIFICATE_BYTES
    from namak.delivery_certificate.verify import verify_certificate

    seal_roots = named.seal_roots or _configured(run.options.config).seal_roots
    roots = [] if seal_roots is None else _roots(seal_roots)

    def verified(trust: Trust) -> Sequence["VerifiedCertificate"]:
        now = datetime.now(UTC)
        return [
            verify_certificate(str(path), read_file(path, CERTIFICATE_BYTES), trust, roots, now)
            for path in paths
        ]

    found = verified(trust)
    if any(each.timestamped for each in found) and not trust.tsa_roots:
        trust = _trusting_authorities(run, trust, named.tsa_roots)
        found = verified(trust) if trust.tsa_roots else found
    return found


def _trusting_authorities(run: Run, trust: Trust, named: Path | None) -> Trust:
    """Returns what is trusted of time-stamping authorities, too; says so where that is nobody."""
    path = named or _configured(run.options.config).tsa_roots
    if path is None:
        run.screen.note(
            _("There are timestamps beside the receipts. They count once --tsa-roots names whom you trust.")
        )
        return trust
    if find_spec("rfc3161_client") is None:
        raise TimestampsUnreadable("--tsa-roots", [_("this installation can't read timestamps")])
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


def _expanded(paths: Sequence[Path]) -> Sequence[str]:
    """Returns the files' paths; as texts, since there may be many."""
    expanded: list[str] = []
    # A shell's * names also what lies beside receipts.
    for path in [path for path in paths if not is_beside(path)] or paths:
        inside = _receipts_in(path) if path.is_dir() else [str(path)]
        if not inside:
            raise FileProblem(_("{directory} holds no {suffix} file").format(directory=path, suffix=SUFFIX))
        expanded += inside
    return expanded


def _receipts_in(directory: Path) -> Sequence[str]:
    """Returns its receipts in the order of their names; none where it can't be listed."""
    try:
        with os.scandir(directory) as entries:
            names = [entry.name for entry in entries]
    except OSError:
        return []
    before = str(directory / SUFFIX).removesuffix(SUFFIX)
    return [before + name for name in sorted(fnmatch.filter(names, f"*{SUFFIX}"))]


def read_file(path: Path | str, most: int = MAX_BYTES) -> bytes:
    """Returns a file's content, up to one byte more than `most`: what is longer is refused for that.

    A pipe or a device is no receipt, and reading one might never end.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 - a path that is one already is slow to make
        if not S_ISREG(found.st_mode):
            raise FileProblem(_("{file} can't be read: it is no regular file").format(file=path))
        with FileIO(path) as file:
            # Room is made for as much as is asked for: for a byte more than there should be.
            data = file.read(min(found.st_size, most) + 1)
            while len(data) != found.st_size and len(data) <= most:
                if not (more := file.read(min(_PIECE, most + 1 - len(data)))):
                    break
                data += more
            return data
    except OSError as problem:
        raise FileProblem(
            _("{file} can't be read: {problem}").format(file=path, problem=problem.strerror)
        ) from problem


def _lines_of(found: Result, begin: Callable[[str, str], str], say: Callable[[str], str]) -> Sequence[str]:
    checks = [f"    {begin(outcome, name)}: {say(words)}" for name, outcome, words in found.checks]
    return [f"{_(found.verdict)}  {found.name}", *checks, f"    {say(found.proves)}", ""]


def _begin(outcome: str, name: str) -> str:
    return f"{_(_MARKS[Outcome(outcome)]):4} {_(name)}"


def _lacks_witnesses(found: Result) -> bool:
    return found.evidence_id is not None and any(
        name == "witnesses" and outcome == Outcome.FAILED for name, outcome, _words in found.checks
    )


def _is_of_unknown_log(found: Result) -> bool:
    return any(name == "log" and words.endswith(NOT_NAMED) for name, _outcome, words in found.checks)


def _document(found: Result) -> Mapping[str, object]:
    return {
        "name": found.name,
        "verdict": found.verdict,
        "proves": found.proves,
        "evidence_id": found.evidence_id,
        "event": found.event,
        "checks": [
            {"name": name, "outcome": outcome, "words": words} for name, outcome, words in found.checks
        ],
    }
