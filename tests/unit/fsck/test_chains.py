"""Following chains while deliveries go by, against opening every link."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence import mailbox_link
from namak.evidence.mailbox_chain import ChainCheck, ChainHead, Opening
from scripts.benchmark.stored_post import StoredOffice
from server.fsck import chains
from server.fsck.chains import Chains
from server.fsck.delivery_ports import StoredBox, StoredDelivery
from server.fsck.mailboxes import is_consigned
from server.fsck.usual import usual
from tests.unit.fsck.stored import stored


def mailbox(count: int) -> list[StoredDelivery]:
    """Returns the deliveries of a mailbox, by place."""
    office = StoredOffice(UUID(int=7))
    return [
        stored(delivery, facts)._replace(sequence=link[1], nonce=link[3], previous=link[4], link=link[5])
        for delivery, facts, link in office.portion(count)
    ]


ALL = mailbox(12)


def box_of(deliveries: Sequence[StoredDelivery]) -> StoredBox:
    last = max(deliveries, key=lambda each: each.sequence)
    places = [each.sequence for each in deliveries]
    return StoredBox(last.mailbox_id, last.recipient, last.sequence, last.link, min(places), max(places))


def are_whole(deliveries: Sequence[StoredDelivery], box: StoredBox, at_once: int = 5) -> bool:
    """Tells whether the chain is taken for whole, read so many deliveries at a time."""
    following = Chains()
    for begin in range(0, len(deliveries), at_once):
        page = deliveries[begin : begin + at_once]
        following.page(page, [usual(each) is not None for each in page], [box])
    links, mailboxes, unsure = following.ended()
    assert unsure is not None
    assert (mailboxes, len(unsure)) in {(1, 0), (0, 1)}
    assert links == (len(deliveries) if mailboxes else 0)
    return mailboxes == 1


def is_sound(deliveries: Sequence[StoredDelivery], box: StoredBox) -> bool:
    """Tells whether opening every link that is there finds nothing."""
    check = ChainCheck(box.address, is_consigned=is_consigned)
    for each in sorted(deliveries, key=lambda each: each.sequence):
        opening = Opening(
            each.sequence,
            str(each.id),
            *(each.nonce, each.previous, each.link, each.facts[1].document if len(each.facts) > 1 else b""),
        )
        check.add(opening)
    return (
        all(each.linked for each in deliveries)
        and not check.report(ChainHead(box.sequence, box.link)).findings
    )


@pytest.mark.parametrize("at_once", [1, 3, 5, 12, 100])
def test_a_whole_chain_is_whole_however_it_is_read(at_once: int) -> None:
    assert is_sound(ALL, box_of(ALL))
    assert are_whole(ALL, box_of(ALL), at_once)
    swapped = [ALL[1], ALL[0], *ALL[2:]]
    # One that came before its place in an earlier page is looked at once more.
    assert are_whole(swapped, box_of(ALL), at_once) is (at_once > 1)


CHANGES: dict[str, Any] = {
    "nonce": sha256(b"x").digest(),
    "previous": sha256(b"x").digest(),
    "link": sha256(b"x").digest(),
    "sequence": 40,
    "recipient": "x@y",
    "linked": False,
    "id": UUID(int=5),
    "facts": [],
}


@settings(max_examples=120)
@given(
    st.integers(0, len(ALL) - 1),
    st.sampled_from([*CHANGES, "gone", "twice", "short nonce", "other consignment", "bytes"]),
    st.integers(1, 13),
    st.integers(0, 1300),
    st.binary(min_size=1, max_size=2),
)
def test_a_chain_is_whole_only_where_opening_every_link_finds_nothing(
    place: int, change: str, at_once: int, at: int, put_in: bytes
) -> None:
    changed, this = [*ALL], ALL[place]
    match change:
        case "gone":
            del changed[place]
        case "twice":
            changed.insert(place, this)
        case "short nonce":
            changed[place] = this._replace(nonce=bytes(31))
        case "other consignment":
            changed[place] = this._replace(facts=ALL[place - 1].facts)
        case "bytes":
            facts = [*this.facts]
            document = facts[1].document
            facts[1] = facts[1]._replace(document=document[:at] + put_in + document[at + len(put_in) :])
            changed[place] = this._replace(facts=facts)
        case _:
            changed[place] = this._replace(**{change: CHANGES[change]})
    if are_whole(changed, box_of(ALL), at_once):
        assert is_sound(changed, box_of(ALL))
        assert change == "bytes"


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": 11},
        {"sequence": 13},
        {"link": bytes(32)},
        {"first": 0},
        {"last": 13},
        {"address": "x@y"},
    ],
)
def test_a_chain_that_its_mailbox_tells_otherwise_is_not_whole(change: dict[str, Any]) -> None:
    assert not are_whole(ALL, box_of(ALL)._replace(**change))


def test_mailboxes_that_have_links_and_no_deliveries_are_looked_at_and_empty_ones_not() -> None:
    following = Chains()
    empty = StoredBox(UUID(int=1), "a@b", 0, b"", None, None)
    headed = StoredBox(UUID(int=2), "a@b", 3, bytes(32), None, None)
    linked = StoredBox(UUID(int=3), "a@b", 0, b"", 1, 2)
    following.page([], [], [empty, headed, linked])
    links, mailboxes, unsure = following.ended()
    assert unsure is not None
    assert (links, mailboxes, [each.up_to for each in unsure]) == (0, 0, [UUID(int=2), UUID(int=3)])
    assert [each.after for each in unsure] == [UUID(int=1), UUID(int=2)]


def test_where_too_many_are_unsure_all_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "MOST_UNSURE", 1)
    following = Chains()
    following.page(
        [], [], [StoredBox(UUID(int=number), "a@b", 3, bytes(32), None, None) for number in (1, 2)]
    )
    assert following.ended() == (0, 0, None)


def test_a_chain_is_not_whole_where_a_link_follows_from_another_or_is_of_another_box() -> None:
    *before, last = ALL
    previous = sha256(b"x").digest()
    link = mailbox_link.link(last.nonce, last.recipient, last.sequence, last.id, previous)
    forked = [*before, last._replace(previous=previous, link=link)]
    elsewhere = [*before, last._replace(recipient="x@y")]
    for changed in (forked, elsewhere, ALL):
        following = Chains()
        following.page(changed, [True] * len(changed), [box_of(ALL)._replace(link=changed[-1].link)])
        assert following.ended()[1] == (changed is ALL)
