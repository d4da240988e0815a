"""What the operator does before anybody can send: one agency, its system, its address, and two mailboxes."""

from ipaddress import IPv4Network

from cryptography.hazmat.primitives.serialization import Encoding

from server import bootstrap
from server.config import load
from server.dev.world import World
from server.domain.administration import CommandLine
from server.domain.senders import ContractState
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.certificates import BindCertificate
from server.usecases.domains import RegisterDomain
from server.usecases.mailbox_register import OpenMailbox
from server.usecases.organisations import RegisterOrganisation, SetContractState
from server.usecases.sender_addresses import RegisterSenderAddress

SENDER = "notices@src.am"
PERSON = "5001950015@e-citizen.am"
ENTITY = "22335588@e-citizen.am"
NOBODY = "4999999999@e-citizen.am"
"""A well-formed address without a mailbox: what is sent there is refused, with evidence."""


async def register(url: str, world: World) -> None:
    """Registers them in a migrated database."""
    database = Database(url, pool_size=2)
    try:
        uow = SqlUnitOfWork(database)
        settings = load(world.write_settings("register"), {})
        admin = bootstrap.sender_admin(settings, uow)
        by = CommandLine()
        registered = await admin.organisations.register_organisation(
            RegisterOrganisation(by, "1", "00000701", "Committee")
        )
        agency = registered.organisation.id
        await admin.domains.register_domain(RegisterDomain(by, "2", agency, "src.am", "AMNIC 2026/114"))
        await admin.organisations.set_contract_state(
            SetContractState(by, "3", agency, ContractState.IN_FORCE)
        )
        certificate = world.agency.certificate.public_bytes(Encoding.DER)
        await admin.certificates.bind_certificate(BindCertificate(by, "4", agency, None, certificate))
        networks = (IPv4Network("127.0.0.1/32"),)
        await admin.addresses.register_sender_address(
            RegisterSenderAddress(by, "5", agency, SENDER, networks, sms_permitted=False)
        )
        mailboxes = bootstrap.mailboxes(settings, uow)
        for number, address in enumerate((PERSON, ENTITY), 6):
            await mailboxes.open_mailbox(OpenMailbox(by, str(number), address))
    finally:
        await database.dispose()
