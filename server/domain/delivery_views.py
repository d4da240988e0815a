"""What each state of a delivery means for its two sides: data, printed into `docs/deliveries.md`.

State is only a view of the facts. It moves forward, once, by compare-and-set under the delivery's lock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from namak.evidence import events
from namak.evidence.events import Event
from server.domain.deliveries import DeliveryState


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One state.

    Attributes:
        reached_by: the event whose recording brings a delivery into it.
        from_states: the states that it can be reached from; none for the first.
        sender_sees, holder_sees: what it tells them, in a sentence.
        opens: whether the holder can open the message and confirm its reading.
        withdraws: whether the sender can withdraw it, given that nobody has opened it.
    """

    reached_by: Event
    from_states: frozenset[DeliveryState]
    sender_sees: str
    holder_sees: str
    opens: bool
    withdraws: bool


VIEWS: Mapping[DeliveryState, DeliveryView] = MappingProxyType(
    {
        DeliveryState.CONSIGNED: DeliveryView(
            reached_by=events.CONTENT_CONSIGNMENT,
            from_states=frozenset(),
            sender_sees="The message lies in the recipient's mailbox.",
            holder_sees="Sender, subject and times; the content once it is opened.",
            opens=True,
            withdraws=True,
        ),
        DeliveryState.NOTIFIED: DeliveryView(
            reached_by=events.NOTIFICATION_EFFECTED,
            from_states=frozenset({DeliveryState.CONSIGNED}),
            sender_sees="The recipient is properly notified, since `notification_time`.",
            holder_sees="The same; the message stays, and can be opened and downloaded again.",
            opens=True,
            withdraws=False,
        ),
        DeliveryState.WITHDRAWN: DeliveryView(
            reached_by=events.WITHDRAWN,
            from_states=frozenset({DeliveryState.CONSIGNED}),
            sender_sees="It was withdrawn before anybody opened it. It stays in the bill.",
            holder_sees="That it was sent and withdrawn: sender, subject and times, no content.",
            opens=False,
            withdraws=False,
        ),
    }
)
