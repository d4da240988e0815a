"""Wires letters on paper: who orders them, and who makes them."""

import contextlib
from collections.abc import AsyncIterator

from namak.evidence.notification_steps import Action
from server.bootstrap_jobs import Handlers
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.bootstrap_registers import state_registers
from server.config import Settings
from server.domain.jobs import PREPARE_LETTER, PRINT_ANSWER, JobKind
from server.domain.profile import Profile
from server.gateways.printing.workers import PrintingWorkers
from server.services.letter import LetterServicer
from server.usecases.administration import Administration
from server.usecases.certificates import CertificateRegister
from server.usecases.letter_desk import LetterDesk
from server.usecases.letter_making import Imprint, LetterMaking
from server.usecases.letter_orders import LetterOrders
from server.usecases.letter_ports import LetterPrinter
from server.usecases.letter_preparing import LetterPreparation
from server.usecases.paper_answers import AnswerPrinting
from server.usecases.ports import Log, UnitOfWork
from server.usecases.print_houses import PrintHouseRegister


def letter_actions(settings: Settings) -> dict[Action, JobKind]:
    """Returns the kind of job that makes ladders' letters; none where the post has no letters."""
    return {Action.LETTER: PREPARE_LETTER} if settings.printing.numbers else {}


def letter_orders(
    settings: Settings, profile: Profile, uow: UnitOfWork, printer: LetterPrinter
) -> LetterOrders:
    """Returns who orders letters, where the settings have numbers for them."""
    return LetterOrders(
        uow=uow,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        printer=printer,
        numbers=settings.printing.tracking(profile.code.upper()),
    )


def letter_servicer(
    settings: Settings,
    profile: Profile,
    uow: UnitOfWork,
    log: Log,
    administration: Administration,
    certificates: CertificateRegister,
) -> LetterServicer:
    """Returns the servicer for print houses, and for the operator about them."""
    clock = SystemClock()
    desk = LetterDesk(
        uow=uow,
        clock=clock,
        entropy=SystemEntropy(),
        log=log,
        profile=profile,
        lease=settings.printing.lease,
    )
    houses = PrintHouseRegister(administration=administration, uow=uow, clock=clock, entropy=SystemEntropy())
    return LetterServicer(desk, certificates, houses)


@contextlib.asynccontextmanager
async def letter_handlers(settings: Settings, profile: Profile, uow: UnitOfWork) -> AsyncIterator[Handlers]:
    """Gives who does the jobs of letters; nobody where the post has none. On leaving, the processes that set
    letters end.

    Raises OSError, ValueError: the fonts are missing, or a file of the settings can't be used.
    """
    printing = settings.printing
    if not printing.numbers:
        yield {}
        return
    async with contextlib.AsyncExitStack() as stack:
        printer = await stack.enter_async_context(PrintingWorkers(printing.processes))
        registers = state_registers(settings)
        stack.push_async_callback(registers.close)
        making = LetterMaking(
            uow=uow,
            clock=SystemClock(),
            entropy=SystemEntropy(),
            orders=letter_orders(settings, profile, uow, printer),
            profile=profile,
            imprint=Imprint(printing.return_address, printing.portal),
        )
        work = LetterPreparation(uow=uow, making=making, registers=registers)
        answers = AnswerPrinting(uow=uow, making=making)
        yield {PREPARE_LETTER: work.prepare, PRINT_ANSWER: answers.prepare}
