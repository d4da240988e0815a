"""The contract is the documentation: every element has a comment, and an rpc's says what callers rely on."""

import re

import pytest
from google.api import field_behavior_pb2
from google.protobuf.descriptor import ServiceDescriptor

from server.domain.reasons import REASONS, Reason, Status
from server.grpc_server import SERVICES
from tests.contract.contract import Element, elements, files
from tests.contract.rules import known_rules

RPCS = [element for element in elements() if element.kind == "rpc"]
BEHAVIOUR = field_behavior_pb2.field_behavior
SECTIONS = ("Callers", "Idempotency", "Errors", "Rules")
_NAME = re.compile(r"\b[A-Z][A-Z]+(?:_[A-Z]+)+\b|\bNOT_FOUND\b|\bUNAVAILABLE\b|\bUNAUTHENTICATED\b")


def sections_of(rpc: Element) -> dict[str, str]:
    """Returns the closing sections of an rpc's comment, each on one line."""
    text = " ".join(line.strip() for line in rpc.comment.splitlines())
    found = re.split(rf"\b({'|'.join(SECTIONS)}): ", text)
    return dict(zip(found[1::2], found[2::2], strict=True))


def test_the_contract_was_compiled_with_its_comments() -> None:
    assert len(files()) > 1
    assert len(RPCS) > 20


def test_every_element_has_a_comment() -> None:
    assert [f"{each.kind} {each.name}" for each in elements() if not each.comment] == []


def test_every_comment_is_made_of_sentences() -> None:
    assert [each.name for each in elements() if not each.comment.endswith((".", ".)"))] == []


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.name)
def test_an_rpcs_comment_ends_with_what_callers_rely_on(rpc: Element) -> None:
    found = sections_of(rpc)

    assert tuple(found) == SECTIONS
    assert all(found.values())


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.name)
def test_an_rpcs_comment_names_documented_reasons_with_their_statuses(rpc: Element) -> None:
    errors = sections_of(rpc)["Errors"]
    statuses, reasons = set(Status), set(Reason)

    assert {name for name in _NAME.findall(errors) if name not in statuses | reasons} == set()
    # "A, B (STATUS); C (STATUS)": a status in brackets is that of the reasons since the last one.
    since: list[str] = []
    for name, bracketed in re.findall(r"(?:\b([A-Z]+(?:_[A-Z]+)+)\b)|(?:\(([A-Z]+(?:_[A-Z]+)*)\b)", errors):
        if name and name in reasons:
            since.append(name)
        elif bracketed in statuses:
            assert {each: REASONS[Reason(each)].status for each in since} == dict.fromkeys(since, bracketed)
            since = []


# Whoever can fill a field can fill it wrongly.
REFUSED_BY_FIELD = {
    "request_id": {"INVALID_FIELDS", "REQUEST_ID_REUSED"},
    "page_size": {"INVALID_FIELDS"},
    "page_token": {"INVALID_PAGE_TOKEN"},
}


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_an_rpcs_comment_names_what_wrong_fields_are_refused_with(service: ServiceDescriptor) -> None:
    comments = {rpc.name.rpartition(".")[2]: sections_of(rpc)["Errors"] for rpc in RPCS}

    for method in service.methods:
        expected = set()
        for field in method.input_type.fields:
            required = field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[BEHAVIOUR]
            # One that is not required does not name this request: it filters for an earlier one.
            named = field.name != "request_id" or required
            expected |= REFUSED_BY_FIELD.get(field.name, set()) if named else set()
            expected |= {"INVALID_FIELDS"} if required else set()
        assert expected - set(_NAME.findall(comments[method.name])) == set(), method.name


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.name)
def test_an_rpcs_comment_cites_rules_that_exist(rpc: Element) -> None:
    cited = sections_of(rpc)["Rules"].rstrip(".").split(", ")

    assert set(cited) - known_rules() == set()
