"""Settles who calls, from the connection: the verified client certificate and the peer's address.

Of metadata nothing is looked at but a session's token, which counts with the portal's certificate that it was
issued to only: a forged `x-forwarded-for` or `x-client-cert` has no effect.
"""

import ssl
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import unquote

from server.domain.caller import Caller, IpAddress
from server.domain.networks import client_address
from server.domain.refusals import CertificateUnbound
from server.interceptors.interceptor import Interceptor, Method, answer
from server.services.call import Context, current_call

SESSION_KEY = "namak-session"
"""The metadata key of a session's token."""


class CallerIdentity(Protocol):
    """Decides who calls (`server.usecases.identity`)."""

    async def identify(
        self,
        certificate: bytes,
        address: IpAddress,
        *,
        session_token: str | None = None,
        remembered_seconds: float | None = None,
    ) -> Caller:
        """Returns the caller behind a verified certificate (DER) at an address, with the session's token that
        came along; raises why it is nobody.

        `remembered_seconds` is how old that may be, if it is to be newer than for a call.
        """
        ...


class PeerIdentity(Interceptor):
    """Writes the caller into the call's context."""

    def __init__(self, identity: CallerIdentity) -> None:
        self._identity = identity

    async def intercept(
        self, method: Method, request_or_iterator: Any, context: Context, method_name: str
    ) -> Any:
        certificate, address = certificate_of(context), address_of(context.peer())
        token = session_token_of(context)
        current_call().caller = await self._identity.identify(certificate, address, session_token=token)
        return await answer(method(request_or_iterator, context), context)


def certificate_of(context: Context) -> bytes:
    """Returns the DER of the verified client certificate; a connection without one is nobody's."""
    pem = next(iter(context.auth_context().get("x509_pem_cert", ())), None)
    if pem is None:
        raise CertificateUnbound
    return _der_of(pem)


def session_token_of(context: Context) -> str | None:
    """Returns the session's token that a call came with; None without one, and for several what is no token:
    which of them was meant, nobody can tell.
    """
    found = [value for key, value in context.invocation_metadata() or () if key == SESSION_KEY]
    if not found:
        return None
    return found[0] if len(found) == 1 and isinstance(found[0], str) else ""


# Each connection has one, and calls many times.
@lru_cache(4096)
def _der_of(pem: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem.decode("ascii").strip())


@lru_cache(4096)
def address_of(peer: str) -> IpAddress:
    """Returns the address in what gRPC says of a peer: `ipv4:127.0.0.1:43180` or `ipv6:%5B::1%5D:58986`.

    An IPv4 address that an IPv6 socket shows as mapped is the IPv4 address that networks are registered for.
    A peer without an IP address (a unix socket) is nobody: no network could vouch for it.
    """
    scheme, _, rest = unquote(peer).partition(":")
    host = rest.rpartition(":")[0].removeprefix("[").removesuffix("]").partition("%")[0]
    if scheme not in ("ipv4", "ipv6"):
        raise CertificateUnbound
    try:
        return client_address(host)
    except ValueError:
        raise CertificateUnbound from None
