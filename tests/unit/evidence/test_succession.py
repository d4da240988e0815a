"""Which shard comes next: only what the old shard's own last leaf says, under what the verifier trusts."""

from dataclasses import replace

import pytest

from namak.evidence.administrative_act import Resource
from namak.evidence.errors import EvidenceError, InvalidProof, QuorumNotMet, UnknownLog
from namak.evidence.succession import MAX_BYTES, succession
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from tests.fakes.grown_log import Cosigner, GrownLog
from tests.fakes.succeeding import ANNOUNCED, altered, announcement, ended, receipt

WITNESS = Cosigner("w.example/1")
OLD, NEXT = GrownLog(), GrownLog(origin="log.example.am/2027")
DOCUMENT = announcement(OLD, NEXT)


def policy(*logs: GrownLog, quorum: bool = False) -> TlogPolicy:
    lines = [*(f"log {log.vkey}" for log in logs), f"witness w {WITNESS.vkey}"]
    return TlogPolicy.parse(
        "".join(f"{line}\n" for line in [*lines, "quorum w" if quorum else "quorum none"]).encode()
    )


def ending_with(document: bytes, leaves: int = 5) -> GrownLog:
    log = replace(OLD, entries_=[], rows={})
    log.grow(leaves)
    ended(log, document)
    return log


@pytest.mark.parametrize("leaves", [0, 1, 255, 300])
def test_the_last_leaf_leads_to_the_next_shard(leaves: int) -> None:
    log = ending_with(DOCUMENT, leaves)
    note = WITNESS.cosigned(log.signed(leaves + 1), 1_800_000_000)
    for trusted in (policy(OLD), policy(OLD, NEXT), policy(OLD, quorum=True)):
        found = succession(receipt(log, DOCUMENT, note), trusted)
        assert (found.tree.origin, found.tree.size) == (OLD.origin, leaves + 1)
        assert (found.verifier, found.announced_at) == (NEXT.verifier, ANNOUNCED)
        assert found.policy_line == f"log {NEXT.vkey}"


def test_it_counts_by_the_verifiers_own_keys_and_quorum_alone() -> None:
    log = ending_with(DOCUMENT)
    with pytest.raises(UnknownLog):
        succession(receipt(log, DOCUMENT), policy(NEXT))
    with pytest.raises(EvidenceError):
        succession(receipt(log, DOCUMENT), policy(GrownLog()))
    with pytest.raises(QuorumNotMet):
        succession(receipt(log, DOCUMENT), policy(OLD, quorum=True))


def test_cosignatures_of_a_time_to_come_do_not_count() -> None:
    log = ending_with(DOCUMENT)
    note = WITNESS.cosigned(log.signed(6), 1000)
    succession(receipt(log, DOCUMENT, note), policy(OLD, quorum=True), latest=1000)
    with pytest.raises(QuorumNotMet):
        succession(receipt(log, DOCUMENT, note), policy(OLD, quorum=True), latest=999)


def test_only_the_last_leaf_ends_a_shard() -> None:
    log = ending_with(DOCUMENT)
    log.grow(1)
    with pytest.raises(InvalidProof, match="not the last of 7 leaves"):
        succession(receipt(log, DOCUMENT, index=5), policy(OLD))


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (altered(DOCUMENT, act="hsm list"), "announces no shard"),
        (altered(DOCUMENT, resource=Resource("MAILBOX", OLD.origin)), "announces no shard"),
        (altered(DOCUMENT, resource=Resource("LOG_SHARD", NEXT.origin)), "about another shard"),
        (announcement(NEXT, GrownLog(origin="log.example.am/2028")), "about another shard"),
        (announcement(OLD, NEXT, origin="log.example.am/2025"), "about another shard"),
        (announcement(OLD, NEXT, origin=""), "does not name origin"),
        (announcement(OLD, NEXT, successor=""), "does not name successor"),
        (announcement(OLD, NEXT, successor_vkey=""), "does not name successor_vkey"),
        (announcement(OLD, NEXT, successor_vkey="no key"), "verifier key: "),
        (announcement(OLD, NEXT, successor_vkey=GrownLog().vkey), "of another name"),
        (announcement(OLD, replace(NEXT, origin=OLD.origin)), "of another name"),
        (announcement(OLD, replace(NEXT, key=OLD.key)), "another key"),
    ],
)
def test_what_announces_otherwise_does_not_count(document: bytes, problem: str) -> None:
    with pytest.raises(InvalidProof, match=problem):
        succession(receipt(ending_with(document), document), policy(OLD))


def test_another_key_that_is_trusted_for_the_next_shard_is_not_replaced() -> None:
    log = ending_with(DOCUMENT)
    with pytest.raises(InvalidProof, match="you trust another key"):
        succession(receipt(log, DOCUMENT), policy(OLD, GrownLog(origin=NEXT.origin)))


def test_what_is_no_receipt_of_an_act_does_not_count() -> None:
    log = ending_with(b"{}")
    whole = receipt(log, b"{}")
    proof = TlogProof.parse(whole)
    for wrong in (
        whole,
        b"",
        whole[:-1],
        whole.replace(b"\n", b"\r\n"),
        whole + b"x" * MAX_BYTES,
        replace(proof, extra=None).encode(),
        replace(proof, hashes=proof.hashes[:-1]).encode(),
    ):
        with pytest.raises(EvidenceError):
            succession(wrong, policy(OLD))
