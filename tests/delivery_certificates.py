"""Certificates for tests: of the story that the tests of verification share, and of ones that are long."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from namak.delivery_certificate.account import account_of, named
from namak.delivery_certificate.statement import WORDING, Audience, StatedProof, Statement, effect_of
from namak.evidence import events
from namak.evidence.document import EvidenceDocument, RecordedFact, Sender, subject_part
from namak.evidence.tlog_proof import TlogProof
from server.usecases.certificate_ports import Certificate
from tests.unit.evidence_documents.documents import LETTER, ONE_OF_EACH, OUTSIDE, START
from tests.unit.evidence_documents.world import Key, Story

MADE = datetime(2026, 11, 30, 9, 15, tzinfo=UTC)
Stamp = Callable[[bytes], Mapping[str, bytes]]
SUBJECT = "Ծանուցում հարկի մասին"


def certificate_of(
    story: Story,
    facts: Sequence[RecordedFact],
    *,
    language: str = "en",
    subject: str = SUBJECT,
    audience: Audience = Audience.SENDER,
    witnesses: Sequence[tuple[Key, int]] = (),
    site: str = "",
    stamp: Stamp | None = None,
) -> Certificate:
    """Returns a certificate that rests on the receipts of these facts."""
    return certificate_from(
        [story.world.receipt(fact, witnesses) for fact in facts],
        language=language,
        subject=subject,
        audience=audience,
        site=site,
        stamp=stamp,
    )


def certificate_from(
    receipts: Sequence[bytes],
    *,
    language: str = "en",
    subject: str = SUBJECT,
    audience: Audience = Audience.SENDER,
    site: str = "",
    stamp: Stamp | None = None,
) -> Certificate:
    """Returns a certificate that rests on these receipts; `stamp` gives the files of timestamps by authority
    over a checkpoint.
    """
    proofs = named(receipts)
    timestamps = {
        f"{name.removesuffix('.tlog-proof')}.{by}.tsr": content
        for name, proof in proofs.items()
        for by, content in (stamp(TlogProof.parse(proof).checkpoint) if stamp else {}).items()
    }
    account = account_of(proofs, timestamps)
    statement = Statement(
        language=language,
        wording=WORDING,
        made_time=MADE,
        audience=audience,
        delivery_id=account.delivery_id,
        subject=subject,
        site=site,
        unprintable="",
        proofs=tuple(StatedProof(each.file, each.evidence.digest) for each in account.proofs),
        effect=effect_of(account),
    )
    return Certificate(statement, proofs, timestamps)


def many_facts(
    story: Story, count: int, *, subject: str = SUBJECT, sender: Sender | None = None
) -> list[RecordedFact]:
    """Records and returns facts of a delivery of its own, of all kinds that there are, under a long name."""
    templates = [
        each
        for each in (*ONE_OF_EACH[2:4], ONE_OF_EACH[7], *OUTSIDE)
        if each.event is not events.NOTIFICATION_EFFECTED
    ]
    found = []
    for number in range(count):
        template: EvidenceDocument = templates[number % len(templates)]
        document = replace(
            template,
            evidence_id=UUID(int=0x0192F0C9_0000_7000_8000_000000000000 + number),
            event_time=START + number * timedelta(hours=7),
            parts=(subject_part(subject), LETTER),
            sender=sender or template.sender,
            notification_policy="am-2025@2",
        )
        found.append(story.world.record(document))
    return found
