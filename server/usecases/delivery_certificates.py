"""Makes delivery certificates: what became of a delivery, for a court, with the receipts inside and the
post's seal.

Nothing is kept of them: each is made from what is recorded, as its caller may see it, and says when.
"""

import hashlib
import hmac
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from namak.delivery_certificate.account import (
    MOST_PROOF_BYTES,
    MOST_PROOFS,
    MOST_TIMESTAMPS,
    account_of,
    named,
)
from namak.delivery_certificate.statement import (
    WORDING,
    StatedProof,
    Statement,
    effect_of,
)
from namak.delivery_certificate.statement import Audience as MadeFor
from namak.delivery_certificate.words import WORDS
from namak.evidence.document import entry_of
from namak.evidence.events import Audience
from namak.evidence.timestamp_file import SUFFIX, timestamp_file
from namak.evidence.tlog_proof import SUFFIX as PROOF_SUFFIX
from server.domain.caller import Holder, Sender
from server.domain.facts import Fact
from server.domain.refusals import (
    CertificatesNotOffered,
    CertificateTooLarge,
    EvidenceCorrupt,
    Overloaded,
    ServiceUnavailable,
)
from server.usecases.certificate_ports import (
    Certificate,
    CertificateNotSet,
    CertificateSetter,
    Seal,
    SealUnavailable,
)
from server.usecases.evidence import Seen, seen_of
from server.usecases.log_ports import TimestampedLog, WitnessedLog
from server.usecases.ports import Clock, Log, UnitOfWork
from server.usecases.receipts import receipts_in_time, timestamped_in_time, witnessed_in_time
from server.usecases.records import LoggedReceipt

_log = structlog.get_logger(__name__)

LANGUAGES: Final = tuple(WORDS)
"""In which languages certificates are made."""

_STAMPED_SOON: Final = timedelta(minutes=10)
"""How long after its recording a fact may be stamped so that a certificate has its timestamped receipt rather
than the one that witnesses saw first.
"""

MOST_WAITING: Final = 32
"""So many certificates may be in the making at once; more are refused, not queued."""


@dataclass(frozen=True, slots=True)
class GetDeliveryCertificate:
    """`language` is one of `LANGUAGES`. `wait_seconds` is how long to wait for receipts at most, and
    `reply_by` when all must be done, on the event loop's clock.
    """

    caller: Sender | Holder
    delivery_id: UUID
    language: str
    wait_seconds: float
    reply_by: float = math.inf
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class MadeCertificate:
    """A certificate, and what it says of itself; `origin` and `tree_size` are of its newest checkpoint."""

    pdf: bytes
    delivery_id: UUID
    made_at: datetime
    language: str
    receipts: int
    origin: str
    tree_size: int

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the PDF."""
        return hashlib.sha256(self.pdf).digest()


@dataclass(frozen=True, slots=True)
class Office:
    """What makes certificates: who sets them and who seals them, and where the post tells how they are
    verified.
    """

    setter: CertificateSetter
    seal: Seal
    site: str = ""


class DeliveryCertificates:
    """Makes certificates for those whom a delivery concerns, of what each may see of it."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        log: Log,
        witnessed: WitnessedLog,
        timestamped: TimestampedLog,
        clock: Clock,
        office: Office | None,
    ) -> None:
        """Without an office none are made. `making` counts those that are being made."""
        self._uow = uow
        self._log = log
        self._witnessed = witnessed
        self._timestamped = timestamped
        self._clock = clock
        self._office = office
        self.making = 0

    async def make(self, command: GetDeliveryCertificate) -> MadeCertificate:
        """Makes a certificate.

        Raises:
            CertificatesNotOffered: the post has no seal.
            ResourceNotPermitted, SignatureRequired: as for the facts.
            CertificateTooLarge: there is more evidence than one holds.
            Overloaded: too many are being made.
            EvidenceCorrupt: the stored bytes are not those whose digest is in the log.
            ServiceUnavailable: a fact has no receipt in time, or the setter or the seal can't be reached.
        """
        if self._office is None:
            raise CertificatesNotOffered
        if self.making >= MOST_WAITING:
            raise Overloaded("office of certificates")
        self.making += 1
        try:
            return await self._made(command, self._office)
        finally:
            self.making -= 1

    async def _made(self, command: GetDeliveryCertificate, office: Office) -> MadeCertificate:
        async with self._uow.reading() as tx:
            seen = await seen_of(tx, command.caller, command.delivery_id, command.mailbox, self._clock.now())
        receipts = await self._receipts(seen.facts, command)
        proofs = named([each.tlog_proof for each in receipts])
        timestamps = _timestamps(proofs, receipts)
        if sum(map(len, (*proofs.values(), *timestamps.values()))) > MOST_PROOF_BYTES:
            raise CertificateTooLarge(MOST_PROOFS)
        account = account_of(proofs, timestamps)
        statement = Statement(
            language=command.language,
            wording=WORDING,
            made_time=self._clock.now(),
            audience=_made_for(seen),
            delivery_id=seen.delivery.id,
            subject=seen.delivery.subject,
            site=office.site,
            unprintable="",
            proofs=tuple(StatedProof(each.file, each.evidence.digest) for each in account.proofs),
            effect=effect_of(account),
        )
        try:
            certificate = Certificate(statement, proofs, timestamps)
            pdf = await office.seal.seal(await office.setter.render(certificate))
        except CertificateNotSet as problem:
            _log.error(
                "a certificate could not be set", delivery_id=str(seen.delivery.id), problem=str(problem)
            )
            raise ServiceUnavailable("setter of certificates") from problem
        except SealUnavailable as problem:
            _log.error("the seal can't be reached", problem=str(problem))
            raise ServiceUnavailable("seal") from problem
        newest = account.checkpoints[-1].checkpoint
        return MadeCertificate(
            pdf=pdf,
            delivery_id=seen.delivery.id,
            made_at=statement.made_time,
            language=statement.language,
            receipts=len(proofs),
            origin=newest.origin,
            tree_size=newest.size,
        )

    async def _receipts(
        self, facts: Sequence[Fact], command: GetDeliveryCertificate
    ) -> Sequence[LoggedReceipt]:
        """Returns the facts' receipts in the order of the facts: timestamped ones where there are some
        that came soon, else witnessed ones where there are some.
        """
        if len(facts) > MOST_PROOFS:
            raise CertificateTooLarge(MOST_PROOFS)
        for fact in facts:
            if not hmac.compare_digest(entry_of(fact.data), fact.entry):
                _log.critical("stored evidence is not what the log vouches for", evidence_id=str(fact.id))
                raise EvidenceCorrupt(fact.id)
        found: dict[UUID, LoggedReceipt] = {}
        for fact in facts:
            receipt = await self._vouched(fact, command.reply_by)
            if receipt is not None:
                found[fact.id] = receipt
        missing: Mapping[UUID, bytes] = {fact.id: fact.data for fact in facts if fact.id not in found}
        if missing:
            found |= await receipts_in_time(
                self._log, missing, wait_seconds=command.wait_seconds, reply_by=command.reply_by
            )
        if len(found) != len(facts):
            # A certificate that leaves out what has happened would mislead.
            raise ServiceUnavailable("log")
        return [found[fact.id] for fact in facts]

    async def _vouched(self, fact: Fact, reply_by: float) -> LoggedReceipt | None:
        """Returns a receipt that others than the log vouch for, if there is one already.

        Of a timestamped and a witnessed one it is the timestamped one, unless that came too late to bound
        the fact's time as well: a post may have come to authorities long after its witnesses.
        """
        stamped = seen = None
        if self._timestamped.active:
            stamped = await timestamped_in_time(
                self._timestamped, fact.id, fact.data, wait_seconds=0.0, reply_by=reply_by
            )
            if stamped is not None and _stamped_soon(stamped, fact):
                return stamped
        if self._witnessed.active:
            seen = await witnessed_in_time(
                self._witnessed, fact.id, fact.data, wait_seconds=0.0, reply_by=reply_by
            )
        return seen or stamped


def _stamped_soon(receipt: LoggedReceipt, fact: Fact) -> bool:
    first = min((each.gen_time for each in receipt.timestamps), default=None)
    return first is not None and first - fact.recorded_at <= _STAMPED_SOON


def _timestamps(proofs: Mapping[str, bytes], receipts: Sequence[LoggedReceipt]) -> Mapping[str, bytes]:
    """Returns the files of the receipts' timestamps, named after the proofs that they belong to."""
    given = {each.tlog_proof: each.timestamps[:MOST_TIMESTAMPS] for each in receipts}
    return {
        f"{name.removesuffix(PROOF_SUFFIX)}.{each.authority}{SUFFIX}": timestamp_file(each.token)
        for name, proof in proofs.items()
        for each in given[proof]
    }


def _made_for(seen: Seen) -> MadeFor:
    if Audience.SENDER in seen.audiences:
        return MadeFor.SENDER
    return MadeFor.HOLDER if Audience.HOLDER in seen.audiences else MadeFor.DELEGATE
