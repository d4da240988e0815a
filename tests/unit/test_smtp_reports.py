"""Reports about copies at the listener: who may bring what, and what is answered."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from server.domain.forwarding import Result
from server.domain.inbound_mail import SignatureResult
from server.domain.jobs import SPREAD
from server.jurisdictions.am import AM
from server.smtp.desk import MailDesk
from server.smtp.reports import ReportDesk
from server.usecases.mail_checks import KeptMailChecks, MailLooks
from tests.unit.domain.delivery_report_examples import BLOCK, report
from tests.unit.test_smtp_session import SETTINGS, connected
from tests.unit.usecases.forwarding_world import BUSY, NAMES, Forwarding
from tests.unit.usecases.test_mail_intake import Desk

HEARD = "250 2.0.0 OK"


class Signatures:
    """Looks at none."""

    async def of(self, mail: bytes) -> SignatureResult:
        raise AssertionError(mail)


class Scene(Forwarding):
    """A post whose listener takes reports."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.now = 0.0
        self.per_minute = 100

    async def token(self) -> UUID:
        """Returns the token of a copy that was just sent."""
        delivery = await self.sent()
        await self.run(SPREAD)
        copies = self.uow.committed.forwarded_copies.values()
        (token,) = (copy.token for copy in copies if copy.delivery_id == delivery.id)
        return token

    async def said(self, *commands: str | bytes, offered: bool = True) -> list[str]:
        """Returns the last line of the answer to each command, or to a mail's bytes."""
        reports = ReportDesk(
            self.returned, NAMES.bounces, per_minute=self.per_minute, monotonic=lambda: self.now
        )
        looks = MailLooks(Signatures(), None, KeptMailChecks(self.uow))
        desk = MailDesk(Desk().intake, looks, AM, 10, reports if offered else None)
        answers = []
        async with connected(SETTINGS, desk) as (reader, writer):  # type: ignore[arg-type]
            for command in commands:
                line = command if isinstance(command, bytes) else command.encode()
                writer.write(line + (b"\r\n.\r\n" if isinstance(command, bytes) else b"\r\n"))
                while (answer := await reader.readline())[3:4] == b"-":
                    pass
                answers.append(answer.decode().strip())
        return answers

    async def brought(self, token: UUID | str, mail: bytes) -> list[str]:
        to = token if isinstance(token, str) else f"bounces+{token.hex}@post.example.am"
        return await self.said("MAIL FROM:<>", f"RCPT TO:<{to}>", "DATA", mail)


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    await scene.verified()
    return scene


async def test_a_report_of_failure_is_taken_and_told_to_the_holder(scene: Scene) -> None:
    token = await scene.token()
    first, again = await scene.brought(token, report()), await scene.brought(token, report())
    assert first == again == ["250 2.1.0 OK", "250 2.1.5 OK", "354 End data with <CR><LF>.<CR><LF>", HEARD]
    assert await scene.last() == (Result.BOUNCED, "NO_SUCH_ADDRESS")
    assert [name for name, _ in scene.results()] == ["RelayToNonERDS", "RelayToNonERDSFailure"]
    assert len(scene.mail.sent) == 2  # the code and the copy: no report is answered


@pytest.mark.parametrize(
    "mail",
    [
        b"Auto-Submitted: auto-replied\r\n\r\nI am on vacation",
        b"Subject: failure notice\r\n\r\nno such user here",
        report(BLOCK.replace(b"Action: failed", b"Action: delayed")),
        report(BLOCK.replace(b"Status: 5.1.1\r\n", b"")),
        b"\x00\xff",
        b"X" * 100_000,
    ],
)
async def test_what_reports_no_failure_is_heard_and_records_nothing(scene: Scene, mail: bytes) -> None:
    token = await scene.token()
    assert (await scene.brought(token, mail))[-1] == HEARD
    assert await scene.last() == (Result.SENT, "")
    assert scene.results() == [("RelayToNonERDS", None)]


@pytest.mark.parametrize(
    "address",
    [
        f"bounces+{UUID(int=7).hex}@post.example.am",
        "bounces@post.example.am",
        "bounces+@post.example.am",
        "bounces+x+y@post.example.am",
        f"bounces+{'0' * 33}@post.example.am",
    ],
)
async def test_an_unknown_token_is_refused_before_any_mail(scene: Scene, address: str) -> None:
    told = await scene.said("MAIL FROM:<>", f"RCPT TO:<{address}>", "DATA")
    assert told[1:] == ["550 5.1.1 no report is awaited here", "503 5.5.1 need RCPT command"]


async def test_the_address_is_known_in_whatever_case_and_takes_one_report_at_a_time(scene: Scene) -> None:
    token = await scene.token()
    to = f"RCPT TO:<Bounces+{token.hex.upper()}@POST.example.am>"
    told = await scene.said("MAIL FROM:<> SIZE=400 BODY=8BITMIME", to, to, "DATA", report())
    assert [answer[:9] for answer in told] == ["250 2.1.0", "250 2.1.5", "452 4.5.3", "354 End d", HEARD[:9]]
    assert (await scene.last()) == (Result.BOUNCED, "NO_SUCH_ADDRESS")


async def test_only_the_null_sender_reports_and_it_sends_no_letters(scene: Scene) -> None:
    token = await scene.token()
    to = f"RCPT TO:<bounces+{token.hex}@post.example.am>"
    told = await scene.said(
        "MAIL FROM:<notices@src.am>", to, "RSET", "MAIL FROM:<>", "RCPT TO:<5001950015@e-citizen.am>", "DATA"
    )
    assert told[1].startswith("550 5.7.1")
    assert told[4].startswith("550 5.7.1")
    assert told[5].startswith("503 5.5.1")


async def test_a_transaction_after_a_report_is_a_new_one(scene: Scene) -> None:
    token = await scene.token()
    to = f"RCPT TO:<bounces+{token.hex}@post.example.am>"
    told = await scene.said("MAIL FROM:<>", to, "DATA", report(), "DATA", "MAIL FROM:<>", "DATA")
    assert [answer[:3] for answer in told[4:]] == ["503", "250", "503"]


async def test_a_report_that_comes_too_early_or_in_an_outage_is_to_come_again(scene: Scene) -> None:
    scene.mail.failing = BUSY
    early = await scene.token()
    to = f"RCPT TO:<bounces+{early.hex}@post.example.am>"
    assert (await scene.said("MAIL FROM:<>", to))[1].startswith("451 4.3.0")
    scene.uow.unavailable = True
    assert (await scene.said("MAIL FROM:<>", to))[1].startswith("451 4.3.0 SERVICE_UNAVAILABLE")


async def test_one_client_brings_so_many_reports_a_minute(scene: Scene) -> None:
    scene.per_minute = 2
    commands: Sequence[str] = ("MAIL FROM:<>", *["RCPT TO:<bounces+x@post.example.am>"] * 3)
    told = await scene.said(*commands)
    assert [answer[:9] for answer in told[1:]] == ["550 5.1.1", "550 5.1.1", "451 4.7.1"]
    # Another minute, another count: by one desk, whose clock is the test's.
    reports = ReportDesk(scene.returned, NAMES.bounces, per_minute=1, monotonic=lambda: scene.now)
    answers = []
    for scene.now in (0.0, 59.0, 61.0):
        answers.append(str(await reports.recipient("127.0.0.1", "bounces@post.example.am"))[:3])
    assert answers == ["550", "451", "550"]


async def test_where_nothing_is_told_to_come_back_the_null_sender_is_refused(scene: Scene) -> None:
    (answer,) = await scene.said("MAIL FROM:<>", offered=False)
    assert answer.startswith("553 5.1.3")
