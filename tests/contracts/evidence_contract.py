"""What every unit of work does with evidence and revocation lists."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence.events import CONTENT_CONSIGNMENT, RECEIVED_FROM_NON_ERDS
from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from tests.contracts import examples
from tests.contracts.post_contract import delivered


class EvidenceContract:
    """Evidence and revocation lists."""

    async def test_facts_come_back_as_they_were_recorded(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (delivery,), (other,) = await delivered(tx), await delivered(tx)
            accepted, consigned = examples.fact(delivery), examples.fact(delivery, CONTENT_CONSIGNMENT)
            elsewhere, of_no_delivery = examples.fact(other), replace(examples.fact(other), delivery_id=None)
            await tx.evidence.record([consigned, accepted, elsewhere, of_no_delivery])
            await tx.evidence.record([])
            wanted = [accepted.id, of_no_delivery.id, examples.new_id()]
            found = {accepted.id: accepted, of_no_delivery.id: of_no_delivery}
            assert await tx.evidence.get(wanted) == found
            assert await tx.evidence.get([]) == {}
            facts = await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)
            assert list(facts) == [accepted, consigned]
            assert list(await tx.evidence.of_delivery(other.mailbox_id, delivery.id)) == []

    async def test_a_later_fact_comes_later_though_its_replica_s_identifiers_lag_behind(
        self, uow: UnitOfWork
    ) -> None:
        async with uow.writing() as tx:
            (delivery,) = await delivered(tx)
            later, earlier = examples.fact(delivery), examples.fact(delivery)
            later = replace(later, recorded_at=earlier.recorded_at + timedelta(microseconds=1))
            assert later.id < earlier.id
            await tx.evidence.record([earlier, later])
            assert list(await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)) == [earlier, later]

    async def test_the_facts_of_many_deliveries_come_at_once(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            first, second, silent = await delivered(tx, 3)
            (other,) = await delivered(tx)
            facts = [examples.fact(each) for each in (first, second, first, other)]
            await tx.evidence.record(facts)
            found = await tx.evidence.of_deliveries([second, silent, first])
            expected = {first.id: [facts[0], facts[2]], second.id: [facts[1]], silent.id: []}
            assert {key: list(value) for key, value in found.items()} == expected
            assert await tx.evidence.of_deliveries([]) == {}

    async def test_what_came_on_paper_in_one_mailbox_comes_at_once(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            first, silent = await delivered(tx, 2)
            (other,) = await delivered(tx)
            told = [examples.fact(each, RECEIVED_FROM_NON_ERDS) for each in (first, other)]
            await tx.evidence.record([*told, examples.fact(silent, CONTENT_CONSIGNMENT)])
            wanted = [first.id, silent.id, other.id]
            assert await tx.evidence.received_on_paper(first.mailbox_id, wanted) == {first.id: told[0]}
            assert await tx.evidence.received_on_paper(first.mailbox_id, []) == {}

    async def test_the_consignments_of_one_mailbox_come_at_once(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            first, second, silent = await delivered(tx, 3)
            (other,) = await delivered(tx)
            consigned = [examples.fact(each, CONTENT_CONSIGNMENT) for each in (first, second, other)]
            await tx.evidence.record([examples.fact(first), *consigned])
            wanted = [each.id for each in (first, second, silent, other)]
            found = await tx.evidence.consignments(first.mailbox_id, wanted)
            assert found == {first.id: consigned[0], second.id: consigned[1]}
            assert await tx.evidence.consignments(first.mailbox_id, []) == {}

    async def test_a_fact_is_recorded_once(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (delivery,) = await delivered(tx)
            fact = examples.fact(delivery)
            await tx.evidence.record([fact])
            with pytest.raises(StorageFault) as raised:
                await tx.evidence.record([fact])
            assert raised.value.constraint == "pk_evidence"

    async def test_an_entry_that_is_not_its_evidence_s_digest_is_refused(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (delivery,) = await delivered(tx)
            with pytest.raises(StorageFault) as raised:
                await tx.evidence.record([replace(examples.fact(delivery), entry=bytes(32))])
            assert raised.value.constraint == "ck_evidence_entry"

    async def test_a_revocation_list_is_published_again_without_harm(self, uow: UnitOfWork) -> None:
        der = f"list {examples.number()}".encode()
        digest = hashlib.sha256(der).digest()
        async with uow.writing() as tx:
            assert await tx.evidence.revocation_list(digest) is None
            await tx.evidence.add_revocation_list(digest, der)
            await tx.evidence.add_revocation_list(digest, der)
            assert await tx.evidence.revocation_list(digest) == der
