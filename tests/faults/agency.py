"""The agency's systems: they repeat a request under its own id, at any replica, until it is answered."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from namak.client import Client, NamakError, Outcome, Patience, compose, compose_part
from namak.errors import NotSent, Unavailable
from namak.v1 import delivery_pb2
from tests.faults.register import ENTITY, NOBODY, PERSON, SENDER
from tests.faults.told import Told

ONE_TRY = Patience(total=8.0, first_pause=60.0)
"""At most 4 s a try, and no pause fits into it: repeating is done here, at the other replica."""

LONG_TRY = Patience(total=40.0, first_pause=120.0)
"""Likewise one try, where nobody is dead or frozen who could have it wait: 20 s."""

AT_ONCE = timedelta(0)
"""Waits for no receipt."""

_PAUSE_SECONDS = 0.02

_REFUSALS_AT_MOST = 150
"""How many letters to nobody one system writes: the post records 600 refusals of an organisation within a
minute, and three systems on a fast machine would pass that, which other tests look at.
"""


class Reachable(Protocol):
    """A replica that one can call, or at least try to."""

    @property
    def client(self) -> Client: ...


class Agency:
    """One system of the agency, with its own request ids.

    `replicas` may change meanwhile: each try looks anew.
    """

    def __init__(
        self,
        name: str,
        replicas: Sequence[Reachable],
        told: Told,
        recipients: Sequence[str] = (PERSON, ENTITY),
        sender: str = SENDER,
        policy: str = "",
    ) -> None:
        """`policy` is the one that letters name; none, which the contract says."""
        self._name = name
        self._replicas = replicas
        self._told = told
        self._recipients = recipients
        self._sender = sender
        self._policy = policy
        self._random = random.Random(name)
        self._letters = 0
        self._to_nobody = 0
        self._turn = self._random.randrange(2)

    def letter(self, recipient: str) -> delivery_pb2.Submission:
        """Returns a new letter under a new request id."""
        self._letters += 1
        request_id = f"{self._name}-{self._letters:04d}"
        content = self._random.randbytes(self._random.randrange(1, 2000))
        letter = compose(
            sender=self._sender,
            recipient=recipient,
            subject=f"Ծանուցում {request_id}",
            parts=[compose_part("letter.bin", content)],
            request_id=request_id,
            notification_policy=self._policy,
        )
        self._told.asked(letter)
        return letter

    async def send_until(self, stop: asyncio.Event) -> None:
        """Sends, one call after the other: single letters and batches, to mailboxes that are there or not."""
        while not stop.is_set():
            await self.send_something()

    async def send_something(self) -> None:
        """Makes one call, until it is answered."""
        kind = self._random.random()
        wait = AT_ONCE if self._random.random() < 0.1 else None
        nobody = [NOBODY] if self._to_nobody < _REFUSALS_AT_MOST else []
        if kind < 0.5:
            await self.send([self.letter(self._random.choice(self._recipients))], wait=wait)
        elif kind < 0.6:
            self._to_nobody += len(nobody)
            await self.send([self.letter(each) for each in nobody or self._recipients[:1]], wait=wait)
        else:
            self._to_nobody += len(nobody)
            recipients = [*self._recipients, self._recipients[0], *nobody]
            self._random.shuffle(recipients)
            await self.send([self.letter(each) for each in recipients], wait=wait)

    async def send(
        self, letters: Sequence[delivery_pb2.Submission], *, wait: timedelta | None = None
    ) -> Sequence[Outcome]:
        """Submits letters, a single one by Submit and several by BatchSubmit, until all are answered."""
        answered: dict[str, Outcome] = {}
        while pending := [letter for letter in letters if letter.request_id not in answered]:
            client = self._replicas[self._turn % len(self._replicas)].client
            for outcome in await _attempt(client, pending, wait):
                if isinstance(outcome.error, Unavailable | NotSent):
                    self._told.failures.append(outcome.error)
                else:
                    self._told.answered(outcome)
                    answered[outcome.request_id] = outcome
            if len(answered) < len(letters):
                self._turn += 1
                await asyncio.sleep(_PAUSE_SECONDS)
        self._told.rounds += 1
        return [answered[letter.request_id] for letter in letters]


async def _attempt(
    client: Client, letters: Sequence[delivery_pb2.Submission], wait: timedelta | None
) -> Sequence[Outcome]:
    if len(letters) > 1:
        return await client.deliveries.submit_many(letters, max_receipt_wait=wait)
    try:
        accepted = await client.deliveries.submit(letters[0], max_receipt_wait=wait)
    except NamakError as error:
        return [Outcome(letters[0].request_id, error=error)]
    return [Outcome(letters[0].request_id, accepted=accepted)]
