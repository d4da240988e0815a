"""A client in Node.js, from the .proto files alone, submits as an agency and confirms as a citizen."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from namak.evidence.document import EvidenceDocument
from server.dev.pki import Identity
from tests.interop.programs import ROOT, Outcome, run
from tests.system.post import TEXT, Agency, Citizen, Post

NODE = ROOT / "tests/interop/node"


def missing() -> str:
    if shutil.which("node") is None or not (NODE / "node_modules").is_dir():
        return "the client in Node not run: Node.js or its packages are missing (apt install nodejs npm)"
    return "" if shutil.which("openssl") else "the client in Node not run: no openssl (apt install openssl)"


pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.hsm,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]


async def node(program: str, post: Post, identity: Identity, *arguments: str | Path) -> Outcome:
    """Runs one of the programs with the identity's certificate for TLS."""
    assert identity.key_path is not None
    # By name: TLS knows no server names that are addresses.
    address = post.address.replace("127.0.0.1", "localhost")
    connection = (
        *("--protos", ROOT / "proto", "--protos", ROOT / ".venv/googleapis", "--address", address),
        *("--ca", post.pki.server_root_path, "--certificate", identity.cert_path, "--key", identity.key_path),
    )
    return await run("node", NODE / program, *connection, *arguments, directory=NODE)


async def submit(post: Post, agency: Agency, recipient: str, request_id: str, letter: Path) -> Outcome:
    who = ("--from", agency.sender, "--to", recipient, "--subject", "Հարկային ծանուցում")
    return await node("submit.mjs", post, agency.identity, *who, "--request-id", request_id, letter)


async def confirm(post: Post, citizen: Citizen, signing: Identity, delivery_id: str) -> Outcome:
    assert signing.key_path is not None
    signer = ("--signing-certificate", signing.cert_path, "--signing-key", signing.key_path)
    identity = citizen.card.authentication
    return await node("confirm.mjs", post, identity, "--delivery", delivery_id, *signer)


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.txt"
    path.write_bytes(TEXT)
    return path


def events(answer: dict[str, Any]) -> list[str]:
    return [each["event"] for each in answer["evidence"]]


@pytest.mark.parametrize("program", ["submit.mjs", "confirm.mjs"])
async def test_how_it_is_called_is_told(program: str) -> None:
    asked = await run("node", NODE / program, "--help", directory=NODE)
    assert (asked.code, asked.told) == (0, "")
    assert asked.output.startswith(f"usage: node {program} --protos …")

    for words in (("--colour", "red"), ("--address", "localhost:1")):
        wrong = await run("node", NODE / program, *words, directory=NODE)
        assert (wrong.code, wrong.output) == (2, "")
        assert f"usage: node {program}" in wrong.told
        assert "    at " not in wrong.told


async def test_submits_and_confirms(post: Post, agency: Agency, citizen: Citizen, letter: Path) -> None:
    sent = await submit(post, agency, citizen.address, "node-1", letter)
    assert sent.code == 0, sent.told
    accepted = json.loads(sent.output)

    read = await confirm(post, citizen, citizen.card.signing, accepted["delivery_id"])

    assert read.code == 0, read.told
    assert f"delivery: {accepted['delivery_id']}\n" in read.told  # shown before it was signed
    confirmed = json.loads(read.output)
    assert events(accepted) == ["SubmissionAcceptance", "ContentConsignment"]
    assert events(confirmed) == ["ReadingConfirmed", "NotificationEffected"]
    found = [fact async for fact in agency.client.evidence.facts(accepted["delivery_id"])]
    assert {each["evidence_id"] for each in (*accepted["evidence"], *confirmed["evidence"])} <= {
        fact.evidence_id for fact in found
    }
    assert len(accepted["receipts"]) == 2
    for receipt in accepted["receipts"]:
        assert receipt.startswith("c2sp.org/tlog-proof@v1\n")
    assert all(str(EvidenceDocument.parse(fact.document).delivery_id) for fact in found)


async def test_gets_the_same_answer_for_the_same_request_id(
    post: Post, agency: Agency, citizen: Citizen, letter: Path
) -> None:
    first = json.loads((await submit(post, agency, citizen.address, "node-2", letter)).output)
    again = json.loads((await submit(post, agency, citizen.address, "node-2", letter)).output)

    assert again["delivery_id"] == first["delivery_id"]
    assert again["evidence"] == first["evidence"]


async def test_reads_the_reason_of_a_refusal(post: Post, agency: Agency, letter: Path) -> None:
    refused = await submit(post, agency, "5999999999@e-citizen.am", "node-3", letter)

    assert refused.code == 1
    answer = json.loads(refused.output)
    assert answer["reason"] == "MAILBOX_UNKNOWN"
    assert answer["metadata"]["evidence_id"]


async def test_a_signature_of_somebody_elses_card_is_refused(
    post: Post, agency: Agency, citizen: Citizen, letter: Path
) -> None:
    accepted = json.loads((await submit(post, agency, citizen.address, "node-4", letter)).output)
    other = await post.citizen(mailbox=False)

    refused = await confirm(post, citizen, other.card.signing, accepted["delivery_id"])

    assert refused.code == 1
    assert json.loads(refused.output)["reason"] == "SIGNER_NOT_RECIPIENT"
