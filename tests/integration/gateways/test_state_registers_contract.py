"""The registers' client does what whoever asks registers relies on."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import pytest

from server.domain.state_records import EntityRecord, PersonRecord
from server.gateways.state_registers import answers
from server.gateways.state_registers.gateway import HttpStateRegisters
from server.gateways.state_registers.register import Patience, Register
from server.gateways.state_registers.transport import Endpoint
from server.usecases.state_registers import StateRegisters
from tests.contracts.state_registers_contract import StateRegistersContract
from tests.register_server import ENTITIES, PERSONS, RegisterServer, registers_serving

PATIENCE = Patience(seconds=60.0, attempts=2, pause_seconds=0.0, failures=1000, keep_seconds=86_400.0)


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def written(record: PersonRecord | EntityRecord) -> dict[str, Any]:
    """Returns a record as a register writes it."""
    fields = {"number" if key == "code" else key: value for key, value in asdict(record).items()}
    return dict(json.loads(json.dumps(fields, default=date.isoformat)))


class _Scene:
    def __init__(self, server: RegisterServer, hand: Hand) -> None:
        self._server, self._hand = server, hand
        persons = Register("persons", Endpoint(server.url(PERSONS)), answers.person, PATIENCE, monotonic=hand)
        entities = Register(
            "entities",
            Endpoint(server.url(ENTITIES)),
            answers.entity,
            PATIENCE,
            monotonic=hand,
        )
        self.gateway = HttpStateRegisters(persons=persons, entities=entities)

    @property
    def registers(self) -> StateRegisters:
        return self.gateway

    def show_person(self, record: PersonRecord) -> None:
        self._server.show(PERSONS, written(record))

    def show_entity(self, record: EntityRecord) -> None:
        self._server.show(ENTITIES, written(record))

    def fall_silent(self) -> None:
        self._server.fall_silent()

    def come_back(self) -> None:
        self._server.is_silent = False

    def grow_older(self, by: timedelta) -> None:
        self._hand.seconds += by.total_seconds()


class TestHttpStateRegisters(StateRegistersContract):
    @pytest.fixture
    async def scene(self) -> AsyncIterator[_Scene]:
        async with registers_serving() as server:
            scene = _Scene(server, Hand())
            yield scene
            await scene.gateway.close()
