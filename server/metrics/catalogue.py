"""Everything that is measured, as data: names, units, words, labels. `docs/metrics.md` is printed from it.

A label has few values, which the release or the settings bound: never a person, an address, an organisation,
an identifier, or anything else that callers choose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PREFIX: Final = "namak_"


class Kind(StrEnum):
    """Kinds of metrics, by OpenMetrics' names."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Label:
    """A label and what its values are."""

    name: str
    values: str


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric.

    Attributes:
        name: as it is exposed, but for what its kind appends (`_total` of counters, `_info`, `_bucket`).
        kind: its kind.
        says: what it tells, in one line.
        processes: the commands that have it.
        labels: its labels, in their order.
        unit: the unit that its name ends with.
        buckets: the upper bounds of a histogram.
    """

    name: str
    kind: Kind
    says: str
    processes: Sequence[str]
    labels: Sequence[Label] = ()
    unit: str = ""
    buckets: Sequence[float] = ()

    def __post_init__(self) -> None:
        if not self.name.startswith(PREFIX) or not self.name.endswith(self.unit):
            raise ValueError(f"{self.name} is not named as the others are")


SERVE: Final = ("serve",)
WORK: Final = ("serve", "work")
SUBMIT: Final = ("serve", "smtp")
MAIL: Final = ("smtp", "serve")
LOG_SERVE: Final = ("log serve",)
DATABASE: Final = ("serve", "work", "smtp")
ALL: Final = ("serve", "work", "smtp", "log serve")
SUPERVISOR: Final = ("serve --processes",)

_ORIGIN = Label("origin", "the shards in the settings")
_METHOD = Label("method", "the methods that are served: `namak.v1.DeliveryService/Submit`")
_AUTHORITY = Label("authority", "the time-stamping authorities, in the settings or before")
_PART = Label("part", "the parts of the log, its witnesses and authorities among them")
_KIND = Label("kind", "the kinds of jobs (`namak-server jobs status`), or `other` for another release's")

_CALL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIGNATURE_SECONDS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.0,
)
_JOB_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0)

BUILD: Final = Measure(
    "namak_build", Kind.INFO, "The release that runs, and its profile.", ALL,
    (Label("version", "the release"), Label("profile", "`am`, `kz` or `az`")),
)  # fmt: skip
PROCESS_UP: Final = Measure(
    "namak_process_up", Kind.GAUGE,
    "1 where a process told its figures; 0 where it is away, or too slow, and they are missing.",
    SUPERVISOR, (Label("process", "numbers from 1"),),
)  # fmt: skip

CALLS: Final = Measure(
    "namak_rpc_calls", Kind.COUNTER, "Calls that ended, streams among them.", SERVE,
    (_METHOD, Label("code", "gRPC's status codes"), Label("reason", "[reasons](reasons.md), or empty")),
)  # fmt: skip
CALL_SECONDS: Final = Measure(
    "namak_rpc_duration_seconds", Kind.HISTOGRAM,
    "How long calls with one reply took, waiting for receipts included. Streams are not in it.", SERVE,
    (_METHOD,), "seconds", _CALL_SECONDS,
)  # fmt: skip
CALLS_UNDER_WAY: Final = Measure(
    "namak_rpc_calls_under_way", Kind.GAUGE, "Calls that are being served and count against the limit.", SERVE
)
CALLS_LIMIT: Final = Measure(
    "namak_rpc_calls_limit", Kind.GAUGE, "How many may be (`max_concurrent_calls`).", SERVE
)
FOLLOWERS: Final = Measure("namak_log_followers", Kind.GAUGE, "Streams that follow the log.", SERVE)
SUBMISSIONS_HELD: Final = Measure(
    "namak_submissions_held", Kind.GAUGE, "Submissions that wait in the line or are being written.", SUBMIT
)
SUBMISSIONS_LIMIT: Final = Measure(
    "namak_submissions_limit", Kind.GAUGE,
    "How many the line has room for; an organisation gets half of what is free.", SUBMIT,
)  # fmt: skip

DEBT: Final = Measure(
    "namak_evidence_debt_leaves", Kind.GAUGE,
    "Facts that are recorded and not under a checkpoint that the quorum of witnesses cosigned.", SERVE,
    (_ORIGIN,), "leaves",
)  # fmt: skip
DEBT_AGE: Final = Measure(
    "namak_evidence_debt_age_seconds", Kind.GAUGE,
    "For how long the oldest of them waits; 0 where none does.", SERVE, (_ORIGIN,), "seconds",
)  # fmt: skip
DEBT_LIMIT: Final = Measure(
    "namak_evidence_debt_limit_seconds", Kind.GAUGE,
    "How long they may (`debt_limit`); missing where nobody is asked to witness.", SERVE, (), "seconds",
)  # fmt: skip
OUTAGE: Final = Measure(
    "namak_evidence_outage", Kind.GAUGE,
    "1 while no submission is accepted, since evidence waits for witnesses for too long.", SUBMIT,
)  # fmt: skip
OUTAGE_AGE: Final = Measure(
    "namak_evidence_outage_age_seconds", Kind.GAUGE, "For how long that lasts; 0 where there is no outage.",
    SUBMIT, (), "seconds",
)  # fmt: skip

TREE: Final = Measure(
    "namak_log_tree_leaves", Kind.GAUGE, "How far a shard has come.", SERVE,
    (_ORIGIN, Label("stage", "`integrated`, `published`, `witnessed`")), "leaves",
)  # fmt: skip
PENDING: Final = Measure(
    "namak_log_pending_leaves", Kind.GAUGE,
    "Facts that are recorded and not under a published checkpoint; at most 100,000 of the queue are counted.",
    SERVE, (_ORIGIN,), "leaves",
)  # fmt: skip
CHECKPOINT_AGE: Final = Measure(
    "namak_log_checkpoint_age_seconds", Kind.GAUGE,
    "How old the newest checkpoint is. Where nothing is recorded none comes: look at what is pending, too.",
    SERVE, (_ORIGIN,), "seconds",
)  # fmt: skip
STAMPED: Final = Measure(
    "namak_log_timestamped_leaves", Kind.GAUGE, "How far an authority has stamped a shard.", SERVE,
    (_ORIGIN, _AUTHORITY), "leaves",
)  # fmt: skip
STAMP_AGE: Final = Measure(
    "namak_log_timestamp_age_seconds", Kind.GAUGE, "How old its newest timestamp is.", SERVE,
    (_ORIGIN, _AUTHORITY), "seconds",
)  # fmt: skip
LEADING: Final = Measure(
    "namak_log_leading", Kind.GAUGE, "1 in the process that leads the log: one of all replicas.", SERVE
)
CHECKPOINTS: Final = Measure(
    "namak_log_checkpoints", Kind.COUNTER, "Checkpoints that this process published.", SERVE
)
PART_WELL: Final = Measure(
    "namak_log_part_well", Kind.GAUGE,
    "Whether this process sees a part well. Witnesses and authorities are asked by the one that leads alone.",
    SERVE, (_PART,),
)  # fmt: skip
TROUBLE: Final = Measure(
    "namak_log_trouble", Kind.GAUGE, "1 for each trouble under way; otherwise missing.", SERVE,
    (
        _PART,
        Label("trouble", "those of [alarms](alarms.md)"),
        Label("alarm", "`yes` where a person must act, `no` where it passes"),
    ),
)  # fmt: skip
SIGNATURE_SECONDS: Final = Measure(
    "namak_log_signature_duration_seconds", Kind.HISTOGRAM, "How long the log's key took to sign.", SERVE, (),
    "seconds", _SIGNATURE_SECONDS,
)  # fmt: skip
SIGNATURE_FAILURES: Final = Measure(
    "namak_log_signature_failures", Kind.COUNTER, "Signatures that the log's key did not give.", SERVE,
    (Label("cause", "`unavailable`, `key_changed`, `other`"),),
)  # fmt: skip

MAILS: Final = Measure(
    "namak_mails", Kind.COUNTER, "Mails and reports that came whole, by what was answered.", MAIL,
    (Label("code", "SMTP's reply codes, such as 250, 451, 550"),),
)  # fmt: skip
MAIL_CONNECTIONS: Final = Measure(
    "namak_mail_connections", Kind.GAUGE, "Open connections of mail clients and servers.", MAIL
)
LOG_REQUESTS: Final = Measure(
    "namak_log_requests", Kind.COUNTER, "Questions for files of the log.", LOG_SERVE,
    (Label("file", "`checkpoint`, `tile`, `none` of the log's"), Label("status", "HTTP's status codes")),
)  # fmt: skip

JOBS: Final = Measure(
    "namak_jobs", Kind.GAUGE, "Jobs, by how far they are; dead ones wait for an operator.", WORK,
    (_KIND, Label("state", "`due`, `later`, `running`, `dead`")),
)  # fmt: skip
JOBS_AGE: Final = Measure(
    "namak_jobs_oldest_due_age_seconds", Kind.GAUGE,
    "For how long the oldest job that may run waits; 0 where none does.", WORK, (_KIND,), "seconds",
)  # fmt: skip
JOB_ATTEMPTS: Final = Measure(
    "namak_job_attempts", Kind.COUNTER, "Attempts at jobs that this process made.", WORK,
    (_KIND, Label("outcome", "`done`, `failed` (it is tried again, or dead), `interrupted`")),
)  # fmt: skip
JOB_SECONDS: Final = Measure(
    "namak_job_duration_seconds", Kind.HISTOGRAM, "How long they took.", WORK, (_KIND,), "seconds",
    _JOB_SECONDS,
)  # fmt: skip

DATABASE_UP: Final = Measure(
    "namak_database_up", Kind.GAUGE,
    "Whether the database answered the last look. If not, what stands in it is shown as it was seen before.",
    DATABASE,
)  # fmt: skip
LOOK_AGE: Final = Measure(
    "namak_database_look_age_seconds", Kind.GAUGE,
    "How long ago it was seen: debt, log and jobs; missing before the first time.", DATABASE, (),
    "seconds",
)  # fmt: skip
CONNECTIONS: Final = Measure(
    "namak_database_connections_in_use", Kind.GAUGE, "Connections out of this process's pools.", DATABASE
)
CONNECTIONS_LIMIT: Final = Measure(
    "namak_database_connections_limit", Kind.GAUGE, "How many those have at most.", DATABASE
)
CERTIFICATE_ENDS: Final = Measure(
    "namak_certificate_ends_timestamp_seconds", Kind.GAUGE,
    "When a certificate of this server ends, in Unix time; missing where its file can't be read.", SERVE,
    (Label("certificate", "`server`, `seal`"),), "seconds",
)  # fmt: skip

LISTS_END: Final = Measure(
    "namak_revocation_lists_end_timestamp_seconds", Kind.GAUGE,
    "When the first of the lists in `revocation_lists` goes stale, in Unix time.", SERVE, (), "seconds",
)  # fmt: skip

MEASURES: Final[Sequence[Measure]] = (
    *(BUILD, PROCESS_UP),
    *(DEBT, DEBT_AGE, DEBT_LIMIT, OUTAGE, OUTAGE_AGE),
    *(TREE, PENDING, CHECKPOINT_AGE, CHECKPOINTS, LEADING, PART_WELL, TROUBLE),
    *(STAMPED, STAMP_AGE, SIGNATURE_SECONDS, SIGNATURE_FAILURES, FOLLOWERS),
    *(CALLS, CALL_SECONDS, CALLS_UNDER_WAY, CALLS_LIMIT, SUBMISSIONS_HELD, SUBMISSIONS_LIMIT),
    *(MAILS, MAIL_CONNECTIONS, LOG_REQUESTS),
    *(JOBS, JOBS_AGE, JOB_ATTEMPTS, JOB_SECONDS),
    *(DATABASE_UP, LOOK_AGE, CONNECTIONS, CONNECTIONS_LIMIT, CERTIFICATE_ENDS, LISTS_END),
)
"""All of them, in the order of the page."""
