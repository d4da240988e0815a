"""Wires the mails that carry receipts."""

import contextlib
import math
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

from server.bootstrap_forwarding import mail_names, mail_route
from server.bootstrap_jobs import Handlers
from server.config import Settings
from server.domain.jobs import MAIL_RECEIPT
from server.domain.profile import Profile
from server.gateways.receipt_mails import ReceiptMails
from server.storage.log_reader import PostgresLogReader
from server.transparency.news import News
from server.transparency.proofs import ProofFinder
from server.transparency.receipt_board import ReceiptBoard
from server.usecases.mail_ports import Receipts
from server.usecases.mailed_receipts import MailedReceipts
from server.usecases.ports import UnitOfWork
from server.usecases.records import LoggedReceipt

_POLL_SECONDS = 0.25
_CONNECTIONS = 1


def receipt_handlers(settings: Settings, profile: Profile, uow: UnitOfWork, log: Receipts | None) -> Handlers:
    """Returns who mails receipts; nobody where no mail server is set, or there is no log to have them from.

    Raises OSError, ValueError: a file of the settings can't be used.
    """
    if not settings.mail.host or log is None:
        return {}
    work = MailedReceipts(
        uow=uow,
        log=log,
        composer=ReceiptMails(mail_names(settings.mail, profile), profile.languages),
        route=mail_route(settings.mail),
    )
    return {MAIL_RECEIPT: work.send}


class _LogFromOutside:
    """The log of a process that is told of no publication."""

    def __init__(self, board: ReceiptBoard) -> None:
        self._board = board

    async def receipts(
        self, evidence: Mapping[UUID, bytes], *, wait_seconds: float
    ) -> Mapping[UUID, LoggedReceipt]:
        """See `Receipts`."""
        return await self._board.receipts(evidence, wait_seconds=wait_seconds, reply_by=math.inf, since=None)


@contextlib.asynccontextmanager
async def reading_the_log(url: str) -> AsyncIterator[Receipts]:
    """Yields receipts to a process that runs no log: it looks for them itself, a few times a second, and has
    no key to check the notes by, which the leader did before it published them.
    """
    reader = PostgresLogReader(url, connections=_CONNECTIONS)
    try:
        yield _LogFromOutside(ReceiptBoard(ProofFinder(reader, lambda _: None), News(), poll=_POLL_SECONDS))
    finally:
        await reader.close()
