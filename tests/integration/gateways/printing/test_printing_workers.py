"""Letters set by several processes."""

import asyncio
import os
import signal

import pytest

from server.domain.paper_letters import NotPrintable, Unprintable
from server.gateways.printing import fonts, workers
from server.gateways.printing.renderer import Renderer
from server.gateways.printing.samples import part, sample
from server.usecases.letter_ports import PrintingEnded


def _fonts_missing() -> bool:
    try:
        fonts.found()
    except fonts.FontsMissing:
        return True
    return False


pytestmark = pytest.mark.skipif(_fonts_missing(), reason="needs Debian's fonts-noto-core")


def _die(_letter: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def test_processes_give_the_same_letters_refuse_alike_and_are_replaced_when_one_dies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Renderer() as renderer:
        expected = [renderer.render(sample("hy", serial=each)) for each in range(4)]

    async with workers.PrintingWorkers(2) as printing:
        made = await asyncio.gather(*(printing.render(sample("hy", serial=each)) for each in range(4)))
        assert made == expected

        with pytest.raises(NotPrintable) as refused:
            await printing.render(sample("hy", parts=(part("a.zip", "application/zip", b""),)))
        assert (refused.value.problem, refused.value.part) == (Unprintable.KIND, "a.zip")

        with monkeypatch.context() as patched:
            patched.setattr(workers, "_render", _die)
            with pytest.raises(PrintingEnded):
                await printing.render(sample("hy"))
        assert await printing.render(sample("hy", serial=0)) == expected[0]
