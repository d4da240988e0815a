"""Effects that come by lapse of time, over invented policies: whatever the data says, these hold."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.document import RecordedFact
from namak.evidence.notification_policy import Effect, NotificationPolicy
from tests.unit.evidence_documents.ladders import BEGIN, fact, policies, stories, withdrawal

TICK = timedelta(microseconds=1)
LATE = BEGIN + timedelta(days=400)
days = st.integers(0, 60)


def as_it_comes(
    policy: NotificationPolicy, story: list[RecordedFact], looks: list[datetime], until: datetime
) -> tuple[Effect, datetime] | None:
    """Plays the post: each fact is judged as it is recorded, and a worker looks at these moments. Returns the
    effect with the moment at which it was recorded.
    """
    moments = sorted(
        [(each.document.event_time, 0, number) for number, each in enumerate(story)]
        + [(look, 1, 0) for look in looks]
    )
    known: list[RecordedFact] = []
    for at, kind, number in moments:
        if at > until:
            break
        if kind == 0:
            effect = policy.effect_of(story[number], known)
            known.append(story[number])
        else:
            effect = policy.effect_at(known, at) if known else None
        if effect is not None:
            return effect, at
    return None


@given(policies(), stories(), st.lists(days, max_size=5))
def test_however_late_the_worker_looks_the_effect_is_the_same(
    policy: NotificationPolicy, story: list[RecordedFact], looked: list[int]
) -> None:
    looks = [BEGIN + timedelta(days=day) for day in looked]
    often = as_it_comes(policy, story, [BEGIN + timedelta(hours=6 * n) for n in range(240)] + [LATE], LATE)
    seldom = as_it_comes(policy, story, [*looks, LATE], LATE)

    assert (often and often[0]) == (seldom and seldom[0]) == policy.effect_at(story, LATE)


@given(policies(), stories(), st.lists(days, max_size=5))
def test_no_effect_is_recorded_before_its_time(
    policy: NotificationPolicy, story: list[RecordedFact], looked: list[int]
) -> None:
    found = as_it_comes(policy, story, [BEGIN + timedelta(days=day) for day in looked], LATE)

    if found is not None:
        effect, recorded_at = found
        assert effect.effective_time <= recorded_at


@given(policies(), stories(), st.integers(1, 6))
def test_more_facts_never_move_an_effect_to_a_later_time_nor_take_it_away(
    policy: NotificationPolicy, story: list[RecordedFact], which: int
) -> None:
    fewer = [each for number, each in enumerate(story) if number != which]
    before, after = policy.effect_at(fewer, LATE), policy.effect_at(story, LATE)

    if before is not None:
        assert after is not None
        assert after.effective_time <= before.effective_time


@given(policies(), stories(), days, days)
def test_an_effect_that_there_was_stays(
    policy: NotificationPolicy, story: list[RecordedFact], first: int, more: int
) -> None:
    then = policy.effect_at(story, BEGIN + timedelta(days=first))

    if then is not None:
        assert policy.effect_at(story, BEGIN + timedelta(days=first + more)) == then


@given(policies(), stories(), st.integers(0, 24 * 60))
def test_a_withdrawal_takes_away_what_had_not_come_and_nothing_else(
    policy: NotificationPolicy, story: list[RecordedFact], hours: int
) -> None:
    at = BEGIN + timedelta(hours=hours, microseconds=7)
    withdrawn = [*(each for each in story if each.document.event_time < at), withdrawal(at)]
    withdrawn += [each for each in story if each.document.event_time > at]

    assert policy.effect_at(withdrawn, LATE) == policy.effect_at(story, at)


@given(policies(), stories())
def test_what_the_effect_rests_on_carries_it_alone_with_what_the_rule_names(
    policy: NotificationPolicy, story: list[RecordedFact]
) -> None:
    effect = policy.effect_at(story, LATE)

    if effect is not None:
        number = next(n for n, each in enumerate(story) if each.digest == effect.fact_digest)
        assert policy.carried_by(story[number], story[:number]) == effect


@given(policies(), stories())
def test_the_next_lapse_is_when_the_effect_comes_if_nothing_else_does(
    policy: NotificationPolicy, story: list[RecordedFact]
) -> None:
    last = story[-1].document.event_time
    if policy.effect_at(story, last) is not None:
        return
    lapse = policy.lapses_at(story)

    if lapse is None:
        assert policy.effect_at(story, LATE) is None
    else:
        assert policy.effect_at(story, lapse - TICK) is None
        effect = policy.effect_at(story, lapse)
        assert effect is not None
        assert effect.effective_time == lapse


@given(policies(), stories())
def test_steps_come_once_each_in_the_order_of_their_instants(
    policy: NotificationPolicy, story: list[RecordedFact]
) -> None:
    left = policy.steps_left(story)
    due = [each.due for each in left]

    assert due == sorted(due)
    assert len({each.step.id for each in left}) == len(left)
    taken: list[str] = []
    while more := policy.steps_left(story, taken):
        assert more == left[len(taken) :]
        taken.append(more[0].step.id)
    assert taken == [each.step.id for each in left]


@given(policies(), stories())
def test_more_facts_never_move_a_step_to_a_later_time(
    policy: NotificationPolicy, story: list[RecordedFact]
) -> None:
    for number in range(1, len(story)):
        before = {each.step.id: each.due for each in policy.steps_left(story[:number])}
        after = {each.step.id: each.due for each in policy.steps_left(story)}
        assert all(after[step] <= due for step, due in before.items() if step in after)


def test_the_invented_stories_are_told_under_the_invented_policy() -> None:
    assert fact(withdrawal(BEGIN).document, BEGIN, 1).document.notification_policy == "xx-invented@1"
