"""Following the log, over a log in memory: what comes, in which portions, and what it costs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence import events
from namak.evidence.events import EVENTS, Audience
from server.domain.caller import Holder, Sender
from server.domain.refusals import InvalidCursor, Overloaded, ResourceNotPermitted, ServiceUnavailable
from server.usecases.following import BEGINNING, FACTS, REPLY_BYTES, Follow, Followings
from server.usecases.log_ports import LogCursor
from tests.unit.usecases.followed_post import AGENCY, CONNECTION, HOLDER, NEW, OLD, OTHER, SRC, Post
from tests.waiting import until


async def until_cursor(replies: AsyncGenerator[Followings, None], cursor: LogCursor) -> list[Followings]:
    """Reads on until a reply has this cursor; returns all replies."""
    found = []
    async for reply in replies:
        found.append(reply)
        if reply.cursor == cursor:
            break
    return found


def leaves(replies: list[Followings]) -> list[int]:
    return [fact.leaf_index for reply in replies for fact in reply.facts]


async def test_the_first_reply_comes_at_once_and_says_where_it_begins() -> None:
    post = Post()
    post.record(events.CONTENT_CONSIGNMENT)
    async with post.running():
        for index, expected in ((0, 0), (1, 1), (None, 1)):
            async with aclosing(post.follow(index=index)) as replies:
                assert await anext(replies) == Followings((), LogCursor(NEW, expected))


async def test_an_empty_log_is_followed_from_its_beginning() -> None:
    post = Post()
    async with post.running(), aclosing(post.follow(index=0)) as replies:
        assert (await anext(replies)).cursor == LogCursor(NEW, 0)
        post.record(events.CONTENT_CONSIGNMENT)
        assert leaves(await until_cursor(replies, LogCursor(NEW, 1))) == [0]


@pytest.mark.parametrize("caller", [AGENCY, HOLDER], ids=["sender", "holder"])
async def test_of_every_event_its_audience_gets_the_facts_and_nobody_else(caller: Sender | Holder) -> None:
    post = Post()
    post.record(*EVENTS)
    own = Audience.SENDER if caller is AGENCY else Audience.HOLDER
    expected = [n for n, event in enumerate(EVENTS) if event.audience in {own, Audience.BOTH}]
    async with post.running(), aclosing(post.follow(caller)) as replies:
        assert leaves(await until_cursor(replies, LogCursor(NEW, len(EVENTS)))) == expected


async def test_what_is_integrated_and_not_published_is_not_shown() -> None:
    post = Post()
    post.record(events.CONTENT_CONSIGNMENT)
    post.record(events.CONTENT_CONSIGNMENT, publish=False)
    async with post.running(), aclosing(post.follow()) as replies:
        assert leaves(await until_cursor(replies, LogCursor(NEW, 1))) == [0]
        assert (await anext(replies)) == Followings((), LogCursor(NEW, 1))
        post.publish()
        assert leaves(await until_cursor(replies, LogCursor(NEW, 2))) == [1]


async def test_a_follower_holds_one_reply_however_much_there_is() -> None:
    post = Post()
    post.record(*[events.CONTENT_CONSIGNMENT] * (5 * FACTS))
    async with post.running(), aclosing(post.follow()) as replies:
        await anext(replies)
        assert (post.facts.looks, post.facts.documents) == (0, 0)
        for taken in range(1, 4):
            reply = await anext(replies)
            assert len(reply.facts) == FACTS
            assert post.facts.documents == taken * FACTS
        # Meanwhile more comes, and nothing of it is read for one who does not take it.
        for _ in range(50):
            post.record(events.CONTENT_CONSIGNMENT)
        assert post.facts.documents == 3 * FACTS
        assert leaves(await until_cursor(replies, LogCursor(NEW, 5 * FACTS + 50)))[0] == 3 * FACTS


async def test_a_reply_is_no_larger_than_its_limit_unless_one_fact_is() -> None:
    post = Post()
    sizes = [REPLY_BYTES // 2, REPLY_BYTES // 2, 20, 2 * REPLY_BYTES, 20, 20]
    for size in sizes:
        post.record(events.CONTENT_CONSIGNMENT, size=size)
    async with post.running(), aclosing(post.follow()) as replies:
        found = await until_cursor(replies, LogCursor(NEW, len(sizes)))
    assert [leaves([reply]) for reply in found if reply.facts] == [[0, 1], [2], [3], [4, 5]]
    assert [reply.cursor.index for reply in found if reply.facts] == [2, 3, 4, 6]


async def test_the_idle_cost_nothing_but_their_empty_replies() -> None:
    post = Post()
    post.record(events.CONTENT_CONSIGNMENT)
    async with post.running(), aclosing(post.follow(index=None)) as replies:
        await anext(replies)
        for index in range(2, 6):
            post.record(events.CONTENT_CONSIGNMENT, organisation=OTHER)
            found = await until_cursor(replies, LogCursor(NEW, index))
            assert leaves(found) == []
    assert post.facts.looks == 0


async def test_what_is_not_for_a_follower_makes_no_replies_before_it_is_time() -> None:
    post = Post(idle=60.0)
    async with post.running(), aclosing(post.follow(HOLDER, None)) as replies:
        await anext(replies)
        reply = asyncio.create_task(anext(replies))
        for looks in (1, 2, 3):
            # Of the own message, but for the sender alone.
            post.record(events.SUBMISSION_ACCEPTANCE)
            await until(partial(_looked, post, looks))
        post.record(events.CONTENT_CONSIGNMENT)
        assert (leaves([await reply]), (await reply).cursor) == ([3], LogCursor(NEW, 4))


def _looked(post: Post, times: int) -> bool:
    return post.facts.looks == times


async def test_one_look_tells_all_who_follow() -> None:
    post = Post(idle=60.0)
    async with post.running():
        streams = [post.follow(index=None) for _ in range(100)]
        for replies in streams:
            await anext(replies)
        waiting = [asyncio.create_task(anext(replies)) for replies in streams]
        post.record(events.CONTENT_CONSIGNMENT)
        assert [leaves([await reply]) for reply in waiting] == [[0]] * 100
        assert post.reader.ranges == [(NEW, 0, 1)]
        for replies in streams:
            await replies.aclose()
    assert post.tail.followers == 0


@pytest.mark.parametrize(
    "cursor",
    [LogCursor(NEW, 2), LogCursor(NEW, 2**63 - 1), LogCursor("log.e-citizen.am/2025", 0)],
    ids=["ahead", "far ahead", "another shard"],
)
async def test_a_cursor_of_no_place_is_refused(cursor: LogCursor) -> None:
    post = Post()
    post.record(events.CONTENT_CONSIGNMENT)
    # Integrated is not enough.
    post.record(events.CONTENT_CONSIGNMENT, publish=False)
    async with post.running():
        with pytest.raises(InvalidCursor):
            await anext(post.follow(index=cursor.index, origin=cursor.origin))
    assert post.tail.followers == 0


async def test_a_cursor_that_another_replica_gave_a_moment_ago_is_taken() -> None:
    post = Post()
    async with post.running(), aclosing(post.follow(index=None)) as other:
        await anext(other)
        post.record(events.CONTENT_CONSIGNMENT, publish=False)
        # Published by the other replica; this one has not heard of it yet.
        post.shards[0].publish()
        async with aclosing(post.follow(index=1)) as replies:
            assert (await anext(replies)).cursor == LogCursor(NEW, 1)
            post.record(events.READING_CONFIRMED)
            assert leaves(await until_cursor(replies, LogCursor(NEW, 2))) == [1]


async def test_a_stream_goes_over_to_the_next_shard_at_the_end_of_the_former() -> None:
    post = Post(OLD, NEW)
    post.record(events.CONTENT_CONSIGNMENT, shard=0)
    async with post.running(), aclosing(post.follow(origin=OLD)) as replies:
        first = await until_cursor(replies, LogCursor(OLD, 1))
        # The next one is announced, and this one still grows.
        assert (await anext(replies)).cursor == LogCursor(OLD, 1)
        post.record(events.READING_CONFIRMED, shard=0)
        second = await until_cursor(replies, LogCursor(OLD, 2))
        post.shards[0].frozen = True
        post.record(events.CONTENT_CONSIGNMENT, events.READING_CONFIRMED, shard=1)
        third = await until_cursor(replies, LogCursor(NEW, 2))
        post.record(events.NOTIFICATION_EFFECTED, shard=1)
        fourth = await until_cursor(replies, LogCursor(NEW, 3))
    assert [leaves(each) for each in (first, second, third, fourth)] == [[0], [1], [0, 1], [2]]


@pytest.mark.parametrize("caller", [AGENCY, HOLDER], ids=["sender", "holder"])
async def test_from_the_beginning_is_from_that_of_the_oldest_shard(caller: Sender | Holder) -> None:
    post = Post(OLD, NEW)
    post.record(events.CONTENT_CONSIGNMENT, shard=0)
    post.shards[0].frozen = True
    post.record(events.CONTENT_CONSIGNMENT, events.CONTENT_CONSIGNMENT, shard=1)
    follow = post.following.follow(Follow(caller, BEGINNING, with_receipts=False))
    async with post.running(), aclosing(follow) as replies:
        found = await until_cursor(replies, LogCursor(NEW, 2))
    assert found[0] == Followings((), LogCursor(OLD, 0))
    assert leaves(found) == [0, 0, 1]


async def test_a_former_shard_is_left_only_when_all_of_it_is_published() -> None:
    post = Post(OLD, NEW)
    post.record(events.CONTENT_CONSIGNMENT, shard=0, publish=False)
    post.shards[0].frozen = True
    post.record(events.CONTENT_CONSIGNMENT, shard=1)
    async with post.running(), aclosing(post.follow(origin=OLD)) as replies:
        for _ in range(3):
            assert await anext(replies) == Followings((), LogCursor(OLD, 0))
        post.publish(0)
        found = await until_cursor(replies, LogCursor(NEW, 1))
    assert [(reply.cursor.origin, leaves([reply])) for reply in found if reply.facts] == [
        (OLD, [0]),
        (NEW, [0]),
    ]


async def test_facts_come_with_their_receipts_or_not_at_all() -> None:
    post = Post()
    post.record(events.CONTENT_CONSIGNMENT, events.READING_CONFIRMED)
    async with post.running():
        async with aclosing(post.follow(receipts=True)) as replies:
            await anext(replies)
            reply = await anext(replies)
        assert [fact.receipt and fact.receipt.evidence_id for fact in reply.facts] == [
            fact.fact.id for fact in reply.facts
        ]
        post.log.withheld.add(reply.facts[1].fact.id)
        async with aclosing(post.follow(receipts=True)) as replies:
            await anext(replies)
            with pytest.raises(ServiceUnavailable):
                await anext(replies)


async def test_a_person_without_a_mailbox_follows_nothing() -> None:
    post = Post()
    with pytest.raises(ResourceNotPermitted):
        await anext(post.follow(Holder(CONNECTION, "1")))


async def test_one_too_many_is_refused_and_one_who_leaves_makes_room() -> None:
    post = Post(followers=4, of_one=2)
    async with post.running():
        first, second = post.follow(), post.follow()
        await anext(first)
        await anext(second)
        with pytest.raises(Overloaded):
            await anext(post.follow())
        third, fourth = post.follow(HOLDER), post.follow(Sender(CONNECTION, OTHER, None, ()))
        await anext(third)
        await anext(fourth)
        with pytest.raises(Overloaded):
            await anext(post.follow(Sender(CONNECTION, uuid4(), None, ())))
        await fourth.aclose()
        async with aclosing(post.follow(Sender(CONNECTION, uuid4(), None, ()))) as again:
            await anext(again)
        for each in (first, second, third):
            await each.aclose()


async def test_one_owner_leaves_as_much_room_as_it_takes() -> None:
    post = Post(followers=6, of_one=6)
    async with post.running():
        streams = [post.follow() for _ in range(3)]
        for each in streams:
            await anext(each)
        with pytest.raises(Overloaded):
            await anext(post.follow())
        async with aclosing(post.follow(HOLDER)) as other:
            await anext(other)
        for each in streams:
            await each.aclose()


async def test_a_database_that_is_away_for_a_while_costs_no_fact() -> None:
    post = Post()
    async with post.running(), aclosing(post.follow()) as replies:
        await anext(replies)
        post.reader.away = True
        post.record(events.CONTENT_CONSIGNMENT)
        assert await anext(replies) == Followings((), LogCursor(NEW, 0))
        post.reader.away = False
        assert leaves(await until_cursor(replies, LogCursor(NEW, 1))) == [0]


async def test_who_begins_while_the_database_is_away_is_told() -> None:
    post = Post()
    post.reader.away = True
    with pytest.raises(ServiceUnavailable):
        await anext(post.follow())
    assert post.tail.followers == 0


@given(
    owners=st.lists(st.sampled_from([SRC, OTHER]), min_size=1, max_size=60),
    breaks=st.lists(st.integers(min_value=1, max_value=5), min_size=1, max_size=10),
    batches=st.integers(min_value=1, max_value=6),
)
async def test_interrupted_anywhere_every_fact_comes_once(
    owners: list[UUID], breaks: list[int], batches: int
) -> None:
    post = Post(idle=0.001)
    expected = [index for index, owner in enumerate(owners) if owner == SRC]
    found: list[int] = []
    cursor = LogCursor(NEW, 0)
    async with post.running():
        for start in range(0, len(owners), batches):
            for owner in owners[start : start + batches]:
                post.record(events.CONTENT_CONSIGNMENT, organisation=owner)
            async with aclosing(post.follow(index=cursor.index)) as replies:
                for _ in range(breaks[start % len(breaks)]):
                    reply = await anext(replies)
                    found += leaves([reply])
                    cursor = reply.cursor
        async with aclosing(post.follow(index=cursor.index)) as replies:
            found += leaves(await until_cursor(replies, LogCursor(NEW, len(owners))))
    assert found == expected
