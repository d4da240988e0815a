"""Detached CMS signatures: what is valid, and every way in which one is not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from namak.client.signing import sign_cms
from namak.signatures.report import (
    AnswerSource,
    CheckId,
    CheckResult,
    FileFormat,
    Finding,
    RevocationStatus,
    SubIndication,
    TimeBasis,
    Verdict,
)
from tests.signing.authority import DAY, NOW, SIGNING, Kind
from tests.signing.world import DOCUMENT, SIGNED, World, checks_of, found, judged, not_passed, only


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def test_a_signature_of_a_trusted_person_is_valid_and_says_who_when_and_how(world: World) -> None:
    report = judged(DOCUMENT, sign_cms(DOCUMENT, world.aram.signer, at=SIGNED), world.trust())

    assert (report.format, report.verdict, report.sub_indication) == (
        FileFormat.CMS_DETACHED,
        Verdict.VALID,
        None,
    )
    signature = only(report)
    assert signature.signer is not None
    assert (signature.signer.name, signature.signer.number, signature.signer.number_kind) == (
        "Արամ Պետրոսյան",
        "5001950015",
        "PNOAM",
    )
    assert (signature.claimed_time, signature.used_time, signature.time_basis) == (
        SIGNED,
        NOW,
        TimeBasis.VERIFICATION,
    )
    assert (signature.trust_policy, signature.certificate_policy) == (
        "am citizens",
        "qualified (1.3.6.1.4.1.99999.1.1)",
    )
    assert [each.trusted for each in signature.chain] == [False, False, False, True]
    first = signature.chain[0].revocation
    assert (first.status, first.source, first.answer_time) == (
        RevocationStatus.GOOD,
        AnswerSource.CRL,
        NOW - timedelta(hours=1),
    )
    assert not_passed(report) == {CheckId.TIMESTAMP}


def test_a_changed_document_is_invalid(world: World) -> None:
    report = judged(DOCUMENT + b" ", sign_cms(DOCUMENT, world.aram.signer, at=SIGNED), world.trust())

    assert (report.verdict, report.sub_indication) == (Verdict.INVALID, SubIndication.HASH_FAILURE)
    assert found(report, CheckId.DOCUMENT_DIGEST) == (CheckResult.FAILED, Finding.DIGEST_DIFFERS)
    # The value still fits the attributes: a reader learns that the document changed, not the signature.
    assert found(report, CheckId.SIGNATURE_VALUE) == (CheckResult.PASSED, None)


def test_a_changed_value_is_invalid(world: World) -> None:
    cms = bytearray(sign_cms(DOCUMENT, world.aram.signer, at=SIGNED))
    cms[-1] ^= 1

    report = judged(DOCUMENT, bytes(cms), world.trust())

    assert (report.verdict, report.sub_indication) == (Verdict.INVALID, SubIndication.SIG_CRYPTO_FAILURE)


def test_without_trusted_roots_nothing_is_valid(world: World) -> None:
    report = judged(
        DOCUMENT, sign_cms(DOCUMENT, world.aram.signer, at=SIGNED), replace(world.trust(), policies=())
    )

    assert (report.verdict, report.sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    )
    assert found(report, CheckId.CHAIN) == (CheckResult.NOT_CHECKED, Finding.NO_ROOTS)


def test_without_an_answer_about_revocation_it_is_indeterminate(world: World) -> None:
    report = judged(DOCUMENT, sign_cms(DOCUMENT, world.aram.signer, at=SIGNED), world.trust(crls=()))

    assert (report.verdict, report.sub_indication) == (Verdict.INDETERMINATE, SubIndication.TRY_LATER)
    assert found(report, CheckId.REVOCATION) == (CheckResult.NOT_CHECKED, Finding.NO_ANSWER)


def test_a_stale_list_is_no_answer(world: World) -> None:
    stale = world.crls(at=NOW - 30 * DAY)

    report = judged(DOCUMENT, sign_cms(DOCUMENT, world.aram.signer, at=SIGNED), world.trust(crls=stale))

    assert found(report, CheckId.REVOCATION) == (CheckResult.NOT_CHECKED, Finding.ANSWER_STALE)
    assert only(report).chain[0].revocation.answer_time == NOW - 30 * DAY


def test_revoked_before_it_claims_to_be_signed_is_invalid(world: World) -> None:
    cms = sign_cms(DOCUMENT, world.aram.signer, at=SIGNED)
    lists = (*world.crls()[:2], world.issuing.crl([(world.aram, SIGNED - DAY)]))

    report = judged(DOCUMENT, cms, world.trust(crls=lists))

    assert (report.verdict, report.sub_indication) == (Verdict.INVALID, SubIndication.REVOKED)
    assert only(report).chain[0].revocation.status is RevocationStatus.REVOKED
    assert only(report).chain[0].revocation.reason == "keyCompromise"


def test_revoked_after_the_claimed_time_without_a_timestamp_is_indeterminate(world: World) -> None:
    cms = sign_cms(DOCUMENT, world.aram.signer, at=NOW - 9 * DAY)
    lists = (*world.crls()[:2], world.issuing.crl([(world.aram, NOW - 3 * DAY)]))

    report = judged(DOCUMENT, cms, world.trust(crls=lists))

    assert (report.verdict, report.sub_indication) == (Verdict.INDETERMINATE, SubIndication.REVOKED_NO_POE)


def test_revoked_since_a_trusted_timestamp_stays_valid(world: World) -> None:
    stamp = world.authority_of_time(NOW - 9 * DAY)
    cms = sign_cms(DOCUMENT, world.aram.signer, at=NOW - 9 * DAY, timestamps=stamp)
    root, policy, _, stamps = world.crls()
    lists = (root, policy, stamps, world.issuing.crl([(world.aram, NOW - 3 * DAY)]))

    report = judged(DOCUMENT, cms, world.trust(crls=lists))

    assert report.verdict is Verdict.VALID
    signature = only(report)
    assert (signature.used_time, signature.time_basis) == (NOW - 9 * DAY, TimeBasis.TIMESTAMP)
    assert signature.timestamps[0].authority == "Time Stamping Unit"
    assert found(report, CheckId.REVOCATION) == (CheckResult.PASSED, Finding.REVOKED_SINCE)
    assert dict(checks_of(report)[CheckId.REVOCATION].facts)["revoked"] == (NOW - 3 * DAY).isoformat()


def test_a_timestamp_from_after_the_revocation_does_not_help(world: World) -> None:
    stamp = world.authority_of_time(NOW - 2 * DAY)
    cms = sign_cms(DOCUMENT, world.aram.signer, at=NOW - 9 * DAY, timestamps=stamp)
    root, policy, _, stamps = world.crls()
    lists = (root, policy, stamps, world.issuing.crl([(world.aram, NOW - 3 * DAY)]))

    report = judged(DOCUMENT, cms, world.trust(crls=lists))

    assert (report.verdict, report.sub_indication) == (Verdict.INDETERMINATE, SubIndication.REVOKED_NO_POE)


EXPIRED = Kind(begin=NOW - 300 * DAY, end=NOW - 10 * DAY)


def test_an_expired_certificate_without_a_timestamp_is_indeterminate(world: World) -> None:
    holder = world.signer(EXPIRED)

    report = judged(DOCUMENT, sign_cms(DOCUMENT, holder.signer, at=NOW - 20 * DAY), world.trust())

    assert (report.verdict, report.sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.OUT_OF_BOUNDS_NO_POE,
    )


def test_an_expired_certificate_with_a_timestamp_from_before_is_valid(world: World) -> None:
    holder = world.signer(EXPIRED)
    stamp = world.authority_of_time(NOW - 20 * DAY)
    cms = sign_cms(DOCUMENT, holder.signer, at=NOW - 20 * DAY, timestamps=stamp)
    then = (*world.crls(at=NOW - 15 * DAY, days=4), *world.crls())

    report = judged(DOCUMENT, cms, world.trust(crls=then))

    assert report.verdict is Verdict.VALID
    assert only(report).chain[0].revocation.answer_time == NOW - 15 * DAY


def test_a_list_from_after_the_end_of_a_certificate_does_not_say_that_it_was_good(world: World) -> None:
    holder = world.signer(EXPIRED)
    stamp = world.authority_of_time(NOW - 20 * DAY)
    cms = sign_cms(DOCUMENT, holder.signer, at=NOW - 20 * DAY, timestamps=stamp)

    report = judged(DOCUMENT, cms, world.trust())

    assert found(report, CheckId.REVOCATION) == (CheckResult.NOT_CHECKED, Finding.ANSWER_AFTER_EXPIRY)


def test_signed_after_the_end_by_its_own_word_is_invalid(world: World) -> None:
    holder = world.signer(EXPIRED)

    report = judged(DOCUMENT, sign_cms(DOCUMENT, holder.signer, at=NOW - DAY), world.trust())

    assert (report.verdict, report.sub_indication) == (Verdict.INVALID, SubIndication.EXPIRED)


def test_a_timestamp_from_before_the_certificate_shows_that_it_is_invalid(world: World) -> None:
    holder = world.signer(replace(SIGNING, begin=NOW - 5 * DAY))
    stamp = world.authority_of_time(NOW - 6 * DAY)

    report = judged(
        DOCUMENT, sign_cms(DOCUMENT, holder.signer, at=NOW - 6 * DAY, timestamps=stamp), world.trust()
    )

    assert (report.verdict, report.sub_indication) == (Verdict.INVALID, SubIndication.NOT_YET_VALID)


def test_a_time_claimed_in_the_future_does_not_pass(world: World) -> None:
    report = judged(DOCUMENT, sign_cms(DOCUMENT, world.aram.signer, at=NOW + DAY), world.trust())

    assert found(report, CheckId.SIGNING_TIME) == (CheckResult.FAILED, Finding.CLAIMED_AFTER_PROOF)
    assert report.verdict is Verdict.INDETERMINATE


def test_a_timestamp_over_something_else_is_not_used(world: World) -> None:
    stamp = replace(world.authority_of_time(NOW - 9 * DAY), imprint=bytes(32))
    cms = sign_cms(DOCUMENT, world.aram.signer, at=SIGNED, timestamps=stamp)

    report = judged(DOCUMENT, cms, world.trust())

    assert found(report, CheckId.TIMESTAMP) == (CheckResult.FAILED, Finding.TIMESTAMP_WRONG)
    assert only(report).time_basis is TimeBasis.VERIFICATION


@pytest.mark.parametrize("case", ["stranger", "purpose", "revocation unknown", "future"])
def test_a_timestamp_of_somebody_who_is_not_trusted_is_not_used(world: World, case: str) -> None:
    stamp, trust = world.authority_of_time(NOW - 9 * DAY), world.trust()
    if case == "stranger":
        stamp = World().authority_of_time(NOW - 9 * DAY)
    if case == "purpose":
        stamp = world.authority_of_time(NOW - 9 * DAY, SIGNING)
    if case == "revocation unknown":
        trust = world.trust(crls=world.crls()[:3])
    if case == "future":
        stamp = world.authority_of_time(NOW + DAY)
    cms = sign_cms(DOCUMENT, world.aram.signer, at=SIGNED, timestamps=stamp)

    report = judged(DOCUMENT, cms, trust)

    assert found(report, CheckId.TIMESTAMP) == (CheckResult.FAILED, Finding.TIMESTAMP_UNTRUSTED)
    assert only(report).time_basis is TimeBasis.VERIFICATION


def test_a_timestamp_whose_key_was_compromised_since_is_not_used(world: World) -> None:
    stamp = world.authority_of_time(NOW - 9 * DAY)
    root, policy, issuing, _ = world.crls()
    lists = (root, policy, issuing, world.stamps.crl([(stamp.holder, NOW - DAY)]))
    cms = sign_cms(DOCUMENT, world.aram.signer, at=SIGNED, timestamps=stamp)

    report = judged(DOCUMENT, cms, world.trust(crls=lists))

    assert found(report, CheckId.TIMESTAMP) == (CheckResult.FAILED, Finding.TIMESTAMP_UNTRUSTED)
