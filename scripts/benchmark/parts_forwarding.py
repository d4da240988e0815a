"""The parts of the measurement that are about forwarding (POST-6), over the same post as all others."""

import itertools
from collections.abc import Sequence
from statistics import median

from scripts.benchmark import forwarding as mails
from scripts.benchmark.load import Action, Measured
from scripts.benchmark.office import FORWARDED_RECIPIENTS, OTHER_RECIPIENTS
from scripts.benchmark.parts import BATCH, IN_FLIGHT, MESSAGE_BYTES, Bench, Figures
from server.domain.forwarding import ForwardedContent

MAILS_A_SECOND = 200
"""Copies that are sent for each figure, for each second that it is to be measured: the aim."""
ROUNDS = 5


async def forwarding(bench: Bench) -> Figures:
    """Copies by mail: notices, whole messages, and whole messages that are signed."""
    figures: Figures = {}
    count = max(1, round(MAILS_A_SECOND * bench.seconds / BATCH)) * BATCH
    kinds = (
        ("notice", ForwardedContent.NOTICE, False),
        ("whole", ForwardedContent.WHOLE, False),
        ("signed", ForwardedContent.WHOLE, True),
    )
    for name, content, signed in kinds:
        async with mails.targets(bench.office, FORWARDED_RECIPIENTS, content):
            await _submit(bench, FORWARDED_RECIPIENTS, count)
            sent = await mails.forwarded(bench.office, bench.office.world.directory, signed=signed)
        if sent.mails != count:
            raise RuntimeError(f"{count} copies were to be sent, and {sent.mails} came")
        figures |= {
            f"forward_{name}_per_s": round(sent.per_s, 1),
            f"forward_{name}_connections": sent.connections,
            f"forward_{name}_worker_ms": round(sent.worker_seconds / sent.mails * 1000, 2),
        }
    return figures


async def forwarded_submissions(bench: Bench) -> Figures:
    """Submissions to mailboxes without and with a target each, by turns; the copies' jobs wait meanwhile."""
    plain, to_forward = _one_by_one(bench, OTHER_RECIPIENTS), _one_by_one(bench, FORWARDED_RECIPIENTS)
    async with mails.targets(bench.office, FORWARDED_RECIPIENTS, ForwardedContent.NOTICE):
        seconds = bench.seconds / ROUNDS
        turns = await mails.by_turns(plain, to_forward, in_flight=IN_FLIGHT, seconds=seconds, rounds=ROUNDS)
        await mails.forget_jobs(bench.office)
        with mails.sink() as (port, _):
            settings = mails.worker_settings(bench.office, port, signed=False)
            async with mails.worker(settings, bench.office.world.directory / "worker.log"):
                beside = await mails.by_turns(
                    plain, to_forward, in_flight=IN_FLIGHT, seconds=seconds, rounds=ROUNDS
                )
        await mails.forget_jobs(bench.office)
    return {
        **_speeds("submit_plain", turns[0]),
        **_speeds("submit_forwarded", turns[1]),
        **_speeds("submit_plain_beside_worker", beside[0]),
        **_speeds("submit_forwarded_beside_worker", beside[1]),
    }


def _one_by_one(bench: Bench, recipients: Sequence[str]) -> Action:
    to = itertools.cycle(recipients)

    async def once() -> int:
        letter = bench.office.letter(bench.content(), next(to))
        await bench.office.agency.deliveries.submit(letter, max_receipt_wait=mails.NO_WAIT)
        return 1

    return once


async def _submit(bench: Bench, recipients: Sequence[str], count: int) -> None:
    to = itertools.cycle(recipients)
    for _ in range(count // BATCH):
        letters = [bench.office.letter(bench.content(), next(to)) for _ in range(BATCH)]
        for outcome in await bench.office.agency.deliveries.submit_many(letters):
            if outcome.accepted is None:
                raise RuntimeError(f"a message of a batch was not accepted: {outcome.error}")


def _speeds(name: str, measured: Sequence[Measured]) -> Figures:
    rates = sorted(each.per_s for each in measured)
    return {
        f"{name}_per_s": round(median(rates), 1),
        f"{name}_least_per_s": round(rates[0], 1),
        f"{name}_most_per_s": round(rates[-1], 1),
    }


WORDS = {
    "forward_notice": "copies by mail from one worker: notices",
    "forward_whole": f"the same: whole messages of {MESSAGE_BYTES} octets",
    "forward_signed": "the same, signed (DKIM, RSA of 2048 bits)",
    "submit_plain": f"messages to mailboxes without targets, {IN_FLIGHT} in flight, no worker",
    "submit_forwarded": "the same by turns: with one target each",
    "submit_plain_beside_worker": "to mailboxes without targets, a worker beside it",
    "submit_forwarded_beside_worker": "the same by turns: with one target each; the worker sends",
}
