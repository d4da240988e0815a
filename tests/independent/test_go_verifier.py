"""A verifier that nobody here wrote accepts our receipts, and refuses them once anything is changed."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from namak.evidence.tlog_proof import TlogProof
from tests.independent import go_verifier as building
from tests.independent.go_verifier import GoVerifier, independent_verifier_missing
from tests.unit.evidence.signing import LogKey, WitnessKey, proof_of, signed_checkpoint

pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]

LOG = LogKey()
EVIDENCE = [f"Ապացույց {number}".encode() for number in range(300)]
ENTRIES = [hashlib.sha256(evidence).digest() for evidence in EVIDENCE]


def receipt(index: int, key: LogKey = LOG) -> TlogProof:
    return proof_of(key, ENTRIES, index, EVIDENCE[index], [WitnessKey()])


def saved(proof: TlogProof, directory: Path, name: str = "receipt") -> Path:
    file = directory / f"{name}.tlog-proof"
    file.write_bytes(proof.encode())
    return file


def test_accepts_receipts(go_verifier: GoVerifier, tmp_path: Path) -> None:
    files = [saved(receipt(index), tmp_path, str(index)) for index in (0, 1, 127, 255, 256, 298, 299)]
    verdict = go_verifier.verify(LOG.vkey, files)
    assert verdict.accepted, verdict.text
    assert verdict.text.count(": OK: ") == len(files)


def test_accepts_the_only_entry_of_a_log(go_verifier: GoVerifier, tmp_path: Path) -> None:
    only = proof_of(LOG, ENTRIES[:1], 0, EVIDENCE[0])
    assert go_verifier.verify(LOG.vkey, [saved(only, tmp_path)]).accepted


def test_refuses_one_changed_byte_of_evidence(go_verifier: GoVerifier, tmp_path: Path) -> None:
    changed = bytes([EVIDENCE[7][0] ^ 1]) + EVIDENCE[7][1:]
    verdict = go_verifier.verify(LOG.vkey, [saved(replace(receipt(7), extra=changed), tmp_path)])
    assert (verdict.accepted, "REFUSED: inclusion" in verdict.text) == (False, True)


def test_refuses_another_index(go_verifier: GoVerifier, tmp_path: Path) -> None:
    verdict = go_verifier.verify(LOG.vkey, [saved(replace(receipt(7), index=6), tmp_path)])
    assert (verdict.accepted, "REFUSED: inclusion" in verdict.text) == (False, True)


def test_refuses_another_checkpoint(go_verifier: GoVerifier, tmp_path: Path) -> None:
    other = signed_checkpoint(LOG, ENTRIES[:-1])
    verdict = go_verifier.verify(LOG.vkey, [saved(replace(receipt(7), checkpoint=other), tmp_path)])
    assert (verdict.accepted, "REFUSED: inclusion" in verdict.text) == (False, True)


def test_refuses_a_changed_hash(go_verifier: GoVerifier, tmp_path: Path) -> None:
    proof = receipt(7)
    changed = replace(proof, hashes=(bytes(32), *proof.hashes[1:]))
    assert not go_verifier.verify(LOG.vkey, [saved(changed, tmp_path)]).accepted


def test_refuses_a_checkpoint_by_another_key(go_verifier: GoVerifier, tmp_path: Path) -> None:
    verdict = go_verifier.verify(LOG.vkey, [saved(receipt(7, LogKey(LOG.name)), tmp_path)])
    assert (verdict.accepted, "REFUSED: checkpoint" in verdict.text) == (False, True)


def test_one_refused_file_among_good_ones_is_told(go_verifier: GoVerifier, tmp_path: Path) -> None:
    files = [saved(receipt(7), tmp_path, "good"), saved(replace(receipt(7), index=6), tmp_path, "bad")]
    verdict = go_verifier.verify(LOG.vkey, files)
    assert not verdict.accepted
    assert verdict.text.count(": OK: ") == verdict.text.count(": REFUSED: ") == 1


def test_says_plainly_why_it_cannot_be_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(building, "_MODULE", tmp_path / "absent")
    assert "golang" in str(independent_verifier_missing())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("go") is None
    assert "golang-go" in str(independent_verifier_missing())
