"""What every unit of work does. The real one and the fake pass this same class, so use cases may be tested on
the fake.

The database may be shared and not empty: tests use values of their own.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from server.usecases.records import Claim
from tests.contracts import examples
from tests.contracts.administration_contract import AdministrativeActContract, AdministratorContract
from tests.contracts.delegation_contract import DelegationContract
from tests.contracts.evidence_contract import EvidenceContract
from tests.contracts.forwarding_contract import ForwardingContract
from tests.contracts.holder_contract import HolderContract
from tests.contracts.letter_contract import LetterContract
from tests.contracts.log_shard_contract import LogShardContract
from tests.contracts.mail_contract import MailOriginContract
from tests.contracts.notice_contract import NoticeContract, NoticeEntryContract
from tests.contracts.nudge_contract import NudgeContract
from tests.contracts.outage_contract import OutageContract
from tests.contracts.phone_contract import PhoneConfirmationContract
from tests.contracts.post_contract import DeliveryContract, MailboxContract
from tests.contracts.register_contract import BindingContract, OrganisationContract
from tests.contracts.registration_contract import (
    ApplicationContract,
    BulkContract,
    HolderProfileContract,
    UserAgreementContract,
)
from tests.contracts.retention_contract import RetentionContract
from tests.contracts.sender_contract import DomainContract, SenderAddressContract
from tests.contracts.signatory_contract import SignatoryContract
from tests.contracts.sms_contract import SenderSmsContract, SmsContract

OWNER = UUID(int=0)


def _claims(*request_ids: str) -> Sequence[Claim]:
    return [Claim(each, bytes(32), examples.new_id()) for each in request_ids]


def _request_id() -> str:
    return f"request-{examples.number()}"


class TransactionContract:
    """What a transaction is."""

    async def test_what_is_not_committed_is_gone(self, uow: UnitOfWork) -> None:
        organisation = examples.organisation()
        async with uow.writing() as tx:
            assert await tx.organisations.add(organisation)
            assert await tx.organisations.get(organisation.id) == organisation
        async with uow.reading() as tx:
            assert await tx.organisations.get(organisation.id) is None

    async def test_what_is_committed_stays(self, uow: UnitOfWork) -> None:
        organisation = examples.organisation()
        async with uow.writing() as tx:
            await tx.organisations.add(organisation)
            await tx.commit()
        async with uow.reading() as tx:
            assert await tx.organisations.get(organisation.id) == organisation

    async def test_what_an_error_interrupts_is_gone(self, uow: UnitOfWork) -> None:
        organisation = examples.organisation()

        async def interrupted() -> None:
            async with uow.writing() as tx:
                await tx.organisations.add(organisation)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await interrupted()
        async with uow.reading() as tx:
            assert await tx.organisations.get(organisation.id) is None

    async def test_a_reading_transaction_rolls_back_what_it_wrote_by_mistake(self, uow: UnitOfWork) -> None:
        organisation = examples.organisation()
        async with uow.reading() as tx:
            await tx.organisations.add(organisation)
        async with uow.reading() as tx:
            assert await tx.organisations.get(organisation.id) is None

    async def test_a_reading_transaction_refuses_to_commit(self, uow: UnitOfWork) -> None:
        organisation = examples.organisation()
        async with uow.reading() as tx:
            await tx.organisations.add(organisation)
            with pytest.raises(RuntimeError, match="reading"):
                await tx.commit()
        async with uow.reading() as tx:
            assert await tx.organisations.get(organisation.id) is None

    async def test_a_transaction_commits_once(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            await tx.commit()
            with pytest.raises(RuntimeError, match="over"):
                await tx.commit()

    async def test_nothing_is_committed_after_a_constraint_refused_something(self, uow: UnitOfWork) -> None:
        organisation = examples.organisation()
        nowhere = replace(examples.address(organisation), networks=())
        async with uow.writing() as tx:
            await tx.organisations.add(organisation)
            with pytest.raises(StorageFault) as raised:
                await tx.sender_addresses.add(nowhere)
            assert raised.value.constraint == "ck_sender_addresses_networks"
            with pytest.raises(RuntimeError, match="failed"):
                await tx.commit()
        async with uow.reading() as tx:
            assert await tx.organisations.get(organisation.id) is None

    async def test_another_transaction_does_not_see_what_is_not_committed(self, uow: UnitOfWork) -> None:
        organisation = examples.organisation()
        async with uow.writing() as tx:
            await tx.organisations.add(organisation)
            async with uow.reading() as other:
                assert await other.organisations.get(organisation.id) is None


class ClaimContract:
    """Request ids and refusals."""

    async def test_a_new_request_id_was_not_claimed_before(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            assert await tx.claims.claim(OWNER, _claims(_request_id(), _request_id())) == {}

    async def test_a_claimed_request_id_comes_back_as_it_was_claimed_first(self, uow: UnitOfWork) -> None:
        known, new = _request_id(), _request_id()
        (first,) = _claims(known)
        async with uow.writing() as tx:
            await tx.claims.claim(OWNER, [first])
            await tx.commit()
        async with uow.writing() as tx:
            other = Claim(known, bytes([1] * 32), examples.new_id())
            assert await tx.claims.claim(OWNER, [*_claims(new), other]) == {known: first}

    async def test_a_request_id_is_claimed_by_each_owner_for_itself(self, uow: UnitOfWork) -> None:
        request_id = _request_id()
        async with uow.writing() as tx:
            await tx.claims.claim(OWNER, _claims(request_id))
            assert await tx.claims.claim(examples.new_id(), _claims(request_id)) == {}

    async def test_a_claim_that_was_rolled_back_is_free(self, uow: UnitOfWork) -> None:
        request_id = _request_id()
        async with uow.writing() as tx:
            await tx.claims.claim(OWNER, _claims(request_id))
        async with uow.writing() as tx:
            assert await tx.claims.claim(OWNER, _claims(request_id)) == {}

    async def test_one_call_claims_a_request_id_once(self, uow: UnitOfWork) -> None:
        request_id = _request_id()
        async with uow.writing() as tx:
            with pytest.raises(ValueError, match="twice"):
                await tx.claims.claim(OWNER, _claims(request_id, request_id))

    async def test_of_two_claims_at_the_same_moment_one_is_first(self, uow: UnitOfWork) -> None:
        (mine,), (yours,) = _claims(request_id := _request_id()), _claims(request_id)

        async def claim(claim: Claim) -> Claim | None:
            async with uow.writing() as tx:
                earlier = await tx.claims.claim(OWNER, [claim])
                await tx.commit()
                return earlier.get(request_id)

        assert set(await asyncio.gather(claim(mine), claim(yours))) in ({None, mine}, {None, yours})

    async def test_nothing_to_claim_claims_nothing(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            assert await tx.claims.claim(OWNER, []) == {}

    async def test_refusals_are_kept_under_their_request_ids(self, uow: UnitOfWork) -> None:
        organisation, other = examples.organisation(), examples.organisation()
        first, second = examples.refusal(organisation, 1), examples.refusal(organisation, 2)
        foreign = examples.refusal(other, 2)
        async with uow.writing() as tx:
            for each in (organisation, other):
                await tx.organisations.add(each)
            await tx.refusals.add([first, second, foreign])
            await tx.refusals.add([])
            kept = await tx.refusals.under(organisation.id, [first.request_id, foreign.request_id, "unknown"])
            assert kept == {first.request_id: first}
            assert await tx.refusals.under(organisation.id, []) == {}
            assert await tx.refusals.count_since(organisation.id, examples.at(0)) == 2
            assert await tx.refusals.count_since(organisation.id, examples.at(2)) == 1
            assert await tx.refusals.count_since(organisation.id, examples.at(3)) == 0

    async def test_a_second_refusal_under_one_request_id_is_an_error(self, uow: UnitOfWork) -> None:
        organisation = examples.organisation()
        refusal = examples.refusal(organisation, 1)
        async with uow.writing() as tx:
            await tx.organisations.add(organisation)
            await tx.refusals.add([refusal])
            with pytest.raises(StorageFault) as raised:
                await tx.refusals.add([refusal])
            assert raised.value.constraint == "pk_refusals"


class UnitOfWorkContract(
    TransactionContract,
    AdministratorContract,
    AdministrativeActContract,
    ApplicationContract,
    UserAgreementContract,
    DelegationContract,
    SignatoryContract,
    HolderProfileContract,
    BulkContract,
    OrganisationContract,
    BindingContract,
    ClaimContract,
    DomainContract,
    SenderAddressContract,
    MailboxContract,
    DeliveryContract,
    HolderContract,
    LetterContract,
    EvidenceContract,
    PhoneConfirmationContract,
    RetentionContract,
    ForwardingContract,
    NoticeContract,
    MailOriginContract,
    OutageContract,
    LogShardContract,
    NoticeEntryContract,
    SmsContract,
    SenderSmsContract,
    NudgeContract,
):
    """All of it. Whoever inherits it for a unit of work gives the fixture `uow`."""
