"""Runs programs that nobody of this project wrote."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """How a program ended and what it said."""

    code: int
    output: str
    told: str


async def run(*command: str | Path, directory: Path, environment: Mapping[str, str] | None = None) -> Outcome:
    """Runs a program in a directory to its end."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=directory,
        env={**os.environ, **(environment or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, told = await process.communicate()
    assert process.returncode is not None
    return Outcome(process.returncode, output.decode(), told.decode())
