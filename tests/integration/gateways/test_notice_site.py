"""Public notices on a site over HTTP: also where it fails, lies, is slow, or is somebody else."""

import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from server.dev.pki import DevelopmentPki, Identity
from server.gateways.notice_site import NoticeSite, Site
from server.usecases.notice_ports import NoticeTrouble
from tests.contracts import examples
from tests.contracts.notice_place_contract import DOCUMENT, NoticePlaceContract
from tests.gazette_server import Behaviour, GazetteServer, endless, gazette_serving, hanging_up, with_status

TOKEN = "a-token-of-the-gazette"


@pytest.fixture
async def gazette() -> AsyncIterator[GazetteServer]:
    async with gazette_serving() as server:
        yield server


def site_of(gazette: GazetteServer) -> Site:
    return Site(gazette.url, "https://gazette.example.am/read", connect_seconds=60, seconds=60)


class WatchedSite(NoticeSite):
    """The site's client, and what a reader gets there."""

    def __init__(self, gazette: GazetteServer) -> None:
        super().__init__(replace(site_of(gazette), public_url=gazette.url))
        self._gazette = gazette

    async def public(self, notice_id: UUID) -> bytes | None:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self._gazette.url}/{notice_id}") as answer,
        ):
            return await answer.read() if answer.status == 200 else None


class TestNoticeSite(NoticePlaceContract):
    """The contract, on a site."""

    @pytest.fixture
    def place(self, gazette: GazetteServer) -> WatchedSite:
        return WatchedSite(gazette)


async def trouble(site: NoticeSite, *, withdraw: bool = False) -> NoticeTrouble:
    notice_id = examples.new_id()
    with pytest.raises(NoticeTrouble) as raised:
        await (site.withdraw(notice_id) if withdraw else site.publish(notice_id, DOCUMENT))
    return raised.value


@pytest.mark.parametrize(
    ("behaviour", "reason", "for_good"),
    [
        (with_status(500), "FAILED", False),
        (with_status(502), "FAILED", False),
        (with_status(503), "BUSY", False),
        (with_status(429), "BUSY", False),
        (with_status(401), "REFUSED_US", False),
        (with_status(403), "REFUSED_US", False),
        (with_status(404), "FAILED", False),
        (with_status(409), "CONFLICT", False),
        (with_status(202), "FAILED", False),
        (with_status(400), "REJECTED", True),
        (with_status(413), "REJECTED", True),
        (with_status(301, Location="http://127.0.0.1:9/elsewhere"), "REDIRECTED", False),
        (with_status(307, Location="http://127.0.0.1:9/elsewhere"), "REDIRECTED", False),
        (hanging_up, "UNREACHABLE", False),
        (endless, "TOO_LARGE", False),
    ],
)
async def test_whatever_is_no_yes_to_a_publication_is_a_failure(
    gazette: GazetteServer, behaviour: Behaviour, reason: str, for_good: bool
) -> None:
    gazette.behaviour = behaviour
    found = await trouble(NoticeSite(site_of(gazette)))

    assert (found.reason, found.for_good) == (reason, for_good)
    assert len(set(gazette.asked)) == 1, "no redirect is followed"


@pytest.mark.parametrize("status", [200, 204, 404, 410])
async def test_what_is_gone_is_withdrawn(gazette: GazetteServer, status: int) -> None:
    gazette.behaviour = with_status(status)
    await NoticeSite(site_of(gazette)).withdraw(examples.new_id())
    assert [method for method, _ in gazette.asked] == ["DELETE"]


@pytest.mark.parametrize(
    ("status", "reason", "for_good"),
    [(409, "CONFLICT", False), (500, "FAILED", False), (302, "REDIRECTED", False), (405, "REJECTED", True)],
)
async def test_whatever_else_comes_to_a_withdrawal_is_a_failure(
    gazette: GazetteServer, status: int, reason: str, for_good: bool
) -> None:
    gazette.behaviour = with_status(status, Location="/elsewhere")
    found = await trouble(NoticeSite(site_of(gazette)), withdraw=True)
    assert (found.reason, found.for_good) == (reason, for_good)


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("999999999", timedelta(hours=6)),
        ("-1", None),
        ("Sun, 22 Nov 2026 12:00:00 GMT", None),
    ],
)
async def test_a_site_that_asks_for_a_rest_gets_it_within_reason(
    gazette: GazetteServer, said: str, wait: timedelta | None
) -> None:
    gazette.behaviour = with_status(503, Retry_After=said)
    assert (await trouble(NoticeSite(site_of(gazette)))).wait == wait


async def test_a_site_that_does_not_answer_is_not_waited_for(gazette: GazetteServer) -> None:
    gazette.release.clear()
    site = NoticeSite(replace(site_of(gazette), seconds=0.05))
    assert (await trouble(site)).reason == "TIMED_OUT"


async def test_a_site_that_is_not_there_is_unreachable(gazette: GazetteServer) -> None:
    site = NoticeSite(replace(site_of(gazette), url="http://127.0.0.1:1/notices"))
    assert (await trouble(site)).reason == "UNREACHABLE"


@pytest.mark.parametrize(
    ("location", "is_taken"),
    [
        ("https://gazette.example.am/2026/n-17", True),
        ("/2026/n-17", False),
        ("javascript:alert(1)", False),
        ("https://" + "a" * 500, False),
        ("https://[", False),
        ("https://gazette.example.am/\u00e9", False),
    ],
)
async def test_where_it_can_be_read_is_what_the_site_says_if_that_is_an_address(
    gazette: GazetteServer, location: str, is_taken: bool
) -> None:
    gazette.location = location
    notice_id = examples.new_id()
    where = await NoticeSite(site_of(gazette)).publish(notice_id, DOCUMENT)
    assert where == (location if is_taken else f"https://gazette.example.am/read/{notice_id}")


async def test_the_site_is_shown_the_token_in_the_file_as_it_is_now(
    gazette: GazetteServer, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("another\n")
    gazette.token = TOKEN
    site = NoticeSite(replace(site_of(gazette), token_file=file))
    assert (await trouble(site)).reason == "REFUSED_US"

    file.write_text(f"{TOKEN}\n")
    await site.publish(examples.new_id(), DOCUMENT)
    assert gazette.headers["Content-Type"] == "application/json; charset=utf-8"

    file.unlink()
    assert (await trouble(site)).reason == "MISCONFIGURED"
    with pytest.raises(OSError, match="token"):
        site.check()


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentPki:
    return DevelopmentPki.open(tmp_path_factory.mktemp("pki"))


def speaking_tls(identity: Identity, clients: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.cert_path, identity.key_path)
    if clients is not None:
        context.load_verify_locations(cafile=clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_only_a_site_that_the_authorities_vouch_for_is_believed(pki: DevelopmentPki) -> None:
    async with gazette_serving(speaking_tls(pki.server_identity())) as server:
        stranger = replace(site_of(server), authorities=pki.unknown_authority().path)
        assert (await trouble(NoticeSite(stranger))).reason == "UNTRUSTED"
        assert server.entries == {}

        known = replace(site_of(server), authorities=pki.server_root_path)
        await NoticeSite(known).publish(examples.new_id(), DOCUMENT)
        assert len(server.entries) == 1


async def test_a_site_that_wants_our_certificate_gets_it(pki: DevelopmentPki) -> None:
    ours = pki.machine("post", organisation="The post", common_name="post")
    context = speaking_tls(pki.server_identity(), clients=pki.client_roots_path)
    async with gazette_serving(context) as server:
        without = replace(site_of(server), authorities=pki.server_root_path)
        assert (await trouble(NoticeSite(without))).reason in ("UNTRUSTED", "UNREACHABLE")

        site = NoticeSite(replace(without, certificate=ours.cert_path, key=ours.key_path))
        await site.publish(examples.new_id(), DOCUMENT)
        assert len(server.entries) == 1
