"""The signatures and document timestamps of a PDF, each judged."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from namak.signatures.chain import Links
from namak.signatures.cms_reading import Cms, NotCms, read_cms
from namak.signatures.integrity import failed, judged, passed, unmade
from namak.signatures.judging import Subject, judge
from namak.signatures.pdf_reading import Pdf, PdfSignature
from namak.signatures.report import (
    Check,
    CheckId,
    Finding,
    Party,
    PdfPart,
    SignatureKind,
    SignatureReport,
    TimeBasis,
    Timestamp,
    concluded,
    verdict_of,
)
from namak.signatures.timestamps import check_timestamp
from namak.signatures.trust import Trust


def pdf_signatures(pdf: Pdf, trust: Trust, now: datetime) -> tuple[SignatureReport, ...]:
    """Returns the reports of all signatures, in the order of the revisions that they sign."""
    links = Links()
    stamps = {
        place: _timestamp(pdf, found, trust, now, links)
        for place, found in enumerate(pdf.signatures)
        if found.is_timestamp and found.problem is None
    }
    return tuple(
        _of_timestamp(pdf, found, place + 1, stamps.get(place), now)
        if found.is_timestamp
        else _of_signature(pdf, found, place + 1, _proofs(pdf, found, stamps), trust, now, links)
        for place, found in enumerate(pdf.signatures)
    )


def _timestamp(pdf: Pdf, found: PdfSignature, trust: Trust, now: datetime, links: Links) -> Timestamp | None:
    over = partial(pdf.digest, found)
    return check_timestamp(
        found.contents, over, trust, pdf.certificates, trust.revocation + pdf.revocation, now, links
    )


def _proofs(pdf: Pdf, signature: PdfSignature, stamps: dict[int, Timestamp | None]) -> tuple[Timestamp, ...]:
    """Returns the document timestamps over revisions from after the signature's: it existed by then."""
    return tuple(
        stamp
        for place, stamp in stamps.items()
        if stamp is not None
        and pdf.signatures[place].covers_revision
        and pdf.signatures[place].revision > signature.revision
    )


def _of_signature(
    pdf: Pdf,
    found: PdfSignature,
    number: int,
    proofs: Sequence[Timestamp],
    trust: Trust,
    now: datetime,
    links: Links,
) -> SignatureReport:
    part = _part(pdf, found)
    if found.problem is not None:
        return _unusable(number, SignatureKind.PDF, found.problem, part, now)
    try:
        cms = read_cms(found.contents, (*pdf.certificates, *trust.certificates))
    except NotCms:
        return _unusable(number, SignatureKind.PDF, Finding.MALFORMED, part, now)
    if len(cms.signers) != 1 or cms.content is not None:
        return _unusable(number, SignatureKind.PDF, Finding.MALFORMED, part, now)
    subject = Subject(
        number=number,
        kind=SignatureKind.PDF,
        cms=cms,
        signer=cms.signers[0],
        content=partial(pdf.digest, found),
        claimed_time=_claimed(cms, found),
        links=links,
        before=_document_checks(found),
        pdf=part,
        certificates=pdf.certificates,
        material=pdf.revocation,
        proofs=tuple(proofs),
    )
    return judge(subject, trust, now)


def _claimed(cms: Cms, found: PdfSignature) -> datetime | None:
    # The signature's own attribute first; PAdES has the dictionary's.
    return cms.signers[0].signing_time or found.time


def _part(pdf: Pdf, found: PdfSignature) -> PdfPart:
    return PdfPart(found.field_name, found.revision, pdf.revisions, found.covers_file, found.changes)


def _document_checks(found: PdfSignature) -> tuple[Check, ...]:
    if not found.covers_revision:
        return failed(CheckId.COVERAGE, Finding.COVERS_PART), unmade(CheckId.MODIFICATIONS)
    if found.covers_file:
        return passed(CheckId.COVERAGE), passed(CheckId.MODIFICATIONS, Finding.UNCHANGED)
    changed = (
        passed(CheckId.MODIFICATIONS, Finding.CHANGED_PERMITTED, changes=found.changes)
        if found.permitted
        else failed(CheckId.MODIFICATIONS, Finding.CHANGED_FORBIDDEN)
    )
    return passed(CheckId.COVERAGE), changed


def _unusable(
    number: int, kind: SignatureKind, finding: Finding, part: PdfPart | None, now: datetime
) -> SignatureReport:
    return _report(number, kind, (failed(CheckId.STRUCTURE, finding),), part, now)


def _of_timestamp(
    pdf: Pdf, found: PdfSignature, number: int, stamp: Timestamp | None, now: datetime
) -> SignatureReport:
    part, kind = _part(pdf, found), SignatureKind.DOCUMENT_TIMESTAMP
    if stamp is None:
        return _unusable(number, kind, found.problem or Finding.MALFORMED, part, now)
    facts = {"time": stamp.time.isoformat(), "authority": stamp.authority}
    checks = (*_document_checks(found), judged(CheckId.TIMESTAMP, stamp.finding, **facts))
    return _report(number, kind, checks, part, now, stamp)


def _report(
    number: int,
    kind: SignatureKind,
    checks: tuple[Check, ...],
    part: PdfPart | None,
    now: datetime,
    stamp: Timestamp | None = None,
) -> SignatureReport:
    sub_indication = concluded(checks)
    return SignatureReport(
        number=number,
        kind=kind,
        verdict=verdict_of(sub_indication),
        sub_indication=sub_indication,
        signer=None if stamp is None else Party(stamp.authority),
        claimed_time=None,
        used_time=now if stamp is None else stamp.time,
        time_basis=TimeBasis.VERIFICATION if stamp is None else TimeBasis.TIMESTAMP,
        timestamps=() if stamp is None else (stamp,),
        digest_algorithm="",
        signature_algorithm="",
        chain=() if stamp is None else stamp.chain,
        trust_policy="",
        certificate_policy="",
        pdf=part,
        checks=checks,
    )
