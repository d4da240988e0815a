"""Who may call what: the access option of every method in the contract, enforced as it stands there."""

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor

from namak.v1 import access_pb2
from server.domain.caller import Caller, Holder, Operator, Sender, Stranger
from server.domain.refusals import CertificateUnbound, NetworkNotPermitted, RoleNotPermitted
from server.interceptors.interceptor import Interceptor, Method, answer
from server.services import reflection
from server.services.call import Context, current_call

KINDS: Mapping[type[Caller], int] = {
    Stranger: access_pb2.CALLER_KIND_STRANGER,
    Operator: access_pb2.CALLER_KIND_OPERATOR,
    Sender: access_pb2.CALLER_KIND_SENDER,
    Holder: access_pb2.CALLER_KIND_HOLDER,
}
"""What the contract calls each kind of caller."""

FOREIGN: Mapping[str, frozenset[int]] = {
    rpc: frozenset(KINDS.values()) - {access_pb2.CALLER_KIND_STRANGER} for rpc in reflection.METHODS
}
"""Who may call the rpcs of protos that are not ours and so have no access option: reflection takes a bound or
a personal certificate. (Health has no row: it is served to this machine only, on a listener without callers.)
"""


def kinds_of(caller: Caller) -> frozenset[int]:
    """Returns what the contract calls this caller: a person who administers is a holder all the same.

    Everybody is also a stranger, as access.proto says.
    """
    kinds = {access_pb2.CALLER_KIND_STRANGER, KINDS[type(caller)]}
    if isinstance(caller, Holder) and caller.administers:
        kinds.add(access_pb2.CALLER_KIND_ADMINISTRATOR)
    return frozenset(kinds)


class AccessOptionMissing(Exception):
    """A method has no usable access option: a defect of the contract, so nobody may call it."""


class AccessRules:
    """The access options of the services that are served, and the rows of those that have none."""

    def __init__(self, services: Iterable[ServiceDescriptor]) -> None:
        self._callers = dict(FOREIGN) | {
            f"/{service.full_name}/{method.name}": frozenset(
                method.GetOptions().Extensions[access_pb2.access].callers
            )
            for service in services
            for method in service.methods
        }

    def check(self, caller: Caller, method: str) -> None:
        """Raises unless the caller may call the method from where it is.

        Raises:
            CertificateUnbound: a stranger, where strangers may not call.
            RoleNotPermitted: a known caller of another kind.
            NetworkNotPermitted: a sender outside the networks of its organisation (CARD-4, POST-8).
            AccessOptionMissing: the method's option is missing, empty or unspecified.
        """
        permitted = self._callers.get(method, frozenset())
        if not permitted or access_pb2.CALLER_KIND_UNSPECIFIED in permitted:
            raise AccessOptionMissing(method)
        if permitted.isdisjoint(kinds_of(caller)):
            if isinstance(caller, Stranger):
                raise CertificateUnbound
            raise RoleNotPermitted(type(caller).__name__.upper(), method)
        address = caller.connection.address
        if isinstance(caller, Sender) and not any(address in network for network in caller.networks):
            raise NetworkNotPermitted(str(address))


class Access(Interceptor):
    """Lets a call through only as the contract's access option says."""

    def __init__(self, rules: AccessRules) -> None:
        self._rules = rules

    async def intercept(
        self, method: Method, request_or_iterator: Any, context: Context, method_name: str
    ) -> Any:
        caller = current_call().caller
        if caller is None:
            raise AccessOptionMissing("the caller was not settled before the access rule")
        self._rules.check(caller, method_name)
        return await answer(method(request_or_iterator, context), context)
