"""The citizens' public key infrastructure: who a personal certificate belongs to, and who signed a statement.

The rules are those of `namak.evidence.signature`, which verifiers run again over the evidence.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from namak.evidence import failures
from namak.evidence.signature import (
    CertificateNaming,
    CheckedList,
    Person,
    check_confirmation_signature,
)
from server.domain import refusals
from server.gateways.certificate_status.checker import CertificateChecker
from server.gateways.certificate_status.judging import check_strictly
from server.gateways.citizen_trust import CitizenTrust
from server.usecases.certificate_status import Purpose, StatusReport, Verdict
from server.usecases.records import VerifiedSigner

# How long an answer about one certificate may serve while the files stay as they are.
_REMEMBERED = timedelta(seconds=60)
# What can't be told now may be told soon: a list of the next minute comes into force by itself.
_UNKNOWN_REMEMBERED = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer about one certificate: its person, or none, or the refusal to raise; from when until when."""

    generation: int
    given_at: datetime
    until: datetime
    person_number: str | None = None
    refusal: type[refusals.Refused] | None = None


class CitizenPki:
    """Implements `Signatures` and `PersonalCertificates` over the operator's files, and whatever else the
    source of certificates' status goes by.

    A check builds and validates a path in Python, which takes milliseconds: it runs in a thread, and what it
    said of a certificate is remembered until a file changes, a certificate or a list it relied on ends, or a
    minute passes.
    """

    def __init__(
        self,
        trust: CitizenTrust,
        naming: CertificateNaming,
        *,
        status: CertificateChecker | None = None,
        remembered: int = 10_000,
    ) -> None:
        """`status` tells of revocation; without one, the revocation lists among the files do."""
        self._trust = trust
        self._naming = naming
        self._status = status or CertificateChecker(trust)
        self._most = remembered
        self._answers: OrderedDict[bytes, _Answer] = OrderedDict()

    async def person_of(self, certificate: bytes, at: datetime) -> str | None:
        """Returns the number of the person whose certificate (DER) this is; None when it is no person's.

        A certificate by any other authority is no person's, whatever it says. So is one that has expired on
        an open connection, or that is not for authentication.

        Raises:
            CertificateRevoked, RevocationStatusUnknown.
        """
        trust = await self._trust.current()
        digest = hashlib.sha256(certificate).digest()
        answer = self._answers.get(digest)
        if (
            answer is None
            or answer.generation != trust.generation
            or not answer.given_at <= at < answer.until
        ):
            answer = await self._answer(certificate, trust.generation, at)
            self._answers[digest] = answer
            self._answers.move_to_end(digest)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        if answer.refusal is not None:
            raise answer.refusal
        return answer.person_number

    async def verify(self, cms: bytes, statement: bytes, at: datetime) -> VerifiedSigner:
        """Checks a detached CMS over exactly the statement's bytes (`Signatures.verify`).

        The path is made of the certificates in the CMS alone: it becomes evidence, and whoever verifies
        that has none of the operator's. So do the revocation lists; a responder is asked besides them.
        """
        trust = await self._trust.current()
        with _as_refusals():
            signer = await asyncio.to_thread(
                check_confirmation_signature,
                cms,
                statement,
                roots=trust.roots,
                at=at,
                naming=self._naming,
                revocation=_later,
            )
            lists = await self._lists(signer.person, at)
        return VerifiedSigner(signer.person.number, tuple(checked.crl for checked in lists))

    async def _lists(self, person: Person, at: datetime) -> tuple[CheckedList, ...]:
        """Returns the lists for the evidence. Raises CertificateRevoked, RevocationStatusUnknown."""
        path = tuple(x509.load_der_x509_certificate(der) for der in person.path)
        held = await self._status.lists_about(path)
        lists = await asyncio.to_thread(check_strictly, held, path, at)
        report = await self._status.check(person.certificate, Purpose.SIGNATURE, at, others=person.path[1:])
        if report.verdict is Verdict.REVOKED:
            raise failures.CertificateRevoked("the certificate, or one above it, was revoked at the time")
        if report.verdict is Verdict.UNKNOWN and not report.accepted:
            raise failures.RevocationStatusUnknown("the certificate's status can't be told")
        return lists

    async def _answer(self, certificate: bytes, generation: int, at: datetime) -> _Answer:
        report = await self._status.check(certificate, Purpose.AUTHENTICATION, at)
        if self._status.generation != generation:
            # The files changed and are still being read: what was found is not to be remembered.
            generation = -1
        until = min(at + _REMEMBERED, report.good_until)
        number = self._number_in(report)
        if number is None:
            return _Answer(generation, at, at + _REMEMBERED)
        if report.verdict is Verdict.REVOKED:
            return _Answer(generation, at, until, refusal=refusals.CertificateRevoked)
        if not report.accepted:
            soon = at + _UNKNOWN_REMEMBERED
            return _Answer(generation, at, soon, refusal=refusals.RevocationStatusUnknown)
        return _Answer(generation, at, until, number)

    def _number_in(self, report: StatusReport) -> str | None:
        """Returns whom the certificate names, if it is a person's for authentication."""
        if report.verdict not in (Verdict.GOOD, Verdict.REVOKED, Verdict.UNKNOWN):
            return None
        try:
            return self._naming.number_of(x509.load_der_x509_certificate(report.path[0]).subject)
        except failures.CertificateUntrusted:
            return None


def _later(path: Sequence[x509.Certificate], at: datetime) -> tuple[CheckedList, ...]:
    """Leaves revocation to be asked about afterwards: that may mean waiting for servers."""
    del path, at
    return ()


@contextmanager
def _as_refusals() -> Iterator[None]:
    try:
        yield
    except failures.SignatureInvalid as error:
        raise refusals.SignatureInvalid(error.detail) from error
    except failures.CertificateExpired as error:
        raise refusals.SigningCertificateExpired from error
    except failures.CertificateRevoked as error:
        raise refusals.SigningCertificateRevoked from error
    except failures.CertificatePurpose as error:
        raise refusals.SigningCertificatePurpose from error
    except failures.RevocationStatusUnknown as error:
        raise refusals.RevocationStatusUnknown from error
    except failures.CertificateUntrusted as error:
        raise refusals.SigningCertificateUntrusted from error
