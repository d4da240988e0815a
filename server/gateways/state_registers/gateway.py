"""The state's registers as the use cases see them."""

from datetime import timedelta

from server.domain.state_records import (
    EntityAnswer,
    EntityRecord,
    Fault,
    PersonAnswer,
    PersonRecord,
    Unavailable,
)
from server.gateways.state_registers import answers
from server.gateways.state_registers.register import Patience, Register
from server.gateways.state_registers.transport import Endpoint

NOT_CONFIGURED = Unavailable(Fault.NOT_CONFIGURED, timedelta(hours=1))


class HttpStateRegisters:
    """Asks the registers that are set; one that is not set is never available, and so decides nothing.

    Implements `server.usecases.state_registers.StateRegisters`. Made and used within one event loop.
    """

    def __init__(
        self, *, persons: Register[PersonRecord] | None, entities: Register[EntityRecord] | None
    ) -> None:
        self._persons = persons
        self._entities = entities

    @classmethod
    def at(
        cls, *, persons: Endpoint | None, entities: Endpoint | None, patience: Patience
    ) -> "HttpStateRegisters":
        """Returns the registers at these addresses; connections come about when they are asked."""
        return cls(
            persons=Register("persons", persons, answers.person, patience) if persons else None,
            entities=Register("entities", entities, answers.entity, patience) if entities else None,
        )

    async def close(self) -> None:
        """Gives up what is under way, and closes the connections."""
        for register in (self._persons, self._entities):
            if register is not None:
                await register.close()

    async def person(self, number: str, *, no_older_than: timedelta = timedelta.max) -> PersonAnswer:
        """See `StateRegisters`."""
        if self._persons is None:
            return NOT_CONFIGURED
        return await self._persons.ask(number, no_older_than=no_older_than)

    async def entity(self, code: str, *, no_older_than: timedelta = timedelta.max) -> EntityAnswer:
        """See `StateRegisters`."""
        if self._entities is None:
            return NOT_CONFIGURED
        return await self._entities.ask(code, no_older_than=no_older_than)
