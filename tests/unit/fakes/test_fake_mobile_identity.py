"""The fake mobile-id service does what the real client does."""

import pytest

from server.domain.refusals import ServiceUnavailable
from tests.contracts.mobile_identity_contract import CHALLENGE, SCREEN, MobileIdentityContract, user_of
from tests.fakes.clock import HeldClock
from tests.fakes.mobile_identity import FakeMobileIdentity
from tests.fakes.sim import Sim, new_sim
from tests.unit.evidence_documents.pki import Authority

ISSUER = Authority.root("Mobile root").authority("Mobile authority")


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def identity(clock: HeldClock) -> FakeMobileIdentity:
    return FakeMobileIdentity(clock)


@pytest.fixture
def sim(identity: FakeMobileIdentity) -> Sim:
    return identity.know(new_sim(ISSUER))


@pytest.fixture
def stranger() -> Sim:
    return new_sim(ISSUER, phone="+994509999999", person_number="5001950016")


class TestFakeMobileIdentity(MobileIdentityContract):
    """Against the fake."""

    async def test_is_unavailable_when_it_is_away(self, identity: FakeMobileIdentity, sim: Sim) -> None:
        identity.away = True
        with pytest.raises(ServiceUnavailable):
            await identity.start_authentication(user_of(sim), CHALLENGE, SCREEN)
