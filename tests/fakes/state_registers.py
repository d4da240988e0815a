"""State registers in memory, which say what a test puts there; checked by `StateRegistersContract`."""

from datetime import timedelta
from typing import Generic, TypeVar

from server.domain.state_records import (
    EntityAnswer,
    EntityRecord,
    Fault,
    Found,
    NotFound,
    PersonAnswer,
    PersonRecord,
    Unavailable,
)

R = TypeVar("R")


class FakeStateRegisters:
    """Two registers.

    Attributes:
        down: why neither answers anew, if they don't.
        retry_after: what they then say of the wait.
        passed: how much time has passed since the beginning; a test adds to it.
    """

    def __init__(self) -> None:
        self.down: Fault | None = None
        self.retry_after = timedelta(seconds=30)
        self.passed = timedelta(0)
        self._persons: _Register[PersonRecord] = _Register(self)
        self._entities: _Register[EntityRecord] = _Register(self)

    def show_person(self, record: PersonRecord) -> None:
        """Puts a person into the register."""
        self._persons.records[record.number] = record

    def show_entity(self, record: EntityRecord) -> None:
        """Puts an entity into the register."""
        self._entities.records[record.code] = record

    def fall_silent(self, fault: Fault = Fault.UNREACHABLE) -> None:
        """Has both registers answer nothing anew."""
        self.down = fault

    def come_back(self) -> None:
        """Has them answer again."""
        self.down = None

    def grow_older(self, by: timedelta) -> None:
        """Has time pass."""
        self.passed += by

    async def person(self, number: str, *, no_older_than: timedelta = timedelta.max) -> PersonAnswer:
        """See `StateRegisters`."""
        return self._persons.ask(number, no_older_than)

    async def entity(self, code: str, *, no_older_than: timedelta = timedelta.max) -> EntityAnswer:
        """See `StateRegisters`."""
        return self._entities.ask(code, no_older_than)


class _Register(Generic[R]):
    def __init__(self, world: FakeStateRegisters) -> None:
        self.records: dict[str, R] = {}
        self._world = world
        self._told: dict[str, tuple[R, timedelta]] = {}

    def ask(self, number: str, no_older_than: timedelta) -> Found[R] | NotFound | Unavailable:
        world = self._world
        if number in self._told and no_older_than:
            record, told_at = self._told[number]
            if (age := world.passed - told_at) <= no_older_than:
                return Found(record, age)
        if world.down is not None:
            return Unavailable(world.down, world.retry_after)
        if number not in self.records:
            self._told.pop(number, None)
            return NotFound()
        self._told[number] = (self.records[number], world.passed)
        return Found(self.records[number], timedelta(0))
