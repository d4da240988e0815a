"""Writes the submissions of many calls together: one transaction for whatever waits when a writer is free.

Nobody is kept waiting to make a group larger, but what has already arrived is let in first: calls come
through the edge one after the other, and the first of many would be written alone. A call that comes alone is
written alone, at once; under load, groups grow by themselves, because more comes in while the writers write.
"""

import asyncio
import contextvars
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from server.domain.deliveries import Submission
from server.domain.letters import Submitter
from server.domain.refusals import (
    InternalFault,
    Refused,
    ServiceUnavailable,
    TooManyLetters,
    TooManyRefusals,
    TooManySms,
)
from server.usecases.asked import Asked
from server.usecases.failures import frames_of
from server.usecases.held_up import HeldUp
from server.usecases.intake import Intake, Outcome
from server.usecases.ports import Contended
from server.usecases.waiting_line import LineLimits, Waiter, WaitingLine

WRITERS = 2
"""Groups under way at once, at most."""
WORTH_ANOTHER = 64
"""So many submissions must wait for a further writer to begin. A transaction costs about as much as ten
messages in it: with fewer waiting, two writers only make the groups smaller.
"""
QUIET_ROUNDS = 12
"""After so many rounds of the event loop in which nothing joined the line, what had arrived is in it. When
nothing else is to be done, these take a fraction of a millisecond.
"""
MOST_ROUNDS = 100
"""So many rounds at most are waited for."""
LET_IN_SECONDS = 0.025
"""So long at most is waited for that: on a busy server rounds are long, and more has come in anyway."""
PATIENT = 4
"""Calls at once that wait for what somebody else has locked, each in a transaction of its own."""
PATIENT_OF_ONE = PATIENT - 1
"""How many of them may be one organisation's."""
_BYTES_BESIDES = 4096
"""What a submission takes up besides its parts' content, about."""
_APART_SECONDS = 60.0
"""How long an organisation over its limit of refusals is kept apart: the limit is one of a minute."""

_log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True, kw_only=True)
class _Call(Waiter):
    """A call on its way to its outcomes."""

    asked: Sequence[Asked]
    outcomes: asyncio.Future[list[Outcome]]
    one_by_one: bool = False
    """Whether each of its submissions is to be written by itself."""
    abandoned: bool = False
    """Whether nobody waits for it any more; its future is cancelled then."""

    def settle(self, outcomes: list[Outcome]) -> None:
        """Gives whoever waits the outcomes."""
        if not self.outcomes.done():
            self.outcomes.set_result(outcomes)

    def fail(self, failure: Exception) -> None:
        """Gives whoever waits a failure."""
        if not self.outcomes.done():
            self.outcomes.set_exception(failure)
            return
        _log.error(
            "a commit failed after its caller had left",
            error=type(failure).__name__,
            frames=frames_of(failure),
        )


class Coalescer:
    """The line before the intake, and the writers at its end.

    A commit belongs to nobody who waits for it: cancelling a call that a transaction has taken changes
    nothing. A call that is cancelled before, by its deadline or its client, leaves the line unrecorded. So
    does one that is held up and has not begun anew; except that of a batch, what could be decided without
    host names may have been committed with the group, and stays: repeating the batch tells it.
    """

    def __init__(
        self,
        intake: Intake,
        committed: Callable[[], None],
        *,
        writers: int = WRITERS,
        limits: LineLimits | None = None,
        let_in_seconds: float = LET_IN_SECONDS,
    ) -> None:
        """`committed` is called after each commit."""
        self._let_in_seconds = let_in_seconds
        self._intake = intake
        self._committed = committed
        self._line = WaitingLine[_Call](limits or LineLimits())
        self._held_up = HeldUp[_Call](PATIENT, PATIENT_OF_ONE)
        self._most_writers = writers
        self._writing = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def held(self) -> int:
        """How many submissions wait or are being written, for the metrics of operation."""
        return self._line.items

    @property
    def room(self) -> int:
        """How many may at most."""
        return self._line.limits.items

    async def submit(self, caller: Submitter, submissions: Sequence[Submission]) -> list[Outcome]:
        """Returns the outcomes of one call's submissions, whose request ids differ, in their order.

        Raises:
            Overloaded: too much waits; nothing was recorded.
            ServiceUnavailable: the outcome is unknown.
            Exception: what a single submission failed with; of several, each has its own InternalFault.
        """
        asked = self._intake.asked(caller, submissions)
        call = _Call(
            owner_id=caller.party_id,
            request_ids=frozenset(submission.request_id for submission in submissions),
            size=sum(_size(submission) for submission in submissions),
            asked=asked,
            outcomes=asyncio.get_running_loop().create_future(),
        )
        self._line.put(call)
        self._wake_writer()
        try:
            return await call.outcomes
        except asyncio.CancelledError:
            call.abandoned = True
            if self._held_up.leave(call):
                self._release(call)
            else:
                self._line.leave(call)
            raise

    async def drain(self) -> None:
        """Waits until nothing waits and no commit is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _wake_writer(self) -> None:
        if self._is_worth_another():
            self._writing += 1
            self._start(self._write_groups())

    def _is_worth_another(self) -> bool:
        """Tells whether one more writer has enough to do; the first one always has."""
        if self._writing == 0:
            return True
        return self._writing < self._most_writers and self._line.waiting >= WORTH_ANOTHER

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Starts a task that belongs to no call: not even what is known of one goes along."""
        task = asyncio.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write_groups(self) -> None:
        while True:
            await self._let_in()
            # Between here and the next await this writer is not counted: who comes meanwhile finds it either
            # gone, or busy with a group.
            self._writing -= 1
            group = self._line.take(asyncio.get_running_loop().time()) if self._is_worth_another() else []
            if not group:
                return
            self._writing += 1
            held_up = await self._write(group)
            for call in group:
                if call not in held_up:
                    self._line.done(call)
            self._hold_up(held_up)

    async def _let_in(self) -> None:
        """Lets those calls into the line that have arrived, and are still on their way through the edge."""
        waiting, quiet = self._line.waiting, 0
        clock = asyncio.get_running_loop()
        until = clock.time() + self._let_in_seconds
        for _ in range(MOST_ROUNDS):
            if quiet == QUIET_ROUNDS or waiting == 0 or waiting >= WORTH_ANOTHER or clock.time() >= until:
                return
            await asyncio.sleep(0)
            waiting, before = self._line.waiting, waiting
            quiet = quiet + 1 if waiting == before else 0

    async def _write(self, group: Sequence[_Call]) -> Collection[_Call]:
        """Writes a group in one transaction; returns those calls that need one of their own."""
        asked = [each for call in group for each in call.asked]
        try:
            outcomes = await self._intake.take_in(asked, hurried=True)
        except Contended:
            return await self._write_apart(group) if len(group) > 1 else group
        except ServiceUnavailable as unavailable:
            # Nobody's fault in the group: the outcome of all is unknown, and repeating tells it.
            _fail(group, unavailable)
            return ()
        except Exception as failure:  # noqa: BLE001 - a mistake of ours ends one group, never the writer
            if len(asked) == 1:
                _fail(group, failure)
                return ()
            _warn("a shared write failed; each submission is tried alone", failure)
            for call in group:
                call.one_by_one = True
            return group
        self._committed()
        return [call for call, own in _parts(group, outcomes) if not self._settle(call, own)]

    async def _write_apart(self, group: Sequence[_Call]) -> Collection[_Call]:
        """Writes a group's calls one after the other, as briefly; returns those that were held up again.

        So a mailbox that somebody has locked holds up its own letters only. Each such mailbox costs one short
        wait: what else goes there is not tried.
        """
        held_up: list[_Call] = []
        locked: set[str] = set()
        for call in group:
            recipients = {address for each in call.asked for address in each.mailboxes}
            if not recipients.isdisjoint(locked):
                held_up.append(call)
            elif await self._write([call]):
                held_up.append(call)
                locked |= recipients
        return held_up

    def _settle(self, call: _Call, outcomes: list[Outcome]) -> bool:
        """Gives a call its outcomes; returns False when it has to ask for host names first."""
        if any(
            isinstance(outcome, TooManyRefusals | TooManyLetters | TooManySms | ServiceUnavailable)
            for outcome in outcomes
        ):
            # Leaving those out cost the group a second transaction; this one's next are its own.
            self._line.keep_apart(call.owner_id, asyncio.get_running_loop().time() + _APART_SECONDS)
        if any(isinstance(outcome, ServiceUnavailable) for outcome in outcomes):
            return False
        call.settle(outcomes)
        return True

    def _hold_up(self, calls: Collection[_Call]) -> None:
        for call in calls:
            if call.abandoned:
                self._release(call)
            else:
                self._held_up.put(call)
        self._go_on()

    def _go_on(self) -> None:
        while (call := self._held_up.take()) is not None:
            self._start(self._write_held_up(call))

    async def _write_held_up(self, call: _Call) -> None:
        """Writes a call that was held up by itself, waiting for locks and look-ups."""
        try:
            await (self._write_items(call) if call.one_by_one else self._write_call(call))
        finally:
            self._held_up.done(call)
            self._release(call)
            self._go_on()

    def _release(self, call: _Call) -> None:
        self._line.done(call)
        # Others may have stood aside for this one.
        self._wake_writer()

    async def _write_call(self, call: _Call) -> None:
        try:
            outcomes = await self._intake.take_in(call.asked)
        except ServiceUnavailable as unavailable:
            _fail([call], unavailable)
        except Exception as failure:  # noqa: BLE001 - as above
            if len(call.asked) == 1:
                _fail([call], failure)
            else:
                _warn("a shared write failed; each submission is tried alone", failure)
                await self._write_items(call)
        else:
            self._committed()
            call.settle(outcomes)

    async def _write_items(self, call: _Call) -> None:
        outcomes: list[Outcome] = []
        for asked in call.asked:
            try:
                outcomes += await self._intake.take_in([asked])
                self._committed()
            except Exception as failure:  # noqa: BLE001 - whatever it is, it is this item's alone
                if len(call.asked) == 1:
                    _fail([call], failure)
                    return
                if not isinstance(failure, Refused):
                    # Not the request id: it is the sender's text, and may tell who the recipient is.
                    _warn("a submission failed", failure, organisation_id=str(call.owner_id))
                outcomes.append(failure if isinstance(failure, Refused) else InternalFault())
        call.settle(outcomes)


def _parts(group: Sequence[_Call], outcomes: Sequence[Outcome]) -> Iterator[tuple[_Call, list[Outcome]]]:
    """Yields each call with its part of the outcomes, which are in the order of the calls."""
    rest = iter(outcomes)
    return ((call, [next(rest) for _ in call.asked]) for call in group)


def _size(submission: Submission) -> int:
    return _BYTES_BESIDES + sum(part.info.size for part in submission.parts)


def _fail(group: Sequence[_Call], failure: Exception) -> None:
    for call in group:
        call.fail(failure)


def _warn(event: str, failure: Exception, **fields: str) -> None:
    _log.error(event, error=type(failure).__name__, frames=frames_of(failure), **fields)
