"""Short messages at the set rate: our link, and a centre of another project in a process of its own."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator

import smpp34

from scripts.benchmark.load import Measured, under_load
from server.domain.sms import DeliveryReport, segments
from server.gateways.sms.link import LinkSettings, SmppLink
from server.gateways.sms.pdu import source_address

RATES = (20, 200, 1000)
"""Segments a second."""
WINDOW = 10
IN_FLIGHT = 40
"""So many wait for their turn, or an answer."""

_PHONE = "+37491123456"
_TEXT = "Նոր պաշտոնական նամակ՝ ՊԵԿ, 22.11.2026։"
_WITHIN = 20.0


async def at_rate(port: int, rate: float, seconds: float) -> Measured:
    """Hands segments over for so many seconds, as fast as the link does."""
    settings = LinkSettings(
        host="127.0.0.1",
        port=port,
        system_id="bench",
        password="bench",  # noqa: S106 - the centre takes any
        source=source_address("NAMAK"),
        window=WINDOW,
        rate=rate,
        timeout=_WITHIN,
    )
    (segment,) = segments(_TEXT, 0)
    async with SmppLink(settings, _nowhere) as link:

        async def once() -> int:
            await link.submit(_PHONE, segment, reports=True)
            return 1

        return await under_load(once, in_flight=IN_FLIGHT, seconds=seconds)


@contextlib.asynccontextmanager
async def centre() -> AsyncIterator[int]:
    """Meanwhile runs a centre that takes everything; yields its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", __name__, stdout=asyncio.subprocess.PIPE
    )
    try:
        if process.stdout is None:
            raise RuntimeError("its output is a pipe")
        yield int(await asyncio.wait_for(process.stdout.readline(), _WITHIN))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _nowhere(_report: DeliveryReport) -> None:
    """Takes reports that nobody waits for."""


async def _serve() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = smpp34.Server("127.0.0.1", port)
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    number = 0
    while True:
        event = await server.next()
        if isinstance(event, smpp34.SubmitSmEvent):
            number += 1
            event.accept(str(number))


if __name__ == "__main__":
    asyncio.run(_serve())
