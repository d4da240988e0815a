"""The citizens' public key infrastructure: who a personal certificate belongs to, and who signed a statement.

The rules are those of `namak.evidence.signature`, which verifiers run again over the evidence.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from namak.evidence import failures
from namak.evidence.signature import (
    CertificateNaming,
    Person,
    check_confirmation_signature,
    check_personal_certificate,
)
from server.domain import refusals
from server.gateways.citizen_trust import CitizenTrust, Trust
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
    """Implements `Signatures` and `PersonalCertificates` over the operator's files.

    A check builds and validates a path in Python, which takes milliseconds: it runs in a thread, and what it
    said of a certificate is remembered until a file changes, a certificate or a list it relied on ends, or a
    minute passes.
    """

    def __init__(self, trust: CitizenTrust, naming: CertificateNaming, *, remembered: int = 10_000) -> None:
        self._trust = trust
        self._naming = naming
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
            answer = await asyncio.to_thread(self._answer, certificate, trust, at)
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
        that has none of the operator's.
        """
        trust = await self._trust.current()
        with _as_refusals():
            signer = await asyncio.to_thread(
                check_confirmation_signature,
                cms,
                statement,
                roots=trust.roots,
                crls=tuple(trust.lists.values()),
                at=at,
                naming=self._naming,
            )
        person = signer.person
        return VerifiedSigner(person.number, tuple(checked.crl for checked in person.lists))

    def _answer(self, certificate: bytes, trust: Trust, at: datetime) -> _Answer:
        until = at + _REMEMBERED
        try:
            person = check_personal_certificate(
                certificate,
                trust.intermediates,
                trust.roots,
                tuple(trust.lists.values()),
                at,
                self._naming,
            )
        except failures.CertificateRevoked:
            return _Answer(trust.generation, at, until, refusal=refusals.CertificateRevoked)
        except failures.RevocationStatusUnknown:
            soon = at + _UNKNOWN_REMEMBERED
            return _Answer(trust.generation, at, soon, refusal=refusals.RevocationStatusUnknown)
        except failures.CertificateError:
            return _Answer(trust.generation, at, until)
        return _Answer(trust.generation, at, min(until, _ends(person)), person.number)


def _ends(person: Person) -> datetime:
    """Returns when the first of the certificates and lists that vouch for the person ends."""
    certificates = [x509.load_der_x509_certificate(der).not_valid_after_utc for der in person.path]
    lists = [x509.load_der_x509_crl(checked.crl).next_update_utc for checked in person.lists]
    return min([*certificates, *(end for end in lists if end is not None)])


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
