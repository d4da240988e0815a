"""What stands in the database, looked at for those who scrape: seldom, and once at a time."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

import structlog

from server.domain.refusals import Refused
from server.metrics import catalogue
from server.metrics.readings import Reading

_log = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 5.0
"""What was seen is good for so long."""
PAUSE_TIMES: Final = 10
"""And so many times as long as the look took: a database that is busy is looked at less."""
PATIENCE_SECONDS: Final = 2.0
"""So long a scrape waits for a look; then it shows what was seen before."""
LOOK_SECONDS: Final = 15.0
"""So long one question may take."""

Shown = Callable[[datetime], Iterable[Reading]]
"""Gives what was seen, as it is to be shown at some time: ages grow."""
Question = Callable[[], Awaitable[Shown]]
"""Asks the database. Raises `ServiceUnavailable`."""


class Looks:
    """Looks at the database when somebody scrapes, one question after the other.

    However many scrape, there is one look at a time. When a question fails, those after it are not asked, and
    what was seen before stays: `namak_database_up` says so, and `namak_database_look_age_seconds` how old
    it is.
    """

    def __init__(self, questions: Mapping[str, Question]) -> None:
        """Takes the questions, by names for the log."""
        self._questions = questions
        self._seen: dict[str, Shown] = {}
        self._seen_at: float | None = None
        self._next = 0.0
        self._up = False
        self._look: asyncio.Task[None] | None = None

    async def fresh(self) -> None:
        """Looks, unless it was looked a moment ago; takes bounded time and never fails."""
        if self._look is None and self._questions and _now() >= self._next:
            self._look = asyncio.create_task(self._looked(), name="look for metrics")
        if self._look is not None:
            # It goes on by itself, and the next scrape finds what it saw.
            await asyncio.wait([self._look], timeout=PATIENCE_SECONDS)

    def shown(self, now: datetime) -> Iterator[Reading]:
        """Gives what was seen; nothing where nothing is asked."""
        if not self._questions:
            return
        late = self._look is not None and not self._look.done()
        yield Reading(catalogue.DATABASE_UP, self._up and not late)
        if self._seen_at is not None:
            yield Reading(catalogue.LOOK_AGE, max(0.0, _now() - self._seen_at))
        for show in list(self._seen.values()):
            yield from show(now)

    async def close(self) -> None:
        """Ends a look under way."""
        if self._look is not None:
            self._look.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._look

    async def _looked(self) -> None:
        began, before = _now(), self._up
        try:
            for name, question in self._questions.items():
                async with asyncio.timeout(LOOK_SECONDS):
                    self._seen[name] = await question()
            self._up, self._seen_at = True, began
        except (Refused, TimeoutError) as failure:
            self._failed(before, type(failure).__name__)
        except Exception:  # noqa: BLE001 - a mistake of ours here must not end the other figures
            self._up = False
            _log.exception("what is measured in the database could not be seen")
        finally:
            self._next = _now() + max(PAUSE_SECONDS, PAUSE_TIMES * (_now() - began))
            self._look = None

    def _failed(self, before: bool, cause: str) -> None:
        self._up = False
        if before or self._seen_at is None:
            _log.warning("what is measured in the database can't be seen", cause=cause)


def _now() -> float:
    return asyncio.get_running_loop().time()
