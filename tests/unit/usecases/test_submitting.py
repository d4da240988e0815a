"""Submissions: one transaction, one outcome each, for ever."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence import events
from namak.evidence.document import EvidenceDocument
from namak.evidence.mailbox_link import GENESIS, link
from server.domain.mailboxes import HolderKind, MailboxState
from server.domain.reasons import Reason
from server.domain.refusals import InvalidFields, MailboxUnknown, Refused, RequestIdReused, TooManyRefusals
from server.domain.senders import ContractState
from server.usecases.submission import Accepted, Outcome
from tests.unit.usecases.world import ANI_ADDRESS, ENTITY_ADDRESS, START, World, letter


@pytest.fixture
def world() -> World:
    return World()


def accepted(outcome: Outcome) -> Accepted:
    assert isinstance(outcome, Accepted)
    return outcome


def refused(outcome: Outcome) -> Refused:
    assert isinstance(outcome, Refused)
    return outcome


async def test_accepts_with_two_facts_in_one_commit(world: World) -> None:
    (outcome,) = await world.submit(letter())
    taken = accepted(outcome)
    assert [fact.event for fact in taken.evidence] == [
        events.SUBMISSION_ACCEPTANCE,
        events.CONTENT_CONSIGNMENT,
    ]
    assert taken.evidence[0].id < taken.evidence[1].id
    assert world.uow.commits == 1
    assert world.uow.committed.queue == list(taken.evidence)
    assert world.delivery(taken.delivery.id) == taken.delivery
    assert world.log.wakes == 1


async def test_evidence_says_what_was_submitted_by_whom_to_whom(world: World) -> None:
    (outcome,) = await world.submit(letter("r-1"))
    document = EvidenceDocument.parse(accepted(outcome).evidence[0].data)
    assert document.sender.identifier == "notices@src.am"
    assert document.sender.organisation_name == "State Revenue Committee"
    assert document.recipient.identifier == ANI_ADDRESS
    assert document.notification_policy == "am-2015@1"
    assert document.event_time == document.submission_time == START
    assert [part.file_name for part in document.parts] == [None, "1.txt", "2.txt"]


async def test_the_same_request_gets_the_same_delivery_and_evidence_byte_for_byte(world: World) -> None:
    (first,) = await world.submit(letter())
    world.clock.move(timedelta(days=400))
    world.suspend(world.notices)
    (again,) = await world.submit(letter())
    assert again == first
    assert world.uow.commits == 1


async def test_a_repeated_request_shows_the_delivery_as_it_was_accepted(world: World) -> None:
    (first,) = await world.submit(letter())
    delivery = accepted(first).delivery
    async with world.uow.writing() as tx:
        assert await tx.deliveries.set_notified(delivery.mailbox_id, delivery.id, START)
        await tx.commit()
    assert world.delivery(delivery.id) != delivery
    (again,) = await world.submit(letter())
    assert accepted(again).delivery == delivery


async def test_the_same_request_id_with_other_content_stores_nothing(world: World) -> None:
    await world.submit(letter())
    before = world.uow.committed.copy()
    (outcome,) = await world.submit(letter(subject="other"))
    assert isinstance(outcome, RequestIdReused)
    assert outcome.evidence_id is None
    assert world.uow.committed == before


async def test_another_organisation_may_use_the_same_request_id(world: World) -> None:
    await world.submit(letter())
    (outcome,) = await world.submit(letter(sender="post@cadastre.am"), caller=world.sender(world.other))
    accepted(outcome)


def suspended_box(world: World) -> None:
    world.uow.committed.mailboxes[world.ani_box.id] = replace(world.ani_box, state=MailboxState.SUSPENDED)


def closed_box(world: World) -> None:
    world.uow.committed.mailboxes[world.ani_box.id] = replace(world.ani_box, state=MailboxState.CLOSED)


@pytest.mark.parametrize(
    ("prepare", "sender", "recipient", "reason"),
    [
        (lambda _: None, "post@cadastre.am", ANI_ADDRESS, Reason.SENDER_NOT_PERMITTED),
        (lambda _: None, "nobody@src.am", ANI_ADDRESS, Reason.SENDER_NOT_PERMITTED),
        (lambda _: None, "info@src.am", ANI_ADDRESS, Reason.NETWORK_NOT_PERMITTED),
        (lambda world: world.suspend(world.notices), "notices@src.am", ANI_ADDRESS, Reason.SENDER_SUSPENDED),
        (
            lambda world: world.contract(world.src, ContractState.NONE),
            "notices@src.am",
            ANI_ADDRESS,
            Reason.CONTRACT_NOT_IN_FORCE,
        ),
        (
            lambda world: world.contract(world.src, ContractState.ENDED),
            "notices@src.am",
            ANI_ADDRESS,
            Reason.CONTRACT_NOT_IN_FORCE,
        ),
        (lambda _: None, "notices@src.am", "5001950099@e-citizen.am", Reason.MAILBOX_UNKNOWN),
        (suspended_box, "notices@src.am", ANI_ADDRESS, Reason.MAILBOX_SUSPENDED),
        (closed_box, "notices@src.am", ANI_ADDRESS, Reason.MAILBOX_CLOSED),
    ],
)
async def test_refuses_with_evidence_and_keeps_the_refusal(
    world: World, prepare: Callable[[World], None], sender: str, recipient: str, reason: Reason
) -> None:
    prepare(world)
    (outcome,) = await world.submit(letter(sender=sender, recipient=recipient))
    refusal = refused(outcome)
    assert refusal.reason is reason
    assert refusal.rule.recorded
    assert refusal.evidence_id is not None
    fact = world.fact(refusal.evidence_id)
    document = EvidenceDocument.parse(fact.data)
    assert (fact.event, document.reason) == (events.SUBMISSION_REJECTION, reason.value)
    assert document.sender.organisation_code == "11223344"
    assert fact.owner_id == world.src.id
    assert not world.uow.committed.deliveries
    assert world.uow.committed.heads[world.ani_box.id].sequence == 0


async def test_a_refused_request_gets_the_same_refusal_even_when_mended(world: World) -> None:
    world.suspend(world.notices)
    (first,) = await world.submit(letter())
    world.suspend(world.notices, False)
    (again,) = await world.submit(letter())
    one, other = refused(first), refused(again)
    assert type(one) is type(other)
    assert (one.text, one.metadata, one.evidence_id) == (other.text, other.metadata, other.evidence_id)
    assert len(world.uow.committed.evidence) == 1
    (new,) = await world.submit(letter("2"))
    accepted(new)


async def test_the_first_reason_in_order_is_the_answer(world: World) -> None:
    world.contract(world.src, ContractState.SUSPENDED)
    world.suspend(world.info)
    unknown = "5001950099@e-citizen.am"
    reasons = []
    for number, (sender, at) in enumerate(
        [
            ("x@src.am", "127.0.0.9"),
            ("info@src.am", "127.0.0.9"),
            ("info@src.am", "127.0.0.2"),
            ("notices@src.am", "127.0.0.1"),
        ]
    ):
        (outcome,) = await world.submit(
            letter(str(number), sender=sender, recipient=unknown), caller=world.sender(world.src, at=at)
        )
        reasons.append(refused(outcome).reason)
    assert reasons == [
        Reason.SENDER_NOT_PERMITTED,
        Reason.NETWORK_NOT_PERMITTED,
        Reason.SENDER_SUSPENDED,
        Reason.CONTRACT_NOT_IN_FORCE,
    ]


async def test_a_sender_bound_to_one_address_uses_only_that_one(world: World) -> None:
    caller = world.sender(world.src, world.notices)
    (good,) = await world.submit(letter("1"), caller=caller)
    accepted(good)
    other = replace(caller, connection=world.sender(world.src, at="127.0.0.2").connection)
    (bad,) = await world.submit(letter("2", sender="info@src.am"), caller=other)
    assert refused(bad).reason is Reason.SENDER_NOT_PERMITTED


async def test_a_bound_sender_repeating_anothers_request_learns_nothing_and_leaves_nothing(
    world: World,
) -> None:
    await world.submit(letter())
    facts = dict(world.uow.committed.evidence)
    (outcome,) = await world.submit(letter(), caller=world.sender(world.src, world.info))
    assert refused(outcome).reason is Reason.SENDER_NOT_PERMITTED
    assert refused(outcome).evidence_id is None
    assert world.uow.committed.evidence == facts
    (again,) = await world.submit(letter())
    accepted(again)


async def test_a_batch_mixes_good_and_bad_in_one_commit_and_in_order(world: World) -> None:
    await world.submit(letter("old"))
    outcomes = await world.submit(
        letter("1"),
        letter("2", sender="post@cadastre.am"),
        letter("old"),
        letter("3", recipient=ENTITY_ADDRESS),
        letter("4", recipient="5001950099@e-citizen.am"),
        letter("5"),
    )
    kinds = [type(outcome).__name__ for outcome in outcomes]
    assert kinds == ["Accepted", "SenderNotPermitted", "Accepted", "Accepted", "MailboxUnknown", "Accepted"]
    assert world.uow.commits == 2
    assert [accepted(outcomes[index]).delivery.sequence for index in (0, 2, 3, 5)] == [2, 1, 1, 3]
    recorded = [fact.id for fact in world.uow.committed.evidence.values()]
    assert recorded == sorted(recorded)


async def test_each_mailbox_has_an_unbroken_chain_that_the_evidence_commits_to(world: World) -> None:
    for first in range(0, 12, 4):
        await world.submit(
            *(
                letter(str(number), recipient=ENTITY_ADDRESS if number % 3 == 0 else ANI_ADDRESS)
                for number in range(first, first + 4)
            )
        )
    for mailbox, count in ((world.ani_box, 8), (world.entity_box, 4)):
        previous = GENESIS
        chain = [one for one in world.uow.committed.links.values() if one.mailbox_id == mailbox.id]
        assert [one.sequence for one in chain] == list(range(1, count + 1))
        for one in chain:
            assert one.previous == previous
            assert one.link == link(one.nonce, mailbox.address, one.sequence, one.delivery_id, previous)
            (consignment,) = [
                fact
                for fact in world.uow.committed.evidence.values()
                if fact.delivery_id == one.delivery_id and fact.event == events.CONTENT_CONSIGNMENT
            ]
            assert EvidenceDocument.parse(consignment.data).details.mailbox_link == one.link  # type: ignore[union-attr]
            previous = one.link
        assert world.uow.committed.heads[mailbox.id].link == previous
    assert len({one.nonce for one in world.uow.committed.links.values()}) == 12


async def test_a_person_and_an_entity_never_share_a_chain(world: World) -> None:
    box = world.mailbox("5001950077@e-citizen.am", HolderKind.PERSON)
    await world.submit(letter("1"), letter("2", recipient=box.address))
    assert [one.previous for one in world.uow.committed.links.values()] == [GENESIS, GENESIS]


@pytest.mark.parametrize("count", [0, 501])
async def test_refuses_an_empty_or_overlong_batch_as_a_whole(world: World, count: int) -> None:
    with pytest.raises(InvalidFields):
        await world.submit(*(letter(str(number)) for number in range(count)))
    assert world.uow.commits == 0


async def test_refuses_a_batch_that_has_one_request_id_twice(world: World) -> None:
    with pytest.raises(InvalidFields) as wrong:
        await world.submit(letter("1"), letter("2"), letter("1"))
    assert [problem.field for problem in wrong.value.problems] == ["submissions[2].request_id"]
    assert not world.uow.committed.claims


async def test_refusals_over_the_limit_leave_neither_claim_nor_evidence(world: World) -> None:
    world.submissions = world.new_submissions(refusals_per_minute=2)
    unknown = "5001950099@e-citizen.am"
    outcomes = await world.submit(
        letter("bad1", recipient=unknown),
        letter("good"),
        letter("bad2", recipient=unknown),
        letter("bad3", recipient=unknown),
    )
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [MailboxUnknown, Accepted, MailboxUnknown, TooManyRefusals]
    assert {request_id for _, request_id in world.uow.committed.claims} == {"bad1", "good", "bad2"}
    assert len(world.uow.committed.evidence) == 4
    (single,) = await world.submit(letter("bad4", recipient=unknown))
    assert isinstance(single, TooManyRefusals)
    assert world.uow.commits == 1


async def test_after_a_minute_refusals_are_recorded_again(world: World) -> None:
    world.submissions = world.new_submissions(refusals_per_minute=1)
    unknown = "5001950099@e-citizen.am"
    await world.submit(letter("1", recipient=unknown))
    (limited,) = await world.submit(letter("2", recipient=unknown))
    assert isinstance(limited, TooManyRefusals)
    world.clock.move(timedelta(seconds=61))
    (recorded,) = await world.submit(letter("2", recipient=unknown))
    assert isinstance(recorded, MailboxUnknown)


async def test_a_repeated_refusal_is_answered_even_over_the_limit(world: World) -> None:
    world.submissions = world.new_submissions(refusals_per_minute=1)
    unknown = "5001950099@e-citizen.am"
    (first,) = await world.submit(letter("1", recipient=unknown))
    again = await world.submit(letter("1", recipient=unknown), letter("2", recipient=unknown))
    assert refused(again[0]).evidence_id == refused(first).evidence_id
    assert isinstance(again[1], TooManyRefusals)
