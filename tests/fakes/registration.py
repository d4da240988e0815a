"""The fake unit of work's applications, user agreements and holders."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from server.domain.applications import UNDECIDED, Application, ApplicationState
from server.domain.holders import AgreementAcceptance, HolderProfile, UserAgreement
from server.domain.mailboxes import HolderKind
from server.usecases.registration_ports import ApplicationFilter, ProfileConfirmation
from tests.fakes.state import State


class FakeApplications:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, application: Application) -> bool:
        applicant = (application.data.kind, application.data.number)
        under_way = {
            (each.data.kind, each.data.number)
            for each in self._state.applications.values()
            if each.state in UNDECIDED
        }
        if applicant in under_way or application.id in self._state.applications:
            return False
        self._state.require(
            (application.cms is None) == (application.scan is not None), "ck_applications_cms"
        )
        self._state.applications[application.id] = application
        return True

    async def get(self, application_id: UUID) -> Application | None:
        return self._state.applications.get(application_id)

    async def get_without_scan(self, application_id: UUID) -> Application | None:
        found = self._state.applications.get(application_id)
        return None if found is None else replace(found, scan=None)

    async def lock(self, application_id: UUID) -> Application | None:
        return self._state.applications.get(application_id)

    async def change(self, application: Application) -> None:
        stored = self._state.applications.get(application.id)
        if stored is None:
            raise LookupError("no such application")
        approved = application.state is ApplicationState.APPROVED
        self._state.require(approved == (application.mailbox_id is not None), "ck_applications_mailbox_id")
        refused = application.state is ApplicationState.REFUSED
        self._state.require(refused == bool(application.refusal_reason), "ck_applications_refusal_reason")
        decided = application.decided_at is not None
        self._state.require((approved or refused) == decided, "ck_applications_decided_at")
        self._state.applications[application.id] = replace(
            stored,
            state=application.state,
            findings=application.findings,
            checked_at=application.checked_at,
            decided_at=application.decided_at,
            refusal_reason=application.refusal_reason,
            mailbox_id=application.mailbox_id,
        )

    async def list_newest(
        self, wanted: ApplicationFilter, *, before: UUID | None, limit: int
    ) -> Sequence[Application]:
        found = [
            replace(each, scan=None)
            for each in self._state.applications.values()
            if wanted.state in (None, each.state)
            and wanted.number in (None, each.data.number)
            and wanted.signer_number in (None, each.signer_number)
            and (wanted.since is None or each.received_at >= wanted.since)
            and (wanted.until is None or each.received_at < wanted.until)
            and (before is None or each.id < before)
        ]
        return sorted(found, key=lambda application: application.id, reverse=True)[:limit]

    async def unanswered(self, kind: HolderKind, *, after: UUID | None, limit: int) -> Sequence[UUID]:
        waiting = (ApplicationState.RECEIVED, ApplicationState.WAITING)
        applications = self._state.applications.values()
        found = [each.id for each in applications if each.state in waiting and each.data.kind is kind]
        return sorted(each for each in found if after is None or each > after)[:limit]


class FakeUserAgreements:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, agreement: UserAgreement) -> bool:
        if agreement.version in self._state.user_agreements:
            return False
        self._state.user_agreements[agreement.version] = agreement
        return True

    async def get(self, version: str) -> UserAgreement | None:
        return self._state.user_agreements.get(version)

    async def current(self) -> UserAgreement | None:
        return next(reversed(self._state.user_agreements.values()), None)


class FakeHolders:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, profile: HolderProfile) -> None:
        self._state.require(profile.mailbox_id in self._state.mailboxes, "fk_holders_mailbox_id_mailboxes")
        self._state.require(profile.mailbox_id not in self._state.holders, "pk_holders")
        self._state.holders[profile.mailbox_id] = profile

    async def get(self, mailbox_id: UUID) -> HolderProfile | None:
        return self._state.holders.get(mailbox_id)

    async def lock(self, mailbox_id: UUID) -> HolderProfile | None:
        return self._state.holders.get(mailbox_id)

    async def change(self, profile: HolderProfile) -> None:
        stored = self._state.holders.get(profile.mailbox_id)
        if stored is None:
            raise LookupError("nothing is known of this holder")
        self._state.holders[profile.mailbox_id] = replace(
            stored,
            data=profile.data,
            salt=profile.salt,
            confirmed_at=profile.confirmed_at,
            confirmed_etag=profile.confirmed_etag,
        )

    async def accept(self, acceptance: AgreementAcceptance) -> AgreementAcceptance:
        known = acceptance.version in self._state.user_agreements
        self._state.require(known, "fk_agreement_acceptances_version_user_agreements")
        key = (acceptance.mailbox_id, acceptance.version)
        return self._state.acceptances.setdefault(key, acceptance)

    async def accepted(self, mailbox_id: UUID) -> AgreementAcceptance | None:
        versions = reversed(self._state.user_agreements)
        found = (self._state.acceptances.get((mailbox_id, version)) for version in versions)
        return next((each for each in found if each is not None), None)

    async def add_confirmation(self, confirmation: ProfileConfirmation) -> None:
        key = (confirmation.mailbox_id, confirmation.etag)
        self._state.require(key not in self._state.profile_confirmations, "uq_profile_confirmations_etag")
        self._state.profile_confirmations[key] = confirmation
