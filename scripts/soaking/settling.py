"""Who there is: two agencies that send, and mailboxes with and without addresses to forward to."""

from dataclasses import dataclass
from ipaddress import IPv4Network

from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.registration import SALT_BYTES
from server import bootstrap
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.config import load
from server.dev.pki import Identity, Person
from server.dev.world import World
from server.domain.administration import CommandLine
from server.domain.forwarding import ForwardedContent, ForwardingTarget, TargetKind
from server.domain.holders import HolderData, HolderProfile
from server.domain.senders import ContractState
from server.jurisdictions import PROFILES
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.certificates import BindCertificate
from server.usecases.domains import RegisterDomain
from server.usecases.mailbox_register import OpenMailbox
from server.usecases.organisations import RegisterOrganisation, SetContractState, UpdateOrganisation
from server.usecases.sender_addresses import RegisterSenderAddress
from server.usecases.sender_admin import SenderAdmin
from tests import numbers

MAILBOXES = 16
_AGENCIES = (("00000701", "State Revenue Committee", "src.am"), ("00000702", "Police", "police.am"))
LADDER = "am-2025@2"
"""The policy of some messages of the first agency: who never looks is notified by a public notice."""
SENDERS = tuple(f"notices@{domain}" for _, _, domain in _AGENCIES)


@dataclass(frozen=True)
class Box:
    """A mailbox, its holder's certificate, and where what comes into it is forwarded to."""

    address: str
    holder: Identity
    mail: str = ""
    whole: bool = False
    phone: str = ""

    @property
    def targets(self) -> int:
        """How many copies are made of each message."""
        return bool(self.mail) + bool(self.phone)


def boxes_of(world: World) -> list[Box]:
    """Returns the mailboxes that there will be: of four one has no target, and one has a phone as well."""
    profile, found = PROFILES[world.profile], []
    for number in range(MAILBOXES):
        person = Person(
            numbers.person(profile.code, 1000 + number), "Ա", "Ա", profile.code.upper(), profile.naming
        )
        found.append(
            Box(
                f"{person.personal_number}@{profile.mailbox_domain}",
                world.pki.authentication_certificate(f"holder-{number}", person),
                mail=f"holder{number}@example.am" if number % 4 else "",
                whole=number % 4 == 2,
                phone=f"+3749112{number:04d}" if number % 4 == 3 else "",
            )
        )
    return found


async def settle(url: str, world: World, boxes: list[Box]) -> None:
    """Registers all of them in a migrated database."""
    database = Database(url, pool_size=2)
    try:
        uow = SqlUnitOfWork(database)
        settings = load(world.write_settings("settling"), {})
        await _agencies(bootstrap.sender_admin(settings, uow), (world.agency, world.other_agency))
        mailboxes = bootstrap.mailboxes(settings, uow)
        for number, box in enumerate(boxes):
            await mailboxes.open_mailbox(OpenMailbox(CommandLine(), f"box-{number}", box.address))
        now = SystemClock().now()
        async with uow.writing() as tx:
            for box in boxes:
                mailbox = await tx.mailboxes.named(box.address)
                assert mailbox is not None
                # Public notices name people.
                known = HolderData(mailbox.holder_kind, mailbox.holder_number, "Ա Ա")
                await tx.holders.add(
                    HolderProfile(
                        mailbox.id, box.address, known, known.number, "", SystemEntropy().random(SALT_BYTES)
                    )
                )
                for kind, address in ((TargetKind.EMAIL, box.mail), (TargetKind.PHONE, box.phone)):
                    if address:
                        target = ForwardingTarget(
                            id=SystemEntropy().new_id(),
                            mailbox_id=mailbox.id,
                            kind=kind,
                            address=address,
                            language="hy",
                            content=ForwardedContent.WHOLE if box.whole else ForwardedContent.NOTICE,
                            added_at=now,
                        )
                        await tx.forwarding_targets.add(target)
                        await tx.forwarding_targets.verify(mailbox.id, target.id, now)
            await tx.commit()
    finally:
        await database.dispose()


async def _agencies(admin: SenderAdmin, systems: tuple[Identity, ...]) -> None:
    by = CommandLine()
    for (code, name, domain), sender, system in zip(_AGENCIES, SENDERS, systems, strict=True):
        registered = await admin.organisations.register_organisation(
            RegisterOrganisation(by, f"{code}-1", code, name)
        )
        agency = registered.organisation.id
        await admin.domains.register_domain(RegisterDomain(by, f"{code}-2", agency, domain, "soaking"))
        await admin.organisations.set_contract_state(
            SetContractState(by, f"{code}-3", agency, ContractState.IN_FORCE)
        )
        certificate = system.certificate.public_bytes(Encoding.DER)
        await admin.certificates.bind_certificate(BindCertificate(by, f"{code}-4", agency, None, certificate))
        await admin.organisations.update_organisation(
            UpdateOrganisation(by, f"{code}-6", agency, None, "", ("am-2015@1", LADDER))
        )
        networks = (IPv4Network("127.0.0.1/32"),)
        await admin.addresses.register_sender_address(
            RegisterSenderAddress(by, f"{code}-5", agency, sender, networks, sms_permitted=False)
        )
