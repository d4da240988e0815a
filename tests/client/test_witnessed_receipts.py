"""Receipts that witnesses vouch for, as the library and the command get them."""

import hashlib
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from namak.cli.codes import ExitCode
from namak.client import Client, Connection
from namak.errors import NotYetLogged
from namak.evidence.errors import QuorumNotMet
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from tests.client import counter
from tests.client.conftest import Namak
from tests.client.office import Office
from tests.client.test_cli import submit
from tests.client.test_client import letter


async def test_a_witnessed_receipt_is_waited_for_and_no_other_taken(
    agency: Connection, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    (witness,) = counter.WITNESSES
    async with Client(agency) as post:
        accepted = await post.deliveries.submit(letter("r"))
        wanted = accepted.evidence[0]
        logged = await post.evidence.receipt(wanted.evidence_id)
        office.faults.late_receipts = 2
        witnessed = await post.evidence.receipt(wanted.evidence_id, witnessed=True)
        # As a post of the release before does, or one without witnesses that thinks it knows better.
        monkeypatch.setattr(counter, "WITNESSES", ())
        with pytest.raises(NotYetLogged, match="witnessed receipt"):
            await post.evidence.receipt(wanted.evidence_id, witnessed=True, within=0.2)
    policy = f"log {office.log_key.vkey}\nwitness w {witness.vkey}\nquorum w\n"
    entry = hashlib.sha256(wanted.document).digest()
    assert TlogProof.parse(witnessed.tlog_proof).verify(entry, TlogPolicy.parse(policy.encode())).quorum_met
    with pytest.raises(QuorumNotMet):
        TlogProof.parse(logged.tlog_proof).verify(entry, TlogPolicy.parse(policy.encode()))


def test_witnessed_receipts_are_saved_where_no_others_are(
    namak: Namak, agency: Connection, office: Office, tmp_path: Path
) -> None:
    delivery_id = submit(agency, letter("r"))
    evidence_id = next(iter(office.facts))
    for words in (("--delivery", delivery_id), (evidence_id,)):
        out = tmp_path / str(len(words))
        done = namak(agency, "--json", "receipt", *words, "-o", out, "--witnessed")
        assert done.code == 0
        for item in done.document["receipts"]:
            assert f"\n— {counter.WITNESSES[0].name} " in Path(item["path"]).read_text(encoding="utf-8")


def test_the_logs_status_tells_the_debt(namak: Namak, agency: Connection) -> None:
    (shard,) = namak(agency, "--json", "log", "status").document["shards"]
    assert (shard["unwitnessed_entries"], shard["witnessed_tree_size"], shard["witness_time"]) == (
        41,
        0,
        None,
    )
    shown = namak(agency, "log", "status")
    assert (shown.code, "UNWITNESSED" in shown.out, "healthy" in shown.out) == (0, True, True)


def test_an_outage_is_told_before_anything_is_called_healthy(
    namak: Namak, agency: Connection, office: Office
) -> None:
    office.faults.outage_began = Timestamp(seconds=1_795_000_000)

    shown = namak(agency, "log", "status")

    assert shown.code == ExitCode.UNAVAILABLE
    assert "accepts nothing new" in shown.out
    assert "healthy" not in shown.out
    assert "No message has been accepted since 2026-11-18" in shown.out
    assert namak(agency, "--json", "log", "status").document["outage_begin_time"] == "2026-11-18T11:06:40Z"
