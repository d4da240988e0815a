"""What every reader of usage does."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from namak.evidence.events import CONTENT_CONSIGNMENT, SUBMISSION_ACCEPTANCE
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.facts import Fact
from server.domain.ids import first_id
from server.domain.local_days import Stretch
from server.domain.mailboxes import Mailbox
from server.domain.paper_desk import PAPER_DESK_ID
from server.domain.senders import Organisation, SenderAddress
from server.domain.usage import Usage, UsageRow
from server.usecases.ports import UnitOfWork
from server.usecases.records import UsageFact
from tests.contracts import examples
from tests.contracts.sms_contract import sender_sms

FIRST = date(2026, 11, 1)
MIDNIGHT = datetime(2026, 10, 31, 20, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


def id_at(at: datetime) -> UUID:
    """Returns a new identifier as it is made at a time."""
    return UUID(int=first_id(at).int + examples.number())


def stretch(days: int) -> Stretch:
    """Returns the day so many days after the first, in Yerevan."""
    return Stretch(FIRST + days * DAY, MIDNIGHT + days * DAY, MIDNIGHT + (days + 1) * DAY)


def _unlogged(fact: Fact) -> UsageFact:
    return UsageFact(fact.id, fact.organisation_id, fact.data, fact.entry, None)


class Place:
    """An organisation with an address and a mailbox to send to."""

    def __init__(self, uow: UnitOfWork) -> None:
        self.uow = uow
        self.organisation: Organisation = examples.organisation()
        self.address: SenderAddress = examples.address(self.organisation)
        self.mailbox: Mailbox = examples.mailbox()
        self._sequence = 0

    async def register(self) -> None:
        async with self.uow.writing() as tx:
            assert await tx.organisations.add(self.organisation)
            assert await tx.sender_addresses.add(self.address)
            assert await tx.mailboxes.add(self.mailbox)
            await tx.commit()

    async def accept(self, *times: datetime, sender: str = "", withdrawn: bool = False) -> Sequence[Delivery]:
        accepted = []
        for at in times:
            self._sequence += 1
            made = examples.delivery(self.mailbox, self.address, self._sequence, [])
            accepted.append(
                replace(
                    made,
                    id=id_at(at - timedelta(seconds=10)),
                    sender=sender or made.sender,
                    submitted_at=at,
                    state=DeliveryState.WITHDRAWN if withdrawn else DeliveryState.CONSIGNED,
                    withdrawn_at=at if withdrawn else None,
                )
            )
        async with self.uow.writing() as tx:
            await tx.deliveries.add([(each, []) for each in accepted])
            await tx.commit()
        return accepted

    async def used(self, *days: Stretch, sender: str | None = None, by: UUID | None = None) -> set[UsageRow]:
        async with self.uow.reading() as tx:
            rows = await tx.usage.accepted(self.organisation.id, days, sender=sender, sender_address_id=by)
        added: dict[tuple[date, str], Usage] = {}
        for row in rows:
            key = (row.day, row.sender)
            added[key] = added.get(key, Usage()) + row.usage
        return {UsageRow(day, address, usage) for (day, address), usage in added.items()}


class UsageContract:
    """How accepted messages are counted."""

    async def test_a_day_has_what_was_accepted_from_its_first_moment_to_its_last(
        self, uow: UnitOfWork
    ) -> None:
        place = Place(uow)
        await place.register()
        await place.accept(MIDNIGHT - TICK, MIDNIGHT, MIDNIGHT + DAY - TICK, MIDNIGHT + DAY)

        assert await place.used(stretch(0)) == {UsageRow(FIRST, place.address.address, Usage(2, 0))}

    async def test_days_are_counted_apart(self, uow: UnitOfWork) -> None:
        place = Place(uow)
        await place.register()
        await place.accept(MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)

        assert await place.used(stretch(0), stretch(1)) == {
            UsageRow(FIRST, place.address.address, Usage(1, 0)),
            UsageRow(FIRST + DAY, place.address.address, Usage(2, 0)),
        }

    async def test_what_lies_between_two_stretches_is_not_counted(self, uow: UnitOfWork) -> None:
        place = Place(uow)
        await place.register()
        await place.accept(MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)

        assert await place.used(stretch(0), stretch(2)) == {
            UsageRow(FIRST, place.address.address, Usage(1, 0)),
            UsageRow(FIRST + 2 * DAY, place.address.address, Usage(1, 0)),
        }

    async def test_a_day_that_lasts_twice_is_one_day(self, uow: UnitOfWork) -> None:
        place = Place(uow)
        await place.register()
        await place.accept(MIDNIGHT, MIDNIGHT + DAY)
        again = replace(stretch(1), day=FIRST)

        assert await place.used(stretch(0), again) == {UsageRow(FIRST, place.address.address, Usage(2, 0))}

    async def test_withdrawn_ones_stay_counted_and_are_told_apart(self, uow: UnitOfWork) -> None:
        place = Place(uow)
        await place.register()
        await place.accept(MIDNIGHT)
        await place.accept(MIDNIGHT, withdrawn=True)

        assert await place.used(stretch(0)) == {UsageRow(FIRST, place.address.address, Usage(2, 1))}

    async def test_counts_under_the_address_that_was_actually_used(self, uow: UnitOfWork) -> None:
        place = Place(uow)
        await place.register()
        await place.accept(MIDNIGHT, sender="one@src.am")
        await place.accept(MIDNIGHT, sender="two@src.am")

        assert await place.used(stretch(0), sender="two@src.am") == {
            UsageRow(FIRST, "two@src.am", Usage(1, 0))
        }
        assert await place.used(stretch(0), by=place.address.id) == {
            UsageRow(FIRST, "one@src.am", Usage(1, 0)),
            UsageRow(FIRST, "two@src.am", Usage(1, 0)),
        }
        assert await place.used(stretch(0), by=examples.new_id()) == set()

    async def test_another_organisations_messages_are_not_counted(self, uow: UnitOfWork) -> None:
        place, other = Place(uow), Place(uow)
        await place.register()
        await other.register()
        await other.accept(MIDNIGHT)

        assert await place.used(stretch(0)) == set()

    async def test_short_messages_are_counted_by_day_address_and_segments(self, uow: UnitOfWork) -> None:
        place, entry = Place(uow), examples.new_id()
        await place.register()
        one = sender_sms(place.organisation.id)
        times = (MIDNIGHT - TICK, MIDNIGHT, MIDNIGHT + DAY - TICK, MIDNIGHT + DAY)
        texts = [replace(one, id=id_at(at), submitted_at=at, segments=2) for at in times]
        texts[2] = replace(texts[2], sender="info@src.am", sender_address_id=entry)
        async with uow.writing() as tx:
            await tx.sender_texts.add(texts)
            await tx.commit()

        async def used(sender: str | None, by: UUID | None, *days: Stretch) -> set[UsageRow]:
            async with uow.reading() as tx:
                return set(
                    await tx.usage.texts(place.organisation.id, days, sender=sender, sender_address_id=by)
                )

        text = Usage(sms=1, sms_segments=2)
        both = {UsageRow(FIRST, one.sender, text), UsageRow(FIRST, "info@src.am", text)}
        assert await used(None, None, stretch(0)) == both
        assert await used("info@src.am", None, stretch(0)) == {UsageRow(FIRST, "info@src.am", text)}
        assert await used(None, entry, stretch(0), stretch(1)) == {UsageRow(FIRST, "info@src.am", text)}
        assert await used(None, None, stretch(1)) == {UsageRow(FIRST + DAY, one.sender, text)}
        assert await used(None, None) == set()
        assert await place.used(stretch(0)) == set()

    async def test_no_stretches_hold_nothing(self, uow: UnitOfWork) -> None:
        place = Place(uow)
        await place.register()
        await place.accept(MIDNIGHT)

        assert await place.used() == set()

    async def test_knows_all_organisations(self, uow: UnitOfWork) -> None:
        place = Place(uow)
        await place.register()

        async with uow.reading() as tx:
            assert place.organisation.id in await tx.usage.organisations()

    async def test_facts_come_by_identifier_and_in_portions(self, uow: UnitOfWork) -> None:
        place = Place(uow)
        await place.register()
        # A century of its own: other tests may use the same database.
        at = datetime(2111 + examples.number() % 80, 1, 1, tzinfo=UTC)
        (delivery,) = await place.accept(at)
        wanted = [
            replace(
                examples.fact(delivery, SUBMISSION_ACCEPTANCE), id=id_at(at + seconds * timedelta(seconds=1))
            )
            for seconds in (1, 2, 3)
        ]
        other = replace(examples.fact(delivery, CONTENT_CONSIGNMENT), id=id_at(at + timedelta(seconds=1)))
        async with uow.writing() as tx:
            await tx.evidence.record([wanted[2], other, wanted[0], wanted[1]])
            await tx.commit()

        async with uow.reading() as tx:
            first = await tx.usage.facts(
                SUBMISSION_ACCEPTANCE, after=first_id(at), before=first_id(at + DAY), limit=2
            )
            rest = await tx.usage.facts(
                SUBMISSION_ACCEPTANCE, after=first[-1].id, before=first_id(at + DAY), limit=2
            )

        assert [*first, *rest] == [_unlogged(each) for each in wanted]

    async def test_letters_on_paper_are_among_nobodys_facts(self, uow: UnitOfWork) -> None:
        place = Place(uow)
        await place.register()
        at = datetime(2111 + examples.number() % 80, 1, 1, tzinfo=UTC)
        (delivery,) = await place.accept(at)
        fact = replace(
            examples.fact(delivery, SUBMISSION_ACCEPTANCE), id=id_at(at), organisation_id=PAPER_DESK_ID
        )
        async with uow.writing() as tx:
            await tx.evidence.record([fact])
            await tx.commit()
            assert not await tx.usage.facts(
                SUBMISSION_ACCEPTANCE, after=first_id(at), before=first_id(at + DAY), limit=2
            )

    async def test_facts_of_one_organisation_fill_the_portion(self, uow: UnitOfWork) -> None:
        place, other = Place(uow), Place(uow)
        await place.register()
        await other.register()
        at = datetime(2111 + examples.number() % 80, 1, 1, tzinfo=UTC)
        facts = []
        for number, whose in enumerate((other, other, place, other, place)):
            (delivery,) = await whose.accept(at)
            fact = examples.fact(delivery, SUBMISSION_ACCEPTANCE)
            facts.append(replace(fact, id=id_at(at + (number + 1) * timedelta(seconds=1))))
        async with uow.writing() as tx:
            await tx.evidence.record(facts)
            await tx.commit()

        async with uow.reading() as tx:
            found = await tx.usage.facts(
                SUBMISSION_ACCEPTANCE,
                place.organisation.id,
                after=first_id(at),
                before=first_id(at + DAY),
                limit=2,
            )

        assert [*found] == [_unlogged(each) for each in (facts[2], facts[4])]
