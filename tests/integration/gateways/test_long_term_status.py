"""What shows that certificates are not revoked: from files and hosts that are named, in bounded time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from namak.signatures.report import RevocationStatus
from namak.signatures.revocation import revocation_of
from namak.signatures.trust import RevocationMaterial
from server.gateways import long_term_status
from server.gateways.certificate_status.fetching import Place
from server.gateways.certificate_status.settings import Revocation
from server.gateways.long_term_status import LongTermStatus, StatusRevoked, StatusUnknown
from tests.integration.gateways.authorities import (
    COMMITMENT,
    DAY,
    HOUR,
    NOW,
    OCSP_SIGNING,
    Country,
    Entry,
    Issued,
    Wish,
    issue,
    make_list,
)
from tests.integration.gateways.status_servers import HttpServer, http_serving, openssl_responder

COUNTRY = Country()
ROOT, POLICY, OFFICE = COUNTRY.authorities


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with http_serving() as serving:
        yield serving


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The lists of the authorities above, and none about who is certified by the last one."""
    (tmp_path / "root.crl").write_bytes(make_list(ROOT))
    (tmp_path / "policy.crl").write_bytes(make_list(POLICY))
    return tmp_path


def path_of(seal: Issued) -> list[x509.Certificate]:
    return [each.certificate for each in (seal, OFFICE, POLICY, ROOT)]


def seal_naming(**named: object) -> Issued:
    return COUNTRY.person(label="Seal", usage=COMMITMENT, extended=(), **named)


async def about(
    path: list[x509.Certificate],
    directory: Path | None,
    *ports: int,
    seconds: float = 20.0,
    now: datetime = NOW,
) -> RevocationMaterial:
    places = frozenset(Place("127.0.0.1", port) for port in ports)
    settings = Revocation(places=places, timeout=timedelta(seconds=seconds))
    status = LongTermStatus(directory, settings, now=lambda: now)
    try:
        return await status.about(path)
    finally:
        await status.close()


def suffices(path: list[x509.Certificate], material: RevocationMaterial) -> bool:
    """Tells whether a verifier finds by it that none is revoked."""
    pairs = pairwise(path)
    found = (revocation_of(own, issuer, material, used=NOW, now=NOW + 900 * DAY) for own, issuer in pairs)
    return all(each.status is RevocationStatus.GOOD for each in found)


async def test_lists_of_the_directory_show_it_and_the_newest_is_taken(directory: Path) -> None:
    path, newest = path_of(seal_naming()), make_list(OFFICE)
    (directory / "office-old.crl").write_bytes(make_list(OFFICE, issued=NOW - DAY))
    (directory / "office.crl").write_bytes(newest)
    (directory / "other.crl").write_bytes(make_list(COUNTRY.person(label="Other")))
    (directory / "broken.crl").write_bytes(b"none")

    material = await about(path, directory)

    assert suffices(path, material)
    assert (len(material.crls), material.ocsps) == (3, ())
    assert newest in material.crls


@pytest.mark.parametrize("lists", ["none", "stale", "to come", "forged"])
async def test_without_a_list_that_counts_nobody_can_tell(directory: Path, lists: str) -> None:
    made = {
        "stale": make_list(OFFICE, issued=NOW - 9 * DAY, ends=NOW - DAY),
        "to come": make_list(OFFICE, issued=NOW + HOUR),
        "forged": make_list(seal_naming(), name=OFFICE.certificate.subject),
    }
    if lists in made:
        (directory / "office.crl").write_bytes(made[lists])
    with pytest.raises(StatusUnknown, match=r"CN=Seal.*there is no list of its issuer that is in force"):
        await about(path_of(seal_naming()), directory)


async def test_one_that_is_revoked_is_told_also_by_a_list_that_is_stale(directory: Path) -> None:
    seal = seal_naming()
    stale = make_list(OFFICE, (Entry(seal.serial, NOW - 5 * DAY),), issued=NOW - 4 * DAY, ends=NOW - DAY)
    (directory / "office-stale.crl").write_bytes(stale)
    (directory / "office.crl").write_bytes(make_list(OFFICE))
    with pytest.raises(StatusRevoked, match="CN=Seal"):
        await about(path_of(seal), directory)


async def test_a_forged_list_revokes_nothing(directory: Path) -> None:
    seal = seal_naming()
    forged = make_list(seal_naming(), (Entry(seal.serial),), name=OFFICE.certificate.subject)
    (directory / "forged.crl").write_bytes(forged)
    (directory / "office.crl").write_bytes(make_list(OFFICE))
    assert suffices(path_of(seal), await about(path_of(seal), directory))


async def test_a_newer_list_that_has_ended_keeps_none_in_force_from_being_taken(directory: Path) -> None:
    path, in_force = path_of(seal_naming()), make_list(OFFICE, issued=NOW - DAY)
    (directory / "ended.crl").write_bytes(make_list(OFFICE, issued=NOW - 2 * HOUR, ends=NOW - HOUR))
    (directory / "office.crl").write_bytes(in_force)
    assert in_force in (await about(path, directory)).crls


async def test_a_list_that_replaces_another_counts_at_once(directory: Path) -> None:
    seal = seal_naming()
    office = directory / "office.crl"
    office.write_bytes(make_list(OFFICE))
    status = LongTermStatus(directory, Revocation(), now=lambda: NOW)
    try:
        assert suffices(path_of(seal), await status.about(path_of(seal)))
        office.write_bytes(make_list(OFFICE, (Entry(seal.serial),)))
        with pytest.raises(StatusRevoked, match="CN=Seal"):
            await status.about(path_of(seal))
    finally:
        await status.close()


async def test_a_list_is_fetched_only_from_a_host_that_is_named(directory: Path, server: HttpServer) -> None:
    server.files["office.crl"] = make_list(OFFICE)
    path = path_of(seal_naming(lists=(server.url("office.crl"),)))
    with pytest.raises(StatusUnknown):
        await about(path, directory)
    assert server.asked == []
    assert suffices(path, await about(path, directory, server.port))
    assert server.asked == ["office.crl"]


async def test_a_responder_is_asked_where_lists_do_not_tell_or_are_too_long(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = issue(Wish(label="Responder", usage=COMMITMENT, extended=OCSP_SIGNING, no_check=True), OFFICE)
    seal = seal_naming()
    async with openssl_responder(tmp_path / "responder", OFFICE, signer, good=(seal,)) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        named = _naming(seal, url)
        path = path_of(named)
        # The responder goes by the machine's clock.
        material = await about(path, directory, port, now=datetime.now(UTC))
        assert (len(material.crls), len(material.ocsps)) == (2, 1)
        assert suffices(path, material)

        long = make_list(OFFICE, tuple(Entry(number + 1) for number in range(50)))
        (directory / "office.crl").write_bytes(long)
        monkeypatch.setattr(long_term_status, "MOST_LIST_BYTES", len(long) - 1)
        material = await about(path, directory, port, now=datetime.now(UTC))
        assert long not in material.crls
        assert len(material.ocsps) == 1
        with pytest.raises(StatusUnknown, match="the list of its issuer has more than"):
            await about(path_of(seal), directory)


async def test_a_response_revokes_as_a_list_does(directory: Path, tmp_path: Path) -> None:
    signer = issue(Wish(label="Responder", usage=COMMITMENT, extended=OCSP_SIGNING, no_check=True), OFFICE)
    seal = seal_naming()
    revoked = (Entry(seal.serial),)
    async with openssl_responder(tmp_path / "responder", OFFICE, signer, revoked=revoked) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        with pytest.raises(StatusRevoked, match="CN=Seal"):
            await about(path_of(_naming(seal, url)), directory, port, now=datetime.now(UTC))


def _naming(seal: Issued, url: str) -> Issued:
    """Returns a certificate of the same number, which names the responder."""
    wish = Wish(label="Seal", usage=COMMITMENT, extended=(), responder=url)
    made = issue(wish, OFFICE)
    builder = x509.CertificateBuilder(
        issuer_name=made.certificate.issuer,
        subject_name=made.certificate.subject,
        public_key=made.certificate.public_key(),
        serial_number=seal.serial,
        not_valid_before=made.certificate.not_valid_before_utc,
        not_valid_after=made.certificate.not_valid_after_utc,
        extensions=list(made.certificate.extensions),
    )
    return Issued(builder.sign(OFFICE.key, hashes.SHA256()), made.key)


async def test_a_server_that_hangs_is_waited_for_a_short_while(directory: Path, server: HttpServer) -> None:
    hung = asyncio.Event()

    async def hang(_: web.BaseRequest) -> web.StreamResponse:
        await hung.wait()
        raise web.HTTPNotFound

    server.handlers["office.crl"] = hang
    path = path_of(seal_naming(lists=(server.url("office.crl"),)))
    with pytest.raises(StatusUnknown, match="CN=Seal"):
        await about(path, directory, server.port, seconds=0.2)
    # Also where there are many that hang.
    urls = tuple(server.url(f"office.crl?{number}") for number in range(5))
    with pytest.raises(StatusUnknown, match="did not come in time"):
        await about(path_of(seal_naming(lists=urls)), directory, server.port, seconds=0.2)
    hung.set()


async def test_what_lies_here_revokes_before_anybody_is_waited_for(
    directory: Path, server: HttpServer
) -> None:
    hung = asyncio.Event()

    async def hang(_: web.BaseRequest) -> web.StreamResponse:
        await hung.wait()
        raise web.HTTPNotFound

    server.handlers["office.crl"] = hang
    seal = seal_naming(lists=tuple(server.url(f"office.crl?{number}") for number in range(5)))
    (directory / "office.crl").write_bytes(make_list(OFFICE, (Entry(seal.serial),)))
    with pytest.raises(StatusRevoked, match="CN=Seal"):
        await about(path_of(seal), directory, server.port, seconds=0.2)
    hung.set()


async def test_that_one_is_revoked_counts_though_nothing_is_known_of_another(server: HttpServer) -> None:
    seal = seal_naming(lists=(server.url("office.crl"),))
    server.files["office.crl"] = make_list(OFFICE, (Entry(seal.serial),))
    # Of the authorities it is clear at once that nothing tells.
    with pytest.raises(StatusRevoked, match="CN=Seal"):
        await about(path_of(seal), None, server.port)
