"""Revocation answers: which of them count, and what they say of a certificate at a time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from namak.client.signing import sign_cms
from namak.signatures.report import AnswerSource, CheckId, CheckResult, Finding, RevocationStatus, Verdict
from namak.signatures.revocation import revocation_of
from namak.signatures.trust import RevocationMaterial
from tests.signing.authority import DAY, NOW, RESPONDING, SIGNING, STAMPING, Authority, Holder, named
from tests.signing.world import DOCUMENT, SIGNED, World, found, judged, only


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def status(world: World, *ocsps: bytes, crls: tuple[bytes, ...] = ()) -> RevocationStatus:
    material = RevocationMaterial(crls, ocsps)
    issuer = world.issuing.certificate
    return revocation_of(world.aram.certificate, issuer, material, used=NOW, now=NOW).status


def responder(world: World) -> Holder:
    return world.issuing.issue(named("Responder"), RESPONDING)


def test_an_answer_of_the_authority_itself_counts(world: World) -> None:
    assert status(world, world.issuing.response(world.aram)) is RevocationStatus.GOOD


def test_an_answer_of_its_delegate_counts(world: World) -> None:
    assert status(world, world.issuing.response(world.aram, by=responder(world))) is RevocationStatus.GOOD


@pytest.mark.parametrize(
    "case", ["stranger", "without the usage", "another usage", "namesake", "expired", "garbage"]
)
def test_an_answer_of_somebody_else_does_not_count(world: World, case: str) -> None:
    by = {
        "stranger": lambda: World().issuing.issue(named("Responder"), RESPONDING),
        "without the usage": lambda: world.issuing.issue(named("Responder"), SIGNING),
        "another usage": lambda: world.issuing.issue(named("Responder"), STAMPING),
        "namesake": lambda: Authority("E-Government Authority").issue(named("Responder"), RESPONDING),
        "expired": lambda: world.issuing.issue(named("Responder"), replace(RESPONDING, end=NOW - DAY)),
        "garbage": lambda: responder(world),
    }[case]()
    answer = world.issuing.response(world.aram, by=by)
    answer = answer[:-3] if case == "garbage" else answer

    assert status(world, answer) is RevocationStatus.UNKNOWN


def test_a_delegate_without_a_promise_must_not_be_revoked_itself(world: World) -> None:
    by = world.issuing.issue(named("Responder"), replace(RESPONDING, no_check=False))
    answer = world.issuing.response(world.aram, by=by)

    assert status(world, answer) is RevocationStatus.UNKNOWN
    assert status(world, answer, crls=(world.issuing.crl(),)) is RevocationStatus.GOOD
    revoked = world.issuing.crl([(by, NOW - DAY)])
    # What the list says of the holder counts still; only the delegate's word is void.
    material = RevocationMaterial((revoked,), (answer,))
    known = revocation_of(world.aram.certificate, world.issuing.certificate, material, used=NOW, now=NOW)
    assert known.source is AnswerSource.CRL


def test_an_answer_about_another_certificate_says_nothing(world: World) -> None:
    assert status(world, world.issuing.response(world.signer())) is RevocationStatus.UNKNOWN


def test_an_answer_from_the_future_does_not_count(world: World) -> None:
    answer = world.issuing.response(world.aram, at=NOW + timedelta(hours=1))

    assert status(world, answer) is RevocationStatus.UNKNOWN


def test_a_list_of_a_namesake_does_not_count(world: World) -> None:
    assert status(world, crls=(Authority("E-Government Authority").crl(),)) is RevocationStatus.UNKNOWN


def test_one_revoked_answer_weighs_more_than_a_good_one(world: World) -> None:
    revoked = world.issuing.response(world.aram, revoked=NOW - DAY, at=NOW - timedelta(hours=3))

    assert status(world, world.issuing.response(world.aram), revoked) is RevocationStatus.REVOKED


def test_the_newest_answer_is_the_one_that_is_told(world: World) -> None:
    lists = (world.issuing.crl(at=NOW - 2 * DAY), world.issuing.crl(at=NOW - DAY))
    answer = world.issuing.response(world.aram, at=NOW - timedelta(minutes=7))
    material = RevocationMaterial(lists, (answer,))

    told = revocation_of(world.aram.certificate, world.issuing.certificate, material, used=NOW, now=NOW)

    assert (told.source, told.answer_time) == (AnswerSource.OCSP, NOW - timedelta(minutes=7))


def test_a_revoked_authority_takes_its_signers_along(world: World) -> None:
    root, _, issuing, _ = world.crls()
    below = Holder(world.issuing.certificate, world.aram.key, ())
    revoked = world.policy.crl([(below, SIGNED - DAY)])

    report = judged(
        DOCUMENT,
        sign_cms(DOCUMENT, world.aram.signer, at=SIGNED),
        world.trust(crls=(root, revoked, issuing)),
    )

    assert report.verdict is Verdict.INVALID
    assert found(report, CheckId.REVOCATION) == (CheckResult.FAILED, Finding.REVOKED_BEFORE_SIGNING)
    assert [each.revocation.status for each in only(report).chain] == [
        RevocationStatus.GOOD,
        RevocationStatus.REVOKED,
        RevocationStatus.GOOD,
        RevocationStatus.NOT_NEEDED,
    ]
