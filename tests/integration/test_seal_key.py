"""The seal's key in a real token: what it signs verifies, and it comes back after what happens to it."""

import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from structlog.testing import capture_logs

from server.dev.tokens import SoftToken, TokenStore
from server.hsm.errors import HsmUnavailable
from server.hsm.seal_key import Pkcs11SealKey
from server.hsm.token_link import TokenKey, TokenPatience

KEY = "namak-seal"
PATIENT = TokenPatience(opening=60.0, signing=60.0, retry=0.0)

pytestmark = pytest.mark.hsm


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    return TokenStore.create(tmp_path_factory.mktemp("seal")).new_token("namak-seal", "2468")


@pytest.fixture(scope="module")
def public_key(token: SoftToken) -> ec.EllipticCurvePublicKey:
    return token.generate_card_key(KEY)


def where_is(token: SoftToken) -> TokenKey:
    return TokenKey(token.module, token.label, KEY, token.pin_file, token.environment)


@pytest.fixture
async def key(token: SoftToken, public_key: ec.EllipticCurvePublicKey) -> AsyncIterator[Pkcs11SealKey]:
    key = Pkcs11SealKey(where_is(token), PATIENT)
    yield key
    await key.close()


@pytest.mark.parametrize("data", [b"", b"\x00\n\xff", b"x" * 100_000], ids=["empty", "binary", "long"])
async def test_what_it_signs_verifies(
    key: Pkcs11SealKey, public_key: ec.EllipticCurvePublicKey, data: bytes
) -> None:
    # Raises if it does not.
    public_key.verify(await key.sign(data), data, ec.ECDSA(SHA256()))


async def test_it_comes_back_after_its_process_was_killed(
    key: Pkcs11SealKey, public_key: ec.EllipticCurvePublicKey
) -> None:
    await key.sign(b"one")
    process = key.process_id
    assert process is not None
    os.kill(process, signal.SIGKILL)

    for _ in range(10):
        try:
            value = await key.sign(b"two")
            break
        except HsmUnavailable:
            continue
    else:
        pytest.fail("the key did not come back")
    public_key.verify(value, b"two", ec.ECDSA(SHA256()))
    assert key.process_id != process


async def test_a_token_that_does_not_answer_is_unavailable_in_time(
    token: SoftToken, public_key: ec.EllipticCurvePublicKey
) -> None:
    key = Pkcs11SealKey(where_is(token), replace(PATIENT, signing=0.3))
    await key.sign(b"one")
    assert key.process_id is not None
    os.kill(key.process_id, signal.SIGSTOP)

    with pytest.raises(HsmUnavailable):
        await key.sign(b"two")
    await key.close()


async def test_what_is_not_there_does_not_open_and_no_pin_is_told(token: SoftToken, tmp_path: Path) -> None:
    wrong = tmp_path / "pin"
    wrong.write_text("97531\n")
    for changed in (
        replace(where_is(token), token="no-such-token"),
        replace(where_is(token), key="no-such-key"),
        replace(where_is(token), pin_file=wrong),
        replace(where_is(token), module=Path("/nonexistent/module.so")),
    ):
        key = Pkcs11SealKey(changed, PATIENT)
        with capture_logs() as logs, pytest.raises(HsmUnavailable) as raised:
            await key.sign(b"one")
        assert "97531" not in f"{raised.value!r} {logs}"
        await key.close()


async def test_once_closed_it_signs_nothing(key: Pkcs11SealKey) -> None:
    await key.close()
    await key.close()

    with pytest.raises(HsmUnavailable):
        await key.sign(b"one")
