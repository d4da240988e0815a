"""What every unit of work does with holders' letters: they stand under the mailbox they were written from."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from namak.evidence.events import SUBMISSION_ACCEPTANCE
from server.domain.deliveries import Delivery, DeliveryFilter
from server.domain.ids import first_id
from server.domain.local_days import Stretch
from server.domain.mailboxes import HolderKind, Mailbox
from server.domain.senders import SenderAddress
from server.usecases.ports import Transaction, UnitOfWork
from tests.contracts import examples
from tests.contracts.post_contract import id_at, mailbox_and_sender

ALL = DeliveryFilter()


async def written(
    tx: Transaction, by: Mailbox, to: Mailbox, sequence: int, seconds: float, reply_to: UUID | None = None
) -> Delivery:
    """Adds a letter from one mailbox to another."""
    part = examples.part()
    as_sent = examples.delivery(to, _own_entry(by), sequence, [part])
    letter = replace(
        as_sent,
        id=id_at(seconds),
        organisation_code=by.holder_number,
        organisation_name=by.address,
        submitted_at=examples.at(seconds),
        in_reply_to=reply_to,
    )
    await tx.deliveries.add([(letter, [part])])
    return letter


def _own_entry(by: Mailbox) -> SenderAddress:
    return SenderAddress(by.id, by.id, by.address, (), False, False, examples.NOON)


class LetterContract:
    """Letters are kept, listed and counted for who wrote them, and for nobody else."""

    async def test_a_letter_is_found_by_its_writer_and_in_its_mailbox_and_by_no_organisation(
        self, uow: UnitOfWork
    ) -> None:
        async with uow.writing() as tx:
            writer, sender = await mailbox_and_sender(tx)
            entity = examples.mailbox(HolderKind.ENTITY)
            await tx.mailboxes.add(entity)
            notice = examples.delivery(writer, sender, 1, [])
            await tx.deliveries.add([(notice, [])])
            letter = await written(tx, writer, entity, 1, 1, notice.id)

            assert await tx.deliveries.sent(writer.id, [letter.id, notice.id]) == {letter.id: letter}
            listed = await tx.deliveries.list_sent(writer.id, writer.id, ALL, before=None, limit=9)
            assert list(listed) == [letter]
            view = await tx.deliveries.in_mailbox(entity.id, letter.id, "5001950015")
            assert view is not None
            assert (view.delivery, view.delivery.in_reply_to) == (letter, notice.id)
            organisation = sender.organisation_id
            assert list(await tx.deliveries.list_sent(organisation, None, ALL, before=None, limit=9)) == [
                notice
            ]
            assert await tx.deliveries.sent(organisation, [letter.id]) == {}

    async def test_letters_are_counted_from_a_time_on(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            writer, other = examples.mailbox(), examples.mailbox()
            entity = examples.mailbox(HolderKind.ENTITY)
            for each in (writer, other, entity):
                await tx.mailboxes.add(each)
            for sequence in (1, 2, 3):
                await written(tx, writer, entity, sequence, sequence)
            await written(tx, other, entity, 4, 4)
            assert await tx.deliveries.count_sent_since(writer.id, examples.at(0)) == 3
            assert await tx.deliveries.count_sent_since(writer.id, examples.at(2)) == 2
            assert await tx.deliveries.count_sent_since(writer.id, examples.at(4)) == 0
            assert await tx.deliveries.count_sent_since(entity.id, examples.at(0)) == 0

    async def test_a_refused_letter_is_kept_under_the_mailbox(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            writer = examples.mailbox()
            await tx.mailboxes.add(writer)
            refusal = replace(examples.refusal(examples.organisation(), 1), organisation_id=writer.id)
            await tx.refusals.add([refusal])
            kept = await tx.refusals.under(writer.id, [refusal.request_id])
            assert kept == {refusal.request_id: refusal}
            assert await tx.refusals.count_since(writer.id, examples.at(0)) == 1

    async def test_letters_are_on_no_bill_and_in_no_recount(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            writer, sender = await mailbox_and_sender(tx)
            entity = examples.mailbox(HolderKind.ENTITY)
            await tx.mailboxes.add(entity)
            sent = replace(examples.delivery(writer, sender, 1, []), id=id_at(1))
            await tx.deliveries.add([(sent, [])])
            letter = await written(tx, writer, entity, 1, 1)
            facts = [
                replace(examples.fact(each, SUBMISSION_ACCEPTANCE), id=id_at(1)) for each in (sent, letter)
            ]
            await tx.evidence.record(facts)

            around = (first_id(examples.at(-1)), first_id(examples.at(9)))
            found = await tx.usage.facts(SUBMISSION_ACCEPTANCE, after=around[0], before=around[1], limit=1000)
            ids = {each.id for each in found}
            assert facts[0].id in ids
            assert facts[1].id not in ids
            stretch = Stretch(examples.NOON.date(), examples.at(-1), examples.at(9))
            counted = await _counted(tx, sender.organisation_id, stretch)
            assert counted == [(sent.sender, 1)]
            assert writer.id not in await tx.usage.organisations()


async def _counted(tx: Transaction, organisation_id: UUID, stretch: Stretch) -> Sequence[tuple[str, int]]:
    rows = await tx.usage.accepted(organisation_id, [stretch], sender=None, sender_address_id=None)
    return [(row.sender, row.usage.accepted) for row in rows]
