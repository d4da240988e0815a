"""Follows mailboxes' chains of links while their deliveries go by, and says which are whole."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final
from uuid import UUID

from namak.evidence import events, mailbox_link
from server.fsck.delivery_ports import StoredBox, StoredDelivery
from server.fsck.ours import is_consignment
from server.fsck.span_ports import Span

MOST_UNSURE: Final = 10_000
"""So many mailboxes are kept in mind to be looked at once more; of more, all are."""

_CONSIGNED: Final = events.CONTENT_CONSIGNMENT.uri


class Chains:
    """Takes deliveries by mailbox and identifier.

    A chain is whole where its deliveries have all places from the first on, each the link that its opening
    gives and a consignment with that link, the last one the head's, and there is no other link.
    """

    def __init__(self) -> None:
        self._box: StoredBox | None = None
        self._current: UUID | None = None
        self._sequence = 0
        self._link = mailbox_link.GENESIS
        self._is_whole = True
        self._unsure: set[UUID] = set()
        self._links = 0
        self._mailboxes = 0

    def page(
        self, deliveries: Sequence[StoredDelivery], are_usual: Sequence[bool], boxes: Sequence[StoredBox]
    ) -> None:
        """Takes a page with the mailboxes from that of the page before to that of its end; `are_usual` tells
        of each delivery whether its evidence is known to be in order.
        """
        known = {each.id: each for each in boxes}
        if self._current in known:
            self._box = known.pop(self._current)
        begin = 0
        for end, each in enumerate(deliveries, 1):
            if end < len(deliveries) and deliveries[end].mailbox_id == each.mailbox_id:
                continue
            if each.mailbox_id != self._current:
                self._end()
                self._current, self._box = each.mailbox_id, known.pop(each.mailbox_id, None)
            self._add([*zip(deliveries[begin:end], are_usual[begin:end], strict=True)])
            begin = end
        # Those left have no deliveries.
        self._doubt(each.id for each in known.values() if each.sequence or each.first is not None)

    def ended(self) -> tuple[int, int, Sequence[Span] | None]:
        """Returns how many links of how many whole chains there are, and which mailboxes are to be looked at;
        None where it is all of them.
        """
        self._end()
        if len(self._unsure) > MOST_UNSURE:
            return 0, 0, None
        spans = [Span(UUID(int=max(each.int - 1, 0)), UUID(int=each.int)) for each in sorted(self._unsure)]
        return self._links, self._mailboxes, spans

    def _add(self, deliveries: list[tuple[StoredDelivery, bool]]) -> None:
        box = self._box
        if box is None or not self._is_whole:
            self._is_whole = False
            return
        # Of two that came at once either may have the smaller identifier.
        deliveries.sort(key=_place)
        for each, is_usual in deliveries:
            follows = each.sequence == self._sequence + 1 and each.previous == self._link
            if (
                not (follows and each.linked and each.recipient == box.address)
                or _link(box.address, each) != each.link
                or not (is_usual or _is_consigned(each))
            ):
                self._is_whole = False
                return
            self._sequence, self._link = each.sequence, each.link

    def _end(self) -> None:
        if self._current is None:
            return
        box, end = self._box, (self._sequence, self._link, 1, self._sequence)
        if self._is_whole and box is not None and (box.sequence, box.link, box.first, box.last) == end:
            self._links += self._sequence
            self._mailboxes += 1
        else:
            self._doubt([self._current])
        self._current, self._box, self._is_whole = None, None, True
        self._sequence, self._link = 0, mailbox_link.GENESIS

    def _doubt(self, mailboxes: Iterable[UUID]) -> None:
        if len(self._unsure) <= MOST_UNSURE:
            self._unsure.update(mailboxes)


def _place(delivery: tuple[StoredDelivery, bool]) -> int:
    return delivery[0].sequence


def _link(address: str, delivery: StoredDelivery) -> bytes | None:
    """Returns the link that a delivery's opening gives; None where it gives none."""
    try:
        return mailbox_link.link(delivery.nonce, address, delivery.sequence, delivery.id, delivery.previous)
    except ValueError:
        return None


def _is_consigned(delivery: StoredDelivery) -> bool:
    """Tells whether the first consignment by identifier is one with the delivery's link."""
    consigned = [each for each in delivery.facts if each.event == _CONSIGNED]
    if not consigned:
        return False
    first = min(consigned, key=attrgetter("id"))
    return is_consignment(first.document, delivery.recipient, str(delivery.id), delivery.link)
