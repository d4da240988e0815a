"""Where a key is in a PKCS#11 token, and the process of its own that holds it open."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class TokenKey:
    """Where a key is and how to reach it."""

    module: Path
    """The PKCS#11 module, a shared library."""

    token: str
    """The token's label (CKA_LABEL of the token, without padding)."""

    key: str
    """The label that the private and the public key share."""

    pin_file: Path
    """Holds the user PIN; read anew whenever the token is opened, only by the process that opens it."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Set for the module besides what this process has, such as SOFTHSM2_CONF."""


@dataclass(frozen=True)
class TokenPatience:
    """How long the token may take. All in seconds."""

    opening: float = 10.0
    """For starting the token process, loading the module and logging in."""

    signing: float = 2.0
    """For one signature, queueing excluded."""

    retry: float = 1.0
    """When opening again did not lead to a signature, calls are refused at once until this long after it."""


class ProcessFailed(Exception):
    """The token process ended, was not in time, or said that it failed."""


class TokenProcess:
    """One running process that holds a token open: that of the log's key, or that of the seal's."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        requests: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
    ) -> None:
        self._process = process
        self._requests = requests
        self._answers = answers
        self._killed = False

    @classmethod
    async def start(cls, where: TokenKey, program: str) -> Self:
        """Starts a program, by its module's name, that opens the token."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # nothing is imported from the working directory
            *("-m", program),
            *(str(where.module), where.token, where.key, str(where.pin_file)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **where.environment},
            start_new_session=True,  # Ctrl-C in a terminal must not take the key from a server that drains
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process with pipes has pipes")
        return cls(process, process.stdin, process.stdout)

    @property
    def id(self) -> int:
        return self._process.pid

    @property
    def usable(self) -> bool:
        return not self._killed and self._process.returncode is None

    async def ask(self, request: Mapping[str, str], *, within: float) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(within):
                self._requests.write(json.dumps(request).encode() + b"\n")
                await self._requests.drain()
        except (OSError, TimeoutError) as failure:
            raise ProcessFailed("the token process takes no requests") from failure
        return await self.read(within=within)

    async def read(self, *, within: float) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(within):
                line = await self._answers.readline()
        except TimeoutError as failure:
            raise ProcessFailed(f"no answer within {within} s") from failure
        if not line:
            raise ProcessFailed("the token process ended")
        answer: Mapping[str, Any] = json.loads(line)
        if "error" in answer:
            raise ProcessFailed(answer["error"])
        return answer

    def kill(self) -> None:
        self._killed = True
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def end(self, *, within: float) -> bool:
        """Ends it, by force if it does not in time, and tells whether it is gone."""
        self._requests.close()
        for last in (False, True):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._answers.read()
                    await self._process.wait()
                    return True
            if not last:
                self.kill()
        return False
