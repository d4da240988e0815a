"""When a register is left alone, whatever happens in whatever order."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from server.gateways.state_registers.breaker import Breaker, Permit

LIMIT, REST = 3, 30.0


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def opened(hand: Hand) -> Breaker:
    breaker = Breaker(failures=LIMIT, rest_seconds=REST, monotonic=hand)
    for _ in range(LIMIT):
        breaker.failed(permit_of(breaker))
    return breaker


def permit_of(breaker: Breaker) -> Permit:
    permit = breaker.admit()
    assert isinstance(permit, Permit)
    return permit


def test_it_opens_after_so_many_failures_in_a_row_and_tells_how_long_to_wait() -> None:
    hand = Hand()
    breaker = opened(hand)

    assert breaker.is_open
    assert breaker.admit() == REST
    hand.seconds += 10
    assert breaker.admit() == REST - 10


def test_a_success_in_between_begins_the_count_anew() -> None:
    breaker = Breaker(failures=LIMIT, rest_seconds=REST, monotonic=Hand())
    for _ in range(10):
        for _ in range(LIMIT - 1):
            breaker.failed(permit_of(breaker))
        breaker.succeeded(permit_of(breaker))

    assert not breaker.is_open


def test_after_its_rest_one_may_ask_while_the_others_wait() -> None:
    hand = Hand()
    breaker = opened(hand)
    hand.seconds += REST

    assert isinstance(breaker.admit(), Permit)
    assert isinstance(breaker.admit(), float)


def test_the_probe_s_success_closes_it_and_its_failure_opens_it_again() -> None:
    hand = Hand()
    breaker = opened(hand)
    hand.seconds += REST
    breaker.failed(permit_of(breaker))
    assert breaker.admit() == REST

    hand.seconds += REST
    breaker.succeeded(permit_of(breaker))
    assert not breaker.is_open


def test_a_probe_that_was_given_up_makes_room_for_another() -> None:
    hand = Hand()
    breaker = opened(hand)
    hand.seconds += REST
    breaker.abandoned(permit_of(breaker))

    assert isinstance(breaker.admit(), Permit)


def test_what_was_asked_before_it_opened_says_nothing_any_more() -> None:
    hand = Hand()
    breaker = Breaker(failures=LIMIT, rest_seconds=REST, monotonic=hand)
    early = permit_of(breaker)
    for _ in range(LIMIT):
        breaker.failed(permit_of(breaker))
    breaker.succeeded(early)
    assert breaker.is_open

    hand.seconds += REST
    probe = permit_of(breaker)
    breaker.failed(early)
    breaker.abandoned(early)
    assert isinstance(breaker.admit(), float)
    breaker.succeeded(probe)
    assert not breaker.is_open


def test_a_register_that_asks_for_rest_gets_it_at_once() -> None:
    breaker = Breaker(failures=LIMIT, rest_seconds=REST, monotonic=Hand())

    breaker.failed(permit_of(breaker), rest_seconds=7.0)

    assert breaker.admit() == 7.0


class BreakerMachine(RuleBasedStateMachine):
    """Asks, succeeds, fails and lets time pass, in any order; keeps its own account."""

    permits = Bundle("permits")

    def __init__(self) -> None:
        super().__init__()
        self.hand = Hand()
        self.breaker = Breaker(failures=LIMIT, rest_seconds=REST, monotonic=self.hand)
        self.out: dict[int, list[Permit]] = {}
        self.closed_at = 0.0

    @rule(target=permits)
    def ask(self) -> Permit | float:
        was_open = self.breaker.is_open
        permit = self.breaker.admit()
        if isinstance(permit, Permit):
            probes = self.out.setdefault(permit.period, [])
            # While it is open, nobody but one.
            assert not (was_open and probes)
            assert not was_open or self.hand.seconds >= self.closed_at
            probes.append(permit)
        else:
            assert was_open
            # Sums and differences of seconds are rounded.
            assert 0 < permit <= REST + 1e-6
        return permit

    @rule(permit=consumes(permits))
    def succeed(self, permit: Permit | float) -> None:
        if isinstance(permit, Permit):
            self.breaker.succeeded(permit)
            self.out[permit.period].remove(permit)

    @rule(permit=consumes(permits))
    def fail(self, permit: Permit | float) -> None:
        if isinstance(permit, Permit):
            was_open = self.breaker.is_open
            self.breaker.failed(permit)
            self.out[permit.period].remove(permit)
            if self.breaker.is_open and not was_open:
                self.closed_at = self.hand.seconds + REST

    @rule(permit=consumes(permits))
    def give_up(self, permit: Permit | float) -> None:
        if isinstance(permit, Permit):
            self.breaker.abandoned(permit)
            self.out[permit.period].remove(permit)

    @rule(seconds=st.floats(0.1, 2 * REST))
    def wait(self, seconds: float) -> None:
        self.hand.seconds += seconds

    @invariant()
    def it_never_shuts_for_good(self) -> None:
        # Whatever happened, once nobody is out any more and the rest is over, somebody may ask.
        if not any(self.out.values()):
            now = self.hand.seconds
            self.hand.seconds += REST
            permit = self.breaker.admit()
            assert isinstance(permit, Permit)
            self.breaker.abandoned(permit)
            self.hand.seconds = now


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
