"""Print houses as the operator registers them: a name, and machine certificates that are bound for it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from server.domain.senders import CertificateBinding


class PrintHouseState(StrEnum):
    """Whether a print house gets letters."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    """It gets no more letters, and reports what becomes of those that it has."""
    REMOVED = "REMOVED"
    """It is none any more, for ever; its certificates are revoked."""


@dataclass(frozen=True, slots=True)
class RegisteredPrintHouse:
    """A print house."""

    id: UUID
    name: str
    registered_at: datetime
    state: PrintHouseState = PrintHouseState.ACTIVE

    def snapshot(self) -> dict[str, str]:
        """Returns what evidence says of it."""
        return {"display_name": self.name, "state": self.state.value}


@dataclass(frozen=True, slots=True)
class PrintHouseView:
    """A print house with all certificates that are or were bound for it, the last bound first."""

    house: RegisteredPrintHouse
    certificates: tuple[CertificateBinding, ...]
