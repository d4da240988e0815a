"""Where deliveries came from that came in by mail, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from server.domain.mail_origins import MailChecks, MailOrigin
from tests.fakes.state import State


class FakeMailOrigins:
    """Origins of one transaction."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, origins: Sequence[tuple[UUID, UUID, MailOrigin]]) -> None:
        for mailbox_id, delivery_id, origin in origins:
            key = mailbox_id, delivery_id
            self._state.require(key in self._state.deliveries, "fk_mail_origins_mailbox_id_deliveries")
            self._state.require(key not in self._state.mail_origins, "pk_mail_origins")
            self._state.mail_origins[key] = replace(origin, checks=None)

    async def get(self, mailbox_id: UUID, delivery_id: UUID) -> MailOrigin | None:
        return self._state.mail_origins.get((mailbox_id, delivery_id))

    async def set_checks(self, deliveries: Collection[tuple[UUID, UUID]], checks: MailChecks) -> None:
        for key in deliveries:
            if (origin := self._state.mail_origins.get(key)) is not None:
                self._state.mail_origins[key] = replace(origin, checks=checks)
