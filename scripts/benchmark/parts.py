"""The parts of the measurement, each over the same post."""

import itertools
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import grpc.aio

from namak.client.delivery import Outcome
from namak.v1 import delivery_pb2
from scripts.benchmark import mailing, texting
from scripts.benchmark import signing_in as signing
from scripts.benchmark.echo import METHOD
from scripts.benchmark.inserting import insert
from scripts.benchmark.load import Action, Measured, each, under_load
from scripts.benchmark.office import OTHER_RECIPIENTS, RECIPIENT, Office

MESSAGE_BYTES = 2000
IN_FLIGHT = 64
BATCH = 100
BATCHES_IN_FLIGHT = 2
LAG_IN_FLIGHT = IN_FLIGHT
READING_IN_FLIGHT = 4
PAGE = 50
CONFIRMATIONS = 400
"""At most; each is prepared by four calls, which are not measured."""

Figures = dict[str, float]


@dataclass(frozen=True)
class Bench:
    """What every part needs."""

    office: Office
    seconds: float
    place: Path
    leaves: int
    """Of the longest log that proofs are made from."""

    def content(self) -> bytes:
        """Returns a message's content: no two are equal."""
        return secrets.token_bytes(MESSAGE_BYTES)


async def echo(bench: Bench, channels: Sequence[grpc.aio.Channel]) -> Figures:
    """gRPC alone: requests as large as a submission, given back."""
    request = delivery_pb2.SubmitRequest(submission=bench.office.letter(bench.content())).SerializeToString()
    every: list[grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = [
        channel.unary_unary(METHOD) for channel in channels
    ]
    calls = itertools.cycle(every)

    async def once() -> int:
        await next(calls)(request)
        return 1

    measured = await under_load(once, in_flight=IN_FLIGHT, seconds=bench.seconds)
    return {"echo_bytes": len(request), **_speed("echo", measured)}


async def database(bench: Bench) -> Figures:
    """PostgreSQL alone."""
    rows, messages = await insert(
        bench.office.database_url, bench.content(), in_flight=IN_FLIGHT, seconds=bench.seconds
    )
    return {**_speed("insert", rows), **_speed("insert_message", messages)}


async def unary(bench: Bench) -> Figures:
    """Messages one by one, each waited for until its receipts are there."""
    return await _one_by_one(bench, "unary", OTHER_RECIPIENTS)


async def unwaited(bench: Bench) -> Figures:
    """Messages one by one, whose senders fetch the receipts later."""
    return await _one_by_one(bench, "unwaited", OTHER_RECIPIENTS, wait=timedelta(0))


async def crowded(bench: Bench) -> Figures:
    """The same, all to one mailbox."""
    return await _one_by_one(bench, "one_mailbox", [RECIPIENT])


async def _one_by_one(
    bench: Bench, name: str, recipients: Sequence[str], *, wait: timedelta | None = None
) -> Figures:
    to = itertools.cycle(recipients)
    late: list[str] = []

    async def once() -> int:
        letter = bench.office.letter(bench.content(), next(to))
        accepted = await bench.office.agency.deliveries.submit(letter, max_receipt_wait=wait)
        if len(accepted.receipts) < len(accepted.evidence):
            late.append(letter.request_id)
        return 1

    measured = await under_load(once, in_flight=IN_FLIGHT, seconds=bench.seconds)
    figures = _speed(name, measured)
    return figures if wait is not None else {**figures, f"{name}_without_receipts": len(late)}


async def batches(bench: Bench) -> Figures:
    """Messages by the hundred, each batch waited for until all its receipts are there."""
    to = itertools.cycle(OTHER_RECIPIENTS)
    late: list[str] = []

    async def once() -> int:
        letters = [bench.office.letter(bench.content(), next(to)) for _ in range(BATCH)]
        outcomes = await bench.office.agency.deliveries.submit_many(letters)
        late.extend(outcome.request_id for outcome in outcomes if _lacks_receipts(outcome))
        return len(outcomes)

    measured = await under_load(once, in_flight=BATCHES_IN_FLIGHT, seconds=bench.seconds)
    return {**_speed("batch", measured), "batch_without_receipts": len(late)}


def _lacks_receipts(outcome: Outcome) -> bool:
    if outcome.accepted is None:
        raise RuntimeError(f"a message of a batch was not accepted: {outcome.error}")
    return len(outcome.accepted.receipts) < len(outcome.accepted.evidence)


async def lag(bench: Bench) -> Figures:
    """How long after a message is accepted its receipt can be had."""
    lags: list[float] = []

    async def once() -> int:
        post = bench.office.agency
        accepted = await post.deliveries.submit(
            bench.office.letter(bench.content()), max_receipt_wait=timedelta(0)
        )
        began = time.monotonic()
        await post.evidence.receipt(accepted.evidence[-1].evidence_id)
        lags.append(time.monotonic() - began)
        return 1

    measured = await under_load(once, in_flight=LAG_IN_FLIGHT, seconds=bench.seconds)
    return _latencies("integration_lag", Measured(measured.units, measured.seconds, lags))


async def listing(bench: Bench) -> Figures:
    """The newest page of a mailbox with all the messages of before."""

    async def once() -> int:
        count = 0
        async for _ in bench.office.citizen.mailbox.messages(page_size=PAGE):
            count += 1
            if count == PAGE:
                break
        return 1

    measured = await under_load(once, in_flight=READING_IN_FLIGHT, seconds=bench.seconds)
    return _speed("list", measured)


async def confirming(bench: Bench) -> Figures:
    """Confirmations of reading, signed beforehand."""
    prepared: list[Action] = []

    async def prepare() -> int:
        prepared.append(await _confirmation(bench.office, bench.content()))
        return 1

    await each([prepare] * CONFIRMATIONS, in_flight=READING_IN_FLIGHT, seconds=2 * bench.seconds)
    measured = await each(prepared, in_flight=READING_IN_FLIGHT, seconds=bench.seconds)
    return {**_speed("confirm", measured), "confirm_count": measured.units}


async def _confirmation(office: Office, content: bytes) -> Action:
    accepted = await office.agency.deliveries.submit(office.letter(content), max_receipt_wait=timedelta(0))
    delivery_id = accepted.delivery.delivery_id
    await office.citizen.mailbox.open(delivery_id)
    issued = await office.citizen.mailbox.issue_statement(delivery_id)
    signature = office.signed(issued.statement)

    async def confirm() -> int:
        await office.citizen.mailbox.confirm(delivery_id, issued.statement_id, signature)
        return 1

    return confirm


async def signing_in(bench: Bench) -> Figures:
    """Sign-ins by card at a portal, one after the other and of many people at once, and calls in sessions."""
    async with signing.portal_of(bench.office) as portal:
        await signing.meet(portal)
        position = bench.office.server.log.stat().st_size
        alone = await signing.alone(portal, bench.seconds)
        served = signing.served(bench.office.server.log, position)
        sustained = await signing.sustained(portal, bench.seconds)
        calls = await signing.in_session(portal, bench.seconds)
        checks = await signing.checking(portal, bench.office, min(bench.seconds, 2.0))
    return {
        **_latencies("sign_in_alone", alone),
        **_latencies("start_sign_in_served", Measured(0, 1, served["StartSignIn"])),
        **_latencies("complete_sign_in_served", Measured(0, 1, served["CompleteSignIn"])),
        **_speed("sign_in", sustained),
        **_speed("in_session", calls),
        "session_check_p50_us": round(checks.ms(50) * 1000, 1),
        "session_check_p99_us": round(checks.ms(99) * 1000, 1),
    }


async def smtp(bench: Bench) -> Figures:
    """Mails from ordinary mail clients, each durable before the answer; and aiosmtpd alone."""
    async with mailing.throwing_away(bench.office) as port:
        thrown_away = await mailing.mails(bench.office, port, MESSAGE_BYTES, bench.seconds)
    async with mailing.listening(bench.office, bench.place) as port:
        taken = await mailing.mails(bench.office, port, MESSAGE_BYTES, bench.seconds)
    return {**_speed("smtp_alone", thrown_away), **_speed("smtp", taken)}


async def sms(bench: Bench) -> Figures:
    """Short messages at the rates that are set, to a local SMS centre."""
    figures: Figures = {}
    async with texting.centre() as port:
        for rate in texting.RATES:
            measured = await texting.at_rate(port, rate, bench.seconds)
            figures |= _speed(f"sms_{rate}", measured)
            figures[f"sms_{rate}_off_percent"] = round(100 * (measured.per_s / rate - 1), 2)
    return figures


def _speed(name: str, measured: Measured) -> Figures:
    return {f"{name}_per_s": round(measured.per_s, 1), **_latencies(name, measured)}


def _latencies(name: str, measured: Measured) -> Figures:
    return {f"{name}_p50_ms": round(measured.ms(50), 1), f"{name}_p99_ms": round(measured.ms(99), 1)}


WORDS: Mapping[str, str] = {
    "echo": f"gRPC alone: echo over mutual TLS, {IN_FLIGHT} in flight",
    "insert": f"PostgreSQL alone: one row a transaction, {IN_FLIGHT} in flight",
    "insert_message": f"PostgreSQL alone: a message's rows a transaction, {IN_FLIGHT} in flight",
    "unary": f"messages, one a call, with receipts, {IN_FLIGHT} in flight",
    "one_mailbox": f"the same, all to one mailbox, {IN_FLIGHT} in flight",
    "unwaited": f"messages, one a call, not waiting for receipts, {IN_FLIGHT} in flight",
    "batch": f"messages, {BATCH} a call, with receipts, {BATCHES_IN_FLIGHT} calls in flight",
    "integration_lag": f"from accepted to receipt, {LAG_IN_FLIGHT} in flight",
    "list": f"pages of {PAGE} messages of a mailbox, {READING_IN_FLIGHT} in flight",
    "sign_in_alone": "a sign-in by card, both calls as the caller sees them, without the card's own time",
    "start_sign_in_served": "the same, StartSignIn as the server's log tells it",
    "complete_sign_in_served": "the same, CompleteSignIn as the server's log tells it",
    "sign_in": f"sign-ins by card of {signing.CITIZENS} people, {signing.SIGN_INS_IN_FLIGHT} in flight",
    "in_session": f"calls in a session, {signing.CHECKS_IN_FLIGHT} in flight",
    "smtp_alone": f"aiosmtpd alone: mails over STARTTLS, thrown away, {mailing.CONNECTIONS} connections",
    "smtp": f"mails over STARTTLS, each durable before its answer, {mailing.CONNECTIONS} connections",
    **{
        f"sms_{rate}": f"segments of SMS where {rate} a second are set, window {texting.WINDOW}"
        for rate in texting.RATES
    },
    "confirm": f"confirmations of reading, {READING_IN_FLIGHT} in flight",
}
