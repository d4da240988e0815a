"""Asks OCSP responders, and keeps what they said as long as it is in force.

Equal questions at the same time are asked once. What failed is not asked again for some seconds, so that a
responder that hangs holds up nobody but those who met it first.
"""

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

from namak.evidence.certificate import is_ca
from server.gateways.certificate_status.fetching import Fetcher, Unfetched
from server.gateways.certificate_status.judging import Finding, Moment, not_of_the_time
from server.gateways.certificate_status.ocsp_answer import (
    ANSWER_BYTES,
    NONCE_OCTETS,
    Answer,
    AnswerRefused,
    RevocationOf,
    question,
    read_answer,
)
from server.gateways.certificate_status.settings import Revocation
from server.usecases.certificate_status import CheckKind, Origin, Outcome

_log = structlog.get_logger(__name__)

# Who asks for the time now passes a time that is a little in the past when the answer comes.
_Key = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is known of one certificate: the newest answer, and when to ask again (monotonic)."""

    answer: Answer | None
    due: float
    trouble: str | None


class Responders:
    """The authorities' responders, as the settings permit them to be asked."""

    def __init__(
        self,
        fetcher: Fetcher,
        settings: Revocation,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        remembered: int = 50_000,
    ) -> None:
        self._fetcher = fetcher
        self._settings = settings
        self._now = now
        self._monotonic = monotonic
        self._most = remembered
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._under_way: dict[_Key, asyncio.Task[_Kept]] = {}

    def address_for(self, certificate: x509.Certificate) -> str | None:
        """Returns whom to ask about the certificate; None where there is nobody who may be asked."""
        named = responders_of(certificate)
        if self._settings.responder is not None and not is_ca(certificate):
            named = [self._settings.responder]
        return next((url for url in named if self._fetcher.may_ask(url)), None)

    async def ask(
        self,
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        url: str,
        moment: Moment,
        is_good: RevocationOf,
    ) -> Finding:
        """Returns what the responder says, now or a while ago: revoked, not revoked, or why nobody can tell.

        `is_good` tells of a delegated responder's certificate whether it is known not to be revoked.
        """
        key = (_digest(issuer), certificate.serial_number)
        kept = self._kept.get(key)
        if kept is None or self._monotonic() >= kept.due:
            kept = await self._asked(key, certificate, issuer, url, is_good)
        return _finding(kept, certificate, moment)

    async def close(self) -> None:
        """Gives up what is being asked."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _asked(
        self,
        key: _Key,
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        url: str,
        is_good: RevocationOf,
    ) -> _Kept:
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(key, certificate, issuer, url, is_good))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        # Who is called off leaves the question to the others.
        return await asyncio.shield(task)

    async def _ask(
        self,
        key: _Key,
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        url: str,
        is_good: RevocationOf,
    ) -> _Kept:
        former = self._kept.get(key)
        answer = former.answer if former else None
        trouble: str | None = None
        wait = self._settings.retry
        try:
            fresh = await self._answer(certificate, issuer, url, is_good)
            if answer is None or fresh.issued >= answer.issued:
                answer = fresh
            wait = self._settings.refresh
        except (Unfetched, AnswerRefused) as why:
            trouble = str(why)
            _log.warning("no answer about a certificate's revocation", why=trouble)
        kept = _Kept(answer, self._monotonic() + wait.total_seconds(), trouble)
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return kept

    async def _answer(
        self, certificate: x509.Certificate, issuer: x509.Certificate, url: str, is_good: RevocationOf
    ) -> Answer:
        settings = self._settings
        nonce = secrets.token_bytes(NONCE_OCTETS) if settings.nonce else None
        asked = question(certificate, issuer, settings.digest, nonce)
        der = await self._fetcher.ask(url, asked, most_bytes=ANSWER_BYTES, limit=settings.timeout)
        # An answer to a question asked now must be of now, whatever time is judged by it then.
        now = self._now()
        return read_answer(
            der, certificate, issuer, Moment(now, now), settings.rules, nonce=nonce, is_good=is_good
        )


def judge_given(
    answers: Sequence[bytes],
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    moment: Moment,
    settings: Revocation,
    is_good: RevocationOf,
) -> Finding | None:
    """Returns what stapled answers say of the certificate; None when there are none.

    "Not revoked" is believed of one that counts; so is "revoked", whichever of them says so.
    """
    findings, refused = [], None
    for der in answers:
        try:
            answer = read_answer(der, certificate, issuer, moment, settings.rules, is_good=is_good)
        except AnswerRefused as why:
            refused = str(why)
            continue
        findings.append(_finding(_Kept(answer, 0.0, None), certificate, moment, Origin.GIVEN))
    for wanted in (Outcome.FAILED, Outcome.PASSED):
        for finding in findings:
            if finding.outcome is wanted:
                return finding
    return None if refused is None else Finding(CheckKind.OCSP, Outcome.UNKNOWN, refused)


def responders_of(certificate: x509.Certificate) -> list[str]:
    """Returns the responders that the certificate names (RFC 5280, 4.2.2.1)."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return []
    return [
        described.access_location.value
        for described in access
        if described.access_method == AuthorityInformationAccessOID.OCSP
        and isinstance(described.access_location, x509.UniformResourceIdentifier)
    ]


def _finding(
    kept: _Kept, certificate: x509.Certificate, moment: Moment, origin: Origin = Origin.FETCHED
) -> Finding:
    answer = kept.answer
    if answer is None:
        return Finding(CheckKind.OCSP, Outcome.UNKNOWN, kept.trouble or "there is no answer")
    why = not_of_the_time(answer.issued, answer.ends, certificate, moment)
    if why is not None:
        detail = kept.trouble or f"the answer tells nothing of the time: {why}"
        return Finding(CheckKind.OCSP, Outcome.UNKNOWN, detail)
    revoked = answer.since is not None and answer.since <= moment.at
    time_text = "%Y-%m-%dT%H:%M:%SZ"
    detail = (
        f"revoked since {answer.since.strftime(time_text)}"
        if revoked and answer.since is not None
        else f"not revoked, says the answer of {answer.issued.strftime(time_text)}"
    )
    return Finding(
        CheckKind.OCSP,
        Outcome.FAILED if revoked else Outcome.PASSED,
        detail,
        answer.since if revoked else None,
        answer.reason if revoked else None,
        answer.der,
        answer.issued,
        answer.ends,
        origin,
    )


def _digest(certificate: x509.Certificate) -> bytes:
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
