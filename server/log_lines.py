"""Log lines: one JSON object each, on standard error, whoever writes them."""

import json
import logging
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
)


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=repr)
"""One for all lines: the one of `json.dumps` with options would be made anew for each."""


def _render(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
    return _ENCODER.encode(event)


def _numbered(process: int) -> Processor:
    def add(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return add


def write_json_lines(at_least: int = logging.NOTSET, *, process: int | None = None) -> None:
    """Has our own log lines of this level and above, and the libraries' warnings, written as JSON.

    `process` is this process's number among those that serve side by side; each line then has it.
    """
    shared = _SHARED if process is None else (*_SHARED, _numbered(process))
    structlog.configure(
        processors=[*shared, _render],
        wrapper_class=structlog.make_filtering_bound_logger(at_least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=at_least == logging.NOTSET,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
