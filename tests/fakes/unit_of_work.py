"""A unit of work in memory that behaves like the one on PostgreSQL, as far as use cases can tell.

Each transaction works on a copy of what is committed. Writing ones run one after the other: whoever would
wait for a claim or a lock waits for the whole transaction instead. `FakeUnitOfWork.committed` is there for
tests to look at.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from enum import Enum, auto

from server.domain.refusals import ServiceUnavailable
from server.usecases.ports import Transaction
from tests.fakes.administration import FakeAdministrativeActs, FakeAdministrators
from tests.fakes.delegations import FakeDelegations, FakeSignatories
from tests.fakes.deliveries import FakeDeliveries
from tests.fakes.forwarding import FakeForwardedCopies, FakeForwardingTargets
from tests.fakes.jobs import FakeJobs
from tests.fakes.ladders import FakeLadders
from tests.fakes.letter_orders import FakeLetterOrders
from tests.fakes.log_shards import FakeLogShards
from tests.fakes.mail_origins import FakeMailOrigins
from tests.fakes.notices import FakeNoticeEntries, FakeNotices
from tests.fakes.nudges import FakeNudges
from tests.fakes.outages import FakeOutages
from tests.fakes.outstanding_sign_ins import FakeOutstandingSignIns
from tests.fakes.phone_confirmations import FakePhoneConfirmations
from tests.fakes.portals import FakePortals
from tests.fakes.print_houses import FakePrintHouses
from tests.fakes.register import FakeBindings, FakeOrganisations
from tests.fakes.registration import FakeApplications, FakeHolders, FakeUserAgreements
from tests.fakes.repositories import (
    FakeClaims,
    FakeEvidenceStore,
    FakeMailboxes,
    FakeRefusals,
    FakeSendingSides,
)
from tests.fakes.sender_sms import FakeSenderTexts
from tests.fakes.senders import FakeDomains, FakeSenderAddresses
from tests.fakes.sessions import FakeLogins, FakeOpenDeliveries, FakeSessions, FakeSignIns, FakeTries
from tests.fakes.sms import FakeSmsReports, FakeSmsSegments
from tests.fakes.state import State
from tests.fakes.usage import FakeUsage


class LostCommit(Enum):
    """What becomes of a commit whose answer never comes: both look the same to the caller."""

    APPLIED = auto()
    DROPPED = auto()


class FakeTransaction:
    """One transaction in memory."""

    def __init__(self, owner: "FakeUnitOfWork", *, writes: bool) -> None:
        self._owner = owner
        self._writes = writes
        self._state = owner.committed.copy()
        self._over = False
        self.claims = FakeClaims(self._state)
        self.refusals = FakeRefusals(self._state)
        self.organisations = FakeOrganisations(self._state)
        self.domains = FakeDomains(self._state)
        self.sender_addresses = FakeSenderAddresses(self._state)
        self.sending_sides = FakeSendingSides(self._state)
        self.bindings = FakeBindings(self._state)
        self.portals = FakePortals(self._state)
        self.administrators = FakeAdministrators(self._state)
        self.administrative_acts = FakeAdministrativeActs(self._state)
        self.mailboxes = FakeMailboxes(self._state)
        self.deliveries = FakeDeliveries(self._state)
        self.evidence = FakeEvidenceStore(self._state)
        self.usage = FakeUsage(self._state)
        self.sign_ins = FakeSignIns(self._state)
        self.sessions = FakeSessions(self._state)
        self.logins = FakeLogins(self._state)
        self.tries = FakeTries(self._state)
        self.open_deliveries = FakeOpenDeliveries(self._state)
        self.outstanding_sign_ins = FakeOutstandingSignIns(self._state)
        self.applications = FakeApplications(self._state)
        self.user_agreements = FakeUserAgreements(self._state)
        self.holders = FakeHolders(self._state)
        self.delegations = FakeDelegations(self._state)
        self.signatories = FakeSignatories(self._state)
        self.ladders = FakeLadders(self._state)
        self.phone_confirmations = FakePhoneConfirmations(self._state)
        self.jobs = FakeJobs(self._state)
        self.forwarding_targets = FakeForwardingTargets(self._state)
        self.forwarded_copies = FakeForwardedCopies(self._state)
        self.letter_orders = FakeLetterOrders(self._state)
        self.mail_origins = FakeMailOrigins(self._state)
        self.notices = FakeNotices(self._state)
        self.notice_entries = FakeNoticeEntries(self._state)
        self.sms_segments = FakeSmsSegments(self._state)
        self.sms_reports = FakeSmsReports(self._state)
        self.sender_texts = FakeSenderTexts(self._state)
        self.print_houses = FakePrintHouses(self._state)
        self.nudges = FakeNudges(self._state)
        self.outages = FakeOutages(self._state)
        self.log_shards = FakeLogShards(self._state)

    async def commit(self) -> None:
        """Commits, unless the test had the answer, or the commit, lost."""
        if not self._writes:
            raise RuntimeError("a reading transaction is never committed")
        if self._over or self._state.failed:
            raise RuntimeError("the transaction is over: it was committed, or a statement of it failed")
        self._over = True
        await asyncio.sleep(0)
        lost, self._owner.next_commit = self._owner.next_commit, None
        if lost is not LostCommit.DROPPED:
            self._owner.committed = self._state
        if lost is not None:
            raise ServiceUnavailable("database")


class FakeUnitOfWork:
    """Opens transactions in memory.

    Attributes:
        committed: what is committed.
        unavailable: set by a test to have no transaction open.
        next_commit: set by a test to have the next commit raise `ServiceUnavailable`, applied or not.
        open_transactions: how many are open; `open_here` tells how many of them the current task holds, so
            that a test can assert that none is while something slow happens.
    """

    def __init__(self) -> None:
        self.committed = State()
        self.unavailable = False
        self.next_commit: LostCommit | None = None
        self.open_transactions = 0
        self._holders: Counter[asyncio.Task[object] | None] = Counter()
        self._writer = asyncio.Lock()
        self._writing_task: asyncio.Task[object] | None = None

    @property
    def open_here(self) -> int:
        """How many transactions the current task has open; what others do at the same time is theirs."""
        return self._holders[asyncio.current_task()]

    def writing(self, *, hurried: bool = False) -> AbstractAsyncContextManager[Transaction]:
        """Opens a transaction that writes, after those before it; a hurried one waits as long as any."""
        return self._writing()

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """Opens a transaction that always rolls back."""
        return self._open(writes=False)

    @contextlib.asynccontextmanager
    async def _writing(self) -> AsyncIterator[Transaction]:
        if self._writing_task is not None and self._writing_task is asyncio.current_task():
            raise RuntimeError("a writing transaction inside another one waits for itself")
        async with self._writer:
            self._writing_task = asyncio.current_task()
            try:
                async with self._open(writes=True) as transaction:
                    yield transaction
            finally:
                self._writing_task = None

    @contextlib.asynccontextmanager
    async def _open(self, *, writes: bool) -> AsyncIterator[Transaction]:
        await asyncio.sleep(0)
        if self.unavailable:
            raise ServiceUnavailable("database")
        holder = asyncio.current_task()
        self.open_transactions += 1
        self._holders[holder] += 1
        try:
            yield FakeTransaction(self, writes=writes)
        finally:
            self.open_transactions -= 1
            self._holders[holder] -= 1
