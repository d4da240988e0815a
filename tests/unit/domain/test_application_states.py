"""How far an application can come, whatever the registers say and whenever somebody decides."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.applications import (
    CHECK_LIFE,
    FOLLOWS,
    UNDECIDED,
    Application,
    ApplicationState,
    Channel,
    Finding,
    findings_on,
)
from server.domain.holders import CHANGEABLE, CHANGEABLE_BY_CLERK, HolderData, agreement_version, local_phone
from server.domain.mailboxes import HolderKind
from server.domain.malformed import Malformed
from server.domain.refusals import ApplicationContradicted, ApplicationDecided, ApplicationWaiting
from server.domain.state_records import (
    EntityRecord,
    EntityState,
    Fault,
    Found,
    NotFound,
    PersonRecord,
    PersonState,
    RegistrationCertificate,
    Signatory,
    Unavailable,
)
from server.jurisdictions.kz import KZ
from tests.contracts import registration_contract as made

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOWN = Unavailable(Fault.UNREACHABLE, timedelta(seconds=1))
ANSWERS = st.sampled_from([DOWN, [], [Finding.ENDED], [Finding.NAME_DIFFERS, Finding.ENDED]])


def came() -> Application:
    return made.application()


@given(st.lists(ANSWERS, max_size=6))
def test_only_what_the_registers_confirmed_last_can_be_approved(answers: list[object]) -> None:
    application = came()
    for answer in answers:
        application = application.asked(answer, NOW)  # type: ignore[arg-type]
    told = [answer for answer in answers if answer is not DOWN]
    if not told:
        assert application.state in (ApplicationState.RECEIVED, ApplicationState.WAITING)
        with pytest.raises(ApplicationWaiting):
            application.check_approvable(NOW)
    elif told[-1]:
        assert application.findings == tuple(told[-1])  # type: ignore[arg-type]
        with pytest.raises(ApplicationContradicted):
            application.check_approvable(NOW)
    else:
        application.check_approvable(NOW)
        application.came_to(ApplicationState.APPROVED)


def test_what_was_said_more_than_a_day_ago_approves_nothing() -> None:
    checked = came().asked([], NOW)
    checked.check_approvable(NOW + CHECK_LIFE)
    late = NOW + CHECK_LIFE + timedelta(microseconds=1)
    assert checked.needs_check(late)
    with pytest.raises(ApplicationWaiting):
        checked.check_approvable(late)


@pytest.mark.parametrize("state", [ApplicationState.APPROVED, ApplicationState.REFUSED])
def test_nothing_follows_a_decision(state: ApplicationState) -> None:
    decided = replace(came(), state=state)
    assert state not in UNDECIDED
    assert not decided.needs_check(NOW)
    for attempt in (
        lambda: decided.came_to(ApplicationState.APPROVED),
        lambda: decided.came_to(ApplicationState.REFUSED),
        lambda: decided.asked([], NOW),
        lambda: decided.asked(DOWN, NOW),
        lambda: decided.check_approvable(NOW),
    ):
        with pytest.raises(ApplicationDecided):
            attempt()


def test_a_state_that_does_not_follow_is_a_defect() -> None:
    for state, following in FOLLOWS.items():
        for wanted in set(ApplicationState) - following - {ApplicationState.RECEIVED}:
            if state in UNDECIDED:
                with pytest.raises(ValueError, match="does not follow"):
                    replace(came(), state=state).came_to(wanted)


@pytest.mark.parametrize(
    ("spelled", "same"),
    [
        ("АЙГҮЛ СЕРІКҚЫЗЫ", True),
        ("  Айгүл   Серікқызы ", True),
        ("Айгүл Серiкқызы", False),
        ("Серікқызы Айгүл", False),
    ],
)
def test_names_are_the_same_but_for_case_and_blanks(spelled: str, same: bool) -> None:
    application = came()
    record = PersonRecord(application.data.number, spelled, PersonState.ALIVE, None, "")
    assert findings_on(application, Found(record, timedelta())) == ([] if same else [Finding.NAME_DIFFERS])


def test_each_contradiction_of_an_entity_is_found() -> None:
    application = replace(made.application(made.entity()), signer_number="1")
    data = application.data
    assert data.registration_date is not None
    good = EntityRecord(
        data.number,
        data.name,
        EntityState.IN_LIQUIDATION,
        RegistrationCertificate(data.registration_number, data.registration_date),
        "",
        (Signatory("2", "b"), Signatory("1", "a")),
    )
    for record, finding in (
        (good, None),
        (replace(good, registration=None), None),
        (replace(good, state=EntityState.ENDED), Finding.ENDED),
        (replace(good, name="another"), Finding.NAME_DIFFERS),
        (
            replace(good, registration=RegistrationCertificate("x", data.registration_date)),
            Finding.REGISTRATION_DIFFERS,
        ),
        (
            replace(good, registration=RegistrationCertificate(data.registration_number, date(2020, 1, 1))),
            Finding.REGISTRATION_DIFFERS,
        ),
        (replace(good, signatories=()), Finding.SIGNER_NOT_SIGNATORY),
    ):
        wanted = [] if finding is None else [finding]
        assert findings_on(application, Found(record, timedelta())) == wanted
    assert findings_on(application, NotFound()) == [Finding.NOT_REGISTERED]
    assert findings_on(application, DOWN) is DOWN


def test_a_snapshot_holds_commitments_and_nothing_that_was_said() -> None:
    application = replace(came(), channel=Channel.ELECTRONIC, refusal_reason="Айгүлдің суреті бұлыңғыр")
    written = str(application.snapshot())
    data = application.data
    for said in (data.name, data.number, data.residence, application.login, application.refusal_reason):
        assert said not in written
    assert application.snapshot() != replace(application, salt=bytes(32)).snapshot()


def test_a_holder_changes_neither_name_nor_number_and_nobody_the_number() -> None:
    for kind in HolderKind:
        assert not CHANGEABLE[kind] & {"name", "number", "kind"}
        assert CHANGEABLE[kind] < CHANGEABLE_BY_CLERK[kind]
        assert not CHANGEABLE_BY_CLERK[kind] & {"number", "kind"}
        fields = set(HolderData.__dataclass_fields__)
        assert fields >= CHANGEABLE_BY_CLERK[kind]


@pytest.mark.parametrize(
    "text", ["", "+37491000000", "+7701000000", "87010000001", "+77010000001 ", "+7７010000001"]
)
def test_a_phone_that_is_not_local_is_refused(text: str) -> None:
    assert local_phone("+77010000001", KZ) == "+77010000001"
    with pytest.raises(Malformed):
        local_phone(text, KZ)


@pytest.mark.parametrize("text", ["", "a b", "а", "x" * 33, "1\n"])
def test_a_version_out_of_form_is_refused(text: str) -> None:
    assert agreement_version("2026-11.kz_1") == "2026-11.kz_1"
    with pytest.raises(Malformed):
        agreement_version(text)
