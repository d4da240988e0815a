"""Applications and user agreements of RegistrationService, between the wire and the use cases."""

import hashlib
import re
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from uuid import UUID

from namak.evidence.registration import APPLICATION_SENTENCES
from namak.v1 import registration_pb2 as pb
from server.domain import fields, holders, limits, logins
from server.domain.applications import Application, ApplicationState, Channel, Finding, Scan
from server.domain.caller import Clerk, Holder
from server.domain.fields import Malformed
from server.domain.holders import HolderData
from server.domain.mailboxes import HolderKind
from server.domain.paging import Page
from server.domain.profile import Profile
from server.services.acting import current_applicant, current_operator, current_registrar, current_reviewer
from server.services.call import current_holder
from server.services.holders_wire import (
    address_from_proto,
    entity_from_proto,
    entity_to_proto,
    person_from_proto,
    person_to_proto,
)
from server.services.mailbox_wire import mailbox_to_proto
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.agreements import AcceptUserAgreement, AgreementView, PublishUserAgreement
from server.usecases.application_commands import (
    CheckApplication,
    DecideApplication,
    Form,
    ListApplications,
    Paper,
    Standing,
    SubmitApplication,
)
from server.usecases.registration_ports import ApplicationFilter

STATES: Mapping[ApplicationState, pb.ApplicationState.ValueType] = MappingProxyType(
    {
        ApplicationState.RECEIVED: pb.APPLICATION_STATE_RECEIVED,
        ApplicationState.WAITING: pb.APPLICATION_STATE_WAITING,
        ApplicationState.CHECKED: pb.APPLICATION_STATE_CHECKED,
        ApplicationState.CONTRADICTED: pb.APPLICATION_STATE_CONTRADICTED,
        ApplicationState.APPROVED: pb.APPLICATION_STATE_APPROVED,
        ApplicationState.REFUSED: pb.APPLICATION_STATE_REFUSED,
    }
)
CHANNELS: Mapping[Channel, pb.ApplicationChannel.ValueType] = MappingProxyType(
    {
        Channel.ELECTRONIC: pb.APPLICATION_CHANNEL_ELECTRONIC,
        Channel.PAPER: pb.APPLICATION_CHANNEL_PAPER,
    }
)
FINDINGS: Mapping[Finding, pb.ApplicationFinding.ValueType] = MappingProxyType(
    {
        Finding.NOT_REGISTERED: pb.APPLICATION_FINDING_NOT_REGISTERED,
        Finding.ENDED: pb.APPLICATION_FINDING_ENDED,
        Finding.NAME_DIFFERS: pb.APPLICATION_FINDING_NAME_DIFFERS,
        Finding.REGISTRATION_DIFFERS: pb.APPLICATION_FINDING_REGISTRATION_DIFFERS,
        Finding.SIGNER_NOT_SIGNATORY: pb.APPLICATION_FINDING_SIGNER_NOT_SIGNATORY,
    }
)
_MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png", "image/tiff")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)
_NOBODY = HolderData(HolderKind.PERSON, "", "")


def prepare_from_proto(request: pb.PrepareApplicationRequest, profile: Profile) -> tuple[Holder, str, Form]:
    """Returns who asks, the request id and the form."""
    problems = Problems()
    request_id = problems.text("request_id", request.request_id, fields.request_id)
    form = _form(problems, request.form, profile)
    problems.raise_if_any()
    return current_holder(), request_id, form


def submit_from_proto(request: pb.SubmitApplicationRequest, profile: Profile) -> SubmitApplication:
    problems, by = Problems(), current_applicant()
    request_id = problems.text("request_id", request.request_id, fields.request_id)
    form = _form(problems, request.form, profile)
    confirmation = _confirmation(problems, by, request, form, profile)
    problems.raise_if_any()
    return SubmitApplication(by, request_id, form, confirmation)


def _form(problems: Problems, form: pb.ApplicationForm, profile: Profile) -> Form:
    match form.WhichOneof("applicant"):
        case "natural_person":
            data = person_from_proto(problems, "form.natural_person", form.natural_person, profile, None)
        case "legal_entity":
            data = entity_from_proto(problems, "form.legal_entity", form.legal_entity, profile, None)
        case _:
            data = _NOBODY
            problems.add("form.natural_person", "REQUIRED", "must be given, or legal_entity")
    login = problems.optional_text("form.login", form.login, logins.login) or ""
    if profile.registration.login != bool(form.login):
        told = "must be given" if profile.registration.login else "must be empty: there are no logins"
        problems.add("form.login", "REQUIRED" if profile.registration.login else "NOT_OFFERED", told)
    version = problems.optional_text(
        "form.agreement_version", form.agreement_version, holders.agreement_version
    )
    language = form.language or profile.languages[0]
    if language not in APPLICATION_SENTENCES:
        known = ", ".join(sorted(APPLICATION_SENTENCES))
        problems.add("form.language", "LANGUAGE_NOT_OFFERED", f"must be one of: {known}")
    return Form(data, login, version or "", language)


def _confirmation(
    problems: Problems, by: Holder | Clerk, request: pb.SubmitApplicationRequest, form: Form, profile: Profile
) -> bytes | Paper:
    given = request.WhichOneof("confirmation")
    if isinstance(by, Holder):
        if given == "paper":
            problems.add("paper", "ROLE_NOT_PERMITTED", "must be entered by a clerk")
        return problems.octets("cms_signature", request.cms_signature, limits.CMS_BYTES)
    if given == "cms_signature":
        problems.add("cms_signature", "ROLE_NOT_PERMITTED", "must be given by the applicant themselves")
    paper = request.paper
    content = problems.octets("paper.scan", paper.scan, limits.SCAN_BYTES)
    if paper.media_type not in _MEDIA_TYPES:
        problems.add(
            "paper.media_type", "MEDIA_TYPE_NOT_OFFERED", f"must be one of: {', '.join(_MEDIA_TYPES)}"
        )
    signer = form.data.number
    if form.data.kind is HolderKind.ENTITY:
        number = partial(fields.person_number, profile=profile)
        signer = problems.text("paper.signatory_number", paper.signatory_number, number)
    elif paper.signatory_number:
        problems.add("paper.signatory_number", "NOT_OFFERED", "must be empty for a natural person")
    return Paper(Scan(content, paper.media_type), signer)


def application_id_from_proto(request: pb.GetApplicationRequest) -> UUID:
    problems = Problems()
    application_id = problems.id("application_id", request.application_id)
    problems.raise_if_any()
    return application_id


def check_from_proto(request: pb.CheckApplicationRequest) -> CheckApplication:
    problems = Problems()
    command = CheckApplication(
        by=current_reviewer(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        application_id=problems.id("application_id", request.application_id),
    )
    problems.raise_if_any()
    return command


def list_from_proto(request: pb.ListApplicationsRequest) -> ListApplications:
    problems = Problems()
    state = next((state for state, value in STATES.items() if value == request.state), None)
    if request.state and state is None:
        problems.add("state", "UNKNOWN_VALUE", "must be a state that this server knows")
    number = problems.optional_text(
        "number", request.number, partial(fields.line, limit=limits.ACT_FILTER_CHARACTERS)
    )
    command = ListApplications(
        by=current_registrar(),
        wanted=ApplicationFilter(
            state=state,
            number=number,
            since=problems.optional_time("start_time", request),
            until=problems.optional_time("end_time", request),
        ),
        page_size=problems.page_size("page_size", request.page_size),
        page_token=request.page_token,
    )
    problems.raise_if_any()
    return command


def decide_from_proto(
    request: pb.ApproveApplicationRequest | pb.RefuseApplicationRequest,
) -> DecideApplication:
    problems, reason = Problems(), ""
    if isinstance(request, pb.RefuseApplicationRequest):
        rule = partial(fields.line, limit=limits.REFUSAL_REASON_CHARACTERS)
        reason = problems.text("reason", request.reason, rule)
    command = DecideApplication(
        by=current_reviewer(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        application_id=problems.id("application_id", request.application_id),
        refusal_reason=reason,
    )
    problems.raise_if_any()
    return command


def publish_from_proto(request: pb.PublishUserAgreementRequest) -> PublishUserAgreement:
    problems = Problems()
    if not 0 < len(request.texts) <= limits.AGREEMENT_LANGUAGES:
        problems.add("texts", "NUMBER_OF_ITEMS", f"must have 1 to {limits.AGREEMENT_LANGUAGES} items")
    texts = tuple(
        (
            problems.text(f"texts[{index}].language", each.language, _language),
            problems.text(f"texts[{index}].text", each.text, _agreement_text),
        )
        for index, each in enumerate(request.texts[: limits.AGREEMENT_LANGUAGES])
    )
    if len({language for language, _ in texts}) < len(texts):
        problems.add("texts", "REPEATED", "must have one text a language")
    command = PublishUserAgreement(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        version=problems.text("version", request.version, holders.agreement_version),
        texts=texts,
    )
    problems.raise_if_any()
    return command


def version_from_proto(request: pb.GetUserAgreementRequest) -> str:
    problems = Problems()
    version = problems.optional_text("version", request.version, holders.agreement_version)
    problems.raise_if_any()
    return version or ""


def accept_from_proto(request: pb.AcceptUserAgreementRequest, profile: Profile) -> AcceptUserAgreement:
    problems, by = Problems(), current_holder()
    command = AcceptUserAgreement(
        by=by,
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        version=problems.text("version", request.version, holders.agreement_version),
        address=address_from_proto(problems, by, request.address, profile),
    )
    problems.raise_if_any()
    return command


def application_to_proto(application: Application, address: str = "") -> pb.Application:
    data = application.data
    person = data.kind is HolderKind.PERSON
    form = pb.ApplicationForm(
        natural_person=person_to_proto(data) if person else None,
        legal_entity=None if person else entity_to_proto(data),
        login=application.login,
        agreement_version=application.agreement_version,
    )
    return pb.Application(
        application_id=str(application.id),
        channel=CHANNELS[application.channel],
        state=STATES[application.state],
        form=form,
        findings=[FINDINGS[finding] for finding in application.findings],
        receive_time=time_to_proto(application.received_at),
        check_time=time_to_proto(application.checked_at),
        decision_time=time_to_proto(application.decided_at),
        refusal_reason=application.refusal_reason,
        mailbox_address=address,
        signer_number="" if application.cms is None else application.signer_number,
    )


def standing_to_proto(standing: Standing) -> pb.Application:
    mailbox = standing.mailbox
    return application_to_proto(standing.application, "" if mailbox is None else mailbox.address)


def whole_to_proto(standing: Standing) -> pb.GetApplicationResponse:
    application, scan = standing.application, standing.application.scan
    return pb.GetApplicationResponse(
        application=standing_to_proto(standing),
        application_text=application.text,
        cms_signature=application.cms or b"",
        paper=None if scan is None else pb.PaperApplication(scan=scan.content, media_type=scan.media_type),
        salt=application.salt,
    )


def approved_to_proto(standing: Standing) -> pb.ApproveApplicationResponse:
    mailbox = standing.mailbox
    return pb.ApproveApplicationResponse(
        application=standing_to_proto(standing),
        mailbox=None if mailbox is None else mailbox_to_proto(mailbox),
    )


def page_to_proto(page: Page[Application], profile: Profile) -> pb.ListApplicationsResponse:
    domain = profile.mailbox_domain
    shown = [
        application_to_proto(each, f"{each.data.number}@{domain}" if each.mailbox_id is not None else "")
        for each in page.items
    ]
    return pb.ListApplicationsResponse(applications=shown, next_page_token=page.next_page_token)


def agreement_to_proto(view: AgreementView) -> pb.UserAgreement:
    agreement = view.agreement
    return pb.UserAgreement(
        version=agreement.version,
        publish_time=time_to_proto(agreement.published_at),
        current=view.current,
        texts=[
            pb.UserAgreementText(language=language, text=text, sha256=hashlib.sha256(text.encode()).digest())
            for language, text in agreement.texts
        ],
        sha256=agreement.digest,
    )


def _language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text):
        raise Malformed("LANGUAGE_MALFORMED", "must be a tag of BCP 47 such as kk")
    return text


def _agreement_text(text: str) -> str:
    if not text.strip():
        raise Malformed("EMPTY", "must not be empty")
    if len(text) > limits.AGREEMENT_CHARACTERS:
        raise Malformed("TOO_LONG", f"must have at most {limits.AGREEMENT_CHARACTERS} characters")
    if "\x00" in text:
        raise Malformed("CONTROL_CHARACTER", "must be text without the character 0")
    return text
