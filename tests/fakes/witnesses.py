"""Witnesses that are asked without a network: as they should be, and as they may be."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from server.usecases.witness_ports import WitnessAnswer, WitnessUnreached
from tests.independent.strict_witness import Reply, StrictWitness


@dataclass
class FakeWitness:
    """One witness behind its address.

    Attributes:
        away: whether it can't be reached.
        gate: while it is not set, questions wait.
        alter: makes another answer of the right one.
    """

    strict: StrictWitness
    away: bool = False
    alter: Callable[[Reply], Reply] | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    async def answer(self, body: bytes) -> WitnessAnswer:
        self.asked.append(body)
        await self.gate.wait()
        if self.away:
            raise WitnessUnreached("ClientConnectorError")
        reply = self.strict.answer(body)
        return WitnessAnswer(*(reply if self.alter is None else self.alter(reply)))


@dataclass
class FakeWitnesses:
    """A `WitnessClient` by address."""

    at: dict[str, FakeWitness] = field(default_factory=dict)

    async def add_checkpoint(self, url: str, body: bytes) -> WitnessAnswer:
        return await self.at[url].answer(body)
