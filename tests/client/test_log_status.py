"""`namak log status` of a log that has witnesses: who they are, and what it waits for."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from namak.config import Connection
from namak.v1 import evidence_pb2
from tests.client.conftest import Namak
from tests.client.office import Office

AT = Timestamp(seconds=1_795_000_000)
AT_WORDS = "2026-11-18 11:06:40 UTC"
State = evidence_pb2.LogShard
Trouble = evidence_pb2.WitnessingState
COURT = Trouble(witness="court/w", tree_size=20, cosign_time=AT)
BAR = Trouble(witness="bar/w", trouble=Trouble.TROUBLE_UNREACHED, trouble_begin_time=AT)


def waiting(since: datetime, *, leading: bool = True) -> evidence_pb2.GetLogStatusResponse:
    shard = State(
        tree_size=30,
        state=State.STATE_WAITS_FOR_WITNESSES,
        witnessing=[COURT, BAR],
        witnesses_needed=2,
        witnesses_cosigned=1,
        oldest_unwitnessed_time=Timestamp(seconds=int(since.timestamp())),
    )
    return evidence_pb2.GetLogStatusResponse(
        shards=[shard], leading=leading, debt_limit=Duration(seconds=14_400)
    )


def test_the_status_names_each_witness_and_how_long_the_log_may_do_without(
    namak: Namak, agency: Connection, office: Office
) -> None:
    log = office.log_key.name
    since = datetime.now(UTC) - timedelta(minutes=60, seconds=30)
    office.status = waiting(since)
    done = namak(agency, "log", "status")
    assert "waits for witnesses" in done.out
    assert "healthy" not in done.out
    assert f"court/w has cosigned 20 of 30 entries of {log}, last at {AT_WORDS}.\n" in done.out
    never = f"bar/w has cosigned nothing of {log} that is known."
    assert f"{never} It has not answered since {AT_WORDS}.\n" in done.out
    assert f"{log}: 1 of 2 witnesses that are needed have cosigned the newest." in done.out
    ends = f"{since + timedelta(hours=4):%Y-%m-%d %H:%M:%S} UTC"
    (told,) = [line for line in done.out.splitlines() if "no message is accepted" in line]
    assert f"from {ends} on:" in told
    # A test that is held up for long finds less.
    assert any(f"2 h {minutes} min" in told for minutes in range(40, 60))
    assert "does not lead" not in done.out


def test_programs_read_the_state_and_the_witnesses(namak: Namak, agency: Connection, office: Office) -> None:
    office.status = waiting(datetime.now(UTC))
    status = namak(agency, "--json", "log", "status").document
    (shard,) = status["shards"]
    assert status["leading"] is True
    assert (shard["state"], shard["healthy"]) == ("WAITS_FOR_WITNESSES", True)
    assert (shard["witnesses_needed"], shard["witnesses_cosigned"]) == (2, 1)
    time = "2026-11-18T11:06:40Z"
    assert shard["witnessing"] == [
        {
            "witness": "court/w",
            "tree_size": 20,
            "cosign_time": time,
            "trouble": None,
            "trouble_begin_time": None,
        },
        {
            "witness": "bar/w",
            "tree_size": 0,
            "cosign_time": None,
            "trouble": "UNREACHED",
            "trouble_begin_time": time,
        },
    ]


def test_an_answer_that_can_t_know_the_troubles_says_so(
    namak: Namak, agency: Connection, office: Office
) -> None:
    office.status = waiting(datetime.now(UTC), leading=False)
    out = namak(agency, "log", "status").out
    assert "does not lead the log" in out
    assert "1 of 2" not in out


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.STATE_UNSPECIFIED, "healthy"),
        (State.STATE_WELL, "healthy"),
        (State.STATE_WAITS_FOR_TIMESTAMPS, "waits for timestamps"),
        (State.STATE_IN_DEBT, "without witnesses for too long"),
    ],
)
def test_each_state_has_its_words(
    namak: Namak, agency: Connection, office: Office, state: State.State.ValueType, words: str
) -> None:
    office.status = evidence_pb2.GetLogStatusResponse(shards=[State(state=state)], leading=True)
    (row,) = [line for line in namak(agency, "log", "status").out.splitlines() if " 41 " in line]
    assert row.rstrip().endswith(f" {words}")


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (Trouble.TROUBLE_REFUSES, "It has refused to cosign since"),
        (Trouble.TROUBLE_WRONG, "no good cosignature"),
        (Trouble.TROUBLE_DISAGREES, "ALARM: it knows another history"),
        (Trouble.TROUBLE_LACKS_LOG, "It does not follow this shard"),
    ],
)
def test_each_trouble_has_its_words(
    namak: Namak, agency: Connection, office: Office, trouble: Trouble.Trouble.ValueType, words: str
) -> None:
    witness = Trouble(witness="court/w", trouble=trouble, trouble_begin_time=AT)
    office.status = evidence_pb2.GetLogStatusResponse(shards=[State(witnessing=[witness])])
    out = namak(agency, "log", "status").out
    assert f"{words}" in out
    assert AT_WORDS in out


def test_a_shard_that_is_witnessed_to_its_end_needs_no_line_of_witnesses(
    namak: Namak, agency: Connection, office: Office
) -> None:
    size = namak(agency, "--json", "log", "status").document["shards"][0]["tree_size"]
    ended = State(witnessing=[COURT], freeze_time=AT, witnessed_tree_size=size)
    office.status = evidence_pb2.GetLogStatusResponse(shards=[ended])
    assert "court/w" not in namak(agency, "log", "status").out
    ended.witnessed_tree_size -= 1
    office.status = evidence_pb2.GetLogStatusResponse(shards=[ended])
    assert "court/w" in namak(agency, "log", "status").out
