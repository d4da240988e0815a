"""Revocation by lists among the operator's files, and by those that come along."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from server.gateways.certificate_status.list_layout import ListUnusable
from server.gateways.certificate_status.revocation_list import RevocationList
from server.usecases.certificate_status import CheckKind, Origin, Outcome, Purpose, StatusReport, Verdict
from tests.integration.gateways.authorities import (
    DAY,
    HOUR,
    NOW,
    Entry,
    Wish,
    authority_wish,
    issue,
    make_list,
    usage,
)
from tests.integration.gateways.status_scene import Scene, check_of, checked
from tests.integration.gateways.status_servers import http_serving


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with http_serving() as http:
        made = Scene(tmp_path, http)
        yield made
        await made.close()


def unknown(report: StatusReport, why: str) -> None:
    assert report.verdict is Verdict.UNKNOWN, report
    assert not report.accepted
    assert report.why is not None
    assert why in report.why


async def test_a_revoked_certificate_is_told_with_date_and_reason_and_the_list_that_says_so(
    scene: Scene,
) -> None:
    person, other = scene.country.person(), scene.country.person()
    der = scene.government_list(
        Entry(person.serial, NOW - HOUR, x509.ReasonFlags.cessation_of_operation), Entry(3)
    )
    scene.put_list("government", der)

    report = await checked(scene.checker(), person)

    assert (report.verdict, report.accepted) == (Verdict.REVOKED, False)
    assert report.revoked_since == NOW - HOUR
    assert report.revocation_reason == "cessationOfOperation"
    (proof,) = [proof for proof in report.proofs if proof.certificate == 0]
    assert (proof.der, proof.issued, proof.ends) == (der, NOW - HOUR, NOW + 7 * DAY)
    assert (proof.kind, proof.origin) == (CheckKind.LIST, Origin.FILE)
    assert (await checked(scene.checker(), other)).verdict is Verdict.GOOD


async def test_a_certificate_revoked_later_was_good_before(scene: Scene) -> None:
    person = scene.country.person()
    scene.put_list("government", scene.government_list(Entry(person.serial, NOW - HOUR)))
    for name, authority in (("root", scene.country.root), ("policy", scene.country.policy)):
        scene.put_list(name, make_list(authority, issued=NOW - 3 * DAY))
    checker = scene.checker()

    # The list is of later, and so knows better than one of then could.
    assert (await checked(checker, person, NOW - 2 * HOUR)).verdict is Verdict.GOOD
    assert (await checked(checker, person, NOW - HOUR)).verdict is Verdict.REVOKED


async def test_a_later_list_says_nothing_of_a_certificate_that_had_expired(scene: Scene) -> None:
    person = scene.country.person(end=NOW - 2 * HOUR)
    scene.put_list("government", scene.government_list(issued=NOW - HOUR))

    unknown(await checked(scene.checker(), person, NOW - 3 * HOUR), "after the certificate had expired")


async def test_a_revoked_authority_takes_everybody_below_with_it(scene: Scene) -> None:
    scene.put_list("government", scene.government_list())
    scene.put_list("policy", make_list(scene.country.policy, (Entry(scene.country.government.serial),)))

    report = await checked(scene.checker(), scene.country.person())

    assert report.verdict is Verdict.REVOKED
    assert check_of(report, CheckKind.LIST, 1).outcome is Outcome.FAILED


async def test_no_list_is_not_known_and_so_refused(scene: Scene) -> None:
    unknown(await checked(scene.checker(), scene.country.person()), "there is no revocation list")


async def test_a_stale_list_is_not_known_and_says_since_when(scene: Scene) -> None:
    scene.put_list("government", scene.government_list(issued=NOW - 2 * DAY, ends=NOW - HOUR))

    report = await checked(scene.checker(), scene.country.person())

    unknown(report, f"stale since {(NOW - HOUR).strftime('%Y-%m-%dT%H:%M:%SZ')}")
    assert report.good_until - report.at <= timedelta(seconds=1)


async def test_a_list_of_a_time_to_come_is_not_known(scene: Scene) -> None:
    scene.put_list("government", scene.government_list(issued=NOW + HOUR))

    unknown(await checked(scene.checker(), scene.country.person()), "a time to come")


async def test_what_is_not_known_is_accepted_only_where_that_is_set_for_the_purpose(scene: Scene) -> None:
    checker = scene.checker(accept_unknown=frozenset({Purpose.AUTHENTICATION}))
    both = usage(digital_signature=True, content_commitment=True)
    person = scene.country.person(usage=both, extended=())

    signing_in = await checked(checker, person)
    signing = await checked(checker, person, purpose=Purpose.SIGNATURE)

    assert (signing_in.verdict, signing_in.accepted) == (Verdict.UNKNOWN, True)
    assert (signing.verdict, signing.accepted) == (Verdict.UNKNOWN, False)
    scene.put_list("government", scene.government_list(Entry(person.serial)))
    assert not (await checked(checker, person)).accepted


async def test_a_list_of_another_issuer_says_nothing(scene: Scene) -> None:
    scene.put_list("government", make_list(scene.country.policy))

    unknown(await checked(scene.checker(), scene.country.person()), "no revocation list of its issuer")


async def test_a_list_in_the_issuers_name_but_of_another_key_says_nothing(scene: Scene) -> None:
    impostor = issue(authority_wish("E-Government Authority"))
    scene.put_list("government", make_list(impostor))

    unknown(await checked(scene.checker(), scene.country.person()), "not signed by")


async def test_a_list_by_an_authority_that_may_not_sign_lists_says_nothing(scene: Scene) -> None:
    mute = issue(authority_wish("Mute", usage=usage(key_cert_sign=True)), scene.country.policy)
    scene.put_list("mute", make_list(mute))

    report = await checked(scene.checker(), issue(Wish(), mute), others=[mute.der])

    unknown(report, "not for signing lists")


async def test_a_list_whose_declared_algorithm_is_not_the_signed_one_says_nothing(scene: Scene) -> None:
    der = scene.government_list()
    with_256, with_384 = (bytes.fromhex(f"06082a8648ce3d0403{last}") for last in ("02", "03"))
    outside = der.rpartition(with_256)
    scene.put_list("government", outside[0] + with_384 + outside[2])
    person = scene.country.person()

    unknown(await checked(scene.checker(), person), "no revocation list of its issuer")
    with pytest.raises(ListUnusable, match="not the one that was signed"):
        RevocationList.read(outside[0] + with_384 + outside[2])
    scene.put_list("government", der.replace(with_256, with_384))
    unknown(await checked(scene.checker(), person), "not signed by")


@pytest.mark.parametrize(
    ("extensions", "why"),
    [
        (((x509.DeltaCRLIndicator(1), True),), "no revocation list of its issuer"),
        (
            (
                (
                    x509.IssuingDistributionPoint(
                        full_name=None,
                        relative_name=None,
                        only_contains_user_certs=False,
                        only_contains_ca_certs=True,
                        only_some_reasons=None,
                        indirect_crl=False,
                        only_contains_attribute_certs=False,
                    ),
                    True,
                ),
            ),
            "not for certificates like this one",
        ),
    ],
)
async def test_a_delta_list_or_one_of_authorities_only_says_nothing_of_a_person(
    scene: Scene, extensions: tuple[tuple[x509.ExtensionType, bool], ...], why: str
) -> None:
    scene.put_list("government", scene.government_list(extensions=extensions))

    unknown(await checked(scene.checker(), scene.country.person()), why)


async def test_a_changed_file_counts_at_once_and_a_broken_one_leaves_the_former(scene: Scene) -> None:
    person = scene.country.person()
    scene.put_list("government", scene.government_list())
    checker = scene.checker()
    assert (await checked(checker, person)).verdict is Verdict.GOOD

    scene.put_list("government", scene.government_list(Entry(person.serial)))
    assert (await checked(checker, person)).verdict is Verdict.REVOKED
    scene.put_list("government", b"half a li")
    assert (await checked(checker, person)).verdict is Verdict.REVOKED
    # Laid out like a list, and unreadable inside.
    scene.put_list(
        "government", scene.government_list().replace(b"\x06\x03\x55\x04\x03", b"\x06\x83\x55\x04\x03")
    )
    assert (await checked(checker, person)).verdict is Verdict.REVOKED


async def test_checks_go_on_by_the_former_list_while_a_large_one_is_being_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = scene.country.person()
    scene.put_list("government", scene.government_list())
    checker = scene.checker()
    assert (await checked(checker, person)).verdict is Verdict.GOOD
    loop, reading, may_end = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    read = RevocationList.read

    def slowly(der: bytes) -> RevocationList:
        loop.call_soon_threadsafe(reading.set)
        asyncio.run_coroutine_threadsafe(may_end.wait(), loop).result(60)
        return read(der)

    monkeypatch.setattr(RevocationList, "read", slowly)
    scene.put_list("government", scene.government_list(Entry(person.serial)))

    async with asyncio.timeout(60):
        assert (await checked(checker, person)).verdict is Verdict.GOOD
    assert reading.is_set()
    may_end.set()
    async with asyncio.timeout(60):
        while (await checked(checker, person)).verdict is not Verdict.REVOKED:
            pass


async def test_a_list_that_came_along_is_believed_as_far_as_it_proves_itself(scene: Scene) -> None:
    person = scene.country.person()
    checker = scene.checker()

    along = await checked(checker, person, lists=[b"junk", scene.government_list()])
    forged = make_list(issue(authority_wish("E-Government Authority")))

    assert along.verdict is Verdict.GOOD
    assert along.proofs[0].origin is Origin.GIVEN
    unknown(await checked(checker, person, lists=[forged]), "not signed by")
    revoked = await checked(checker, person, lists=[scene.government_list(Entry(person.serial))])
    assert revoked.verdict is Verdict.REVOKED


async def test_a_weak_digest_in_the_parameters_of_a_signature_is_not_accepted(scene: Scene) -> None:
    key = rsa.generate_private_key(65537, 2048)
    authority = issue(authority_wish("RSA Authority", key=key), scene.country.policy)
    person = issue(Wish(), authority)

    scene.put_list("rsa", make_list(authority, pss=True, digest=hashes.SHA224()))
    unknown(await checked(scene.checker(), person, others=[authority.der]), "algorithm that is not accepted")
    scene.put_list("rsa", make_list(authority, pss=True, digest=hashes.SHA384()))
    assert (await checked(scene.checker(), person, others=[authority.der])).verdict is Verdict.GOOD
