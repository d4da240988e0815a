"""What is kept of deliveries that came in by mail, whatever keeps it."""

from dataclasses import replace

import pytest

from server.domain.mail_origins import MailChecks, MailOrigin
from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from tests.contracts import examples
from tests.contracts.post_contract import delivered, mailbox_and_sender

CHECKS = MailChecks("pass", "src.am", "softfail", "mail.src.am")


class MailOriginContract:
    """A delivery that came in by mail has one origin, and is checked afterwards."""

    async def test_an_origin_comes_back_as_it_was_added_and_checked(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            first, second, other = await delivered(tx, 3)
            keys = [(each.mailbox_id, each.id) for each in (first, second, other)]
            origins = [MailOrigin("<1@src.am>"), MailOrigin("<1@src.am>"), MailOrigin(None)]
            await tx.mail_origins.add([(*key, origin) for key, origin in zip(keys, origins, strict=True)])
            await tx.commit()
        async with uow.writing() as tx:
            await tx.mail_origins.set_checks([*keys[:2], (first.mailbox_id, examples.new_id())], CHECKS)
            await tx.commit()
        async with uow.reading() as tx:
            found = [await tx.mail_origins.get(*key) for key in keys]
            assert found == [replace(origins[0], checks=CHECKS)] * 2 + [MailOrigin(None)]
            assert await tx.mail_origins.get(first.mailbox_id, examples.new_id()) is None

    async def test_a_delivery_has_one_origin(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (delivery,) = await delivered(tx)
            origin = (delivery.mailbox_id, delivery.id, MailOrigin(None))
            await tx.mail_origins.add([origin])
            with pytest.raises(StorageFault):
                await tx.mail_origins.add([origin])

    async def test_the_mark_of_a_delivery_comes_back(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            mailbox, address = await mailbox_and_sender(tx)
            parts = [examples.part()]
            marked = replace(examples.delivery(mailbox, address, 1, parts), receipts_by_mail=True)
            await tx.deliveries.add([(marked, parts)])
            assert await tx.deliveries.lock(marked.mailbox_id, marked.id) == marked
