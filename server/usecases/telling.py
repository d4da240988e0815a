"""Records new facts of a delivery, with what goes out because of them."""

from collections.abc import Sequence

from server.domain.deliveries import Delivery
from server.domain.facts import Fact
from server.domain.mail_receipts import receipt_jobs
from server.usecases.ports import Transaction


async def record(tx: Transaction, delivery: Delivery, facts: Sequence[Fact]) -> None:
    """Records new facts of a locked delivery, in their order, and has its sender told of them by mail where
    it came in by mail.
    """
    await tx.evidence.record(facts)
    await tx.jobs.defer(receipt_jobs(delivery, facts))
