"""How many entries a tree adds: more while the queue is long and the database quick."""

from server.transparency.settings import Pace


class BatchSize:
    """The most entries that the next integration takes.

    A tree costs its signature and its commits however many leaves it adds. So as long as integrations come
    back full, the next one takes twice as many, up to `Pace.batch_most`; unless one takes an eighth of the
    silence after which the database ends the leader's session: on a slow disk a statement would run into
    that limit. A quarter, and the next one takes half as many.
    """

    def __init__(self, pace: Pace) -> None:
        """Begins as small as may be."""
        self._pace = pace
        self.entries = pace.batch

    def begin(self) -> None:
        """Begins anew: another session, which the last one may have been too large for."""
        self.entries = self._pace.batch

    def learn(self, taken: int, seconds: float) -> None:
        """Notes that an integration took so many entries and seconds."""
        if taken < self.entries or seconds >= self._pace.silence / 4:
            self.entries = max(self._pace.batch, self.entries // 2)
        elif seconds < self._pace.silence / 8:
            self.entries = min(self._pace.batch_most, self.entries * 2)
