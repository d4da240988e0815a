"""Timestamps beside receipts bound their time by whom the verifier trusts; wrong ones take nothing away."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from namak.evidence.cosignature import COSIGNATURE
from namak.evidence.document import RecordedFact
from namak.evidence.report import FileReport, Outcome, Verdict
from namak.evidence.timestamp_file import MAX_BYTES, timestamp_file
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.verify import Trust, verify_receipts
from namak.evidence.verify_time import MOST_TIMESTAMPS
from tests.signing.authority import STAMPING, Authority, named
from tests.signing.stamping import StampingAuthority
from tests.unit.evidence_documents.reading import PASSED, failures, only, outcomes
from tests.unit.evidence_documents.world import Key, Story

HOUR, NOTED = timedelta(hours=1), Outcome.NOT_COUNTED
ROOT = Authority("Root of time")
OWN = ROOT.issue(named("Time of the court"), STAMPING)


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


def stamped(note: bytes, time: datetime, holder: object = OWN) -> bytes:
    token = StampingAuthority(holder, time).token(hashlib.sha256(note).digest(), "sha256")  # type: ignore[arg-type]
    return timestamp_file(token)


def verified(
    story: Story,
    tokens: Callable[[bytes], Mapping[str, bytes]],
    *,
    witness_after: timedelta | None = None,
    roots: tuple[bytes, ...] = (ROOT.der,),
    now: datetime | None = None,
) -> FileReport:
    """Verifies the story's acceptance with what the tokens are over its checkpoint."""
    fact, witness = story.acceptance, Key("w.example", COSIGNATURE)
    policy, cosigned = f"log {story.world.log.key.vkey}\nwitness w {witness.vkey}\nquorum none\n", []
    if witness_after is not None:
        policy = policy.replace("none", "w")
        cosigned = [(witness, int((at(fact) + witness_after).timestamp()))]
    receipt = story.world.receipt(fact, cosigned)
    beside = {"x": tokens(TlogProof.parse(receipt).checkpoint)}
    trust = replace(story.world.trust(policy), tsa_roots=roots, now=now)
    return only(verify_receipts({"x": receipt}, trust, beside))


def at(fact: RecordedFact) -> datetime:
    return fact.document.event_time


def words(file: FileReport, name: str) -> str:
    return "; ".join(check.words for check in file.checks if check.name == name)


def after(story: Story, lead: timedelta) -> Callable[[bytes], Mapping[str, bytes]]:
    return lambda note: {"x.court.tsr": stamped(note, at(story.acceptance).replace(microsecond=0) + lead)}


@pytest.mark.parametrize(
    ("lead", "outcome", "said"),
    [
        (timedelta(seconds=10), PASSED, "11 s later"),
        (timedelta(seconds=-110), PASSED, "109 s earlier, within the 120 s that clocks may differ"),
        (timedelta(seconds=-130), Outcome.FAILED, "130 s earlier: it can't have been recorded so late"),
        (3.9 * HOUR, PASSED, "s later"),
        (5 * HOUR, Outcome.NOT_BOUNDED, "18001 s later: time not bounded"),
    ],
)
def test_a_timestamp_bounds_the_time(story: Story, lead: timedelta, outcome: Outcome, said: str) -> None:
    file = verified(story, after(story, lead))
    assert outcomes(file)["time"] is outcome
    assert outcomes(file)["timestamp"] is PASSED
    assert (file.verdict is Verdict.VALID) is (outcome is not Outcome.FAILED)
    assert "according to CN=Time of the court" in words(file, "time")
    assert words(file, "time").endswith(said)
    stamped = words(file, "timestamp")
    assert stamped.startswith("CN=Time of the court stamped the checkpoint at 2026-")
    # No more precisely than the token says, or it may look earlier than what it is over.
    assert "." not in stamped


@pytest.mark.parametrize(
    ("witness", "authority", "by"), [(10, 1800, "w"), (1800, 10, "CN=Time of the court")]
)
def test_the_earliest_of_witness_and_authority_counts(
    story: Story, witness: int, authority: int, by: str
) -> None:
    file = verified(
        story, after(story, timedelta(seconds=authority)), witness_after=timedelta(seconds=witness)
    )
    assert f"according to {by}, 11 s later" in words(file, "time")


def test_a_timestamp_from_the_future_does_not_count(story: Story) -> None:
    now = at(story.acceptance).replace(microsecond=0)
    for lead, counts in ((119, True), (121, False), (7 * 86_400, False)):
        file = verified(story, after(story, timedelta(seconds=lead)), now=now)
        assert outcomes(file)["timestamp"] is (PASSED if counts else NOTED)
        assert ("it states a time yet to come" in words(file, "timestamp")) is not counts
        assert outcomes(file)["time"] is (PASSED if counts else Outcome.NOT_BOUNDED)
        assert file.verdict is Verdict.VALID


def test_without_roots_timestamps_are_not_looked_at(story: Story) -> None:
    for tokens in (after(story, timedelta(seconds=1)), lambda note: {"x.court.tsr": b"garbage"}):
        file = verified(story, tokens, roots=())
        assert file == verified(story, lambda note: {}, roots=())
        assert "timestamp" not in outcomes(file)
        assert outcomes(file)["time"] is Outcome.NOT_BOUNDED


def test_wrong_timestamps_are_named_and_take_nothing_from_what_witnesses_prove(story: Story) -> None:
    time = at(story.acceptance).replace(microsecond=0) - 9 * HOUR
    stranger = Authority("Root of time").issue(named("Time of the court"), STAMPING)
    signer = ROOT.issue(named("A signer"), replace(STAMPING, extended=(ExtendedKeyUsageOID.CODE_SIGNING,)))
    alone = verified(story, lambda note: {}, witness_after=timedelta(seconds=5))
    bad: Mapping[str, Callable[[bytes], bytes]] = {
        "x.another.tsr": lambda note: stamped(note + b"\n", time),
        "x.cut.tsr": lambda note: stamped(note, time)[:-9],
        "x.empty.tsr": lambda note: b"",
        "x.garbage.tsr": lambda note: b"\x30\x80" * 99,
        "x.huge.tsr": lambda note: stamped(note, time) + bytes(MAX_BYTES),
        "x.signer.tsr": lambda note: stamped(note, time, signer),
        "x.stranger.tsr": lambda note: stamped(note, time, stranger),
    }
    file = verified(
        story,
        lambda note: {name: made(note) for name, made in bad.items()},
        witness_after=timedelta(seconds=5),
    )
    assert file.verdict is Verdict.VALID
    assert (words(file, "time"), file.proves) == (words(alone, "time"), alone.proves)
    said = [check.words for check in file.checks if check.name == "timestamp"]
    assert [text.split()[2] for text in said] == list(bad)
    assert {check.outcome for check in file.checks if check.name == "timestamp"} == {NOTED}
    # A good one among them counts.
    file = verified(
        story,
        lambda note: {
            **after(story, timedelta(seconds=1))(note),
            **{name: made(note) for name, made in bad.items()},
        },
    )
    assert words(file, "time").endswith("according to CN=Time of the court, 2 s later")


def test_of_very_many_timestamps_some_are_looked_at(story: Story) -> None:
    file = verified(story, lambda note: {f"x.{n:03}.tsr": b"" for n in range(MOST_TIMESTAMPS + 100)})
    assert len([check for check in file.checks if check.name == "timestamp"]) == MOST_TIMESTAMPS + 1
    assert words(file, "timestamp").endswith("100 more timestamps were not looked at")


def test_two_receipts_of_one_confirmation_have_the_same_checks_but_their_own_timestamps(
    story: Story,
) -> None:
    confirmed = story.world.record(story.confirmation())
    files = {name: story.world.receipt(confirmed) for name in ("a", "b")}
    note = TlogProof.parse(files["a"]).checkpoint
    trust: Trust = replace(story.world.trust(), tsa_roots=(ROOT.der,))
    stamp = stamped(note, at(confirmed) + timedelta(seconds=1))
    report = verify_receipts(files, trust, {"b": {"b.court.tsr": stamp}, "a": {"1": b"", "2": stamp}})
    for file in report.files:
        assert failures(file) == {}
    first, second = ([check.name for check in file.checks] for file in report.files)
    assert [name for name in first if name != "timestamp"] == [name for name in second if name != "timestamp"]
    assert (first.count("timestamp"), second.count("timestamp")) == (2, 1)
    assert (first.count("time"), first.count("signer")) == (1, 1)
