"""Puts meters around what does not know of them."""

import asyncio
import time
from collections.abc import Mapping

from server.domain.jobs import JobKind, RunningJob
from server.hsm.errors import HsmKeyChanged, HsmUnavailable
from server.hsm.keys import LogSigner
from server.metrics.meters import Meters
from server.transparency.steps import OnStep, Step
from server.usecases.job_ports import JobHandler


class MeteredSigner:
    """A `LogSigner` whose signatures are timed and counted."""

    def __init__(self, signer: LogSigner, meters: Meters) -> None:
        """Takes whom to ask."""
        self._signer = signer
        self._meters = meters

    @property
    def public_key(self) -> bytes:
        """See `LogSigner`."""
        return self._signer.public_key

    async def sign(self, message: bytes) -> bytes:
        """See `LogSigner`."""
        began = time.monotonic()
        try:
            signature = await self._signer.sign(message)
        except HsmUnavailable:
            self._meters.not_signed("unavailable")
            raise
        except HsmKeyChanged:
            self._meters.not_signed("key_changed")
            raise
        except Exception:
            self._meters.not_signed("other")
            raise
        self._meters.signed(time.monotonic() - began)
        return signature

    async def close(self) -> None:
        """See `LogSigner`."""
        await self._signer.close()


def counting(meters: Meters, on_step: OnStep) -> OnStep:
    """Has the leader's checkpoints counted."""

    async def stepped(step: Step) -> None:
        if step is Step.PUBLISHED:
            meters.published()
        await on_step(step)

    return stepped


def metered(meters: Meters, handlers: Mapping[JobKind, JobHandler]) -> Mapping[JobKind, JobHandler]:
    """Has attempts at jobs timed and counted."""
    return {kind: _MeteredHandler(kind, handler, meters) for kind, handler in handlers.items()}


class _MeteredHandler:
    """A `JobHandler`."""

    def __init__(self, kind: JobKind, handler: JobHandler, meters: Meters) -> None:
        self._kind = kind
        self._handler = handler
        self._meters = meters

    async def __call__(self, job: RunningJob) -> None:
        """See `JobHandler`."""
        began, outcome = time.monotonic(), "failed"
        try:
            await self._handler(job)
            outcome = "done"
        except asyncio.CancelledError:
            outcome = "interrupted"
            raise
        finally:
            self._meters.job_ended(self._kind.name, outcome, time.monotonic() - began)
