"""The evidence of administrative acts: its bytes, what it refuses, and what a verifier says of it."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given

from namak.evidence.administrative_act import Actor, ActorKind, AdministrativeAct, RecordedAct, Resource
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.failures import MalformedEvidence
from namak.evidence.lost_key import LOST_ACT, GivenUp
from namak.evidence.recorded import recorded
from namak.evidence.report import Verdict
from namak.evidence.succession import OPENING_ACT, Opening
from namak.evidence.verify import verify_receipts
from tests.unit.evidence_documents.acts import (
    AFTER,
    AT_COMMAND_LINE,
    BEFORE,
    BY_ADMINISTRATOR,
    BY_OPERATOR,
    acts,
)
from tests.unit.evidence_documents.documents import ONE_OF_EACH
from tests.unit.evidence_documents.world import World


@given(acts())
def test_comes_back_as_it_was_written(act: AdministrativeAct) -> None:
    # Versions of Python differ on how they write IPv4 inside IPv6, so the format refuses it.
    assume(getattr(act.details.acted_from, "ipv4_mapped", None) is None)
    assume(getattr(act.details.acted_from, "scope_id", None) is None)

    assert AdministrativeAct.parse(act.encode()) == act


def test_writes_the_fields_that_the_format_names_in_their_order() -> None:
    assert BY_OPERATOR.encode().decode() == (
        '{"version":"namak-evidence/1","EvidenceIdentifier":"0192f0c4-0000-7000-8000-000000000001",'
        '"ERDSEventId":"https://namak.am/event/AdministrativeAct",'
        '"EventTime":"2026-11-21T20:00:00.123456Z","EvidenceIssuerPolicyID":["namak:am:1"],'
        '"EvidenceIssuerDetails":{"Identifier":"e-citizen.am","Name":"Էլեկտրոնային քաղաքացի"},'
        '"Extensions":{"salt":"AAAAAAAAAAAAAAAAAAAAAQ==","act":"UpdateSenderAddress",'
        f'"actor":{{"kind":"OPERATOR","certificate":"{"ab" * 32}"}},"actedFrom":"198.51.100.9",'
        '"organisation":"11223344",'
        '"resource":{"kind":"SENDER_ADDRESS","id":"0192f0c3-0000-7000-8000-00000000000a"},'
        '"before":{"address":"notices@src.am","networks":["198.51.100.7/32"],"suspended":"no"},'
        '"after":{"address":"notices@src.am","networks":["198.51.100.7/32","2001:db8::/64"],'
        '"suspended":"no"},"requestId":"r-1"}}'
    )


def test_what_there_is_not_is_not_written() -> None:
    extensions = json.loads(AT_COMMAND_LINE.encode())["Extensions"]

    assert set(extensions) == {"salt", "act", "actor", "resource", "after"}
    assert extensions["actor"] == {"kind": "COMMAND_LINE"}
    assert "after" not in json.loads(BY_ADMINISTRATOR.encode())["Extensions"]


def test_evidence_is_read_as_what_its_event_says() -> None:
    assert isinstance(recorded(BY_OPERATOR.encode()), RecordedAct)
    assert isinstance(recorded(ONE_OF_EACH[0].encode()), RecordedFact)
    with pytest.raises(MalformedEvidence, match="not about a message"):
        EvidenceDocument.parse(BY_OPERATOR.encode())
    with pytest.raises(MalformedEvidence, match="not an AdministrativeAct"):
        AdministrativeAct.parse(ONE_OF_EACH[0].encode())
    data = BY_OPERATOR.encode()
    assert recorded(data).entry == hashlib.sha256(data).digest()
    assert recorded(data).digest == hashlib.sha256(data).hexdigest()


def _extension(key: str, value: object) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(BY_OPERATOR.encode())
    if value is None:
        del written["Extensions"][key]
    else:
        written["Extensions"][key] = value
    return written


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("act", None),
        ("act", ""),
        ("act", "drop\ntable"),
        ("actor", None),
        ("actor", {"certificate": "ab" * 32}),
        ("actor", {"kind": "HACKER", "certificate": "ab" * 32}),
        ("actor", {"kind": "OPERATOR"}),
        ("actor", {"kind": "OPERATOR", "certificate": "AB" * 32}),
        ("actor", {"kind": "OPERATOR", "certificate": "ab" * 32, "person": "5001950015"}),
        ("actor", {"kind": "ADMINISTRATOR", "certificate": "ab" * 32}),
        ("actor", {"kind": "COMMAND_LINE"}),
        ("actedFrom", None),
        ("actedFrom", "198.51.100.09"),
        ("actedFrom", ""),
        ("organisation", ""),
        ("resource", None),
        ("resource", {"kind": "sender address", "id": "1"}),
        ("resource", {"kind": "SENDER_ADDRESS"}),
        ("before", {}),
        ("before", AFTER),
        ("before", {"Address": "x"}),
        ("before", {"address": ""}),
        ("before", {"address": 1}),
        ("before", {"networks": []}),
        ("before", {"networks": [["x"]]}),
        ("before", {"address": "two\nlines"}),
        ("after", {f"f{number}": "1" for number in range(101)}),
        ("requestId", "no spaces"),
        ("notificationPolicy", "am-2015@1"),
        ("surplus", "1"),
    ],
)
def test_what_the_format_does_not_permit_is_refused(key: str, value: object) -> None:
    with pytest.raises(MalformedEvidence):
        AdministrativeAct.parse(json.dumps(_extension(key, value)).encode())


@pytest.mark.parametrize("key", ["SenderDetails", "RecipientDetails", "SubmissionTime", "UserContentInfo"])
def test_it_names_no_message(key: str) -> None:
    written = json.loads(BY_OPERATOR.encode())
    written[key] = json.loads(ONE_OF_EACH[0].encode())[key]
    with pytest.raises(MalformedEvidence, match="not permitted"):
        AdministrativeAct.parse(json.dumps(written).encode())


def test_nothing_is_written_that_a_reader_refuses() -> None:
    details = BY_OPERATOR.details
    for wrong in (
        replace(details, before=None, after=None),
        replace(details, after=BEFORE),
        replace(details, actor=Actor(ActorKind.OPERATOR)),
        replace(details, actor=Actor(ActorKind.ADMINISTRATOR, "ab" * 32, "1"), organisation=None),
        replace(details, acted_from=None),
        replace(details, after={"name": "\ud800"}),
    ):
        with pytest.raises(MalformedEvidence):
            replace(BY_OPERATOR, details=wrong).encode()


def _receipt(world: World, act: AdministrativeAct) -> bytes:
    kept = RecordedAct.parse(act.encode())
    world.log.entries.append(kept.entry)
    return world.log.proof(kept.data, len(world.log.entries) - 1).encode()


def test_a_verifier_says_who_did_what_to_which_thing() -> None:
    world = World()
    report = verify_receipts(
        {act.details.act: _receipt(world, act) for act in (BY_OPERATOR, BY_ADMINISTRATOR, AT_COMMAND_LINE)},
        world.trust(),
    )

    assert report.verdict is Verdict.VALID
    operator, administrator, command_line = [file.proves for file in report.files]
    assert operator == (
        "AdministrativeAct: at 2026-11-21T20:00:00.123456Z the operator did UpdateSenderAddress on the "
        "sender address 0192f0c3-0000-7000-8000-00000000000a from 198.51.100.9, as the operator recorded; "
        "it changed networks."
    )
    assert "5001950015, administrator of 11223344, did DeleteSenderAddress" in administrator
    assert "somebody at the server's command line did operator bind" in command_line
    assert report.files[0].evidence is report.files[0].act
    assert report.files[0].fact is None


def test_a_verifier_says_that_a_shard_ended_and_which_key_the_next_one_has() -> None:
    world = World()
    shard = {"origin": "log.example.am/2026", "log_vkey": "log.example.am/2026+0+a"}
    announced = replace(
        AT_COMMAND_LINE,
        details=replace(
            AT_COMMAND_LINE.details,
            act="hsm rotate",
            resource=Resource("LOG_SHARD", "log.example.am/2026"),
            before=shard,
            after={**shard, "successor": "log.example.am/2027", "successor_vkey": "log.example.am/2027+0+b"},
        ),
    )
    report = verify_receipts({"last": _receipt(world, announced)}, world.trust())

    assert report.verdict is Verdict.VALID
    assert report.files[0].proves == (
        "AdministrativeAct: at 2026-11-21T20:00:00.123456Z somebody at the server's command line announced "
        "that the log's shard log.example.am/2026 ends here and goes on as log.example.am/2027, whose "
        "verifier key is log.example.am/2027+0+b."
    )


OPENING = Opening(
    *("log.example.am/2027", "log.example.am/2027+0+b"),
    *("log.example.am/2026", "log.example.am/2026+0+a"),
    "ab" * 32,
)
OPENED = replace(
    AT_COMMAND_LINE,
    details=replace(
        AT_COMMAND_LINE.details,
        act=OPENING_ACT,
        resource=Resource("LOG_SHARD", OPENING.origin),
        before=None,
        after=OPENING.fields,
    ),
)


def test_a_verifier_says_that_a_shard_began_and_after_which_one() -> None:
    world = World()
    report = verify_receipts({"first": _receipt(world, OPENED)}, world.trust())

    assert report.verdict is Verdict.VALID
    assert report.files[0].proves == (
        "AdministrativeAct: at 2026-11-21T20:00:00.123456Z somebody at the server's command line opened the "
        "log's shard log.example.am/2027, whose verifier key is log.example.am/2027+0+b: it goes on from "
        f"log.example.am/2026, which ended with the announcement {'ab' * 32}."
    )
    assert Opening.of(AdministrativeAct.parse(OPENED.encode())) == OPENING


@pytest.mark.parametrize(
    "changed",
    [
        {"act": "hsm rotate"},
        {"resource": Resource("LOG_SHARD", "log.example.am/2028")},
        {"resource": Resource("DOMAIN", OPENING.origin)},
        {"before": {"origin": OPENING.origin}},
        {"after": {"origin": OPENING.origin}},
        {"after": {**OPENING.fields, "announcement": ("ab" * 32,)}},
    ],
)
def test_only_an_act_that_says_all_of_it_opens_a_shard(changed: dict[str, Any]) -> None:
    act = replace(OPENED, details=replace(OPENED.details, **changed))
    assert Opening.of(act) is None


def test_an_act_that_is_not_in_the_log_proves_nothing() -> None:
    world = World()
    world.record(ONE_OF_EACH[0])
    never_logged = world.log.proof(BY_OPERATOR.encode(), 0).encode()

    report = verify_receipts({"forged": never_logged}, world.trust())

    assert report.verdict is Verdict.INVALID
    assert report.files[0].proves == "Proves nothing: failed on inclusion."


LOST = GivenUp(
    *("log.example.am/2026", "log.example.am/2026+0+a", 5, "ab" * 32, 3, 12, "cd" * 32),
    *("log.example.am/2027", "log.example.am/2027+0+b"),
)
GAVE_UP = replace(
    AT_COMMAND_LINE,
    details=replace(
        AT_COMMAND_LINE.details,
        act=LOST_ACT,
        resource=Resource("LOG_SHARD", LOST.origin),
        before={"origin": LOST.origin, "log_vkey": LOST.vkey},
        after=LOST.fields,
    ),
)


def test_a_verifier_says_that_a_shard_was_given_up_and_what_of_it_was_never_signed() -> None:
    world = World()
    report = verify_receipts({"lost": _receipt(world, GAVE_UP)}, world.trust())

    assert report.verdict is Verdict.VALID
    assert report.files[0].proves == (
        "AdministrativeAct: at 2026-11-21T20:00:00.123456Z somebody at the server's command line gave up the "
        "log's shard log.example.am/2026, whose key is lost: it ends with 5 leaves, and 7 that were never "
        "signed are logged again in log.example.am/2027, whose verifier key is log.example.am/2027+0+b, or "
        "after it."
    )
    assert GivenUp.of(AdministrativeAct.parse(GAVE_UP.encode())) == LOST


@pytest.mark.parametrize(
    "changed",
    [
        {"act": "hsm rotate"},
        {"resource": Resource("LOG_SHARD", "log.example.am/2028")},
        {"resource": Resource("DOMAIN", LOST.origin)},
        {"after": {**LOST.fields, "signed_size": "05"}},
        {"after": {**LOST.fields, "signed_size": "13"}},
        {"after": {**LOST.fields, "witnessed_size": "6"}},
        {"after": {**LOST.fields, "unsigned_root": "cd" * 31}},
        {"after": {name: value for name, value in LOST.fields.items() if name != "successor"}},
        {"after": {**LOST.fields, "log_vkey": ("a", "b")}},
    ],
)
def test_only_an_act_that_says_all_of_it_gives_a_shard_up(changed: dict[str, Any]) -> None:
    act = replace(GAVE_UP, details=replace(GAVE_UP.details, **changed))
    assert GivenUp.of(act) is None
