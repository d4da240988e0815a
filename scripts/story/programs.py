"""Programs, run as processes of their own."""

import asyncio
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_SECONDS = 180.0
"""Far more than any of them takes; only one that waits for what never comes takes longer."""


class Hangs(Exception):
    """A program did not end in time, and was killed."""


async def ended(
    module: str, words: Sequence[str], environment: Mapping[str, str], directory: Path | None = None
) -> tuple[int, str]:
    """Does what `ended_program` does, of `python -m MODULE WORDS`."""
    return await ended_program((sys.executable, "-P", "-m", module, *words), environment, directory)


async def ended_program(
    command: Sequence[str], environment: Mapping[str, str], directory: Path | None = None
) -> tuple[int, str]:
    """Runs a program with no input; returns its exit code and all that it printed.

    The environment is added to this process's. Raises `Hangs`.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=directory,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **environment},
    )
    try:
        async with asyncio.timeout(_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise Hangs(f"{shlex.join(command)}\ndid not end within {_SECONDS:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode()
