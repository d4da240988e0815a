"""A development world of another jurisdiction than the default: made, registered, and written to."""

import asyncio
import json
import smtplib
import ssl
import subprocess
from pathlib import Path

import pytest

from namak.client import Client, Connection, NamakError, compose, compose_part
from server.dev.examples import EXAMPLES
from server.dev.process import ServerProcess
from server.dev.tokens import SoftHsmMissing, softhsm_module
from server.jurisdictions import PROFILES
from tests import forking


def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return forking.run("server", *arguments)


def by_mail(place: Path, sender: str, recipient: str) -> list[int]:
    """Returns what the world's mail listener answers to a sender and a recipient, over TLS."""
    lines = [json.loads(line) for line in (place / "server.log").read_text("utf-8").splitlines()]
    (port,) = next(line["ports"] for line in lines if line["event"] == "taking mails")
    (root,) = place.glob("pki/**/server-ca.pem")
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.starttls(context=ssl.create_default_context(cafile=str(root)))
        client.ehlo()
        return [client.mail(sender)[0], client.rcpt(recipient)[0]]


@pytest.mark.parametrize("code", ["kz", "az"])
async def test_a_world_of_another_jurisdiction_delivers_as_its_profile_permits(
    code: str, tmp_path: Path
) -> None:
    try:
        softhsm_module()
    except SoftHsmMissing as missing:
        pytest.skip(str(missing))
    place, example = tmp_path / "world", EXAMPLES[code]
    waits_for_confirmation = PROFILES[code].correspondence.confirmed_profile
    recipient = f"{example.citizen.personal_number}@{PROFILES[code].mailbox_domain}"
    made = await asyncio.to_thread(run, "dev", "init", place, "--listen", "127.0.0.1:0", "--profile", code)
    assert (made.returncode, made.stderr) == (0, "")
    assert f"--from {example.sender} --to {recipient}" in made.stdout
    settings = place / "namak-server.toml"
    registered = await asyncio.to_thread(run, "dev", "register", "--config", settings)
    assert (registered.returncode, registered.stderr) == (0, "")
    assert f"the mailboxes {recipient} and " in registered.stdout

    server = await ServerProcess.start(settings, log=place / "server.log", start=forking.start_logging)
    try:
        for name in ("agency", "citizen"):
            path = place / f"{name}.toml"
            path.write_text(path.read_text("utf-8").replace("127.0.0.1:0", server.address), "utf-8")
        async with Client(Connection.load(place / "agency.toml")) as agency:
            part = compose_part("letter.txt", (place / "letter.txt").read_bytes())
            asked = compose(sender=example.sender, recipient=recipient, subject=example.subject, parts=[part])
            if waits_for_confirmation:
                # Nobody has confirmed a profile in a new world (BOX-9).
                with pytest.raises(NamakError) as refused:
                    await agency.deliveries.submit(asked)
                assert refused.value.reason == "MAILBOX_NOT_CONFIRMED"
            else:
                await agency.deliveries.submit(asked)
        answers = await asyncio.to_thread(by_mail, place, example.sender, recipient)
        assert answers == [250, 550 if waits_for_confirmation else 250]
        async with Client(Connection.load(place / "citizen.toml")) as citizen:
            subjects = [message.subject async for message in citizen.mailbox.messages()]
        assert subjects == ([] if waits_for_confirmation else [example.subject])
    finally:
        await server.stop()
    log = (place / "server.log").read_text(encoding="utf-8")
    assert '"method": "/namak.v1.DeliveryService/Submit"' in log
    assert example.citizen.personal_number not in log
    assert example.citizen.surname not in log


def test_a_world_of_no_jurisdiction_is_refused(tmp_path: Path) -> None:
    done = run("dev", "init", tmp_path / "world", "--profile", "ge")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "namak-server: no profile 'ge'; there are am, kz, az\n"
    assert not (tmp_path / "world").exists()
