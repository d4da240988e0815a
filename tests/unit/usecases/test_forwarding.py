"""Forwarding targets and their codes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.forwarding import CODES_A_DAY, ForwardedContent, TargetKind
from server.domain.jobs import SEND_CODE, SPREAD
from server.domain.refusals import (
    AlreadyRegistered,
    ForwardingCodeEnded,
    ForwardingCodeWrong,
    ForwardingNotOffered,
    InvalidFields,
    RequestIdReused,
    ResourceNotPermitted,
    TooManyForwardingCodes,
    TooManyForwardingTargets,
)
from server.jurisdictions.am import AM
from server.usecases.forwarding import ChangeTarget, OfTarget
from tests.unit.usecases.forwarding_world import HOME, Forwarding
from tests.unit.usecases.world import ANI_ADDRESS, BOB

NOTICE, WHOLE = ForwardedContent.NOTICE, ForwardedContent.WHOLE


@pytest.fixture
def scene() -> Forwarding:
    return Forwarding()


async def test_a_target_is_verified_by_the_code_that_was_sent_to_it(scene: Forwarding) -> None:
    target = await scene.add(language="ru")
    assert await scene.run(SEND_CODE) == 1
    (mail,) = scene.mail.sent
    (before,) = await scene.forwarding.list_targets(scene.ani, None)

    after = await scene.forwarding.verify_target(OfTarget(scene.ani, None, target, code=scene.code()))
    again = await scene.forwarding.verify_target(OfTarget(scene.ani, None, target, code="000000"))

    assert (mail.to, mail.bounces_to) == (HOME, "")
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert "Ваш код" in mail.message["Subject"]
    assert before.verified_at is None
    assert before.code is not None
    assert scene.code().encode() not in (before.code.digest, before.code.salt)
    assert again == after == replace(before, verified_at=scene.clock.now(), code=None)


async def test_a_code_ends_after_five_wrong_tries_and_another_one_counts(scene: Forwarding) -> None:
    target = await scene.add()
    await scene.run(SEND_CODE)
    right = scene.code()
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    seen = []
    for code in (*[wrong] * 5, right):
        with pytest.raises((ForwardingCodeWrong, ForwardingCodeEnded)) as refused:
            await scene.forwarding.verify_target(OfTarget(scene.ani, None, target, code=code))
        seen.append(refused.value.metadata.get("tries_left"))
    await scene.forwarding.send_code(OfTarget(scene.ani, None, target))
    await scene.run(SEND_CODE)

    assert seen == ["4", "3", "2", "1", None, None]
    assert (
        await scene.forwarding.verify_target(OfTarget(scene.ani, None, target, code=scene.code()))
    ).verified_at


async def test_a_code_ends_with_its_time(scene: Forwarding) -> None:
    target = await scene.add()
    await scene.run(SEND_CODE)
    scene.clock.move(timedelta(minutes=30))

    with pytest.raises(ForwardingCodeEnded):
        await scene.forwarding.verify_target(OfTarget(scene.ani, None, target, code=scene.code()))


async def test_nobody_is_flooded_with_codes_from_one_mailbox_or_several(scene: Forwarding) -> None:
    target = await scene.add()
    scene.clock.move(timedelta(hours=5, milliseconds=500))
    for _ in range(CODES_A_DAY - 1):
        await scene.forwarding.send_code(OfTarget(scene.ani, None, target))
    with pytest.raises(TooManyForwardingCodes) as refused:
        await scene.forwarding.send_code(OfTarget(scene.ani, None, target))
    with pytest.raises(TooManyForwardingCodes):
        await scene.add(by=scene.bob)
    await scene.add("bob@example.am", by=scene.bob)
    scene.clock.move(timedelta(seconds=refused.value.retry_after_seconds - 1))
    with pytest.raises(TooManyForwardingCodes):
        await scene.forwarding.send_code(OfTarget(scene.ani, None, target))
    scene.clock.move(timedelta(seconds=1))
    await scene.forwarding.send_code(OfTarget(scene.ani, None, target))

    assert refused.value.metadata == {"limit_per_day": str(CODES_A_DAY)}
    assert refused.value.retry_after_seconds == timedelta(hours=19).total_seconds()


async def test_there_are_as_many_targets_as_the_profile_permits_and_each_once(scene: Forwarding) -> None:
    first = await scene.add("a@example.am", request_id="first")
    with pytest.raises(AlreadyRegistered):
        await scene.add("a@example.am")
    await scene.add("b@example.am")
    await scene.add("c@example.am")
    with pytest.raises(TooManyForwardingTargets) as refused:
        await scene.add("d@example.am")

    assert AM.forwarding.targets == 3
    assert refused.value.metadata == {"limit": "3"}
    assert await scene.add("a@example.am", request_id="first") == first
    with pytest.raises(RequestIdReused):
        await scene.add("e@example.am", request_id="first")


async def test_what_there_is_no_gateway_for_is_refused_and_told_so(scene: Forwarding) -> None:
    with pytest.raises(ForwardingNotOffered) as phone:
        await scene.add("+37491123456", kind=TargetKind.PHONE)
    scene.forwarding = scene.forwarding_by(frozenset())
    with pytest.raises(ForwardingNotOffered) as mail:
        await scene.add()

    assert [each.value.metadata for each in (phone, mail)] == [{"gateway": "SMS"}, {"gateway": "mail"}]
    assert scene.uow.committed.jobs == {}


async def test_targets_are_the_holder_s_and_nobody_else_s(scene: Forwarding) -> None:
    target = await scene.add()
    await scene.grant(scene.ani, BOB)
    for by, mailbox in ((scene.bob, None), (scene.bob, ANI_ADDRESS)):
        for asked in (
            scene.forwarding.send_code(OfTarget(by, mailbox, target)),
            scene.forwarding.verify_target(OfTarget(by, mailbox, target, code="000000")),
            scene.forwarding.change_target(ChangeTarget(by, "c", mailbox, target, NOTICE, None)),
            scene.forwarding.remove_target(OfTarget(by, mailbox, target, request_id="r")),
        ):
            with pytest.raises(ResourceNotPermitted):
                await asked
    with pytest.raises(ResourceNotPermitted):
        await scene.forwarding.list_targets(scene.bob, ANI_ADDRESS)
    assert await scene.forwarding.list_targets(scene.bob, None) == []


async def test_what_a_target_gets_is_changed_without_another_code(scene: Forwarding) -> None:
    target = await scene.verified()
    (before,) = await scene.forwarding.list_targets(scene.ani, None)
    to_notice = ChangeTarget(scene.ani, "1", None, target, NOTICE, None)
    after = await scene.forwarding.change_target(to_notice)
    assert after == replace(before, content=NOTICE)
    changed = await scene.forwarding.change_target(ChangeTarget(scene.ani, "2", None, target, None, "en"))
    assert changed == replace(before, content=NOTICE, language="en")
    assert await scene.forwarding.change_target(to_notice) == changed, "as it is by now"
    with pytest.raises(RequestIdReused):
        await scene.forwarding.change_target(replace(to_notice, content=WHOLE))
    await scene.forwarding.change_target(ChangeTarget(scene.ani, "3", None, target, NOTICE, "en"))

    acts = [act.document.details for act in scene.acts()]
    assert [act.act for act in acts[1:]] == ["ChangeForwardingTarget"] * 2, "what changes nothing is no act"
    assert acts[1].before == acts[0].after
    assert acts[2].after == {**(acts[0].after or {}), "content": "NOTICE", "language": "en"}
    await scene.sent()
    await scene.run(SPREAD)
    assert "text/plain" in scene.mail.sent[-1].message.get_content_type()


async def test_a_phone_is_sent_notices_only(scene: Forwarding) -> None:
    scene.forwarding = scene.forwarding_by(frozenset({TargetKind.PHONE}))
    target = await scene.add("+37491123456", kind=TargetKind.PHONE, content=NOTICE)
    with pytest.raises(InvalidFields) as refused:
        await scene.forwarding.change_target(ChangeTarget(scene.ani, "1", None, target, WHOLE, "en"))
    assert [each.field for each in refused.value.problems] == ["content"]
    (kept,) = await scene.forwarding.list_targets(scene.ani, None)
    assert (kept.content, kept.language) == (NOTICE, "hy")


async def test_the_acts_of_the_holder_are_evidence_that_does_not_tell_the_address(scene: Forwarding) -> None:
    target = await scene.add()
    await scene.forwarding.remove_target(OfTarget(scene.ani, None, target, request_id="gone"))
    await scene.forwarding.remove_target(OfTarget(scene.ani, None, target, request_id="gone"))

    acts = [act.document.details for act in scene.acts()]
    assert [act.act for act in acts] == ["AddForwardingTarget", "RemoveForwardingTarget"]
    assert acts[0].after == acts[1].before
    assert acts[0].after is not None
    assert acts[0].after["address"] == "a…@example.am"
