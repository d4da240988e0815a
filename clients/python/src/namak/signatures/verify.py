"""Verifies signatures: of a signed PDF, of a document with a detached CMS, or of a CMS with its content.

Nothing is fetched: everything that a verification goes by is given (:class:`~namak.signatures.trust.Trust`).
Files come from strangers. What they can take of memory and time is bounded as far as it can be from inside;
a server runs this in a process of its own all the same.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from namak.signatures.algorithms import digest
from namak.signatures.chain import Links
from namak.signatures.cms_reading import Cms, NotCms, read_cms
from namak.signatures.integrity import Digests, failed, passed
from namak.signatures.judging import Subject, judge
from namak.signatures.report import (
    Check,
    CheckId,
    FileFormat,
    Finding,
    Report,
    SignatureKind,
    SignatureReport,
    SubIndication,
    Verdict,
    concluded,
    verdict_of,
)
from namak.signatures.trust import Trust

PDF_MARK: Final = b"%PDF-"
_MARK_WITHIN: Final = 1024
_SEQUENCE: Final = 0x30


class Document(Protocol):
    """What was signed, or what holds its signatures: bytes, or a file that need not be read whole."""

    @property
    def size(self) -> int:
        """How many bytes it has."""
        ...

    def beginning(self, most: int) -> bytes:
        """Returns its first bytes."""
        ...

    def whole(self) -> bytes:
        """Returns all of it."""
        ...

    def digest(self, algorithm: str) -> bytes:
        """Returns its digest."""
        ...


@dataclass(frozen=True)
class BytesDocument:
    """A document in memory."""

    data: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.data)

    def beginning(self, most: int) -> bytes:
        """Returns its first bytes."""
        return self.data[:most]

    def whole(self) -> bytes:
        """Returns all of it."""
        return self.data

    def digest(self, algorithm: str) -> bytes:
        """Returns its digest."""
        return digest(algorithm, self.data)


@dataclass(frozen=True)
class FileDocument:
    """A file of any size: a detached signature over it is verified without holding it in memory."""

    path: Path

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.path.stat().st_size

    def beginning(self, most: int) -> bytes:
        """Returns its first bytes."""
        with self.path.open("rb") as file:
            return file.read(most)

    def whole(self) -> bytes:
        """Returns all of it."""
        return self.path.read_bytes()

    def digest(self, algorithm: str) -> bytes:
        """Returns its digest."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).digest()


def verify(document: Document, signature: bytes | None, trust: Trust, now: datetime) -> Report:
    """Verifies a document with its detached ``signature`` (CMS, DER), or one that holds its signatures.

    ``now`` is the time to judge at, UTC: certificates, answers and signatures from after it do not count.
    Never raises over what is in the files; OSError where they can't be read.
    """
    made = _Verification(document, trust, now)
    if signature is not None:
        return made.detached(signature)
    if not document.size:
        return made.hopeless(FileFormat.UNKNOWN, Finding.EMPTY)
    beginning = document.beginning(_MARK_WITHIN)
    if PDF_MARK in beginning:
        return made.pdf()
    if beginning[0] == _SEQUENCE:
        return made.attached()
    return made.hopeless(FileFormat.UNKNOWN, Finding.UNKNOWN_FORMAT)


@dataclass(frozen=True)
class _Verification:
    document: Document
    trust: Trust
    now: datetime

    def detached(self, signature: bytes) -> Report:
        """Verifies a detached CMS; one that has its content inside must have exactly this one."""
        if not signature:
            return self.hopeless(FileFormat.CMS_DETACHED, Finding.EMPTY)
        try:
            cms = read_cms(signature, self.trust.certificates)
        except NotCms:
            return self._broken(FileFormat.CMS_DETACHED)
        content: Digests = cache(self.document.digest)
        checks: tuple[Check, ...] = ()
        if cms.content is not None and digest("sha256", cms.content) != content("sha256"):
            checks = (failed(CheckId.DOCUMENT_DIGEST, Finding.EMBEDDED_CONTENT_DIFFERS),)
        return self._cms(FileFormat.CMS_DETACHED, cms, content, checks)

    def attached(self) -> Report:
        """Verifies a CMS over its own content."""
        from namak.signatures.cms_reading import MAX_CMS_BYTES

        if self.document.size > MAX_CMS_BYTES:
            return self.hopeless(FileFormat.CMS_ATTACHED, Finding.TOO_DEMANDING)
        try:
            cms = read_cms(self.document.whole(), self.trust.certificates)
        except NotCms:
            return self.hopeless(FileFormat.UNKNOWN, Finding.UNKNOWN_FORMAT)
        own = cms.content
        content: Digests | None = None if own is None else BytesDocument(own).digest
        return self._cms(FileFormat.CMS_ATTACHED, cms, content, ())

    def pdf(self) -> Report:
        """Verifies the signatures of a PDF."""
        from namak.signatures.pdf_judging import pdf_signatures
        from namak.signatures.pdf_reading import MAX_PDF_BYTES, PdfProblem, read_pdf

        if self.document.size > MAX_PDF_BYTES:
            return self.hopeless(FileFormat.PDF, Finding.TOO_DEMANDING)
        try:
            found = read_pdf(self.document.whole())
            signatures = pdf_signatures(found, self.trust, self.now)
        except PdfProblem as problem:
            return self.hopeless(FileFormat.PDF, problem.finding)
        return self._report(FileFormat.PDF, signatures)

    def hopeless(self, kind: FileFormat, finding: Finding) -> Report:
        """Returns the report of a file in which no signature could be looked at."""
        return self._report(kind, (), failed(CheckId.FORMAT, finding))

    def _broken(self, kind: FileFormat) -> Report:
        return self._report(kind, (), failed(CheckId.FORMAT, Finding.MALFORMED))

    def _cms(self, kind: FileFormat, cms: Cms, content: Digests | None, before: tuple[Check, ...]) -> Report:
        links = Links()
        signatures = [
            judge(
                Subject(
                    number,
                    SignatureKind.CMS,
                    cms,
                    signer,
                    content,
                    signer.signing_time,
                    links,
                    before=before,
                ),
                self.trust,
                self.now,
            )
            for number, signer in enumerate(cms.signers, 1)
        ]
        return self._report(kind, signatures)

    def _report(
        self, kind: FileFormat, signatures: Sequence[SignatureReport], problem: Check | None = None
    ) -> Report:
        counted = [each for each in signatures if each.kind is not SignatureKind.DOCUMENT_TIMESTAMP]
        if problem is None and not counted:
            problem = failed(CheckId.FORMAT, Finding.NO_SIGNATURE)
        checks = (problem or passed(CheckId.FORMAT),)
        sub_indication = concluded(checks) or _worst(counted)
        return Report(
            format=kind,
            verdict=verdict_of(sub_indication),
            sub_indication=sub_indication,
            verified_time=self.now,
            document_sha256=self.document.digest("sha256").hex(),
            document_bytes=self.document.size,
            checks=checks,
            signatures=tuple(signatures),
        )


def _worst(signatures: Sequence[SignatureReport]) -> SubIndication | None:
    for verdict in (Verdict.INVALID, Verdict.INDETERMINATE):
        found = next((each for each in signatures if each.verdict is verdict), None)
        if found is not None:
            return found.sub_indication
    return None


Verifier = Callable[[Document, bytes | None, Trust, datetime], Report]
"""What :func:`verify` is, for those who put something around it."""
