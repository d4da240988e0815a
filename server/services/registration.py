"""RegistrationService: applications, user agreements, holders' profiles, and mailboxes opened in bulk."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from namak.v1 import registration_pb2 as pb
from namak.v1 import registration_pb2_grpc
from server.domain.caller import Holder
from server.domain.profile import Profile
from server.services import holders_wire, import_wire
from server.services import registration_wire as wire
from server.services.acting import current_operator, current_registrar
from server.services.call import Context, current_holder
from server.services.values_wire import time_to_proto
from server.usecases.agreements import AgreementRegister
from server.usecases.applications import ApplicationDesk
from server.usecases.holder_profiles import HolderRegister, HolderView
from server.usecases.mailbox_import import MailboxImport
from server.usecases.signatories import SignatoryRegister


@dataclass(frozen=True, slots=True)
class Registration:
    """The use cases of registration."""

    applications: ApplicationDesk
    agreements: AgreementRegister
    holders: HolderRegister
    imports: MailboxImport
    signatories: SignatoryRegister


class RegistrationServicer(registration_pb2_grpc.RegistrationServiceServicer):
    """Translates the calls of applicants, holders, clerks and the operator."""

    def __init__(self, registration: Registration, profile: Profile) -> None:
        self._applications = registration.applications
        self._agreements = registration.agreements
        self._holders = registration.holders
        self._imports = registration.imports
        self._signatories = registration.signatories
        self._profile = profile

    async def PrepareApplication(
        self, request: pb.PrepareApplicationRequest, context: Context
    ) -> pb.PrepareApplicationResponse:
        by, request_id, form = wire.prepare_from_proto(request, self._profile)
        text = await self._applications.prepare(by, request_id, form)
        return pb.PrepareApplicationResponse(application_text=text)

    async def SubmitApplication(
        self, request: pb.SubmitApplicationRequest, context: Context
    ) -> pb.SubmitApplicationResponse:
        standing = await self._applications.submit(wire.submit_from_proto(request, self._profile))
        return pb.SubmitApplicationResponse(application=wire.standing_to_proto(standing))

    async def GetApplication(
        self, request: pb.GetApplicationRequest, context: Context
    ) -> pb.GetApplicationResponse:
        application_id = wire.application_id_from_proto(request)
        standing = await self._applications.whole(current_registrar(), application_id)
        return wire.whole_to_proto(standing)

    async def ListApplications(
        self, request: pb.ListApplicationsRequest, context: Context
    ) -> pb.ListApplicationsResponse:
        page = await self._applications.list_applications(wire.list_from_proto(request))
        return wire.page_to_proto(page, self._profile)

    async def CheckApplication(
        self, request: pb.CheckApplicationRequest, context: Context
    ) -> pb.CheckApplicationResponse:
        standing = await self._applications.check_again(wire.check_from_proto(request))
        return pb.CheckApplicationResponse(application=wire.standing_to_proto(standing))

    async def RefreshSignatories(
        self, request: pb.RefreshSignatoriesRequest, context: Context
    ) -> pb.RefreshSignatoriesResponse:
        command = holders_wire.refresh_from_proto(request, self._profile)
        known = await self._signatories.refresh(command)
        return holders_wire.signatories_to_proto(command.address, known)

    async def ApproveApplication(
        self, request: pb.ApproveApplicationRequest, context: Context
    ) -> pb.ApproveApplicationResponse:
        return wire.approved_to_proto(await self._applications.decide(wire.decide_from_proto(request)))

    async def RefuseApplication(
        self, request: pb.RefuseApplicationRequest, context: Context
    ) -> pb.RefuseApplicationResponse:
        standing = await self._applications.decide(wire.decide_from_proto(request))
        return pb.RefuseApplicationResponse(application=wire.standing_to_proto(standing))

    async def PublishUserAgreement(
        self, request: pb.PublishUserAgreementRequest, context: Context
    ) -> pb.PublishUserAgreementResponse:
        view = await self._agreements.publish(wire.publish_from_proto(request))
        return pb.PublishUserAgreementResponse(agreement=wire.agreement_to_proto(view))

    async def GetUserAgreement(
        self, request: pb.GetUserAgreementRequest, context: Context
    ) -> pb.GetUserAgreementResponse:
        view = await self._agreements.get(wire.version_from_proto(request))
        return pb.GetUserAgreementResponse(agreement=wire.agreement_to_proto(view))

    async def AcceptUserAgreement(
        self, request: pb.AcceptUserAgreementRequest, context: Context
    ) -> pb.AcceptUserAgreementResponse:
        accepted = await self._agreements.accept(wire.accept_from_proto(request, self._profile))
        return pb.AcceptUserAgreementResponse(
            version=accepted.version, accept_time=time_to_proto(accepted.accepted_at)
        )

    async def GetHolderProfile(
        self, request: pb.GetHolderProfileRequest, context: Context
    ) -> pb.GetHolderProfileResponse:
        by, address = holders_wire.named_from_proto(request, self._profile)
        view: HolderView = await self._holders.get(by, address)
        return pb.GetHolderProfileResponse(
            profile=holders_wire.view_to_proto(view),
            confirmation_text=view.confirmation_text if isinstance(by, Holder) else b"",
        )

    async def ChangeHolderData(
        self, request: pb.ChangeHolderDataRequest, context: Context
    ) -> pb.ChangeHolderDataResponse:
        view = await self._holders.change(holders_wire.change_from_proto(request, self._profile))
        return pb.ChangeHolderDataResponse(profile=holders_wire.view_to_proto(view))

    async def ConfirmProfile(
        self, request: pb.ConfirmProfileRequest, context: Context
    ) -> pb.ConfirmProfileResponse:
        command = holders_wire.confirm_from_proto(request, current_holder(), self._profile)
        view = await self._holders.confirm(command)
        return pb.ConfirmProfileResponse(profile=holders_wire.view_to_proto(view))

    async def ImportMailboxes(
        self, request_iterator: AsyncIterator[pb.ImportMailboxesRequest], context: Context
    ) -> AsyncIterator[pb.ImportMailboxesResponse]:
        by, through = current_operator(), 0
        async for request in request_iterator:
            outcome = await self._imports.open_block(import_wire.block_from_proto(request, by, through))
            through = outcome.through_line
            yield import_wire.outcome_to_proto(outcome)
