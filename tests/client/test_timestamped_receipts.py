"""Receipts with timestamps, as the command saves them, `openssl` takes them and the command verifies them."""

import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf.timestamp_pb2 import Timestamp

from namak.client import Connection
from namak.evidence.timestamp import timestamp_request, token_from
from namak.v1 import evidence_pb2
from server.gateways.certificate_pages.renderer import CertificateRenderer
from tests.client.conftest import Namak
from tests.client.office import Office
from tests.client.test_cli import submit
from tests.client.test_client import letter
from tests.integration.timestamps.authority import OPENSSL, OpensslAuthority
from tests.unit.delivery_certificates.conftest import Told
from tests.unit.delivery_certificates.test_timestamps import ROOT, stamped
from tests.unit.evidence_documents.world import Story

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="there is no openssl")
Stamp = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def authority_of_time(tmp_path_factory: pytest.TempPathFactory) -> OpensslAuthority:
    return OpensslAuthority.made(tmp_path_factory.mktemp("tsa") / "tsa", chain=("between", "root"))


@pytest.fixture
def stamp(authority_of_time: OpensslAuthority) -> Stamp:
    # A post has each note stamped once.
    return cache(lambda note: token_from(authority_of_time.reply(timestamp_request(note, 7))))


class Desk:
    """An agency that saves the receipts of a delivery, and whoever verifies them."""

    def __init__(self, namak: Namak, agency: Connection, office: Office, directory: Path) -> None:
        self.namak, self.agency, self.office = namak, agency, office
        self.out = directory / "receipts"
        self.policy = directory / "policy.txt"
        self.policy.write_text(f"log {office.log_key.vkey}\nquorum none\n")
        submit(agency, letter("r"))
        self.evidence_id = next(iter(office.facts))

    def save(self, *words: str) -> tuple[int, list[str], str]:
        done = self.namak(self.agency, "receipt", self.evidence_id, "-o", self.out, "--timestamped", *words)
        return done.code, done.out.splitlines(), done.err

    def verify(self, *words: object, code: int = 0) -> tuple[str, str]:
        done = self.namak(None, "verify", self.out, "--log-policy", self.policy, *words)
        assert done.code == code, done.out + done.err
        return done.out, done.err


@pytest.fixture
def desk(namak: Namak, agency: Connection, office: Office, tmp_path: Path) -> Desk:
    return Desk(namak, agency, office, tmp_path)


def test_timestamps_are_saved_for_openssl_and_verified(
    desk: Desk, stamp: Stamp, authority_of_time: OpensslAuthority
) -> None:
    desk.office.stamps.update({"court": stamp, "tsa.example": stamp})
    code, paths, _ = desk.save()
    assert code == 0
    receipt, checkpoint, *tokens = paths
    stem = receipt.removesuffix(".tlog-proof")
    assert checkpoint == f"{stem}.checkpoint"
    assert tokens == [f"{stem}.court.tsr", f"{stem}.tsa.example.tsr"]
    # The command that the documentation tells.
    for token in tokens:
        words = ["-data", checkpoint, "-in", token, "-CAfile", str(authority_of_time.roots)]
        subprocess.run([str(OPENSSL), "ts", "-verify", *words], check=True, capture_output=True)
    assert Path(receipt).read_bytes().endswith(b"\n\n" + Path(checkpoint).read_bytes())

    out, err = desk.verify()
    assert "--tsa-roots names whom you trust" in err
    assert "time not bounded by independent time" in out
    out, err = desk.verify("--tsa-roots", authority_of_time.roots)
    assert out.count("ok   timestamp: CN=Authority stamped the checkpoint at 20") == 2
    assert "according to CN=Authority" in out
    assert "not bounded" not in out
    assert "tsa-roots" not in err
    # Whatever a shell's * names.
    assert desk.namak(None, "verify", *desk.out.iterdir(), "--log-policy", desk.policy).code == 0
    # Once more: nothing changes.
    code, again, _ = desk.save()
    assert (code, again[0], again[1:]) == (0, f"{receipt} (kept)", paths[1:])


def test_the_roots_come_from_the_configuration_too(
    desk: Desk,
    stamp: Stamp,
    authority_of_time: OpensslAuthority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk.office.stamps["court"] = stamp
    desk.save()
    config = tmp_path / "trust.toml"
    config.write_text(f'[trust]\ntsa_roots = "{authority_of_time.roots}"\n')
    monkeypatch.setenv("NAMAK_CONFIG", str(config))
    out, _ = desk.verify()
    assert "stamped the checkpoint" in out


def test_a_receipt_under_another_checkpoint_is_replaced_only_with_force(desk: Desk, stamp: Stamp) -> None:
    desk.namak(desk.agency, "receipt", desk.evidence_id, "-o", desk.out)
    submit(desk.agency, letter("another"))
    desk.office.stamps["court"] = stamp
    code, _, err = desk.save()
    assert code == 6
    assert "under another checkpoint" in err
    assert "--force" in err
    assert [path.suffix for path in desk.out.iterdir()] == [".tlog-proof"]
    assert desk.save("--force")[0] == 0
    assert len(list(desk.out.iterdir())) == 3


def test_what_a_hostile_post_calls_timestamps_is_not_saved(desk: Desk, stamp: Stamp) -> None:
    for name, token in (("../../x", stamp), ("", stamp), ("court", lambda note: bytes(70_000))):
        desk.office.stamps = {name: token}
        code, _, err = desk.save()
        assert code == 4
        assert "CONTENT_MISMATCH" in err
        assert list(desk.out.iterdir()) == []


def test_a_post_that_knows_nothing_of_timestamps_gives_no_timestamped_receipt(desk: Desk) -> None:
    code, paths, err = desk.save("--timeout", "500ms")
    assert (code, paths) == (3, [])
    assert "timestamped receipt" in err


def test_what_lies_beside_and_is_no_timestamp_is_named_and_breaks_nothing(
    desk: Desk, stamp: Stamp, authority_of_time: OpensslAuthority
) -> None:
    desk.office.stamps["court"] = stamp
    receipt = Path(desk.save()[1][0])
    stem = receipt.with_suffix("")
    (desk.out / f"{stem.name}.garbage.tsr").write_bytes(b"\x1b[2J" * 100)
    (desk.out / f"{stem.name}.directory.tsr").mkdir()
    with (desk.out / f"{stem.name}.huge.tsr").open("wb") as huge:
        huge.truncate(3_000_000)
    (desk.out / f"{stem.name}.gone.tsr").symlink_to("nowhere")
    (desk.out / "of-nobody.tsr").write_bytes(b"x")
    out, _ = desk.verify("--tsa-roots", authority_of_time.roots)
    assert out.count("note timestamp: the timestamp") == 4
    assert "huge.tsr does not count: the answer has more than 65536 bytes" in out
    assert "of-nobody" not in out
    assert "according to CN=Authority" in out


def test_the_logs_status_tells_how_far_authorities_stamped_it(desk: Desk) -> None:
    log = desk.office.log_key.name
    state = evidence_pb2.TimestampingState
    desk.office.stamping = [
        state(authority="court", tree_size=2, gen_time=Timestamp(seconds=1795000000)),
        state(authority="tsa.example", trouble=state.TROUBLE_REFUSES),
    ]
    (shard,) = desk.namak(desk.agency, "--json", "log", "status").document["shards"]
    assert shard["timestamping"] == [
        {"authority": "court", "tree_size": 2, "gen_time": "2026-11-18T11:06:40Z", "trouble": None},
        {"authority": "tsa.example", "tree_size": 0, "gen_time": None, "trouble": "REFUSES"},
    ]
    out = desk.namak(desk.agency, "log", "status").out
    assert f"court has stamped 2 entries of {log}, at 2026-" in out
    assert f"tsa.example has stamped nothing of {log} yet. It refuses timestamps." in out


def test_timestamps_in_a_certificate_count_by_the_roots_that_are_named(namak: Namak, tmp_path: Path) -> None:
    story = Story()
    pdf, policy, roots = tmp_path / "c.pdf", tmp_path / "policy.txt", tmp_path / "tsa.pem"
    with CertificateRenderer() as renderer:
        pdf.write_bytes(renderer.render(stamped(Told(story, [story.acceptance, story.consignment]))))
    policy.write_text(f"log {story.world.log.key.vkey}\nquorum none\n")
    roots.write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    for words in ((), ("--tsa-roots", roots)):
        done = namak(None, "verify", pdf, "--log-policy", policy, *words)
        assert done.code == 0, done.out
        assert ("--tsa-roots names whom you trust" in done.err) is (not words)
        assert ("CN=Time of the court stamped the checkpoint" in done.out) is bool(words)


def test_who_lacks_what_reads_timestamps_is_told_how_to_have_it(
    desk: Desk, stamp: Stamp, authority_of_time: OpensslAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.office.stamps["court"] = stamp
    desk.save()
    monkeypatch.setattr("namak.cli.verifying.find_spec", lambda name: None)
    _, err = desk.verify("--tsa-roots", authority_of_time.roots, code=2)
    assert "[TIMESTAMPS_UNREADABLE]" in err
    assert "pip install 'namak-client[timestamps]'" in err
    assert "configuration" not in err.casefold()
    # Without the option nothing is lacking.
    desk.verify()
