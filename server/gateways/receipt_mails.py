"""Writes the mails that carry receipts (RFC 5322, RFC 3834; ADMIN-6)."""

from collections.abc import Sequence
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final
from zoneinfo import ZoneInfo

from namak.evidence.tlog_proof import SUFFIX
from server.domain.deliveries import Delivery
from server.domain.facts import Fact
from server.domain.mail_origins import MailChecks, MailOrigin
from server.domain.receipt_texts import TEXTS, ReceiptTexts
from server.gateways.forwarded_mails import MailNames
from server.gateways.local_times import local_time
from server.gateways.mime_writing import text_field
from server.usecases.records import LoggedReceipt

_POLICY: Final = policy.SMTP.clone(max_line_length=78)
_READABLE_BYTES: Final = 128 * 1024
"""A larger document, with revocation lists in it, is in its proof alone."""
_BETWEEN: Final = "\n\n---\n\n"


class ReceiptMails:
    """Writes them in all languages of the jurisdiction, the governing one first: which one is read at the
    sender's place nobody has said.
    """

    def __init__(self, names: MailNames, languages: Sequence[str]) -> None:
        self._names = names
        self._zone = ZoneInfo(names.time_zone)
        self._texts = [TEXTS[language] for language in languages]

    def receipt(
        self, delivery: Delivery, origin: MailOrigin, proved: Sequence[tuple[Fact, LoggedReceipt]]
    ) -> bytes:
        """Returns the mail, which is about the last of what is proved."""
        facts = [fact for fact, _ in proved]
        last = [fact.event.name for fact in facts if fact.event.name in self._texts[0].subjects][-1]
        mail = EmailMessage(policy=_POLICY)
        mail["From"] = Address(self._names.sender_name, addr_spec=self._names.sender)
        mail["To"] = Address(addr_spec=delivery.sender)
        subject = self._texts[0].subjects[last].format(recipient=delivery.recipient)
        mail["Date"] = format_datetime(facts[0].recorded_at)
        mail["Message-ID"] = f"<{facts[0].id}@{self._names.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        said = (self._said(texts, delivery, origin.checks, facts) for texts in self._texts)
        mail.set_content(_BETWEEN.join(said) + "\n", cte="base64")
        for fact, receipt in proved:
            name = f"{delivery.id}-{fact.event.name}"
            mail.add_attachment(
                receipt.tlog_proof, maintype="application", subtype="octet-stream", filename=name + SUFFIX
            )
            if len(fact.data) <= _READABLE_BYTES:
                mail.add_attachment(
                    fact.data, maintype="application", subtype="json", filename=name + ".json"
                )
        return _subject(subject) + _answering(origin) + mail.as_bytes()

    def _said(
        self, texts: ReceiptTexts, delivery: Delivery, checks: MailChecks | None, facts: Sequence[Fact]
    ) -> str:
        happened = [
            texts.said[fact.event.name].format(
                sender=delivery.sender, recipient=delivery.recipient, time=self._time(fact.recorded_at)
            )
            for fact in facts
            if fact.event.name in texts.said
        ]
        which = texts.delivery.format(delivery=delivery.id)
        found = [] if checks is None else [_found(texts, checks)]
        return "\n\n".join([*happened, which, *found, texts.attached, texts.no_answer])

    def _time(self, at: datetime) -> str:
        return local_time(at, self._zone, seconds=True)


def _found(texts: ReceiptTexts, checks: MailChecks) -> str:
    said = ((checks.dkim, checks.dkim_domain), (checks.spf, checks.spf_domain))
    dkim, spf = (f"{result} ({domain})" if domain else result or "–" for result, domain in said)
    return texts.checks.format(dkim=dkim, spf=spf)


def _subject(text: str) -> bytes:
    # Not through the library either: where it folds a long one, a space of it gets lost.
    return f"Subject: {text_field('Subject', text)}\r\n".encode("ascii")


def _answering(origin: MailOrigin) -> bytes:
    # Not through the library: it would write a long identifier as an encoded word.
    if origin.message_id is None:
        return b""
    name = origin.message_id.encode("ascii")
    return b"In-Reply-To: %b\r\nReferences: %b\r\n" % (name, name)
