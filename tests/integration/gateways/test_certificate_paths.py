"""Chains from the root over policy and e-government authority to a person, and those that only look so."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from server.gateways.certificate_status.path_checks import CERTIFICATE_BYTES
from server.usecases.certificate_status import (
    CheckKind,
    Outcome,
    Purpose,
    StatusReport,
    Verdict,
    refuse_unless_accepted,
)
from tests.integration.gateways.authorities import (
    AUTHENTICATION,
    CLIENT_AUTH,
    COMMITMENT,
    DAY,
    NOW,
    Issued,
    Key,
    Wish,
    authority_wish,
    issue,
    make_list,
    new_key,
    usage,
    with_sha1,
)
from tests.integration.gateways.status_scene import Scene, checked, outcome
from tests.integration.gateways.status_servers import http_serving


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with http_serving() as http:
        made = Scene(tmp_path, http)
        made.put_list("government", made.government_list())
        yield made
        await made.close()


async def judged(scene: Scene, person: Issued, **given: Any) -> StatusReport:
    return await checked(scene.checker(), person, **given)


def refused(report: StatusReport, verdict: Verdict, kind: CheckKind, why: str) -> None:
    assert report.verdict is verdict, report
    assert not report.accepted
    failed = [check for check in report.checks if check.outcome is Outcome.FAILED]
    assert [check.kind for check in failed] == [kind]
    assert why in failed[0].detail
    assert report.why == failed[0].detail


async def test_a_person_below_policy_and_government_authority_is_good_and_every_check_says_so(
    scene: Scene,
) -> None:
    person = scene.country.person()

    report = await judged(scene, person)

    assert (report.verdict, report.accepted, report.why) == (Verdict.GOOD, True, None)
    root, policy, government = scene.country.authorities
    assert report.path == (person.der, government.der, policy.der, root.der)
    assert {check.outcome for check in report.checks} == {Outcome.PASSED}
    assert {check.kind for check in report.checks} == set(CheckKind) - {CheckKind.OCSP}
    assert [proof.certificate for proof in report.proofs] == [0, 1, 2]
    refuse_unless_accepted(report)


async def test_authorities_that_come_along_serve_when_the_operator_has_none(scene: Scene) -> None:
    root, policy, government = scene.country.authorities
    scene.write_authorities(root, (policy,))
    person = scene.country.person()

    alone = await judged(scene, person)
    along = await judged(scene, person, others=[b"rubbish", bytes(100_000), government.der])

    refused(alone, Verdict.UNTRUSTED, CheckKind.PATH, "does not lead to a citizen root")
    assert along.verdict is Verdict.GOOD


async def test_a_chain_that_somebody_made_with_all_the_right_names_is_refused(scene: Scene) -> None:
    root = issue(authority_wish("Root"))
    policy = issue(authority_wish("Policy Authority"), root)
    government = issue(authority_wish("E-Government Authority"), policy)
    person = issue(Wish(), government)

    report = await judged(scene, person, others=[government.der, policy.der, root.der])

    refused(report, Verdict.UNTRUSTED, CheckKind.PATH, "does not lead to a citizen root")


async def test_a_certificate_that_signed_itself_is_refused(scene: Scene) -> None:
    refused(await judged(scene, issue(Wish())), Verdict.UNTRUSTED, CheckKind.PATH, "citizen root")


async def test_a_person_who_plays_authority_is_refused(scene: Scene) -> None:
    player = scene.country.person(usage=usage(digital_signature=True, key_cert_sign=True))
    played = issue(Wish(number="5001950016"), player)

    report = await judged(scene, played, others=[player.der])

    refused(report, Verdict.UNTRUSTED, CheckKind.PATH, "no authority's was used as one")


async def test_an_authority_whose_key_may_not_sign_certificates_is_none(scene: Scene) -> None:
    mute = issue(
        authority_wish("Mute", usage=usage(crl_sign=True, digital_signature=True)), scene.country.policy
    )

    report = await judged(scene, issue(Wish(), mute), others=[mute.der])

    assert report.verdict is Verdict.UNTRUSTED


async def test_an_authority_is_no_person(scene: Scene) -> None:
    authority = issue(
        authority_wish("Authority", number="5001950015", usage=AUTHENTICATION), scene.country.government
    )

    refused(await judged(scene, authority), Verdict.PURPOSE, CheckKind.KEY_USAGE, "an authority's")


@pytest.mark.parametrize(
    ("wished", "purpose", "kind"),
    [
        (COMMITMENT, Purpose.AUTHENTICATION, CheckKind.KEY_USAGE),
        (AUTHENTICATION, Purpose.SIGNATURE, CheckKind.KEY_USAGE),
        (usage(key_encipherment=True), Purpose.AUTHENTICATION, CheckKind.KEY_USAGE),
        (None, Purpose.AUTHENTICATION, CheckKind.KEY_USAGE),
    ],
)
async def test_a_key_for_another_use_is_refused(
    scene: Scene, wished: x509.KeyUsage | None, purpose: Purpose, kind: CheckKind
) -> None:
    person = scene.country.person(usage=wished, extended=())

    report = await judged(scene, person, purpose=purpose)

    refused(report, Verdict.PURPOSE, kind, "key")
    assert report.path


@pytest.mark.parametrize(
    ("extended", "purpose", "verdict"),
    [
        ((ExtendedKeyUsageOID.CODE_SIGNING,), Purpose.AUTHENTICATION, Verdict.PURPOSE),
        (CLIENT_AUTH, Purpose.SIGNATURE, Verdict.PURPOSE),
        ((ExtendedKeyUsageOID.EMAIL_PROTECTION,), Purpose.SIGNATURE, Verdict.GOOD),
        ((x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"),), Purpose.SIGNATURE, Verdict.GOOD),
        ((ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,), Purpose.AUTHENTICATION, Verdict.GOOD),
        ((), Purpose.SIGNATURE, Verdict.GOOD),
    ],
)
async def test_extended_usages_restrict_where_they_are_set(
    scene: Scene, extended: tuple[x509.ObjectIdentifier, ...], purpose: Purpose, verdict: Verdict
) -> None:
    both = usage(digital_signature=True, content_commitment=True)
    person = scene.country.person(usage=both, extended=extended)

    assert (await judged(scene, person, purpose=purpose)).verdict is verdict


@pytest.mark.parametrize("key", [lambda: rsa.generate_private_key(65537, 2048), new_key])
async def test_a_certificate_and_an_authority_signed_with_sha1_are_refused(
    scene: Scene, key: Callable[[], Key]
) -> None:
    root = issue(authority_wish("Other Root", key=key()))
    authority = issue(authority_wish("Authority", key=key()), root)
    weak = with_sha1(authority, root)
    leaf = with_sha1(scene.country.person(), scene.country.government)

    report = await judged(scene, leaf)
    refused(report, Verdict.UNTRUSTED, CheckKind.ALGORITHMS, "digest")

    scene.write_authorities(root, (weak,))
    report = await judged(scene, issue(Wish(), weak))
    refused(report, Verdict.UNTRUSTED, CheckKind.ALGORITHMS, "digest")
    assert outcome(report, CheckKind.ALGORITHMS, 1) is Outcome.FAILED
    scene.write_authorities(root, (authority,))
    report = await judged(scene, issue(Wish(), authority))
    assert outcome(report, CheckKind.ALGORITHMS) is Outcome.PASSED


@pytest.mark.parametrize("make", [lambda: rsa.generate_private_key(65537, 1024), ec.SECP192R1, ec.SECP256K1])
async def test_a_key_that_is_too_weak_or_of_an_unknown_curve_is_refused(scene: Scene, make: Any) -> None:
    made = make()
    key = made if isinstance(made, rsa.RSAPrivateKey) else ec.generate_private_key(made)

    report = await judged(scene, scene.country.person(key=key))

    refused(report, Verdict.UNTRUSTED, CheckKind.ALGORITHMS, "not P-256")


async def test_an_authority_with_a_key_of_1024_bits_is_refused(scene: Scene) -> None:
    weak = issue(authority_wish("Weak", key=rsa.generate_private_key(65537, 1024)), scene.country.policy)

    report = await judged(scene, issue(Wish(), weak), others=[weak.der])

    refused(report, Verdict.UNTRUSTED, CheckKind.ALGORITHMS, "2048")


@pytest.mark.parametrize("pss", [False, True])
async def test_keys_of_2048_bits_are_good_with_either_padding(scene: Scene, pss: bool) -> None:
    authority = issue(
        authority_wish("RSA Authority", key=rsa.generate_private_key(65537, 2048)), scene.country.policy
    )
    scene.put_list("rsa", make_list(authority, pss=pss))

    report = await judged(scene, issue(Wish(pss=pss), authority), others=[authority.der])

    assert report.verdict is Verdict.GOOD, report.why


async def test_the_algorithm_declared_outside_must_be_the_one_that_was_signed(scene: Scene) -> None:
    person = scene.country.person()
    with_256, with_384 = (bytes.fromhex(f"06082a8648ce3d0403{last}") for last in ("02", "03"))
    assert person.der.count(with_256) == 2
    outside = person.der.rpartition(with_256)
    forged = outside[0] + with_384 + outside[2]

    report = await scene.checker().check(forged, Purpose.AUTHENTICATION, NOW)

    assert report.verdict is Verdict.UNTRUSTED


async def test_an_expired_certificate_and_an_expired_authority_are_told_apart(scene: Scene) -> None:
    expired = scene.country.person(end=NOW - DAY / 2)
    coming = scene.country.person(begin=NOW + DAY)
    old = issue(authority_wish("Old Authority", end=NOW - DAY), scene.country.policy)
    below = issue(Wish(begin=NOW - 3 * DAY), old)

    refused(await judged(scene, expired), Verdict.EXPIRED, CheckKind.VALIDITY, "has expired")
    refused(await judged(scene, coming), Verdict.EXPIRED, CheckKind.VALIDITY, "not valid yet")
    report = await judged(scene, below, others=[old.der])
    refused(report, Verdict.EXPIRED, CheckKind.VALIDITY, "an authority above")
    assert outcome(report, CheckKind.VALIDITY, 1) is Outcome.FAILED


async def test_the_time_asked_about_counts_and_not_the_time_of_asking(scene: Scene) -> None:
    person = scene.country.person(end=NOW - DAY / 2)
    checker = scene.checker()
    scene.put_list("government", scene.government_list(issued=NOW - 2 * DAY))
    scene.put_list("root", make_list(scene.country.root, issued=NOW - 2 * DAY))
    scene.put_list("policy", make_list(scene.country.policy, issued=NOW - 2 * DAY))

    assert (await checked(checker, person, NOW - DAY * 0.75)).verdict is Verdict.GOOD
    assert (await checked(checker, person)).verdict is Verdict.EXPIRED
    # What is remembered of the path does not outlive it.
    assert (await checked(checker, person, NOW - DAY * 0.75)).verdict is Verdict.GOOD


async def test_a_huge_certificate_is_not_read(scene: Scene) -> None:
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(CERTIFICATE_BYTES))
    huge = scene.country.person(extra=(padding,))

    refused(await judged(scene, huge), Verdict.UNTRUSTED, CheckKind.FORM, "bytes")
    big = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(CERTIFICATE_BYTES // 2))
    assert (await judged(scene, scene.country.person(extra=(big,)))).verdict is Verdict.GOOD


@pytest.mark.parametrize("junk", [b"", b"\x30", b"junk", bytes(1000), b"\x30\x82\xff\xff" + bytes(100)])
async def test_junk_is_untrusted(scene: Scene, junk: bytes) -> None:
    report = await scene.checker().check(junk, Purpose.AUTHENTICATION, NOW)

    refused(report, Verdict.UNTRUSTED, CheckKind.FORM, "cannot be read")
