"""The log's signers: one set of promises for both, and what only a token can do to a server."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from structlog.testing import capture_logs

from server.dev.tokens import SoftToken, TokenFailed, TokenStore
from server.hsm.errors import HsmKeyChanged, HsmKeyExists, HsmKeyExposed, HsmUnavailable
from server.hsm.file_key import FileLogSigner, generate_log_key_file
from server.hsm.keys import LogSigner
from server.hsm.pkcs11 import Pkcs11LogSigner, TokenKey, TokenPatience

KEY = "log-2026"
PATIENT = TokenPatience(opening=60.0, signing=60.0, retry=0.0)
IMPATIENT = replace(PATIENT, signing=0.3)


@pytest.fixture(scope="module")
def log_token(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    """A real token with a log key; tests MUST NOT change it."""
    token = TokenStore.create(tmp_path_factory.mktemp("log-token")).new_token("namak-log", "2468")
    token.generate_log_key(KEY)
    return token


@pytest.fixture
def own_token(tmp_path: Path) -> SoftToken:
    """A real token that the test may break."""
    token = TokenStore.create(tmp_path / "own").new_token("namak-log", "2468")
    token.generate_log_key(KEY)
    return token


def where_is(token: SoftToken) -> TokenKey:
    return TokenKey(token.module, token.label, KEY, token.pin_file, token.environment)


@pytest.fixture
async def token_signer(log_token: SoftToken) -> AsyncIterator[Pkcs11LogSigner]:
    signer = await Pkcs11LogSigner.open(where_is(log_token), PATIENT)
    yield signer
    await signer.close()


@pytest.fixture
def file_signer(tmp_path: Path) -> FileLogSigner:
    generate_log_key_file(tmp_path / "log.key")
    return FileLogSigner.open(tmp_path / "log.key")


@pytest.fixture(params=["token_signer", "file_signer"])
def signer(request: pytest.FixtureRequest) -> LogSigner:
    chosen: LogSigner = request.getfixturevalue(request.param)
    return chosen


def verifies(signer: LogSigner, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(signer.public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


pytestmark = pytest.mark.hsm


class TestEverySigner:
    """What `LogSigner` promises, of every implementation."""

    async def test_signs_what_verifies_under_its_public_key(self, signer: LogSigner) -> None:
        signature = await signer.sign(b"checkpoint")

        assert len(signer.public_key) == 32
        assert len(signature) == 64
        assert verifies(signer, signature, b"checkpoint")
        assert not verifies(signer, signature, b"another checkpoint")

    async def test_gives_the_same_signature_for_the_same_message(self, signer: LogSigner) -> None:
        assert await signer.sign(b"checkpoint") == await signer.sign(b"checkpoint")

    @pytest.mark.parametrize("message", [b"", b"\x00\n\xff", b"x" * 200_000], ids=["empty", "binary", "long"])
    async def test_signs_any_bytes(self, signer: LogSigner, message: bytes) -> None:
        assert verifies(signer, await signer.sign(message), message)

    async def test_gives_each_of_many_concurrent_callers_its_own_signature(self, signer: LogSigner) -> None:
        messages = [f"checkpoint {number}".encode() for number in range(200)]

        signatures = await asyncio.gather(*(signer.sign(message) for message in messages))

        assert all(verifies(signer, *pair) for pair in zip(signatures, messages, strict=True))

    async def test_a_cancelled_call_leaves_the_next_one_right(self, signer: LogSigner) -> None:
        for round_ in range(20):
            abandoned = asyncio.create_task(signer.sign(b"abandoned"))
            for _ in range(round_ % 5):
                await asyncio.sleep(0)
            abandoned.cancel()
            assert verifies(signer, await signer.sign(b"next"), b"next")
            await asyncio.gather(abandoned, return_exceptions=True)

    async def test_is_unavailable_once_closed(self, signer: LogSigner) -> None:
        await signer.sign(b"checkpoint")
        await signer.close()
        await signer.close()

        with pytest.raises(HsmUnavailable):
            await signer.sign(b"checkpoint")


class TestToken:
    async def test_has_the_public_key_that_its_making_returned(self, tmp_path: Path) -> None:
        token = TokenStore.create(tmp_path).new_token("fresh", "1357")
        made = token.generate_log_key(KEY)

        signer = await Pkcs11LogSigner.open(where_is(token), PATIENT)

        assert signer.public_key == made
        await signer.close()

    def test_never_replaces_a_key(self, log_token: SoftToken) -> None:
        with pytest.raises(TokenFailed, match="HsmKeyExists"):
            log_token.generate_log_key(KEY)

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"token": "no-such-token"}, "NoSuchToken"),
            ({"key": "no-such-key"}, "NoSuchKey"),
            ({"module": Path("/nonexistent/module.so")}, "."),
            ({"pin_file": Path("/nonexistent/pin")}, "FileNotFoundError"),
        ],
        ids=["token", "key", "module", "pin file"],
    )
    async def test_does_not_open_what_is_not_there(
        self, log_token: SoftToken, changed: dict[str, str | Path], words: str
    ) -> None:
        with pytest.raises(HsmUnavailable, match=words):
            await Pkcs11LogSigner.open(replace(where_is(log_token), **changed), PATIENT)  # type: ignore[arg-type]

    async def test_says_that_the_pin_is_wrong_and_not_what_it_is(
        self, log_token: SoftToken, tmp_path: Path
    ) -> None:
        wrong = tmp_path / "pin"
        wrong.write_text("97531\n")

        with capture_logs() as logs, pytest.raises(HsmUnavailable, match="PinIncorrect") as raised:
            await Pkcs11LogSigner.open(replace(where_is(log_token), pin_file=wrong), PATIENT)

        assert "97531" not in f"{raised.value!r} {logs}"

    async def test_survives_the_death_of_its_process(self, token_signer: Pkcs11LogSigner) -> None:
        before = await token_signer.sign(b"checkpoint")
        first = token_signer.process_id
        assert first is not None
        os.kill(first, signal.SIGKILL)

        assert await sign_until_available(token_signer, b"checkpoint") == before
        assert token_signer.process_id != first

    async def test_a_hung_token_is_unavailable_in_bounded_time_and_then_replaced(
        self, log_token: SoftToken
    ) -> None:
        signer = await Pkcs11LogSigner.open(where_is(log_token), IMPATIENT)
        before = await sign_until_available(signer, b"checkpoint")
        hung = signer.process_id
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)

        with pytest.raises(HsmUnavailable, match="no answer within"):
            await signer.sign(b"checkpoint")

        assert await sign_until_available(signer, b"checkpoint") == before
        with pytest.raises(ProcessLookupError):
            os.kill(hung, 0)
        await signer.close()

    async def test_closing_ends_even_a_hung_process(self, log_token: SoftToken) -> None:
        signer = await Pkcs11LogSigner.open(where_is(log_token), IMPATIENT)
        hung = signer.process_id
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)

        await signer.close()

        with pytest.raises(ProcessLookupError):
            os.kill(hung, 0)

    async def test_a_token_gone_for_a_while_is_unavailable_and_comes_back(self, own_token: SoftToken) -> None:
        signer = await Pkcs11LogSigner.open(where_is(own_token), PATIENT)
        before = await signer.sign(b"checkpoint")
        tokens = own_token.configuration.parent / "tokens"
        away = tokens.rename(tokens.with_name("away"))
        kill_process_of(signer)

        for _ in range(3):
            with pytest.raises(HsmUnavailable):
                await signer.sign(b"checkpoint")

        away.rename(tokens)
        assert await sign_until_available(signer, b"checkpoint") == before
        await signer.close()

    async def test_never_signs_with_another_key_under_the_same_label(
        self, own_token: SoftToken, tmp_path: Path
    ) -> None:
        signer = await Pkcs11LogSigner.open(where_is(own_token), PATIENT)
        other = TokenStore.create(tmp_path / "other").new_token(own_token.label, own_token.pin)
        other.generate_log_key(KEY)
        tokens = own_token.configuration.parent / "tokens"
        tokens.rename(tokens.with_name("away"))
        (other.configuration.parent / "tokens").rename(tokens)
        kill_process_of(signer)

        with capture_logs() as logs, pytest.raises(HsmKeyChanged):
            await until_tried(signer)

        assert "log_key_changed" in [line["event"] for line in logs]
        await signer.close()

    async def test_a_dead_token_is_not_hammered(self, own_token: SoftToken) -> None:
        signer = await Pkcs11LogSigner.open(where_is(own_token), replace(PATIENT, retry=3600.0))
        await signer.sign(b"checkpoint")
        own_token.pin_file.unlink()
        kill_process_of(signer)
        with capture_logs(), pytest.raises(HsmUnavailable, match="FileNotFoundError"):
            await until_tried(signer)

        with pytest.raises(HsmUnavailable, match="did not open a moment ago"):
            await signer.sign(b"checkpoint")
        await signer.close()

    async def test_does_not_believe_a_token_that_signs_wrongly(
        self, log_token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await self._put_in_its_place(
            tmp_path,
            monkeypatch,
            "import sys, json\n"
            f"print(json.dumps({{'public_key': '{'58' * 31}66'}}), flush=True)\n"
            "for line in sys.stdin:\n"
            "    print(json.dumps({'signature': '00' * 64}), flush=True)\n",
        )
        signer = await Pkcs11LogSigner.open(where_is(log_token), PATIENT)

        with pytest.raises(HsmUnavailable, match="InvalidSignature"):
            await signer.sign(b"checkpoint")
        await signer.close()

    @pytest.mark.parametrize(
        "answer", ["nonsense", "{}", "[]", "null", '{"public_key": "zz"}', '{"public_key": "00"}']
    )
    async def test_does_not_open_a_process_that_talks_nonsense(
        self, log_token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
    ) -> None:
        await self._put_in_its_place(tmp_path, monkeypatch, f"print({answer!r}, flush=True)\n")

        with pytest.raises(HsmUnavailable):
            await Pkcs11LogSigner.open(where_is(log_token), PATIENT)

    @staticmethod
    async def _put_in_its_place(directory: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
        """Has the signer start another program than the token process, with the same arguments."""
        script = directory / "token-process"
        script.write_text(f"#!{sys.executable}\n{program}")
        script.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(script))


def kill_process_of(signer: Pkcs11LogSigner) -> None:
    """A module keeps what it saw of its token; only a new process looks again."""
    assert signer.process_id is not None
    os.kill(signer.process_id, signal.SIGKILL)


async def until_tried(signer: Pkcs11LogSigner) -> None:
    """Signs until the signer has noticed that its process is dead and tried another."""
    async with asyncio.timeout(60):
        while True:
            try:
                await signer.sign(b"checkpoint")
            except HsmUnavailable as failure:
                if "takes no requests" not in str(failure) and "process ended" not in str(failure):
                    raise


async def sign_until_available(signer: LogSigner, message: bytes) -> bytes:
    """What the log's integrator does: calls again when the token was unavailable."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await signer.sign(message)
            except HsmUnavailable:
                await asyncio.sleep(0)


class TestFile:
    def test_says_loudly_that_it_is_for_development(self, tmp_path: Path) -> None:
        generate_log_key_file(tmp_path / "log.key")

        with capture_logs() as logs:
            FileLogSigner.open(tmp_path / "log.key")

        assert [(line["log_level"], line["event"]) for line in logs] == [("warning", "log_key_in_file")]
        assert "DEVELOPMENT ONLY" in logs[0]["advice"]

    def test_is_the_same_key_when_opened_again(self, tmp_path: Path) -> None:
        made = generate_log_key_file(tmp_path / "log.key")

        assert FileLogSigner.open(tmp_path / "log.key").public_key == made

    def test_is_made_for_its_owner_alone_and_refused_to_others(self, tmp_path: Path) -> None:
        path = tmp_path / "log.key"
        generate_log_key_file(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

        path.chmod(0o640)
        with pytest.raises(HsmKeyExposed):
            FileLogSigner.open(path)

    def test_never_replaces_a_key(self, tmp_path: Path) -> None:
        path = tmp_path / "log.key"
        generate_log_key_file(path)
        before = path.read_bytes()

        with pytest.raises(HsmKeyExists):
            generate_log_key_file(path)
        assert path.read_bytes() == before

    @pytest.mark.parametrize("content", [None, b"", b"not a key"], ids=["absent", "empty", "nonsense"])
    def test_does_not_open_what_is_no_key(self, tmp_path: Path, content: bytes | None) -> None:
        path = tmp_path / "log.key"
        if content is not None:
            path.write_bytes(content)
            path.chmod(0o600)

        with pytest.raises(HsmUnavailable):
            FileLogSigner.open(path)
