"""OCSP answers that no honest responder gives, or that come from another time, and responders that hang."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from server.gateways.certificate_status.ocsp_answer import ANSWER_BYTES, Rules
from server.usecases.certificate_status import StatusReport, Verdict
from tests.integration.gateways.authorities import (
    DAY,
    HOUR,
    NOW,
    Issued,
    authority_wish,
    issue,
)
from tests.integration.gateways.ocsp_answers import answer_about, responder_wish, saying, unknown
from tests.integration.gateways.status_scene import Scene, checked, clock
from tests.integration.gateways.status_servers import http_serving

SHORT = timedelta(milliseconds=300)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with http_serving() as http:
        made = Scene(tmp_path, http)
        yield made
        await made.close()


async def told(scene: Scene, person: Issued, answer: bytes, **choices: Any) -> StatusReport:
    scene.http.handlers["ocsp"] = saying(answer)
    return await checked(scene.checker(responder=scene.http.url("ocsp"), **choices), person)


async def test_one_made_beforehand_is_believed_without_a_nonce_unless_one_is_required(scene: Scene) -> None:
    person = scene.country.person()
    answer = answer_about(person, scene.country.government)

    assert (await told(scene, person, answer)).verdict is Verdict.GOOD
    strict = Rules(nonce_required=True)
    unknown(await told(scene, person, answer, rules=strict), "lacks the question's nonce")


async def test_one_about_another_certificate_or_another_issuers_is_not_believed(scene: Scene) -> None:
    person, government = scene.country.person(), scene.country.government
    other = answer_about(scene.country.person(), government)
    elsewhere = answer_about(person, scene.country.policy, signer=issue(responder_wish(), government))

    unknown(await told(scene, person, other), "about another certificate")
    unknown(await told(scene, person, elsewhere), "about another certificate")


async def test_old_ones_are_not_believed(scene: Scene) -> None:
    person, government = scene.country.person(), scene.country.government
    ended = answer_about(person, government, issued=NOW - 2 * HOUR, ends=NOW - HOUR)
    endless = answer_about(person, government, issued=NOW - 25 * HOUR)
    patient = answer_about(person, government, issued=NOW - 25 * HOUR, ends=NOW + 300 * DAY)
    coming = answer_about(person, government, issued=clock() + HOUR)

    for answer in (ended, endless, patient):
        unknown(await told(scene, person, answer), "stale since")
    unknown(await told(scene, person, coming), "a time to come")
    young = answer_about(person, government, issued=NOW - 23 * HOUR)
    assert (await told(scene, person, young)).verdict is Verdict.GOOD


async def test_one_signed_by_a_stranger_is_not_believed_whatever_name_it_bears(scene: Scene) -> None:
    person, government = scene.country.person(), scene.country.government
    impostor = issue(authority_wish("E-Government Authority"))
    delegate = issue(responder_wish(), government)
    named = answer_about(person, government, signer=impostor, by_name=True, along=())
    alone = answer_about(person, government, signer=delegate, along=())
    by_person = answer_about(person, government, signer=person)

    unknown(await told(scene, person, named), "not signed by")
    unknown(await told(scene, person, alone), "signed by a stranger")
    unknown(await told(scene, person, by_person), "not for answering")


async def test_one_whose_algorithm_is_not_the_one_used_is_not_believed(scene: Scene) -> None:
    person, government = scene.country.person(), scene.country.government
    honest = answer_about(person, government)
    with_256, with_384 = (bytes.fromhex(f"06082a8648ce3d0403{last}") for last in ("02", "03"))
    assert honest.count(with_256) == 1

    unknown(await told(scene, person, honest.replace(with_256, with_384)), "not signed by")


async def test_an_rsa_key_is_not_taken_for_the_curve_that_an_answer_declares(scene: Scene) -> None:
    person, government = scene.country.person(), scene.country.government
    trusted = issue(responder_wish(key=rsa.generate_private_key(65537, 2048)), government)
    curve = issue(responder_wish())
    answer = answer_about(person, government, signer=curve, by_name=True, along=(trusted,))

    unknown(await told(scene, person, answer), "not one of the signer's key")


async def test_critical_extensions_that_are_not_understood_refuse_it(scene: Scene) -> None:
    person = scene.country.person()
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    critical, harmless = (
        answer_about(person, scene.country.government, extension=(strange, wanted))
        for wanted in (True, False)
    )

    unknown(await told(scene, person, critical), "critical extension")
    assert (await told(scene, person, harmless)).verdict is Verdict.GOOD


@pytest.mark.parametrize("status", list(ocsp.OCSPResponseStatus)[1:])
async def test_a_refusal_to_answer_is_told(scene: Scene, status: ocsp.OCSPResponseStatus) -> None:
    refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)

    unknown(await told(scene, scene.country.person(), refusal), status.name.lower())


@pytest.mark.parametrize("junk", [b"", b"\x30\x00", b"<html>", bytes(1000)])
async def test_junk_is_not_read(scene: Scene, junk: bytes) -> None:
    unknown(await told(scene, scene.country.person(), junk), "cannot be read")


async def test_a_huge_answer_is_not_read(scene: Scene) -> None:
    unknown(await told(scene, scene.country.person(), bytes(ANSWER_BYTES + 1)), "more than")


async def test_an_older_answer_does_not_undo_a_newer_one(scene: Scene) -> None:
    person, government = scene.country.person(), scene.country.government
    revoked = answer_about(person, government, status=ocsp.OCSPCertStatus.REVOKED)
    old = answer_about(person, government, issued=clock() - HOUR)
    # Each check asks about the three certificates below the root, the person's first.
    answers = {"first": revoked, "then": old}
    turn = "first"

    async def say(request: web.BaseRequest) -> web.Response:
        return web.Response(body=answers[turn])

    scene.http.handlers["ocsp"] = say
    checker = scene.checker(responder=scene.http.url("ocsp"), refresh=timedelta(0), retry=timedelta(0))
    assert (await checked(checker, person)).verdict is Verdict.REVOKED
    turn = "then"

    assert (await checked(checker, person)).verdict is Verdict.REVOKED


async def test_revoked_after_the_time_asked_about_is_good_then(scene: Scene) -> None:
    person, government = scene.country.person(), scene.country.government
    scene.http.handlers["ocsp"] = saying(answer_about(person, government, status=ocsp.OCSPCertStatus.REVOKED))
    checker = scene.checker(responder=scene.http.url("ocsp"))

    assert (await checked(checker, person, NOW - 2 * HOUR)).verdict is Verdict.GOOD
    assert (await checked(checker, person)).verdict is Verdict.REVOKED


async def test_a_slow_responder_is_not_waited_for_longer_than_set_and_left_alone_then(scene: Scene) -> None:
    never = asyncio.Event()

    async def hang(request: web.BaseRequest) -> web.Response:
        await never.wait()
        return web.Response()

    scene.http.handlers["ocsp"] = hang
    checker = scene.checker(responder=scene.http.url("ocsp"), timeout=SHORT)
    person = scene.country.person()

    unknown(await checked(checker, person), "did not answer in time")
    asked = len(scene.http.asked)
    unknown(await checked(checker, person), "did not answer in time")
    assert len(scene.http.asked) == asked
    never.set()


async def test_a_responder_on_a_host_that_is_not_set_is_not_asked(scene: Scene) -> None:
    async with http_serving() as elsewhere:
        person = scene.country.person(responder=elsewhere.url("ocsp"))
        report = await checked(scene.checker(), person)

        assert report.verdict is Verdict.UNKNOWN
        assert elsewhere.asked == []
