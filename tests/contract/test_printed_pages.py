"""The pages that are printed from the code say what it does, completely."""

import functools

import pytest
from google.protobuf.descriptor import MethodDescriptor

from namak.evidence.notification_policy import POLICIES
from namak.v1 import access_pb2
from server.dev import contract_text
from server.dev.tables import pages
from server.domain.deliveries import DeliveryState
from server.domain.delivery_views import VIEWS
from server.domain.reasons import Reason
from server.grpc_server import SERVICES
from tests.contract import contract

METHODS = [(service.name, method) for service in SERVICES for method in service.methods]


@functools.cache
def page(name: str) -> str:
    (found,) = [text for path, text in pages().items() if path.name == name]
    return found


def test_the_comments_read_from_the_sources_are_those_of_the_compiled_contract() -> None:
    compiled = {
        each.name.removeprefix("namak.v1."): " ".join(each.comment.split())
        for each in contract.elements()
        if each.kind == "rpc"
    }

    assert {each.name: " ".join(each.paragraphs) for each in contract_text.methods()} == compiled


def test_the_callers_read_from_the_sources_are_those_of_the_access_options() -> None:
    kinds = {
        value: name.removeprefix("CALLER_KIND_").lower() for name, value in access_pb2.CallerKind.items()
    }
    options = {
        f"{service}.{method.name}": tuple(
            kinds[each] for each in method.GetOptions().Extensions[access_pb2.access].callers
        )
        for service, method in METHODS
    }

    assert {each.name: each.callers for each in contract_text.methods()} == options


def test_every_reason_says_what_it_is_about() -> None:
    assert set(contract_text.reasons()) == {reason.value for reason in Reason}
    assert all(contract_text.reasons().values())


def test_a_status_code_in_brackets_is_not_taken_for_a_reason() -> None:
    (submit,) = [each for each in contract_text.methods() if each.name == "DeliveryService.Submit"]

    assert "MAILBOX_UNKNOWN" in submit.reasons
    assert "NOT_FOUND" not in submit.reasons
    assert "UNAVAILABLE" not in submit.reasons


@pytest.mark.parametrize(("service", "method"), METHODS, ids=lambda each: getattr(each, "name", each))
def test_the_page_of_access_names_every_method(service: str, method: MethodDescriptor) -> None:
    assert f"| {service}.{method.name} |" in page("access.md")


def test_the_page_of_deliveries_names_every_state_and_every_policy() -> None:
    assert set(VIEWS) == set(DeliveryState)
    for name in (*(state.value for state in DeliveryState), *(f"`{key}`" for key in POLICIES)):
        assert f"| {name} |" in page("deliveries.md")


def test_states_move_forward_only() -> None:
    def reachable(state: DeliveryState, seen: frozenset[DeliveryState]) -> bool:
        """Tells whether the state can be reached from itself."""
        following = {each for each, view in VIEWS.items() if state in view.from_states}
        return bool(following & seen) or any(reachable(each, seen | {each}) for each in following)

    assert not any(reachable(state, frozenset({state})) for state in DeliveryState)
