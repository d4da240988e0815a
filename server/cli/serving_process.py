"""One of the processes of `serve --processes`; the supervisor runs it (`server.supervisor.process`)."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, TextIO

import typer

from server import bootstrap, log_lines
from server.bootstrap_machine import AHEAD
from server.cli.endings import told
from server.cli.serving import carry_out, spare_the_collector
from server.cli.supervising import stop_signals
from server.config import Settings, Written
from server.supervisor.process import tell_ready, way_to_supervisor


class _Orders(asyncio.Protocol):
    """The supervisor's end of standard input: nothing comes there but its end."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._stop.set()


async def serve_under_supervision(settings: Settings, way: TextIO) -> None:
    """Serves until SIGTERM, or until the supervisor is gone."""
    stop = stop_signals()
    await asyncio.get_running_loop().connect_read_pipe(lambda: _Orders(stop), sys.stdin)
    async with bootstrap.running(settings, share_port=True) as server:
        spare_the_collector()
        tell_ready(way, server.health_address, server.metrics_address)
        await stop.wait()


def main() -> None:
    """Takes the order and carries it out; the exit code is that of the command `serve`."""
    way = way_to_supervisor()
    order: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    log_lines.write_json_lines(process=order["number"])
    try:
        with told():
            settings = Written(order["content"], Path(order["path"])).checked()
        AHEAD.follow(settings.development_clock)
        carry_out(serve_under_supervision(settings, way))
    except typer.Exit as end:
        sys.exit(end.exit_code)


if __name__ == "__main__":
    main()
