"""The log's times and amounts, with what they are unless an operator says otherwise."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the log goes. Times are in seconds."""

    batch: int = 2000
    """Entries that one tree adds at most while the queue holds no more."""
    batch_most: int = 8000
    """And ever: when the queue is long, a tree adds more, as long as the database is quick (`BatchSize`)."""
    poll: float = 0.1
    """How often an idle leader looks into the queue, woken or not."""
    checkpoint_interval: float = 0.05
    """At most one checkpoint in this time, from one's beginning to the next one's; after a longer silence the
    next one comes at once.

    Whoever waits for receipts sends nothing meanwhile: 64 calls in flight are at most 64 messages an
    interval. The specification begins with 0.1, which would be 640 a second; a checkpoint costs too much to
    make it much shorter than this (docs/performance.md). Witnesses and timestamps want only the newest of
    each second.
    """
    notify_interval: float = 0.02
    """At most one signal of a replica in this time."""
    candidacy: float = 0.25
    """How often a candidate asks for the lock; up to a quarter more, at random, so that they spread."""
    silence: float = 2.0
    """After this long a silence the database takes the lock from a leader."""
    retry_first: float = 0.1
    """Pause after a first failure; it doubles with each further one."""
    retry_longest: float = 2.0
    """The longest such pause."""
    keyless_longest: float = 30.0
    """The longest pause of a replica that lacks the current shard's key, from `retry_longest` on: its
    settings have to change, and others must find the lock free meanwhile.
    """
    follow_interval: float = 1.0
    """A standing-by replica's guard follows the published checkpoints at most this often."""
    follow_poll: float = 10.0
    """And at least this often, should the signal be lost."""
    receipt_poll: float = 1.0
    """How often those who wait for receipts look by themselves, should the signal be lost."""

    def rest(self, took: float) -> float:
        """Returns how long to pause after a checkpoint that took so many seconds to make."""
        return max(0.0, self.checkpoint_interval - took)


DEFAULT_PACE = Pace()
