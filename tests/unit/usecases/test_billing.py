"""What senders used: who may ask, what is counted, and that the evidence says the same."""

import ipaddress
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from server.domain.administration import ActingAdministrator, Administrator
from server.domain.caller import Connection, Operator, Sender
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.refusals import InvalidFields, NotFound, ResourceNotPermitted
from server.domain.senders import Organisation
from server.domain.usage import Usage, UsageDifference
from server.jurisdictions.am import AM
from server.usecases.billing import AskUsage, Billing
from server.usecases.intake import Accepted
from server.usecases.usage_audit import UsageAudit
from tests.unit.usecases.world import ANI, START, World, letter

CONNECTION = Connection(bytes(32), ipaddress.ip_address("127.0.0.1"))
OPERATOR = Operator(CONNECTION)
# START is 23:42 UTC on the 21st: in Yerevan it is the 22nd already.
TODAY = date(2026, 11, 22)
DAY = timedelta(days=1)


def ask(
    by: Operator | ActingAdministrator | Sender,
    *,
    organisation_id: UUID | None = None,
    sender: str | None = None,
    first: date = TODAY,
    last: date = TODAY,
) -> AskUsage:
    return AskUsage(by, organisation_id, sender, first, last)


def billing(world: World) -> Billing:
    return Billing(uow=world.uow, profile=AM)


def audit(world: World) -> UsageAudit:
    return UsageAudit(uow=world.uow, clock=world.clock, profile=AM)


async def sent(world: World, request_id: str, sender: str = "notices@src.am") -> Delivery:
    caller = world.sender(world.src, at="127.0.0.1" if sender == "notices@src.am" else "127.0.0.2")
    (outcome,) = await world.submit(letter(request_id, sender=sender), caller=caller)
    assert isinstance(outcome, Accepted)
    return outcome.delivery


def change(world: World, delivery: Delivery, **values: object) -> None:
    stored = world.uow.committed.deliveries
    key = (delivery.mailbox_id, delivery.id)
    stored[key] = replace(stored[key], **values)  # type: ignore[arg-type]


async def test_counts_one_for_each_accepted_recipient_by_day_and_by_address() -> None:
    world = World()
    await sent(world, "1")
    await sent(world, "2", "info@src.am")
    world.clock.move(DAY)
    await sent(world, "3")

    report = await billing(world).usage(ask(world.agency, last=TODAY + DAY))

    assert report.time_zone == "Asia/Yerevan"
    assert report.total == Usage(3, 0)
    assert report.days == ((TODAY, Usage(2, 0)), (TODAY + DAY, Usage(1, 0)))
    assert report.addresses == (("info@src.am", Usage(1, 0)), ("notices@src.am", Usage(2, 0)))


async def test_a_repeated_submission_and_a_refused_one_are_not_counted() -> None:
    world = World()
    await sent(world, "1")
    await sent(world, "1")
    world.suspend(world.info)
    await world.submit(letter("2", sender="info@src.am"))

    assert (await billing(world).usage(ask(world.agency))).total == Usage(1, 0)


async def test_a_withdrawn_message_stays_counted_and_is_shown_apart() -> None:
    world = World()
    change(world, await sent(world, "1"), state=DeliveryState.WITHDRAWN, withdrawn_at=START)

    assert (await billing(world).usage(ask(world.agency))).total == Usage(1, 1)


async def test_one_address_can_be_asked_for_also_one_that_never_sent() -> None:
    world = World()
    await sent(world, "1")

    assert (await billing(world).usage(ask(world.agency, sender="notices@src.am"))).total == Usage(1, 0)
    report = await billing(world).usage(ask(world.agency, sender="gone@src.am"))
    assert (report.total, report.days, report.addresses) == (Usage(), (), ())


async def test_a_sender_bound_to_one_address_sees_only_what_that_one_sent() -> None:
    world = World()
    await sent(world, "1")
    await sent(world, "2", "info@src.am")
    bound = world.sender(world.src, world.info)

    assert (await billing(world).usage(ask(bound))).addresses == (("info@src.am", Usage(1, 0)),)
    assert (await billing(world).usage(ask(bound, sender="notices@src.am"))).total == Usage()


def administrator(world: World, of: Organisation, *, enabled: bool = True) -> ActingAdministrator:
    """Returns a person who acts for an organisation, and is one of its administrators, or was."""
    world.uow.committed.administrators[of.id, ANI] = Administrator(
        of.id, ANI, "Անի", START, None if enabled else START
    )
    return ActingAdministrator(CONNECTION, ANI, of.id)


async def test_the_operator_an_administrator_and_the_sender_itself_are_told() -> None:
    world = World()
    await sent(world, "1")
    acting = administrator(world, world.src)

    for asked in (
        ask(OPERATOR, organisation_id=world.src.id),
        ask(acting),
        ask(acting, organisation_id=world.src.id),
        ask(world.agency, organisation_id=world.src.id),
    ):
        assert (await billing(world).usage(asked)).total == Usage(1, 0)


async def test_nobody_is_told_what_others_sent() -> None:
    world = World()
    acting = administrator(world, world.src)

    for asked in (
        ask(acting, organisation_id=world.other.id),
        # Another's and an absent one look the same.
        ask(acting, organisation_id=uuid4()),
        ask(world.agency, organisation_id=world.other.id),
        ask(world.agency, organisation_id=uuid4()),
    ):
        with pytest.raises(ResourceNotPermitted):
            await billing(world).usage(asked)


async def test_an_administrator_who_was_disabled_meanwhile_is_told_nothing() -> None:
    world = World()

    with pytest.raises(ResourceNotPermitted):
        await billing(world).usage(ask(administrator(world, world.src, enabled=False)))


async def test_the_operator_names_an_organisation_that_exists() -> None:
    world = World()

    with pytest.raises(InvalidFields) as refused:
        await billing(world).usage(ask(OPERATOR))
    assert [problem.field for problem in refused.value.problems] == ["organisation_id"]
    with pytest.raises(NotFound):
        await billing(world).usage(ask(OPERATOR, organisation_id=uuid4()))


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        (TODAY, TODAY - DAY, "DAYS_REVERSED"),
        (TODAY, TODAY + 1100 * DAY, "TOO_MANY_DAYS"),
        (date.min, TODAY, "DAY_OUT_OF_RANGE"),
        (TODAY, date.max, "DAY_OUT_OF_RANGE"),
    ],
)
async def test_days_that_make_no_sense_are_refused(first: date, last: date, reason: str) -> None:
    world = World()

    with pytest.raises(InvalidFields) as refused:
        await billing(world).usage(ask(world.agency, first=first, last=last))

    assert [problem.reason for problem in refused.value.problems] == [reason]


async def test_a_recount_from_the_evidence_finds_no_difference() -> None:
    world = World()
    await sent(world, "1")
    await sent(world, "2", "info@src.am")
    world.clock.move(DAY)
    await sent(world, "3")
    world.clock.move(timedelta(minutes=2))
    seen: list[int] = []

    findings = await audit(world).run(TODAY, TODAY + DAY, on_progress=seen.append)

    assert (findings.facts, findings.differences, findings.corrupt) == (3, (), ())
    assert findings.unlogged == 3  # the fake has no log


async def test_a_recount_finds_what_was_billed_otherwise_than_the_evidence_says() -> None:
    world = World()
    lost, moved, forged = await sent(world, "1"), await sent(world, "2"), await sent(world, "3")
    del world.uow.committed.deliveries[lost.mailbox_id, lost.id]
    change(world, moved, submitted_at=moved.submitted_at + DAY)
    change(world, forged, sender="info@src.am")
    world.clock.move(2 * DAY)

    findings = await audit(world).run(TODAY, TODAY + DAY, world.src.id)

    assert findings.differences == (
        UsageDifference(world.src.id, TODAY, "info@src.am", Usage(1, 0), Usage()),
        UsageDifference(world.src.id, TODAY, "notices@src.am", Usage(), Usage(3, 0)),
        UsageDifference(world.src.id, TODAY + DAY, "notices@src.am", Usage(1, 0), Usage()),
    )


async def test_a_recount_finds_evidence_whose_bytes_the_log_does_not_vouch_for() -> None:
    world = World()
    await sent(world, "1")
    (fact,) = [
        each for each in world.uow.committed.evidence.values() if each.event.name == "SubmissionAcceptance"
    ]
    world.uow.committed.queue.clear()
    key = next(key for key, value in world.uow.committed.evidence.items() if value is fact)
    world.uow.committed.evidence[key] = replace(fact, data=fact.data.replace(b"State", b"Stale"))
    world.clock.move(timedelta(minutes=2))

    findings = await audit(world).run(TODAY, TODAY)

    assert (findings.corrupt, findings.unlogged) == ((fact.id,), 0)


async def test_a_recount_goes_on_over_evidence_that_can_not_be_read() -> None:
    world = World()
    for request_id in ("1", "2"):
        await sent(world, request_id)
    fact = next(
        each for each in world.uow.committed.evidence.values() if each.event.name == "SubmissionAcceptance"
    )
    world.uow.committed.queue.clear()
    key = next(key for key, value in world.uow.committed.evidence.items() if value is fact)
    world.uow.committed.evidence[key] = replace(fact, data=fact.data[:-1])
    world.clock.move(timedelta(minutes=2))

    findings = await audit(world).run(TODAY, TODAY)

    assert (findings.facts, findings.corrupt) == (2, (fact.id,))
    assert findings.differences == (
        UsageDifference(world.src.id, TODAY, "notices@src.am", Usage(2, 0), Usage(1, 0)),
    )


async def test_a_recount_of_an_organisation_that_does_not_exist_is_refused() -> None:
    with pytest.raises(NotFound):
        await audit(World()).run(TODAY, TODAY, uuid4())


async def test_what_comes_in_while_the_recount_runs_makes_no_difference() -> None:
    world = World()
    await sent(world, "1")
    world.clock.move(timedelta(minutes=2))
    running = audit(world)
    begun: list[bool] = []
    recount = running._recount

    async def busy(*arguments: object) -> object:
        found = await recount(*arguments)  # type: ignore[arg-type]
        if not begun:
            begun.append(True)
            await sent(world, "2")
        return found

    running._recount = busy  # type: ignore[method-assign,assignment]

    assert (await running.run(TODAY, TODAY)).differences == ()
