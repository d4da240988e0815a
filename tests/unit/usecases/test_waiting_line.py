"""The line before the writers: bounded, fair, and never one request id in two groups at a time."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.domain.refusals import Overloaded
from server.usecases.waiting_line import LineLimits, Waiter, WaitingLine

LIMITS = LineLimits(items=40, size=4000, group_items=8, group_size=1000)
OWNERS = [UUID(int=number) for number in range(1, 5)]
FLOOD, NEIGHBOUR, THIRD = OWNERS[:3]


def waiter(owner_id: UUID, *request_ids: str, size: int = 10) -> Waiter:
    return Waiter(owner_id=owner_id, request_ids=frozenset(request_ids), size=size)


def filled(line: WaitingLine[Waiter], owner_id: UUID, count: int) -> list[Waiter]:
    waiters = [waiter(owner_id, f"{owner_id.int}-{number}") for number in range(count)]
    for each in waiters:
        line.put(each)
    return waiters


def test_takes_what_waits_in_the_order_of_coming() -> None:
    line = WaitingLine[Waiter](LIMITS)
    waiters = filled(line, FLOOD, 5)
    assert line.take(0) == waiters
    assert line.take(0) == []


def test_a_group_ends_at_its_limits() -> None:
    line = WaitingLine[Waiter](LIMITS)
    waiters = filled(line, FLOOD, 12)
    assert line.take(0) == waiters[:8]
    large = [waiter(NEIGHBOUR, f"large-{number}", size=400) for number in range(3)]
    for each in large:
        line.put(each)
    group = line.take(0)
    assert sum(each.size for each in group) <= 1000


def test_a_call_larger_than_a_group_is_a_group() -> None:
    line = WaitingLine[Waiter](LIMITS)
    small, large = waiter(FLOOD, "small"), waiter(FLOOD, *(str(number) for number in range(15)), size=1500)
    for each in (small, large):
        line.put(each)
    assert line.take(0) == [small]
    assert line.take(0) == [large]


def test_who_comes_after_a_flood_is_in_the_next_group() -> None:
    line = WaitingLine[Waiter](LIMITS)
    filled(line, FLOOD, 20)
    line.take(0)
    late = waiter(NEIGHBOUR, "late")
    line.put(late)
    assert late in line.take(0)


def test_turns_go_by_weight_not_by_calls() -> None:
    line = WaitingLine[Waiter](LIMITS)
    batches = [waiter(FLOOD, *(f"{batch}-{number}" for number in range(6))) for batch in range(3)]
    for each in batches:
        line.put(each)
    singles = filled(line, NEIGHBOUR, 6)
    taken = [each for _ in range(3) for each in line.take(0)]
    # While the flood got one batch of six, its neighbour got six.
    assert taken[: 1 + len(singles)] == [batches[0], *singles]


def test_who_was_away_has_saved_up_no_turns() -> None:
    line = WaitingLine[Waiter](LineLimits(items=1000, group_items=8))
    filled(line, FLOOD, 100)
    for _ in range(5):
        line.take(0)
    filled(line, NEIGHBOUR, 20)
    group = line.take(0)
    assert sum(each.owner_id == FLOOD for each in group) == 4


def test_one_organisation_alone_leaves_room_for_others() -> None:
    line = WaitingLine[Waiter](LIMITS)
    filled(line, FLOOD, 20)
    with pytest.raises(Overloaded):
        line.put(waiter(FLOOD, "one more"))
    filled(line, NEIGHBOUR, 10)
    with pytest.raises(Overloaded):
        line.put(waiter(NEIGHBOUR, "one more"))
    line.put(waiter(THIRD, "first"))
    assert line.items == 31


def test_what_is_being_written_takes_room_until_it_is_done() -> None:
    line = WaitingLine[Waiter](LIMITS)
    filled(line, FLOOD, 20)
    group = line.take(0)
    with pytest.raises(Overloaded):
        line.put(waiter(FLOOD, "one more"))
    for each in group:
        line.done(each)
    line.put(waiter(FLOOD, "one more"))


def test_bytes_are_bounded_too() -> None:
    line = WaitingLine[Waiter](LIMITS)
    line.put(waiter(FLOOD, "large", size=2000))
    with pytest.raises(Overloaded):
        line.put(waiter(FLOOD, "small", size=1))
    assert (line.items, line.size) == (1, 2000)


def test_an_overloaded_call_leaves_nothing_behind() -> None:
    line = WaitingLine[Waiter](LIMITS)
    with pytest.raises(Overloaded):
        line.put(waiter(FLOOD, *(str(number) for number in range(41))))
    assert (line.items, line.size, line.take(0)) == (0, 0, [])


def test_a_request_id_that_is_being_written_waits_and_lets_others_pass() -> None:
    line = WaitingLine[Waiter](LIMITS)
    first, again, other = waiter(FLOOD, "1"), waiter(FLOOD, "1"), waiter(FLOOD, "2")
    foreign = waiter(NEIGHBOUR, "1")
    for each in (first, again, other, foreign):
        line.put(each)
    assert line.take(0) == [first, foreign, other]
    assert line.take(0) == []
    line.done(other)
    assert line.take(0) == []
    line.done(first)
    assert line.take(0) == [again]


def test_who_stands_aside_may_leave() -> None:
    line = WaitingLine[Waiter](LIMITS)
    first, again = waiter(FLOOD, "1"), waiter(FLOOD, "1")
    for each in (first, again):
        line.put(each)
    assert line.take(0) == [first]
    assert line.take(0) == []
    assert line.leave(again)
    line.done(first)
    assert (line.take(0), line.items) == ([], 0)


def test_who_was_taken_does_not_leave() -> None:
    line = WaitingLine[Waiter](LIMITS)
    (first,) = filled(line, FLOOD, 1)
    assert line.take(0) == [first]
    assert not line.leave(first)
    assert line.items == 1


def test_who_is_kept_apart_is_in_groups_of_its_own_until_then() -> None:
    line = WaitingLine[Waiter](LIMITS)
    line.keep_apart(FLOOD, 10)
    floods, others = filled(line, FLOOD, 3), filled(line, NEIGHBOUR, 3)
    groups = [line.take(5), line.take(5)]
    assert sorted(map(_names, groups)) == sorted(map(_names, (floods, others)))
    for each in (*floods, *others):
        line.done(each)
    filled(line, FLOOD, 3)
    filled(line, NEIGHBOUR, 3)
    assert len(line.take(10)) == 6


def _names(group: Sequence[Waiter]) -> list[str]:
    return [name for each in group for name in each.request_ids]


@given(st.integers(min_value=1, max_value=20), st.integers(min_value=2, max_value=4))
def test_organisations_with_equal_calls_get_equal_shares(floods: int, count: int) -> None:
    line = WaitingLine[Waiter](LineLimits(items=1000, group_items=count))
    for _ in range(floods):
        for owner_id in OWNERS[:count]:
            line.put(waiter(owner_id, str(line.items)))
    while group := line.take(0):
        assert len({each.owner_id for each in group}) == count


class Lines(RuleBasedStateMachine):
    """Everything that can happen to a line, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.line = WaitingLine[Waiter](LIMITS)
        self.waiting: list[Waiter] = []
        self.taken: list[Waiter] = []
        self.now = 0.0

    @rule(
        owner_id=st.sampled_from(OWNERS),
        names=st.frozensets(st.sampled_from("abcdefgh"), min_size=1, max_size=5),
        size=st.integers(0, 900),
    )
    def put(self, owner_id: UUID, names: frozenset[str], size: int) -> None:
        each = waiter(owner_id, *names, size=size)
        before = (self.line.items, self.line.size)
        try:
            self.line.put(each)
        except Overloaded:
            own = [held for held in (*self.waiting, *self.taken) if held.owner_id == owner_id]
            items = len(names) + sum(len(held.request_ids) for held in own)
            sizes = size + sum(held.size for held in own)
            assert items > LIMITS.items - before[0] or sizes > LIMITS.size - before[1]
            assert (self.line.items, self.line.size) == before
        else:
            self.waiting.append(each)

    @rule()
    def take(self) -> None:
        group = self.line.take(self.now)
        busy = [(each.owner_id, name) for each in (*self.taken, *group) for name in each.request_ids]
        assert len(busy) == len(set(busy))
        if len(group) > 1:
            assert sum(len(each.request_ids) for each in group) <= LIMITS.group_items
            assert sum(each.size for each in group) <= LIMITS.group_size
        if not group:
            # Whoever still waits names something that is being written.
            taken = {(each.owner_id, name) for each in self.taken for name in each.request_ids}
            assert all(
                any((each.owner_id, name) in taken for name in each.request_ids) for each in self.waiting
            )
        for each in group:
            self.waiting.remove(each)
        self.taken += group

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        self.line.done(self.taken.pop(data.draw(st.integers(0, len(self.taken) - 1))))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        each = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        assert self.line.leave(each)
        assert not self.line.leave(each)

    @rule(owner_id=st.sampled_from(OWNERS), seconds=st.floats(0, 5))
    def keep_apart(self, owner_id: UUID, seconds: float) -> None:
        self.now += 1
        self.line.keep_apart(owner_id, self.now + seconds)

    @invariant()
    def accounts_for_what_is_held(self) -> None:
        held = (*self.waiting, *self.taken)
        assert self.line.items == sum(len(each.request_ids) for each in held)
        assert self.line.size == sum(each.size for each in held)
        assert self.line.waiting == sum(len(each.request_ids) for each in self.waiting)
        assert [each.waits for each in held] == [True] * len(self.waiting) + [False] * len(self.taken)

    def teardown(self) -> None:
        while self.waiting or self.taken:
            self.take()
            assert self.taken, "somebody is never taken"
            while self.taken:
                self.line.done(self.taken.pop())
        assert self.line.take(self.now) == []
        assert (self.line.items, self.line.size, self.line._lanes) == (0, 0, {})
        assert not self.line._aside
        assert not self.line._written


TestLines = Lines.TestCase
TestLines.settings = settings(stateful_step_count=60)
