"""What the operator does before anybody can send: one agency, its system, its address, and two mailboxes."""

from ipaddress import IPv4Network

from cryptography.hazmat.primitives.serialization import Encoding

from server import bootstrap
from server.config import load
from server.dev.world import World
from server.domain.senders import ContractState
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.mailboxes import Mailboxes, OpenMailbox
from server.usecases.sender_admin import (
    BindCertificate,
    RegisterDomain,
    RegisterOrganisation,
    RegisterSenderAddress,
    SetContractState,
)

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
        admin = bootstrap.sender_admin(load(world.write_settings("register"), {}), uow)
        agency = (await admin.register_organisation(RegisterOrganisation("1", "00000701", "Committee"))).id
        await admin.register_domain(RegisterDomain("2", agency, "src.am", "AMNIC 2026/114"))
        await admin.set_contract_state(SetContractState("3", agency, ContractState.IN_FORCE))
        certificate = world.agency.certificate.public_bytes(Encoding.DER)
        await admin.bind_certificate(BindCertificate("4", agency, None, certificate))
        network = IPv4Network("127.0.0.1/32")
        await admin.register_sender_address(RegisterSenderAddress("5", agency, SENDER, (network,), False))
        clock, entropy = bootstrap.SystemClock(), bootstrap.SystemEntropy()
        mailboxes = Mailboxes(uow=uow, clock=clock, entropy=entropy, profile=AM)
        for number, address in enumerate((PERSON, ENTITY), 6):
            await mailboxes.open_mailbox(OpenMailbox(str(number), address))
    finally:
        await database.dispose()
