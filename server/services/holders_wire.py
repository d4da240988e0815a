"""What people and entities say of themselves, between the wire and the domain."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from types import MappingProxyType

from namak.v1 import registration_pb2 as pb
from server.domain import addresses, fields, holders, limits
from server.domain.caller import Clerk, Holder, Operator
from server.domain.delegations import KnownSignatories
from server.domain.holders import HolderData, HolderProfile
from server.domain.mailboxes import HolderKind
from server.domain.profile import Profile
from server.services.acting import current_registrar, current_reviewer
from server.services.masks import masked
from server.services.problems import Problems
from server.services.values_wire import day_to_proto, time_to_proto
from server.usecases.holder_profiles import ChangeHolderData, ConfirmProfile, HolderView
from server.usecases.signatories import RefreshSignatories

Registrar = Operator | Clerk | Holder

_NAMES: Mapping[str, str] = MappingProxyType({"full_name": "name"})
# What the contract calls otherwise than the domain does.

_address_line = partial(fields.line, limit=limits.ADDRESS_CHARACTERS)
_document_line = partial(fields.line, limit=limits.DOCUMENT_REFERENCE_CHARACTERS)
_registration_line = partial(fields.line, limit=limits.REGISTRATION_NUMBER_CHARACTERS)


def person_from_proto(
    problems: Problems, path: str, person: pb.NaturalPerson, profile: Profile, wanted: frozenset[str] | None
) -> HolderData:
    """Reads a natural person; of the fields only those that are wanted, all where that is None."""
    read = _Fields(problems, path, wanted)
    number = partial(fields.person_number, profile=profile)
    phone = partial(holders.local_phone, profile=profile)
    data = HolderData(
        kind=HolderKind.PERSON,
        number=read.text("number", person.number, number) if wanted is None else "",
        name=read.text("full_name", person.full_name, fields.person_name),
        identity_document=read.text("identity_document", person.identity_document, _document_line),
        residence=read.text("residence", person.residence, _address_line),
        home_phone=read.optional("home_phone", person.home_phone, phone),
        mobile_phone=read.optional("mobile_phone", person.mobile_phone, phone),
    )
    _check_phones(problems, path, data, wanted)
    return data


def entity_from_proto(
    problems: Problems, path: str, entity: pb.LegalEntity, profile: Profile, wanted: frozenset[str] | None
) -> HolderData:
    """Reads a legal entity; see `person_from_proto`."""
    read = _Fields(problems, path, wanted)
    number = partial(fields.organisation_code, profile=profile)
    phone = partial(holders.local_phone, profile=profile)
    day: date | None = None
    if wanted is None or "registration_date" in wanted:
        day = problems.day(f"{path}.registration_date", entity.registration_date)
    data = HolderData(
        kind=HolderKind.ENTITY,
        number=read.text("number", entity.number, number) if wanted is None else "",
        name=read.text("full_name", entity.full_name, fields.organisation_name),
        registration_number=read.text("registration_number", entity.registration_number, _registration_line),
        registration_date=day,
        legal_address=read.text("legal_address", entity.legal_address, _address_line),
        actual_address=read.text("actual_address", entity.actual_address, _address_line),
        home_phone=read.optional("home_phone", entity.home_phone, phone),
        mobile_phone=read.optional("mobile_phone", entity.mobile_phone, phone),
    )
    _check_phones(problems, path, data, wanted)
    return data


class _Fields:
    """Reads those fields of a message that are wanted; the others are empty."""

    def __init__(self, problems: Problems, path: str, wanted: frozenset[str] | None) -> None:
        self._problems = problems
        self._path = path
        self._wanted = wanted

    def text(self, field: str, value: str, rule: Callable[[str], str]) -> str:
        if self._wanted is not None and field not in self._wanted:
            return ""
        return self._problems.text(f"{self._path}.{field}", value, rule)

    def optional(self, field: str, value: str, rule: Callable[[str], str]) -> str:
        return self.text(field, value, rule) if value else ""


def _check_phones(problems: Problems, path: str, data: HolderData, wanted: frozenset[str] | None) -> None:
    asked = wanted is None or {"home_phone", "mobile_phone"} <= wanted
    if asked and not data.home_phone and not data.mobile_phone and not len(problems):
        problems.add(f"{path}.mobile_phone", "REQUIRED", "must be given, or home_phone")


def address_from_proto(problems: Problems, by: Registrar, text: str, profile: Profile) -> str | None:
    """Reads whose profile is meant: a holder may mean their own, all others name one."""
    if isinstance(by, Holder) and not text:
        return None
    return problems.text("address", text, partial(addresses.recipient_address, profile=profile))


def change_from_proto(request: pb.ChangeHolderDataRequest, profile: Profile) -> ChangeHolderData:
    problems, by = Problems(), current_registrar()
    person = request.WhichOneof("holder") != "legal_entity"
    kind = HolderKind.PERSON if person else HolderKind.ENTITY
    settable = holders.CHANGEABLE if isinstance(by, Holder) else holders.CHANGEABLE_BY_CLERK
    on_the_wire = {domain: wire for wire, domain in _NAMES.items()}
    names = sorted(on_the_wire.get(field, field) for field in settable[kind])
    wanted = masked(problems, request.update_mask, names)
    if request.WhichOneof("holder") is None:
        problems.add("natural_person", "REQUIRED", "must be given, or legal_entity")
    if person:
        data = person_from_proto(problems, "natural_person", request.natural_person, profile, wanted)
    else:
        data = entity_from_proto(problems, "legal_entity", request.legal_entity, profile, wanted)
    seen = problems.optional_text("document_reference", request.document_reference, fields.document_reference)
    if seen is None and not isinstance(by, Holder):
        problems.add("document_reference", "REQUIRED", "must name the document that the change rests on")
    command = ChangeHolderData(
        by=by,
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        address=address_from_proto(problems, by, request.address, profile),
        data=data,
        fields=frozenset(_NAMES.get(field, field) for field in wanted),
        etag=request.etag,
        document_reference=seen or "",
    )
    problems.raise_if_any()
    return command


def confirm_from_proto(request: pb.ConfirmProfileRequest, by: Holder, profile: Profile) -> ConfirmProfile:
    problems = Problems()
    command = ConfirmProfile(
        by=by,
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        address=address_from_proto(problems, by, request.address, profile),
        cms=problems.octets("cms_signature", request.cms_signature, limits.CMS_BYTES),
    )
    problems.raise_if_any()
    return command


def named_from_proto(request: pb.GetHolderProfileRequest, profile: Profile) -> tuple[Registrar, str | None]:
    """Returns who asks about whose profile."""
    problems, by = Problems(), current_registrar()
    address = address_from_proto(problems, by, request.address, profile)
    problems.raise_if_any()
    return by, address


def person_to_proto(data: HolderData) -> pb.NaturalPerson:
    return pb.NaturalPerson(
        full_name=data.name,
        number=data.number,
        identity_document=data.identity_document,
        residence=data.residence,
        home_phone=data.home_phone,
        mobile_phone=data.mobile_phone,
    )


def entity_to_proto(data: HolderData) -> pb.LegalEntity:
    return pb.LegalEntity(
        full_name=data.name,
        number=data.number,
        registration_number=data.registration_number,
        registration_date=None if data.registration_date is None else day_to_proto(data.registration_date),
        legal_address=data.legal_address,
        actual_address=data.actual_address,
        home_phone=data.home_phone,
        mobile_phone=data.mobile_phone,
    )


def view_to_proto(view: HolderView) -> pb.HolderProfile:
    profile: HolderProfile = view.profile
    person = profile.data.kind is HolderKind.PERSON
    accepted = view.acceptance
    return pb.HolderProfile(
        address=profile.address,
        natural_person=person_to_proto(profile.data) if person else None,
        legal_entity=None if person else entity_to_proto(profile.data),
        login=profile.login,
        confirm_time=time_to_proto(profile.confirmed_at),
        confirmed_as_is=profile.confirmed_as_is,
        agreement_version="" if accepted is None else accepted.version,
        agreement_time=None if accepted is None else time_to_proto(accepted.accepted_at),
        signatory_number="" if person else profile.signatory_number,
        etag=profile.etag,
    )


def refresh_from_proto(request: pb.RefreshSignatoriesRequest, profile: Profile) -> RefreshSignatories:
    problems = Problems()
    rule = partial(addresses.recipient_address, profile=profile)
    command = RefreshSignatories(
        by=current_reviewer(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        address=problems.text("address", request.address, rule),
    )
    problems.raise_if_any()
    return command


def signatories_to_proto(address: str, known: KnownSignatories) -> pb.RefreshSignatoriesResponse:
    return pb.RefreshSignatoriesResponse(
        address=address,
        register_time=time_to_proto(known.register_time),
        signatories=[
            pb.EntitySignatory(
                person_number=each.person_number,
                register_time=time_to_proto(each.register_time),
                evidence_id=str(each.evidence_id),
            )
            for each in known.entries
        ],
    )
