"""What every implementation of `PublishedFacts` must do."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID, uuid4

import pytest

from namak.evidence import events
from namak.evidence.events import Event
from server.usecases.log_ports import Followed, LaidInto, PublishedFacts, SentBy

ANI, BOB = uuid4(), uuid4()
SRC, CADASTRE = uuid4(), uuid4()
NOTICES, INFO = uuid4(), uuid4()
SENT = (events.SUBMISSION_ACCEPTANCE, events.CONTENT_CONSIGNMENT)


class Shelf(Protocol):
    """Facts, and where to find them again: leaves stand in the order in which they were put."""

    origin: str
    facts: PublishedFacts

    @abstractmethod
    async def put(
        self, mailbox: UUID, organisation: UUID, address: UUID, events: Sequence[Event]
    ) -> Sequence[UUID]:
        """Puts the facts of one more delivery at the end of the log; returns their identifiers."""
        ...

    @abstractmethod
    async def refuse(self, organisation: UUID) -> UUID:
        """Puts a fact about a refused submission, of which there is no delivery."""
        ...


class PublishedFactsContract:
    """Tests of `PublishedFacts`; a subclass has the fixture `shelf`."""

    @pytest.fixture
    async def put(self, shelf: Shelf) -> list[UUID]:
        """Leaves 0 to 8: SRC's to Ani, the cadastre's to Ani, a refusal of SRC's, two of SRC's to Bob."""
        found = [*await shelf.put(ANI, SRC, NOTICES, SENT), *await shelf.put(ANI, CADASTRE, INFO, SENT)]
        found.append(await shelf.refuse(SRC))
        return [*found, *await shelf.put(BOB, SRC, INFO, SENT), *await shelf.put(BOB, SRC, NOTICES, SENT)]

    async def leaves(
        self, shelf: Shelf, followed: Followed, first: int = 0, end: int = 9, limit: int = 100
    ) -> list[int]:
        looked = await shelf.facts.look(followed, shelf.origin, first, end, limit=limit)
        assert looked.end == end
        return [place.leaf_index for place in looked.places]

    async def test_finds_what_an_organisation_sent(self, shelf: Shelf, put: list[UUID]) -> None:
        assert await self.leaves(shelf, SentBy(SRC)) == [0, 1, 5, 6, 7, 8]
        assert await self.leaves(shelf, SentBy(CADASTRE)) == [2, 3]
        assert await self.leaves(shelf, SentBy(uuid4())) == []

    async def test_finds_what_was_sent_under_one_address(self, shelf: Shelf, put: list[UUID]) -> None:
        assert await self.leaves(shelf, SentBy(SRC, NOTICES)) == [0, 1, 7, 8]
        # Another organisation's address.
        assert await self.leaves(shelf, SentBy(CADASTRE, NOTICES)) == []

    async def test_finds_what_was_laid_into_a_mailbox(self, shelf: Shelf, put: list[UUID]) -> None:
        assert await self.leaves(shelf, LaidInto(ANI)) == [0, 1, 2, 3]
        assert await self.leaves(shelf, LaidInto(BOB)) == [5, 6, 7, 8]
        assert await self.leaves(shelf, LaidInto(uuid4())) == []

    async def test_looks_from_the_first_up_to_the_end(self, shelf: Shelf, put: list[UUID]) -> None:
        for followed in (SentBy(SRC), LaidInto(BOB)):
            everything = await self.leaves(shelf, followed)
            for first in range(9):
                for end in range(first + 1, 10):
                    expected = [leaf for leaf in everything if first <= leaf < end]
                    assert await self.leaves(shelf, followed, first, end) == expected

    async def test_looks_that_are_limited_add_up(self, shelf: Shelf, put: list[UUID]) -> None:
        for followed in (SentBy(SRC), SentBy(SRC, NOTICES), LaidInto(BOB)):
            expected = await self.leaves(shelf, followed)
            for limit in (1, 2, 3, 6, 7):
                assert await self.in_steps(shelf, followed, limit) == expected

    async def in_steps(self, shelf: Shelf, followed: Followed, limit: int) -> list[int]:
        found: list[int] = []
        first = 0
        while first < 9:
            looked = await shelf.facts.look(followed, shelf.origin, first, 9, limit=limit)
            assert len(looked.places) <= limit
            assert first < looked.end <= 9
            found += [place.leaf_index for place in looked.places]
            first = looked.end
        return found

    async def test_tells_of_each_what_it_is_and_its_size(self, shelf: Shelf, put: list[UUID]) -> None:
        looked = await shelf.facts.look(SentBy(CADASTRE), shelf.origin, 0, 9, limit=10)
        facts = await shelf.facts.facts([place.evidence_id for place in looked.places])
        assert [place.evidence_id for place in looked.places] == put[2:4]
        assert tuple(place.event for place in looked.places) == SENT
        for place in looked.places:
            fact = facts[place.evidence_id]
            assert (fact.id, fact.event, fact.delivery_id) == (
                place.evidence_id,
                place.event,
                place.delivery_id,
            )
            assert (fact.owner_id, fact.organisation_id) == (ANI, CADASTRE)
            assert len(fact.data) == place.size

    async def test_gives_those_facts_that_there_are(self, shelf: Shelf, put: list[UUID]) -> None:
        assert (await shelf.facts.facts([put[0], uuid4()])).keys() == {put[0]}
        assert await shelf.facts.facts([]) == {}
