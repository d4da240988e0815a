"""Finds out where an accepted mail came from, behind its answer, and keeps it; nothing hangs on it (ADMIN-6).

The right to send rests on the register, the sender's networks and TLS. What DKIM and SPF say is looked at
without anybody waiting for it, outside any transaction, and written afterwards, many mails at once.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

import structlog

from server.domain.caller import IpAddress
from server.domain.inbound_mail import SignatureResult
from server.domain.mail_origins import MailChecks
from server.domain.refusals import Refused
from server.domain.spf import SpfResult
from server.usecases.ports import UnitOfWork
from server.usecases.spf_check import SpfIdentity
from server.usecases.submission import Accepted

_log = structlog.get_logger(__name__)

_MAILS: Final = 1000
"""So many mails at most are being looked at, or wait for it; of more the log says that they are not."""
_BYTES: Final = 64 * 1024 * 1024
"""So much of their content is held meanwhile."""


class MailSignatures(Protocol):
    """Looks at the DKIM signature of a mail."""

    async def of(self, mail: bytes) -> SignatureResult:
        """Returns what became of it; never raises."""
        ...


class SenderPolicies(Protocol):
    """Looks at what domains say of who sends in their name."""

    async def of(self, client: IpAddress, identity: SpfIdentity) -> SpfResult:
        """Returns what became of it; never raises."""
        ...


class MailLooks:
    """Has mails looked at, and what was found kept."""

    def __init__(
        self, signatures: MailSignatures, policies: SenderPolicies | None, kept: "KeptMailChecks"
    ) -> None:
        """Without `policies` SPF is not looked at."""
        self._signatures, self._policies, self._kept = signatures, policies, kept
        self._under_way: set[asyncio.Task[None]] = set()
        self._bytes = 0

    def begin(
        self, mail: bytes, client: IpAddress, identity: SpfIdentity, accepted: Sequence[Accepted]
    ) -> None:
        """Begins to look at a mail; `client` sent it, and `accepted` is what became of it."""
        if len(self._under_way) >= _MAILS or self._bytes + len(mail) > _BYTES:
            _log.info("mail not looked at", delivery_ids=_ids(accepted))
            return
        self._bytes += len(mail)
        task = asyncio.create_task(self._look(mail, client, identity, accepted))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settle(self) -> None:
        """Waits until all that was begun is done."""
        await asyncio.gather(*self._under_way)

    async def close(self) -> None:
        """Leaves what is still being looked at."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _look(
        self, mail: bytes, client: IpAddress, identity: SpfIdentity, accepted: Sequence[Accepted]
    ) -> None:
        try:
            signature, (spf, domain) = await asyncio.gather(
                self._signatures.of(mail), self._policy(client, identity)
            )
        finally:
            self._bytes -= len(mail)
        found = MailChecks(signature.result, signature.domain, spf, domain)
        _log.info(
            "mail checks",
            dkim=found.dkim,
            dkim_domain=found.dkim_domain,
            spf=found.spf,
            spf_domain=found.spf_domain,
            delivery_ids=_ids(accepted),
        )
        await self._kept.keep(accepted, found)

    async def _policy(self, client: IpAddress, identity: SpfIdentity) -> tuple[str, str]:
        if self._policies is None:
            return "", ""
        return (await self._policies.of(client, identity)).value, identity.domain


class KeptMailChecks:
    """Keeps what was found beside the deliveries that the mail became: one transaction for whatever waits
    when the one before is done.
    """

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._turn = asyncio.Lock()
        self._waiting: dict[MailChecks, list[tuple[UUID, UUID]]] = {}

    async def keep(self, accepted: Sequence[Accepted], checks: MailChecks) -> None:
        """Keeps the results for all deliveries of a mail; those of the same mail again take their place. A
        database that does not answer costs them, and the log says so.
        """
        keys = [(each.delivery.mailbox_id, each.delivery.id) for each in accepted]
        self._waiting.setdefault(checks, []).extend(keys)
        async with self._turn:
            taken, self._waiting = self._waiting, {}
            if not taken:
                return
            try:
                async with self._uow.writing() as tx:
                    for each, deliveries in taken.items():
                        await tx.mail_origins.set_checks(deliveries, each)
                    await tx.commit()
            except Refused as failure:
                _log.warning(
                    "checks of mails were not kept",
                    reason=failure.reason.value,
                    deliveries=sum(map(len, taken.values())),
                )


def _ids(accepted: Sequence[Accepted]) -> list[str]:
    return [str(each.delivery.id) for each in accepted]
