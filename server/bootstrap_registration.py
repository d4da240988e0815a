"""Wires registration: applications and the state's registers behind them, holders, agreements, imports."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

from server.bootstrap_rounds import repeating
from server.config import Settings
from server.domain.profile import Profile
from server.gateways.applicants import CertifiedSignatories
from server.services.registration import Registration
from server.usecases.administration import Administration
from server.usecases.agreements import AgreementRegister
from server.usecases.applications import ApplicationDesk
from server.usecases.holder_profiles import HolderRegister
from server.usecases.mailbox_import import MailboxImport
from server.usecases.ports import Clock, Entropy, Signatures, UnitOfWork
from server.usecases.signatories import SignatoryRegister
from server.usecases.signatory_rounds import SignatoryRounds
from server.usecases.state_registers import StateRegisters

ROUND_SECONDS: Final = 30.0
"""How often the state's registers are asked about what waits for them."""
SIGNATORY_SECONDS: Final = 60.0
"""How often it is looked for entities whose signatories the register is to be asked about again."""


def registration(
    *,
    profile: Profile,
    uow: UnitOfWork,
    clock: Clock,
    entropy: Entropy,
    wake_log: Callable[[], None],
    signatures: Signatures,
    registers: StateRegisters,
) -> Registration:
    """Returns the use cases of registration."""
    administration = Administration(uow=uow, clock=clock, entropy=entropy, wake_log=wake_log, profile=profile)
    signatories = CertifiedSignatories(signatures, profile.entity_naming)
    return Registration(
        applications=ApplicationDesk(
            administration=administration,
            clock=clock,
            entropy=entropy,
            profile=profile,
            signatures=signatories,
            registers=registers,
        ),
        agreements=AgreementRegister(administration=administration, uow=uow, clock=clock, entropy=entropy),
        holders=HolderRegister(
            administration=administration,
            clock=clock,
            entropy=entropy,
            profile=profile,
            signatures=signatories,
        ),
        signatories=SignatoryRegister(
            administration=administration, clock=clock, entropy=entropy, registers=registers
        ),
        imports=MailboxImport(administration=administration, clock=clock, entropy=entropy, profile=profile),
    )


@contextlib.asynccontextmanager
async def asking_about_signatories(
    settings: Settings,
    profile: Profile,
    uow: UnitOfWork,
    clock: Clock,
    register: SignatoryRegister,
    *,
    seconds: float = SIGNATORY_SECONDS,
) -> AsyncIterator[None]:
    """Meanwhile has the register of entities asked, every so many seconds, who may sign for those of which it
    has not said so for the profile's period; where there is such a register.
    """
    if not settings.registers.entities.url:
        yield
        return
    rounds = SignatoryRounds(
        uow=uow, clock=clock, register=register, period=profile.registration.signatories_every
    )
    async with repeating(rounds.work_off, seconds, "the register was not asked about all signatories"):
        yield


@contextlib.asynccontextmanager
async def asking_again(
    applications: ApplicationDesk, *, seconds: float = ROUND_SECONDS
) -> AsyncIterator[None]:
    """Meanwhile has the state's registers asked, every so many seconds, about applications that wait.

    Every replica does so; that an application is asked about twice does no harm.
    """

    async with repeating(
        applications.check_unanswered,
        seconds,
        "waiting applications were not all checked",
        at_once=False,
    ):
        yield
