"""Delegates and signatories: what they may do in somebody else's mailbox, and for how long."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from namak.evidence.administrative_act import ActorKind
from namak.evidence.delegation import DelegationTerms, Right
from namak.evidence.details import AccessDetails, ConfirmationDetails
from namak.evidence.document import RecordedFact
from namak.evidence.statement import Statement
from server.domain.caller import Assurance, Holder, Operator, ViaPortal
from server.domain.delegations import Delegation
from server.domain.deliveries import Delivery
from server.domain.refusals import (
    AlreadyRegistered,
    InvalidFields,
    InvalidPageToken,
    MailboxUnknown,
    Refused,
    RequestIdReused,
    ResourceNotPermitted,
    SignatureRequired,
    SignerNotRecipient,
    StatementNotIssued,
)
from server.usecases.delegations import ListDelegations
from server.usecases.evidence import GetReceipt, ListFacts
from server.usecases.mailboxes import ListLinks, ListMessages
from server.usecases.reading import ConfirmReading, IssueStatement, OpenMessage, ReadPart
from tests.unit.usecases.delegation_world import LONG, Scene
from tests.unit.usecases.world import ANI, ANI_ADDRESS, BOB, ENTITY_ADDRESS, START


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def every_way_in(scene: Scene, who: Holder, delivery: Delivery, mailbox: str | None) -> set[type]:
    """Tries everything in a mailbox; returns how it was refused."""
    tried = await asyncio.gather(
        scene.mailboxes.get_mailbox(who, mailbox),
        scene.mailboxes.list_messages(ListMessages(who, 0, "", mailbox=mailbox)),
        scene.mailboxes.list_links(ListLinks(who, 0, "", mailbox)),
        scene.reading.open_message(OpenMessage(who, delivery.id, mailbox)),
        scene.reading.read_part(ReadPart(who, delivery.id, 1, mailbox)),
        scene.reading.issue_statement(IssueStatement(who, delivery.id, mailbox)),
        scene.reading.confirm_reading(ConfirmReading(who, delivery.id, delivery.id, b"cms", mailbox)),
        scene.evidence.list_facts(ListFacts(who, delivery.id, 0, "", mailbox)),
        scene.standings.check(who, mailbox),
        scene.grant(who, "5001950099", mailbox=mailbox),
        scene.delegations.list_delegations(ListDelegations(who, 0, "", mailbox, False, False)),
        return_exceptions=True,
    )
    assert all(isinstance(each, Refused) for each in tried), tried
    return {type(each) for each in tried}


async def test_a_delegate_reads_and_confirms_by_the_act_that_gave_the_right(scene: Scene) -> None:
    delivery = await scene.delivered()
    granted = await scene.grant(scene.ani)
    (act,) = scene.acts()

    confirmed = await scene.confirm(scene.bob, delivery, ANI_ADDRESS)

    evidence = RecordedFact.parse(confirmed.evidence[0].data).document
    assert isinstance(evidence.details, ConfirmationDetails)
    assert evidence.details.right == act.digest == granted.grant_digest.hex()
    assert Statement.parse(evidence.details.statement.encode()).right == act.digest
    facts = {
        fact.event.name: fact
        for fact in (await scene.evidence.list_facts(ListFacts(scene.ani, delivery.id, 0, ""))).items
    }
    opened = RecordedFact.parse(facts["ContentAccessTracking"].data).document.details
    assert isinstance(opened, AccessDetails)
    assert opened.right == act.digest
    assert BOB.encode() not in facts["ContentAccessTracking"].data
    assert "NotificationEffected" in facts


async def test_granting_is_an_act_that_tells_its_terms_and_not_from_where_it_was_asked(scene: Scene) -> None:
    granted = await scene.grant(scene.ani, right=Right.READ)

    (act,) = scene.acts()
    details = act.document.details
    assert DelegationTerms.granted_by(act) == granted.terms
    assert granted.terms == DelegationTerms(ANI_ADDRESS, BOB, Right.READ, START, START + LONG)
    assert (details.actor.kind, details.actor.person) == (ActorKind.HOLDER, ANI)
    assert (details.acted_from, details.request_id) == (None, None)
    revoked = await scene.revoke(scene.ani, granted)
    taken = scene.acts()[-1].document.details
    assert taken.act == "RevokeDelegation"
    assert taken.before == details.after
    assert revoked.revoke_evidence_id == scene.acts()[-1].document.evidence_id


async def test_nobody_without_a_right_gets_in_and_all_get_the_same_answer(scene: Scene) -> None:
    delivery = await scene.delivered()

    for address in (ANI_ADDRESS, ENTITY_ADDRESS, "5001959999@e-citizen.am"):
        assert await every_way_in(scene, scene.bob, delivery, address) == {ResourceNotPermitted}


async def test_a_right_in_one_mailbox_is_none_in_another(scene: Scene) -> None:
    delivery = await scene.delivered(recipient=ENTITY_ADDRESS)
    await scene.grant(scene.ani)

    assert await every_way_in(scene, scene.bob, delivery, ENTITY_ADDRESS) == {ResourceNotPermitted}
    # And what lies in one mailbox is not found in another that one may act for.
    with pytest.raises(ResourceNotPermitted):
        await scene.reading.open_message(OpenMessage(scene.bob, delivery.id, ANI_ADDRESS))


async def test_a_right_to_read_is_none_to_confirm(scene: Scene) -> None:
    delivery = await scene.delivered()
    await scene.grant(scene.ani, right=Right.READ)

    await scene.reading.open_message(OpenMessage(scene.bob, delivery.id, ANI_ADDRESS))
    assert (await scene.reading.read_part(ReadPart(scene.bob, delivery.id, 1, ANI_ADDRESS))).content
    with pytest.raises(ResourceNotPermitted):
        await scene.reading.issue_statement(IssueStatement(scene.bob, delivery.id, ANI_ADDRESS))


async def test_a_delegate_neither_delegates_nor_sees_links_nor_who_else_has_rights(scene: Scene) -> None:
    granted = await scene.grant(scene.ani)

    for refused in (
        scene.grant(scene.bob, "5001950099", mailbox=ANI_ADDRESS),
        scene.revoke(scene.bob, granted),
        scene.mailboxes.list_links(ListLinks(scene.bob, 0, "", ANI_ADDRESS)),
        scene.delegations.list_delegations(ListDelegations(scene.bob, 0, "", ANI_ADDRESS, False, False)),
    ):
        with pytest.raises(ResourceNotPermitted):
            await refused


@pytest.mark.parametrize("how", ["revoked", "over", "not begun"])
async def test_once_it_ends_or_before_it_begins_a_right_is_none(scene: Scene, how: str) -> None:
    delivery = await scene.delivered()
    starts_in = timedelta(hours=1) if how == "not begun" else None
    granted = await scene.grant(scene.ani, starts_in=starts_in)
    if how == "revoked":
        await scene.revoke(scene.ani, granted)
    elif how == "over":
        scene.clock.move(LONG)

    assert await every_way_in(scene, scene.bob, delivery, ANI_ADDRESS) == {ResourceNotPermitted}


async def test_a_right_counts_until_its_last_moment(scene: Scene) -> None:
    await scene.grant(scene.ani)
    scene.clock.move(LONG - timedelta(microseconds=1))
    await scene.standings.check(scene.bob, ANI_ADDRESS)
    scene.clock.move(timedelta(microseconds=1))
    with pytest.raises(ResourceNotPermitted):
        await scene.standings.check(scene.bob, ANI_ADDRESS)


async def test_a_statement_of_an_earlier_right_is_not_signed_under_a_later_one(scene: Scene) -> None:
    delivery = await scene.delivered()
    granted = await scene.grant(scene.ani)
    await scene.reading.open_message(OpenMessage(scene.bob, delivery.id, ANI_ADDRESS))
    old = await scene.reading.issue_statement(IssueStatement(scene.bob, delivery.id, ANI_ADDRESS))
    await scene.revoke(scene.ani, granted)
    await scene.grant(scene.ani)

    cms = scene.cards.sign(BOB, old.text)
    with pytest.raises(StatementNotIssued):
        await scene.reading.confirm_reading(ConfirmReading(scene.bob, delivery.id, old.id, cms, ANI_ADDRESS))
    new = await scene.reading.issue_statement(IssueStatement(scene.bob, delivery.id, ANI_ADDRESS))
    assert new.id != old.id


async def test_a_right_that_is_taken_back_while_the_signature_is_judged_confirms_nothing(
    scene: Scene,
) -> None:
    delivery = await scene.delivered()
    granted = await scene.grant(scene.ani)
    await scene.reading.open_message(OpenMessage(scene.bob, delivery.id, ANI_ADDRESS))
    issued = await scene.reading.issue_statement(IssueStatement(scene.bob, delivery.id, ANI_ADDRESS))
    judge = scene.cards.verify

    async def revoked_meanwhile(cms: bytes, statement: bytes, at: object) -> object:
        await scene.revoke(scene.ani, granted)
        return await judge(cms, statement, at)  # type: ignore[arg-type]

    scene.cards.verify = revoked_meanwhile  # type: ignore[method-assign, assignment]
    cms = scene.cards.sign(BOB, issued.text)
    with pytest.raises(ResourceNotPermitted):
        await scene.reading.confirm_reading(
            ConfirmReading(scene.bob, delivery.id, issued.id, cms, ANI_ADDRESS)
        )
    assert scene.uow.committed.confirmations == {}


async def test_the_signature_must_be_the_delegates_own(scene: Scene) -> None:
    delivery = await scene.delivered()
    await scene.grant(scene.ani)
    await scene.reading.open_message(OpenMessage(scene.bob, delivery.id, ANI_ADDRESS))
    issued = await scene.reading.issue_statement(IssueStatement(scene.bob, delivery.id, ANI_ADDRESS))

    with pytest.raises(SignerNotRecipient):
        await scene.reading.confirm_reading(
            ConfirmReading(scene.bob, delivery.id, issued.id, scene.cards.sign(ANI, issued.text), ANI_ADDRESS)
        )


async def test_a_signatory_stands_as_the_holder_and_names_staff(scene: Scene) -> None:
    delivery = await scene.delivered(recipient=ENTITY_ADDRESS)
    assert (
        await scene.mailboxes.list_links(ListLinks(scene.director, 0, "", ENTITY_ADDRESS))
    ).head.sequence == 1
    granted = await scene.grant(scene.director, mailbox=ENTITY_ADDRESS)
    assert granted.terms.under == scene.entry.digest.hex()

    await scene.confirm(scene.bob, delivery, ENTITY_ADDRESS)

    uses = scene.uow.committed.right_uses[(scene.entity_box.id, delivery.id)][1]
    assert uses == (scene.entry.evidence_id, granted.grant_evidence_id)
    other = await scene.delivered("2", recipient=ENTITY_ADDRESS)
    confirmed = await scene.confirm(scene.director, other, ENTITY_ADDRESS)
    details = RecordedFact.parse(confirmed.evidence[0].data).document.details
    assert isinstance(details, ConfirmationDetails)
    assert details.right == scene.entry.digest.hex()


async def test_the_sender_gets_the_receipt_of_the_act_behind_its_confirmation_and_of_no_other(
    scene: Scene,
) -> None:
    delivery = await scene.delivered()
    unused = await scene.grant(scene.ani, "5001950098")
    granted = await scene.grant(scene.ani)
    wanted = granted.grant_evidence_id

    async def may(caller: object, evidence_id: UUID, mailbox: str | None = None) -> bool:
        try:
            await scene.evidence.receipt(GetReceipt(caller, evidence_id, 0, mailbox=mailbox))  # type: ignore[arg-type]
        except ResourceNotPermitted:
            return False
        return True

    assert not await may(scene.agency, wanted)
    await scene.confirm(scene.bob, delivery, ANI_ADDRESS)

    assert await may(scene.agency, wanted)
    assert not await may(scene.agency, unused.grant_evidence_id)
    assert not await may(scene.sender(scene.other), wanted)
    assert await may(scene.ani, wanted)
    assert await may(scene.bob, wanted)
    assert await may(scene.ani, unused.grant_evidence_id)
    assert not await may(scene.director, wanted)
    listed = [
        fact.id
        for fact in (await scene.evidence.list_facts(ListFacts(scene.agency, delivery.id, 0, ""))).items
    ]
    assert listed[-1] == wanted


async def test_of_two_grants_at_once_one_is_made(scene: Scene) -> None:
    outcomes = await asyncio.gather(*(scene.grant(scene.ani) for _ in range(3)), return_exceptions=True)

    assert sorted(type(each).__name__ for each in outcomes) == ["AlreadyRegistered"] * 2 + ["Delegation"]
    (granted,) = [each for each in outcomes if isinstance(each, Delegation)]
    outcomes = await asyncio.gather(*(scene.revoke(scene.ani, granted) for _ in range(3)))
    assert len({each.revoke_evidence_id for each in outcomes if isinstance(each, Delegation)}) == 1
    assert [act.document.details.act for act in scene.acts()] == ["GrantDelegation", "RevokeDelegation"]


async def test_a_repeated_request_grants_once_and_another_under_its_id_nothing(scene: Scene) -> None:
    first = await scene.grant(scene.ani, request_id="same")

    assert await scene.grant(scene.ani, request_id="same") == first
    with pytest.raises(RequestIdReused):
        await scene.grant(scene.ani, "5001950098", request_id="same")
    with pytest.raises(AlreadyRegistered):
        await scene.grant(scene.ani, request_id="another")
    revoked = await scene.revoke(scene.ani, first, "take")
    assert await scene.revoke(scene.ani, first, "take") == revoked
    assert (await scene.grant(scene.ani, request_id="later")).id != first.id


@pytest.mark.parametrize(
    ("delegate", "starts_in", "ends_in", "field"),
    [
        (ANI, None, LONG, "delegate"),
        (BOB, None, timedelta(days=1827), "expire_time"),
        (BOB, None, timedelta(0), "expire_time"),
        (BOB, timedelta(days=2), timedelta(days=1), "expire_time"),
    ],
)
async def test_refuses_a_grant_to_oneself_or_for_a_wrong_time(
    scene: Scene, delegate: str, starts_in: timedelta | None, ends_in: timedelta, field: str
) -> None:
    with pytest.raises(InvalidFields) as refused:
        await scene.grant(scene.ani, delegate, starts_in=starts_in, ends_in=ends_in)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert scene.acts() == []


async def test_with_a_password_alone_nobody_acts_for_others(scene: Scene) -> None:
    delivery = await scene.delivered()
    await scene.grant(scene.ani)
    weak = replace(scene.bob, via=ViaPortal("e-citizen.am", uuid4(), Assurance.PASSWORD))

    for address in (ANI_ADDRESS, "5001959999@e-citizen.am"):
        assert await every_way_in(scene, weak, delivery, address) == {SignatureRequired}
    with pytest.raises(SignatureRequired):
        await scene.delegations.list_delegations(ListDelegations(weak, 0, "", None, True, False))


async def test_lists_what_was_given_and_what_was_received(scene: Scene) -> None:
    first = await scene.grant(scene.ani, right=Right.READ)
    second = await scene.grant(scene.ani, "5001950098")
    await scene.revoke(scene.ani, first)
    third = await scene.grant(scene.director, mailbox=ENTITY_ADDRESS)

    async def listed(by: Holder | Operator, mailbox: str | None = None, **asked: bool) -> list[UUID]:
        command = ListDelegations(
            by, 0, "", mailbox, asked.get("received", False), asked.get("show_ended", False)
        )
        return [each.id for each in (await scene.delegations.list_delegations(command)).items]

    assert await listed(scene.ani) == [second.id]
    assert await listed(scene.ani, show_ended=True) == [second.id, first.id]
    assert await listed(scene.bob, received=True) == [third.id]
    assert await listed(scene.bob, received=True, show_ended=True) == [third.id, first.id]
    assert await listed(scene.director, ENTITY_ADDRESS) == [third.id]
    operator = Operator(scene.ani.connection)
    assert await listed(operator, ANI_ADDRESS) == [second.id]
    with pytest.raises(MailboxUnknown):
        await listed(operator, "5001959999@e-citizen.am")


async def test_leads_from_page_to_page_of_the_same_list(scene: Scene) -> None:
    made = [await scene.grant(scene.ani, f"500195010{number}") for number in range(3)]

    first = await scene.delegations.list_delegations(ListDelegations(scene.ani, 2, "", None, False, False))
    rest = await scene.delegations.list_delegations(
        ListDelegations(scene.ani, 2, first.next_page_token, None, False, False)
    )

    assert [each.id for each in (*first.items, *rest.items)] == [each.id for each in made[::-1]]
    assert rest.next_page_token == ""
    with pytest.raises(InvalidPageToken):
        await scene.delegations.list_delegations(
            ListDelegations(scene.bob, 2, first.next_page_token, None, True, False)
        )
