import hashlib
from uuid import UUID

import pytest

from namak.evidence.mailbox_link import GENESIS, link

NONCE = bytes(range(32))
ADDRESS = "5001950015@e-citizen.am"
DELIVERY = UUID("0192f0c3-0000-7000-8000-000000000001")


def test_is_the_digest_that_the_format_says() -> None:
    address_digest = hashlib.sha256(b"5001950015@e-citizen.am").digest()
    first = hashlib.sha256(
        b"namak-mailbox-link/1\x00"
        + NONCE
        + address_digest
        + b"\x00" * 7
        + b"\x01"
        + DELIVERY.bytes
        + bytes(32)
    ).digest()

    assert link(NONCE, ADDRESS, 1, DELIVERY, GENESIS) == first


def test_depends_on_everything_it_commits_to() -> None:
    previous = link(NONCE, ADDRESS, 1, DELIVERY, GENESIS)
    links = {
        link(NONCE, ADDRESS, 2, DELIVERY, previous),
        link(bytes(32), ADDRESS, 2, DELIVERY, previous),
        link(NONCE, "22335588@e-citizen.am", 2, DELIVERY, previous),
        link(NONCE, ADDRESS, 3, DELIVERY, previous),
        link(NONCE, ADDRESS, 2, UUID(int=DELIVERY.int + 1), previous),
        link(NONCE, ADDRESS, 2, DELIVERY, bytes(31) + b"\x01"),
    }

    assert len(links) == 6


@pytest.mark.parametrize(
    ("nonce", "sequence", "previous"),
    [
        (b"short", 1, GENESIS),
        (NONCE, 0, GENESIS),
        (NONCE, 2**64, NONCE),
        (NONCE, 1, NONCE),
        (NONCE, 2, GENESIS),
        (NONCE, 2, b"short"),
    ],
)
def test_refuses_what_no_chain_has(nonce: bytes, sequence: int, previous: bytes) -> None:
    with pytest.raises(ValueError, match=r"link|nonce|sequence"):
        link(nonce, ADDRESS, sequence, DELIVERY, previous)
