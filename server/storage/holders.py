"""User agreements, and what is known of mailboxes' holders."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.holders import AgreementAcceptance, HolderProfile, UserAgreement
from server.storage.applications import data_of, data_values
from server.storage.registration_tables import (
    AgreementAcceptanceRow,
    HolderRow,
    ProfileConfirmationRow,
    UserAgreementRow,
)
from server.storage.statements import Statements
from server.storage.stored import table
from server.usecases.registration_ports import ProfileConfirmation

_AGREEMENTS = table(UserAgreementRow)
_ACCEPTANCES = table(AgreementAcceptanceRow)
_HOLDERS = table(HolderRow)
_CONFIRMATIONS = table(ProfileConfirmationRow)

# Whoever publishes at the same moment waits, so that numbers follow each other. Readers do not.
_ONE_BY_ONE = text("LOCK TABLE user_agreements IN SHARE ROW EXCLUSIVE MODE")
_NEWEST = select(func.coalesce(func.max(_AGREEMENTS.c.number), literal(0)))
_PUBLISH = insert(_AGREEMENTS).on_conflict_do_nothing(index_elements=[_AGREEMENTS.c.version])
_VERSION = select(_AGREEMENTS).where(_AGREEMENTS.c.version == bindparam("key"))
_CURRENT = select(_AGREEMENTS).order_by(_AGREEMENTS.c.number.desc()).limit(1)

_ACCEPT = insert(_ACCEPTANCES).on_conflict_do_nothing(
    index_elements=[_ACCEPTANCES.c.mailbox_id, _ACCEPTANCES.c.version]
)
_ACCEPTED = select(_ACCEPTANCES).where(
    _ACCEPTANCES.c.mailbox_id == bindparam("key"), _ACCEPTANCES.c.version == bindparam("wanted")
)
_ACCEPTED_LAST = (
    select(_ACCEPTANCES)
    .join(_AGREEMENTS, _AGREEMENTS.c.version == _ACCEPTANCES.c.version)
    .where(_ACCEPTANCES.c.mailbox_id == bindparam("key"))
    .order_by(_AGREEMENTS.c.number.desc())
    .limit(1)
)
_HOLDER = select(_HOLDERS).where(_HOLDERS.c.mailbox_id == bindparam("key"))


class SqlUserAgreements:
    """Versions of the user agreement in an insert-only table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, agreement: UserAgreement) -> bool:
        """Adds it as the newest; returns False when the version is there."""
        await self._statements.run(_ONE_BY_ONE)
        newest = (await self._statements.run(_NEWEST)).scalar_one()
        values = {
            "version": agreement.version,
            "number": newest + 1,
            "published_at": agreement.published_at,
            "languages": [language for language, _ in agreement.texts],
            "texts": [words for _, words in agreement.texts],
            "digest": agreement.digest,
        }
        return await self._statements.changed(_PUBLISH, values) == 1

    async def get(self, version: str) -> UserAgreement | None:
        """Returns a version if there is one."""
        row = await self._statements.first(_VERSION, {"key": version})
        return None if row is None else _agreement(row)

    async def current(self) -> UserAgreement | None:
        """Returns the one that was published last."""
        row = await self._statements.first(_CURRENT)
        return None if row is None else _agreement(row)


class SqlHolders:
    """What is known of holders in a table, and in insert-only ones what they agreed to and confirmed."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, profile: HolderProfile) -> None:
        """Adds what is known of a mailbox's holder; a second time is an error."""
        values = {
            "mailbox_id": profile.mailbox_id,
            "address": profile.address,
            "signatory_number": profile.signatory_number,
            "login": profile.login,
            **_changing(profile),
        }
        await self._statements.run(insert(_HOLDERS), values)

    async def get(self, mailbox_id: UUID) -> HolderProfile | None:
        """Returns it if there is anything."""
        row = await self._statements.first(_HOLDER, {"key": mailbox_id})
        return None if row is None else _profile(row)

    async def lock(self, mailbox_id: UUID) -> HolderProfile | None:
        """Returns it, locked until the transaction ends."""
        row = await self._statements.first(_HOLDER.with_for_update(), {"key": mailbox_id})
        return None if row is None else _profile(row)

    async def change(self, profile: HolderProfile) -> None:
        """Stores the data, the salt and the confirmation. Raises `LookupError` when there is nothing."""
        values = _changing(profile)
        change = (
            update(_HOLDERS)
            .where(_HOLDERS.c.mailbox_id == bindparam("key"))
            .values({name: bindparam(f"new_{name}", type_=_HOLDERS.c[name].type) for name in values})
        )
        new = {f"new_{name}": value for name, value in values.items()}
        if await self._statements.changed(change, {"key": profile.mailbox_id, **new}) != 1:
            raise LookupError("nothing is known of this holder")

    async def accept(self, acceptance: AgreementAcceptance) -> AgreementAcceptance:
        """Keeps an acceptance; returns the first of this mailbox and version."""
        values = {
            "mailbox_id": acceptance.mailbox_id,
            "version": acceptance.version,
            "person_number": acceptance.person_number,
            "accepted_at": acceptance.accepted_at,
        }
        await self._statements.run(_ACCEPT, values)
        kept = {"key": acceptance.mailbox_id, "wanted": acceptance.version}
        row = await self._statements.first(_ACCEPTED, kept)
        if row is None:
            raise LookupError("an acceptance that was kept is not there")
        return _acceptance(row)

    async def accepted(self, mailbox_id: UUID) -> AgreementAcceptance | None:
        """Returns the acceptance of the newest version that was accepted."""
        row = await self._statements.first(_ACCEPTED_LAST, {"key": mailbox_id})
        return None if row is None else _acceptance(row)

    async def add_confirmation(self, confirmation: ProfileConfirmation) -> None:
        """Adds a confirmation; a second one of the same state is an error."""
        values = {
            "mailbox_id": confirmation.mailbox_id,
            "id": confirmation.id,
            "etag": confirmation.etag,
            "person_number": confirmation.person_number,
            "text": confirmation.text,
            "cms": confirmation.cms,
            "confirmed_at": confirmation.confirmed_at,
        }
        await self._statements.run(insert(_CONFIRMATIONS), values)


def _changing(profile: HolderProfile) -> dict[str, Any]:
    return {
        **data_values(profile.data),
        "salt": profile.salt,
        "confirmed_at": profile.confirmed_at,
        "confirmed_etag": profile.confirmed_etag,
    }


def _agreement(row: Row[Any]) -> UserAgreement:
    texts = tuple(zip(row.languages, row.texts, strict=True))
    return UserAgreement(row.version, row.published_at, texts, row.digest)


def _acceptance(row: Row[Any]) -> AgreementAcceptance:
    return AgreementAcceptance(row.mailbox_id, row.version, row.person_number, row.accepted_at)


def _profile(row: Row[Any]) -> HolderProfile:
    return HolderProfile(
        mailbox_id=row.mailbox_id,
        address=row.address,
        data=data_of(row),
        signatory_number=row.signatory_number,
        login=row.login,
        salt=row.salt,
        confirmed_at=row.confirmed_at,
        confirmed_etag=row.confirmed_etag,
    )
