"""Signatures are judged on many threads at once, as a server does."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.unit.evidence_documents.citizens import check, new_citizens, personal, signed_by

THREADS = 4


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns after each few instructions."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("restless")
def test_certificates_never_seen_before_are_judged_alike_on_all_threads() -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(10):
            together = Citizens()
            judged = [pool.submit(together.judge) for _ in range(THREADS)]

            assert {one.result() for one in judged} == {("5001950015", "5001950015")}


class Citizens:
    """A new authority's two certificates of one person, judged by all threads at once."""

    def __init__(self) -> None:
        root, issuer, signing = new_citizens()
        self.caller = issuer.card(usages=("digital_signature",))
        self.cms = signed_by(signing)
        self.roots = (root.der,)
        self.lists = (root.crl(), issuer.crl())
        self.start = Barrier(THREADS)

    def judge(self) -> tuple[str, str]:
        """Returns the numbers of the caller and of the signer."""
        self.start.wait(timeout=60)
        caller = personal(self.caller, self.lists, self.roots)
        return caller, check(self.cms, crls=self.lists, roots=self.roots).person.number
