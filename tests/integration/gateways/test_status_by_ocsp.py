"""Revocation by OCSP: real `openssl ocsp` responders on loopback, answers that are played back, and liars."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from server.usecases.certificate_status import CheckKind, Origin, Outcome, Verdict
from tests.integration.gateways.authorities import (
    DAY,
    HOUR,
    NOW,
    Entry,
    Wish,
    authority_wish,
    issue,
    usage,
)
from tests.integration.gateways.ocsp_answers import forwarding, is_about, responder_wish, saying, unknown
from tests.integration.gateways.status_scene import Scene, check_of, checked, clock
from tests.integration.gateways.status_servers import http_serving, openssl_responder

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with http_serving() as http:
        made = Scene(tmp_path, http)
        yield made
        await made.close()


async def test_tells_good_from_revoked_with_date_and_reason(scene: Scene, tmp_path: Path) -> None:
    government = scene.country.government
    good, revoked = scene.country.person(), scene.country.person()
    delegate = issue(responder_wish(), government)
    entry = Entry(revoked.serial, NOW - HOUR, x509.ReasonFlags.key_compromise)
    async with openssl_responder(
        tmp_path / "ocsp", government, delegate, good=(good,), revoked=(entry,)
    ) as url:
        checker = scene.checker(url, responder=url)
        # Whoever is above the person has other responders: there are lists.
        fine, told = await checked(checker, good), await checked(checker, revoked)

    assert check_of(fine, CheckKind.OCSP).outcome is Outcome.PASSED, fine
    assert fine.verdict is Verdict.GOOD
    assert told.verdict is Verdict.REVOKED
    assert (told.revoked_since, told.revocation_reason) == (NOW - HOUR, "keyCompromise")
    (proof,) = [proof for proof in told.proofs if proof.kind is CheckKind.OCSP]
    assert ocsp.load_der_ocsp_response(proof.der).serial_number == revoked.serial
    assert proof.origin is Origin.FETCHED
    assert proof.ends is not None


@pytest.mark.parametrize("digest", ["sha256", "sha1"])
async def test_the_issuer_itself_may_answer_at_the_address_in_the_certificate(
    scene: Scene, tmp_path: Path, digest: str
) -> None:
    government = scene.country.government
    async with openssl_responder(tmp_path / "ocsp", government, government) as url:
        person = scene.country.person(responder=url)
        unknown(await checked(scene.checker(url), person), "does not know the certificate")
    async with openssl_responder(tmp_path / "ocsp", government, government, good=(person,)) as url:
        report = await checked(scene.checker(url, responder=url, digest=digest), person)

    assert report.verdict is Verdict.GOOD


async def test_a_responder_of_an_rsa_authority_and_its_sha1_answers(scene: Scene, tmp_path: Path) -> None:
    authority = issue(authority_wish("RSA", key=rsa.generate_private_key(65537, 2048)), scene.country.policy)
    person = issue(Wish(), authority)
    place = tmp_path / "ocsp"
    async with openssl_responder(place, authority, authority, good=(person,)) as url:
        good = await checked(scene.checker(url, responder=url), person, others=[authority.der])
    async with openssl_responder(
        place, authority, authority, good=(person,), options=("-rmd", "sha1")
    ) as url:
        weak = await checked(scene.checker(url, responder=url), person, others=[authority.der])

    assert good.verdict is Verdict.GOOD, good
    unknown(weak, "algorithm that is not accepted")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"extended": ()}, "not for answering"),
        ({"extended": (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)}, "not for answering"),
        ({"usage": usage(key_encipherment=True)}, "not for answering"),
        ({"begin": NOW - 3 * DAY, "end": NOW - DAY}, "not valid when it answered"),
        ({"key": rsa.generate_private_key(65537, 1024)}, "too weak"),
        ({"no_check": False}, "revoked, or nobody can tell"),
    ],
)
async def test_a_delegate_that_is_not_authorised_is_not_believed(
    scene: Scene, tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    government, person = scene.country.government, scene.country.person()
    delegate = issue(responder_wish(**changes), government)
    async with openssl_responder(tmp_path / "ocsp", government, delegate, good=(person,)) as url:
        unknown(await checked(scene.checker(url, responder=url), person), why)


async def test_a_delegate_of_a_stranger_or_of_the_authority_above_is_not_believed(
    scene: Scene, tmp_path: Path
) -> None:
    government, person = scene.country.government, scene.country.person()
    impostor = issue(authority_wish("E-Government Authority"))
    for signer in (
        issue(responder_wish(), impostor),
        issue(responder_wish(), scene.country.policy),
        impostor,
    ):
        async with openssl_responder(tmp_path / "ocsp", government, signer, good=(person,)) as url:
            report = await checked(scene.checker(url, responder=url), person)
        assert report.verdict is Verdict.UNKNOWN
        assert check_of(report, CheckKind.OCSP).outcome is Outcome.UNKNOWN


async def test_a_delegate_that_may_be_revoked_is_looked_up_in_the_lists(scene: Scene, tmp_path: Path) -> None:
    government, person = scene.country.government, scene.country.person()
    delegate = issue(responder_wish(no_check=False), government)
    async with openssl_responder(tmp_path / "ocsp", government, delegate, good=(person,)) as url:
        scene.put_list("government", scene.government_list())
        listed = await checked(scene.checker(url, responder=url, require="all"), person)
        scene.put_list("government", scene.government_list(Entry(delegate.serial)))
        revoked = await checked(scene.checker(url, responder=url, require="all"), person)

    assert listed.verdict is Verdict.GOOD, listed
    unknown(revoked, "revoked, or nobody can tell")


async def test_list_and_responder_must_agree_that_a_certificate_is_good(scene: Scene, tmp_path: Path) -> None:
    government, person = scene.country.government, scene.country.person()
    scene.put_list("government", scene.government_list())
    entry = Entry(person.serial)
    async with openssl_responder(tmp_path / "ocsp", government, government, revoked=(entry,)) as url:
        assert (await checked(scene.checker(url, responder=url), person)).verdict is Verdict.REVOKED
    async with openssl_responder(tmp_path / "ocsp", government, government, good=(person,)) as url:
        scene.put_list("government", scene.government_list(entry))
        assert (await checked(scene.checker(url, responder=url), person)).verdict is Verdict.REVOKED


async def test_a_responder_that_is_gone_leaves_what_it_said_until_that_ends(
    scene: Scene, tmp_path: Path
) -> None:
    government, person = scene.country.government, scene.country.person()
    minutes = 0
    async with openssl_responder(tmp_path / "ocsp", government, government, good=(person,)) as url:
        checker = scene.checker(
            url,
            responder=url,
            refresh=timedelta(0),
            retry=timedelta(0),
            now=lambda: clock() + timedelta(minutes=minutes),
        )
        assert (await checked(checker, person)).verdict is Verdict.GOOD

    assert (await checked(checker, person)).verdict is Verdict.GOOD
    minutes = 10
    unknown(await checked(checker, person, clock() + 10 * MINUTE), "cannot be reached")


async def test_equal_questions_at_once_are_asked_once_and_answers_are_kept(
    scene: Scene, tmp_path: Path
) -> None:
    government, person = scene.country.government, scene.country.person()
    async with openssl_responder(tmp_path / "ocsp", government, government, good=(person,)) as url:
        scene.http.handlers["ocsp"] = forwarding(url)
        checker = scene.checker(url, responder=scene.http.url("ocsp"))
        reports = await asyncio.gather(*(checked(checker, person) for _ in range(5)))
        reports.append(await checked(checker, person))

    assert {report.verdict for report in reports} == {Verdict.GOOD}
    # The one set is for persons: the authorities above are not this responder's to tell of.
    assert len(scene.http.asked) == 1


async def test_an_answer_that_is_played_back_is_refused_by_its_nonce(scene: Scene, tmp_path: Path) -> None:
    government, person = scene.country.government, scene.country.person()
    kept: list[bytes] = []
    async with openssl_responder(tmp_path / "ocsp", government, government, good=(person,)) as url:
        scene.http.handlers["ocsp"] = forwarding(url, kept)
        first = scene.checker(url, responder=scene.http.url("ocsp"))
        assert (await checked(first, person)).verdict is Verdict.GOOD
    answer = next(der for der in kept if is_about(der, person))
    scene.http.handlers["ocsp"] = saying(answer)
    second = scene.checker(responder=scene.http.url("ocsp"))

    unknown(await checked(second, person), "another question's nonce: it is replayed")


async def test_a_stapled_answer_is_believed_and_the_responder_not_asked(scene: Scene, tmp_path: Path) -> None:
    government, person, other = scene.country.government, scene.country.person(), scene.country.person()
    kept: list[bytes] = []
    async with openssl_responder(
        tmp_path / "ocsp", government, government, good=(person,), revoked=(Entry(other.serial),)
    ) as url:
        scene.http.handlers["ocsp"] = forwarding(url, kept)
        asking = scene.checker(url, responder=scene.http.url("ocsp"))
        for one in (person, other):
            await checked(asking, one)
    stapled = [der for der in kept if is_about(der, person) or is_about(der, other)]
    checker = scene.checker()

    report = await checked(checker, person, answers=[b"junk", *stapled])
    assert report.verdict is Verdict.GOOD, report
    assert report.proofs[0].origin is Origin.GIVEN
    assert (await checked(checker, other, answers=stapled)).verdict is Verdict.REVOKED
    unknown(await checked(checker, person, answers=stapled[1:]), "about another certificate")
    later = await checked(scene.checker(now=lambda: clock() + HOUR), person, clock() + HOUR, answers=stapled)
    assert later.verdict is Verdict.UNKNOWN
