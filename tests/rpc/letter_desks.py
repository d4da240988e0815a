"""Letters on paper before the edge: the use cases themselves, over a unit of work in memory."""

from datetime import datetime, timedelta
from uuid import UUID

from server.bootstrap_machine import SystemClock, SystemEntropy
from server.jurisdictions.am import AM
from server.services.letter import LetterServicer
from server.usecases.administration import Administration
from server.usecases.certificates import CertificateRegister
from server.usecases.letter_desk import LetterDesk
from server.usecases.print_houses import PrintHouseRegister
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.usecases.world import MemoryLog

PRINT_HOUSE = UUID("0192f0c3-0000-7000-8000-00000000beef")


class NobodysCertificates:
    """Knows no personal certificate."""

    async def person_of(self, certificate: bytes, at: datetime) -> str | None:
        return None


def letter_servicer() -> LetterServicer:
    uow, clock, entropy, log = FakeUnitOfWork(), SystemClock(), SystemEntropy(), MemoryLog()
    administration = Administration(uow=uow, clock=clock, entropy=entropy, wake_log=log.wake, profile=AM)
    certificates = CertificateRegister(
        administration=administration, clock=clock, entropy=entropy, persons=NobodysCertificates()
    )
    desk = LetterDesk(uow=uow, clock=clock, entropy=entropy, log=log, profile=AM, lease=timedelta(hours=4))
    return LetterServicer(
        desk,
        certificates,
        PrintHouseRegister(administration=administration, uow=uow, clock=clock, entropy=entropy),
    )
