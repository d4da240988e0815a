"""Completeness of a mailbox: whole chains pass, and whatever is done to one shows."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence import events
from namak.evidence.details import ConsignmentDetails
from namak.evidence.document import Recipient
from namak.evidence.mailbox_chain import (
    EMPTY,
    ChainHead,
    ChainReport,
    Flaw,
    Opening,
    check_chain,
)
from namak.evidence.mailbox_link import GENESIS, link
from tests.unit.evidence_documents.documents import ONE_OF_EACH, document

ADDRESS = "5001950015@e-citizen.am"
NEIGHBOUR = "5001950016@e-citizen.am"


def consignment(of: bytes, delivery_id: UUID, number: int, address: str = ADDRESS) -> bytes:
    evidence = document(events.CONTENT_CONSIGNMENT, ConsignmentDetails(of), number=number)
    return replace(evidence, delivery_id=delivery_id, recipient=Recipient(address)).encode()


def chain(length: int, address: str = ADDRESS, *, seed: str = "") -> list[Opening]:
    """Returns the openings of a mailbox that all is well with."""
    openings: list[Opening] = []
    previous = GENESIS
    for sequence in range(1, length + 1):
        nonce = hashlib.sha256(f"{seed}{address}{sequence}".encode()).digest()
        delivery_id = UUID(bytes=nonce[:16], version=4)
        sealed = link(nonce, address, sequence, delivery_id, previous)
        evidence = consignment(sealed, delivery_id, sequence, address)
        openings.append(Opening(sequence, str(delivery_id), nonce, previous, sealed, evidence))
        previous = sealed
    return openings


def head_of(openings: Sequence[Opening]) -> ChainHead:
    return ChainHead(openings[-1].sequence, openings[-1].link) if openings else EMPTY


CHAIN = chain(12)
HEAD = head_of(CHAIN)


def check(openings: Sequence[Opening], head: ChainHead = HEAD, *known: ChainHead) -> ChainReport:
    return check_chain(ADDRESS, openings, head, known)


def with_octets(opening: Opening, field: str, octets: bytes) -> Opening:
    changes: dict[str, Any] = {field: octets}
    return replace(opening, **changes)


def flaws(report: ChainReport) -> set[tuple[int, Flaw]]:
    return {(finding.sequence, finding.flaw) for finding in report.findings}


@pytest.mark.parametrize("length", [0, 1, 2, 12])
def test_a_whole_chain_is_complete(length: int) -> None:
    report = check(CHAIN[:length], head_of(CHAIN[:length]), *(head_of(CHAIN[:old]) for old in range(length)))

    assert report.is_complete
    assert (report.links, report.head) == (length, head_of(CHAIN[:length]))
    assert report.words == (
        f"All {length} messages that were laid into the mailbox {ADDRESS} are there, in their order."
    )


@given(st.sets(st.integers(0, 11), min_size=1, max_size=11))
def test_whatever_is_left_out_is_missed(left_out: set[int]) -> None:
    kept = [opening for place, opening in enumerate(CHAIN) if place not in left_out]

    report = check(kept)

    assert not report.is_complete
    gaps = {sequence for sequence, flaw in flaws(report) if flaw is Flaw.GAP}
    # A gap shows at the link that comes after it; what is missing at the end, at the head.
    assert gaps == {place + 1 for place in range(1, 12) if place not in left_out and place - 1 in left_out}
    assert ((max(left_out) == 11) and Flaw.HEAD in {flaw for _, flaw in flaws(report)}) or 11 not in left_out


def test_a_gap_names_what_is_missing() -> None:
    report = check([*CHAIN[:3], *CHAIN[5:]])

    assert [finding.words for finding in report.findings] == ["missing: 4 to 5"]
    assert report.words == f"The mailbox {ADDRESS} is not proven complete: 1 problem."


@given(st.integers(0, 11), st.integers(0, 31), st.integers(1, 255), st.sampled_from(["nonce", "link"]))
def test_a_doctored_opening_does_not_give_the_link(place: int, at: int, change: int, field: str) -> None:
    octets = bytearray(getattr(CHAIN[place], field))
    octets[at] ^= change
    doctored = list(CHAIN)
    doctored[place] = with_octets(CHAIN[place], field, bytes(octets))

    assert (place + 1, Flaw.FALSE_OPENING) in flaws(check(doctored))


@given(
    st.integers(0, 11), st.sampled_from([b"", b"short", bytes(33)]), st.sampled_from(["nonce", "previous"])
)
def test_what_no_opening_has_is_told_and_never_raised(place: int, octets: bytes, field: str) -> None:
    doctored = list(CHAIN)
    doctored[place] = with_octets(CHAIN[place], field, octets)

    assert (place + 1, Flaw.FALSE_OPENING) in flaws(check(doctored))


@pytest.mark.parametrize("delivery_id", ["", "x", str(UUID(int=9))])
def test_another_delivery_in_a_link_s_place_is_seen(delivery_id: str) -> None:
    doctored = [CHAIN[0], replace(CHAIN[1], delivery_id=delivery_id), *CHAIN[2:]]

    assert flaws(check(doctored)) == {(2, Flaw.FALSE_OPENING), (2, Flaw.CONSIGNMENT)}


@given(st.permutations(range(12)).filter(lambda order: order != sorted(order)))
def test_another_order_is_seen(order: list[int]) -> None:
    report = check([CHAIN[place] for place in order])

    assert {Flaw.ORDER, Flaw.GAP} <= {flaw for _, flaw in flaws(report)}


@given(st.data())
def test_exchanging_the_deliveries_of_two_places_is_seen(data: st.DataObject) -> None:
    one, other = data.draw(st.lists(st.integers(0, 11), min_size=2, max_size=2, unique=True))
    doctored = list(CHAIN)
    doctored[one] = replace(CHAIN[other], sequence=one + 1)
    doctored[other] = replace(CHAIN[one], sequence=other + 1)

    found = flaws(check(doctored))

    assert {(one + 1, Flaw.FALSE_OPENING), (other + 1, Flaw.FALSE_OPENING)} <= found


@given(st.integers(1, 10))
def test_a_chain_that_was_begun_anew_after_some_place_is_broken_there(place: int) -> None:
    other = chain(12, seed="another story")

    report = check([*CHAIN[:place], *other[place:]], head_of(other))

    assert flaws(report) == {(place + 1, Flaw.BROKEN)}


@given(st.integers(0, 11))
def test_two_consignments_with_one_sequence_are_two_stories(place: int) -> None:
    nonce, delivery_id = bytes(range(32)), UUID(int=77)
    sealed = link(nonce, ADDRESS, place + 1, delivery_id, CHAIN[place].previous)
    second = Opening(
        place + 1,
        str(delivery_id),
        nonce,
        CHAIN[place].previous,
        sealed,
        consignment(sealed, delivery_id, 99),
    )

    report = check([*CHAIN[: place + 1], second, *CHAIN[place + 1 :]])

    assert flaws(report) == {(place + 1, Flaw.TWICE)}


def test_the_same_opening_twice_is_seen() -> None:
    assert flaws(check([CHAIN[0], *CHAIN])) == {(1, Flaw.TWICE), (1, Flaw.DELIVERY_TWICE)}


def test_a_foreign_consignment_is_seen() -> None:
    stranger = chain(12, NEIGHBOUR)
    for place, evidence in (
        (3, stranger[3].consignment),
        (3, CHAIN[4].consignment),
        (3, b"{}"),
        (3, b"\xff"),
        (3, ONE_OF_EACH[0].encode()),
        (3, consignment(CHAIN[3].link, UUID(int=5), 4)),
        (3, consignment(CHAIN[3].link, UUID(CHAIN[3].delivery_id), 4, NEIGHBOUR)),
        (3, consignment(CHAIN[4].link, UUID(CHAIN[3].delivery_id), 4)),
    ):
        doctored = list(CHAIN)
        doctored[place] = replace(CHAIN[place], consignment=evidence)

        assert flaws(check(doctored)) == {(place + 1, Flaw.CONSIGNMENT)}


def test_a_neighbour_s_chain_is_not_this_mailbox_s() -> None:
    other = chain(3, NEIGHBOUR)

    assert flaws(check(other, head_of(other))) >= {
        (number, flaw) for number in (1, 2, 3) for flaw in (Flaw.FALSE_OPENING, Flaw.CONSIGNMENT)
    }


@pytest.mark.parametrize(
    "told", [EMPTY, ChainHead(12, bytes(32)), ChainHead(13, HEAD.link), head_of(CHAIN[:5])]
)
def test_a_head_that_is_another_than_the_last_link_is_seen(told: ChainHead) -> None:
    assert flaws(check(CHAIN, told)) == {(12, Flaw.HEAD)}


def test_a_chain_that_was_cut_off_contradicts_the_head_that_was_told_before() -> None:
    assert flaws(check(CHAIN[:5], head_of(CHAIN[:5]), HEAD)) == {(12, Flaw.KNOWN_HEAD)}


def test_a_chain_that_was_rewritten_contradicts_the_head_that_was_told_before() -> None:
    rewritten = chain(12, seed="another story")

    assert flaws(check(rewritten, head_of(rewritten), head_of(CHAIN[:5]))) == {(5, Flaw.KNOWN_HEAD)}


@pytest.mark.parametrize("places", [(0, 1), (1, 0)])
@pytest.mark.parametrize(("place", "link"), [(0, EMPTY.link), (5, CHAIN[4].link), (12, HEAD.link)])
def test_two_different_heads_that_were_told_of_one_place_contradict_any_chain(
    place: int, link: bytes, places: tuple[int, int]
) -> None:
    told = (ChainHead(place, link), ChainHead(place, bytes(31) + b"x"))

    assert flaws(check(CHAIN, HEAD, *(told[at] for at in places))) == {(place, Flaw.KNOWN_HEAD)}


def test_two_different_heads_that_were_told_of_a_place_beyond_the_end_are_seen() -> None:
    told = (ChainHead(13, bytes(32)), ChainHead(13, HEAD.link))

    assert flaws(check(CHAIN, HEAD, *told)) == {(13, Flaw.KNOWN_HEAD)}


@given(
    st.lists(
        st.builds(
            Opening,
            st.integers(-2, 2**70),
            st.text(max_size=40),
            st.binary(max_size=40),
            st.binary(max_size=40),
            st.binary(max_size=40),
            st.binary(max_size=40),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_garbage_is_reported_and_never_raised(openings: list[Opening]) -> None:
    assert not check_chain(ADDRESS, openings).is_complete
