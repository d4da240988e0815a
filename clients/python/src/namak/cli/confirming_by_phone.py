"""``namak confirm --phone``: the phone rings, its digits are compared or entered, and PIN2 signs."""

import re

from namak.cli.app import Run
from namak.cli.asking import typed
from namak.cli.texts import _, language
from namak.client.mailbox import Mailbox
from namak.errors import ContentMismatch
from namak.v1 import mailbox_pb2

_DIGITS = re.compile(r"[0-9]{4}")


async def confirmed_by_phone(
    run: Run,
    mailbox: Mailbox,
    delivery_id: str,
    agreed: mailbox_pb2.IssueStatementResponse,
    phone: str,
) -> mailbox_pb2.ReadingConfirmedByPhone:
    """Has the phone sign the statement that was agreed to, and waits for it.

    Raises ContentMismatch where the phone was asked to sign another one, Abort where nobody enters the
    digits, and the errors of the calls.
    """
    started = await mailbox.start_confirmation_by_phone(delivery_id, phone, language=language())
    if started.statement != agreed.statement:
        raise ContentMismatch(
            "the phone is asked to sign another statement than was shown: cancel there, and confirm again"
        )
    code = ""
    if started.verification_code_required:
        code = _entered()
    else:
        run.screen.warning(
            _("The phone must show {code}. Only if it does, enter PIN2 there.").format(
                code=started.verification_code
            )
        )
    with run.screen.progress(_("Waiting for the phone")):
        while True:
            confirmed = await mailbox.complete_confirmation_by_phone(
                started.confirmation_id, verification_code=code
            )
            if confirmed is not None:
                return confirmed


def _entered() -> str:
    """Returns the four digits; wrong ones would end the attempt, so what is no four digits is asked again."""
    while True:
        question = _("The four digits that the phone shows, and PIN2 on the phone:")
        digits = "".join(typed(f"{question} ").split())
        if _DIGITS.fullmatch(digits):
            return digits
