"""Wires what keeps evidence debt within its limit."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from server.bootstrap_machine import SystemClock, SystemEntropy
from server.bootstrap_rounds import repeating
from server.config import Settings
from server.domain.refusals import ServiceUnavailable
from server.jurisdictions import PROFILES
from server.transparency.service import TransparencyService
from server.usecases.evidence_debt import DebtWatch, OutageGate
from server.usecases.ports import UnitOfWork

ROUND_SECONDS: Final = 1.0
"""How often it is looked, and how late a replica may learn of an outage."""


def outage_gate(settings: Settings, uow: UnitOfWork) -> OutageGate:
    """Returns what keeps submissions out during an outage."""
    witnesses = settings.witnesses
    return OutageGate(uow, None if witnesses.policy is None else witnesses.debt_limit)


@contextlib.asynccontextmanager
async def watching_debt(
    settings: Settings, uow: UnitOfWork, log: TransparencyService, gate: OutageGate
) -> AsyncIterator[None]:
    """Meanwhile begins and ends outages; the first look is made before it yields."""
    watch = DebtWatch(
        uow=uow,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        log=log.log,
        profile=PROFILES[settings.profile],
        debts=log.public,
        gate=gate,
    )
    # Where the database does not answer now, nothing is taken in either.
    with contextlib.suppress(ServiceUnavailable):
        await gate.look()
    async with repeating(watch.look, ROUND_SECONDS, "the evidence debt could not be looked at"):
        yield


@contextlib.asynccontextmanager
async def following_outages(gate: OutageGate) -> AsyncIterator[None]:
    """Meanwhile knows of outages that others begin and end."""
    with contextlib.suppress(ServiceUnavailable):
        await gate.look()
    async with repeating(gate.look, ROUND_SECONDS, "it could not be seen whether there is an outage"):
        yield
