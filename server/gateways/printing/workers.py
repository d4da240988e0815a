"""Paper letters set by several processes, so that a PDF that kills its reader takes no server with it."""

from server.domain.paper_letters import PaperLetter, PrintReady
from server.gateways.printing.renderer import Renderer
from server.gateways.setters import SetterDied, Setters, for_this_process
from server.usecases.letter_ports import PrintingEnded


class PrintingWorkers(Setters):
    """Sets letters side by side. For one event loop; to be used as a context."""

    def __init__(self, processes: int) -> None:
        """Finds the fonts; processes start with the first letters. Raises `FontsMissing`."""
        super().__init__(processes, _begin)

    async def render(self, letter: PaperLetter) -> PrintReady:
        """Returns the letter print-ready.

        Raises:
            NotPrintable: it can't be printed whole.
            PrintingEnded: a process died; other letters under way end so too, later ones get new processes.
        """
        try:
            return await self.run(_render, letter)
        except SetterDied as problem:
            raise PrintingEnded("a process that set letters died") from problem


_renderer: Renderer | None = None
# The process's own: one in each worker, never in the server.


def _begin() -> None:
    global _renderer
    _renderer = for_this_process(Renderer)


def _render(letter: PaperLetter) -> PrintReady:
    assert _renderer is not None
    return _renderer.render(letter)
