"""Addresses that are malformed, foreign, international or look alike: on the wire, and in the register."""

import grpc
import pytest
from grpc import StatusCode

from tests.system.post import HERE, Agency, Citizen, Post
from tests.system.refusing import refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

CYRILLIC_A = "\u0430"
ARMENIAN_DOMAIN = "եկամուտ.հայ"


@pytest.mark.parametrize(
    ("sender", "reason"),
    [
        ("", "ADDRESS_MALFORMED"),
        ("notices", "ADDRESS_MALFORMED"),
        ("notices@", "ADDRESS_MALFORMED"),
        ("a@b@src.am", "ADDRESS_MALFORMED"),
        ('"notices"@src.am', "ADDRESS_MALFORMED"),
        ("notices@src.am\r\nRCPT TO:<x@y.am>", "ADDRESS_MALFORMED"),
        (f"not{CYRILLIC_A}ces@src.am", "ADDRESS_MALFORMED"),
        ("notices@src..am", "DOMAIN_MALFORMED"),
        ("notices@-src.am", "DOMAIN_MALFORMED"),
        ("notices@s\u00adrc.am", "DOMAIN_MALFORMED"),
        ("notices@xn--.am", "DOMAIN_MALFORMED"),
        ("notices@am", "DOMAIN_MALFORMED"),
        ("notices@src.com", "FOREIGN_DOMAIN"),
        ("notices@src.am.evil.com", "FOREIGN_DOMAIN"),
        (f"notices@b{CYRILLIC_A}nk.am", "MIXED_SCRIPT"),
        ("notices@банк.am", "SCRIPT_NOT_PERMITTED"),
        ("notices@սրց.am", "SCRIPT_NOT_PERMITTED"),
    ],
)
async def test_refuses_a_malformed_or_misleading_sender_and_stores_nothing(
    post: Post, agency: Agency, citizen: Citizen, sender: str, reason: str
) -> None:
    letter = agency.letter(citizen.address)
    letter.sender = sender

    async with post.records.grow_by():
        refusal = await refused(
            agency.client.deliveries.submit(letter), StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS"
        )

    assert refusal.violations == (("submission.sender", reason),)


@pytest.mark.parametrize(
    ("recipient", "reason"),
    [
        ("5001950015", "ADDRESS_MALFORMED"),
        ("500195001@e-citizen.am", "NUMBER_MALFORMED"),
        ("50019500150@e-citizen.am", "NUMBER_MALFORMED"),
        ("500195001O@e-citizen.am", "NUMBER_MALFORMED"),
        (" 5001950015@e-citizen.am", "ADDRESS_MALFORMED"),
        ("٥٠٠١٩٥٠٠١٥@e-citizen.am", "NUMBER_MALFORMED"),
        ("５００１９５００１５@e-citizen.am", "NUMBER_MALFORMED"),
        ("5001950015@e-citizen.com", "DOMAIN_NOT_OFFICIAL"),
        ("5001950015@e-citizen.am.evil.am", "DOMAIN_NOT_OFFICIAL"),
        ("5001950015@e\u2010citizen.am", "DOMAIN_NOT_OFFICIAL"),
        (f"5001950015@e-citizen.{CYRILLIC_A}m", "DOMAIN_NOT_OFFICIAL"),
        ("5001950015@e-citizen.am@src.am", "ADDRESS_MALFORMED"),
    ],
)
async def test_refuses_a_malformed_or_misleading_recipient_and_stores_nothing(
    post: Post, agency: Agency, recipient: str, reason: str
) -> None:
    async with post.records.grow_by():
        refusal = await refused(
            agency.client.deliveries.submit(agency.letter(recipient)),
            StatusCode.INVALID_ARGUMENT,
            "INVALID_FIELDS",
        )

    assert refusal.violations == (("submission.recipient", reason),)


async def test_spellings_of_one_address_are_one_address(post: Post, agency: Agency, citizen: Citizen) -> None:
    number = citizen.person.personal_number
    first = await agency.client.deliveries.submit(agency.letter(citizen.address, request_id="spelling"))
    again = agency.letter(
        f"{number}@ECitizen.AM", request_id="spelling", sender=f"NOTICES@{agency.domain.upper()}"
    )

    async with post.records.grow_by():
        repeated = await agency.client.deliveries.submit(again)

    assert repeated.evidence == first.evidence
    assert (repeated.delivery.sender, repeated.delivery.recipient) == (agency.sender, citizen.address)


async def test_an_armenian_domain_is_the_same_in_both_its_forms(post: Post, citizen: Citizen) -> None:
    agency = await post.agency()
    admin = (await post.operator()).admin
    domain = await admin.register_domain(
        agency.organisation_id, name=ARMENIAN_DOMAIN, document_reference="AMNIC 2026/9"
    )
    assert domain.name.startswith("xn--")
    address = f"notices@{ARMENIAN_DOMAIN}"
    await admin.register_sender_address(agency.organisation_id, address=address, networks=[HERE])

    first = await agency.client.deliveries.submit(
        agency.letter(citizen.address, request_id="idn", sender=address)
    )
    async with post.records.grow_by():
        again = await agency.client.deliveries.submit(
            agency.letter(citizen.address, request_id="idn", sender=f"notices@{domain.name}")
        )

    assert first.delivery.sender == f"notices@{domain.name}"
    assert again.evidence == first.evidence


async def test_an_address_is_registered_for_one_organisation_only(post: Post, agency: Agency) -> None:
    police = await post.agency("Police")
    admin = (await post.operator()).admin

    async with post.records.grow_by():
        await refused(
            admin.register_sender_address(
                police.organisation_id, address=agency.sender.upper(), networks=[HERE]
            ),
            StatusCode.FAILED_PRECONDITION,
            "DOMAIN_NOT_REGISTERED",
        )
        await refused(
            admin.register_domain(police.organisation_id, name=agency.domain.upper(), document_reference="x"),
            StatusCode.ALREADY_EXISTS,
            "ALREADY_REGISTERED",
        )
        await refused(
            admin.register_sender_address(agency.organisation_id, address=agency.sender, networks=[HERE]),
            StatusCode.ALREADY_EXISTS,
            "ALREADY_REGISTERED",
        )


@pytest.mark.parametrize(
    "network", ["0.0.0.0/0", "::/0", "8.8.0.0/16", "2a00::/47", "10.0.0.0/24", "192.168.1.7", "fe80::1"]
)
async def test_a_network_too_wide_or_private_is_refused_at_registration(
    post: Post, agency: Agency, network: str
) -> None:
    admin = (await post.operator()).admin

    async with post.records.grow_by():
        refusal = await refused(
            admin.register_sender_address(
                agency.organisation_id, address=f"other@{agency.domain}", networks=[HERE, network]
            ),
            StatusCode.INVALID_ARGUMENT,
            "INVALID_FIELDS",
        )

    assert [field for field, _ in refusal.violations] == ["networks[1]"]


async def test_a_mailbox_is_opened_once_whatever_the_spelling(post: Post, citizen: Citizen) -> None:
    admin = (await post.operator()).admin

    async with post.records.grow_by():
        await refused(
            admin.open_mailbox(f"{citizen.person.personal_number}@ecitizen.am"),
            grpc.StatusCode.ALREADY_EXISTS,
            "ALREADY_REGISTERED",
        )
