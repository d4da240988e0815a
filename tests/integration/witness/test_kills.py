"""Killed at any step, a witness never forgets what it cosigned, and goes on."""

import signal
from pathlib import Path

import pytest

from namak.witness.clock import WitnessClock
from namak.witness.place import key_of, state_in
from namak.witness.witness import Step, Witness
from tests import forking
from tests.unit.witness.growing_log import GrowingLog
from tests.unit.witness.places import make

LOG = GrowingLog()
FORK = GrowingLog(LOG.key, "another")
RECORDED = {Step.RECORDED, Step.SIGNED, Step.KEPT}


@pytest.mark.parametrize("step", [*Step, "none"])
def test_killed_after_a_step(step: str, tmp_path: Path) -> None:
    make(tmp_path, LOG)
    state = state_in(tmp_path)
    witness = Witness(state, key_of(tmp_path, state), WitnessClock())
    assert witness.add_checkpoint(LOG.asks(0, 3)).status == 200
    state.close()
    body, answer = tmp_path / "body", tmp_path / "answer"
    body.write_bytes(LOG.asks(3, 7))

    done = forking.run("tests.integration.witness.dying", tmp_path, body, step, answer)

    assert done.returncode == (0 if step == "none" else -signal.SIGKILL), done.stderr
    # Nothing left before the tree was recorded.
    assert answer.exists() == (step == "none")
    state = state_in(tmp_path)
    again = Witness(state, key_of(tmp_path, state), WitnessClock())
    try:
        tree = state.tree(LOG.key.name)
        assert tree is not None
        recorded = step in RECORDED or step == "none"
        assert tree.size == (7 if recorded else 3)
        # The fork is refused of whichever size is recorded, and the log goes on from there.
        assert again.add_checkpoint(FORK.asks(tree.size, 7)).status == 422
        if recorded:
            assert again.add_checkpoint(LOG.asks(3, 7)).status == 409
        assert again.add_checkpoint(LOG.asks(tree.size, 7)).status == 200
        assert again.add_checkpoint(LOG.asks(7, 9)).status == 200
    finally:
        state.close()
