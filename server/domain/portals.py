"""Portals as the operator registers them: a name, and machine certificates that are bound under it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from server.domain.senders import CertificateBinding


@dataclass(frozen=True, slots=True)
class RegisteredPortal:
    """A portal; it is registered with the first certificate that is bound under its name."""

    id: UUID
    name: str
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class PortalView:
    """A portal with all certificates that are or were bound under its name, the last bound first, and how
    many sessions are open there.
    """

    portal: RegisteredPortal
    certificates: tuple[CertificateBinding, ...]
    open_sessions: int
