"""What applications, user agreements and what is known of holders must do, and mailboxes opened in bulk."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from namak.evidence.registration import agreement_digest
from server.domain.applications import Application, ApplicationState, Channel, Finding, Scan
from server.domain.holders import AgreementAcceptance, HolderData, HolderProfile, UserAgreement
from server.domain.mailboxes import HolderKind, Mailbox, MailboxHead, MailboxState
from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from server.usecases.registration_ports import ApplicationFilter, ProfileConfirmation
from tests.contracts import examples


def person() -> HolderData:
    return HolderData(
        kind=HolderKind.PERSON,
        number=f"{examples.number():012}",
        name="Айгүл Серікқызы",
        identity_document="жеке куәлік 012345678",
        residence="Алматы, Абай даңғылы 1",
        mobile_phone="+77010000000",
    )


def entity() -> HolderData:
    return HolderData(
        kind=HolderKind.ENTITY,
        number=f"{examples.number():012}",
        name="«Самұрық» ЖШС",
        registration_number="123-1910-01-ТОО",
        registration_date=date(2020, 2, 29),
        legal_address="Астана, Достық 1",
        actual_address="Астана, Достық 2",
        home_phone="+77172000000",
    )


def application(data: HolderData | None = None, seconds: float = 0) -> Application:
    data = data or person()
    return Application(
        id=examples.new_id(),
        channel=Channel.ELECTRONIC,
        data=data,
        login=f"login{examples.number()}",
        agreement_version="1",
        signer_number=f"{examples.number():012}",
        text="өтініш\n".encode(),
        cms=b"cms",
        scan=None,
        salt=bytes(range(32)),
        received_at=examples.at(seconds),
    )


def agreement() -> UserAgreement:
    texts = (("kk", "Келісім\nекінші жол"), ("ru", f"Соглашение {examples.number()}"))
    return UserAgreement(f"v{examples.number()}", examples.NOON, texts, agreement_digest(texts))


def holder_of(mailbox: Mailbox, data: HolderData) -> HolderProfile:
    return HolderProfile(
        mailbox.id, mailbox.address, data, f"{examples.number():012}", "aigul", bytes(range(32))
    )


class ApplicationContract:
    """Applications for a mailbox."""

    async def test_an_application_comes_back_as_it_came(self, uow: UnitOfWork) -> None:
        signed = application(entity())
        paper = replace(
            application(), channel=Channel.PAPER, cms=None, scan=Scan(bytes(range(256)), "image/png")
        )
        async with uow.writing() as tx:
            for each in (signed, paper):
                assert await tx.applications.add(each)
            await tx.commit()
        async with uow.reading() as tx:
            for each in (signed, paper):
                assert await tx.applications.get(each.id) == each
                assert await tx.applications.get_without_scan(each.id) == replace(each, scan=None)
            assert await tx.applications.get(examples.new_id()) is None
            assert await tx.applications.get_without_scan(examples.new_id()) is None

    async def test_one_applicant_has_one_application_under_way(self, uow: UnitOfWork) -> None:
        first = application()
        second, third = (replace(application(), data=first.data) for _ in range(2))
        other_kind = replace(application(), data=replace(entity(), number=first.data.number))
        async with uow.writing() as tx:
            assert await tx.applications.add(first)
            assert not await tx.applications.add(second)
            assert await tx.applications.add(other_kind)
            refused = replace(
                first, state=ApplicationState.REFUSED, decided_at=examples.at(1), refusal_reason="unreadable"
            )
            await tx.applications.change(refused)
            assert await tx.applications.get(first.id) == refused
            assert await tx.applications.add(second)
            assert not await tx.applications.add(third)

    async def test_of_two_applications_at_the_same_moment_one_is_kept(self, uow: UnitOfWork) -> None:
        data = person()

        async def apply() -> bool:
            async with uow.writing() as tx:
                added = await tx.applications.add(application(data))
                await tx.commit()
            return added

        assert sorted(await asyncio.gather(apply(), apply(), apply())) == [False, False, True]

    async def test_an_application_comes_as_far_as_is_stored(self, uow: UnitOfWork) -> None:
        came = application()
        mailbox = examples.mailbox()
        checked = replace(
            came,
            state=ApplicationState.CONTRADICTED,
            findings=(Finding.NAME_DIFFERS, Finding.ENDED),
            checked_at=examples.at(1),
        )
        async with uow.writing() as tx:
            await tx.applications.add(came)
            # What came is never changed.
            await tx.applications.change(replace(checked, login="another", text=b"another"))
            assert await tx.applications.lock(came.id) == checked
            await tx.mailboxes.add(mailbox)
            approved = replace(
                checked,
                state=ApplicationState.APPROVED,
                findings=(),
                decided_at=examples.at(2),
                mailbox_id=mailbox.id,
            )
            await tx.applications.change(approved)
            assert await tx.applications.lock(came.id) == approved
            assert await tx.applications.lock(examples.new_id()) is None
            with pytest.raises(LookupError):
                await tx.applications.change(application())

    async def test_an_approved_application_has_a_mailbox(self, uow: UnitOfWork) -> None:
        came = application()
        async with uow.writing() as tx:
            await tx.applications.add(came)
            with pytest.raises(StorageFault):
                await tx.applications.change(
                    replace(came, state=ApplicationState.APPROVED, decided_at=examples.at(2))
                )

    async def test_who_decides_about_a_locked_application_waits(self, uow: UnitOfWork) -> None:
        came = application()
        async with uow.writing() as tx:
            await tx.applications.add(came)
            await tx.commit()

        async def refuse(reason: str) -> bool:
            async with uow.writing() as tx:
                found = await tx.applications.lock(came.id)
                assert found is not None
                if found.state is ApplicationState.REFUSED:
                    return False
                await tx.applications.change(
                    replace(
                        found,
                        state=ApplicationState.REFUSED,
                        decided_at=examples.at(1),
                        refusal_reason=reason,
                    )
                )
                await tx.commit()
            return True

        assert sorted(await asyncio.gather(*(refuse(f"r{number}") for number in range(3)))) == [
            False,
            False,
            True,
        ]

    async def test_applications_are_listed_newest_first_without_scans(self, uow: UnitOfWork) -> None:
        signer = f"{examples.number():012}"
        first, second, third = (
            replace(application(seconds=seconds), signer_number=signer) for seconds in (0, 10, 20)
        )
        # Lists by time look among the identifiers of that time.
        from_noon = [replace(each, id=examples.id_at(each.received_at)) for each in (first, second, third)]
        first, second, third = from_noon
        third = replace(third, channel=Channel.PAPER, cms=None, scan=Scan(b"scan", "image/png"))
        async with uow.writing() as tx:
            for each in (first, second, third, application()):
                await tx.applications.add(each)
            waiting = replace(second, state=ApplicationState.WAITING)
            await tx.applications.change(waiting)
            third = replace(third, scan=None)
            ours = ApplicationFilter(signer_number=signer)

            async def listed(wanted: ApplicationFilter, **more: object) -> list[Application]:
                bounds = {"before": None, "limit": 9} | more
                return list(await tx.applications.list_newest(wanted, **bounds))  # type: ignore[arg-type]

            assert await listed(ours) == [third, waiting, first]
            assert await listed(ours, limit=2) == [third, waiting]
            assert await listed(ours, before=second.id) == [first]
            assert await listed(replace(ours, state=ApplicationState.WAITING)) == [waiting]
            assert await listed(replace(ours, number=first.data.number)) == [first]
            assert await listed(replace(ours, since=second.received_at)) == [third, waiting]
            assert await listed(replace(ours, until=second.received_at)) == [first]

    async def test_those_that_no_register_spoke_of_are_found(self, uow: UnitOfWork) -> None:
        came, waiting, checked = (application() for _ in range(3))
        async with uow.writing() as tx:
            for each in (came, waiting, checked):
                await tx.applications.add(each)
            await tx.applications.change(replace(waiting, state=ApplicationState.WAITING))
            await tx.applications.change(
                replace(checked, state=ApplicationState.CHECKED, checked_at=examples.at(1))
            )
            before = examples.id_before(came.id)
            person, unanswered = HolderKind.PERSON, tx.applications.unanswered
            assert list(await unanswered(person, after=before, limit=9)) == [came.id, waiting.id]
            assert list(await unanswered(person, after=before, limit=1)) == [came.id]
            assert list(await unanswered(person, after=waiting.id, limit=9)) == []
            assert list(await unanswered(HolderKind.ENTITY, after=before, limit=9)) == []


class UserAgreementContract:
    """Versions of the user agreement."""

    async def test_the_agreement_in_force_is_the_one_published_last(self, uow: UnitOfWork) -> None:
        first, second = agreement(), agreement()
        # By the order of publishing, whatever the clocks say.
        second = replace(second, published_at=examples.at(-100))
        async with uow.writing() as tx:
            for each in (first, second):
                assert await tx.user_agreements.add(each)
                assert await tx.user_agreements.current() == each
            same_version = replace(agreement(), version=first.version)
            assert not await tx.user_agreements.add(same_version)
            assert await tx.user_agreements.current() == second
            assert await tx.user_agreements.get(first.version) == first
            assert await tx.user_agreements.get("never") is None

    async def test_agreements_published_at_the_same_moment_follow_each_other(self, uow: UnitOfWork) -> None:
        async def publish(each: UserAgreement) -> bool:
            async with uow.writing() as tx:
                added = await tx.user_agreements.add(each)
                await tx.commit()
            return added

        assert await asyncio.gather(*(publish(agreement()) for _ in range(3))) == [True] * 3


class HolderProfileContract:
    """What is known of mailboxes' holders."""

    async def test_what_is_known_of_a_holder_comes_back_and_changes(self, uow: UnitOfWork) -> None:
        mailbox, other = examples.mailbox(), examples.mailbox(HolderKind.ENTITY)
        profile, another = holder_of(mailbox, person()), holder_of(other, entity())
        async with uow.writing() as tx:
            for each in (mailbox, other):
                await tx.mailboxes.add(each)
            for known in (profile, another):
                await tx.holders.add(known)
                assert await tx.holders.get(known.mailbox_id) == known
            changed = replace(
                profile,
                data=replace(profile.data, mobile_phone="+77020000000"),
                salt=bytes(32),
                confirmed_at=examples.at(1),
                confirmed_etag="etag",
            )
            await tx.holders.change(replace(changed, login="another", signatory_number="1"))
            assert await tx.holders.lock(mailbox.id) == changed
            assert await tx.holders.get(other.id) == another
            assert await tx.holders.get(examples.new_id()) is None
            with pytest.raises(LookupError):
                await tx.holders.change(replace(changed, mailbox_id=examples.new_id()))

    async def test_the_first_acceptance_of_a_version_stays(self, uow: UnitOfWork) -> None:
        mailbox, older, newer = examples.mailbox(), agreement(), agreement()
        async with uow.writing() as tx:
            await tx.mailboxes.add(mailbox)
            for each in (older, newer):
                await tx.user_agreements.add(each)
            assert await tx.holders.accepted(mailbox.id) is None
            first = AgreementAcceptance(mailbox.id, newer.version, "1", examples.at(1))
            assert await tx.holders.accept(first) == first
            assert await tx.holders.accept(replace(first, accepted_at=examples.at(2))) == first
            late = AgreementAcceptance(mailbox.id, older.version, "1", examples.at(3))
            assert await tx.holders.accept(late) == late
            assert await tx.holders.accepted(mailbox.id) == first

    async def test_a_state_of_a_profile_is_confirmed_once(self, uow: UnitOfWork) -> None:
        mailbox = examples.mailbox()
        confirmation = ProfileConfirmation(
            mailbox.id, examples.new_id(), "etag", "1", b"text", b"cms", examples.at(1)
        )
        async with uow.writing() as tx:
            await tx.mailboxes.add(mailbox)
            await tx.holders.add_confirmation(confirmation)
            await tx.holders.add_confirmation(replace(confirmation, id=examples.new_id(), etag="other"))
            with pytest.raises(StorageFault):
                await tx.holders.add_confirmation(replace(confirmation, id=examples.new_id()))

    async def test_a_mailbox_keeps_the_time_of_its_first_confirmation(self, uow: UnitOfWork) -> None:
        mailbox = examples.mailbox()
        async with uow.writing() as tx:
            await tx.mailboxes.add(mailbox)
            await tx.mailboxes.confirm(mailbox.id, examples.at(1))
            await tx.mailboxes.confirm(mailbox.id, examples.at(2))
            confirmed = replace(mailbox, confirmed_at=examples.at(1))
            assert await tx.mailboxes.named(mailbox.address) == confirmed
            assert (await tx.mailboxes.lock([mailbox.address]))[mailbox.address][0] == confirmed
            with pytest.raises(LookupError):
                await tx.mailboxes.confirm(examples.new_id(), examples.at(1))


class BulkContract:
    """Mailboxes that are opened many at once."""

    async def test_of_many_mailboxes_those_are_added_that_were_not_there(self, uow: UnitOfWork) -> None:
        there = examples.mailbox()
        new = [examples.mailbox() for _ in range(5)]
        again = replace(examples.mailbox(), address=there.address, holder_number=there.holder_number)
        async with uow.writing() as tx:
            await tx.mailboxes.add(there)
            await tx.mailboxes.set_state(there.id, MailboxState.CLOSED)
            added = await tx.mailboxes.add_all([new[3], again, *new[:3], new[4]])
            assert added == {each.id for each in new}
            assert await tx.mailboxes.add_all([]) == frozenset()
            assert await tx.mailboxes.add_all(new) == frozenset()
            for each in new:
                assert await tx.mailboxes.get(each.id) == each
                assert await tx.mailboxes.head(each.id) == MailboxHead(0, bytes(32))
            assert await tx.mailboxes.named(there.address) == replace(there, state=MailboxState.CLOSED)

    async def test_many_mailboxes_added_at_the_same_moment_are_there_once(self, uow: UnitOfWork) -> None:
        wanted = [examples.mailbox() for _ in range(20)]

        async def add(mailboxes: list[Mailbox]) -> int:
            new = [replace(each, id=examples.new_id()) for each in mailboxes]
            async with uow.writing() as tx:
                added = await tx.mailboxes.add_all(new)
                await tx.commit()
            return len(added)

        counts = await asyncio.gather(add(wanted), add(wanted[::-1]), add(wanted[5:15]))
        assert sum(counts) == len(wanted)
