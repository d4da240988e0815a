"""What use cases ask of the state's registers (BOX-10); `server.gateways.state_registers` implements it."""

from datetime import timedelta
from typing import Protocol

from server.domain.state_records import EntityAnswer, PersonAnswer


class StateRegisters(Protocol):
    """The register of persons and that of entities.

    Never raises for what a register does or fails to do: that is `Unavailable`. Each question ends within the
    time that the settings give it. MUST NOT be asked inside a transaction.
    """

    async def person(self, number: str, *, no_older_than: timedelta = timedelta.max) -> PersonAnswer:
        """Returns what is registered under a personal number, in the spelling of the jurisdiction's profile.

        Args:
            no_older_than: an answer that was kept longer than this is not given; the register is asked again.
                Zero always asks. An answer's own age may still be more where the register says so itself.
        """
        ...

    async def entity(self, code: str, *, no_older_than: timedelta = timedelta.max) -> EntityAnswer:
        """Returns what is registered under an entity's code; otherwise as `person`."""
        ...
