"""Several who write about one holder at the same moment, on PostgreSQL: one row, and every fact once."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from server.bootstrap_machine import SystemEntropy
from server.domain.caller import Clerk, Holder, Operator
from server.domain.holders import HolderData
from server.domain.mailboxes import HolderKind, Mailbox, MailboxState
from server.jurisdictions.kz import KZ
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.administration import Administration
from server.usecases.agreements import AcceptUserAgreement, AgreementRegister, PublishUserAgreement
from server.usecases.holder_profiles import ChangeHolderData, ConfirmProfile, HolderRegister
from server.usecases.records import ActFilter
from tests.unit.usecases.registration_world import MadeSignatures, connection
from tests.unit.usecases.world import FixedClock

ROUNDS = 10
AT_ONCE = 5
OPERATOR, CLERK = Operator(connection(1)), Clerk(connection(2))


class Post:
    """The use cases of holders over a database, and mailboxes of which nothing is known but the number."""

    def __init__(self, database: Database) -> None:
        self.uow = SqlUnitOfWork(database)
        clock, entropy = FixedClock(), SystemEntropy()
        administration = Administration(
            uow=self.uow, clock=clock, entropy=entropy, wake_log=lambda: None, profile=KZ
        )
        self.signatures = MadeSignatures()
        self.holders = HolderRegister(
            administration=administration,
            clock=clock,
            entropy=entropy,
            profile=KZ,
            signatures=self.signatures,
        )
        self.agreements = AgreementRegister(
            administration=administration, uow=self.uow, clock=clock, entropy=entropy
        )

    async def imported(self, number: str) -> Mailbox:
        address = f"{number}@{KZ.mailbox_domain}"
        now = FixedClock().now()
        mailbox = Mailbox(uuid4(), address, HolderKind.PERSON, number, MailboxState.OPEN, now)
        async with self.uow.writing() as tx:
            await tx.mailboxes.add(mailbox)
            await tx.commit()
        return mailbox

    async def acts(self, name: str) -> int:
        async with self.uow.reading() as tx:
            found = await tx.administrative_acts.list_newest(ActFilter(act=name), before=None, limit=500)
        return len(found)


@pytest.fixture
async def post(module_database_url: str) -> AsyncIterator[Post]:
    database = Database(module_database_url, pool_size=AT_ONCE + 1)
    yield Post(database)
    await database.dispose()


def filling_in(mailbox: Mailbox, request_id: str) -> ChangeHolderData:
    data = HolderData(HolderKind.PERSON, "", "Айгүл Серікқызы", residence="Алматы")
    wanted = frozenset({"name", "residence"})
    return ChangeHolderData(CLERK, request_id, mailbox.address, data, wanted, "", "identity card")


async def test_clerks_who_fill_in_one_imported_holder_at_once_write_it_once(post: Post) -> None:
    for turn in range(ROUNDS):
        mailbox = await post.imported(f"9001014{turn:05}")
        calls = (post.holders.change(filling_in(mailbox, f"fill-{turn}-{each}")) for each in range(AT_ONCE))

        views = await asyncio.gather(*calls)

        assert len({view.profile.etag for view in views}) == 1
    assert await post.acts("ChangeHolderData") == ROUNDS


async def test_an_agreement_that_is_accepted_several_times_at_once_is_recorded_once(post: Post) -> None:
    await post.agreements.publish(PublishUserAgreement(OPERATOR, "publish", "1", (("kk", "Келісім"),)))
    for turn in range(ROUNDS):
        mailbox = await post.imported(f"9001015{turn:05}")
        holder = Holder(connection(3), mailbox.holder_number)
        calls = (
            post.agreements.accept(AcceptUserAgreement(holder, f"accept-{each}", "1", None))
            for each in range(AT_ONCE)
        )

        accepted = await asyncio.gather(*calls)

        assert set(accepted) == {accepted[0]}
    assert await post.acts("AcceptUserAgreement") == ROUNDS


async def test_a_profile_is_changed_and_confirmed_at_once_without_a_deadlock(post: Post) -> None:
    for turn in range(ROUNDS):
        mailbox = await post.imported(f"9001016{turn:05}")
        await post.holders.change(filling_in(mailbox, f"known-{turn}"))
        holder = Holder(connection(3), mailbox.holder_number)
        view = await post.holders.get(holder, None)
        cms = post.signatures.sign(view.confirmation_text, mailbox.holder_number)

        views = await asyncio.gather(
            *(post.holders.confirm(ConfirmProfile(holder, f"confirm-{each}", None, cms)) for each in "12"),
            *(post.holders.change(filling_in(mailbox, f"again-{turn}-{each}")) for each in "12"),
        )

        assert {each.profile.etag for each in views} == {view.profile.etag}
    assert await post.acts("ConfirmProfile") == ROUNDS
