"""Whom a public notice is for, by name: the state's register says, else what the holder said."""

from typing import Final

from server.domain.jobs import JobFailed
from server.domain.mailboxes import HolderKind, Mailbox
from server.domain.notices import shown_name
from server.domain.state_records import Fault, Found, Unavailable
from server.usecases.ports import UnitOfWork
from server.usecases.state_registers import StateRegisters

NO_NAME: Final = "NO_NAME"
"""Nobody knows the name, so that there can be no notice: an operator enters it, or the law's other ways are
gone."""
NAME_NOT_KNOWN_YET: Final = "NAME_NOT_KNOWN_YET"
"""The register did not answer, and nobody else knows the name."""


class HolderNames:
    """Says what mailboxes' holders are called."""

    def __init__(self, uow: UnitOfWork, registers: StateRegisters) -> None:
        self._uow = uow
        self._registers = registers

    async def of(self, mailbox: Mailbox) -> str:
        """Returns the name that may stand in public.

        The state's register goes before: names change. Where it does not know, does not answer, or there is
        none, the name counts that the holder registered with, which the post's people alone change.

        Raises:
            JobFailed: there is no name, for good or as long as the register does not answer.
        """
        ask = self._registers.person if mailbox.holder_kind is HolderKind.PERSON else self._registers.entity
        answer = await ask(mailbox.holder_number)
        name = shown_name(answer.record.name) if isinstance(answer, Found) else ""
        if not name:
            async with self._uow.reading() as tx:
                profile = await tx.holders.get(mailbox.id)
            name = "" if profile is None else shown_name(profile.data.name)
        if name:
            return name
        if isinstance(answer, Unavailable) and answer.fault is not Fault.NOT_CONFIGURED:
            raise JobFailed(NAME_NOT_KNOWN_YET, wait=answer.retry_after)
        raise JobFailed(NO_NAME, for_good=True)
