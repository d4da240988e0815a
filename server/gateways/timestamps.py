"""Talks HTTP to time-stamping authorities (RFC 3161, 3.4)."""

from namak.evidence.timestamp import MAX_REPLY_BYTES, QUERY_TYPE
from server.gateways.bounded_posts import BoundedPosts, NotAnswered
from server.usecases.timestamp_ports import AuthorityAnswer, AuthorityUnreached


class HttpTimestampAuthorities:
    """A `TimestampClient`. Connections are not kept: minutes lie between two questions."""

    def __init__(self, *, seconds: float) -> None:
        """Takes how long an answer may take."""
        self._posts = BoundedPosts(QUERY_TYPE, seconds=seconds, most_bytes=MAX_REPLY_BYTES)

    async def ask(self, url: str, query: bytes) -> AuthorityAnswer:
        """See `TimestampClient`."""
        try:
            answer = await self._posts.send(url, query)
        except NotAnswered as none:
            raise AuthorityUnreached(str(none)) from None
        return AuthorityAnswer(answer.status, answer.media_type, answer.body)

    async def close(self) -> None:
        """Closes the connections."""
        await self._posts.close()
