"""What is gleaned from deliveries: only what the parts that it is for would find in order."""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from server.domain.paper_desk import PAPER_DESK_ID
from server.fsck.deliveries import verdicts_on
from server.fsck.delivery_ports import DeliveryPage, StoredDelivery, StoredFact
from server.fsck.gleaning import GLEANED, Gleaned, Gleaner, Wanted
from server.fsck.span_ports import Span
from tests.unit.fsck.stored import usual_deliveries

ORIGIN, ORGANISATION = "log", UUID(int=7)
ZONE = ZoneInfo("Asia/Yerevan")
ONE = next(iter(usual_deliveries()))
LATER = ONE.submitted_at + timedelta(days=1)
DAY = ONE.submitted_at.astimezone(ZONE).date()


def logged(delivery: StoredDelivery, first: int = 0) -> StoredDelivery:
    """Returns a delivery whose evidence is in the log from a leaf on."""
    facts = []
    for index, fact in enumerate(delivery.facts, first):
        digest = sha256(fact.document).digest()
        facts.append(StoredFact(*fact[:4], ORGANISATION, digest, ORIGIN, index, digest))
    return delivery._replace(facts=facts)


def gleaned(
    *deliveries: StoredDelivery,
    strays: Sequence[StoredFact] = (),
    mailboxes: Sequence[UUID] = (),
    wanted: Wanted | None = None,
) -> Gleaned:
    gleaner = Gleaner(wanted or Wanted(frozenset(GLEANED), ((ORIGIN, 3),), LATER), ZONE)
    key = (UUID(int=1), UUID(int=2))
    page = DeliveryPage(deliveries, [(key, each) for each in strays], None)
    verdicts_on(page, LATER, gleaner)
    gleaner.settle([each for each in gleaner.unknown() if each in mailboxes])
    return gleaner.gleaned()


def with_first(delivery: StoredDelivery, **changes: object) -> StoredDelivery:
    first, *others = delivery.facts
    return delivery._replace(facts=[first._replace(**changes), *others])  # type: ignore[arg-type]


def test_leaves_are_ticked_off_and_acceptances_counted() -> None:
    found = gleaned(logged(ONE))
    assert found.leaves == {ORIGIN: bytearray([0b011])}
    assert found.accepted == {(ORGANISATION, DAY, ONE.sender): 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"entry": bytes(32)},
        {"digest": bytes(32)},
        {"document": logged(ONE).facts[0].document + b" "},
    ],
)
def test_evidence_that_is_not_what_its_leaf_or_row_says_is_left_to_the_parts(
    changes: dict[str, bytes],
) -> None:
    found = gleaned(with_first(logged(ONE), **changes))
    assert found.leaves == {ORIGIN: bytearray([0b010])}
    assert found.accepted is None


def test_a_leaf_that_two_rows_have_is_left_though_one_is_right() -> None:
    good = logged(ONE)
    found = gleaned(good, strays=[good.facts[1]._replace(document=b"x")])
    assert found.leaves == {ORIGIN: bytearray([0b001])}


@pytest.mark.parametrize("index", [-1, 3, 2**60])
def test_leaves_outside_of_the_tree_are_nobodys(index: int) -> None:
    assert gleaned(with_first(logged(ONE), leaf_index=index)).leaves == {ORIGIN: bytearray([0b010])}
    assert gleaned(with_first(logged(ONE), origin="other")).leaves == {ORIGIN: bytearray([0b010])}


def test_evidence_without_a_leaf_is_counted_and_ticks_nothing() -> None:
    found = gleaned(with_first(logged(ONE), origin=None, leaf_index=None, entry=None))
    assert found.leaves == {ORIGIN: bytearray([0b010])}
    assert found.accepted == {(ORGANISATION, DAY, ONE.sender): 1}


def test_an_unusual_delivery_is_counted_by_reading_and_one_that_nobody_reads_by_the_part() -> None:
    unlinked = logged(ONE)._replace(linked=False)
    assert gleaned(unlinked).accepted == {(ORGANISATION, DAY, ONE.sender): 1}
    other = unlinked._replace(sender="x@src.am")
    assert gleaned(other).accepted == {(ORGANISATION, DAY, ONE.sender): 1}
    data = b"x"
    unreadable = with_first(
        logged(ONE), document=data, digest=sha256(data).digest(), entry=sha256(data).digest()
    )
    assert gleaned(unreadable).accepted is None
    assert gleaned(strays=[logged(ONE).facts[0]]).accepted is None
    assert gleaned(strays=[logged(ONE).facts[1]]).accepted == {}


def test_nobody_is_billed_for_letters_of_holders_nor_of_the_desk_nor_for_what_came_just_now() -> None:
    assert gleaned(logged(ONE), mailboxes=[ORGANISATION]).accepted == {}
    desk = with_first(logged(ONE), organisation_id=PAPER_DESK_ID)
    assert gleaned(desk).accepted == {}
    just_now = Wanted(frozenset(GLEANED), ((ORIGIN, 3),), ONE.submitted_at)
    assert gleaned(logged(ONE), wanted=just_now).accepted == {}


def test_spans_are_put_together() -> None:
    key = (ORGANISATION, DAY, "a@b")
    span = Span(UUID(int=1), UUID(int=2))
    one = Gleaned(leaves={ORIGIN: bytearray([1, 0])}, links=2, mailboxes=1, accepted={key: 1})
    two = Gleaned(
        *(Wanted(), {ORIGIN: bytearray([2, 128])}, 3, 1, [span], {key: 4}),
    )
    whole = Gleaned.together([one, two])
    assert whole.leaves == {ORIGIN: bytearray([3, 128])}
    assert (whole.links, whole.mailboxes, whole.unsure) == (5, 2, [span])
    assert whole.accepted == {key: 5}
    two.unsure = two.accepted = None
    whole = Gleaned.together([one, two])
    assert (whole.links, whole.mailboxes, whole.unsure, whole.accepted) == (0, 0, None, None)
