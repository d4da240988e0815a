"""Evidence debt that is too old keeps new submissions out, and nothing else; begin and end are evidence."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from namak.evidence import events
from namak.evidence.outage import OutageBeganDetails, OutageDocument, OutageEndedDetails
from server.domain.caller import Operator
from server.domain.facts import Fact
from server.domain.outages import EvidenceDebt
from server.domain.reasons import Reason, Retry
from server.domain.refusals import Refused, ResourceNotPermitted, ServiceUnavailable
from server.jurisdictions.am import AM
from server.usecases.evidence import GetReceipt
from server.usecases.evidence_debt import DebtWatch, OutageGate
from server.usecases.ports import Clock
from server.usecases.reading import ConfirmReading, OpenMessage
from server.usecases.submission import Accepted
from tests.unit.usecases.world import ORIGIN, START, World, letter

LIMIT = timedelta(hours=4)
TICK = timedelta(microseconds=1)


class Debts:
    """The debt of one shard, as a test sets it."""

    def __init__(self) -> None:
        self.debt = EvidenceDebt(ORIGIN, 7, START)
        self.former = EvidenceDebt("log.e-citizen.am/2025", 900, None)
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self.unavailable = False

    async def debts(self) -> Sequence[EvidenceDebt]:
        if self.unavailable:
            raise ServiceUnavailable("log")
        seen = await self._seen()
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return seen

    async def _seen(self) -> Sequence[EvidenceDebt]:
        return [self.debt, self.former]

    def pay(self) -> None:
        self.debt = EvidenceDebt(ORIGIN, 12, None)


@dataclass
class Behind:
    """A clock that is behind another one."""

    clock: Clock
    by: timedelta

    def now(self) -> datetime:
        return self.clock.now() - self.by


class Watched:
    """A post whose debt is watched by two replicas."""

    def __init__(self, limit: timedelta | None = LIMIT) -> None:
        self.world = World()
        self.debts = Debts()
        self.gates = [OutageGate(self.world.uow, limit) for _ in range(2)]
        self.watches = [self._watch(gate, self.world.clock) for gate in self.gates]
        self.world.submissions = self.world.new_submissions(gate=self.gates[0])

    def _watch(self, gate: OutageGate, clock: Clock) -> DebtWatch:
        return DebtWatch(
            uow=self.world.uow,
            clock=clock,
            entropy=self.world.entropy,
            log=self.world.log,
            profile=AM,
            debts=self.debts,
            gate=gate,
        )

    def set_back(self, number: int, by: timedelta) -> None:
        """Has a replica's clock be behind."""
        self.watches[number] = self._watch(self.gates[number], Behind(self.world.clock, by))

    async def look(self) -> None:
        for watch in self.watches:
            await watch.look()

    async def begin(self) -> None:
        await self.look()
        self.world.clock.move(LIMIT + TICK)
        await self.look()

    @property
    def facts(self) -> list[Fact]:
        wanted = (events.OUTAGE_BEGAN, events.OUTAGE_ENDED)
        return [fact for fact in self.world.uow.committed.queue if fact.event in wanted]


@pytest.fixture
def post() -> Watched:
    return Watched()


async def test_debt_as_old_as_it_may_be_keeps_nothing_out(post: Watched) -> None:
    post.world.clock.move(LIMIT)
    await post.look()
    assert post.facts == []
    (outcome,) = await post.world.submit(letter())
    assert isinstance(outcome, Accepted)


async def test_older_debt_begins_one_outage_whatever_many_replicas_watch(post: Watched) -> None:
    await post.begin()
    await post.look()
    (fact,) = post.facts
    document = OutageDocument.parse(fact.data)
    assert document.event == events.OUTAGE_BEGAN
    assert document.event_time == START + LIMIT + TICK
    assert document.details == OutageBeganDetails(ORIGIN, 7, START, LIMIT)
    assert [gate.outage is not None for gate in post.gates] == [True, True]
    assert post.world.log.wakes > 0


async def test_an_outage_refuses_what_is_new_and_records_nothing_of_it(post: Watched) -> None:
    await post.begin()
    before = post.world.uow.committed.copy()
    (refused,) = await post.world.submit(letter())
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.EVIDENCE_DEBT_EXCEEDED
    assert refused.rule.retry is Retry.LATER
    assert refused.evidence_id is None
    assert post.world.uow.committed == before

    post.debts.pay()
    await post.look()
    (outcome,) = await post.world.submit(letter())
    assert isinstance(outcome, Accepted), "the request id was not used up"


async def test_an_outage_answers_what_was_accepted_before_and_lets_it_be_read_and_confirmed(
    post: Watched,
) -> None:
    (accepted,) = await post.world.submit(letter("r-1"))
    assert isinstance(accepted, Accepted)
    await post.begin()
    again, new = await post.world.submit(letter("r-1"), letter("r-2"))
    assert again == accepted
    assert isinstance(new, Refused)
    assert new.reason is Reason.EVIDENCE_DEBT_EXCEEDED

    await post.world.reading.open_message(OpenMessage(post.world.ani, accepted.delivery.id))
    statement_id, cms = await post.world.signed(accepted.delivery)
    confirm = ConfirmReading(post.world.ani, accepted.delivery.id, statement_id, cms)
    await post.world.reading.confirm_reading(confirm)
    assert post.world.delivery(accepted.delivery.id).notified_at is not None


async def test_an_outage_ends_once_when_the_debt_is_paid_and_its_end_names_its_begin(post: Watched) -> None:
    await post.begin()
    post.debts.pay()
    await post.look()
    await post.look()
    began, ended = post.facts
    document = OutageDocument.parse(ended.data)
    assert document.event == events.OUTAGE_ENDED
    assert document.details == OutageEndedDetails(ORIGIN, 12, began.entry.hex())
    assert [gate.outage for gate in post.gates] == [None, None]


async def test_younger_debt_ends_it_too(post: Watched) -> None:
    await post.begin()
    post.debts.debt = replace(post.debts.debt, witnessed_size=9, since=post.world.clock.now())
    await post.look()
    assert [fact.event for fact in post.facts] == [events.OUTAGE_BEGAN, events.OUTAGE_ENDED]


async def test_a_replica_whose_clock_is_behind_does_not_end_what_another_began(post: Watched) -> None:
    post.set_back(1, timedelta(seconds=30))
    await post.look()
    post.world.clock.move(LIMIT + TICK)
    for _ in range(3):
        await post.look()
    assert [fact.event for fact in post.facts] == [events.OUTAGE_BEGAN]
    post.debts.debt = replace(post.debts.debt, witnessed_size=9, since=START + timedelta(seconds=1))
    await post.look()
    assert [fact.event for fact in post.facts] == [events.OUTAGE_BEGAN, events.OUTAGE_ENDED]


async def test_debt_that_was_seen_before_an_outage_neither_ends_it_nor_begins_another_one(
    post: Watched,
) -> None:
    slow, other = post.watches

    async def begin() -> None:
        post.world.clock.move(TICK)
        await other.look()

    async def end() -> None:
        post.debts.pay()
        await other.look()

    await post.look()
    post.world.clock.move(LIMIT)
    post.debts.meanwhile = begin
    await slow.look()
    assert [fact.event for fact in post.facts] == [events.OUTAGE_BEGAN]
    post.debts.meanwhile = end
    await slow.look()
    await slow.look()
    assert [fact.event for fact in post.facts] == [events.OUTAGE_BEGAN, events.OUTAGE_ENDED]


async def test_a_replica_that_cannot_read_the_log_learns_of_an_outage_all_the_same(post: Watched) -> None:
    await post.watches[1].look()
    post.world.clock.move(LIMIT + TICK)
    await post.watches[1].look()
    post.debts.unavailable = True
    with pytest.raises(ServiceUnavailable):
        await post.watches[0].look()
    (refused,) = await post.world.submit(letter())
    assert isinstance(refused, Refused)


async def test_without_witnesses_no_outage_begins_and_one_that_began_ends() -> None:
    post = Watched(limit=None)
    await post.begin()
    assert post.facts == []
    other = Watched()
    await other.begin()
    other.gates[1].limit = None
    await other.watches[1].look()
    assert [fact.event for fact in other.facts] == [events.OUTAGE_BEGAN, events.OUTAGE_ENDED]


@pytest.mark.parametrize("strict", [0, 1])
async def test_replicas_with_different_limits_begin_and_end_an_outage_once(strict: int) -> None:
    post = Watched()
    post.gates[strict].limit = LIMIT / 4
    await post.look()
    post.world.clock.move(LIMIT / 2)
    for _ in range(3):
        await post.look()
    assert [fact.event for fact in post.facts] == [events.OUTAGE_BEGAN]

    # Some of it is paid, and the oldest of the rest is still too old for one of them.
    post.world.clock.move(LIMIT / 8)
    now = post.world.clock.now()
    post.debts.debt = replace(post.debts.debt, witnessed_size=9, since=now - LIMIT / 4 - TICK)
    for _ in range(3):
        await post.look()
    assert [fact.event for fact in post.facts] == [events.OUTAGE_BEGAN]

    post.debts.debt = replace(post.debts.debt, witnessed_size=10, since=now - LIMIT / 4 + TICK)
    for _ in range(3):
        await post.look()
    assert [fact.event for fact in post.facts] == [events.OUTAGE_BEGAN, events.OUTAGE_ENDED]


async def test_a_replica_without_witnesses_has_an_outage_end_and_begin_once_a_minute_at_most() -> None:
    post = Watched()
    await post.begin()
    post.gates[1].limit = None
    for _ in range(120):
        await post.look()
        post.world.clock.move(timedelta(seconds=1))
    await post.look()
    assert [fact.event for fact in post.facts] == [events.OUTAGE_BEGAN, events.OUTAGE_ENDED] * 2


async def test_what_was_seen_last_stands_while_the_database_does_not_answer(post: Watched) -> None:
    await post.begin()
    post.world.uow.unavailable = True
    with pytest.raises(ServiceUnavailable):
        await post.gates[0].look()
    assert post.gates[0].refusal() is not None


async def test_the_receipt_is_the_operators_alone(post: Watched) -> None:
    await post.begin()
    (fact,) = post.facts
    with pytest.raises(ResourceNotPermitted):
        await post.world.evidence.receipt(GetReceipt(post.world.ani, fact.id, 0))
    operator = Operator(post.world.ani.connection)
    receipt = await post.world.evidence.receipt(GetReceipt(operator, fact.id, 0))
    assert receipt is not None
    assert receipt.evidence_id == fact.id


async def test_a_server_that_has_just_started_asks_witnesses_about_old_debt_first(post: Watched) -> None:
    post.world.clock.move(timedelta(days=400))
    await post.look()
    post.world.clock.move(timedelta(minutes=1) - TICK)
    await post.look()
    assert post.facts == []
    post.world.clock.move(TICK)
    await post.look()
    assert [fact.event for fact in post.facts] == [events.OUTAGE_BEGAN]


async def test_the_end_speaks_of_the_shard_that_it_began_with(post: Watched) -> None:
    await post.begin()
    post.debts.debt = EvidenceDebt("log.e-citizen.am/2027", 1, None)
    post.debts.former = EvidenceDebt(ORIGIN, 8, None)
    await post.look()
    _, ended = post.facts
    details = OutageDocument.parse(ended.data).details
    assert (details.shard, details.witnessed_size) == (ORIGIN, 8)
