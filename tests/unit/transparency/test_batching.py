"""Trees grow with the queue, and shrink with a slow disk."""

from server.transparency.batching import BatchSize
from server.transparency.settings import Pace

PACE = Pace(batch=100, batch_most=500, silence=2.0)


def test_takes_more_while_the_queue_is_longer_and_no_more_than_may_be() -> None:
    size, taken = BatchSize(PACE), []
    for _ in range(5):
        taken.append(size.entries)
        size.learn(size.entries, 0.01)
    assert taken == [100, 200, 400, 500, 500]


def test_takes_less_again_when_the_queue_is_done() -> None:
    size = BatchSize(PACE)
    for _ in range(3):
        size.learn(size.entries, 0.01)
    taken = []
    for _ in range(4):
        size.learn(17, 0.01)
        taken.append(size.entries)
    assert taken == [250, 125, 100, 100]


def test_a_slow_database_is_never_given_more_than_it_bears() -> None:
    size = BatchSize(PACE)
    size.learn(100, 0.25)
    assert size.entries == 100
    size.learn(100, 0.24)
    assert size.entries == 200
    size.learn(200, 0.3)
    assert size.entries == 200
    size.learn(200, 0.5)
    assert size.entries == 100


def test_another_session_begins_small() -> None:
    size = BatchSize(PACE)
    size.learn(100, 0.01)
    size.begin()
    assert size.entries == 100
