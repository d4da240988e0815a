"""Every rpc of the contract says who may call it."""

import itertools

import pytest
from google.protobuf.descriptor import MethodDescriptor

from namak.v1 import access_pb2
from server.domain.caller import Caller
from server.grpc_server import SERVICES
from server.interceptors.access import KINDS, AccessOptionMissing, AccessRules
from tests.contract.contract import service_names

METHODS = list(itertools.chain.from_iterable(service.methods for service in SERVICES))


def test_the_server_enforces_the_rules_of_every_service_of_the_contract() -> None:
    assert {service.full_name for service in SERVICES} == service_names()


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_an_rpc_names_the_callers_that_it_admits(method: MethodDescriptor) -> None:
    callers = list(method.GetOptions().Extensions[access_pb2.access].callers)

    assert callers
    assert access_pb2.CALLER_KIND_UNSPECIFIED not in callers
    assert len(set(callers)) == len(callers)


def test_every_kind_of_caller_of_the_contract_is_one_of_the_servers_and_the_other_way_round() -> None:
    kinds = {value for value in access_pb2.CallerKind.values() if value != access_pb2.CALLER_KIND_UNSPECIFIED}

    # An administrator is a holder whom the operator enabled, and no type of its own.
    assert {*KINDS.values(), access_pb2.CALLER_KIND_ADMINISTRATOR} == kinds
    assert set(KINDS) == set(Caller.__args__)


async def test_a_method_without_an_option_is_refused_to_everybody() -> None:
    rules = AccessRules([])

    for kind in KINDS:
        with pytest.raises(AccessOptionMissing):
            await rules.check(kind.__new__(kind), "/namak.v1.DeliveryService/Submit")
