"""Ours and a witness written from the standard alone agree about every request."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence.cosignature import CosignatureVerifier
from namak.evidence.note import note_from, signature_line
from namak.evidence.tlog_witness import AddCheckpoint, cosignature_from
from tests.independent.strict_witness import StrictWitness
from tests.unit.evidence.signing import LogKey, WitnessKey
from tests.unit.witness.growing_log import GrowingLog
from tests.unit.witness.places import Opened, make, opened

LOG = GrowingLog()
FORK = GrowingLog(LOG.key, "another")
STRANGER = GrowingLog(LogKey("stranger.example/2026"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    directory = tmp_path_factory.mktemp("witness")
    make(directory, LOG)
    with opened(directory) as witness:
        yield witness


def test_what_it_cosigns_we_accept() -> None:
    strict = StrictWitness()
    strict.follow(LOG.key.vkey)
    verifier = CosignatureVerifier.parse(strict.vkey)
    for old, new in ((0, 0), (0, 1), (1, 3), (3, 8), (8, 8), (8, 257), (257, 300)):
        status, _, body = strict.answer(LOG.asks(old, new))
        assert (status, cosignature_from(body, LOG.text(new), verifier).name) == (200, strict.name)


def _requests() -> st.SearchStrategy[bytes]:
    logs, sizes = st.sampled_from([LOG, LOG, LOG, FORK, STRANGER]), st.integers(0, 40)
    honest = st.builds(lambda log, old, new: log.asks(old, new), logs, sizes, sizes)
    proofs = st.lists(st.binary(min_size=32, max_size=32), max_size=4)
    lying = st.builds(
        lambda old, new, proof: AddCheckpoint(old, tuple(proof), LOG.note(new)).encode(), sizes, sizes, proofs
    )
    unsigned = st.builds(
        lambda text: AddCheckpoint(0, (), note_from(text, [WitnessKey().line(text)])).encode(),
        sizes.map(LOG.text),
    )
    forged = st.builds(
        lambda new: AddCheckpoint(
            0, (), LOG.note(new, signature_line(LOG.key.name, LOG.key.key_id, bytes(64)))
        ).encode(),
        sizes,
    )
    damaged = st.builds(
        lambda body, at, put: body[: at % len(body)] + put + body[at % len(body) + len(put) :],
        honest,
        st.integers(0, 10_000),
        st.sampled_from([b"\n", b"\n\n", b"\r\n", b" ", b"\x00", b"0", b"=", b"+", b"A", b"\t", b"old "]),
    )
    return st.one_of(honest, honest, lying, unsigned, forged, damaged)


@settings(max_examples=30)
@given(asked=st.lists(_requests(), max_size=12))
def test_both_answer_alike_whatever_is_asked(ours: Opened, asked: list[bytes]) -> None:
    strict = StrictWitness()
    strict.follow(LOG.key.vkey)
    with ours.state.writing():
        ours.state._connection.execute("DELETE FROM trees")
    for body in asked:
        mine, (status, media_type, answer) = ours.witness.add_checkpoint(body), strict.answer(body)
        assert mine.status == status, (body, mine)
        if status == 409:
            assert (mine.body, mine.content_type) == (answer, media_type)
        tree = ours.state.tree(LOG.key.name)
        size, root = strict.seen.get(LOG.key.name.encode(), (None, None))
        assert (tree and tree.size, tree and tree.root) == (size, root)
