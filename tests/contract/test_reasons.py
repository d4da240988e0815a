"""One reason, three places: the contract's enum, the table of what it means, the class that is raised."""

import inspect
from pathlib import Path

import pytest

from namak.v1 import errors_pb2
from server.domain import refusals
from server.domain.reasons import REASONS, Reason, Retry, Status
from server.domain.refusals import InvalidFields, Refused
from server.services.refusals_wire import refusal_to_status, status_code
from tests.contract.imports import ROOT

CLASSES = [
    kind
    for _, kind in inspect.getmembers(refusals, inspect.isclass)
    if issubclass(kind, Refused) and kind is not Refused
]


def test_the_contract_and_the_server_know_the_same_reasons() -> None:
    names = {name.removeprefix("REASON_") for name in errors_pb2.Reason.keys()}  # noqa: SIM118 - no mapping

    assert names - {"UNSPECIFIED"} == {reason.value for reason in Reason}


def test_every_reason_is_in_the_table() -> None:
    assert set(REASONS) == set(Reason)


def test_every_reason_is_raised_by_exactly_one_class() -> None:
    assert sorted(kind.reason for kind in CLASSES) == sorted(Reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_has_a_canonical_status(reason: Reason) -> None:
    assert status_code(reason).name == REASONS[reason].status


def test_an_unknown_outcome_can_always_be_repeated() -> None:
    unknown = {Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED}
    repeated = {reason for reason, rule in REASONS.items() if rule.retry is Retry.SAME_REQUEST}

    assert repeated == {reason for reason, rule in REASONS.items() if rule.status in unknown}


def test_a_new_request_id_is_asked_for_exactly_where_the_old_one_keeps_its_refusal() -> None:
    anew = {reason for reason, rule in REASONS.items() if rule.retry is Retry.AFTER_MENDING_ANEW}

    assert anew == {reason for reason, rule in REASONS.items() if rule.recorded}


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind is not InvalidFields])
def test_a_refusal_becomes_a_status_with_its_reason(kind: type[Refused]) -> None:
    refused = kind.__new__(kind)
    Refused.__init__(refused, "a text", key="value")

    status = refusal_to_status(refused)

    assert status.code == status_code(kind.reason).value[0]
    assert status.message == "a text"


def test_the_printed_table_names_every_reason() -> None:
    printed = (ROOT / Path("docs/reasons.md")).read_text(encoding="utf-8")

    assert [reason for reason in Reason if f"`{reason.value}`" not in printed] == []
