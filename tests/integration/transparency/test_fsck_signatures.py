"""`namak-server log fsck --only signatures`: each confirmation's signature is verified again."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from namak.evidence.certificate import CertificateNaming
from namak.evidence.details import NamedList
from namak.evidence.document import EvidenceDocument
from namak.evidence.events import READING_CONFIRMED
from server.cli.log_fsck import _parts
from server.fsck import signatures
from server.fsck.check import Asked, LogCheck
from server.fsck.checkpoints import Trusted
from server.fsck.findings import Kind, Part, Report
from server.fsck.kinds import USUAL
from server.fsck.signatures import CitizenTrust
from server.storage.log_connection import driver_url
from server.storage.log_inspection import PostgresLogInspection
from tests.integration.transparency.conftest import ORIGIN
from tests.integration.transparency.inspected import stored_over
from tests.unit.evidence_documents.world import Story, World

SIGNATURES = {Kind.CONFIRMATION_UNSIGNED, Kind.CONFIRMATION_UNTRUSTED, Kind.CONFIRMATION_STATUS}
"""What is found here and nowhere else."""


async def stored(
    url: str, documents: Sequence[EvidenceDocument | bytes], lists: Sequence[bytes] = ()
) -> None:
    """Stores confirmations with their evidence, of deliveries that are not there."""
    connection = await asyncpg.connect(driver_url(url))
    # Mailboxes and deliveries are not looked at.
    await connection.execute("ALTER TABLE confirmations DISABLE TRIGGER ALL")
    for number, each in enumerate(documents, 1):
        place, evidence_id = UUID(int=number), UUID(int=1000 + number)
        await connection.execute(
            "INSERT INTO evidence (owner_id, id, event, organisation_id, document, entry, recorded_at)"
            " VALUES ($1, $2, $3, $1, $4, sha256($4), now())",
            *(place, evidence_id, READING_CONFIRMED.uri),
            each if isinstance(each, bytes) else each.encode(),
        )
        await connection.execute(
            "INSERT INTO confirmations (mailbox_id, delivery_id, person_number, cms_digest, evidence_ids,"
            " confirmed_at) VALUES ($1, $1, '', sha256(''), ARRAY[$2::uuid], now())",
            *(place, evidence_id),
        )
    for der in lists:
        await connection.execute("INSERT INTO revocation_lists VALUES (sha256($1), $1)", der)
    await connection.close()


async def checked(url: str, world: World | None, *parts: Part) -> Report:
    inspection = await PostgresLogInspection.open(url)
    report = Report()
    citizens = None if world is None else CitizenTrust([world.root.der], CertificateNaming())
    try:
        check = LogCheck(stored_over(inspection), {}, Trusted({}, citizens=citizens), report)
        await check.run(Asked(frozenset(parts or {Part.SIGNATURES}), ORIGIN))
    finally:
        await inspection.close()
    return report


def kinds(report: Report) -> list[tuple[int, str]]:
    """Returns what was found, by the number of the confirmation."""
    return [(UUID(each.where.split()[1].rstrip(":")).int, each.kind.value) for each in report.findings]


async def test_each_confirmation_is_verified_as_a_verifier_does(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Several pages of them.
    monkeypatch.setattr(signatures, "AT_ONCE", 2)
    story = Story()
    good = story.confirmation_details()
    other = story.confirmation_details(statement=b"I confirm.\n").cms
    of_issuer, _ = story.world.crls()
    named = (NamedList(hashlib.sha256(of_issuer).hexdigest()), good.revocation[1])
    away = (NamedList("ab" * 32), good.revocation[1])
    stranger = story.world.issuer.card(number="PNOAM-5001950023")
    confirmations = [
        good,
        replace(good, revocation=named),
        replace(good, cms=good.cms[:-1] + bytes([good.cms[-1] ^ 1])),
        replace(good, cms=other),
        story.confirmation_details(card=stranger),
        story.confirmation_details(card=story.world.issuer.card(days=-1)),
        replace(good, revocation=away),
        story.confirmation_details(crls=(of_issuer,)),
        replace(good, right="ab" * 32),
    ]
    late = replace(story.confirmation(), event_time=story.opening_time + timedelta(days=1))
    documents = [*map(story.confirmation, confirmations), late]
    await stored(database_url, [*documents, b"{}"], [of_issuer])
    report = await checked(database_url, story.world)
    found = kinds(report)
    assert [each for each in found if each[0] != 10] == [
        (3, "confirmation-unsigned"),
        (4, "confirmation-unsigned"),
        (5, "confirmation-unsigned"),
        (6, "confirmation-untrusted"),
        (7, "confirmation-status"),
        (8, "confirmation-status"),
        (9, "confirmation-wrong"),
        (11, "fact-unreadable"),
    ]
    assert (10, "confirmation-wrong") in found
    assert report.checked["confirmations"] == 11
    assert len(report.unchecked) == 1
    assert report.unchecked[0].startswith("the rights of 1 who confirmed on behalf of others")


async def test_by_other_roots_no_signature_is_trusted_and_without_any_none_is_looked_at(
    database_url: str,
) -> None:
    story = Story()
    await stored(database_url, [story.confirmation()])
    assert kinds(await checked(database_url, World())) == [(1, "confirmation-untrusted")]
    assert (await checked(database_url, story.world)).findings == []
    report = await checked(database_url, None)
    assert (report.findings, report.unchecked) == (
        [],
        ["signatures of confirmations: no citizen roots are given"],
    )
    assert "confirmations" not in report.checked


def test_it_is_done_only_where_it_is_asked_for() -> None:
    assert {*Part} - USUAL == {Part.SIGNATURES}
    assert _parts(()) == USUAL
    assert _parts(("signatures",)) == {Part.SIGNATURES}
