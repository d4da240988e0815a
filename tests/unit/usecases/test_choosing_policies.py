"""A sender picks among the notification policies that its contract permits (LADDER-2)."""

from dataclasses import replace

import pytest

from namak.evidence.document import EvidenceDocument
from server.domain.reasons import Reason
from server.domain.refusals import InvalidFields, NotificationPolicyNotPermitted, Refused, RequestIdReused
from server.usecases.organisations import UpdateOrganisation
from server.usecases.submission import Accepted, Outcome
from tests.unit.usecases.registers import Registers
from tests.unit.usecases.world import World, letter

USUAL, LADDER = "am-2015@1", "am-2025@2"


@pytest.fixture
def registers() -> Registers:
    return Registers()


def permit(world: World, *policies: str) -> None:
    committed = world.uow.committed.organisations
    committed[world.src.id] = replace(committed[world.src.id], notification_policies=policies)


async def submitted(world: World, policy: str | None, request_id: str = "1") -> Outcome:
    (outcome,) = await world.submit(replace(letter(request_id), notification_policy=policy))
    return outcome


@pytest.mark.parametrize(
    ("permitted", "asked", "taken"),
    [
        ((), None, USUAL),
        ((), USUAL, USUAL),
        ((LADDER,), None, LADDER),
        ((LADDER, USUAL), None, LADDER),
        ((LADDER, USUAL), USUAL, USUAL),
        ((USUAL, LADDER), LADDER, LADDER),
    ],
)
async def test_a_delivery_is_accepted_under_the_policy_picked_or_the_contracts_first(
    permitted: tuple[str, ...], asked: str | None, taken: str
) -> None:
    world = World()
    permit(world, *permitted)

    outcome = await submitted(world, asked)

    assert isinstance(outcome, Accepted)
    assert outcome.delivery.notification_policy == taken
    named = {EvidenceDocument.parse(fact.data).notification_policy for fact in outcome.evidence}
    assert named == {taken}
    assert bool(world.uow.committed.ladder_wakes) == (taken == LADDER)


@pytest.mark.parametrize(
    ("permitted", "asked"),
    [((), LADDER), ((LADDER,), USUAL), ((USUAL,), "am-2025@9")],
)
async def test_a_policy_that_is_not_permitted_is_refused_with_evidence_for_ever(
    permitted: tuple[str, ...], asked: str
) -> None:
    world = World()
    permit(world, *permitted)

    refused = await submitted(world, asked)
    permit(world, asked)
    again = await submitted(world, asked)

    assert isinstance(refused, NotificationPolicyNotPermitted)
    assert isinstance(again, Refused)
    assert again.evidence_id == refused.evidence_id
    assert refused.evidence_id is not None
    document = EvidenceDocument.parse(world.fact(refused.evidence_id).data)
    assert document.reason == Reason.NOTIFICATION_POLICY_NOT_PERMITTED.value
    assert refused.metadata["permitted"] == ", ".join(permitted or (USUAL,))
    assert not world.uow.committed.deliveries


async def test_a_delivery_keeps_its_policy_whatever_becomes_of_the_contract() -> None:
    world = World()
    permit(world, LADDER)
    outcome = await submitted(world, None)
    assert isinstance(outcome, Accepted)

    permit(world, USUAL)
    repeated = await submitted(world, None)

    assert isinstance(repeated, Accepted)
    assert repeated.delivery.notification_policy == LADDER
    assert repeated.evidence == outcome.evidence


async def test_under_one_request_id_another_policy_is_another_submission() -> None:
    world = World()
    permit(world, USUAL, LADDER)
    await submitted(world, USUAL)

    assert isinstance(await submitted(world, LADDER), RequestIdReused)


class TestSetting:
    """The operator says what a contract permits; that is an administrative act."""

    async def test_sets_the_policies_and_leaves_the_name(self, registers: Registers) -> None:
        command = UpdateOrganisation(registers.operator, "1", registers.src.id, None, "", (LADDER, USUAL))

        view = await registers.organisations.update_organisation(command)

        assert view.organisation == replace(registers.src, notification_policies=(LADDER, USUAL))
        (act,) = registers.acts_so_far()
        assert act.after is not None
        assert act.after["notification_policies"] == (LADDER, USUAL)
        back = replace(command, request_id="2", notification_policies=())
        assert (await registers.organisations.update_organisation(back)).organisation == registers.src

    async def test_a_policy_that_the_profile_does_not_have_is_named(self, registers: Registers) -> None:
        command = UpdateOrganisation(
            registers.operator, "1", registers.src.id, None, "", (USUAL, "am-2025@9")
        )

        with pytest.raises(InvalidFields) as wrong:
            await registers.organisations.update_organisation(command)

        assert [(each.field, each.reason) for each in wrong.value.problems] == [
            ("organisation.notification_policies[1]", "NO_SUCH_POLICY")
        ]
