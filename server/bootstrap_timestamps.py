"""Wires those who stamp the log's checkpoints with a time."""

import contextlib
from collections.abc import AsyncIterator

from namak.evidence.timestamp import TimestampTrust
from server.config_timestamps import TimestampAuthoritySettings, TimestampsSettings
from server.gateways.timestamps import HttpTimestampAuthorities
from server.transparency.timestamp_link import TimestampAuthority, TimestampTerms


class RootsUnusable(ValueError):
    """No token could ever lead to an authority's roots; the text says why."""


@contextlib.asynccontextmanager
async def timestamp_terms(settings: TimestampsSettings) -> AsyncIterator[TimestampTerms | None]:
    """Yields whom to ask for timestamps, and how; None where nobody is to be asked.

    Raises:
        RootsUnusable: an authority's roots can't be used.
    """
    if not settings.authorities:
        yield None
        return
    authorities = tuple(_authority(each) for each in settings.authorities)
    client = HttpTimestampAuthorities(seconds=settings.timeout.total_seconds())
    try:
        yield TimestampTerms(
            authorities,
            client,
            interval=settings.interval.total_seconds(),
            retry_longest=settings.retry_longest.total_seconds(),
            quorum=settings.quorum,
        )
    finally:
        await client.close()


def trust_in(settings: TimestampAuthoritySettings) -> TimestampTrust:
    """Returns which tokens of an authority count. Raises RootsUnusable."""
    about = f"[timestamps] authority {settings.name!r}: roots {settings.roots}"
    try:
        return TimestampTrust.from_pem(settings.roots.read_bytes(), settings.policy)
    except OSError as problem:
        raise RootsUnusable(f"{about} can't be read: {problem.strerror}") from None
    except ValueError:
        raise RootsUnusable(f"{about}: there are no certificates to read (PEM)") from None


def _authority(settings: TimestampAuthoritySettings) -> TimestampAuthority:
    return TimestampAuthority(settings.name, settings.url, trust_in(settings))
