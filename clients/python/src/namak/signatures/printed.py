"""A report for people: lines that fit on paper and on a screen, in one of five languages."""

import textwrap
from collections.abc import Iterator
from typing import Final

from namak.signatures.report import (
    CertificateSeen,
    Check,
    CheckResult,
    Party,
    Report,
    SignatureKind,
    SignatureReport,
)
from namak.signatures.words import (
    BASES,
    CHECKS,
    N_,
    RESULTS,
    STATUSES,
    VERDICTS,
    Words,
    shown_time,
    verdict_text,
)

WIDTH: Final = 96

_FILE, _DIGEST, _VERIFIED = N_("File"), N_("SHA-256"), N_("Verified for")
_SIGNED_BY, _NUMBER, _ORGANISATION = N_("Signed by"), N_("Number"), N_("Organisation")
_CLAIMED, _USED, _TIMESTAMP = N_("Claimed time"), N_("Judged for"), N_("Timestamp")
_TRUSTED, _QUALIFIED, _ALGORITHMS = N_("Trusted under"), N_("Qualified as"), N_("Algorithms")
_PLACE, _RESULT = N_("Place"), N_("Result")
_NAMES: Final = (
    *(_FILE, _DIGEST, _VERIFIED, _SIGNED_BY, _NUMBER, _ORGANISATION, _CLAIMED, _USED, _TIMESTAMP),
    *(_TRUSTED, _QUALIFIED, _ALGORITHMS, _PLACE, _RESULT),
)


def report_lines(report: Report, language: str, *, name: str = "") -> Iterator[str]:
    """Yields the lines of a report; ``name`` is the file's."""
    page = _Page(Words(language))
    words = page.words
    if name:
        yield from page.field(_FILE, name)
    yield from page.field(_DIGEST, report.document_sha256)
    yield from page.field(_VERIFIED, shown_time(report.verified_time))
    yield from page.field(_RESULT, words(verdict_text(report)))
    yield from page.checks(tuple(each for each in report.checks if each.result is not CheckResult.PASSED))
    for signature in report.signatures:
        yield ""
        yield from _signature(page, signature, len(report.signatures))


def _signature(page: "_Page", signature: SignatureReport, count: int) -> Iterator[str]:
    words = page.words
    title = (
        N_("Document timestamp {number} of {count}")
        if signature.kind is SignatureKind.DOCUMENT_TIMESTAMP
        else N_("Signature {number} of {count}")
    )
    yield words(title).format(number=signature.number, count=count)
    sub = f" [{signature.sub_indication}]" if signature.sub_indication else ""
    yield from page.field(_RESULT, words(VERDICTS[signature.verdict]) + sub)
    if signature.signer is not None:
        yield from _party(page, signature.signer)
    if signature.pdf is not None and signature.pdf.revision:
        place = words(N_("field {field}, version {revision} of {revisions} of the file"))
        part = signature.pdf
        yield from page.field(
            _PLACE, place.format(field=part.field, revision=part.revision, revisions=part.revisions)
        )
    yield from _times(page, signature)
    yield from page.field(_TRUSTED, signature.trust_policy)
    yield from page.field(_QUALIFIED, signature.certificate_policy)
    algorithms = ", ".join(
        each for each in (signature.signature_algorithm, signature.digest_algorithm) if each
    )
    yield from page.field(_ALGORITHMS, algorithms)
    yield ""
    yield from page.checks(signature.checks)
    if signature.chain:
        yield ""
        yield "  " + words(N_("Certificates, the signer's first"))
        for certificate in signature.chain:
            yield from _certificate(page, certificate)


def _party(page: "_Page", party: Party) -> Iterator[str]:
    yield from page.field(_SIGNED_BY, party.name)
    yield from page.field(_NUMBER, " ".join(each for each in (party.number_kind, party.number) if each))
    yield from page.field(_ORGANISATION, party.organisation)


def _times(page: "_Page", signature: SignatureReport) -> Iterator[str]:
    words = page.words
    if signature.claimed_time is not None:
        yield from page.field(_CLAIMED, shown_time(signature.claimed_time))
    yield from page.field(_USED, f"{shown_time(signature.used_time)} ({words(BASES[signature.time_basis])})")
    for stamp in signature.timestamps:
        counts = "" if stamp.finding is None else words(N_("does not count"))
        told = ", ".join(each for each in (shown_time(stamp.time), stamp.authority, counts) if each)
        yield from page.field(_TIMESTAMP, told)


def _certificate(page: "_Page", certificate: CertificateSeen) -> Iterator[str]:
    words, revocation = page.words, certificate.revocation
    yield from _wrapped(f"- {certificate.subject}", "    ", "      ")
    validity = words(N_("in force {begin} to {end}")).format(
        begin=shown_time(certificate.not_before), end=shown_time(certificate.not_after)
    )
    status = words(STATUSES[revocation.status])
    if revocation.revoked_time is not None:
        status += f" {shown_time(revocation.revoked_time)}"
    if revocation.answer_time is not None:
        said = words(N_("by {source} of {time}"))
        status += ", " + said.format(source=revocation.source, time=shown_time(revocation.answer_time))
    yield from _wrapped(f"{validity}; {certificate.key}", "      ", "      ")
    yield from _wrapped(f"{status}", "      ", "      ")


class _Page:
    def __init__(self, words: Words) -> None:
        self.words = words
        self._name_width = max(len(words(name)) for name in _NAMES) + 1
        self._mark_width = max(len(words(mark)) for mark in RESULTS.values())

    def field(self, name: str, value: str) -> Iterator[str]:
        """Yields a named value; nothing for an empty one."""
        if value:
            head = f"  {self.words(name) + ':':<{self._name_width}} "
            yield from _wrapped(value, head, " " * len(head))

    def checks(self, checks: tuple[Check, ...]) -> Iterator[str]:
        """Yields a line for each check, and below it what was found."""
        for check in checks:
            mark = self.words(RESULTS[check.result])
            head = f"  {mark:<{self._mark_width}}  "
            yield from _wrapped(self.words(CHECKS[check.id]), head, " " * len(head))
            if found := self.words.check(check):
                yield from _wrapped(found, " " * (len(head) + 2), " " * (len(head) + 2))


def _wrapped(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
