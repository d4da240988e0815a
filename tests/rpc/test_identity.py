"""The decision table of certificates, and how long an answer may be remembered."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from uuid import uuid4

import pytest

from server.domain.caller import Caller, Connection, Holder, Operator, Sender, Stranger
from server.domain.refusals import (
    CertificateRevoked,
    CertificateUnbound,
    RevocationStatusUnknown,
    ServiceUnavailable,
)
from server.interceptors.peer_identity import address_of
from server.usecases.identity import Identity
from server.usecases.ports import Transaction
from tests.rpc.register import Register
from tests.waiting import until

CERTIFICATE = b"a certificate"
SHA256 = hashlib.sha256(CERTIFICATE).digest()
ADDRESS = ip_address("192.0.2.7")
CONNECTION = Connection(SHA256, ADDRESS)


class Clocks:
    """The time of day and the monotonic clock, both moved by hand."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.seconds


class Persons:
    """Knows whose certificate is whose; an exception stands for a refusal."""

    def __init__(self) -> None:
        self.known: dict[bytes, str | Exception] = {}

    async def person_of(self, certificate: bytes, at: datetime) -> str | None:
        found = self.known.get(certificate)
        if isinstance(found, Exception):
            raise found
        return found


class SlowRegister(Register):
    """A register whose every look waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.finished = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        async with super().reading() as tx:
            await self.go.wait()
            yield tx
        self.finished += 1


class Scene:
    def __init__(self, register: Register | None = None, *, remembered_certificates: int = 100) -> None:
        self.register = register or Register()
        self.persons, self.clocks = Persons(), Clocks()
        self.identity = Identity(
            self.register.uow,
            self.persons,
            self.clocks,
            monotonic=self.clocks.monotonic,
            remembered_certificates=remembered_certificates,
        )

    async def identify(self, certificate: bytes = CERTIFICATE) -> Caller:
        return await self.identity.identify(certificate, ADDRESS)


async def test_a_certificate_that_nobody_vouches_for_is_a_strangers() -> None:
    assert await Scene().identify() == Stranger(CONNECTION)


async def test_a_certificate_bound_as_operator_is_the_operators() -> None:
    scene = Scene()
    scene.register.bind_operator(SHA256)

    assert await scene.identify() == Operator(CONNECTION)


async def test_a_sender_brings_the_networks_of_all_addresses_of_its_organisation() -> None:
    scene, organisation = Scene(), uuid4()
    first = scene.register.add_address(organisation, "198.51.100.0/28", "198.51.100.64/32")
    scene.register.add_address(organisation, "198.51.100.64/32", "2001:db8::/64")
    scene.register.add_address(uuid4(), "203.0.113.1/32")
    scene.register.bind_sender(SHA256, organisation, first.id)

    networks = tuple(map(ip_network, ("198.51.100.0/28", "198.51.100.64/32", "2001:db8::/64")))
    assert await scene.identify() == Sender(CONNECTION, organisation, first.id, networks)


async def test_a_personal_certificate_is_its_persons() -> None:
    scene = Scene()
    scene.persons.known[CERTIFICATE] = "5001950015"

    assert await scene.identify() == Holder(CONNECTION, "5001950015")


async def test_a_person_brings_the_organisations_that_they_administer() -> None:
    scene, organisations = Scene(), frozenset({uuid4(), uuid4()})
    scene.persons.known[CERTIFICATE] = "5001950015"
    scene.register.administrators = {"5001950015": organisations, "5001950016": frozenset({uuid4()})}

    assert await scene.identify() == Holder(CONNECTION, "5001950015", organisations)


async def test_remembers_for_half_a_second_what_a_person_administers_and_no_longer() -> None:
    scene, organisation = Scene(), uuid4()
    scene.persons.known[CERTIFICATE] = "5001950015"
    scene.register.administrators["5001950015"] = frozenset({organisation})
    await scene.identify()
    scene.register.administrators["5001950015"] = frozenset()

    scene.clocks.seconds = 0.5
    assert await scene.identify() == Holder(CONNECTION, "5001950015", frozenset({organisation}))
    scene.clocks.seconds = 0.51
    assert await scene.identify() == Holder(CONNECTION, "5001950015")


async def test_a_binding_comes_before_what_else_a_certificate_is() -> None:
    scene = Scene()
    scene.persons.known[CERTIFICATE] = "5001950015"
    scene.register.bind_operator(SHA256)

    assert isinstance(await scene.identify(), Operator)


async def test_a_revoked_binding_makes_nobody() -> None:
    scene = Scene()
    scene.persons.known[CERTIFICATE] = "5001950015"
    scene.register.bind_operator(SHA256)
    scene.register.revoke(SHA256)

    with pytest.raises(CertificateRevoked):
        await scene.identify()


@pytest.mark.parametrize("refusal", [CertificateRevoked(), RevocationStatusUnknown()])
async def test_a_personal_certificate_that_does_not_count_makes_nobody(refusal: Exception) -> None:
    scene = Scene()
    scene.persons.known[CERTIFICATE] = refusal

    with pytest.raises(type(refusal)):
        await scene.identify()


async def test_a_bound_certificate_that_expired_on_an_open_connection_is_a_strangers() -> None:
    scene = Scene()
    scene.register.bind_operator(SHA256)
    scene.register.bindings[SHA256] = replace(
        scene.register.bindings[SHA256], expires_at=scene.clocks.time + timedelta(minutes=1)
    )
    assert isinstance(await scene.identify(), Operator)

    scene.clocks.time += timedelta(minutes=1)

    assert await scene.identify() == Stranger(CONNECTION)


async def test_remembers_a_binding_for_half_a_second_and_no_longer() -> None:
    scene = Scene()
    scene.register.bind_operator(SHA256)
    await scene.identify()
    scene.register.revoke(SHA256)

    scene.clocks.seconds = 0.5
    assert isinstance(await scene.identify(), Operator)
    scene.clocks.seconds = 0.51
    with pytest.raises(CertificateRevoked):
        await scene.identify()


async def test_remembers_for_half_a_second_that_a_certificate_is_unbound() -> None:
    scene = Scene()
    await scene.identify()
    scene.register.bind_operator(SHA256)

    scene.clocks.seconds = 0.51

    assert isinstance(await scene.identify(), Operator)


async def test_calls_at_once_share_a_look_that_began_recently() -> None:
    register = SlowRegister()
    scene = Scene(register)
    register.bind_operator(SHA256)
    calls = [asyncio.create_task(scene.identify()) for _ in range(10)]
    await asyncio.sleep(0)

    register.go.set()

    assert set(await asyncio.gather(*calls)) == {Operator(CONNECTION)}
    assert register.readings == 1


async def test_calls_of_many_certificates_at_once_share_one_look() -> None:
    scene = Scene()
    known = [bytes([number]) for number in range(1, 100)]
    for certificate in known[::2]:
        scene.register.bind_operator(hashlib.sha256(certificate).digest())

    callers = await asyncio.gather(*map(scene.identify, known))

    assert [isinstance(caller, Operator) for caller in callers] == [True, False] * 49 + [True]
    assert scene.register.readings == 1


async def test_a_look_is_as_new_as_is_asked() -> None:
    scene = Scene()
    await scene.identify()
    scene.register.bind_operator(SHA256)
    scene.clocks.seconds = 0.2

    assert await scene.identify() == Stranger(CONNECTION)
    newer = await scene.identity.identify(CERTIFICATE, ADDRESS, remembered_seconds=0.1)
    assert newer == Operator(CONNECTION)


async def test_a_call_does_not_join_a_look_that_began_too_long_ago() -> None:
    register = SlowRegister()
    scene = Scene(register)
    register.bind_operator(SHA256)
    early = asyncio.create_task(scene.identify())
    await until(lambda: register.readings == 1)

    scene.clocks.seconds = 0.6
    late = asyncio.create_task(scene.identify())
    await asyncio.sleep(0)
    register.go.set()
    await asyncio.gather(early, late)

    assert register.readings == 2


async def test_who_calls_all_the_time_never_waits_for_a_look() -> None:
    register = SlowRegister()
    register.go.set()
    scene = Scene(register)
    register.bind_operator(SHA256)
    await scene.identify()
    register.revoke(SHA256)

    register.go.clear()
    scene.clocks.seconds = 0.3
    for _ in range(10):
        assert isinstance(await asyncio.wait_for(scene.identify(), 60), Operator)
    await until(lambda: register.readings == 2)
    register.go.set()
    await until(lambda: register.finished == 2)

    with pytest.raises(CertificateRevoked):
        await scene.identify()
    assert register.readings == 2


async def test_a_look_ahead_that_is_too_late_is_waited_for_and_not_the_old_one_taken() -> None:
    register = SlowRegister()
    register.go.set()
    scene = Scene(register)
    register.bind_operator(SHA256)
    await scene.identify()
    register.go.clear()
    scene.clocks.seconds = 0.3
    await scene.identify()
    await until(lambda: register.readings == 2)
    register.revoke(SHA256)

    scene.clocks.seconds = 0.6
    late = asyncio.create_task(scene.identify())
    register.go.set()

    with pytest.raises(CertificateRevoked):
        await late
    assert register.readings == 2


async def test_a_look_ahead_that_failed_fails_nobody_whom_the_old_one_serves() -> None:
    register = SlowRegister()
    register.go.set()
    scene = Scene(register)
    register.bind_operator(SHA256)
    await scene.identify()
    register.out_of_order = True

    scene.clocks.seconds = 0.3
    for _ in range(20):
        assert isinstance(await scene.identify(), Operator)
        await asyncio.sleep(0)
    scene.clocks.seconds = 0.51
    with pytest.raises(ServiceUnavailable):
        await scene.identify()


async def test_a_caller_who_hangs_up_does_not_fail_the_others() -> None:
    register = SlowRegister()
    scene = Scene(register)
    register.bind_operator(SHA256)
    gone, waiting = (asyncio.create_task(scene.identify()) for _ in range(2))
    await asyncio.sleep(0)

    gone.cancel()
    register.go.set()

    assert isinstance(await waiting, Operator)
    assert (await asyncio.gather(gone, return_exceptions=True))[0].__class__ is asyncio.CancelledError


async def test_remembers_a_bounded_number_of_certificates() -> None:
    scene = Scene(remembered_certificates=2)
    for name in (b"1", b"2", b"3"):
        await scene.identify(name)

    await scene.identify(b"3")
    assert scene.register.readings == 3
    await scene.identify(b"1")
    assert scene.register.readings == 4


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:127.0.0.1:43180", "127.0.0.1"),
        ("ipv6:%5B::1%5D:58986", "::1"),
        ("ipv6:[2001:db8::7]:443", "2001:db8::7"),
        ("ipv6:%5Bfe80::1%25eth0%5D:443", "fe80::1"),
        ("ipv6:%5B::ffff:198.51.100.7%5D:443", "198.51.100.7"),
    ],
)
def test_reads_the_address_of_a_peer(peer: str, address: str) -> None:
    assert address_of(peer) == ip_address(address)


@pytest.mark.parametrize(
    "peer", ["unix:", "unix:/run/namak.sock", "", "ipv4:", "ipv4:localhost:1", "vsock:1:2"]
)
def test_a_peer_without_an_address_is_nobody(peer: str) -> None:
    with pytest.raises(CertificateUnbound):
        address_of(peer)
