"""`namak-server hsm give-up`, and `hsm rotate --key-lost`: going on where a shard's key is lost."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from namak.evidence.lost_key import GivenUp
from namak.evidence.note import Verifier
from server.bootstrap_log import lost_keys
from server.bootstrap_machine import SystemClock
from server.ceremony.checking import checked
from server.ceremony.lost_key_protocol import of_loss
from server.ceremony.purposes import ConfiguredKey, Purpose
from server.ceremony.shard_key import is_log_key, raw_ed25519, verifier_key
from server.cli.endings import FOUND, fail, run, told
from server.cli.hsm_init import around_of, keys_of, reserved, tell_protocol
from server.cli.hsm_settings import KeySettingsRead
from server.cli.hsm_turns import opened_database
from server.domain.administration import CommandLine
from server.hsm.ceremony import opened
from server.hsm.errors import HsmUnavailable
from server.hsm.token_contents import PRIVATE, TokenObject
from server.storage.log import log_storage
from server.storage.unit_of_work import SqlUnitOfWork
from server.transparency.guard import FileGuard
from server.transparency.guarded_publication import publish_guarded
from server.usecases.giving_up import GiveUpShard, LostKeys
from server.usecases.rotation import AnnounceShard


@dataclass(frozen=True, slots=True)
class AskedLost:
    """What to do, as it was typed."""

    origin: str = ""
    guards: tuple[Path, ...] = ()
    without_guard: bool = False
    dry_run: bool = False
    yes: bool = False
    protocol: Path | None = None
    names: tuple[str, ...] = ()


Work = Callable[[LostKeys], Awaitable[GivenUp | None]]


def give_up(settings: Path, asked: AskedLost) -> None:
    """Gives up a former shard."""

    def work(lost: LostKeys) -> Awaitable[GivenUp | None]:
        return lost.give_up(GiveUpShard(CommandLine(), asked.origin))

    with told():
        loaded = keys_of(settings)
        if any(each.origin == asked.origin for each in loaded.keys):
            raise ValueError(
                f"the settings have a key for {asked.origin}: name its shard in [[log.former]], by its"
                " verifier key alone, if the key is lost"
            )
    _carry_out(loaded, asked, work)


def go_on(settings: Path, asked: AskedLost) -> None:
    """Gives up the shard of `[log]`, and opens that of `[log.next]`."""
    with told():
        loaded = keys_of(settings)
        old, new = loaded.key(Purpose.LOG), loaded.key(Purpose.NEXT_LOG)
        if old is None or new is None:
            raise ValueError("the settings have no [log.next]: `hsm init --shard next` makes its key")
        guards = asked.guards
        if not guards and not asked.without_guard and old.guard is not None:
            guards = (old.guard,)
        next_key: list[str] = []

        async def look() -> None:
            found = await checked(new)
            if not found.sound:
                fail("; ".join(each.text for each in found.findings))
            next_key.append(verifier_key(new, found.public_key))

        run(look())

    def work(lost: LostKeys) -> Awaitable[GivenUp | None]:
        return lost.go_on(AnnounceShard(CommandLine(), None, old.origin, new.origin, next_key[0]))

    _carry_out(
        loaded,
        AskedLost(
            old.origin, guards, *(asked.without_guard, asked.dry_run, asked.yes), asked.protocol, asked.names
        ),
        work,
    )


def _carry_out(loaded: KeySettingsRead, asked: AskedLost, work: Work) -> None:
    with told():
        if not asked.guards and not asked.without_guard:
            raise ValueError(
                "name each guard of the shard that there is (--guard FILE): what it holds was signed, and"
                " must not be taken back. If there is none, say --without-guard"
            )
        around = around_of(loaded, asked.names)
        began = SystemClock().now()
        looked: list[str] = []
        run(_look(loaded, asked, looked))
        if asked.dry_run:
            typer.echo("Nothing was changed.")
            return
        if not asked.yes:
            _confirm(asked.origin)
        with ExitStack() as stack:
            written = stack.enter_context(reserved(asked.protocol))
            done: list[GivenUp | None] = []
            run(_do(loaded, asked, work, done))
            if done[0] is None:
                typer.echo(f"{asked.origin} was given up before; nothing was changed.")
                return
            text = of_loss(done[0], looked, began, SystemClock().now(), around)
            if written is None:
                typer.echo(text, nl=False)
            else:
                written.write(text.encode())
                typer.echo(f"{asked.origin} was given up. The log goes on as {done[0].successor}.")
                tell_protocol(written, text)


def _confirm(origin: str) -> None:
    question = f"Is it certain that the key of {origin} is lost for ever? This can't be undone."
    try:
        sure = typer.confirm(question, err=True)
    except typer.Abort:
        typer.echo(err=True)
        fail("nobody answered, and nothing was changed; where nobody can be asked, say --yes")
    if not sure:
        fail("nothing was changed")


async def _look(loaded: KeySettingsRead, asked: AskedLost, looked: list[str]) -> None:
    """Looks for the key wherever the settings lead. Ends the command where it is there."""
    async with _lost(loaded) as (_, vkeys, _url):
        if asked.origin not in vkeys:
            fail(f"{asked.origin} is no shard of this log; it has {', '.join(vkeys)}")
        wanted = Verifier.parse(vkeys[asked.origin]).public_key
    places: set[str] = set()
    for key in loaded.keys:
        place = f"file {key.file}" if key.where is None else f"token {key.where.token!r}"
        if place in places:
            continue
        places.add(place)
        try:
            where = await _found(key, wanted)
        except HsmUnavailable as problem:
            # It may be what was lost with the key. But the protocol must not say that somebody looked there.
            typer.echo(f"could not look into the {place}: {problem}", err=True)
            looked.append(f"{place}, which could not be opened")
            continue
        if where:
            typer.echo(f"The key of {asked.origin} is not lost: {where}.\nNothing was changed.")
            raise typer.Exit(FOUND)
        looked.append(place)


async def _found(key: ConfiguredKey, wanted: bytes) -> str:
    """Returns where the key is, in words; nothing where it is not in the place that this one is in.

    Raises HsmUnavailable: the token or file can't be opened.
    """
    if key.where is None:
        found = await checked(key)
        if not found.public_key:
            raise HsmUnavailable("; ".join(each.text for each in found.findings))
        is_it = is_log_key(found.public_key) and raw_ed25519(found.public_key) == wanted
        return f"it is in the file {key.file}" if is_it else ""
    async with opened(key.where) as token:
        objects = await token.objects()
    labels = {each.label for each in objects if each.kind == PRIVATE}
    halves = [each for each in objects if _is(each, wanted)]
    held = next((each for each in halves if each.kind == PRIVATE or each.label in labels), None)
    return "" if held is None else f"the token {key.where.token!r} has it under the label {held.label!r}"


def _is(each: TokenObject, wanted: bytes) -> bool:
    return is_log_key(each.public_key) and raw_ed25519(each.public_key) == wanted


async def _do(loaded: KeySettingsRead, asked: AskedLost, work: Work, done: list[GivenUp | None]) -> None:
    async with _lost(loaded) as (lost, vkeys, url):
        verifier = Verifier.parse(vkeys[asked.origin])
        storage = log_storage(url)
        try:
            guards = [FileGuard(each, verifier) for each in asked.guards]
            size = await publish_guarded(storage, asked.origin, guards, SystemClock())
            typer.echo(f"{asked.origin}: signed and published are {size} leaves", err=True)
        except LookupError as problem:
            fail(f"{problem}; nothing was changed")
        finally:
            await storage.reader.close()
        done.append(await work(lost))


@asynccontextmanager
async def _lost(loaded: KeySettingsRead) -> AsyncIterator[tuple[LostKeys, dict[str, str], str]]:
    """Opens the database: who gives shards up, the shards' verifier keys, and where it is."""
    async with opened_database(loaded.settings) as (url, database):
        uow = SqlUnitOfWork(database)
        async with uow.reading() as tx:
            vkeys = {each.origin: each.vkey for each in await tx.log_shards.all()}
        yield lost_keys(loaded.settings, uow), vkeys, url
