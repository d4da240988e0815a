"""What the parts of one replica's log share: whether it leads, what happened, and how each part fares."""

from collections.abc import Sequence

from server.transparency.news import News
from server.transparency.steps import OnStep, Step
from server.transparency.troubles import Watchman


class Replica:
    """One replica, as its parts know it.

    Attributes:
        leading: whether it holds the leader's lock.
        recorded: tells of evidence that waits for the log.
        published: tells of checkpoints.
        signing, database, listening, guarding, shards, tailing, surveying: each looks after one part.
    """

    def __init__(self) -> None:
        self.leading = False
        self.recorded, self.published = News(), News()
        self.signing, self.database = Watchman("log"), Watchman("log leadership")
        self.listening, self.guarding = Watchman("log listener"), Watchman("log guard")
        self.shards, self.tailing = Watchman("log shards"), Watchman("log tail")
        self.surveying = Watchman("log shard list")

    @property
    def watchmen(self) -> Sequence[Watchman]:
        """All of them."""
        return (
            *(self.signing, self.database, self.listening, self.guarding, self.shards),
            *(self.tailing, self.surveying),
        )

    def wake_leader(self) -> bool:
        """Wakes the leader if it is in this process, and returns whether it is."""
        if self.leading:
            self.recorded.arrive()
        return self.leading

    def telling_of_publications(self, on_step: OnStep) -> OnStep:
        """Has those who wait in this process told of a publication without the way through the database."""

        async def stepped(step: Step) -> None:
            if step is Step.PUBLISHED:
                self.published.arrive()
            await on_step(step)

        return stepped
