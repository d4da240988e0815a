"""What proofs tell of a delivery, and the statement that says it for programs."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from namak.delivery_certificate.account import MOST_PROOFS, NoAccount, account_of, named
from namak.delivery_certificate.statement import Audience, StatedEffect, Statement
from namak.delivery_certificate.verify_statement import problems_of
from namak.evidence.errors import EvidenceError
from namak.evidence.failures import MalformedEvidence
from server.usecases.certificate_ports import Certificate
from tests.delivery_certificates import certificate_of
from tests.unit.delivery_certificates.conftest import Told
from tests.unit.evidence_documents.world import Story


@pytest.fixture(scope="module")
def certificate(told: Told) -> Certificate:
    return certificate_of(told.story, told.facts)


def test_proofs_are_named_in_the_order_of_their_recording_whatever_order_they_come_in(told: Told) -> None:
    receipts = [told.story.world.receipt(fact) for fact in told.facts]

    assert (
        list(named(receipts[::-1]))
        == list(named(receipts))
        == [
            "01-SubmissionAcceptance.tlog-proof",
            "02-ContentConsignment.tlog-proof",
            "03-ContentAccessTracking.tlog-proof",
            "04-ReadingConfirmed.tlog-proof",
            "05-NotificationEffected.tlog-proof",
        ]
    )


def test_proofs_of_two_deliveries_tell_of_none(told: Told) -> None:
    other = replace(told.story.consignment.document, delivery_id=UUID("0192f0c3-0000-7000-8000-000000000009"))
    foreign = told.story.world.record(other)

    with pytest.raises(NoAccount, match="different deliveries"):
        account_of({"1": told.story.world.receipt(told.facts[0]), "2": told.story.world.receipt(foreign)})


def test_the_same_evidence_twice_is_refused(told: Told) -> None:
    receipt = told.story.world.receipt(told.facts[0])

    with pytest.raises(NoAccount, match="same evidence"):
        account_of({"1": receipt, "2": receipt})


@pytest.mark.parametrize("count", [0, MOST_PROOFS + 1])
def test_no_proofs_and_too_many_are_refused(count: int) -> None:
    with pytest.raises(NoAccount, match="not 1 to"):
        account_of({str(number): b"" for number in range(count)})


@pytest.mark.parametrize("data", [b"", b"c2sp.org/tlog-proof@v1\n", bytes(10_000), b"\xff" * 100])
def test_what_is_no_proof_is_refused(data: bytes) -> None:
    with pytest.raises(NoAccount):
        account_of({"1": data})


def test_a_statement_comes_back_as_it_was_written(certificate: Certificate) -> None:
    statement = replace(certificate.statement, site="e-citizen.am/verify", unprintable="\u202e😀")

    assert Statement.parse(statement.encode()) == statement
    assert problems_of(statement, certificate.account()) == []


def test_it_says_what_follows_from_the_proofs(certificate: Certificate, told: Told) -> None:
    effect = certificate.statement.effect

    assert effect == StatedEffect("POST-2", told.facts[3].document.event_time, told.facts[3].digest)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda it: replace(it, delivery_id=UUID(int=7)), "another delivery"),
        (lambda it: replace(it, proofs=it.proofs[::-1]), "in another order"),
        (lambda it: replace(it, proofs=it.proofs[:-1]), "other proofs than those attached"),
        (lambda it: replace(it, subject="Something else"), "subject"),
        (lambda it: replace(it, effect=None), "another legal effect"),
        (
            lambda it: replace(
                it, effect=replace(it.effect, effective_time=it.made_time - timedelta(days=300))
            ),
            "another legal effect",
        ),
    ],
)
def test_what_it_says_otherwise_than_the_proofs_is_found(
    certificate: Certificate, change: Callable[[Statement], Statement], problem: str
) -> None:
    [found] = problems_of(change(certificate.statement), certificate.account())

    assert problem in found


BROKEN: list[Callable[[dict[str, object]], object]] = [
    lambda it: it.pop("subject"),
    lambda it: it.update(version="namak-certificate/2"),
    lambda it: it.update(language="xx"),
    lambda it: it.update(audience="EVERYBODY"),
    lambda it: it.update(proofs=[]),
    lambda it: it.update(proofs=[{"file": "../x.tlog-proof", "evidence": "0" * 64}]),
    lambda it: it.update(unprintable=["0061", "0061"]),
    lambda it: it.update(unprintable=["FFFFFF"]),
    lambda it: it.update(site="two\nlines"),
    lambda it: it.update(more="than that"),
    lambda it: it.update(wording=-1),
]


@pytest.mark.parametrize("breaking", BROKEN)
def test_a_statement_of_another_form_is_refused(
    certificate: Certificate, breaking: Callable[[dict[str, object]], object]
) -> None:
    values = json.loads(certificate.statement.encode())
    breaking(values)

    with pytest.raises(MalformedEvidence):
        Statement.parse(json.dumps(values).encode())


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000, b'{"version":1,"version":1}', b" " * 300_000])
def test_what_is_no_statement_is_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError):
        Statement.parse(data)


def test_for_whom_it_is_made_stands_in_it(told: Told) -> None:
    made = certificate_of(told.story, told.facts, audience=Audience.DELEGATE).statement

    assert json.loads(made.encode())["audience"] == "DELEGATE"


def test_a_story_without_an_effect_has_none_in_the_statement() -> None:
    story = Story()

    assert certificate_of(story, [story.acceptance, story.consignment]).statement.effect is None
