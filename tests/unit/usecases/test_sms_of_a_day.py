"""How many short messages a sender address may send on a day (ADMIN-3)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.reasons import REASONS, Reason, Status
from server.domain.refusals import TooManySms
from server.domain.sender_sms import SmsText
from server.jurisdictions.am import AM
from server.usecases.submission import Accepted, Outcome, SubmissionDesk, SubmitMany
from tests.unit.usecases.test_sender_sms import ANIS, TEXT, Post
from tests.unit.usecases.world import letter

ONE = replace(TEXT, phones=(ANIS,))


class Limited(Post):
    """A post of which an address may send three texts a day; the world begins at 03:42 in Yerevan."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.desk_of_sms = self.new_desk(a_day=3)
        self.submissions = SubmissionDesk(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            profile=AM,
            host_names=self.host_names,
            refusals_per_minute=600,
            offers_sms=True,
            sms_a_day=3,
        )

    async def many(self, *texts: SmsText | None) -> Sequence[Outcome]:
        letters = [replace(letter(f"m{number}"), sms=each) for number, each in enumerate(texts)]
        return await self.submissions.submit_many(SubmitMany(self.agency, letters, 0))


@pytest.fixture
def post() -> Limited:
    return Limited()


async def test_what_is_over_the_days_limit_is_refused_and_leaves_nothing(post: Limited) -> None:
    await post.send("1")
    before = post.uow.committed.copy()
    with pytest.raises(TooManySms) as over:
        await post.send("2")
    after = post.uow.committed

    rule = REASONS[over.value.reason]
    assert (over.value.reason, rule.status, rule.recorded) == (
        Reason.TOO_MANY_SMS, Status.RESOURCE_EXHAUSTED, False,
    )  # fmt: skip
    assert over.value.metadata == {"sender": "notices@src.am", "limit_per_day": "3"}
    assert (after.sender_texts, after.queue, after.jobs, after.claims) == (
        before.sender_texts, before.queue, before.jobs, before.claims,
    )  # fmt: skip
    assert await post.send("1"), "what was accepted is answered as ever"
    assert await post.send("2", sms=ONE), "nothing was kept under the request id"


async def test_the_next_local_day_there_is_room_again(post: Limited) -> None:
    post.clock.move(timedelta(hours=1))
    await post.send("1")
    with pytest.raises(TooManySms) as over:
        await post.send("2")
    wait = timedelta(seconds=over.value.retry_after_seconds or 0)

    post.clock.move(wait - timedelta(seconds=2))
    with pytest.raises(TooManySms):
        await post.send("2")
    post.clock.move(timedelta(seconds=2))
    assert await post.send("2")


async def test_submissions_count_too_and_only_those_over_the_limit_are_left_out(post: Limited) -> None:
    await post.send("1", sms=ONE)
    outcomes = await post.many(TEXT, TEXT, None)

    kinds = [type(each) for each in outcomes]
    assert kinds == [Accepted, TooManySms, Accepted]
    assert len(post.uow.committed.deliveries) == 2
    assert len(post.uow.committed.sender_texts) == 3
    with pytest.raises(TooManySms):
        await post.send("3", sms=ONE)


async def test_what_is_refused_does_not_count_and_other_addresses_have_room_of_their_own(
    post: Limited,
) -> None:
    unknown = replace(letter("nobody", recipient="5001950099@e-citizen.am"), sms=TEXT)
    await post.submissions.submit_many(SubmitMany(post.agency, [unknown], 0))
    await post.send("1")
    await post.send("1b", sms=ONE)
    allowed = replace(post.info, sms_permitted=True)
    post.uow.committed.sender_addresses[allowed.id] = allowed
    caller = post.sender(post.src, at="127.0.0.2")
    assert await post.send("2", caller=caller, sender="info@src.am")
    assert sum(texts for _, texts in post.uow.committed.sender_sms_days.values()) == 5
