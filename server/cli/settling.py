"""What a portal's builder needs of a development world: a portal, and an entity with its people.

Everything goes the way it goes in earnest, through the same use cases and into the log: the certificate is
bound, the entity's application is approved on what a register says, and its signatory names a delegate. Only
the register is ours, and knows this one entity.
"""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Final

from namak.evidence.delegation import Right
from server.bootstrap_administration import Registers
from server.dev.examples import EXAMPLES, Example
from server.dev.world import PORTAL_NAME
from server.domain.applications import Scan
from server.domain.caller import Clerk, Connection, Holder, Operator
from server.domain.holders import HolderData
from server.domain.mailboxes import HolderKind
from server.domain.profile import Profile
from server.domain.state_records import (
    EntityAnswer,
    EntityRecord,
    EntityState,
    Found,
    NotFound,
    PersonAnswer,
    RegistrationCertificate,
    Signatory,
)
from server.services.registration import Registration
from server.usecases.agreements import PublishUserAgreement
from server.usecases.application_commands import DecideApplication, Form, Paper, SubmitApplication
from server.usecases.certificates import BindPortal
from server.usecases.delegations import GrantDelegation
from server.usecases.holder_profiles import ChangeHolderData

HERE: Final = ip_address("127.0.0.1")
RIGHT_LASTS: Final = timedelta(days=365)
_AGREEMENT: Final = "This is a development world: nothing in it is binding."


@dataclass(frozen=True, slots=True)
class EntityOfTheWorld:
    """A register of entities that knows the entity of an example, and of persons none."""

    example: Example

    async def person(self, number: str, *, no_older_than: timedelta = timedelta.max) -> PersonAnswer:
        """See `StateRegisters`."""
        del number, no_older_than
        return NotFound()

    async def entity(self, code: str, *, no_older_than: timedelta = timedelta.max) -> EntityAnswer:
        """See `StateRegisters`."""
        del no_older_than
        entity, citizen = self.example.entity, self.example.citizen
        if code != entity.number:
            return NotFound()
        signatory = Signatory(citizen.personal_number, f"{citizen.given_name} {citizen.surname}")
        return Found(
            EntityRecord(
                code=code,
                name=entity.name,
                state=EntityState.REGISTERED,
                registration=RegistrationCertificate(entity.registration_number, entity.registered_on),
                address=entity.address,
                signatories=(signatory,),
            ),
            timedelta(),
        )


@dataclass(frozen=True, slots=True)
class Certificates:
    """Who acts, by certificate: the operator's and the portal's as DER, the citizen's by its SHA-256."""

    operator_sha256: bytes
    portal: bytes
    citizen_sha256: bytes


async def fill_in(registration: Registration, profile: Profile, by: Operator) -> None:
    """Enters what the post knows of the world's people, who registered before there was a form: their names,
    and where letters on paper reach them. Doing it again changes nothing.
    """
    example = EXAMPLES[profile.code]
    people = zip((example.citizen, example.other_citizen), example.homes, strict=True)
    for number, (person, home) in enumerate(people, 1):
        data = HolderData(
            kind=HolderKind.PERSON,
            number=person.personal_number,
            name=f"{person.given_name} {person.surname}",
            residence=home,
        )
        address = f"{person.personal_number}@{profile.mailbox_domain}"
        await registration.holders.change(
            ChangeHolderData(
                by,
                f"dev-fill-in-{number}",
                address,
                data,
                frozenset({"name", "residence"}),
                "",
                "development",
            )
        )


async def settle(
    registers: Registers, registration: Registration, profile: Profile, certificates: Certificates
) -> None:
    """Binds the portal, opens the entity's mailbox for its signatory, and has them name a delegate; where
    an agreement has to be joined first, publishes one.

    Doing it again changes nothing: the request ids make it a repetition.
    """
    operator = Operator(Connection(certificates.operator_sha256, HERE))
    await registers.senders.certificates.bind_portal(
        BindPortal(operator, "dev-register-portal", PORTAL_NAME, certificates.portal)
    )
    example = EXAMPLES[profile.code]
    version = ""
    if profile.registration.agreement:
        version = "dev-1"
        await registration.agreements.publish(
            PublishUserAgreement(
                operator, "dev-register-agreement", version, ((example.language, _AGREEMENT),)
            )
        )
    entity, citizen = example.entity, example.citizen
    data = HolderData(
        kind=HolderKind.ENTITY,
        number=entity.number,
        name=entity.name,
        registration_number=entity.registration_number,
        registration_date=entity.registered_on,
        legal_address=entity.address,
        actual_address=entity.address,
        mobile_phone=entity.phone,
    )
    came = await registration.applications.submit(
        SubmitApplication(
            by=Clerk(operator.connection),
            request_id="dev-register-application",
            form=Form(data, login="", agreement_version=version, language=example.language),
            confirmation=Paper(
                Scan(b"%PDF-1.7 a throwaway paper", "application/pdf"), citizen.personal_number
            ),
        )
    )
    await registration.applications.decide(
        DecideApplication(operator, "dev-register-approval", came.application.id)
    )
    await registers.delegations.grant(
        GrantDelegation(
            by=Holder(Connection(certificates.citizen_sha256, HERE), citizen.personal_number),
            request_id="dev-register-delegate",
            mailbox=example.entity_address,
            delegate=example.other_citizen.personal_number,
            right=Right.READ_AND_CONFIRM,
            start=None,
            # Of the application, which is the same when this is repeated.
            expire=came.application.received_at.replace(microsecond=0) + RIGHT_LASTS,
        )
    )
