"""What is known of holders: confirmed by signature, changed, and the agreements they accept."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from server.domain.caller import Assurance, ViaPortal
from server.domain.holders import HolderData
from server.domain.mailboxes import HolderKind, MailboxState
from server.domain.refusals import (
    AgreementNotCurrent,
    AlreadyRegistered,
    EtagMismatch,
    InvalidFields,
    MailboxSuspended,
    MailboxUnknown,
    NotFound,
    RequestIdReused,
    ResourceNotPermitted,
    SignatureInvalid,
    SignatureRequired,
    SignerNotApplicant,
    SigningCertificateExpired,
)
from server.usecases.agreements import AcceptUserAgreement, PublishUserAgreement
from server.usecases.application_commands import DecideApplication
from server.usecases.holder_profiles import ChangeHolderData, ConfirmProfile, HolderView
from server.usecases.mailbox_register import OpenMailbox, ReopenMailbox, SetMailboxState
from server.usecases.registration_ports import SignedBy
from tests.unit.usecases.registration_world import (
    AIGUL,
    AIGUL_ADDRESS,
    BOLAT,
    COMPANY,
    COMPANY_ADDRESS,
    RegistrationWorld,
    companys_form,
)

PHONE = HolderData(HolderKind.PERSON, AIGUL, "", mobile_phone="+77020000002")


@pytest.fixture
async def world() -> RegistrationWorld:
    made = RegistrationWorld()
    await made.publish()
    await made.approved()
    return made


async def confirmation(
    world: RegistrationWorld, request_id: str = "confirm", *, by: str = AIGUL
) -> ConfirmProfile:
    view = await world.holders.get(world.aigul, None)
    return ConfirmProfile(world.aigul, request_id, None, world.signatures.sign(view.confirmation_text, by))


def change(world: RegistrationWorld, request_id: str = "change", **more: object) -> ChangeHolderData:
    command = ChangeHolderData(world.aigul, request_id, None, PHONE, frozenset({"mobile_phone"}), "", "")
    return replace(command, **more)  # type: ignore[arg-type]


async def test_a_holder_confirms_their_profile_by_a_signature_over_what_is_known(
    world: RegistrationWorld,
) -> None:
    before = await world.holders.get(world.aigul, None)
    assert before.profile.confirmed_at is None
    assert AIGUL_ADDRESS in before.confirmation_text.decode()
    assert before.acceptance is not None
    assert before.acceptance.version == "1"

    view = await world.holders.confirm(await confirmation(world))

    assert view.profile.confirmed_as_is
    (mailbox,) = world.uow.committed.mailboxes.values()
    assert mailbox.confirmed_at == view.profile.confirmed_at == world.clock.now()
    (kept,) = world.uow.committed.profile_confirmations.values()
    assert (kept.text, kept.person_number) == (before.confirmation_text, AIGUL)
    act = world.acts_so_far()[-1]
    assert (act.act, act.actor.person, act.resource.identifier) == ("ConfirmProfile", AIGUL, AIGUL_ADDRESS)


async def test_confirming_again_changes_nothing(world: RegistrationWorld) -> None:
    first = await world.holders.confirm(await confirmation(world))
    acts = len(world.acts_so_far())
    assert await world.holders.confirm(await confirmation(world)) == first
    assert await world.holders.confirm(await confirmation(world, "another")) == first
    assert len(world.acts_so_far()) == acts


async def test_a_confirmation_is_answered_again_when_the_certificate_has_ended(
    world: RegistrationWorld,
) -> None:
    command = await confirmation(world)
    first = await world.holders.confirm(command)

    async def ended(cms: bytes, text: bytes, at: datetime) -> SignedBy:
        raise SigningCertificateExpired

    world.signatures.signatory = ended  # type: ignore[method-assign]
    assert await world.holders.confirm(command) == first
    with pytest.raises(SigningCertificateExpired):
        await world.holders.confirm(replace(command, request_id="another"))


async def test_a_signature_over_other_data_confirms_nothing(world: RegistrationWorld) -> None:
    command = await confirmation(world)
    await world.holders.change(change(world))
    with pytest.raises(SignatureInvalid):
        await world.holders.confirm(command)
    (mailbox,) = world.uow.committed.mailboxes.values()
    assert mailbox.confirmed_at is None


async def test_what_changes_while_the_signature_is_checked_is_not_confirmed(world: RegistrationWorld) -> None:
    command = await confirmation(world)
    signatory = world.signatures.signatory

    async def slow(*arguments):  # type: ignore[no-untyped-def]
        await world.holders.change(change(world))
        return await signatory(*arguments)

    world.signatures.signatory = slow  # type: ignore[method-assign]
    with pytest.raises(SignatureInvalid):
        await world.holders.confirm(command)
    assert world.uow.committed.profile_confirmations == {}


async def test_nobody_confirms_anothers_profile(world: RegistrationWorld) -> None:
    with pytest.raises(SignerNotApplicant):
        await world.holders.confirm(await confirmation(world, by=BOLAT))
    with pytest.raises(ResourceNotPermitted):
        await world.holders.confirm(replace(await confirmation(world), by=world.bolat))
    with pytest.raises(ResourceNotPermitted):
        await world.holders.confirm(replace(await confirmation(world), by=world.bolat, address=AIGUL_ADDRESS))


async def test_a_change_leaves_a_confirmed_mailbox_confirmed_and_the_new_data_not(
    world: RegistrationWorld,
) -> None:
    await world.holders.confirm(await confirmation(world))
    view = await world.holders.change(change(world))
    assert view.profile.data.mobile_phone == "+77020000002"
    assert view.profile.confirmed_at is not None
    assert not view.profile.confirmed_as_is
    (mailbox,) = world.uow.committed.mailboxes.values()
    assert mailbox.confirmed_at is not None
    later = await world.holders.confirm(await confirmation(world, "again"))
    assert later.profile.confirmed_as_is
    assert len(world.uow.committed.profile_confirmations) == 2


@pytest.mark.parametrize("assurance", list(Assurance))
async def test_a_session_of_a_password_changes_nothing_of_what_is_known(
    world: RegistrationWorld, assurance: Assurance
) -> None:
    # One-time codes go to the phones that stand there.
    at_a_portal = replace(world.aigul, via=ViaPortal("post.kz", UUID(int=1), assurance))
    before = await world.holders.get(world.aigul, None)
    if assurance is Assurance.SIGNATURE:
        changed = await world.holders.change(change(world, by=at_a_portal))
        assert changed.profile.data.mobile_phone == PHONE.mobile_phone
        return
    with pytest.raises(SignatureRequired):
        await world.holders.change(change(world, by=at_a_portal))
    assert await world.holders.get(world.aigul, None) == before


async def test_data_of_the_other_kind_of_holder_are_refused(world: RegistrationWorld) -> None:
    of_an_entity = HolderData(HolderKind.ENTITY, "", "", actual_address="Астана")
    acts = len(world.acts_so_far())
    by_the_holder = change(world, data=of_an_entity, fields=frozenset({"actual_address"}))
    for command in (
        by_the_holder,
        replace(by_the_holder, by=world.clerk, address=AIGUL_ADDRESS, document_reference="charter 1"),
    ):
        with pytest.raises(InvalidFields) as refused:
            await world.holders.change(command)
        assert [(each.field, each.reason) for each in refused.value.problems] == [
            ("legal_entity", "HOLDER_KIND")
        ]
    assert (await world.holders.get(world.aigul, None)).profile.data.actual_address == ""
    assert len(world.acts_so_far()) == acts


async def test_a_change_is_evidence_without_the_data(world: RegistrationWorld) -> None:
    view = await world.holders.change(change(world))
    acts = len(world.acts_so_far())
    assert await world.holders.change(change(world)) == view
    assert await world.holders.change(change(world, "to the same")) == view
    assert len(world.acts_so_far()) == acts
    assert "+77020000002" not in world.uow.committed.queue[-1].data.decode()
    with pytest.raises(RequestIdReused):
        await world.holders.change(change(world, data=replace(PHONE, mobile_phone="+77030000003")))


async def test_a_change_of_what_was_changed_meanwhile_is_refused(world: RegistrationWorld) -> None:
    etag = (await world.holders.get(world.aigul, None)).profile.etag
    await world.holders.change(change(world))
    with pytest.raises(EtagMismatch):
        await world.holders.change(change(world, "2", etag=etag))


async def test_a_clerk_changes_a_name_on_a_document(world: RegistrationWorld) -> None:
    data = HolderData(HolderKind.PERSON, "", "Айгүл Болатқызы")
    view = await world.holders.change(
        ChangeHolderData(
            world.clerk, "1", AIGUL_ADDRESS, data, frozenset({"name"}), "", "marriage certificate 12"
        )
    )
    assert (view.profile.data.name, view.profile.data.number) == ("Айгүл Болатқызы", AIGUL)
    after = world.acts_so_far()[-1].after
    assert after is not None
    assert after["document_reference"] == "marriage certificate 12"
    with pytest.raises(MailboxUnknown):
        await world.holders.get(world.clerk, "900101450014@post.kz")


async def test_a_clerk_fills_in_what_is_not_known_of_an_imported_mailbox(world: RegistrationWorld) -> None:
    address = f"{BOLAT}@post.kz"
    await world.mailboxes.open_mailbox(OpenMailbox(world.operator, "open", address))
    with pytest.raises(ResourceNotPermitted):
        await world.holders.get(world.bolat, None)
    with pytest.raises(NotFound):
        await world.holders.get(world.clerk, address)
    data = HolderData(HolderKind.PERSON, "", "Болат Ахметұлы", residence="Астана")
    command = ChangeHolderData(world.clerk, "1", address, data, frozenset({"residence"}), "", "identity card")
    with pytest.raises(InvalidFields):
        await world.holders.change(command)
    view = await world.holders.change(replace(command, fields=frozenset({"name", "residence"})))
    assert (view.profile.data.name, view.profile.signatory_number) == ("Болат Ахметұлы", BOLAT)
    signed = world.signatures.sign((await world.holders.get(world.bolat, None)).confirmation_text, BOLAT)
    confirmed = await world.holders.confirm(ConfirmProfile(world.bolat, "2", None, signed))
    assert confirmed.profile.confirmed_as_is


async def test_an_entitys_signatory_acts_for_it_and_nobody_else(world: RegistrationWorld) -> None:
    came = await world.desk.submit(
        await world.signed(companys_form(), world.bolat, "company", entity=COMPANY)
    )
    await world.desk.decide(DecideApplication(world.clerk, "company", came.application.id))

    async def seen(address: str) -> HolderView:
        return await world.holders.get(world.bolat, address)

    view = await seen(COMPANY_ADDRESS)
    for named in (None, "200240012350"):
        # Bolat's own certificate, and one of another company of his.
        cms = world.signatures.sign(view.confirmation_text, BOLAT, named)
        with pytest.raises(SignerNotApplicant):
            await world.holders.confirm(ConfirmProfile(world.bolat, "0", COMPANY_ADDRESS, cms))
    assert (await seen(COMPANY_ADDRESS)).profile.confirmed_at is None
    cms = world.signatures.sign(view.confirmation_text, BOLAT, COMPANY)
    confirmed = await world.holders.confirm(ConfirmProfile(world.bolat, "1", COMPANY_ADDRESS, cms))
    assert confirmed.profile.confirmed_as_is
    with pytest.raises(ResourceNotPermitted):
        await world.holders.get(world.aigul, COMPANY_ADDRESS)
    with pytest.raises(ResourceNotPermitted):
        await seen(AIGUL_ADDRESS)


async def test_a_holder_accepts_the_agreement_in_force_once(world: RegistrationWorld) -> None:
    await world.publish("2")
    with pytest.raises(AgreementNotCurrent):
        await world.agreements.accept(AcceptUserAgreement(world.aigul, "1", "1", None))
    with pytest.raises(NotFound):
        await world.agreements.accept(AcceptUserAgreement(world.aigul, "1", "3", None))
    command = AcceptUserAgreement(world.aigul, "1", "2", None)
    accepted = await world.agreements.accept(command)
    assert accepted.accepted_at == world.clock.now()
    acts = len(world.acts_so_far())
    assert await world.agreements.accept(command) == accepted
    assert await world.agreements.accept(replace(command, request_id="2")) == accepted
    assert len(world.acts_so_far()) == acts
    with pytest.raises(ResourceNotPermitted):
        await world.agreements.accept(replace(command, by=world.bolat))


async def test_a_version_of_the_agreement_is_published_once(world: RegistrationWorld) -> None:
    with pytest.raises(AlreadyRegistered):
        await world.agreements.publish(PublishUserAgreement(world.operator, "other", "1", (("kk", "Басқа"),)))
    current = await world.agreements.get("")
    assert current == await world.agreements.get("1")
    await world.publish("2")
    assert not (await world.agreements.get("1")).current
    assert (await world.agreements.get("")).agreement.version == "2"
    with pytest.raises(NotFound):
        await world.agreements.get("3")


async def test_a_closed_mailbox_is_opened_again_for_its_holder(world: RegistrationWorld) -> None:
    async def to(state: MailboxState, request_id: str) -> None:
        await world.mailboxes.set_state(SetMailboxState(world.operator, request_id, AIGUL_ADDRESS, state))

    await to(MailboxState.SUSPENDED, "1")
    with pytest.raises(MailboxSuspended):
        await world.mailboxes.reopen(ReopenMailbox(world.operator, "2", AIGUL_ADDRESS))
    await to(MailboxState.CLOSED, "3")
    opened = await world.mailboxes.reopen(ReopenMailbox(world.operator, "4", AIGUL_ADDRESS))
    assert opened.state is MailboxState.OPEN
    assert await world.mailboxes.reopen(ReopenMailbox(world.operator, "4", AIGUL_ADDRESS)) == opened
    assert [act.act for act in world.acts_so_far()].count("ReopenMailbox") == 1
    with pytest.raises(MailboxUnknown):
        await world.mailboxes.reopen(ReopenMailbox(world.operator, "5", "900101450014@post.kz"))
