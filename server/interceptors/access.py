"""Who may call what: the access option of every method in the contract, enforced as it stands there."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from google.protobuf.descriptor import ServiceDescriptor

from namak.v1 import access_pb2
from server.domain.caller import Caller, Clerk, Holder, Operator, Portal, PrintHouse, Sender, Stranger
from server.domain.refusals import CertificateUnbound, NetworkNotPermitted, RoleNotPermitted
from server.interceptors.interceptor import Interceptor, Method, answer
from server.services import reflection
from server.services.call import Context, current_call

KINDS: Mapping[type[Caller], int] = {
    Stranger: access_pb2.CALLER_KIND_STRANGER,
    Operator: access_pb2.CALLER_KIND_OPERATOR,
    Sender: access_pb2.CALLER_KIND_SENDER,
    Holder: access_pb2.CALLER_KIND_HOLDER,
    Clerk: access_pb2.CALLER_KIND_CLERK,
    Portal: access_pb2.CALLER_KIND_PORTAL,
    PrintHouse: access_pb2.CALLER_KIND_PRINT_HOUSE,
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


JUDGED_INSIDE = frozenset({"/namak.v1.DeliveryService/Submit", "/namak.v1.DeliveryService/BatchSubmit"})
"""Methods whose use case looks a sender's host names up itself, for each item, and keeps evidence of what it
refuses.
"""


class CallerPlace(Protocol):
    """Tells where a sender is that calls from none of its organisation's networks."""

    async def check(self, caller: Sender) -> None:
        """Raises `NetworkNotPermitted` unless it is at one of its host names."""
        ...


class AccessRules:
    """The access options of the services that are served, and the rows of those that have none."""

    def __init__(self, services: Iterable[ServiceDescriptor], place: CallerPlace | None = None) -> None:
        """Without a `place`, a sender must be in its organisation's networks."""
        self._place = place
        self._callers = dict(FOREIGN) | {
            f"/{service.full_name}/{method.name}": frozenset(
                method.GetOptions().Extensions[access_pb2.access].callers
            )
            for service in services
            for method in service.methods
        }

    async def check(self, caller: Caller, method: str) -> None:
        """Raises unless the caller may call the method from where it is.

        Raises:
            CertificateUnbound, RoleNotPermitted, NetworkNotPermitted, AccessOptionMissing: see `check_kind`.
            NetworkNotPermitted: also a sender outside the networks and host names of its organisation.
            ServiceUnavailable: its host names can't be looked up.
        """
        self.check_kind(caller, method)
        await self.check_place(caller, method)

    def check_kind(self, caller: Caller, method: str) -> None:
        """Raises unless the caller's kind may call the method, as far as it is known without asking the DNS.

        Raises:
            CertificateUnbound: a stranger, where strangers may not call.
            RoleNotPermitted: a known caller of another kind.
            NetworkNotPermitted: a sender outside the networks of its organisation, which has no host names
                (CARD-4, POST-8).
            AccessOptionMissing: the method's option is missing, empty or unspecified.
        """
        permitted = self._callers.get(method, frozenset())
        if not permitted or access_pb2.CALLER_KIND_UNSPECIFIED in permitted:
            raise AccessOptionMissing(method)
        if permitted.isdisjoint(kinds_of(caller)):
            if isinstance(caller, Stranger):
                raise CertificateUnbound
            raise RoleNotPermitted(type(caller).__name__.upper(), method)
        if not isinstance(caller, Sender) or caller.in_networks:
            return
        if self._place is None or not caller.host_names:
            raise NetworkNotPermitted(str(caller.connection.address))

    async def check_place(self, caller: Caller, method: str) -> None:
        """Raises unless a sender outside the networks of its organisation is at one of its host names. It may
        take as long as name servers want, and these may be the sender's own.

        Raises:
            NetworkNotPermitted: it is at none of them.
            ServiceUnavailable: they can't be looked up.
        """
        if self._place is None or method in JUDGED_INSIDE:
            return
        if isinstance(caller, Sender) and not caller.in_networks:
            await self._place.check(caller)


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
        await self._rules.check(caller, method_name)
        return await answer(method(request_or_iterator, context), context)
