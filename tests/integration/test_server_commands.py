"""The command `namak-server`, run as an operator runs it: what it prints where, and how it ends."""

import asyncio
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from namak.client import Client, Connection, compose, compose_part
from namak.evidence.errors import TimestampNotGranted
from namak.evidence.timestamp import TimestampTrust, check_timestamp, timestamp_request, token_from
from namak.evidence.tlog_policy import TlogPolicy
from namak.witness.place import state_in
from server.cli.app import app
from server.config import load
from server.dev.examples import EXAMPLES
from server.dev.process import ServerProcess
from server.dev.tokens import SoftHsmMissing, softhsm_module
from tests import forking
from tests.integration.timestamps.authority import OPENSSL

ROOT = Path(__file__).resolve().parents[2]
RECIPIENT = "5001950015@e-citizen.am"


def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return forking.run("server", *arguments)


def refused(*arguments: str | Path) -> str:
    """Runs a command that must end with one line, and returns it without the program's name."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    (line,) = done.stderr.splitlines()
    name, _, text = line.partition(": ")
    assert name == "namak-server"
    return text


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world as `namak-server dev init` makes it, with what the command said in `said.txt`."""
    try:
        softhsm_module()
    except SoftHsmMissing as missing:
        pytest.skip(str(missing))
    place = tmp_path_factory.mktemp("worlds") / "world"
    stamped = ("--timestamps",) if OPENSSL else ()
    done = run("dev", "init", place, "--listen", "127.0.0.1:0", "--witnesses", "2", *stamped)
    assert done.returncode == 0, done.stderr
    (place / "said.txt").write_text(done.stdout, encoding="utf-8")
    return place


def test_it_says_which_version_it_is() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"namak-server (\d+\.\d+\.\d+|not installed)\n", done.stdout)


def test_settings_that_are_not_there_are_named_once() -> None:
    assert refused("serve", "--config", "nope.toml") == "nope.toml: there is no such file"


def test_the_verifier_key_is_all_that_its_command_prints(world: Path) -> None:
    done = run("log", "vkey", "--config", world / "namak-server.toml")

    assert (done.returncode, done.stderr) == (0, "")
    assert f"log {done.stdout}quorum none\n" == (world / "log-policy.txt").read_text(encoding="utf-8")


def test_a_second_world_in_a_directory_is_refused(world: Path) -> None:
    assert refused("dev", "init", world).startswith(f"there is a world in {world} already")


def test_a_missing_token_is_told_with_how_to_make_one(world: Path) -> None:
    text = (world / "namak-server.toml").read_text(encoding="utf-8")
    settings = world / "no-token.toml"
    settings.write_text(text.replace('token = "namak-log"', 'token = "absent"'), encoding="utf-8")

    told = refused("log", "create-key", "--config", settings)

    assert "softhsm2-util --init-token --free --label absent" in told


def test_nobody_is_registered_by_command_outside_development(world: Path) -> None:
    text = (world / "namak-server.toml").read_text(encoding="utf-8")
    settings = world / "earnest.toml"
    _, _, text = text.partition("\n")  # the clock, which is for development too
    settings.write_text(text.replace("development = true", "development = false"), encoding="utf-8")

    assert "is not for development" in refused("dev", "register", "--config", settings)


def test_a_worlds_clock_goes_forward_only_and_not_for_ever(world: Path) -> None:
    settings, earnest = world / "namak-server.toml", world / "timely.toml"
    text = settings.read_text(encoding="utf-8")
    earnest.write_text(text.replace("development = true", "development = false"), encoding="utf-8")
    problem = run("serve", "--config", earnest)
    assert (problem.returncode, "development_clock is for development only" in problem.stderr) == (1, True)
    earnest.write_text(text.partition("\n")[2], encoding="utf-8")
    assert "names no development_clock" in refused("dev", "later", "4d", "--config", earnest)
    for wrong in ("4", "4w", "-4d", "later"):
        assert "is no time" in refused("dev", "later", "--config", settings, "--", wrong)
    assert "at most 60 days" in refused("dev", "later", "61d", "--config", settings)
    shown = [run("dev", "clock", "--config", settings).stdout]
    for by in ("30m", "2h"):
        moved = run("dev", "later", by, "--config", settings)
        assert moved.returncode == 0, moved.stderr
        shown += [moved.stdout, run("dev", "clock", "--config", settings).stdout]
    assert shown == sorted(shown)
    assert (world / "clock").read_text(encoding="ascii") == "9000\n"


async def test_a_registered_world_delivers_and_a_second_server_on_its_port_is_told_so(world: Path) -> None:
    settings = world / "namak-server.toml"
    for _ in range(2):  # the second time changes nothing
        done = await asyncio.to_thread(run, "dev", "register", "--config", settings)
        assert (done.returncode, done.stderr) == (0, "")
    server = await ServerProcess.start(settings, log=world / "server.log", start=forking.start_logging)
    try:
        for name in ("agency", "citizen", "other-citizen", "portal"):
            path = world / f"{name}.toml"
            path.write_text(path.read_text("utf-8").replace("127.0.0.1:0", server.address), "utf-8")
        async with Client(Connection.load(world / "agency.toml")) as agency:
            part = compose_part("letter.txt", (world / "letter.txt").read_bytes())
            await agency.deliveries.submit(
                compose(sender="notices@src.am", recipient=RECIPIENT, subject="Փորձ", parts=[part])
            )
        async with Client(Connection.load(world / "citizen.toml")) as citizen:
            assert [message.subject async for message in citizen.mailbox.messages()] == ["Փորձ"]
        await the_documented_portal_signs_in_and_confirms(world)
        await the_entitys_mailbox_is_its_delegates_too(world)

        taken = world / "taken.toml"
        text = settings.read_text("utf-8").replace(
            'listen = "127.0.0.1:0"', f'listen = "{server.address}"', 1
        )
        taken.write_text(text, "utf-8")
        done = await asyncio.to_thread(run, "serve", "--config", taken)
    finally:
        await server.stop()
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"namak-server: can't listen on {server.address}: ")
    assert "Traceback" not in done.stderr


async def the_documented_portal_signs_in_and_confirms(world: Path) -> None:
    """Runs the program of docs/portals.md as it stands."""
    page = (ROOT / "docs/portals.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (world / "portal.py").write_text(program, encoding="utf-8")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-P", "portal.py"],
        cwd=world,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = dict(re.findall(r"^(signed in|letter|confirmed|signed out): (\S+)", done.stdout, re.MULTILINE))
    number = RECIPIENT.partition("@")[0]
    assert said == {"signed in": number, "letter": "Փորձ", "confirmed": "Փորձ", "signed out": number}
    assert (world / "letters/letter.txt").read_bytes() == (world / "letter.txt").read_bytes()


async def the_entitys_mailbox_is_its_delegates_too(world: Path) -> None:
    entity = EXAMPLES["am"].entity_address
    async with Client(Connection.load(world / "agency.toml")) as agency:
        part = compose_part("letter.txt", (world / "letter.txt").read_bytes())
        await agency.deliveries.submit(
            compose(sender="notices@src.am", recipient=entity, subject="Ընկերությանը", parts=[part])
        )
    for name in ("citizen", "other-citizen"):
        async with Client(Connection.load(world / f"{name}.toml")) as person:
            of_entity = person.mailbox.of(entity)
            assert [each.subject async for each in of_entity.messages()] == ["Ընկերությանը"]


def test_both_cards_of_a_new_world_hold_two_keys_with_their_certificates(world: Path) -> None:
    for name in ("citizen", "other-citizen"):
        done = subprocess.run(
            [
                *(sys.executable, "-P", "-m", "namak.cli", "--config", str(world / f"{name}.toml")),
                *("--json", "token", "list", "--pin"),
            ],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        (token,) = (slot["token"] for slot in json.loads(done.stdout)["slots"] if slot["token"])
        assert token["label"] == f"{name}-card"
        assert {each["label"]: (each["key"], each["purposes"]) for each in token["certificates"]} == {
            "authentication": ("present", ["authentication"]),
            "signing": ("present", ["signing"]),
        }


def test_a_worlds_witnesses_run_until_they_are_told_to_stop(world: Path) -> None:
    policy = TlogPolicy.parse((world / "witnesses.txt").read_bytes())
    believed = TlogPolicy.parse((world / "witnessed-policy.txt").read_bytes())
    assert [each.verifier for each in believed.witnesses] == [each.verifier for each in policy.witnesses]
    assert not believed.is_quorum([b"court"])
    assert believed.is_quorum([b"court", b"university"])
    (log,) = believed.logs

    said, theirs = os.pipe()
    command = ("dev", "witnesses", "--config", world / "namak-server.toml")
    process = forking.start("server", *command, out=theirs, err=theirs)
    os.close(theirs)
    try:
        with os.fdopen(said) as lines:
            told = [lines.readline() for _ in policy.witnesses]
            for line, witness in zip(told, policy.witnesses, strict=True):
                assert witness.url is not None
                name, url = witness.name.decode(), witness.url.decode()
                assert line == f"{name} listens on {url}\n"
                with closing(state_in(world / "witnesses" / name)) as state:
                    assert state.logs() == [(log.verifier.name, log.verifier)]
                with pytest.raises(urllib.error.HTTPError, match="404"):
                    urllib.request.urlopen(f"{url}/{'0' * 64}/checkpoint", timeout=240)
            process.terminate()
            assert process.wait() == 0
            assert lines.read() == ""
    finally:
        # It stops what it started.
        process.terminate()
        process.wait()
    for witness in policy.witnesses:
        with pytest.raises(urllib.error.URLError, match="refused"):
            urllib.request.urlopen((witness.url or b"").decode(), timeout=240)


def test_a_world_without_witnesses_is_told_how_to_have_some(world: Path) -> None:
    alone = world / "alone.toml"
    text = (world / "namak-server.toml").read_text(encoding="utf-8")
    alone.write_text(text.partition("\n[witnesses]")[0], encoding="utf-8")
    assert "dev init DIRECTORY --witnesses 2" in refused("dev", "witnesses", "--config", alone)
    assert "dev init DIRECTORY --timestamps" in refused("dev", "timestamps", "--config", alone)


@pytest.mark.skipif(OPENSSL is None, reason="there is no openssl")
def test_a_worlds_time_stamping_authority_answers_until_it_is_told_to_stop(world: Path) -> None:
    roots = (world / "tsa-roots.pem").read_bytes()
    assert f'tsa_roots = "{world / "tsa-roots.pem"}"' in (world / "agency.toml").read_text(encoding="utf-8")
    said, theirs = os.pipe()
    command = ("dev", "timestamps", "--config", world / "namak-server.toml")
    process = forking.start("server", *command, out=theirs, err=theirs)
    os.close(theirs)
    try:
        with os.fdopen(said) as lines:
            name, _, url = lines.readline().strip().partition(" listens on ")
            assert name == "office-of-time"
            authority = load(world / "namak-server.toml", {}).timestamps.authorities[0]
            assert (authority.name, authority.url) == (name, url)

            status, kind, answer = asked(url, timestamp_request(b"a note", 7))
            assert (status, kind) == (200, "application/timestamp-reply")
            trust = TimestampTrust.from_pem(roots)
            checked = check_timestamp(token_from(answer), b"a note", trust, nonce=7)
            assert checked.authority == "CN=Office of Time,O=Office of Time,C=AM"

            _, _, answer = asked(url, b"no question")
            with pytest.raises(TimestampNotGranted):
                token_from(answer)
            assert asked(url, b"x", kind="text/plain")[0] == 415
            assert asked(url, bytes(5000))[0] == 413
            process.terminate()
            assert process.wait() == 0
            assert lines.read() == ""
    finally:
        process.terminate()
        process.wait()
    with pytest.raises(urllib.error.URLError, match="refused"):
        asked(url, b"")


def test_keys_are_listed_in_a_world_whose_seals_are_kept_for_the_long_term(world: Path) -> None:
    done = run("hsm", "list", "--config", world / "namak-server.toml")
    assert done.returncode == 0, done.stderr
    assert "namak-seal" in done.stdout


def asked(url: str, query: bytes, *, kind: str = "application/timestamp-query") -> tuple[int, str, bytes]:
    """Returns status, media type and body of what is answered."""
    request = urllib.request.Request(url, query, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=240) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers.get_content_type(), refusal.read()


def test_without_openssl_no_world_is_made_with_timestamps(tmp_path: Path) -> None:
    done = forking.run(
        *("server", "dev", "init", tmp_path / "world", "--timestamps"), environment={"PATH": str(tmp_path)}
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("namak-server: there is no openssl on this machine")
    assert not (tmp_path / "world").exists()


def test_what_a_new_world_tells_its_maker_to_run_are_commands_that_there_are(world: Path) -> None:
    said = (world / "said.txt").read_text(encoding="utf-8")

    commands = re.findall(r"^  \S*namak-server (.+) --config", said, re.MULTILINE)
    stamped = ["dev timestamps"] if OPENSSL else []
    assert commands == ["dev register", "dev witnesses", *stamped, "serve"]
    for command in commands:
        assert CliRunner().invoke(app, [*command.split(), "--help"]).exit_code == 0


BROKEN = """
import sys
from server.__main__ import main
from server.cli import database

def broken(*_, **__):
    raise LookupError("a thing\\nis not there")

database.migrate_tables = broken
sys.argv[1:] = {arguments}
main()
"""


@pytest.mark.parametrize("debug", [False, True])
def test_an_unexpected_error_is_told_in_a_line_unless_more_is_asked_for(debug: bool) -> None:
    arguments = [*(["--debug"] if debug else []), "migrate", "--check"]
    program = [sys.executable, "-P", "-c", BROKEN.format(arguments=arguments)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=240, check=False)

    assert (done.returncode, done.stdout) == (1, "")
    if debug:
        assert "Traceback" in done.stderr
    else:
        assert done.stderr.startswith("namak-server: unexpected: LookupError: a thing (")
        assert done.stderr.count("\n") == 1
