"""Wires the registers: use cases that are administrative acts, of servers and of the operator's commands."""

from collections.abc import Callable

from server.bootstrap_machine import SystemClock
from server.config import Settings
from server.gateways.citizen_pki import CitizenPki
from server.jurisdictions import PROFILES
from server.usecases.acts import ActRegister
from server.usecases.administration import Administration
from server.usecases.administrators import AdministratorRegister
from server.usecases.certificates import CertificateRegister
from server.usecases.delegations import DelegationDesk
from server.usecases.domains import DomainRegister
from server.usecases.mailbox_register import MailboxRegister
from server.usecases.organisations import OrganisationRegister
from server.usecases.ports import Entropy, UnitOfWork
from server.usecases.register_ports import TextRecords
from server.usecases.sender_addresses import SenderAddressRegister
from server.usecases.sender_admin import SenderAdmin
from server.usecases.sessions import SessionDesk


class Registers:
    """The registers of who may send and of mailboxes: use cases that are administrative acts."""

    def __init__(
        self,
        settings: Settings,
        uow: UnitOfWork,
        entropy: Entropy,
        wake_log: Callable[[], None],
        citizens: CitizenPki,
        *,
        texts: TextRecords,
    ) -> None:
        profile, clock = PROFILES[settings.profile], SystemClock()
        administration = Administration(
            uow=uow, clock=clock, entropy=entropy, wake_log=wake_log, profile=profile
        )
        self.administration = administration
        self.sessions = SessionDesk(uow=uow, clock=clock, entropy=entropy, administration=administration)
        self.senders = SenderAdmin(
            organisations=OrganisationRegister(
                administration=administration, uow=uow, clock=clock, entropy=entropy, profile=profile
            ),
            administrators=AdministratorRegister(administration=administration, clock=clock, entropy=entropy),
            domains=DomainRegister(administration=administration, clock=clock, entropy=entropy, texts=texts),
            addresses=SenderAddressRegister(administration=administration, clock=clock, entropy=entropy),
            certificates=CertificateRegister(
                administration=administration, clock=clock, entropy=entropy, persons=citizens
            ),
            acts=ActRegister(administration=administration),
        )
        self.delegations = DelegationDesk(administration=administration, clock=clock, entropy=entropy)
        self.mailboxes = MailboxRegister(
            administration=administration, clock=clock, entropy=entropy, profile=profile
        )
