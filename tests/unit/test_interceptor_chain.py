"""The interceptors as one: every method is wrapped once, and none is taken for another."""

from dataclasses import dataclass, field
from typing import Any

import grpc

from server.interceptors.chain import Chain
from server.interceptors.interceptor import Interceptor, Method, answer
from server.services.call import Context


@dataclass
class Details:
    """A call's details, as far as the library gives them."""

    method: str
    invocation_metadata: tuple[tuple[str, str], ...] = ()


class Noting(Interceptor):
    """Puts its name around what the method answers."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def intercept(
        self, method: Method, request_or_iterator: Any, context: Context, method_name: str
    ) -> Any:
        return f"{self._name}({await answer(method(request_or_iterator, context), context)})"


@dataclass
class Served:
    """Two methods, and how often they were looked up."""

    looked_up: list[str] = field(default_factory=list)

    async def __call__(self, details: Any) -> Any:
        self.looked_up.append(details.method)
        if details.method not in ("/one", "/other"):
            return None

        async def method(request: object, context: object) -> str:
            return f"{details.method}:{request}"

        return grpc.unary_unary_rpc_method_handler(method)


async def called(chain: Chain, served: Served, method: str, request: str) -> Any:
    handler = await chain.intercept_service(served, Details(method))  # type: ignore[arg-type]  # a call's, as far as it goes
    return None if handler is None else await handler.unary_unary(request, None)


async def test_goes_through_all_interceptors_from_the_outermost_and_wraps_a_method_once() -> None:
    chain, served = Chain([Noting("outer"), Noting("inner")]), Served()

    for request in ("1", "2"):
        assert await called(chain, served, "/one", request) == f"outer(inner(/one:{request}))"
        assert await called(chain, served, "/other", request) == f"outer(inner(/other:{request}))"

    assert served.looked_up == ["/one", "/other"]


async def test_does_not_remember_what_is_not_served() -> None:
    chain, served = Chain([Noting("outer")]), Served()

    for _ in range(2):
        assert await called(chain, served, "/unknown", "1") is None

    assert served.looked_up == ["/unknown", "/unknown"]
