"""The post in the demo: a server of its own over a fresh world, and the clients of everybody in the story."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from namak.client import Client, Connection, Patience
from scripts.story import programs
from server.dev.pki import Identity
from server.dev.process import Process, ServerProcess, started
from server.dev.relay import Relay
from server.dev.timestamps import TimestampProcess, make_timestamp_authority, with_timestamps
from server.dev.witnesses import WitnessProcess, make_witnesses, with_witnesses, write_policies
from server.dev.world import World

OTHER_NETWORK = "127.0.0.2"
_PATIENCE = Patience(total=240.0)
"""Far more than any call takes. A slow machine makes the story long, and never another one."""


@dataclass
class Post:
    """A running server, and who calls it."""

    world: World
    server: ServerProcess
    operator: Client
    agency: Client
    agency_elsewhere: Client
    """The agency's system again, but calling from another network."""
    other_agency: Client
    citizen: Client
    other_citizen: Client
    stranger: Client

    @property
    def receipts(self) -> Path:
        """Where the receipts of the story are saved."""
        return self.world.directory / "receipts"


async def bind_operator(settings: Path, world: World) -> None:
    """Binds the operator's certificate, as an operator does once on the server's own machine."""
    await _server_command("operator", "bind", str(world.operator.cert_path), "--config", str(settings))


async def witnessed(
    settings: Path,
    world: World,
    start: Callable[[Sequence[str], BinaryIO, Mapping[str, str]], Process] = started,
) -> Sequence[WitnessProcess]:
    """Makes and starts two witnesses, and has the server that is to start ask them. `start` does what
    `started` does.
    """
    made = await asyncio.to_thread(make_witnesses, world, 2)
    starting = [asyncio.ensure_future(WitnessProcess.start(each.directory, start=start)) for each in made]
    done = await asyncio.gather(*starting, return_exceptions=True)
    running = [each for each in done if isinstance(each, WitnessProcess)]
    for failed in done:
        if isinstance(failed, BaseException):
            await asyncio.gather(*(each.stop() for each in running))
            raise failed
    policy = write_policies(world, [(each, it.url) for each, it in zip(made, running, strict=True)])
    with_witnesses(settings, policy)
    return running


async def stamped(
    settings: Path,
    world: World,
    start: Callable[[Sequence[str], BinaryIO, Mapping[str, str]], Process] = started,
) -> TimestampProcess:
    """Makes and starts a time-stamping authority, and has the server that is to start ask it. `start` does
    what `started` does.

    Raises `OpensslMissing`.
    """
    directory = await asyncio.to_thread(make_timestamp_authority, world)
    running = await TimestampProcess.start(directory, start=start)
    with_timestamps(settings, world, running.url)
    return running


async def settle(settings: Path) -> None:
    """Registers the portal, and the entity with its people, of which the story does not tell."""
    await _server_command("dev", "settle", "--config", str(settings))


async def _server_command(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "server", *command),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # what ends the demo leaves it to us to wait for it
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        await process.wait()  # it is short, and whoever goes on must find the database at rest
        raise
    if process.returncode != 0:
        words = " ".join(command[:2])
        raise RuntimeError(f"namak-server {words} ended with {process.returncode}: {output.decode()}")


@contextlib.asynccontextmanager
async def callers(world: World, server: ServerProcess) -> AsyncIterator[Post]:
    """Connects everybody; each has a configuration file of their own, as in real life."""
    async with contextlib.AsyncExitStack() as stack:
        relay = await stack.enter_async_context(Relay(server.address, source=OTHER_NETWORK))

        # It names an address that is nobody's once the relay has ended.
        stack.callback((world.directory / "agency-elsewhere.toml").unlink, missing_ok=True)

        async def client(
            name: str, identity: Identity, address: str = server.address, *, signs: bool = False
        ) -> Client:
            path = world.write_client(name, identity, address, signs=signs)
            return await stack.enter_async_context(Client(Connection.load(path), patience=_PATIENCE))

        world.write_client("portal", world.portal, server.address)
        world.write_client("clerk", world.clerk, server.address)
        yield Post(
            world,
            server,
            operator=await client("operator", world.operator),
            agency=await client("agency", world.agency),
            agency_elsewhere=await client("agency-elsewhere", world.agency, relay.address),
            other_agency=await client("other-agency", world.other_agency),
            citizen=await client("citizen", world.citizen.authentication, signs=True),
            other_citizen=await client("other-citizen", world.other_citizen.authentication, signs=True),
            stranger=await client("stranger", world.stranger),
        )


async def namak(*arguments: str, config: Path) -> tuple[int, str]:
    """Runs the `namak` command as a person would; returns its exit code and what it printed."""
    return await programs.ended("namak.cli", arguments, {"NAMAK_CONFIG": str(config), "COLUMNS": "160"})
