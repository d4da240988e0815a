"""What a check reads of a database, over one connection, with a bill that is right."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from server.domain.usage import CountedAcceptances, UsageFindings
from server.fsck.check import Stored
from server.storage.delivery_inspection import PostgresDeliveryInspection
from server.storage.log_inspection import PostgresLogInspection
from server.storage.mailbox_inspection import PostgresMailboxInspection
from server.storage.shard_inspection import PostgresShardInspection
from server.storage.signature_inspection import PostgresSignatureInspection
from server.storage.token_inspection import PostgresTokenInspection


class RightBill:
    """Finds nothing: usage is recounted over connections of its own."""

    async def run(
        self,
        first: date,
        last: date,
        *,
        accepted: CountedAcceptances | None = None,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> UsageFindings:
        assert first <= last
        return UsageFindings(0, (), 0, ())


def stored_over(inspection: PostgresLogInspection) -> Stored:
    """Returns what the connection shows, also from within a transaction."""
    return Stored(
        log=inspection,
        shards=PostgresShardInspection(inspection),
        mailboxes=PostgresMailboxInspection(inspection),
        deliveries=PostgresDeliveryInspection(inspection),
        tokens=PostgresTokenInspection(inspection),
        confirmations=PostgresSignatureInspection(inspection),
        recount=RightBill(),
        zone=ZoneInfo("Asia/Yerevan"),
        now=lambda: datetime.now(UTC),
    )
