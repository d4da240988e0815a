"""Streams of facts, between the wire and the use case; senders and holders get them in the same form."""

from collections.abc import Sequence
from functools import partial

from namak.v1 import delivery_pb2, evidence_pb2, mailbox_pb2
from server.domain import fields, limits
from server.domain.caller import Holder, Sender
from server.services.evidence_wire import evidence_to_proto, receipt_to_proto
from server.services.problems import Problems
from server.usecases.following import BEGINNING, Follow, Followings, PublishedFact
from server.usecases.log_ports import LogCursor

log_origin = partial(fields.line, limit=limits.LOG_ORIGIN_CHARACTERS)
"""The rule for origins of shards."""


def follow_from_proto(
    request: delivery_pb2.WatchDeliveriesRequest | mailbox_pb2.WatchMailboxRequest,
    caller: Sender | Holder,
    mailbox: str | None = None,
) -> Follow:
    problems = Problems()
    cursor = None
    if request.HasField("cursor") and request.cursor == evidence_pb2.LogCursor():
        cursor = BEGINNING
    elif request.HasField("cursor"):
        cursor = LogCursor(
            problems.text("cursor.origin", request.cursor.origin, log_origin), request.cursor.index
        )
        if request.cursor.index < 0:
            problems.add("cursor.index", "NEGATIVE", "must not be negative")
    problems.raise_if_any()
    return Follow(caller, cursor, request.with_receipts, mailbox)


def deliveries_reply_to_proto(reply: Followings) -> delivery_pb2.WatchDeliveriesResponse:
    return delivery_pb2.WatchDeliveriesResponse(
        facts=_facts_to_proto(reply.facts), cursor=_cursor_to_proto(reply.cursor)
    )


def mailbox_reply_to_proto(reply: Followings) -> mailbox_pb2.WatchMailboxResponse:
    return mailbox_pb2.WatchMailboxResponse(
        facts=_facts_to_proto(reply.facts), cursor=_cursor_to_proto(reply.cursor)
    )


def _cursor_to_proto(cursor: LogCursor) -> evidence_pb2.LogCursor:
    return evidence_pb2.LogCursor(origin=cursor.origin, index=cursor.index)


def _facts_to_proto(facts: Sequence[PublishedFact]) -> Sequence[delivery_pb2.DeliveryFact]:
    return [
        delivery_pb2.DeliveryFact(
            delivery_id=str(each.fact.delivery_id),
            evidence=evidence_to_proto(each.fact),
            receipt=None if each.receipt is None else receipt_to_proto(each.receipt),
            leaf_index=each.leaf_index,
        )
        for each in facts
    ]
