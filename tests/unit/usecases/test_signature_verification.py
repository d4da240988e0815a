"""Verifying signatures for anybody: whom it asks about revocation, and what it says of hostile files."""

import hashlib
from datetime import datetime, timedelta
from ipaddress import ip_address

import pytest

from namak.client.signing import sign_cms
from namak.signatures.report import Finding, SubIndication, Verdict
from namak.signatures.trust import RevocationMaterial
from server.domain.caller import Connection, Stranger
from server.domain.refusals import InvalidFields
from server.usecases.signature_verification import SignatureDesk, VerifySignature
from tests.fakes.signatures import FakeSignatureTrust, InProcessVerifier
from tests.signing.authority import DAY, NOW
from tests.signing.world import DOCUMENT, SIGNED, World

SOMEBODY = Stranger(Connection(bytes(32), ip_address("198.51.100.1")))


class Noon:
    def now(self) -> datetime:
        return NOW


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture
def trust(world: World) -> FakeSignatureTrust:
    return FakeSignatureTrust(world.trust(crls=()), RevocationMaterial(world.crls()))


def desk(trust: FakeSignatureTrust, verifier: InProcessVerifier | None = None) -> SignatureDesk:
    return SignatureDesk(verifier=verifier or InProcessVerifier(), trust=trust, clock=Noon())


async def test_asks_about_revocation_once_it_knows_whose_certificates_they_are(
    world: World, trust: FakeSignatureTrust
) -> None:
    report = await desk(trust).verify(
        VerifySignature(SOMEBODY, DOCUMENT, sign_cms(DOCUMENT, world.aram.signer, at=SIGNED))
    )

    assert report.verdict is Verdict.VALID
    assert trust.asked == [(world.aram.der, NOW)]


async def test_asks_about_the_time_of_a_timestamp_too(world: World, trust: FakeSignatureTrust) -> None:
    stamp = world.authority_of_time(NOW - 9 * DAY)
    cms = sign_cms(DOCUMENT, world.aram.signer, at=NOW - 9 * DAY, timestamps=stamp)

    report = await desk(trust).verify(VerifySignature(SOMEBODY, DOCUMENT, cms))

    assert report.verdict is Verdict.VALID
    assert report.signatures[0].used_time == NOW - 9 * DAY
    assert set(trust.asked) == {
        (leaf, time) for leaf in (world.aram.der, stamp.holder.der) for time in (NOW, NOW - 9 * DAY)
    }


async def test_asks_nobody_about_a_stranger(world: World, trust: FakeSignatureTrust) -> None:
    # The forger chose the addresses in its certificates.
    cms = sign_cms(DOCUMENT, World().aram.signer, at=SIGNED)

    report = await desk(trust).verify(VerifySignature(SOMEBODY, DOCUMENT, cms))

    assert report.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert trust.asked == []


async def test_without_an_answer_it_stays_open(world: World, trust: FakeSignatureTrust) -> None:
    trust.material = RevocationMaterial()

    report = await desk(trust).verify(
        VerifySignature(SOMEBODY, DOCUMENT, sign_cms(DOCUMENT, world.aram.signer, at=SIGNED))
    )

    assert (report.verdict, report.sub_indication) == (Verdict.INDETERMINATE, SubIndication.TRY_LATER)


async def test_judges_for_a_time_in_the_past_but_not_in_the_future(
    world: World, trust: FakeSignatureTrust
) -> None:
    cms = sign_cms(DOCUMENT, world.aram.signer, at=NOW - 9 * DAY)
    trust.material = RevocationMaterial(world.crls(at=NOW - 3 * DAY))

    past = await desk(trust).verify(VerifySignature(SOMEBODY, DOCUMENT, cms, NOW - DAY))
    with pytest.raises(InvalidFields) as refused:
        await desk(trust).verify(VerifySignature(SOMEBODY, DOCUMENT, cms, NOW + timedelta(seconds=1)))

    assert (past.verdict, past.verified_time) == (Verdict.VALID, NOW - DAY)
    assert [problem.field for problem in refused.value.problems] == ["judged_time"]


async def test_a_file_that_is_too_much_is_told_as_such(trust: FakeSignatureTrust) -> None:
    verifier = InProcessVerifier({hashlib.sha256(DOCUMENT).digest()})

    report = await desk(trust, verifier).verify(VerifySignature(SOMEBODY, DOCUMENT, None))

    assert (report.verdict, report.sub_indication) == (Verdict.INDETERMINATE, SubIndication.GENERIC)
    assert report.checks[0].finding is Finding.TOO_DEMANDING
    assert report.document_sha256 == hashlib.sha256(DOCUMENT).hexdigest()
