"""Wires the log's shards: their keys, where they are, and their guards."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from namak.evidence.note import Verifier
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.config import Settings
from server.config_log import KeySettings, LogSettings
from server.hsm.file_key import FileLogSigner
from server.hsm.keys import LogSigner
from server.hsm.pkcs11 import Pkcs11LogSigner, TokenKey
from server.jurisdictions import PROFILES
from server.transparency.guard import FileGuard
from server.transparency.shard import Shard
from server.usecases.administration import Administration
from server.usecases.giving_up import LostKeys
from server.usecases.ports import UnitOfWork
from server.usecases.rotation import ShardRotation


class ShardNotConfigured(ValueError):
    """The settings have no key for a shard; the text says so."""


async def open_signer(key: KeySettings) -> LogSigner:
    """Opens a log key where the settings say it is. Raises `HsmUnavailable`."""
    if key.file is not None:
        return FileLogSigner.open(key.file)
    if key.module is None or key.token is None or key.pin_file is None:
        raise ValueError("the settings name no token")
    environment = {"SOFTHSM2_CONF": str(key.softhsm_config)} if key.softhsm_config else {}
    return await Pkcs11LogSigner.open(TokenKey(key.module, key.token, key.label, key.pin_file, environment))


@contextlib.asynccontextmanager
async def keyed_shards(settings: LogSettings) -> AsyncIterator[Sequence[Shard]]:
    """Yields the shards that the settings have keys for: that of `[log]`, and `[log.next]` if it is set.

    Raises:
        HsmUnavailable: a key can't be had.
        ValueError: the two have one key.
    """
    async with contextlib.AsyncExitStack() as stack:
        shards = [await _keyed(stack, settings.origin, settings.guard, settings.key)]
        if (after := settings.next) is not None:
            shards.append(await _keyed(stack, after.origin, after.guard, after.key))
            if shards[0].signer.public_key == shards[1].signer.public_key:
                raise ValueError("[log.next.key] is the key of [log.key]: a shard needs a key of its own")
        yield shards


async def verifier_of(settings: LogSettings, origin: str = "") -> Verifier:
    """Returns the key of a shard that the settings name, by default of `[log]`'s; asks the token for it
    unless the shard is a former one.

    Raises:
        ShardNotConfigured: they name no such shard.
        HsmUnavailable: the key can't be had.
    """
    for shard in settings.former:
        if shard.origin == origin:
            return shard.verifier
    origin, _, key = _own(settings, origin)
    signer = await open_signer(key)
    try:
        return Verifier(origin, signer.public_key)
    finally:
        await signer.close()


def guard_of(settings: LogSettings, origin: str = "") -> Path:
    """Returns where the guard of `[log]`'s or `[log.next]`'s shard is. Raises `ShardNotConfigured`."""
    return _own(settings, origin)[1]


def _own(settings: LogSettings, origin: str) -> tuple[str, Path, KeySettings]:
    if origin in ("", settings.origin):
        return settings.origin, settings.guard, settings.key
    if settings.next is not None and origin == settings.next.origin:
        return origin, settings.next.guard, settings.next.key
    raise ShardNotConfigured(
        f"{origin} is neither [log]'s shard nor [log.next]'s: the settings have no key for it"
    )


async def _keyed(stack: contextlib.AsyncExitStack, origin: str, guard: Path, key: KeySettings) -> Shard:
    signer = await open_signer(key)
    stack.push_async_callback(signer.close)
    return Shard(origin, signer, FileGuard(guard, Verifier(origin, signer.public_key)))


def shard_rotation(settings: Settings, uow: UnitOfWork) -> ShardRotation:
    """Returns who announces the log's next shard, for the operator's commands."""
    return ShardRotation(_administration(settings, uow), SystemEntropy())


def lost_keys(settings: Settings, uow: UnitOfWork) -> LostKeys:
    """Returns who gives up shards whose key is lost, for the operator's commands."""
    return LostKeys(_administration(settings, uow), SystemEntropy())


def _administration(settings: Settings, uow: UnitOfWork) -> Administration:
    def wake_log() -> None:
        """Wakes nobody: the servers' leader looks for itself every now and then."""

    return Administration(
        uow=uow,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        wake_log=wake_log,
        profile=PROFILES[settings.profile],
    )
