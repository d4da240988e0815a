"""Letters on paper, as clerks of the post hand them in (PaperService)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from namak.client.delivery import receipt_wait
from namak.client.letters import check_parts, new_request_id
from namak.client.link import Link
from namak.client.times import time_message
from namak.evidence.custody import CustodyAct, CustodyStep, chained
from namak.v1 import delivery_pb2, paper_pb2, paper_pb2_grpc

_ACTS: Final = {
    CustodyAct.RECEIVED: paper_pb2.CUSTODY_ACT_RECEIVED,
    CustodyAct.HANDED_ON: paper_pb2.CUSTODY_ACT_HANDED_ON,
    CustodyAct.OPENED: paper_pb2.CUSTODY_ACT_OPENED,
    CustodyAct.SCANNED: paper_pb2.CUSTODY_ACT_SCANNED,
    CustodyAct.STORED: paper_pb2.CUSTODY_ACT_STORED,
}


class Papers:
    """The calls of a clerk who scans letters."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def _stub(self) -> paper_pb2_grpc.PaperServiceStub:
        return paper_pb2_grpc.PaperServiceStub(self._link.channel())

    async def statement(self) -> paper_pb2.GetCopyStatementResponse:
        """Returns what a clerk states of scans for the operator, in all languages."""
        return await self._link.unary(self._stub().GetCopyStatement, paper_pb2.GetCopyStatementRequest())

    async def submit(
        self,
        *,
        recipient: str,
        subject: str,
        scans: Sequence[delivery_pb2.Part],
        custody: Sequence[CustodyStep],
        original: str,
        statement_version: str,
        statement_language: str = "",
        sender_name: str = "",
        sender_address: Sequence[str] = (),
        tracking_number: str = "",
        request_id: str | None = None,
        max_receipt_wait: timedelta | None = None,
    ) -> delivery_pb2.Accepted:
        """Delivers the scans of a letter to a mailbox; returns what was accepted, with its evidence.

        ``custody`` are the steps of the paper's way; without digests they get them here, as a chain over
        these scans. ``statement_version`` is the statement that the clerk makes, see :meth:`statement`.
        ``original`` says where the paper is kept. What the paper says of its sender is ``sender_name`` and
        ``sender_address``. A request id that is missing is made up and kept over all tries; who wants to
        repeat after an ``Unavailable`` supplies their own. Raises :class:`InvalidFields`, before anything is
        sent, for scans that no message can have.
        """
        check_parts(scans)
        digests = [scan.digest.value for scan in scans]
        steps = custody if any(step.digest for step in custody) else chained(custody, digests)
        request = paper_pb2.SubmitScannedLetterRequest(
            request_id=request_id or new_request_id(),
            recipient=recipient,
            subject=subject,
            scans=scans,
            custody=[_step(step) for step in steps],
            original=original,
            tracking_number=tracking_number,
            statement_version=statement_version,
            statement_language=statement_language,
            max_receipt_wait=receipt_wait(self._link, max_receipt_wait),
        )
        if sender_name or sender_address:
            request.paper_sender.name = sender_name
            request.paper_sender.address_lines.extend(sender_address)
        return (await self._link.unary(self._stub().SubmitScannedLetter, request)).accepted

    async def withdraw(
        self,
        delivery_id: str,
        *,
        request_id: str | None = None,
        max_receipt_wait: timedelta | None = None,
    ) -> paper_pb2.WithdrawScannedLetterResponse:
        """Withdraws a scanned letter that nobody has opened; repeated with its request id it returns the
        same evidence. Raises WrongState with MESSAGE_OPENED, DELIVERY_NOTIFIED or DELIVERY_WITHDRAWN.
        """
        request = paper_pb2.WithdrawScannedLetterRequest(
            request_id=request_id or new_request_id(),
            delivery_id=delivery_id,
            max_receipt_wait=receipt_wait(self._link, max_receipt_wait),
        )
        return await self._link.unary(self._stub().WithdrawScannedLetter, request)


def _step(step: CustodyStep) -> paper_pb2.CustodyStep:
    return paper_pb2.CustodyStep(
        act=_ACTS[step.act],
        time=time_message(step.time),
        place=step.place,
        person=step.person,
        digest=bytes.fromhex(step.digest),
    )
