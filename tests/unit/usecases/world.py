"""A small post in memory: an organisation with two addresses, another one, mailboxes, and a card."""

import asyncio
import hashlib
import ipaddress
import math
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from namak.evidence.mailbox_link import GENESIS
from server.domain.caller import Connection, Holder, IpAddress, Sender
from server.domain.deliveries import Delivery, Part, PartInfo, Submission
from server.domain.facts import Fact
from server.domain.ids import MonotonicIds
from server.domain.mailboxes import HolderKind, Mailbox, MailboxHead, MailboxState
from server.domain.profile import Profile
from server.domain.refusals import ServiceUnavailable, SignatureInvalid
from server.domain.senders import BindingRole, CertificateBinding, ContractState, Organisation, SenderAddress
from server.domain.sending_rights import Hosts
from server.jurisdictions.am import AM
from server.usecases.delivery import DeliveryDesk
from server.usecases.evidence import EvidenceDesk
from server.usecases.outage_ports import SubmissionGate
from server.usecases.ports import Transaction
from server.usecases.reading import IssueStatement, OpenMessage, Reading
from server.usecases.records import Claim, IssuedStatement, LoggedReceipt, PublishedCheckpoint, VerifiedSigner
from server.usecases.submission import Accepted, Outcome, SubmissionDesk, SubmitMany
from tests.fakes.state import State
from tests.fakes.unit_of_work import FakeTransaction, FakeUnitOfWork
from tests.fakes.witnessed_log import FakeTimestampedLog, FakeWitnessedLog

START = datetime(2026, 11, 21, 23, 42, 45, 123456, tzinfo=UTC)
ANI = "5001950015"
BOB = "5001950016"
ANI_ADDRESS = f"{ANI}@e-citizen.am"
ENTITY_ADDRESS = "22335588@e-citizen.am"
ORIGIN = "log.e-citizen.am/2026"


class FixedClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def move(self, by: timedelta) -> None:
        self.time += by


class CountedEntropy:
    """Makes identifiers in order and bytes that never repeat."""

    def __init__(self) -> None:
        self._count = 0
        self._ids = MonotonicIds(lambda: int(START.timestamp() * 1000), self.random)

    def new_id(self) -> UUID:
        return self._ids.new_id()

    def random(self, count: int) -> bytes:
        self._count += 1
        return hashlib.shake_128(self._count.to_bytes(8, "big")).digest(count)


class MemoryLog:
    """A log that has everything under a checkpoint which `published` permits, or is away."""

    def __init__(self) -> None:
        self.wakes = 0
        self.asked: list[tuple[frozenset[UUID], float]] = []
        self.since: list[int | None] = []
        self.withheld: set[UUID] = set()
        self.away = False
        self.hangs = False
        self.checkpoints: dict[str, PublishedCheckpoint] = {}

    def wake(self) -> None:
        self.wakes += 1

    def mark(self) -> int:
        return self.wakes

    async def receipts(
        self,
        evidence: Mapping[UUID, bytes],
        *,
        wait_seconds: float,
        reply_by: float = math.inf,
        since: int | None = None,
    ) -> Mapping[UUID, LoggedReceipt]:
        left = reply_by - asyncio.get_running_loop().time()
        self.asked.append((frozenset(evidence), max(0.0, min(wait_seconds, left))))
        self.since.append(since)
        if self.away:
            raise ServiceUnavailable("log")
        if self.hangs:
            await asyncio.sleep(left)
            raise ServiceUnavailable("log")
        return {
            one: LoggedReceipt(one, ORIGIN, 0, 1, data)
            for one, data in evidence.items()
            if one not in self.withheld
        }

    async def checkpoint(self, origin: str | None = None) -> PublishedCheckpoint | None:
        return self.checkpoints.get(origin or ORIGIN)

    def vkey_of(self, origin: str) -> str:
        return f"{ORIGIN}+00000000+AAAA" if origin == ORIGIN else ""


class GatedUnitOfWork(FakeUnitOfWork):
    """The fake, with gates that a test may put into its transactions, to have one wait or fail.

    Attributes:
        side_by_side: whether a transaction that waits at `after_locks` lets others begin meanwhile, as on
            PostgreSQL those do that need other locks; it begins anew once it goes on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.commits = 0
        self.side_by_side = False

    async def before_transaction(self, hurried: bool) -> None:
        """Runs before a writing transaction begins."""

    async def after_locks(self, claimed: set[str], hurried: bool) -> None:
        """Runs where a transaction would wait for a mailbox; gets the request ids that it claims."""

    async def before_judgement(self, claimed: set[str], hurried: bool) -> None:
        """Runs when the mailboxes are locked, and the register is not read yet."""

    async def before_commit(self, state: State) -> None:
        """Runs before a commit takes effect."""

    def writing(self, *, hurried: bool = False) -> AbstractAsyncContextManager[Transaction]:
        return self._gated(hurried)

    @asynccontextmanager
    async def _gated(self, hurried: bool) -> AsyncIterator[Transaction]:
        await self.before_transaction(hurried)
        async with super().writing(hurried=hurried) as tx:
            assert isinstance(tx, FakeTransaction)
            self._put_gates(tx, hurried)
            yield tx

    def _put_gates(self, tx: FakeTransaction, hurried: bool) -> None:
        commit, lock, claim_all = tx.commit, tx.mailboxes.lock, tx.claims.claim_all
        claimed: set[str] = set()

        async def gated_commit() -> None:
            await self.before_commit(tx._state)
            await commit()
            self.commits += 1

        async def gated_claims(
            claims: Mapping[tuple[UUID, str], Claim],
        ) -> Mapping[tuple[UUID, str], Claim]:
            claimed.update(request_id for _, request_id in claims)
            if self.side_by_side:
                self._writer.release()
            try:
                await self.after_locks(claimed, hurried)
            finally:
                if self.side_by_side:
                    await self._writer.acquire()
                    tx._state.__dict__.update(self.committed.copy().__dict__)
            return await claim_all(claims)

        async def gated_lock(addresses: Collection[str]) -> Mapping[str, tuple[Mailbox, MailboxHead]]:
            locked = await lock(addresses)
            await self.before_judgement(claimed, hurried)
            tx._state.sender_addresses = self.committed.sender_addresses
            return locked

        tx.commit = gated_commit  # type: ignore[method-assign]
        tx.claims.claim_all = gated_claims  # type: ignore[method-assign]
        tx.mailboxes.lock = gated_lock  # type: ignore[method-assign]


class NamedHosts:
    """Host names with their addresses, known once they were looked up; `failing` ones can't be."""

    def __init__(self, uow: GatedUnitOfWork) -> None:
        self._uow = uow
        self.addresses: dict[str, frozenset[IpAddress]] = {}
        self.failing: set[str] = set()
        self.looked_up: list[frozenset[str]] = []
        self._known: set[str] = set()

    def known(self, names: Collection[str], *, like: IpAddress) -> Hosts:
        return {name: self.addresses.get(name, frozenset()) for name in names if name in self._known}

    async def addresses_of(self, names: Collection[str], *, like: IpAddress) -> Hosts:
        assert self._uow.open_here == 0
        self.looked_up.append(frozenset(names))
        await asyncio.sleep(0)
        self._known |= set(names) - self.failing
        return self.known(names, like=like)


class Cards:
    """Signs as anybody, and verifies; it insists that no transaction is open meanwhile."""

    def __init__(self, uow: GatedUnitOfWork) -> None:
        self._uow = uow
        self.revocation_lists: tuple[bytes, ...] = (b"\x30\x00",)
        self.judged_at: list[datetime] = []

    def sign(self, person_number: str, statement: bytes, *, nonce: int = 0) -> bytes:
        return f"{person_number} {nonce} {hashlib.sha256(statement).hexdigest()}".encode()

    async def verify(self, cms: bytes, statement: bytes, at: datetime) -> VerifiedSigner:
        assert self._uow.open_here == 0
        self.judged_at.append(at)
        person_number, _, digest = cms.decode().split(" ")
        if digest != hashlib.sha256(statement).hexdigest():
            raise SignatureInvalid("it is not over the statement")
        return VerifiedSigner(person_number, self.revocation_lists)


@dataclass
class World:
    """The post, its people and its use cases."""

    uow: GatedUnitOfWork = field(default_factory=GatedUnitOfWork)
    clock: FixedClock = field(default_factory=FixedClock)
    entropy: CountedEntropy = field(default_factory=CountedEntropy)
    log: MemoryLog = field(default_factory=MemoryLog)

    def __post_init__(self) -> None:
        self.cards = Cards(self.uow)
        self.host_names = NamedHosts(self.uow)
        self.src = self._organisation("11223344", "State Revenue Committee")
        self.other = self._organisation("99887766", "Cadastre Committee")
        self.notices = self._address(self.src, "notices@src.am", "127.0.0.1/32")
        self.info = self._address(self.src, "info@src.am", "127.0.0.2/32")
        self.cadastre = self._address(self.other, "post@cadastre.am", "127.0.0.1/32")
        self.ani_box = self.mailbox(ANI_ADDRESS, HolderKind.PERSON)
        self.bob_box = self.mailbox(f"{BOB}@e-citizen.am", HolderKind.PERSON)
        self.entity_box = self.mailbox(ENTITY_ADDRESS, HolderKind.ENTITY)
        self.agency = self.sender(self.src)
        self.ani = self.holder(ANI)
        self.bob = self.holder(BOB)
        self.submissions = self.new_submissions()
        self.desk = DeliveryDesk(uow=self.uow)
        self.reading = Reading(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            signatures=self.cards,
            profile=AM,
        )
        self.witnessed = FakeWitnessedLog()
        self.timestamped = FakeTimestampedLog()
        self.evidence = EvidenceDesk(
            uow=self.uow,
            log=self.log,
            witnessed=self.witnessed,
            timestamped=self.timestamped,
            clock=self.clock,
        )

    def new_submissions(
        self,
        *,
        refusals_per_minute: int = 600,
        profile: Profile = AM,
        gate: SubmissionGate | None = None,
    ) -> SubmissionDesk:
        return SubmissionDesk(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            profile=profile,
            host_names=self.host_names,
            refusals_per_minute=refusals_per_minute,
            offers_sms=True,
            gate=gate,
        )

    def _organisation(self, code: str, name: str) -> Organisation:
        organisation = Organisation(self.entropy.new_id(), code, name, ContractState.IN_FORCE, START)
        self.uow.committed.organisations[organisation.id] = organisation
        return organisation

    def _address(self, organisation: Organisation, text: str, *networks: str) -> SenderAddress:
        address = SenderAddress(
            self.entropy.new_id(),
            organisation.id,
            text,
            tuple(ipaddress.ip_network(network) for network in networks),
            False,
            False,
            START,
        )
        self.uow.committed.sender_addresses[address.id] = address
        return address

    def mailbox(self, address: str, kind: HolderKind, state: MailboxState = MailboxState.OPEN) -> Mailbox:
        mailbox = Mailbox(self.entropy.new_id(), address, kind, address.partition("@")[0], state, START)
        self.uow.committed.mailboxes[mailbox.id] = mailbox
        self.uow.committed.heads[mailbox.id] = MailboxHead(0, GENESIS)
        return mailbox

    def named_host(self, address: SenderAddress, name: str, *at: str) -> SenderAddress:
        """Has an address used from a host name's addresses too."""
        named = replace(address, host_names=(name,))
        self.uow.committed.sender_addresses[address.id] = named
        self.host_names.addresses[name] = frozenset(ipaddress.ip_address(each) for each in at)
        return named

    def contract(self, organisation: Organisation, state: ContractState) -> None:
        self.uow.committed.organisations[organisation.id] = replace(organisation, contract_state=state)

    def suspend(self, address: SenderAddress, suspended: bool = True) -> None:
        self.uow.committed.sender_addresses[address.id] = replace(address, suspended=suspended)

    def fact(self, evidence_id: UUID) -> Fact:
        (found,) = [fact for fact in self.uow.committed.evidence.values() if fact.id == evidence_id]
        return found

    def delivery(self, delivery_id: UUID) -> Delivery:
        (found,) = [one for one in self.uow.committed.deliveries.values() if one.id == delivery_id]
        return found

    def statement(self, statement_id: UUID) -> IssuedStatement:
        (found,) = [one for one in self.uow.committed.statements.values() if one.id == statement_id]
        return found

    def sender(
        self, organisation: Organisation, address: SenderAddress | None = None, at: str = "127.0.0.1"
    ) -> Sender:
        digest, now = hashlib.sha256(organisation.id.bytes).digest(), self.clock.now()
        connection = Connection(digest, ipaddress.ip_address(at))
        bound = CertificateBinding(
            digest, BindingRole.SENDER, organisation.id, None, now + timedelta(days=365), now, None
        )
        self.uow.committed.bindings.setdefault(digest, bound)
        networks = (ipaddress.ip_network("127.0.0.0/8"),)
        return Sender(connection, organisation.id, address.id if address else None, networks)

    def holder(self, person_number: str) -> Holder:
        return Holder(Connection(bytes(32), ipaddress.ip_address("127.0.0.1")), person_number)

    async def submit(
        self,
        *submissions: Submission,
        caller: Sender | None = None,
        wait: float = 0,
        reply_by: float = math.inf,
    ) -> Sequence[Outcome]:
        return await self.submissions.submit_many(
            SubmitMany(caller or self.agency, submissions, wait, reply_by)
        )

    async def delivered(self, request_id: str = "1", recipient: str = ANI_ADDRESS) -> Delivery:
        (outcome,) = await self.submit(letter(request_id, recipient=recipient))
        assert isinstance(outcome, Accepted)
        return outcome.delivery

    async def opened(self) -> Delivery:
        delivery = await self.delivered()
        await self.reading.open_message(OpenMessage(self.ani, delivery.id))
        return delivery

    async def signed(self, delivery: Delivery, *, nonce: int = 0) -> tuple[UUID, bytes]:
        """Returns a fresh statement's identifier and Ani's signature over it."""
        statement = await self.reading.issue_statement(IssueStatement(self.ani, delivery.id))
        return statement.id, self.cards.sign(ANI, statement.text, nonce=nonce)


def letter(
    request_id: str = "1",
    *,
    sender: str = "notices@src.am",
    recipient: str = ANI_ADDRESS,
    subject: str = "Ծանուցում",
    contents: Sequence[bytes] = (b"first part", b"second part"),
) -> Submission:
    """Returns a submission."""
    parts = tuple(
        Part(PartInfo(f"{number}.txt", "text/plain", len(content), hashlib.sha256(content).digest()), content)
        for number, content in enumerate(contents, 1)
    )
    return Submission(request_id, sender, recipient, subject, parts)
