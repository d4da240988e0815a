"""What every place for public notices does: a site of others', the post's own feed, and the fake."""

from typing import Protocol
from uuid import UUID

from server.usecases.notice_ports import NoticePlace
from tests.contracts import examples

DOCUMENT = '{"recipient": "Անի «Գրիգորյան» <b>&amp;"}\n'.encode()


class Watched(NoticePlace, Protocol):
    """A place, and what anybody can read there."""

    async def public(self, notice_id: UUID) -> bytes | None:
        """Returns what can be read; None for nothing."""
        ...


class NoticePlaceContract:
    """Whoever inherits it for a place gives the fixture `place`."""

    async def test_what_is_published_can_be_read_byte_for_byte_where_it_says(self, place: Watched) -> None:
        notice_id = examples.new_id()
        assert await place.public(notice_id) is None

        where = await place.publish(notice_id, DOCUMENT)

        assert await place.public(notice_id) == DOCUMENT
        assert where.startswith("http")
        assert str(notice_id) in where

    async def test_published_twice_it_is_there_once_in_its_place(self, place: Watched) -> None:
        notice_id, other = examples.new_id(), examples.new_id()
        await place.publish(other, b"{}")

        where = await place.publish(notice_id, DOCUMENT)
        again = await place.publish(notice_id, DOCUMENT)
        corrected = await place.publish(notice_id, b"{1}")

        assert where == again == corrected
        assert await place.public(notice_id) == b"{1}"
        assert await place.public(other) == b"{}"

    async def test_withdrawn_it_can_be_read_no_more_and_others_can(self, place: Watched) -> None:
        notice_id, other = examples.new_id(), examples.new_id()
        for each in (notice_id, other):
            await place.publish(each, DOCUMENT)

        await place.withdraw(notice_id)
        await place.withdraw(notice_id)

        assert await place.public(notice_id) is None
        assert await place.public(other) == DOCUMENT

    async def test_what_never_was_there_is_withdrawn(self, place: Watched) -> None:
        await place.withdraw(examples.new_id())

    async def test_withdrawn_it_may_be_published_again(self, place: Watched) -> None:
        notice_id = examples.new_id()
        await place.publish(notice_id, DOCUMENT)
        await place.withdraw(notice_id)

        await place.publish(notice_id, DOCUMENT)

        assert await place.public(notice_id) == DOCUMENT
