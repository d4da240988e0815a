"""Keeps what was found out about a mail after it was accepted; nothing hangs on it (ADMIN-6)."""

from collections.abc import Sequence

from server.domain.mail_origins import MailChecks
from server.usecases.ports import UnitOfWork
from server.usecases.submission import Accepted


class KeptMailChecks:
    """Keeps them beside the deliveries that the mail became."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    async def keep(self, accepted: Sequence[Accepted], checks: MailChecks) -> None:
        """Keeps the results for all deliveries of a mail; those of the same mail again take their place.

        Raises:
            ServiceUnavailable: the database does not answer; nothing was kept.
        """
        keys = [(each.delivery.mailbox_id, each.delivery.id) for each in accepted]
        async with self._uow.writing() as tx:
            await tx.mail_origins.set_checks(keys, checks)
            await tx.commit()
