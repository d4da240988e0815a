"""`namak-server dev init`."""

from pathlib import Path

import typer

from server.cli.endings import told
from server.dev.world import World


def make_world(directory: Path, listen: str) -> None:
    """Makes a development world and says how to go on."""
    with told(f"{directory}: "):
        world = World.create(directory)
        settings = world.write_settings(listen=listen)
        for name, identity in (
            ("operator", world.operator),
            ("agency", world.agency),
            ("other-agency", world.other_agency),
        ):
            world.write_client(name, identity, listen)
        world.write_client("citizen", world.citizen.authentication, listen, signs=True)
    typer.echo(
        f"Made. Now: namak-server operator bind {world.operator.cert_path} --config {settings}\n"
        f"     then: namak-server serve --config {settings}\n"
        f"     then, in another terminal: namak --config {directory / 'citizen.toml'} inbox"
    )
