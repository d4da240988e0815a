"""The contract's messages as ``--json`` and tables show them. Field names are the contract's;
texts are as they came.
"""

from collections.abc import Mapping

from google.protobuf.timestamp_pb2 import Timestamp

from namak.cli.texts import N_
from namak.client.receipts import SavedReceipt
from namak.v1 import delivery_pb2, evidence_pb2, mailbox_pb2, paper_pb2

Shape = Mapping[str, object]


def time_of(time: Timestamp, present: bool = True) -> str | None:
    """Returns a time as RFC 3339, UTC."""
    return time.ToJsonString() if present else None


def when(time: Timestamp, present: bool = True) -> str:
    """Returns a time for people, in UTC; nothing for one that is absent."""
    return time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S UTC") if present else ""


STATES = (N_("CONSIGNED"), N_("NOTIFIED"), N_("WITHDRAWN"))
"""The states of a delivery, for the catalogue; programs get these words as they are."""

PART_COLUMNS = (N_("PART"), N_("NAME"), N_("TYPE"), N_("BYTES"), N_("SHA-256"))
"""The headings of a table of parts."""


def event_name(uri: str) -> str:
    """Returns the last word of an event's URI: its name."""
    return uri.rpartition("/")[2]


def state_name(state: delivery_pb2.DeliveryState.ValueType) -> str:
    """Returns a state's name without its prefix; of one this version does not know, its number."""
    if state not in delivery_pb2.DeliveryState.values():
        return str(int(state))
    return delivery_pb2.DeliveryState.Name(state).removeprefix("DELIVERY_STATE_")


def part(number: int, info: delivery_pb2.PartInfo) -> Shape:
    """A part, with its number from 1."""
    return {
        "number": number,
        "name": info.name,
        "media_type": info.media_type,
        "size": info.size,
        "sha256": info.digest.value.hex(),
    }


def delivery(value: delivery_pb2.Delivery) -> Shape:
    """A delivery as its sender sees it."""
    return {
        "delivery_id": value.delivery_id,
        "sender": value.sender,
        "recipient": value.recipient,
        "subject": value.subject,
        "parts": [part(number, info) for number, info in enumerate(value.parts, start=1)],
        "notification_policy": value.notification_policy,
        "state": state_name(value.state),
        "submission_time": time_of(value.submission_time, value.HasField("submission_time")),
        "notification_time": time_of(value.notification_time, value.HasField("notification_time")),
        "withdrawal_time": time_of(value.withdrawal_time, value.HasField("withdrawal_time")),
        "in_reply_to": value.in_reply_to or None,
    }


def message(value: mailbox_pb2.Message) -> Shape:
    """A message as its recipient sees it."""
    return {
        "delivery_id": value.delivery_id,
        "sender": value.sender,
        "sender_name": value.sender_name,
        "subject": value.subject,
        "consignment_time": time_of(value.consignment_time, value.HasField("consignment_time")),
        "opening_time": time_of(value.opening_time, value.HasField("opening_time")),
        "confirmation_time": time_of(value.confirmation_time, value.HasField("confirmation_time")),
        "state": state_name(value.state),
        "withdrawal_time": time_of(value.withdrawal_time, value.HasField("withdrawal_time")),
        "in_reply_to": value.in_reply_to or None,
        "paper": paper(value.paper) if value.HasField("paper") else None,
    }


def paper(value: paper_pb2.PaperOrigin) -> Shape:
    """What is known of the paper that a message is the copy of."""
    return {
        "sender_name": value.paper_sender.name or None,
        "sender_address": list(value.paper_sender.address_lines),
        "receive_time": time_of(value.receive_time),
        "receive_place": value.receive_place,
        "tracking_number": value.tracking_number or None,
        "original": value.original,
    }


def evidence(value: evidence_pb2.Evidence) -> Shape:
    """A fact, without its document."""
    return {
        "evidence_id": value.evidence_id,
        "event": value.event,
        "event_time": time_of(value.event_time),
    }


def saved(value: SavedReceipt) -> Shape:
    """A receipt in its file."""
    shape = {"evidence_id": value.evidence_id, "path": str(value.path), "kept": value.kept}
    return {**shape, "beside": [str(path) for path in value.beside]} if value.beside else shape
