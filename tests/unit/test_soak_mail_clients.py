"""The mail clients of `scripts/soak`: when they stop asking."""

import smtplib
import ssl

import pytest

from scripts.soaking.mailing import MailBooks, MailSender

MAIL = "<1@src.am>"


@pytest.fixture
def books() -> MailBooks:
    return MailBooks(sent={MAIL: ("5001950015@e-citizen.am",)})


def client(books: MailBooks) -> MailSender:
    return MailSender("one", "notices@src.am", [25], ssl.create_default_context(), books)


def test_a_refusal_for_good_is_a_finding_and_the_mail_is_not_sent_again(
    books: MailBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def __init__(self, *_: object, **__: object) -> None: ...

        def starttls(self, **_: object) -> None: ...

        def ehlo(self) -> None: ...

        def close(self) -> None: ...

        def mail(self, _: str) -> tuple[int, bytes]:
            return 250, b"2.1.0 ok"

        def rcpt(self, _: str) -> tuple[int, bytes]:
            return 550, b"5.1.1 nobody"

    monkeypatch.setattr(smtplib, "SMTP", Refusing)
    client(books).send(MAIL)

    assert books.wrong == [f"{MAIL}: 550 b'5.1.1 nobody'"]
    assert (books.repeated, books.answered) == (0, {})


def test_nobody_asks_again_once_the_run_is_broken_off(
    books: MailBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_there(*_: object, **__: object) -> smtplib.SMTP:
        if books.repeated == 2:
            books.over.set()
        raise ConnectionRefusedError

    monkeypatch.setattr(smtplib, "SMTP", nobody_there)
    client(books).send(MAIL)
    client(books).send_until(5, ["5001950015@e-citizen.am"])

    assert (books.repeated, books.messages, books.wrong) == (3, 1, [])
