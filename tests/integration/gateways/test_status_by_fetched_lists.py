"""Revocation lists at the addresses that certificates and settings name: real HTTP servers, and liars."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import hashes
from structlog.testing import capture_logs

from server.gateways.certificate_status import list_sources
from server.usecases.certificate_status import Origin, StatusReport, Verdict
from tests.integration.gateways.authorities import (
    HOUR,
    NOW,
    Entry,
    Issued,
    Wish,
    authority_wish,
    issue,
    make_list,
)
from tests.integration.gateways.status_scene import Scene, checked, clock
from tests.integration.gateways.status_servers import http_serving

SHORT = timedelta(milliseconds=300)


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


def person_in(scene: Scene, *paths: str) -> Issued:
    return scene.country.person(lists=tuple(scene.http.url(path) for path in paths or ("gov.crl",)))


async def test_a_list_is_fetched_once_and_serves_everybody(scene: Scene) -> None:
    first, second = person_in(scene), person_in(scene)
    scene.http.files["gov.crl"] = scene.government_list(Entry(second.serial))
    checker = scene.checker()

    reports = await asyncio.gather(*(checked(checker, one) for one in (first, second, first)))

    assert [one.verdict for one in reports] == [Verdict.GOOD, Verdict.REVOKED, Verdict.GOOD]
    assert scene.http.asked == ["gov.crl"]
    assert reports[0].proofs[0].origin is Origin.FETCHED


async def test_a_list_that_the_settings_name_is_fetched_too(scene: Scene) -> None:
    scene.http.files["set.crl"] = scene.government_list()
    checker = scene.checker(lists=(scene.http.url("set.crl"),))

    assert (await checked(checker, scene.country.person())).verdict is Verdict.GOOD


async def test_a_defect_met_in_a_list_is_logged_and_not_met_again_by_every_check(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defective(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(list_sources, "_taken", defective)
    scene.http.files["gov.crl"] = scene.government_list()
    checker = scene.checker()

    with capture_logs() as lines:
        for _ in range(3):
            unknown(await checked(checker, person_in(scene)), "it can't be read")

    assert scene.http.asked == ["gov.crl"]
    assert [line["event"] for line in lines] == ["revocation list can't be read"]


async def test_nothing_is_fetched_from_a_host_that_is_not_set(scene: Scene) -> None:
    async with http_serving() as elsewhere:
        elsewhere.files["gov.crl"] = scene.government_list()
        person = scene.country.person(lists=(elsewhere.url("gov.crl"), "file:///etc/passwd"))

        unknown(await checked(scene.checker(), person), "no revocation list of its issuer")
        assert elsewhere.asked == []


async def test_a_redirect_is_not_followed(scene: Scene) -> None:
    async def redirect(request: web.BaseRequest) -> web.Response:
        raise web.HTTPFound(scene.http.url("gov2.crl"))

    scene.http.handlers["gov.crl"] = redirect
    scene.http.files["gov2.crl"] = scene.government_list()

    unknown(await checked(scene.checker(), person_in(scene)), "status 302")
    assert scene.http.asked == ["gov.crl"]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_huge_answer_is_not_read(scene: Scene, declared: bool) -> None:
    sent = 0

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        if declared:
            response.content_length = 1 << 40
        await response.prepare(request)
        while True:
            await response.write(bytes(64 * 1024))
            sent += 64 * 1024

    scene.http.handlers["gov.crl"] = endless
    checker = scene.checker(longest_list=1024 * 1024)

    unknown(await checked(checker, person_in(scene)), "more than 1048576 bytes")
    assert sent < 64 * 1024 * 1024


async def test_a_packed_answer_is_not_unpacked(scene: Scene) -> None:
    scene.http.files["gov.crl"] = gzip.compress(scene.government_list())
    scene.http.headers["gov.crl"] = {"Content-Encoding": "gzip"}

    unknown(await checked(scene.checker(), person_in(scene)), "not DER")


async def test_a_slow_server_is_not_waited_for_longer_than_set(scene: Scene) -> None:
    never = asyncio.Event()

    async def hang(request: web.BaseRequest) -> web.Response:
        await never.wait()
        return web.Response()

    scene.http.handlers["gov.crl"] = hang
    checker = scene.checker(timeout=SHORT, list_timeout=timedelta(minutes=10))

    unknown(await checked(checker, person_in(scene)), "still being fetched")
    # Others share the one question.
    unknown(await checked(checker, person_in(scene)), "still being fetched")
    assert scene.http.asked == ["gov.crl"]
    never.set()


async def test_what_failed_is_not_tried_again_at_once_and_then_it_is(scene: Scene) -> None:
    patient = scene.checker(retry=timedelta(minutes=1))
    hasty = scene.checker(retry=timedelta(0))
    person = person_in(scene)

    unknown(await checked(patient, person), "status 404")
    scene.http.files["gov.crl"] = scene.government_list()
    unknown(await checked(patient, person), "status 404")
    assert scene.http.asked == ["gov.crl"]
    assert (await checked(hasty, person)).verdict is Verdict.GOOD


async def test_a_forged_list_is_not_kept(scene: Scene) -> None:
    scene.http.files["gov.crl"] = make_list(issue(authority_wish("E-Government Authority")))
    checker = scene.checker(retry=timedelta(0))
    person = person_in(scene)

    unknown(await checked(checker, person), "not signed by")
    scene.http.files["gov.crl"] = scene.government_list()
    assert (await checked(checker, person)).verdict is Verdict.GOOD


async def test_a_list_is_fetched_again_when_due_and_an_older_one_is_not_taken(scene: Scene) -> None:
    person = person_in(scene)
    checker = scene.checker(refresh=timedelta(0), retry=timedelta(0))
    scene.http.files["gov.crl"] = scene.government_list(issued=NOW - 2 * HOUR)
    assert (await checked(checker, person)).verdict is Verdict.GOOD

    scene.http.files["gov.crl"] = scene.government_list(Entry(person.serial), issued=NOW - HOUR)
    async with asyncio.timeout(60):
        while (await checked(checker, person)).verdict is not Verdict.REVOKED:
            pass
    # Somebody on the way plays back the one from before the revocation.
    scene.http.files["gov.crl"] = scene.government_list(issued=NOW - 2 * HOUR)
    asked = len(scene.http.asked)
    async with asyncio.timeout(60):
        while len(scene.http.asked) < asked + 3:
            assert (await checked(checker, person)).verdict is Verdict.REVOKED


async def test_a_list_of_an_authority_not_met_yet_serves_those_below_it_later(scene: Scene) -> None:
    other = issue(authority_wish("Other Authority"), scene.country.policy)
    scene.http.files["other.crl"] = make_list(other)
    scene.put_list("government", scene.government_list())
    checker = scene.checker(lists=(scene.http.url("other.crl"),), retry=timedelta(minutes=1))

    assert (await checked(checker, scene.country.person())).verdict is Verdict.GOOD
    below = await checked(checker, issue(Wish(), other), others=[other.der])
    assert below.verdict is Verdict.GOOD, below.why
    assert scene.http.asked == ["other.crl"]


async def test_nothing_is_fetched_for_a_path_that_somebody_made(scene: Scene) -> None:
    person = person_in(scene)
    scene.http.files["gov.crl"] = scene.government_list()
    root, policy, government = (one.certificate for one in scene.country.authorities)
    impostor = issue(authority_wish("E-Government Authority"), issue(authority_wish("Root")))
    made = issue(Wish(lists=(scene.http.url("gov.crl"),)), impostor)
    player = issue(Wish(lists=(scene.http.url("gov.crl"),)), person)
    checker = scene.checker()

    for path in (
        (made.certificate, impostor.certificate, root),
        (made.certificate, government, policy, root),
        (player.certificate, person.certificate, government, policy, root),
        (person.certificate,),
        (),
    ):
        assert len(await checker.lists_about(path)) == 2
    assert scene.http.asked == []
    assert len(await checker.lists_about((person.certificate, government, policy, root))) == 3


async def test_the_weak_digest_of_a_list_is_not_accepted(scene: Scene) -> None:
    person = person_in(scene)
    scene.http.files["gov.crl"] = scene.government_list(digest=hashes.SHA224())

    unknown(await checked(scene.checker(), person), "algorithm that is not accepted")


async def test_the_former_answer_holds_as_long_as_it_is_in_force_while_the_server_is_away(
    scene: Scene,
) -> None:
    person = scene.country.person(lists=(scene.http.url("gov.crl"),))
    scene.http.files["gov.crl"] = scene.government_list(ends=NOW + HOUR)
    hours = 0
    checker = scene.checker(
        refresh=timedelta(0), retry=timedelta(0), now=lambda: clock() + timedelta(hours=hours)
    )
    assert (await checked(checker, person)).verdict is Verdict.GOOD

    del scene.http.files["gov.crl"]
    assert (await checked(checker, person)).verdict is Verdict.GOOD
    hours = 2
    unknown(await checked(checker, person, clock() + timedelta(hours=hours)), "stale since")
