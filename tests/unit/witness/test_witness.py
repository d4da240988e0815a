"""What a witness cosigns and what it refuses, by the statuses of C2SP tlog-witness."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.errors import MalformedKey
from namak.evidence.note import Verifier, note_from, open_note, parse_note, signature_line
from namak.evidence.tlog_witness import SIZE_TYPE, AddCheckpoint
from namak.evidence.tree import EMPTY_ROOT
from namak.witness.keys import FileKey, KeyUnusable
from namak.witness.state import State, StateUnusable, Tree
from namak.witness.witness import KeyChanged, Step, Witness
from tests.unit.evidence.other_signatures import signed_otherwise
from tests.unit.evidence.signing import LogKey, WitnessKey
from tests.unit.witness.growing_log import GrowingLog
from tests.unit.witness.places import BEGAN, Opened, SetClock, make, opened

LOG = GrowingLog()
FORK = GrowingLog(LOG.key, "another")


@pytest.fixture
def open_witness(tmp_path: Path) -> Iterator[Opened]:
    make(tmp_path, LOG)
    with opened(tmp_path) as witness:
        yield witness


def test_a_log_that_grows_is_cosigned_at_each_size(open_witness: Opened) -> None:
    sizes = [0, 0, 1, 1, 2, 7, 8, 255, 256, 257, 300]
    for old, new in zip([0, *sizes], sizes, strict=False):
        open_witness.time.passes(1)
        assert open_witness.cosigns(LOG, old, new) == open_witness.time.wall


def test_the_cosignature_is_the_whole_answer(open_witness: Opened) -> None:
    answer = open_witness.asked(LOG, 0, 5)

    assert (answer.status, answer.body.count(b"\n")) == (200, 1)
    assert answer.body.startswith("— witness.court.example/w1 ".encode())


@pytest.mark.parametrize("old", [0, 1, 4, 6])
def test_another_old_size_is_told_the_recorded_one(open_witness: Opened, old: int) -> None:
    open_witness.cosigns(LOG, 0, 5)

    answer = open_witness.asked(LOG, old, 9)

    assert (answer.status, answer.body, answer.content_type) == (409, b"5\n", SIZE_TYPE)
    assert open_witness.cosigns(LOG, 5, 9) == BEGAN


def test_of_a_log_that_was_never_seen_the_recorded_size_is_zero(open_witness: Opened) -> None:
    answer = open_witness.asked(LOG, 3, 9)

    assert (answer.status, answer.body) == (409, b"0\n")


def test_a_rollback_is_refused_whichever_old_size_it_names(open_witness: Opened) -> None:
    open_witness.cosigns(LOG, 0, 9)

    for old in range(6):
        assert open_witness.asked(LOG, old, 5).status == 409
    assert open_witness.asked(LOG, 9, 5).status == 400
    assert open_witness.state.tree(LOG.key.name) == _tree(LOG, 9, open_witness)


def test_a_fork_of_a_later_size_is_refused(open_witness: Opened) -> None:
    open_witness.cosigns(LOG, 0, 5)

    assert open_witness.asked(FORK, 5, 9).status == 422
    assert open_witness.state.forks() == []  # proof of nothing: the consistency proof may be the asker's
    assert open_witness.cosigns(LOG, 5, 9)


@pytest.mark.parametrize(("old", "status"), [(5, 422), (3, 409), (0, 409)])
def test_two_trees_of_one_size_are_kept_as_proof_against_the_log(
    open_witness: Opened, old: int, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    open_witness.cosigns(LOG, 0, 5)

    for _ in range(2):
        assert open_witness.asked(FORK, old, 5).status == status

    ((origin, size, came, recorded),) = open_witness.state.forks()
    assert (origin, size, came, recorded) == (LOG.key.name, 5, FORK.note(5), LOG.note(5))
    assert "ALARM" in caplog.text
    assert open_witness.cosigns(LOG, 5, 6)


def test_proofs_too_long_too_short_or_wrong_are_refused(open_witness: Opened) -> None:
    open_witness.cosigns(LOG, 0, 5)
    proof, note = LOG.proof(5, 9), LOG.note(9)
    for wrong in (
        (),
        proof[:-1],
        proof[1:],
        (*proof, bytes(32)),
        (bytes(32), *proof),
        proof[::-1],
        (*proof, *[bytes(32)] * (63 - len(proof))),
    ):
        assert open_witness.witness.add_checkpoint(AddCheckpoint(5, wrong, note).encode()).status == 422
    assert (
        open_witness.witness.add_checkpoint(AddCheckpoint(5, (bytes(32),), LOG.note(5)).encode()).status
        == 422
    )


def test_a_first_checkpoint_comes_without_a_proof(open_witness: Opened) -> None:
    request = AddCheckpoint(0, (bytes(32),), LOG.note(9))

    assert open_witness.witness.add_checkpoint(request.encode()).status == 422
    assert open_witness.state.tree(LOG.key.name) is None


def test_an_empty_tree_has_the_empty_root(open_witness: Opened) -> None:
    text = Checkpoint(LOG.key.name, 0, bytes(32)).text()
    wrong = AddCheckpoint(0, (), note_from(text, [LOG.key.line(text)]))

    assert open_witness.witness.add_checkpoint(wrong.encode()).status == 422
    assert open_witness.cosigns(LOG, 0, 0)
    assert open_witness.state.tree(LOG.key.name).root == EMPTY_ROOT  # type: ignore[union-attr]


def test_an_unknown_log_is_not_found_whoever_signed(open_witness: Opened) -> None:
    stranger = GrowingLog(LogKey("other.example/2026"))
    assert open_witness.asked(stranger, 0, 5).status == 404
    text = stranger.text(5)
    by_known_key = AddCheckpoint(0, (), note_from(text, [LOG.key.line(text)]))
    assert open_witness.witness.add_checkpoint(by_known_key.encode()).status == 404


def test_only_the_logs_own_good_signature_counts(open_witness: Opened) -> None:
    text, impostor = LOG.text(5), LogKey(LOG.key.name)
    wrong = signature_line(LOG.key.name, LOG.key.key_id, impostor.private.sign(text))
    good = LOG.key.line(text)
    again = signature_line(LOG.key.name, LOG.key.key_id, signed_otherwise(LOG.key.private, text, 7))
    for lines in ([impostor.line(text)], [wrong], [good, wrong], [good, again], [WitnessKey().line(text)]):
        request = AddCheckpoint(0, (), note_from(text, lines))
        assert open_witness.witness.add_checkpoint(request.encode()).status == 403
    twice = AddCheckpoint(0, (), note_from(text, [good])).encode() + good
    assert open_witness.witness.add_checkpoint(twice).status == 400
    others = AddCheckpoint(0, (), note_from(text, [impostor.line(text), LOG.key.line(text)]))
    assert open_witness.witness.add_checkpoint(others.encode()).status == 200


def test_a_log_in_rotation_is_followed_by_either_key(open_witness: Opened) -> None:
    second = LogKey("keys.example/second")
    assert open_witness.state.add_log(LOG.key.name, second.verifier)
    text = LOG.text(7)
    request = AddCheckpoint(5, LOG.proof(5, 7), note_from(text, [second.line(text)]))

    assert open_witness.cosigns(LOG, 0, 5)
    assert open_witness.witness.add_checkpoint(request.encode()).status == 200
    assert open_witness.state.remove_log(LOG.key.name, LOG.key.verifier)
    assert open_witness.asked(LOG, 7, 9).status == 403


def test_what_was_seen_of_a_log_outlives_its_leaving(open_witness: Opened) -> None:
    open_witness.cosigns(LOG, 0, 9)
    open_witness.state.remove_log(LOG.key.name, LOG.key.verifier)
    assert open_witness.asked(LOG, 9, 10).status == 404

    open_witness.state.add_log(LOG.key.name, LOG.key.verifier)

    assert open_witness.asked(FORK, 0, 10).status == 409


@pytest.mark.parametrize("body", [b"", b"old 0\n", b"\xff" * 100, b"old 0\n\nno checkpoint\n"])
def test_nonsense_is_told_what_is_wrong_with_it(open_witness: Opened, body: bytes) -> None:
    answer = open_witness.witness.add_checkpoint(body)

    assert answer.status == 400
    assert answer.body.decode().count("\n") == 1


def test_the_newest_cosigned_checkpoint_is_shown_to_everybody(open_witness: Opened) -> None:
    origin_hash = hashlib.sha256(LOG.key.name.encode()).hexdigest()
    assert open_witness.witness.checkpoint(origin_hash) is None
    stranger = WitnessKey()
    open_witness.cosigns(LOG, 0, 5)
    text = LOG.text(6)
    with_more = AddCheckpoint(5, LOG.proof(5, 6), LOG.note(6, stranger.line(text)))
    open_witness.witness.add_checkpoint(with_more.encode())

    shown = open_witness.witness.checkpoint(origin_hash)

    assert shown is not None
    note = parse_note(shown)
    assert note.text == text
    # Those that it verified and its own: what strangers signed it does not pass on.
    assert len(open_note(note, [LOG.key.verifier, open_witness.verifier])) == len(note.signatures) == 2
    assert open_witness.witness.checkpoint("0" * 64) is None


class _BrokenKey:
    """A key that fails, or signs nonsense, until it is mended."""

    def __init__(self, key: FileKey, how: str) -> None:
        self.how = how
        self._key = key
        self.public_key = key.public_key

    def sign(self, message: bytes) -> bytes:
        if self.how == "fails":
            raise KeyUnusable("the token is gone")
        return bytes(64) if self.how == "wrong" else self._key.sign(message)


@pytest.mark.parametrize("how", ["fails", "wrong"])
def test_a_key_that_breaks_cosigns_nothing_and_goes_on_where_it_was(tmp_path: Path, how: str) -> None:
    make(tmp_path, LOG)
    key = _BrokenKey(FileKey.read(tmp_path / "witness.key"), "")
    origin_hash = hashlib.sha256(LOG.key.name.encode()).hexdigest()
    with opened(tmp_path, key=key) as witness:
        witness.cosigns(LOG, 0, 3)
        key.how = how

        answer = witness.asked(LOG, 3, 5)
        assert (answer.status, b"token" in answer.body) == (503, False)
        # Recorded, though nobody has its cosignature: another tree of that size is refused from now on.
        assert witness.asked(FORK, 3, 5).status == 409
        shown = witness.witness.checkpoint(origin_hash)
        assert shown is not None
        assert parse_note(shown).text == LOG.text(3)
        key.how = ""
        assert (witness.asked(LOG, 3, 5).status, witness.asked(LOG, 3, 5).body) == (409, b"5\n")
        assert witness.cosigns(LOG, 5, 5)


def test_a_state_that_cannot_be_written_cosigns_nothing(tmp_path: Path) -> None:
    make(tmp_path, LOG)

    class Full(State):
        def record(self, tree: Tree) -> None:
            raise StateUnusable("the disk is full")

    made = State.open(tmp_path / "witness.db")
    state = Full(made._connection)
    witness = Witness(state, FileKey.read(tmp_path / "witness.key"), SetClock().clock)
    try:
        assert witness.add_checkpoint(LOG.asks(0, 5)).status == 503
        assert state.tree(LOG.key.name) is None
    finally:
        made.close()


def test_a_recorded_tree_is_never_taken_back(open_witness: Opened) -> None:
    open_witness.cosigns(LOG, 0, 5)
    recorded = open_witness.state.tree(LOG.key.name)
    assert recorded is not None
    for size, time in ((4, BEGAN), (5, BEGAN - 1)):
        tree = Tree(recorded.origin, size, recorded.root, time, recorded.note, None)
        with pytest.raises(StateUnusable, match="never taken back"), open_witness.state.writing():
            open_witness.state.record(tree)
    assert open_witness.state.tree(LOG.key.name) == recorded


def test_the_tree_is_on_the_disk_before_anything_is_signed(tmp_path: Path) -> None:
    make(tmp_path, LOG)
    seen: dict[Step, int | None] = {}

    def look(step: Step) -> None:
        other = State.open(tmp_path / "witness.db")
        tree = other.tree(LOG.key.name)
        seen[step] = tree.size if tree else None
        other.close()

    with opened(tmp_path, on_step=look) as witness:
        witness.cosigns(LOG, 0, 5)

    assert seen == {Step.CHECKED: None, Step.WRITTEN: None, Step.RECORDED: 5, Step.SIGNED: 5, Step.KEPT: 5}


def test_another_key_than_it_was_made_with_is_refused(tmp_path: Path) -> None:
    make(tmp_path, LOG)
    with pytest.raises(KeyChanged), opened(tmp_path, key=FileKey(Ed25519PrivateKey.generate())):
        pass


def test_two_logs_are_two_histories(tmp_path: Path) -> None:
    other = GrowingLog(LogKey("other.example/2026"))
    make(tmp_path, LOG, other)
    with opened(tmp_path) as witness:
        witness.cosigns(LOG, 0, 9)
        witness.cosigns(other, 0, 5)
        witness.cosigns(other, 5, 6)
        witness.cosigns(LOG, 9, 10)


@settings(max_examples=20)
@given(asked=st.lists(st.tuples(st.booleans(), st.integers(0, 20), st.integers(0, 20)), max_size=30))
def test_whatever_is_asked_all_that_was_cosigned_is_one_history(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[bool, int, int]]
) -> None:
    directory = tmp_path_factory.mktemp("witness")
    make(directory, LOG)
    histories: set[str] = set()
    largest, latest = 0, 0
    with opened(directory) as witness:
        for ours, old, new in asked:
            witness.time.passes(1)
            log = LOG if ours else FORK
            if witness.asked(log, old, new).status == 200:
                tree = witness.state.tree(LOG.key.name)
                assert tree is not None
                assert (tree.size, tree.time) >= (largest, latest)
                largest, latest = tree.size, tree.time
                if new:
                    histories.add(log.history)
    assert len(histories) <= 1


def _tree(log: GrowingLog, size: int, witness: Opened) -> Tree:
    found = witness.state.tree(log.key.name)
    assert found is not None
    root = Checkpoint.parse(log.text(size)).root
    return Tree(log.key.name, size, root, BEGAN, log.note(size), found.cosigned)


def test_a_key_of_small_order_is_no_logs(open_witness: Opened) -> None:
    # Refused where verifier keys are read, before any state.
    with pytest.raises(MalformedKey):
        Verifier(LOG.key.name, bytes([1]) + bytes(31))
