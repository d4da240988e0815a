"""Ordinary mail clients send to the running post, over real TLS (ADMIN-6)."""

import asyncio
import hashlib
import re
import shutil
import smtplib
import socket
from collections.abc import AsyncIterator, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP

from namak.evidence.report import Verdict
from server import bootstrap
from server.bootstrap_inbound_mail import receiving
from server.bootstrap_jobs import working
from server.bootstrap_machine import SystemClock
from server.bootstrap_receipts import reading_the_log, receipt_handlers
from server.config import Settings
from server.dev.pki import Identity
from server.domain.inbound_mail import MAIL_BYTES
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests.dns_server import DnsServer, dns_serving
from tests.system.mail_clients import WITHIN, Home, Listener, mail, sent, settings_of
from tests.system.post import Agency, Citizen, Post, signed
from tests.system.receipts import verified

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home() -> AsyncIterator[tuple[Home, int]]:
    rules, loop = Home(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(rules, loop=loop), "127.0.0.1", 0)
    yield rules, server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def names(agency: Agency) -> AsyncIterator[DnsServer]:
    async with dns_serving() as server:
        server.show(agency.domain, '60 TXT "v=spf1 ip4:127.0.0.0/8 -all"')
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def settings(
    post: Post, home: tuple[Home, int], names: DnsServer, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    directory = await asyncio.to_thread(tmp_path_factory.mktemp, "dkim")
    return settings_of(post, home[1], names.port, directory)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def listener(post: Post, settings: Settings) -> AsyncIterator[Listener]:
    database = Database(post.database_url, pool_size=4)
    async with receiving(settings, SqlUnitOfWork(database), bootstrap.dns_gateway(settings)) as running:
        yield Listener(post, *running.listener.ports)
    await database.dispose()


async def test_a_mail_reaches_the_mailbox_whole_and_evidence_names_the_original(
    listener: Listener, agency: Agency, citizen: Citizen, tmp_path: Path
) -> None:
    message = mail(agency, "whole", citizen.address)

    def send() -> None:
        with listener.client() as client:
            assert int(client.esmtp_features.get("size", "0")) in (0, MAIL_BYTES)
            client.send_message(message)
            assert int(client.esmtp_features["size"]) == MAIL_BYTES

    await asyncio.to_thread(send)
    found = [each async for each in citizen.client.mailbox.messages() if each.sender == agency.sender]
    delivery_id = found[0].delivery_id
    opened = await citizen.client.mailbox.open(delivery_id)
    assert [part.name for part in opened.parts] == ["text-1.txt", "ծանուցում.pdf", "original.eml"]
    paths = [await citizen.client.mailbox.download(delivery_id, number, tmp_path) for number in (1, 2, 3)]
    _, attachment, original = [path.read_bytes() for path in paths]
    assert b"Message-ID: <whole@" in original
    assert opened.parts[2].digest.value == hashlib.sha256(original).digest()
    assert attachment == b"%PDF-1.7\x00"


async def test_what_dkim_and_spf_say_is_told_in_the_log(
    listener: Listener, agency: Agency, citizen: Citizen, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await sent(listener, mail(agency, "unsigned", citizen.address), [citizen.address])
    told = ""
    async with asyncio.timeout(WITHIN):
        while "mail checks" not in told:
            told += capsys.readouterr().out
            await asyncio.sleep(0.02)
    told = told.partition("mail checks")[2]
    assert "dkim=none" in told
    assert "spf=pass" in told
    assert f"spf_domain={agency.domain}" in told
    assert answer.rpartition(" ")[2] in told


async def test_receipts_come_by_mail_when_it_is_accepted_and_when_it_is_confirmed(
    listener: Listener, post: Post, settings: Settings, home: tuple[Home, int], agency: Agency
) -> None:
    reader = await post.citizen()
    database = Database(post.database_url, pool_size=2)
    uow = SqlUnitOfWork(database)
    async with reading_the_log(post.database_url) as log:
        handlers = receipt_handlers(settings, AM, uow, log)
        async with (
            asyncio.timeout(WITHIN),
            working(settings, post.database_url, handlers, uow, SystemClock()),
        ):
            answer = await sent(listener, mail(agency, "proved", reader.address), [reader.address])
            delivery_id = answer.rpartition(" ")[2]
            accepted = await home[0].about(delivery_id)
            mailbox = reader.client.mailbox
            await mailbox.open(delivery_id)
            issued = await mailbox.issue_statement(delivery_id)
            cms = signed(reader.card.signing, issued.statement)
            await mailbox.confirm(delivery_id, issued.statement_id, cms)
            confirmed = await home[0].about(delivery_id)
    await database.dispose()
    receipts: dict[str, bytes] = {}
    for envelope in (accepted, confirmed):
        read = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        assert (envelope.mail_from, envelope.rcpt_tos) == ("<>", [agency.sender])
        assert read["In-Reply-To"] == f"<proved@{agency.domain}>"
        assert "d=post.am" in read["DKIM-Signature"]
        receipts |= {str(each.get_filename()): each.get_content() for each in read.iter_attachments()}
    proofs = {name: proof for name, proof in receipts.items() if name.endswith(".tlog-proof")}
    assert len(proofs) == 4
    report = verified(post.world, proofs)
    assert report.verdict is Verdict.VALID, report


async def test_nothing_is_heard_before_tls(listener: Listener, agency: Agency) -> None:
    def talk() -> tuple[int, bytes]:
        with smtplib.SMTP("127.0.0.1", listener.starttls, timeout=WITHIN) as client:
            client.ehlo()
            return client.mail(agency.sender)

    early, why = await asyncio.to_thread(talk)
    assert early == 530
    assert why.startswith(b"5.7.0 ")


async def test_a_certificate_binds_more_strongly_than_the_address(
    listener: Listener, post: Post, agency: Agency, citizen: Citizen
) -> None:
    other = await post.agency()

    def send(identity: Identity, number: str) -> tuple[int, bytes]:
        context = listener.context(identity)
        with smtplib.SMTP_SSL("127.0.0.1", listener.implicit, timeout=WITHIN, context=context) as client:
            client.ehlo()
            code, text = client.mail(agency.sender)
            assert code == 250, text
            client.rcpt(citizen.address)
            return client.data(mail(agency, number, citizen.address).as_bytes())

    assert (await asyncio.to_thread(send, agency.identity, "bound"))[0] == 250
    code, text = await asyncio.to_thread(send, other.identity, "others")
    assert code == 550
    assert text.startswith(b"5.7.1 SENDER_NOT_PERMITTED")
    assert b"(evidence " in text


async def test_who_sends_from_elsewhere_is_refused_with_evidence(
    listener: Listener, agency: Agency, citizen: Citizen
) -> None:
    message = mail(agency, "elsewhere", citizen.address)
    answer = await sent(listener, message, [citizen.address], source="127.0.0.2")
    assert answer.startswith("550 5.7.1 NETWORK_NOT_PERMITTED")
    evidence_id = re.search(r"\(evidence ([0-9a-f-]{36})\)", answer)
    assert evidence_id is not None
    receipt = await agency.client.evidence.receipt(evidence_id[1])
    assert receipt is not None


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (
            lambda message: message.replace_header("From", "other@gov.am"),
            "550 5.7.1 INVALID_FIELDS: SENDERS_DIFFER",
        ),
        (
            lambda message: message.add_header("Sender", "other@gov.am"),
            "550 5.7.1 INVALID_FIELDS: SENDERS_DIFFER",
        ),
        (
            lambda message: message.add_header("Auto-Submitted", "auto-replied"),
            "550 5.7.1 INVALID_FIELDS: AUTO",
        ),
        (lambda message: message.replace_header("Subject", ""), "554 5.6.0 INVALID_FIELDS: EMPTY: Subject "),
    ],
)
async def test_a_mail_that_is_not_what_its_envelope_says_is_refused(
    listener: Listener,
    agency: Agency,
    citizen: Citizen,
    change: Callable[[EmailMessage], None],
    answer: str,
) -> None:
    message = mail(agency, "forged", citizen.address)
    change(message)

    def send() -> tuple[int, bytes]:
        with listener.client() as client:
            client.ehlo()
            client.mail(agency.sender)
            client.rcpt(citizen.address)
            return client.data(message.as_bytes())

    code, text = await asyncio.to_thread(send)
    assert f"{code} {text.decode()}".startswith(answer)


async def test_unregistered_addresses_send_nothing_and_the_null_sender_only_reports(
    listener: Listener,
) -> None:
    def ask() -> list[tuple[int, bytes]]:
        with listener.client() as client:
            client.ehlo()
            told = [client.mail(each) for each in ("nobody@gov.am", "a@gmail.com")]
            told += [client.mail("ա@gov.am", ["SMTPUTF8"]), client.mail("")]
            return told + [client.rcpt(each) for each in (f"bounces+{'0' * 32}@post.am", "a@e-citizen.am")]

    answers = [f"{code} {text.decode()}" for code, text in await asyncio.to_thread(ask)]
    assert answers[0].startswith("550 5.7.1 SENDER_NOT_PERMITTED: the address of MAIL FROM is not registered")
    assert answers[1].startswith("553 5.1.3 INVALID_FIELDS: FOREIGN_DOMAIN")
    assert answers[2].startswith("553 5.1.3 INVALID_FIELDS: ADDRESS_MALFORMED")
    assert [answer[:9] for answer in answers[3:]] == ["250 2.1.0", "550 5.1.1", "550 5.7.1"]


async def test_of_several_recipients_each_is_answered(
    listener: Listener, post: Post, agency: Agency, citizen: Citizen
) -> None:
    entity = await post.entity()
    nobody = "9999999999@" + citizen.domain
    message = mail(agency, "several", citizen.address, entity)

    def send() -> dict[str, tuple[int, bytes]]:
        with listener.client() as client:
            return client.send_message(message, to_addrs=[citizen.address, nobody, entity, "x@gmail.com"])

    both = await sent(listener, mail(agency, "both", citizen.address, entity), [citizen.address, entity])
    told = [line.partition(" has it as ") for line in both.removeprefix("250 ").splitlines()]
    assert [who for who, _, _ in told] == [f"2.6.0 {each}" for each in (citizen.address, entity)]
    assert len({UUID(delivery_id) for _, _, delivery_id in told}) == 2

    refused = await asyncio.to_thread(send)
    assert set(refused) == {nobody, "x@gmail.com"}
    assert refused["x@gmail.com"][0] == 553
    assert refused[nobody][0] in (550, 553)
    page = [each async for each in agency.client.deliveries.list()]
    assert entity in [each.recipient for each in page]


async def test_the_same_mail_again_is_accepted_once_and_another_under_its_name_refused(
    listener: Listener, agency: Agency, citizen: Citizen
) -> None:
    to = [citizen.address]
    first, again = [await sent(listener, mail(agency, "replayed", *to), to) for _ in range(2)]
    # The boundary differs, so the second is another mail under the same Message-ID.
    assert first.startswith("250 2.6.0")
    assert again == "554 5.6.0 REQUEST_ID_REUSED: this Message-ID was used for another mail"
    message = mail(agency, "replayed-exactly", *to)
    message.set_boundary("the-same")
    answers = {await sent(listener, message, to) for _ in range(2)}
    assert len(answers) == 1
    assert answers.pop().startswith("250 2.6.0")


async def test_too_many_recipients_are_told_to_come_afterwards(
    listener: Listener, agency: Agency, citizen: Citizen
) -> None:
    answer = await sent(listener, mail(agency, "many", citizen.address), [citizen.address] * 4)
    assert answer.startswith("452 4.5.3")


async def test_only_crlf_dot_crlf_ends_a_mail(listener: Listener, agency: Agency, citizen: Citizen) -> None:
    envelope = f"MAIL FROM:<{agency.sender}>\r\nRCPT TO:<{citizen.address}>\r\nDATA\r\n".encode()
    head = f"From: {agency.sender}\r\nSubject: s\r\n\r\nText".encode()

    def smuggle(end: bytes) -> bytes:
        with listener.raw() as raw:
            raw.sendall(envelope)
            while b"354" not in raw.recv(1000):
                pass
            raw.sendall(head + end + b"NOOP\r\n\r\n.\r\n" + envelope)
            told = b""
            while more := raw.recv(1000):
                told += more
            return told

    for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\n\n.\r\n", b"\r\n.\r"):
        told = await asyncio.to_thread(smuggle, end)
        assert told.startswith(b"554 5.6.0 INVALID_FIELDS: BARE_LINE_END"), (end, told)
        assert told.count(b"\r\n") == 1, (end, told)


async def test_a_mail_that_is_too_large_is_refused_before_and_while_it_comes(
    listener: Listener, agency: Agency, citizen: Citizen
) -> None:
    def ask() -> tuple[int, tuple[int, bytes], int]:
        with listener.client() as client:
            client.ehlo()
            stated, _ = client.mail(agency.sender, [f"SIZE={MAIL_BYTES + 1}"])
            client.mail(agency.sender)
            client.rcpt(citizen.address)
            came = client.data(b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * (MAIL_BYTES // 70))
            return stated, came, client.noop()[0]

    stated, came, goes_on = await asyncio.to_thread(ask)
    assert (stated, came[0], goes_on) == (552, 552, 250)
    assert came[1].startswith(b"5.3.4 INVALID_FIELDS: TOO_LARGE")


async def test_commands_may_be_pipelined_but_no_mail(
    listener: Listener, agency: Agency, citizen: Citizen
) -> None:
    envelope = f"MAIL FROM:<{agency.sender}>\r\nRCPT TO:<{citizen.address}>\r\nDATA\r\n".encode()

    def talk(early: bytes) -> bytes:
        with listener.raw() as raw:
            raw.sendall(envelope + early)
            told = b""
            while b"354" not in told and (more := raw.recv(1000)):
                told += more
            return told

    assert (await asyncio.to_thread(talk, b"")).endswith(b"354 End data with <CR><LF>.<CR><LF>\r\n")
    assert (await asyncio.to_thread(talk, b"From: x\r\n\r\n.\r\n")).endswith(b"before its answer\r\n")


async def test_who_says_nothing_is_sent_away_and_no_client_takes_all_places(listener: Listener) -> None:
    def stay() -> bytes:
        with listener.raw() as raw:
            return raw.recv(1000)

    assert await asyncio.to_thread(stay) == b""

    def crowd() -> list[bytes]:
        ends = [socket.create_connection(("127.0.0.1", listener.starttls), timeout=WITHIN) for _ in range(8)]
        try:
            return [end.recv(1000) for end in ends]
        finally:
            for end in ends:
                end.close()

    told = await asyncio.to_thread(crowd)
    assert sum(each.startswith(b"421 4.7.0 OVERLOADED") for each in told) >= 2
    assert told[0].startswith(b"220 ")


@pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not on this machine")
async def test_swaks_sends(listener: Listener, agency: Agency, citizen: Citizen) -> None:
    process = await asyncio.create_subprocess_exec(
        *("swaks", "--server", f"127.0.0.1:{listener.starttls}", "--tls", "--from", agency.sender),
        *("--to", citizen.address, "--header", "Subject: Notice", "--body", "Text"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    assert b" has it as " in told


@pytest.mark.skipif(shutil.which("msmtp") is None, reason="msmtp is not on this machine")
async def test_a_program_that_is_called_like_sendmail_sends(
    listener: Listener, post: Post, agency: Agency, citizen: Citizen, tmp_path: Path
) -> None:
    settings = tmp_path / "msmtprc"
    settings.write_text(
        f"account default\nhost 127.0.0.1\nport {listener.starttls}\nfrom {agency.sender}\ntls on\n"
        f"tls_starttls on\ntls_trust_file {post.pki.server_root_path}\nlogfile -\n",
        encoding="utf-8",
    )
    settings.chmod(0o600)
    process = await asyncio.create_subprocess_exec(
        *("msmtp", "-C", str(settings), "-t", "-i"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    # As such programs get it: lines end with LF, and a dot may stand alone.
    letter = f"From: {agency.sender}\nTo: {citizen.address}\nSubject: Notice\n\nText\n.\n..\nMore\n"
    told, _ = await process.communicate(letter.encode())
    assert process.returncode == 0, told.decode()
    assert b" has it as " in told
