"""Where a sender calls from that is in none of its organisation's networks (identity.md, "Static IP")."""

from server.domain.caller import Sender
from server.domain.refusals import NetworkNotPermitted, ServiceUnavailable
from server.usecases.ports import HostNames


class SenderPlace:
    """Looks the host names of a sender's organisation up, for calls that are about no single sender address.

    Submissions are not asked here: each is judged by its own address's entry, and what is refused is kept.
    """

    def __init__(self, host_names: HostNames) -> None:
        self._host_names = host_names

    async def check(self, caller: Sender) -> None:
        """Raises unless the caller is at one of its organisation's host names.

        Raises:
            NetworkNotPermitted: it is at none of them.
            ServiceUnavailable: one of them can't be looked up, so that this is not known.
        """
        address = caller.connection.address
        known = self._host_names.known(caller.host_names, like=address)
        if any(address in addresses for addresses in known.values()):
            return
        found = await self._host_names.addresses_of(caller.host_names, like=address)
        if any(address in addresses for addresses in found.values()):
            return
        if any(name not in found for name in caller.host_names):
            raise ServiceUnavailable("DNS")
        raise NetworkNotPermitted(str(address))
