"""The registers' client knows the register it talks to, and shows who it is."""

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from server.dev.pki import DevelopmentPki, Identity
from server.domain.state_records import Fault, Found, PersonRecord, Unavailable
from server.gateways.state_registers import answers
from server.gateways.state_registers.register import Patience, Register
from server.gateways.state_registers.transport import Endpoint
from tests.register_server import PERSONS, RegisterServer, answering, person, registers_serving

NUMBER = "5001950015"
PATIENCE = Patience(attempts=1, failures=1000)
TOKEN = "a-token-of-the-register"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentPki:
    return DevelopmentPki.open(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def ours(pki: DevelopmentPki) -> Identity:
    return pki.machine("post", organisation="The post", common_name="post")


def speaking_tls(identity: Identity, clients: Path | None = None) -> ssl.SSLContext:
    """Returns what a server with this certificate speaks, to everybody or to clients of these roots."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.cert_path, identity.key_path)
    if clients is not None:
        context.load_verify_locations(cafile=clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@asynccontextmanager
async def serving(context: ssl.SSLContext) -> AsyncIterator[RegisterServer]:
    async with registers_serving(context) as server:
        server.show(PERSONS, person(NUMBER))
        yield server


@asynccontextmanager
async def asking(endpoint: Endpoint, patience: Patience = PATIENCE) -> AsyncIterator[Register[PersonRecord]]:
    register = Register("persons", endpoint, answers.person, patience)
    try:
        yield register
    finally:
        await register.close()


async def ask(register: Register[PersonRecord]) -> Found[PersonRecord] | Fault:
    answer = await register.ask(NUMBER, no_older_than=timedelta(0))
    assert not isinstance(answer, Unavailable) or answer.retry_after > timedelta(0)
    if isinstance(answer, Found):
        return answer
    assert isinstance(answer, Unavailable)
    return answer.fault


async def test_the_register_that_the_authorities_vouch_for_is_believed(
    pki: DevelopmentPki,
) -> None:
    async with serving(speaking_tls(pki.server_identity())) as server:
        endpoint = Endpoint(server.url(PERSONS), authorities=pki.server_root_path)
        async with asking(endpoint) as register:
            assert isinstance(await ask(register), Found)


async def test_a_stranger_s_certificate_is_not_believed(pki: DevelopmentPki) -> None:
    async with serving(speaking_tls(pki.server_identity())) as server:
        stranger = pki.unknown_authority().path
        async with asking(Endpoint(server.url(PERSONS), authorities=stranger)) as register:
            assert await ask(register) is Fault.UNTRUSTED
        assert server.asked[NUMBER] == 0


async def test_another_name_than_the_register_s_is_not_believed(pki: DevelopmentPki, ours: Identity) -> None:
    # The same authority, but a certificate for no server of this name.
    async with serving(speaking_tls(ours)) as server:
        endpoint = Endpoint(server.url(PERSONS), authorities=pki.agency_authority.path)
        async with asking(endpoint) as register:
            assert await ask(register) is Fault.UNTRUSTED
        assert server.asked[NUMBER] == 0


async def test_the_register_lets_in_who_shows_the_certificate(pki: DevelopmentPki, ours: Identity) -> None:
    context = speaking_tls(pki.server_identity(), clients=pki.client_roots_path)
    async with serving(context) as server:
        with_it = Endpoint(
            server.url(PERSONS),
            authorities=pki.server_root_path,
            certificate=ours.cert_path,
            key=ours.key_path,
        )
        async with asking(with_it) as register:
            assert isinstance(await ask(register), Found)


async def test_a_register_that_wants_a_certificate_does_not_trust_who_has_none(pki: DevelopmentPki) -> None:
    context = speaking_tls(pki.server_identity(), clients=pki.client_roots_path)
    async with serving(context) as server:
        async with asking(Endpoint(server.url(PERSONS), authorities=pki.server_root_path)) as register:
            # Not every server says why it hangs up.
            assert await ask(register) in {Fault.UNTRUSTED, Fault.UNREACHABLE}
        assert server.asked[NUMBER] == 0


async def test_old_versions_of_tls_are_not_spoken(pki: DevelopmentPki) -> None:
    context = speaking_tls(pki.server_identity())
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serving(context) as server:
        async with asking(Endpoint(server.url(PERSONS), authorities=pki.server_root_path)) as register:
            # Not every server says why it hangs up.
            assert await ask(register) in {Fault.UNTRUSTED, Fault.UNREACHABLE}
        assert server.asked[NUMBER] == 0


async def test_the_token_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("an-old-one\n")
    async with registers_serving() as server:
        server.show(PERSONS, person(NUMBER))
        server.token = TOKEN
        async with asking(Endpoint(server.url(PERSONS), token_file=token)) as register:
            assert await ask(register) is Fault.REFUSED_US
            fresh = tmp_path / "fresh"
            fresh.write_text(f"{TOKEN}\n")
            fresh.rename(token)
            assert isinstance(await ask(register), Found)


async def test_new_authorities_are_read_when_their_file_changes(pki: DevelopmentPki, tmp_path: Path) -> None:
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(pki.unknown_authority().path.read_bytes())
    async with (
        serving(speaking_tls(pki.server_identity())) as server,
        asking(Endpoint(server.url(PERSONS), authorities=authorities)) as register,
    ):
        assert await ask(register) is Fault.UNTRUSTED
        fresh = tmp_path / "fresh.pem"
        fresh.write_bytes(pki.server_root_path.read_bytes())
        fresh.rename(authorities)
        assert isinstance(await ask(register), Found)


@pytest.mark.parametrize("content", ["", "two\nlines", "a\x00b", "ключ"])
async def test_a_file_without_a_token_is_told_of_and_nothing_is_asked(content: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(content, encoding="utf-8")
    async with registers_serving() as server:
        async with asking(Endpoint(server.url(PERSONS), token_file=token)) as register:
            assert await ask(register) is Fault.UNTRUSTED
        assert server.asked[NUMBER] == 0


async def test_no_proxy_of_the_environment_learns_of_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    async with registers_serving() as proxy, registers_serving() as server:
        server.show(PERSONS, person(NUMBER))
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setitem(os.environ, name, f"http://127.0.0.1:{proxy.port}")
        async with asking(Endpoint(server.url(PERSONS))) as register:
            assert isinstance(await ask(register), Found)
        assert not proxy.asked


async def test_a_question_carries_what_it_must_and_no_more(tmp_path: Path) -> None:
    async with registers_serving() as server:
        server.behave(NUMBER, answering(person(NUMBER), headers={"Set-Cookie": "who=5001950015"}))
        async with asking(Endpoint(server.url(PERSONS))) as register:
            await ask(register)
            await ask(register)
        assert server.headers["User-Agent"] == "namak"
        headers = {name.lower() for name in server.headers}
        assert headers == {"host", "accept", "accept-encoding", "user-agent"}
