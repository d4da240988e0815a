"""Lists that come in pages, as one sequence."""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from namak.client.link import Link

if TYPE_CHECKING:
    from grpc.aio import UnaryUnaryMultiCallable

Item = TypeVar("Item")


class Paged(Protocol):
    """A reply with one page of a list."""

    @property
    def next_page_token(self) -> str:
        """The token of the next page; empty when there is none."""


async def paged(
    link: Link, method: "UnaryUnaryMultiCallable[Any, Any]", request: Any, field: str
) -> AsyncIterator[Any]:
    """Yields the items of every page, asking for one page after the other.

    ``request`` is a message with ``page_token``, which is set here; ``field`` names the reply's items.
    """
    while True:
        reply: Paged = await link.unary(method, request)
        items: Sequence[Any] = getattr(reply, field)
        for item in items:
            yield item
        if not reply.next_page_token:
            return
        request.page_token = reply.next_page_token


async def first(limit: int, items: AsyncIterator[Item]) -> Sequence[Item]:
    """Returns the first ``limit`` items, and asks for no page beyond them; all for 0."""
    taken: list[Item] = []
    async for item in items:
        taken.append(item)
        if len(taken) == limit:
            break
    return taken
