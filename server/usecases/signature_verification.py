"""Verifies signatures for anybody (SIGN-6): who is trusted, what is known of revocation, and the report."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from namak.signatures.report import (
    CertificateSeen,
    Check,
    CheckId,
    CheckResult,
    FileFormat,
    Finding,
    Report,
    RevocationStatus,
    concluded,
    verdict_of,
)
from namak.signatures.trust import RevocationMaterial, Trust
from server.domain.caller import Caller, owner_of_places
from server.domain.refusals import FieldProblem, InvalidFields
from server.usecases.ports import Clock


class SignatureVerifier(Protocol):
    """Verifies files, whatever they do to whoever reads them."""

    async def verify(
        self, document: bytes, signature: bytes | None, trust: Trust, at: datetime, *, owner: object
    ) -> Report | None:
        """Returns the report as of `at`; None where the file took too much. `owner` is whose places it takes
        (`owner_of_places`).

        Raises:
            Overloaded: too many others wait, or the owner has as many places as are left.
        """
        ...


class SignatureTrust(Protocol):
    """Whom signatures are trusted by, and what authorities say of revocation."""

    async def current(self) -> Trust:
        """Returns whom the jurisdiction trusts now, without answers about revocation."""
        ...

    async def answers(self, chain: Sequence[bytes], at: datetime) -> RevocationMaterial:
        """Returns what is known of a chain's revocation (DER, the signer's first) as of `at`.

        It may ask the authorities' servers. What can't be had is left out.
        """
        ...


@dataclass(frozen=True, slots=True)
class VerifySignature:
    """What is to be verified; `at` is the time to judge for, UTC, None for now."""

    by: Caller
    document: bytes = field(repr=False)
    signature: bytes | None = field(repr=False)
    at: datetime | None = None


class SignatureDesk:
    """Verifies signatures. Nothing of what comes in is kept."""

    def __init__(self, *, verifier: SignatureVerifier, trust: SignatureTrust, clock: Clock) -> None:
        self._verifier = verifier
        self._trust = trust
        self._clock = clock

    async def verify(self, asked: VerifySignature) -> Report:
        """Returns the report on a file.

        Raises:
            InvalidFields: the time is in the future.
            Overloaded: too many others wait, or the caller has as many places as are left.
        """
        now = self._clock.now()
        at = asked.at or now
        if at > now:
            problem = FieldProblem("judged_time", "TIME_IN_FUTURE", "must not be in the future")
            raise InvalidFields([problem])
        trust, owner = await self._trust.current(), owner_of_places(asked.by)
        report = await self._verifier.verify(asked.document, asked.signature, trust, at, owner=owner)
        # Only now it is known whose certificates they are, and so whom to ask.
        material = RevocationMaterial()
        for chain, used in _open_chains(report):
            material += await self._trust.answers(chain, used)
        if material != RevocationMaterial():
            known = replace(trust, revocation=material)
            report = await self._verifier.verify(asked.document, asked.signature, known, at, owner=owner)
        return report or _too_demanding(asked, at)


def _open_chains(report: Report | None) -> Sequence[tuple[tuple[bytes, ...], datetime]]:
    """Returns the trusted chains of which something is unknown, and the times that they are judged for."""
    if report is None:
        return ()
    asked: dict[tuple[tuple[bytes, ...], datetime], None] = {}
    for signature in report.signatures:
        # A timestamp that does not count yet may count then, and then its time is the one that matters.
        times = {signature.used_time, *(stamp.time for stamp in signature.timestamps)}
        for chain in (signature.chain, *(stamp.chain for stamp in signature.timestamps)):
            if _is_open(chain):
                ders = tuple(each.der for each in chain)
                asked.update({(ders, min(time, report.verified_time)): None for time in sorted(times)})
    return tuple(asked)


def _is_open(chain: Sequence[CertificateSeen]) -> bool:
    return (
        bool(chain)
        and chain[-1].trusted
        and any(each.revocation.status is RevocationStatus.UNKNOWN for each in chain)
    )


def _too_demanding(asked: VerifySignature, at: datetime) -> Report:
    checks = (Check(CheckId.FORMAT, CheckResult.FAILED, Finding.TOO_DEMANDING),)
    sub_indication = concluded(checks)
    return Report(
        format=FileFormat.UNKNOWN,
        verdict=verdict_of(sub_indication),
        sub_indication=sub_indication,
        verified_time=at,
        document_sha256=hashlib.sha256(asked.document).hexdigest(),
        document_bytes=len(asked.document),
        checks=checks,
        signatures=(),
    )
