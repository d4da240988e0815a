"""Wires what keeps the post's seal for the long term."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.signatures.cades import SignerCertificates
from server.bootstrap_machine import SystemClock
from server.bootstrap_timestamps import trust_in
from server.config import Settings
from server.gateways.certificate_status.fetching import place_of
from server.gateways.certificate_status.settings import Revocation
from server.gateways.long_term_seal import Extend, LongTermSeal, way
from server.gateways.long_term_status import MOST_LIST_BYTES, LongTermStatus

_REST = timedelta(minutes=1)


class LongTermUnusable(ValueError):
    """No seal could ever be kept for the long term by these settings; the text says why."""


@contextlib.asynccontextmanager
async def long_term_seal(
    settings: Settings, certificates: SignerCertificates, extend: Extend
) -> AsyncIterator[LongTermSeal | None]:
    """Gives what keeps seals for the long term; nothing where that is not asked for.

    Raises LongTermUnusable, WayNotFound, OSError: the settings can't be used.
    """
    chosen = settings.seal.long_term
    if chosen is None:
        yield None
        return
    if not settings.timestamps.authorities:
        raise LongTermUnusable(
            "[seal.long_term] needs [timestamps]: without one nothing tells later when a seal was put on"
        )
    try:
        roots = x509.load_pem_x509_certificates(chosen.roots.read_bytes())
    except ValueError:
        raise LongTermUnusable(
            f"[seal.long_term] roots {chosen.roots}: no certificates to read (PEM)"
        ) from None
    path = way(
        certificates.own,
        certificates.chain,
        [each.public_bytes(Encoding.DER) for each in roots],
        f"[seal] certificate {settings.seal.certificate}",
    )
    stamping = [
        root.public_bytes(Encoding.DER)
        for authority in settings.timestamps.authorities
        for root in trust_in(authority).roots
    ]
    statuses = LongTermStatus(
        chosen.revocation_lists,
        Revocation(
            places=frozenset(place_of(host) for host in chosen.hosts),
            timeout=chosen.timeout,
            list_timeout=chosen.timeout,
            retry=_REST,
            refresh=chosen.refresh,
            longest_list=4 * MOST_LIST_BYTES,
        ),
        now=SystemClock().now,
    )
    try:
        yield LongTermSeal(statuses, extend, path, stamping)
    finally:
        await statuses.close()
