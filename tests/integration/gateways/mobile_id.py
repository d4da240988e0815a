"""A mobile-id client against the service on loopback, and what its tests share."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from namak.evidence.certificate import CertificateNaming
from server.gateways.mobile_id import MobileId, MobileIdSettings
from server.gateways.mobile_id_http import Service
from tests.fakes.clock import HeldClock
from tests.fakes.sim import Sim, new_sim
from tests.mobile_id_server import LANGUAGES, NAME, RELYING_PARTY, MobileIdServer
from tests.unit.evidence_documents.pki import Authority

ISSUER = Authority.root("Mobile root").authority("Mobile authority")


def settings_for(server: MobileIdServer, authorities: Path) -> MobileIdSettings:
    """How the operator is known to the service."""
    return MobileIdSettings(Service(server.url, authorities), RELYING_PARTY, NAME, LANGUAGES)


class Pauses:
    """Takes the place of sleeping: each pause is noted, and ends at once."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def client_of(
    settings: MobileIdSettings,
    clock: HeldClock,
    *,
    pause: Callable[[float], Awaitable[None]] | None = None,
    poll: timedelta | None = None,
    margin: timedelta | None = None,
) -> MobileId:
    """Returns a client, to be entered."""
    changed = replace(settings, poll=poll or settings.poll, margin=margin or settings.margin)
    return MobileId(changed, CertificateNaming(), clock, pause=pause or Pauses())


def somebody_else() -> Sim:
    return new_sim(ISSUER, phone="+994509999999", person_number="5001950016")
