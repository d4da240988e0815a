"""The operator registers who may send, and opens the mailboxes."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from namak.v1 import sender_admin_pb2
from scripts.story.post import Post
from scripts.story.stage import Stage
from server.dev.pki import Identity

AGENCY = "State Revenue Committee"
AGENCY_CODE = "00000701"
SENDER = "notices@src.am"
SENDER_ELSEWHERE = "info@src.am"
PERSON = "5001950015@e-citizen.am"
ENTITY = "22335588@e-citizen.am"


@dataclass(frozen=True)
class Registered:
    """What later acts need to name."""

    agency_id: str
    sender_elsewhere_id: str


async def registration(stage: Stage, post: Post) -> Registered:
    """Plays the act."""
    stage.act(
        "The operator registers an agency and opens two mailboxes",
        "Who may send is settled beforehand: which agency, from which addresses and networks.",
    )
    admin = post.operator.admin
    agency = await stage.step(
        "operator",
        f"registers the organisation {AGENCY}",
        admin.register_organisation(code=AGENCY_CODE, display_name=AGENCY),
        lambda organisation: f"code {organisation.code}",
    )
    await stage.step(
        "operator",
        "registers its domain src.am, proved by a document",
        admin.register_domain(agency.organisation_id, name="src.am", document_reference="AMNIC 2026/114"),
        lambda domain: domain.name,
    )
    await stage.step(
        "operator",
        "puts its contract in force",
        admin.set_contract_state(agency.organisation_id, sender_admin_pb2.CONTRACT_STATE_IN_FORCE),
        _in_force,
    )
    await stage.step(
        "operator",
        "binds the certificate of its system",
        admin.bind_certificate(agency.organisation_id, _der(post.world.agency)),
        lambda binding: binding.certificate_sha256.hex()[:16] + "…",
    )
    identifiers = {}
    for address, network in ((SENDER, "127.0.0.1/32"), (SENDER_ELSEWHERE, "127.0.0.2/32")):
        registered = await stage.step(
            "operator",
            f"registers {address} for {network}",
            admin.register_sender_address(agency.organisation_id, address=address, networks=[network]),
            lambda address: ", ".join(address.networks),
        )
        identifiers[address] = registered.sender_address_id
    await stage.step("operator", "registers another agency, Police, with its own", _other_agency(post))
    for address in (PERSON, ENTITY):
        await stage.step(
            "operator",
            f"opens the mailbox {address}",
            admin.open_mailbox(address),
            lambda mailbox: mailbox.address,
        )
    return Registered(agency.organisation_id, identifiers[SENDER_ELSEWHERE])


def _in_force(organisation: sender_admin_pb2.Organisation) -> str:
    if organisation.contract_state != sender_admin_pb2.CONTRACT_STATE_IN_FORCE:
        raise ValueError(
            f"the contract is {sender_admin_pb2.ContractState.Name(organisation.contract_state)}"
        )
    return "in force"


async def _other_agency(post: Post) -> None:
    admin = post.operator.admin
    police = await admin.register_organisation(code="00000702", display_name="Police")
    await admin.register_domain(police.organisation_id, name="police.am", document_reference="AMNIC 2026/115")
    await admin.set_contract_state(police.organisation_id, sender_admin_pb2.CONTRACT_STATE_IN_FORCE)
    await admin.bind_certificate(police.organisation_id, _der(post.world.other_agency))
    await admin.register_sender_address(
        police.organisation_id, address="duty@police.am", networks=["127.0.0.1/32"]
    )


def _der(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)
