"""The unit of work on PostgreSQL: one connection, one transaction, all repositories."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.administration import SqlAdministrativeActs, SqlAdministrators
from server.storage.applications import SqlApplications
from server.storage.bindings import SqlBindings
from server.storage.claims import SqlClaims, SqlRefusals
from server.storage.database import Database
from server.storage.delegations import SqlDelegations
from server.storage.deliveries import SqlDeliveries
from server.storage.domains import SqlDomains
from server.storage.evidence import SqlEvidenceStore
from server.storage.failures import answering
from server.storage.forwarding import SqlForwardedCopies, SqlForwardingTargets
from server.storage.holders import SqlHolders, SqlUserAgreements
from server.storage.jobs import SqlJobs
from server.storage.ladders import SqlLadders
from server.storage.letter_orders import SqlLetterOrders
from server.storage.log_shards import SqlLogShards
from server.storage.logins import SqlLogins, SqlTries
from server.storage.mail_origins import SqlMailOrigins
from server.storage.mailboxes import SqlMailboxes
from server.storage.notices import SqlNoticeEntries, SqlNotices
from server.storage.nudges import SqlNudges
from server.storage.open_deliveries import SqlOpenDeliveries
from server.storage.organisations import SqlOrganisations
from server.storage.outages import SqlOutages
from server.storage.outstanding_sign_ins import SqlOutstandingSignIns
from server.storage.phone_confirmations import SqlPhoneConfirmations
from server.storage.portals import SqlPortals
from server.storage.print_houses import SqlPrintHouses
from server.storage.sender_addresses import SqlSenderAddresses
from server.storage.sender_sms import SqlSenderTexts
from server.storage.sending import SqlSendingSides
from server.storage.sessions import SqlSessions, SqlSignIns
from server.storage.signatories import SqlSignatories
from server.storage.sms import SqlSmsReports, SqlSmsSegments
from server.storage.statements import Statements
from server.storage.usage import SqlUsage
from server.usecases.ports import Transaction


class SqlTransaction:
    """One transaction of PostgreSQL, READ COMMITTED."""

    def __init__(self, connection: AsyncConnection, *, writes: bool, hurried: bool) -> None:
        self._connection = connection
        self._writes = writes
        self._statements = Statements(connection, hurried=hurried)
        self._committed = False
        self.claims = SqlClaims(self._statements)
        self.refusals = SqlRefusals(self._statements)
        self.organisations = SqlOrganisations(self._statements)
        self.domains = SqlDomains(self._statements)
        self.sender_addresses = SqlSenderAddresses(self._statements)
        self.sending_sides = SqlSendingSides(self._statements)
        self.bindings = SqlBindings(self._statements)
        self.portals = SqlPortals(self._statements)
        self.administrators = SqlAdministrators(self._statements)
        self.administrative_acts = SqlAdministrativeActs(self._statements)
        self.mailboxes = SqlMailboxes(self._statements)
        self.deliveries = SqlDeliveries(self._statements)
        self.evidence = SqlEvidenceStore(self._statements)
        self.usage = SqlUsage(self._statements)
        self.sign_ins = SqlSignIns(self._statements)
        self.sessions = SqlSessions(self._statements)
        self.logins = SqlLogins(self._statements)
        self.tries = SqlTries(self._statements)
        self.open_deliveries = SqlOpenDeliveries(self._statements)
        self.outstanding_sign_ins = SqlOutstandingSignIns(self._statements)
        self.applications = SqlApplications(self._statements)
        self.user_agreements = SqlUserAgreements(self._statements)
        self.holders = SqlHolders(self._statements)
        self.delegations = SqlDelegations(self._statements)
        self.signatories = SqlSignatories(self._statements)
        self.ladders = SqlLadders(self._statements)
        self.phone_confirmations = SqlPhoneConfirmations(self._statements)
        self.jobs = SqlJobs(self._statements)
        self.forwarding_targets = SqlForwardingTargets(self._statements)
        self.forwarded_copies = SqlForwardedCopies(self._statements)
        self.letter_orders = SqlLetterOrders(self._statements)
        self.mail_origins = SqlMailOrigins(self._statements)
        self.notices = SqlNotices(self._statements)
        self.notice_entries = SqlNoticeEntries(self._statements)
        self.sms_segments = SqlSmsSegments(self._statements)
        self.sms_reports = SqlSmsReports(self._statements)
        self.sender_texts = SqlSenderTexts(self._statements)
        self.print_houses = SqlPrintHouses(self._statements)
        self.nudges = SqlNudges(self._statements)
        self.outages = SqlOutages(self._statements)
        self.log_shards = SqlLogShards(self._statements)

    @property
    def hangs(self) -> bool:
        """Whether the server left a statement of it unanswered."""
        return self._statements.hangs

    async def commit(self) -> None:
        """Commits, synchronously to disk. A cancelled caller learns of its cancellation once the commit is
        through.

        Raises:
            ServiceUnavailable: the outcome is unknown.
            What the rows raise that are added with it (`Statements.copy`).
            RuntimeError: the transaction only reads, was committed before, or a statement of it has failed.
        """
        if not self._writes:
            raise RuntimeError("a reading transaction is never committed")
        if self._committed or self._statements.failed:
            raise RuntimeError("the transaction is over: it was committed, or a statement of it failed")
        await self._statements.add_all()
        self._committed = True
        with answering():
            await _finish(self._connection.commit())


class SqlUnitOfWork:
    """Opens transactions on a database.

    No exception of the driver or the operating system leaves one: what means that the database does not
    answer is raised as `ServiceUnavailable`, at the statement or commit that met it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def writing(self, *, hurried: bool = False) -> AbstractAsyncContextManager[Transaction]:
        """Opens a transaction that writes; rolls back unless `commit` was awaited."""
        return self._transaction(writes=True, hurried=hurried)

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """Opens a transaction that always rolls back."""
        return self._transaction(writes=False)

    @contextlib.asynccontextmanager
    async def _transaction(self, *, writes: bool, hurried: bool = False) -> AsyncIterator[Transaction]:
        connection = await self._database.connect(hurried=hurried)
        transaction = SqlTransaction(connection, writes=writes, hurried=hurried)
        try:
            yield transaction
        finally:
            if transaction.hangs:
                await _finish(connection.invalidate())
            await _finish(_give_back(connection))


async def _give_back(connection: AsyncConnection) -> None:
    """Rolls back what is open and gives the connection to the pool.

    One that can't do that any more, because the server ended it or an interruption broke it, is thrown away:
    the server rolls back what it loses, and whatever was committed stays. So this is nobody's failure.
    """
    try:
        await connection.close()
    except Exception:  # noqa: BLE001 - SQLAlchemy's, the driver's or the system's: the connection is of no use
        with contextlib.suppress(Exception):
            await connection.invalidate()
        with contextlib.suppress(Exception):
            await connection.close()


async def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Runs work to its end even when the caller is cancelled meanwhile, and only then passes the cancellation
    on.

    A connection whose work is left half done is of no use to the next one; the database's own time-outs bound
    the wait.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        with contextlib.suppress(asyncio.CancelledError):
            task.exception()  # known here, told to nobody: the caller has left
        raise cancelled
    task.result()
