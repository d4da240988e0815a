"""What became of the copies before some: how many failed in a row."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import takewhile
from typing import Final
from uuid import UUID

from sqlalchemy import column, func, select

from server.domain.forwarding import LOOKED_BACK, CopyState, ForwardedCopy
from server.storage.forwarding_tables import ForwardedCopyRow
from server.storage.statements import Statements, array
from server.storage.stored import table
from server.storage.tables import DeliveryRow

_FAILED: Final = frozenset({CopyState.FAILED.value, CopyState.BOUNCED.value})
_TELLING: Final = sorted(_FAILED | {CopyState.SENT.value, CopyState.DELIVERED.value})
_COPIES = table(ForwardedCopyRow)
_DELIVERIES = table(DeliveryRow)

_GIVEN = (
    func.unnest(
        array("tokens", _COPIES.c.token.type),
        array("mailboxes", _COPIES.c.mailbox_id.type),
        array("deliveries", _COPIES.c.delivery_id.type),
        array("targets", _COPIES.c.target_id.type),
    )
    .table_valued(
        column("token", _COPIES.c.token.type),
        column("mailbox_id", _COPIES.c.mailbox_id.type),
        column("delivery_id", _COPIES.c.delivery_id.type),
        column("target_id", _COPIES.c.target_id.type),
    )
    .render_derived(name="given")
)
# So many messages and not so many copies: a mailbox may have had thousands before it had the target.
_MESSAGES = (
    select(_DELIVERIES.c.id)
    .where(_DELIVERIES.c.mailbox_id == _GIVEN.c.mailbox_id, _DELIVERIES.c.id < _GIVEN.c.delivery_id)
    .order_by(_DELIVERIES.c.id.desc())
    .limit(LOOKED_BACK)
    .lateral("messages")
)
_EARLIER = (
    select(_GIVEN.c.token, _COPIES.c.state)
    .join_from(_GIVEN, _MESSAGES, _MESSAGES.c.id < _GIVEN.c.delivery_id)
    .join(_COPIES, (_COPIES.c.delivery_id == _MESSAGES.c.id) & (_COPIES.c.target_id == _GIVEN.c.target_id))
    .where(_COPIES.c.state.in_(_TELLING))
    .order_by(_GIVEN.c.token, _MESSAGES.c.id.desc())
)
"""The states of the copies to each given one's target, the latest before it first."""


async def failed_before(statements: Statements, copies: Collection[ForwardedCopy]) -> Mapping[UUID, int]:
    """Returns by their tokens how many copies to the same target failed in a row before each."""
    values = {
        "tokens": [copy.token for copy in copies],
        "mailboxes": [copy.mailbox_id for copy in copies],
        "deliveries": [copy.delivery_id for copy in copies],
        "targets": [copy.target_id for copy in copies],
    }
    earlier = defaultdict(list)
    for row in await statements.rows(_EARLIER, values):
        earlier[row.token].append(row.state in _FAILED)
    return {copy.token: len(list(takewhile(bool, earlier[copy.token]))) for copy in copies}
