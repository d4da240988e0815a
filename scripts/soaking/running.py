"""A run: send while processes are killed, have everything done that waits, and account for it."""

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from scripts.soaking.killing import Killer
from scripts.soaking.mailing import MailBooks, MailSender
from scripts.soaking.reckoning import Reckoning, ask_holders, compare, read_books
from scripts.soaking.settling import LADDER, SENDERS
from scripts.soaking.yard import Yard, running
from server.dev.world import World
from server.storage.log_connection import driver_url
from tests.faults.account import Account
from tests.faults.agency import AT_ONCE, Agency
from tests.faults.told import Told

_SYSTEMS = 3
"""Systems of each agency, over gRPC."""
_MAIL_CLIENTS = 2
"""Mail clients of each agency."""
_BY_MAIL = 0.3
_PIECE = 100
_POLL = 0.5
_DRAINING_SECONDS = 900.0

# Whoever put something off is asked again at once: a run can't wait for hours. Reports wait for their turn,
# for they are about what other jobs record.
_HASTEN = """
UPDATE jobs.procrastinate_jobs SET scheduled_at = now()
WHERE status = 'todo' AND scheduled_at > now()
  AND (task_name <> 'sms.report' OR NOT EXISTS (
      SELECT 1 FROM jobs.procrastinate_jobs WHERE task_name <> 'sms.report' AND status IN ('todo', 'doing')))
"""
_UNPUBLISHED = """
SELECT count(*) FROM deliveries d WHERE notification_policy = $1 AND NOT EXISTS (
    SELECT 1 FROM evidence e WHERE e.delivery_id = d.id AND e.event LIKE '%/NoticePublished')
"""
_UNNOTIFIED = "SELECT count(*) FROM deliveries WHERE notification_policy = $1 AND state = 'CONSIGNED'"
_STAGES = ((12, _UNPUBLISHED), (21, _UNNOTIFIED))
"""To how many days the clock is put forward, and what there must be none of before it goes on: the letter is
due after three whole days (this post has none, so the step fails), the notice seven later, and the effect
seven after it.
"""
_LEFT = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE status IN ('todo', 'doing')"


@dataclass(frozen=True)
class Order:
    """What to do, in which world, over which database; `guard` is the log's.

    Attributes:
        messages: how many are sent at least.
        kill_every: messages and copies between kills, on average; 0 kills nobody.
        each: how many processes of each kind.
        silent: seconds after which a killed worker's jobs are taken over.
    """

    world: World
    url: str
    guard: Path
    messages: int
    seed: int
    kill_every: float
    silent: float
    each: int = 2


@dataclass
class Soak:
    """One run, and the senders' books."""

    order: Order
    say: Callable[[str], None]
    told: Told = field(default_factory=Told)
    mails: MailBooks = field(default_factory=MailBooks)
    seconds: dict[str, float] = field(default_factory=dict)
    yard: Yard = field(init=False)
    """The post that was; stopped once the run is over."""
    account: Account = field(init=False)
    """What its tables held at the end."""

    async def run(self) -> Reckoning:
        """Does it all; returns the account."""
        try:
            return await self._run()
        finally:
            self.mails.over.set()

    async def _run(self) -> Reckoning:
        order = self.order
        self.say("starting the post …")
        async with self._yard() as yard:
            killer = Killer(
                yard.programs,
                order.kill_every,
                random.Random(f"{order.seed} kills"),  # noqa: S311 - no secret
                lambda: self._done(yard),
                lambda: self._note_guard(yard),
            )
            async with self._timed("sending"), self._killing(killer):
                await self._send(yard)
                # What waits is worked off under kills too, but for the last of it.
                await self._worked_off(yard, left=order.messages // 20)
            self.say(f"{killer.kills} processes were killed; having done what waits …")
            async with self._timed("draining"):
                await self._worked_off(yard)
            async with self._timed("repeating"):
                await self._repeat(yard)
                await self._worked_off(yard)
            async with self._timed("ladder"), self._killing(killer):
                await self._climb(yard)
            await self._worked_off(yard)
            for reached in yard.doors[SENDERS[0]]:
                self.told.checkpoints.add((await reached.client.evidence.checkpoint()).checkpoint)
            async with self._timed("accounting"):
                self.say("accounting for everything …")
                self.yard, self.account = yard, await read_books(yard)
                result = compare(yard, self.account, self.told, self.mails, yard.guard.read_bytes())
                await ask_holders(result, yard, self.account)
            result.figures |= {
                "seed": order.seed,
                "kills": {each.name: each.kills for each in yard.programs},
                "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
            }
            return result

    def _yard(self) -> contextlib.AbstractAsyncContextManager[Yard]:
        order = self.order
        return running(order.world, order.url, order.guard, order.seed, silent=order.silent, each=order.each)

    def _done(self, yard: Yard) -> int:
        """Returns how many messages were answered, and copies taken."""
        return (
            len(self.told.answers)
            + sum(map(len, list(self.mails.answered.values())))
            + yard.home.taken.total()
            + len(yard.phones.centre.taken)
            + len(yard.gazette.asked)
        )

    @contextlib.asynccontextmanager
    async def _timed(self, name: str) -> AsyncIterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began

    @contextlib.asynccontextmanager
    async def _killing(self, killer: Killer) -> AsyncIterator[None]:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            if self.order.kill_every:
                group.create_task(killer.until(stop))
            yield
            stop.set()

    def _note_guard(self, yard: Yard) -> None:
        # It was signed, so it must be in the log's story in the end.
        with contextlib.suppress(FileNotFoundError):
            self.told.checkpoints.add(yard.guard.read_bytes())

    async def _send(self, yard: Yard) -> None:
        self.say(f"sending {self.order.messages:,} messages …")
        by_mail = round(self.order.messages * _BY_MAIL)
        boxes = [box.address for box in yard.boxes]
        ports, trusted = [each.port for each in yard.of("smtp")], _trusted(yard)
        async with asyncio.TaskGroup() as group:
            for at, sender in enumerate(SENDERS):
                for number in range(_SYSTEMS):
                    name = f"{self.order.seed}-{at}-{number}"
                    own = boxes[at * _SYSTEMS + number :: 2 * _SYSTEMS]
                    agency = Agency(name, yard.doors[sender], self.told, own, sender)
                    group.create_task(self._by_grpc(agency, self.order.messages - by_mail))
                if not at:
                    name = f"{self.order.seed}-ladder"
                    agency = Agency(name, yard.doors[sender], self.told, boxes[:2], sender, LADDER)
                    group.create_task(self._by_grpc(agency, self.order.messages - by_mail))
                for number in range(_MAIL_CLIENTS):
                    client = MailSender(f"{self.order.seed}-{number}", sender, ports, trusted, self.mails)
                    group.create_task(asyncio.to_thread(client.send_until, by_mail, boxes))

    async def _by_grpc(self, agency: Agency, enough: int) -> None:
        while len(self.told.submissions) < enough:
            await agency.send_something()

    async def _climb(self, yard: Yard) -> None:
        """Puts the clock forward until notices were published of all messages that have the ladder's policy,
        and until their recipients count as notified.
        """
        self.say("putting the clock forward, to the notices and their effects …")
        connection = await asyncpg.connect(driver_url(yard.url))
        try:
            for days, waiting in _STAGES:
                yard.clock.write_text(f"{days * 86400}\n", encoding="ascii")
                async with asyncio.timeout(_DRAINING_SECONDS):
                    while await connection.fetchval(waiting, LADDER):
                        await connection.execute(_HASTEN)
                        await asyncio.sleep(_POLL)
        except TimeoutError:
            pass  # the account tells
        finally:
            await connection.close()

    async def _repeat(self, yard: Yard) -> None:
        """Asks everything over gRPC again, and some mails: the answers must be the same."""
        self.say("repeating every request …")
        for sender, doors in yard.doors.items():
            again = Agency(f"again-{sender}", doors, self.told)
            mine = [each for each in self.told.submissions.values() if each.sender == sender]
            for begin in range(0, len(mine), _PIECE):
                await again.send(mine[begin : begin + _PIECE], wait=AT_ONCE)
        ports, trusted = [each.port for each in yard.of("smtp")], _trusted(yard)
        for sender in SENDERS:
            client = MailSender("again", sender, ports, trusted, self.mails)
            names = [name for name in self.mails.sent if name.endswith(f"{sender.partition('@')[2]}>")]
            for name in names[:: max(1, len(names) // _PIECE)]:
                await asyncio.to_thread(client.send, name)
            client.hang_up()

    async def _worked_off(self, yard: Yard, *, left: int = 0) -> None:
        """Waits until no more jobs than these wait, and without any until all that was recorded is published;
        for a quarter of an hour at most: the account then tells what is wrong.
        """
        connection = await asyncpg.connect(driver_url(yard.url))
        try:
            async with (
                asyncio.timeout(_DRAINING_SECONDS),
                Account.opened(yard.url, yard.world) as account,
            ):
                while await connection.fetchval(_LEFT) > left or not (
                    left or (yard.phones.done and await account.drained())
                ):
                    await connection.execute(_HASTEN)
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            pass
        finally:
            await connection.close()


def _trusted(yard: Yard) -> ssl.SSLContext:
    """Returns what mail clients know the listeners by."""
    return ssl.create_default_context(cafile=str(yard.world.pki.server_root_path))
