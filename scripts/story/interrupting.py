"""How a demo is ended from outside: Ctrl-C, a terminal that is closed and SIGTERM do it in the same order."""

import asyncio
import errno
import os
import signal
from collections.abc import Coroutine, Iterable
from typing import Any, Final

SIGNALS: Final = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


class Interrupted(Exception):
    """A signal ended the work; everything was put in order."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.exit_code: Final = 128 + number


def heeded() -> Iterable[signal.Signals]:
    """Returns the signals that whoever started this process does not have it ignore, as `nohup` does."""
    return [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


def run(work: Coroutine[Any, Any, None]) -> None:
    """Runs it to its end, or cancels it at the first signal; those that follow don't disturb its putting in
    order.

    Raises `Interrupted`.
    """
    told: list[signal.Signals] = []
    terminals = [number for number in (1, 2) if os.isatty(number)]

    async def watched() -> None:
        working = asyncio.ensure_future(work)

        def end(number: signal.Signals) -> None:
            if number is signal.SIGHUP:
                _forget(terminals)
            if not told:
                working.cancel()
            told.append(number)

        for number in heeded():
            asyncio.get_running_loop().add_signal_handler(number, end, number)
        await asyncio.wait([working])
        try:
            working.result()
        except BaseException as error:
            if not told and terminals and isinstance(error, OSError) and error.errno == errno.EIO:
                # The terminal is gone; that it is was seen by who wrote to it before the signal came.
                _forget(terminals)
                told.append(signal.SIGHUP)
            if told:
                raise Interrupted(told[0]) from error
            raise
        if told:  # it came to its end all the same
            raise Interrupted(told[0])

    asyncio.run(watched())


def _forget(terminals: Iterable[int]) -> None:
    """Writes into nothing from now on, where terminals were: they are gone, and to write into them fails."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for number in terminals:
        os.dup2(nothing, number)
    os.close(nothing)
