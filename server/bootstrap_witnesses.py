"""Wires those who witness the log."""

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from namak.evidence import EvidenceError
from namak.evidence.tlog_policy import TlogPolicy
from server.config_witnesses import WitnessesSettings
from server.gateways.witnesses import HttpWitnesses
from server.transparency.witness_link import WitnessTerms


class WitnessesUnusable(ValueError):
    """Nothing could ever be witnessed by the policy file; the text says why."""


@contextlib.asynccontextmanager
async def witness_terms(settings: WitnessesSettings) -> AsyncIterator[WitnessTerms | None]:
    """Yields whom to ask to witness the log, and how; None where nobody is to be asked.

    Raises:
        WitnessesUnusable, OSError: the policy or the roots can't be used.
    """
    if settings.policy is None:
        yield None
        return
    policy = _policy(settings)
    client = HttpWitnesses(seconds=settings.timeout.total_seconds(), authorities=settings.authorities)
    try:
        yield WitnessTerms(
            policy,
            client,
            interval=settings.interval.total_seconds(),
            renewal=settings.renewal.total_seconds(),
            retry_longest=settings.retry_longest.total_seconds(),
        )
    finally:
        await client.close()


def _policy(settings: WitnessesSettings) -> TlogPolicy:
    if settings.policy is None:
        raise ValueError("no policy is set")
    try:
        policy = TlogPolicy.parse(settings.policy.read_bytes())
    except EvidenceError as error:
        raise WitnessesUnusable(f"{settings.policy}: {error.detail}") from None
    if policy.quorum is None:
        raise WitnessesUnusable(f"{settings.policy}: its quorum is none, so nothing would be witnessed")
    for witness in policy.witnesses:
        if witness.url is not None and not _is_address(witness.url):
            name = witness.name.decode(errors="replace")
            raise WitnessesUnusable(
                f"{settings.policy}: the address of {name} is not http(s)://HOST[:PORT][/PATH]"
            )
    if not policy.is_quorum([witness.name for witness in policy.witnesses if witness.url is not None]):
        raise WitnessesUnusable(
            f"{settings.policy}: the witnesses that have an address are too few for its quorum"
        )
    return policy


def _is_address(url: bytes) -> bool:
    try:
        parts = urlsplit(url.decode("ascii"))
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and not (parts.query or parts.fragment or parts.username or parts.password)
        )
    except ValueError:
        return False
