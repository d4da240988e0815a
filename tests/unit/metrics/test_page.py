"""The figures as text that a parser of others reads, and what names and labels they may have."""

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from server.domain.jobs import KINDS, SEND_SMS, Backlog, RunningJob
from server.hsm.errors import HsmKeyChanged, HsmUnavailable
from server.metrics import catalogue, readings
from server.metrics.catalogue import MEASURES, Kind, Measure
from server.metrics.looks import Looks
from server.metrics.metered import MeteredSigner, counting, metered
from server.metrics.meters import Meters
from server.metrics.page import MetricsPage
from server.metrics.readings import Reading
from server.transparency.steps import Step, unobserved
from server.transparency.troubles import Condition, Trouble
from server.usecases.log_ports import AuthorityState, ShardState
from server.usecases.log_queries import LogState
from tests.fakes.clock import HeldClock

CLOCK = HeldClock()
NOW = CLOCK.now()
ORIGIN = "log.e-citizen.am/2026"

SHARD = ShardState(
    origin=ORIGIN,
    vkey="",
    size=340,
    root=bytes(32),
    published_at=NOW - timedelta(seconds=2),
    pending=7,
    healthy=True,
    witnessed_size=300,
    witnessed_at=NOW,
    unwitnessed=47,
    unwitnessed_since=NOW - timedelta(hours=3),
    integrated_size=345,
)

PERSONAL = re.compile(
    "person|holder|address|organi|mailbox|sender|request|delivery|subject|caller|peer|client"
)
"""What a label's name may not be about."""


def page(meters: Meters, *read: Reading) -> MetricsPage:
    return MetricsPage(meters.registry, CLOCK, looks=Looks({}), gauges=[lambda: iter(read)])


async def parsed(made: MetricsPage, *, plain: bool = False) -> dict[tuple[str, tuple[str, ...]], float]:
    """Returns all samples by name and the values of their labels, sorted by the labels' names."""
    told = await made.get("" if plain else "application/openmetrics-text; version=1.0.0")
    text = told.content.decode()
    families = (parser if plain else openmetrics).text_string_to_metric_families(text)
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def everything() -> tuple[Meters, list[Reading]]:
    """Returns one of each that is measured of a process."""
    meters = Meters("1.0", "am")
    meters.call_ended("/namak.v1.DeliveryService/Submit", "OK", "", 0.02)
    meters.call_ended("/namak.v1.DeliveryService/WatchFacts", "CANCELLED", "", None)
    meters.signed(0.0002)
    meters.not_signed("unavailable")
    meters.published()
    meters.job_ended(SEND_SMS.name, "done", 1.0)
    meters.mail_answered("451 4.3.2 later")
    meters.log_answered("tile", 200)
    stamps = [AuthorityState("tsa", 300, NOW - timedelta(seconds=9)), AuthorityState("new", 0, None)]
    state = LogState([SHARD], timedelta(hours=4), None, {ORIGIN: stamps})
    read = [
        *readings.of_log(state, NOW),
        *readings.of_outage(None, NOW),
        *readings.of_jobs([], NOW),
        *readings.of_parts({"log": Condition(Trouble.FORK_REFUSED, {}), "log tail": None}),
    ]
    return meters, read


async def test_both_formats_say_the_same() -> None:
    meters, read = everything()
    made = page(meters, *read)

    modern, plain = await parsed(made), await parsed(made, plain=True)

    ours = {key: value for key, value in modern.items() if key[0].startswith("namak_")}
    assert ours == {key: value for key, value in plain.items() if key[0].startswith("namak_")}
    assert ours["namak_rpc_calls_total", ("OK", "namak.v1.DeliveryService/Submit", "")] == 1
    assert ours["namak_rpc_duration_seconds_count", ("namak.v1.DeliveryService/Submit",)] == 1
    assert ("namak_rpc_duration_seconds_count", ("namak.v1.DeliveryService/WatchFacts",)) not in ours
    assert ours["namak_evidence_debt_leaves", (ORIGIN,)] == 47
    assert ours["namak_evidence_debt_age_seconds", (ORIGIN,)] == 3 * 3600
    assert ours["namak_evidence_debt_limit_seconds", ()] == 4 * 3600
    assert ours["namak_evidence_outage", ()] == 0
    assert {
        stage: ours["namak_log_tree_leaves", (ORIGIN, stage)] for stage in ("integrated", "published")
    } == {
        "integrated": 345,
        "published": 340,
    }
    assert ours["namak_log_trouble", ("yes", "log", "FORK_REFUSED")] == 1
    assert (ours["namak_log_part_well", ("log",)], ours["namak_log_part_well", ("log tail",)]) == (0, 1)
    assert ours["namak_log_checkpoint_age_seconds", (ORIGIN,)] == 2
    assert ours["namak_build_info", ("am", "1.0")] == 1
    assert ours["namak_mails_total", ("451",)] == 1
    assert ours["namak_log_requests_total", ("tile", "200")] == 1
    assert ours["namak_log_timestamped_leaves", ("tsa", ORIGIN)] == 300
    assert ours["namak_log_timestamped_leaves", ("new", ORIGIN)] == 0
    assert {key: value for key, value in ours.items() if key[0] == "namak_log_timestamp_age_seconds"} == {
        ("namak_log_timestamp_age_seconds", ("tsa", ORIGIN)): 9
    }
    assert modern["process_open_fds", ()] > 0


def test_nothing_is_measured_that_the_catalogue_does_not_have() -> None:
    meters, read = everything()
    known = {measure.name: measure for measure in MEASURES}

    exposed = {family.name: family for family in [*meters.registry.collect(), *readings.families(read)]}

    assert {name for name in exposed if name.startswith("namak_")} <= set(known)
    for name, family in exposed.items():
        for sample in family.samples:
            if name in known:
                labels = set(sample.labels) - {"le"}
                assert labels == {label.name for label in known[name].labels}, name


@pytest.mark.parametrize("measure", MEASURES, ids=lambda each: each.name)
def test_names_have_units_and_labels_have_bounds(measure: Measure) -> None:
    assert re.fullmatch(r"namak_[a-z]+(_[a-z]+)*", measure.name)
    assert measure.says.endswith(".")
    assert not measure.name.endswith(("_total", "_info", "_count", "_sum", "_bucket"))
    assert measure.unit in ("", "seconds", "leaves")
    assert measure.kind is not Kind.HISTOGRAM or list(measure.buckets) == sorted(measure.buckets)
    assert [label.name for label in measure.labels if PERSONAL.search(label.name)] == []
    assert all(label.values for label in measure.labels)


def test_names_are_told_apart() -> None:
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)


def test_kinds_of_jobs_that_this_release_does_not_know_go_together() -> None:
    old, older = NOW - timedelta(hours=1), NOW - timedelta(hours=2)
    backlogs = [
        Backlog(SEND_SMS.name, due=3, later=1, running=2, dead=4, oldest=old),
        Backlog("5001950015@e-citizen.am", due=1, oldest=older),
        Backlog("next.release", dead=1),
    ]

    read = {(each.measure.name, each.labels): each.value for each in readings.of_jobs(backlogs, NOW)}

    assert {labels[0] for _, labels in read} == {*(kind.name for kind in KINDS), "other"}
    assert read["namak_jobs", (SEND_SMS.name, "due")] == 3
    assert read["namak_jobs", (SEND_SMS.name, "dead")] == 4
    assert read["namak_jobs_oldest_due_age_seconds", (SEND_SMS.name,)] == 3600
    assert read["namak_jobs", ("other", "due")] == 1
    assert read["namak_jobs", ("other", "dead")] == 1
    assert read["namak_jobs_oldest_due_age_seconds", ("other",)] == 7200


def test_a_reading_has_the_labels_of_its_measure() -> None:
    with pytest.raises(ValueError, match="namak_log_pending_leaves has 1 labels"):
        list(readings.families([Reading(catalogue.PENDING, 1)]))


def test_what_another_clock_dates_ahead_is_new() -> None:
    shard = ShardState(ORIGIN, "", 1, b"x", NOW + timedelta(seconds=5), 0, True)

    read = {each.measure.name: each.value for each in readings.of_log(LogState([shard], None, None), NOW)}

    assert read["namak_log_checkpoint_age_seconds"] == 0
    assert "namak_evidence_debt_limit_seconds" not in read


async def test_signatures_are_counted_by_how_they_ended() -> None:
    class Signer:
        public_key = b"key"

        def __init__(self) -> None:
            self.failure: Exception | None = None
            self.closed = False

        async def sign(self, message: bytes) -> bytes:
            if self.failure is not None:
                raise self.failure
            return b"signed " + message

        async def close(self) -> None:
            self.closed = True

    meters, inner = Meters("1", "am"), Signer()
    signer = MeteredSigner(inner, meters)

    assert (signer.public_key, await signer.sign(b"x")) == (b"key", b"signed x")
    for failure in (HsmUnavailable("gone"), HsmKeyChanged("other"), ValueError("x")):
        inner.failure = failure
        with pytest.raises(type(failure)):
            await signer.sign(b"x")
    await signer.close()

    found = await parsed(page(meters))
    assert inner.closed
    assert found["namak_log_signature_duration_seconds_count", ()] == 1
    assert {
        labels[0]: value
        for (name, labels), value in found.items()
        if name.startswith("namak_log_signature_f")
    } == {"unavailable": 1, "key_changed": 1, "other": 1}


async def test_attempts_at_jobs_are_counted_by_how_they_ended() -> None:
    async def done(job: RunningJob) -> None:
        if job.id == 1:
            raise ValueError("x")
        if job.id == 2:
            raise asyncio.CancelledError

    meters = Meters("1", "am")
    handler = metered(meters, {SEND_SMS: done})[SEND_SMS]

    await handler(RunningJob(0, {}, 1, False))
    with pytest.raises(ValueError, match="x"):
        await handler(RunningJob(1, {}, 1, False))
    with pytest.raises(asyncio.CancelledError):
        await handler(RunningJob(2, {}, 1, False))

    found = await parsed(page(meters))
    assert {
        labels[1]: value for (name, labels), value in found.items() if name == "namak_job_attempts_total"
    } == {"done": 1, "failed": 1, "interrupted": 1}


async def test_checkpoints_are_counted_and_the_steps_passed_on() -> None:
    meters, seen = Meters("1", "am"), list[Step]()

    async def noting(step: Step) -> None:
        seen.append(step)

    stepped = counting(meters, noting)
    for step in Step:
        await stepped(step)
    await counting(meters, unobserved)(Step.PUBLISHED)

    assert seen == list(Step)
    assert (await parsed(page(meters)))["namak_log_checkpoints_total", ()] == 2


async def test_many_who_ask_at_once_have_one_page_written() -> None:
    times = 0

    def counted() -> Iterator[Reading]:
        nonlocal times
        times += 1
        yield Reading(catalogue.LEADING, 1)

    made = MetricsPage(Meters("1", "am").registry, CLOCK, looks=Looks({}), gauges=[counted])

    pages = await asyncio.gather(*(made.get("") for _ in range(50)))

    assert times == 1
    assert len({each.content for each in pages}) == 1
