"""The commands about the register, lists, watching and the log, as people run them on the whole server."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from namak.client.signers import FileSigner
from tests import forking
from tests.system.post import Agency, Citizen, Post, der

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.hsm]

REFUSED, USAGE, NOT_VERIFIED = 1, 2, 4


async def namak(config: Path, *arguments: str | Path) -> tuple[int, str, str]:
    """Runs a command, and returns how it ended and what it said."""
    environment = {"NAMAK_CONFIG": str(config), "NAMAK_LANG": "en"}
    run = await asyncio.to_thread(forking.run, "namak.cli", *arguments, environment=environment)
    return run.returncode, run.stdout, run.stderr


async def done(config: Path, *arguments: str | Path) -> Any:
    """Runs a command that must succeed, and returns its JSON."""
    code, out, err = await namak(config, "--json", *arguments)
    assert code == 0, out + err
    return json.loads(out)


async def refused(config: Path, *arguments: str | Path) -> str:
    """Runs a command that must be refused, and returns the reason."""
    code, out, err = await namak(config, "--json", *arguments)
    assert code == REFUSED, out + err
    return str(json.loads(out)["error"]["reason"])


@pytest.fixture
def operator(post: Post) -> Path:
    return post.world.write_client("operator", post.world.operator, post.address)


def config_of(post: Post, someone: Agency | Citizen, name: str) -> Path:
    identity = someone.identity if isinstance(someone, Agency) else someone.card.authentication
    return post.world.write_client(name, identity, post.address)


async def test_an_organisation_is_registered_changed_and_audited(
    post: Post, operator: Path, tmp_path: Path
) -> None:
    admin = ("admin",)
    named = ("--code", "77000001", "--name", "Ա")
    made = (await done(operator, *admin, "org", "register", *named))["organisation"]
    org = made["organisation_id"]
    assert (made["contract_state"], made["contract_end_date"]) == ("NONE", None)
    assert (await done(operator, *admin, "org", "show", "77000001"))["organisation"] == made
    renamed = (await done(operator, *admin, "org", "rename", "77000001", "Բ"))["organisation"]
    assert (renamed["display_name"], renamed["etag"] == made["etag"]) == ("Բ", False)
    contract = await done(operator, *admin, "org", "contract", org, "in-force", "--until", "2099-12-31")
    assert contract["organisation"]["contract_end_date"] == "2099-12-31"
    listed = await done(operator, *admin, "org", "list", "--contract", "in-force", "--code", "77000001")
    assert [item["organisation_id"] for item in listed["organisations"]] == [org]
    suspended = await done(operator, *admin, "org", "contract", org, "suspended", "--yes")
    assert suspended["organisation"]["contract_state"] == "SUSPENDED"

    enable = (*admin, "administrator", "enable", "4100009999", "--name", "Անի", "--org", org)
    assert (await done(operator, *enable))["administrator"]["disable_time"] is None
    await done(operator, *admin, "administrator", "disable", "4100009999", "--org", org, "--yes")
    everybody = (*admin, "administrator", "list", "--org", org)
    assert (await done(operator, *everybody))["administrators"] == []
    (gone,) = (await done(operator, *everybody, "--disabled"))["administrators"]
    assert gone["disable_time"] is not None

    acts = (await done(operator, *admin, "audit", "--org", org, "--limit", "0"))["acts"]
    assert [act["act"] for act in acts] == [
        "DisableAdministrator",
        "EnableAdministrator",
        "SetContractState",
        "SetContractState",
        "UpdateOrganisation",
        "RegisterOrganisation",
    ]
    assert acts[4]["actor"]["kind"] == "operator"
    assert {"field": "display_name", "before": ["Ա"], "after": ["Բ"]} in acts[4]["changes"]
    code, out, _err = await namak(operator, *admin, "audit", "--org", "77000001")
    assert code == 0
    assert "display_name: Ա → Բ" in out
    await done(operator, "receipt", acts[0]["evidence_id"], "-o", tmp_path)
    assert (await done(operator, "verify", tmp_path))["verdict"] == "VALID"


async def test_domains_addresses_and_certificates_are_kept(
    post: Post, operator: Path, tmp_path: Path
) -> None:
    await done(operator, "admin", "org", "register", "--code", "77000002", "--name", "Գ")
    of = ("--org", "77000002")
    domain = ("admin", "domain")
    await done(operator, *domain, "register", "namaktest.am", "--document", "12/34", *of)
    (kept,) = (await done(operator, *domain, "list", *of))["domains"]
    assert (kept["name"], kept["proof"]) == ("namaktest.am", "DOCUMENT")
    proof = await done(operator, *domain, "request-proof", "proven.am", *of)
    assert proof["record_name"] == "_namak.proven.am"
    assert proof["record_text"]

    address = ("admin", "address")
    network = ("--network", "8.8.8.0/28")
    made = await done(operator, *address, "register", "notices@namaktest.am", *network, *of)
    assert made["sender_address"]["networks"] == ["8.8.8.0/28"]
    more = ("--add-network", "8.8.4.4/32", "--sms")
    planned = await done(operator, *address, "update", "notices@namaktest.am", *more, "--dry-run")
    assert planned["sender_address"]["networks"] == ["8.8.8.0/28", "8.8.4.4/32"]
    assert (await done(operator, *address, "show", "notices@namaktest.am")) == made
    changed = (await done(operator, *address, "update", "Notices@namaktest.am", *more))["sender_address"]
    assert (sorted(changed["networks"]), changed["sms_permitted"]) == (["8.8.4.4/32", "8.8.8.0/28"], True)
    code, _out, err = await namak(
        operator, *address, "update", "notices@namaktest.am", "--remove-network", "1.1.1.1/32"
    )
    assert (code, "not there: 1.1.1.1/32" in err) == (USAGE, True)
    await done(operator, *address, "suspend", "notices@namaktest.am", "--yes")
    (listed,) = (await done(operator, *address, "list", *of, "--suspended"))["sender_addresses"]
    assert listed["suspended_by_operator"]
    await done(operator, *address, "resume", "notices@namaktest.am")
    assert await refused(operator, *domain, "delete", "namaktest.am", *of, "--yes") == "RESOURCE_IN_USE"

    identity = post.pki.machine("namaktest", organisation="Գ", common_name="namaktest")
    certificate = ("admin", "certificate")
    bind = (*certificate, "bind", identity.cert_path, *of, "--address", "notices@namaktest.am")
    bound = (await done(operator, *bind))["binding"]
    assert bound["sender_address_id"] == made["sender_address"]["sender_address_id"]
    soon = await done(operator, *certificate, "list", *of, "--expiring-within", "3650")
    assert soon["ending_soon"] == [bound["certificate_sha256"]]
    code, _out, err = await namak(operator, *certificate, "list", *of, "--expiring-within", "3650")
    assert (code, "Warning: " in err) == (0, True)
    revoked = await done(operator, *certificate, "revoke", identity.cert_path, "--yes")
    assert revoked["binding"]["revoke_time"] is not None
    assert (await done(operator, *certificate, "list", *of))["bindings"] == []
    assert len((await done(operator, *certificate, "list", *of, "--ended"))["bindings"]) == 1
    await done(operator, *address, "delete", "notices@namaktest.am", "--yes")
    await done(operator, *domain, "delete", "namaktest.am", *of, "--yes")
    assert (await done(operator, *domain, "list", *of))["domains"] == []


async def test_an_administrator_acts_for_one_organisation_alone(post: Post, operator: Path) -> None:
    mine, others, person = await post.agency(), await post.agency(), await post.citizen()
    number = person.person.personal_number
    org = ("--org", mine.organisation_id)
    await done(operator, "admin", "administrator", "enable", number, "--name", "Անի", *org)
    config = config_of(post, person, "administrator")
    (known,) = (await done(config, "admin", "org", "list"))["organisations"]
    acting = ("--acting-as", known["code"])
    listed = await done(config, "admin", "address", "list", *acting)
    assert [item["address"] for item in listed["sender_addresses"]] == [mine.sender]
    await done(config, "admin", "address", "suspend", mine.sender, "--yes", *acting)
    config.write_text(f'acting_as = "{known["code"]}"\n' + config.read_text("utf-8"), "utf-8")
    await done(config, "admin", "address", "resume", mine.sender)
    (act, *_) = (await done(config, "admin", "audit", "--person", number))["acts"]
    assert (act["act"], act["actor"]["person_number"]) == ("ResumeSenderAddress", number)
    renewed = post.pki.machine("bound-by-card", organisation="Գ", common_name="bound-by-card")
    bind = ("admin", "certificate", "bind", renewed.cert_path)
    code, _out, err = await namak(config, *bind)
    assert (code, "--key" in err) == (USAGE, True)
    assert renewed.key_path is not None
    bound = await done(config, *bind, "--key", renewed.key_path)
    assert bound["binding"]["certificate_sha256"] == renewed.sha256.hex()
    foreign = await refused(config, "admin", "address", "show", others.sender_id)
    assert foreign == "RESOURCE_NOT_PERMITTED"
    assert await refused(config, "admin", "org", "show", others.organisation_id) == foreign


async def test_mailboxes_are_opened_suspended_and_closed(post: Post, operator: Path) -> None:
    address = "4199990001@e-citizen.am"
    box = ("admin", "mailbox")
    assert (await done(operator, *box, "open", address))["mailbox"]["state"] == "OPEN"
    assert (await done(operator, *box, "suspend", address, "--yes"))["mailbox"]["state"] == "SUSPENDED"
    assert (await done(operator, *box, "resolve", address))["state"] == "SUSPENDED"
    assert (await done(operator, *box, "resume", address))["mailbox"]["state"] == "OPEN"
    assert (await done(operator, *box, "close", address, "--yes"))["mailbox"]["state"] == "CLOSED"
    assert await refused(operator, *box, "resume", address) == "MAILBOX_CLOSED"
    assert (await done(operator, *box, "reopen", address))["mailbox"]["state"] == "OPEN"


async def test_a_list_is_sent_watched_counted_and_one_of_it_withdrawn(post: Post, tmp_path: Path) -> None:
    agency = await post.agency()
    config = config_of(post, agency, "list-sender")
    citizens = [await post.citizen() for _ in range(3)]
    letter, source = tmp_path / "letter.txt", tmp_path / "list.csv"
    letter.write_text("Նամակ\n", "utf-8")
    rows = "".join(f"{citizen.address}\n" for citizen in citizens)
    source.write_text(f"recipient\n{rows}0000000000@e-citizen.am\n", "utf-8")
    send = (
        "send",
        "--from",
        agency.sender,
        "--subject",
        "Ծանուցում",
        "--to-file",
        source,
        letter,
        "--batch",
        "2",
    )
    begin = json.dumps({"of": "deliveries", **await cursor_of(config)})
    (tmp_path / "cursor.json").write_text(begin, "utf-8")

    for times in range(2):
        code, out, err = await namak(config, "--json", *send)
        assert code == REFUSED, err
        told = json.loads(out)
        assert (told["accepted"], told["accepted_before"]) == ((3, 0), (0, 3))[times]
        assert (told["refused"], told["refused_before"]) == ((1, 0), (0, 1))[times]
    listed = (await done(config, "deliveries", "list", "--to", citizens[0].address))["deliveries"]
    assert [item["state"] for item in listed] == ["CONSIGNED"]
    withdrawn = await done(config, "withdraw", listed[0]["delivery_id"], "--yes", "-o", tmp_path / "w")
    assert withdrawn["delivery"]["state"] == "WITHDRAWN"
    assert len(withdrawn["receipts"]) == 1
    only = await done(config, "deliveries", "list", "--state", "withdrawn")
    assert [item["delivery_id"] for item in only["deliveries"]] == [listed[0]["delivery_id"]]

    watch = ("watch", "--cursor-file", tmp_path / "cursor.json", "--save", tmp_path / "receipts", "--json")
    code, out, err = await namak(config, *watch, "--limit", "7")
    assert code == 0, err
    facts = [json.loads(line) for line in out.splitlines()]
    assert len({fact["evidence_id"] for fact in facts}) == 7
    assert [fact["leaf_index"] for fact in facts] == sorted(fact["leaf_index"] for fact in facts)
    assert len(list((tmp_path / "receipts").iterdir())) == 7
    assert (await done(config, "verify", tmp_path / "receipts"))["verdict"] == "VALID"
    assert json.loads((tmp_path / "cursor.json").read_text())["index"] > facts[-1]["leaf_index"]

    days = ("--from", "2000-01-01", "--to", "2000-01-02")
    nothing = {"accepted": 0, "withdrawn": 0, "sms": 0, "sms_segments": 0}
    assert (await done(config, "usage", *days))["total"] == nothing
    year = ("--from", "2026-01-01", "--to", "2028-12-31")
    used = await done(config, "usage", *year, "--csv", tmp_path / "used.csv")
    assert used["total"] == {**nothing, "accepted": 3, "withdrawn": 1}
    assert (tmp_path / "used.csv").read_text().splitlines()[-1] == "total,3,1,0,0"


async def cursor_of(config: Path) -> dict[str, Any]:
    """Returns where the log ends now."""
    shard = (await done(config, "log", "status"))["shards"][0]
    return {"origin": shard["origin"], "index": shard["tree_size"]}


async def test_a_holder_proves_that_nothing_is_missing(post: Post, agency: Agency, tmp_path: Path) -> None:
    citizen = await post.citizen()
    config = config_of(post, citizen, "prover")
    head = tmp_path / "head.json"
    for number in range(2):
        await agency.client.deliveries.submit(agency.letter(citizen.address))
        proven = await done(config, "inbox", "--prove", "--head-file", head)
        assert (proven["complete"], proven["letters"]) == (True, number + 1)
    code, out, _err = await namak(config, "inbox", "--prove")
    assert code == 0
    assert f"COMPLETE: nothing is missing from {citizen.address}" in out
    links = (await done(config, "mailbox", "links"))["links"]
    assert [item["sequence"] for item in links] == [1, 2]
    assert (await done(config, "mailbox", "show"))["mailbox"]["address"] == citizen.address
    messages = (await done(config, "inbox", "--unopened", "--from", agency.sender))["messages"]
    await done(config, "open", messages[0]["delivery_id"])
    unopened = (await done(config, "inbox", "--unopened"))["messages"]
    assert [item["delivery_id"] for item in unopened] == [messages[1]["delivery_id"]]

    false = json.loads(head.read_text())
    head.write_text(json.dumps({**false, "link": "00" * 32}))
    code, out, _err = await namak(config, "inbox", "--prove", "--head-file", head)
    assert code == NOT_VERIFIED
    assert "NOT COMPLETE" in out
    assert json.loads(head.read_text())["link"] == "00" * 32


async def test_the_log_is_seen_to_grow_and_nothing_else(post: Post, agency: Agency, tmp_path: Path) -> None:
    citizen = await post.citizen()
    config = config_of(post, agency, "auditor")
    kept = tmp_path / "checkpoint.txt"
    _code, note, _err = await namak(config, "checkpoint")
    kept.write_text(note, "utf-8")
    await agency.client.deliveries.submit(agency.letter(citizen.address))
    (shard, *_) = (await done(config, "log", "status"))["shards"]
    assert shard["healthy"]
    grown = await done(config, "log", "consistency", kept, "--save", kept, "--force")
    assert grown["consistent"]
    assert grown["second_size"] >= grown["first_size"] > 0
    assert f"\n{grown['second_size']}\n" in kept.read_text("utf-8")
    width = str(min(255, grown["first_size"]))
    for what in (("--level", "0"), ("--entries",)):
        tile = await done(config, "log", "tile", "0", *what, "--width", width, "-o", tmp_path / what[0])
        assert (tmp_path / what[0]).stat().st_size == tile["size"] > 0

    kept.write_text(kept.read_text("utf-8").replace(f"\n{grown['second_size']}\n", "\n1\n"), "utf-8")
    code, out, _err = await namak(config, "--json", "log", "consistency", kept)
    assert (code, json.loads(out)["error"]["reason"]) == (6, "FILE")


async def test_a_portal_is_bound_and_a_session_listed_and_ended(
    post: Post, operator: Path, tmp_path: Path
) -> None:
    portal = post.pki.machine("portal-of-commands", organisation="Portal", common_name="portal")
    bound = (await done(operator, "admin", "portal", "bind", "portal.am", portal.cert_path))["portal"]
    assert (bound["display_name"], bound["certificate_sha256"]) == ("portal.am", portal.sha256.hex())
    citizen = await post.citizen()
    own = citizen.card.authentication
    assert own.key is not None
    chain = tuple(each.public_bytes(Encoding.DER) for each in own.chain)
    signer = FileSigner(own.key, der(own), chain)
    entered = await (await post.client(portal)).identity.sign_in(signer)

    (shown,) = (await done(operator, "admin", "portal", "list", "--limit", "1"))["portals"]
    assert (shown["display_name"], shown["open_session_count"]) == ("portal.am", 1)
    whole = (await done(operator, "admin", "portal", "show", shown["portal_id"]))["portal"]
    assert [each["certificate_sha256"] for each in whole["certificates"]] == [portal.sha256.hex()]
    _, printed, _ = await namak(operator, "admin", "portal", "show", shown["portal_id"])
    assert portal.sha256.hex() in printed
    assert "active" in printed
    assert (await done(operator, "admin", "portal", "show", "portal.am"))["portal"] == whole
    for unknown in (str(uuid4()), "portal.nowhere"):
        assert await refused(operator, "admin", "portal", "show", unknown) == "NOT_FOUND"

    session = ("admin", "session")
    (listed,) = (await done(operator, *session, "list", citizen.person.personal_number))["sessions"]
    assert (listed["session_id"], listed["method"]) == (entered.session.session_id, "CERTIFICATE")
    assert listed["ending"] is None
    ended = (await done(operator, *session, "end", listed["session_id"], "--yes"))["session"]
    assert ended["ending"] == "TERMINATED"
    assert (await done(operator, *session, "list", citizen.person.personal_number))["sessions"] == []
    _, shown, _ = await namak(operator, *session, "list", citizen.person.personal_number, "--ended")
    assert "ended by the operator" in shown
    assert await refused(operator, *session, "end", str(uuid4()), "--yes") == "NOT_FOUND"
