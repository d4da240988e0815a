"""The processes that read scans: the same answers as the code in them, and what files do that mean harm."""

import asyncio

import pytest

from server.domain.refusals import Overloaded
from server.domain.scans import ScanFault
from server.gateways.scans.reader import ProcessScanReader, ReadingLimits
from tests import scans
from tests.signing import files


async def test_a_process_answers_as_the_rules_do() -> None:
    reader = ProcessScanReader()
    assert await reader.fault(files.pdf(), "application/pdf") is None
    assert await reader.fault(scans.jpeg(), "image/png") is ScanFault.NOT_WHAT_IT_SAYS


@pytest.mark.parametrize("bomb", [files.deflate_bomb, files.nested_bomb])
async def test_a_bomb_harms_nobody_and_is_no_scan(bomb: object) -> None:
    assert callable(bomb)
    reader = ProcessScanReader(ReadingLimits(memory_bytes=512 * 1024 * 1024))
    assert await reader.fault(bomb(), "application/pdf") in (ScanFault.BROKEN, ScanFault.TOO_DEMANDING)


async def test_a_file_that_takes_too_long_is_too_demanding_and_leaves_its_place() -> None:
    reader = ProcessScanReader(ReadingLimits(processes=1, waiting=0, seconds=0.001))
    assert await reader.fault(scans.png(), "image/png") is ScanFault.TOO_DEMANDING
    assert await reader.fault(scans.png(), "image/png") is ScanFault.TOO_DEMANDING


async def test_more_than_can_wait_is_refused() -> None:
    reader = ProcessScanReader(ReadingLimits(processes=1, waiting=1))
    reading = [asyncio.create_task(reader.fault(scans.png(), "image/png")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await reader.fault(scans.png(), "image/png")
    assert await asyncio.gather(*reading) == [None, None]
    assert await reader.fault(scans.png(), "image/png") is None
