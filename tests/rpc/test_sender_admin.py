"""SenderAdminService on the real use cases: who acts for whom, wrong fields, and what goes over the wire."""

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast
from uuid import uuid4

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from namak.v1 import evidence_pb2
from namak.v1 import sender_admin_pb2 as pb
from server.domain.caller import Caller, Connection, Holder
from server.domain.refusals import EtagMismatch, InvalidFields, NotFound, ResourceNotPermitted
from server.domain.senders import Organisation
from server.jurisdictions.am import AM
from server.services import evidence_wire
from server.services.call import Call, Context, begin_call
from server.services.sender_admin import SenderAdminServicer
from server.usecases.sender_admin import SenderAdmin
from tests.unit.usecases.registers import ANI, BOB, Registers, machine_certificate, proven_binding

_T = TypeVar("_T")

CONTEXT = cast(Context, None)
CARD = Connection(bytes([2] * 32), ipaddress.ip_address("198.51.100.2"))


class Desk:
    """The servicer, called by whomever a test names."""

    def __init__(self) -> None:
        self.registers = Registers()
        registers = self.registers
        # Domains and addresses have tests of their own.
        absent = cast(Any, None)
        admin = SenderAdmin(
            organisations=registers.organisations,
            administrators=registers.administrators,
            domains=absent,
            addresses=absent,
            certificates=registers.certificates,
            acts=registers.acts,
        )
        self.servicer: Any = cast(Any, SenderAdminServicer)(admin, AM, development=True)
        self.src, self.other = registers.src, registers.other

    async def call(self, caller: Caller, method: Callable[[Any, Context], Awaitable[_T]], request: Any) -> _T:
        begin_call(Call("1", "/test", caller))
        return await method(request, CONTEXT)

    async def operator(self, method: Callable[[Any, Context], Awaitable[_T]], request: Any) -> _T:
        return await self.call(self.registers.operator, method, request)

    async def administrator(self, *organisations: Organisation, number: str = ANI) -> Holder:
        """Enables a person for organisations; returns them as the door knows them then."""
        for organisation in organisations:
            await self.registers.enabled(organisation, number)
        return Holder(CARD, number, frozenset(each.id for each in organisations))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def problems_of(wrong: InvalidFields) -> list[tuple[str, str]]:
    return [(problem.field, problem.reason) for problem in wrong.problems]


@pytest.mark.parametrize("acting_as", ["0192f0c3-0000-7000-8000-00000000000a", "garbage"])
async def test_the_operator_acts_for_nobody_else(desk: Desk, acting_as: str) -> None:
    request = pb.GetOrganisationRequest(acting_as=acting_as, organisation_id=str(desk.src.id))
    with pytest.raises(InvalidFields) as wrong:
        await desk.operator(desk.servicer.GetOrganisation, request)
    assert problems_of(wrong.value) == [("acting_as", "NOT_PERMITTED")]


async def test_an_administrator_names_whom_they_act_for(desk: Desk) -> None:
    ani = await desk.administrator(desk.src)
    for acting_as, reason in (("", "REQUIRED"), ("garbage", "NOT_A_UUID"), (desk.src.code, "NOT_A_UUID")):
        request = pb.GetOrganisationRequest(acting_as=acting_as, organisation_id="garbage")
        with pytest.raises(InvalidFields) as wrong:
            await desk.call(ani, desk.servicer.GetOrganisation, request)
        assert problems_of(wrong.value) == [("acting_as", reason), ("organisation_id", "NOT_A_UUID")]
    # A foreign organisation, and one that is not there: one answer.
    for acting_as in (str(desk.other.id), str(uuid4()), "00000000-0000-0000-0000-000000000000"):
        request = pb.GetOrganisationRequest(acting_as=acting_as, organisation_id=str(desk.src.id))
        with pytest.raises(ResourceNotPermitted) as refused:
            await desk.call(ani, desk.servicer.GetOrganisation, request)
        assert refused.value.text == "no such organisation, or it is not yours"
    own = pb.GetOrganisationRequest(acting_as=str(desk.src.id), organisation_id=str(desk.src.id))
    found = await desk.call(ani, desk.servicer.GetOrganisation, own)
    assert found.organisation.code == "11223344"


def proven(organisation: Organisation, *, acting_as: Organisation) -> pb.BindCertificateRequest:
    command = proven_binding(Registers().operator, "1", organisation.id)
    return pb.BindCertificateRequest(
        request_id="1",
        acting_as=str(acting_as.id),
        organisation_id=str(organisation.id),
        certificate=command.certificate,
        possession_signature=command.possession_signature,
    )


async def test_who_binds_without_the_certificate_s_key_is_told_by_the_field(desk: Desk) -> None:
    ani = await desk.administrator(desk.src)
    bind = proven(desk.src, acting_as=desk.src)
    good = bind.possession_signature
    for proof, reason in (
        (b"", "REQUIRED"),
        (good[:-1], "POSSESSION_NOT_PROVED"),
        (bytes(2049), "TOO_LARGE"),
    ):
        bind.possession_signature = proof
        with pytest.raises(InvalidFields) as wrong:
            await desk.call(ani, desk.servicer.BindCertificate, bind)
        assert problems_of(wrong.value) == [("possession_signature", reason)]
    bind.possession_signature = good
    assert (await desk.call(ani, desk.servicer.BindCertificate, bind)).binding.certificate_sha256
    # Not even an organisation that is not theirs is told apart from one that is, before the proof is right.
    foreign = proven(desk.other, acting_as=desk.src)
    foreign.possession_signature = b""
    with pytest.raises(InvalidFields):
        await desk.call(ani, desk.servicer.BindCertificate, foreign)
    bind.acting_as, bind.request_id, bind.possession_signature = "", "2", b""
    bind.certificate = machine_certificate()
    assert (await desk.operator(desk.servicer.BindCertificate, bind)).binding.certificate_sha256


async def test_rights_for_two_organisations_never_add_up(desk: Desk) -> None:
    ani = await desk.administrator(desk.src, desk.other)
    request = pb.GetOrganisationRequest(acting_as=str(desk.src.id), organisation_id=str(desk.other.id))
    with pytest.raises(ResourceNotPermitted):
        await desk.call(ani, desk.servicer.GetOrganisation, request)
    bind = proven(desk.other, acting_as=desk.src)
    with pytest.raises(ResourceNotPermitted):
        await desk.call(ani, desk.servicer.BindCertificate, bind)
    bind.acting_as = str(desk.other.id)
    bound = (await desk.call(ani, desk.servicer.BindCertificate, bind)).binding
    assert bound.organisation_id == str(desk.other.id)
    assert bound.certificate_subject == "CN=machine"
    revoke = pb.RevokeCertificateRequest(
        request_id="2", acting_as=str(desk.src.id), certificate_sha256=bound.certificate_sha256
    )
    with pytest.raises(ResourceNotPermitted):
        await desk.call(ani, desk.servicer.RevokeCertificate, revoke)


async def test_a_person_lists_the_organisations_that_they_may_name(desk: Desk) -> None:
    ani = await desk.administrator(desk.src, desk.other)
    await desk.administrator(desk.other, number=BOB)
    listed = await desk.call(ani, desk.servicer.ListOrganisations, pb.ListOrganisationsRequest())
    assert [each.code for each in listed.organisations] == ["11223344", "99887766"]
    bob = Holder(CARD, BOB, frozenset({desk.other.id}))
    listed = await desk.call(bob, desk.servicer.ListOrganisations, pb.ListOrganisationsRequest())
    assert [each.code for each in listed.organisations] == ["99887766"]


@pytest.mark.parametrize(
    ("paths", "problems"),
    [
        ([], [("update_mask", "REQUIRED")]),
        (["code"], [("update_mask.paths[0]", "PATH_NOT_SETTABLE")]),
        (["display_name", "no_such_field"], [("update_mask.paths[1]", "PATH_NOT_SETTABLE")]),
        (["*"], [("update_mask.paths[0]", "PATH_NOT_SETTABLE")]),
        (["display_name.x"], [("update_mask.paths[0]", "PATH_NOT_SETTABLE")]),
    ],
)
async def test_a_mask_with_an_unknown_path_changes_nothing(
    desk: Desk, paths: list[str], problems: list[tuple[str, str]]
) -> None:
    request = pb.UpdateOrganisationRequest(
        request_id="1",
        organisation=pb.Organisation(organisation_id=str(desk.src.id), display_name="New"),
        update_mask=FieldMask(paths=paths),
    )
    with pytest.raises(InvalidFields) as wrong:
        await desk.operator(desk.servicer.UpdateOrganisation, request)
    assert problems_of(wrong.value) == problems
    assert desk.registers.acts_so_far() == []


async def test_sets_the_notification_policies_of_a_contract_and_leaves_the_name(desk: Desk) -> None:
    def request(request_id: str, *policies: str) -> pb.UpdateOrganisationRequest:
        wanted = pb.Organisation(organisation_id=str(desk.src.id), notification_policies=policies)
        mask = FieldMask(paths=["notification_policies"])
        return pb.UpdateOrganisationRequest(request_id=request_id, organisation=wanted, update_mask=mask)

    both = request("1", "am-2025@2", "am-2015@1")
    found = (await desk.operator(desk.servicer.UpdateOrganisation, both)).organisation
    assert (found.display_name, list(found.notification_policies)) == (
        desk.src.name,
        ["am-2025@2", "am-2015@1"],
    )
    field = "organisation.notification_policies"
    for policies, problem in (
        (("am-2025@9",), (f"{field}[0]", "NO_SUCH_POLICY")),
        (("am-2015@1", "none"), (f"{field}[1]", "POLICY_MALFORMED")),
        (("am-2015@1", "am-2015@1"), (field, "REPEATED")),
        (("am-2015@1",) * 11, (field, "NUMBER_OF_ITEMS")),
    ):
        with pytest.raises(InvalidFields) as wrong:
            await desk.operator(desk.servicer.UpdateOrganisation, request("2", *policies))
        assert problems_of(wrong.value) == [problem]


async def test_a_stale_etag_is_told_and_a_fresh_one_renames(desk: Desk) -> None:
    get = pb.GetOrganisationRequest(organisation_id=str(desk.src.id))
    read = (await desk.operator(desk.servicer.GetOrganisation, get)).organisation
    mask = FieldMask(paths=["display_name"])
    wanted = pb.Organisation(organisation_id=read.organisation_id, display_name="Tax", etag=read.etag)
    request = pb.UpdateOrganisationRequest(request_id="1", organisation=wanted, update_mask=mask)
    renamed = (await desk.operator(desk.servicer.UpdateOrganisation, request)).organisation
    assert renamed.display_name == "Tax"
    wanted.display_name = "Other"
    stale = pb.UpdateOrganisationRequest(request_id="2", organisation=wanted, update_mask=mask)
    with pytest.raises(EtagMismatch) as refused:
        await desk.operator(desk.servicer.UpdateOrganisation, stale)
    assert refused.value.metadata["current_etag"] == renamed.etag
    read = (await desk.operator(desk.servicer.GetOrganisation, get)).organisation
    assert (read.display_name, read.etag) == ("Tax", renamed.etag)


async def test_a_contract_goes_over_the_wire_with_its_last_day(desk: Desk) -> None:
    request = pb.SetContractStateRequest(
        request_id="1",
        organisation_id=str(desk.src.id),
        contract_state=pb.CONTRACT_STATE_IN_FORCE,
        contract_end_date=Date(year=2027, month=2, day=28),
    )
    found = (await desk.operator(desk.servicer.SetContractState, request)).organisation
    assert found.contract_end_date == Date(year=2027, month=2, day=28)
    assert found.contract_state == pb.CONTRACT_STATE_IN_FORCE
    for day in (Date(year=2027, month=2, day=29), Date(year=2027, month=2), Date(year=-1, month=1, day=1)):
        wrong_day = pb.SetContractStateRequest()
        wrong_day.CopyFrom(request)
        wrong_day.contract_end_date.CopyFrom(day)
        with pytest.raises(InvalidFields) as wrong:
            await desk.operator(desk.servicer.SetContractState, wrong_day)
        assert [field for field, _ in problems_of(wrong.value)] == ["contract_end_date"]
    request.contract_state = pb.CONTRACT_STATE_NONE
    with pytest.raises(InvalidFields) as wrong:
        await desk.operator(desk.servicer.SetContractState, request)
    assert problems_of(wrong.value) == [("contract_state", "STATE_NOT_PERMITTED")]


@pytest.mark.parametrize("number", ["", "123456789", "12345678901", "123456789x", "١٢٣٤٥٦٧٨٩٠"])
async def test_a_person_number_that_is_none_is_a_wrong_field(desk: Desk, number: str) -> None:
    enable = pb.EnableAdministratorRequest(
        request_id="1", organisation_id=str(desk.src.id), person_number=number, display_name="Անի"
    )
    with pytest.raises(InvalidFields) as wrong:
        await desk.operator(desk.servicer.EnableAdministrator, enable)
    assert problems_of(wrong.value) == [("person_number", "PERSON_NUMBER_MALFORMED")]


async def test_administrators_go_over_the_wire(desk: Desk) -> None:
    enable = pb.EnableAdministratorRequest(
        request_id="1", organisation_id=str(desk.src.id), person_number=ANI, display_name="Անի"
    )
    enabled = (await desk.operator(desk.servicer.EnableAdministrator, enable)).administrator
    assert (enabled.person_number, enabled.display_name) == (ANI, "Անի")
    assert not enabled.HasField("disable_time")
    disable = pb.DisableAdministratorRequest(
        request_id="2", organisation_id=str(desk.src.id), person_number=ANI
    )
    disabled = (await desk.operator(desk.servicer.DisableAdministrator, disable)).administrator
    assert disabled.HasField("disable_time")
    listing = pb.ListAdministratorsRequest(organisation_id=str(desk.src.id))
    assert not (await desk.operator(desk.servicer.ListAdministrators, listing)).administrators
    listing.show_disabled = True
    listed = await desk.operator(desk.servicer.ListAdministrators, listing)
    assert list(listed.administrators) == [disabled]
    disable.person_number, disable.request_id = BOB, "3"
    with pytest.raises(NotFound):
        await desk.operator(desk.servicer.DisableAdministrator, disable)


@pytest.mark.parametrize("days", [-1, 3651])
async def test_an_absurd_number_of_days_is_a_wrong_field(desk: Desk, days: int) -> None:
    request = pb.ListCertificateBindingsRequest(
        organisation_id=str(desk.src.id), expiring_within_days=days, page_size=-1
    )
    with pytest.raises(InvalidFields) as wrong:
        await desk.operator(desk.servicer.ListCertificateBindings, request)
    assert sorted(problems_of(wrong.value)) == [
        ("expiring_within_days", "OUT_OF_RANGE"),
        ("page_size", "NEGATIVE"),
    ]


async def test_an_act_goes_over_the_wire_with_what_it_changed(desk: Desk) -> None:
    ani = await desk.administrator(desk.src)
    bind = proven(desk.src, acting_as=desk.src)
    bound = (await desk.call(ani, desk.servicer.BindCertificate, bind)).binding
    revoke = pb.RevokeCertificateRequest(request_id="r", certificate_sha256=bound.certificate_sha256)
    await desk.operator(desk.servicer.RevokeCertificate, revoke)
    listing = pb.ListAdministrativeActsRequest(
        acting_as=str(desk.src.id), resource=bound.certificate_sha256.hex()
    )
    revoked, act = (await desk.call(ani, desk.servicer.ListAdministrativeActs, listing)).acts
    assert (act.act, act.client_address) == ("BindCertificate", "198.51.100.2")
    assert act.actor == pb.Actor(
        kind="administrator", certificate_sha256=CARD.certificate_sha256, person_number=ANI
    )
    assert (act.organisation_id, act.resource_kind) == (str(desk.src.id), "certificate binding")
    assert act.resource == bound.certificate_sha256.hex()
    changes = {change.field: (list(change.before), list(change.after)) for change in act.changes}
    assert changes["role"] == ([], ["SENDER"])
    assert (revoked.act, revoked.actor.kind) == ("RevokeCertificate", "operator")
    assert [change.field for change in revoked.changes] == ["revoke_time"]
    assert act.evidence.event == "https://namak.am/event/AdministrativeAct"


async def test_times_of_acts_that_go_backwards_are_a_wrong_field(desk: Desk) -> None:
    request = pb.ListAdministrativeActsRequest(start_time=Timestamp(seconds=2), end_time=Timestamp(seconds=1))
    with pytest.raises(InvalidFields) as wrong:
        await desk.operator(desk.servicer.ListAdministrativeActs, request)
    assert problems_of(wrong.value) == [("end_time", "TIMES_REVERSED")]


async def test_a_receipt_is_asked_for_in_one_capacity(desk: Desk) -> None:
    ani = await desk.administrator(desk.src)
    evidence_id = str(uuid4())

    def asked(caller: Caller, acting_as: str) -> object:
        begin_call(Call("1", "/test", caller))
        request = evidence_pb2.GetReceiptRequest(evidence_id=evidence_id, acting_as=acting_as)
        return evidence_wire.get_receipt_from_proto(request, AM).caller

    assert asked(ani, "") is ani
    assert asked(ani, str(desk.src.id)) == desk.registers.acting(desk.src)
    assert asked(desk.registers.operator, "") is desk.registers.operator
    with pytest.raises(InvalidFields):
        asked(desk.registers.operator, str(desk.src.id))
    for caller in (ani, Holder(CARD, BOB)):
        with pytest.raises(ResourceNotPermitted):
            asked(caller, str(desk.other.id))
