"""Witnesses of a development world's log: each a `namak-witness` with a key and a directory of its own."""

import json
import socket
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from namak.evidence.note import Verifier
from namak.witness.place import made, state_in
from server.dev.beside import BesideProcess, Start
from server.dev.process import started
from server.dev.world import World

NAMES: Final = ("court", "university", "bar", "notaries", "newspaper")
"""Who they are, and so how many a world may have."""

_DIRECTORY = "witnesses"


@dataclass(frozen=True)
class DevelopmentWitness:
    """A witness that was made, and follows the world's log."""

    name: str
    directory: Path
    vkey: str


def make_witnesses(world: World, count: int) -> Sequence[DevelopmentWitness]:
    """Makes so many witnesses, at most as many as there are `NAMES`."""
    found = []
    log = Verifier.parse(world.log_vkey)
    for name in NAMES[:count]:
        directory = witness_directory(world.directory, name)
        vkey = made(directory, f"{name}.example/w1", None)
        with closing(state_in(directory)) as state:
            state.add_log(log.name, log)
        found.append(DevelopmentWitness(name, directory, vkey))
    return found


def witness_directory(world: Path, name: str) -> Path:
    """Returns where a world's witness of that name is."""
    return world / _DIRECTORY / name


def write_policies(world: World, witnesses: Sequence[tuple[DevelopmentWitness, str]]) -> Path:
    """Writes whom the server asks, each with the address; and a policy for those who verify by a quorum of
    more than half of them. Returns the server's.

    The world's own policy stays without witnesses: receipts that come at once have none as yet.
    """
    names = [witness.name for witness, _ in witnesses]
    quorum = f"group most {len(names) // 2 + 1} {' '.join(names)}\nquorum most\n"
    asked = "".join(f"witness {each.name} {each.vkey} {url}\n" for each, url in witnesses)
    believed = "".join(f"witness {each.name} {each.vkey}\n" for each, _ in witnesses)
    world.witnessed_policy.write_text(f"log {world.log_vkey}\n{believed}{quorum}", encoding="utf-8")
    policy = world.directory / "witnesses.txt"
    policy.write_text(asked + quorum, encoding="utf-8")
    return policy


def free_ports(count: int) -> Sequence[int]:
    """Returns ports of this machine that nobody listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def with_witnesses(settings: Path, policy: Path) -> None:
    """Adds to settings that these witnesses are asked."""
    with settings.open("a", encoding="utf-8") as file:
        file.write(f"\n[witnesses]\npolicy = {json.dumps(str(policy), ensure_ascii=False)}\n")


class WitnessProcess(BesideProcess):
    """A witness that runs."""

    @classmethod
    async def start(
        cls, directory: Path, *, listen: str = "127.0.0.1:0", within: float = 180.0, start: Start = started
    ) -> Self:
        """Starts the witness of a directory and waits until it listens. `start` does what `started` does.

        Raises `ServerFailed`.
        """
        words = ("namak.witness", "run", "--directory", str(directory), "--listen", listen)
        return await cls.run("witness", words, directory, within=within, start=start)
