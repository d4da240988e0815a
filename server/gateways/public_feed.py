"""The post's own feed as a place: what was put there counts once it can be read where people read it.

A feed is a transaction of the database; whether anybody can read it hangs on a listener, an export, and the
web server in front. So it is read, at its public address, before anybody says that it was published, and
before anybody says that it is gone.
"""

import asyncio
import ssl
from http import HTTPStatus
from pathlib import Path
from typing import Protocol
from uuid import UUID

from yarl import URL

from server.gateways.notice_http import read, session, troubles
from server.usecases.notice_ports import NoticePlace, NoticeTrouble


class Feed(NoticePlace, Protocol):
    """The feed itself."""

    def address(self, notice_id: UUID) -> str:
        """Returns where a notice's document is read."""
        ...


class PublicFeed:
    """Publishes in the feed, and looks whether it can be read."""

    def __init__(
        self, feed: Feed, *, authorities: Path | None, connect_seconds: float, seconds: float
    ) -> None:
        """`authorities` is a PEM file of the roots of the public address's certificate; by default those of
        the system count. Raises OSError, ValueError: it can't be used.
        """
        self._feed = feed
        self._context = ssl.create_default_context(cafile=authorities)
        self._connect_seconds = connect_seconds
        self._seconds = seconds

    async def publish(self, notice_id: UUID, document: bytes) -> str:
        """Publishes a document.

        Raises:
            NoticeTrouble: also NOT_READABLE, where what can be read is not this document: it is tried again.
        """
        address = await self._feed.publish(notice_id, document)
        if await self._public(address) != document:
            raise NoticeTrouble("NOT_READABLE")
        return address

    async def withdraw(self, notice_id: UUID) -> None:
        """Takes it back.

        Raises:
            NoticeTrouble: also STILL_READABLE, where it can be read yet: it is tried again.
        """
        await self._feed.withdraw(notice_id)
        if await self._public(self._feed.address(notice_id)) is not None:
            raise NoticeTrouble("STILL_READABLE")

    async def _public(self, address: str) -> bytes | None:
        """Returns what anybody can read; None where it is not there."""
        with troubles():
            async with (
                asyncio.timeout(self._seconds),
                session(self._connect_seconds) as client,
                client.get(
                    URL(address, encoded=True),
                    headers={"Cache-Control": "no-cache"},
                    ssl=self._context,
                    allow_redirects=False,
                ) as answer,
            ):
                if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                    return None
                if answer.status != HTTPStatus.OK:
                    raise NoticeTrouble("NOT_READABLE")
                return await read(answer)
