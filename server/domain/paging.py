"""Pages of lists, and the tokens that lead from one to the next (AIP-158)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from server.domain import limits
from server.domain.fields import Malformed
from server.domain.ids import parse_id
from server.domain.refusals import InvalidPageToken

_T = TypeVar("_T")

_VERSION = b"\x01"
_TAG_BYTES = 16
_TOKEN_CHARACTERS = 512


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """One page of a list; `next_page_token` is empty on the last one."""

    items: Sequence[_T]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class Query:
    """What is listed for whom: the method, the owner, and each filter. The size of a page does not belong to
    it.
    """

    parts: tuple[str, ...]

    def token(self, key: str) -> str:
        """Returns the token of the page that begins after the item with this key.

        It is opaque and grants nothing: whoever alters it can reach no other list than the one they ask for
        anyway. Its digest is there to tell a damaged token, or one of another query, from a good one.
        """
        return base64.urlsafe_b64encode(_VERSION + self._tag(key) + key.encode()).rstrip(b"=").decode("ascii")

    def key(self, token: str) -> str | None:
        """Returns the key in a token of this query; None for the empty token, which asks for the first page.

        Raises:
            InvalidPageToken: it is damaged, or belongs to another query.
        """
        if not token:
            return None
        try:
            if len(token) > _TOKEN_CHARACTERS:
                raise InvalidPageToken
            data = base64.b64decode(
                token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True
            )
            tag, key = data[1 : 1 + _TAG_BYTES], data[1 + _TAG_BYTES :].decode()
        except (ValueError, binascii.Error):
            raise InvalidPageToken from None
        if data[:1] != _VERSION or not hmac.compare_digest(tag, self._tag(key)) or self.token(key) != token:
            raise InvalidPageToken
        return key

    def identifier(self, token: str) -> UUID | None:
        """Returns the key as an identifier, where items are listed by theirs; otherwise as `key`."""
        key = self.key(token)
        if key is None:
            return None
        # Our own digest vouches for no key that we did not write; but it is no secret.
        try:
            return parse_id(key)
        except Malformed:
            raise InvalidPageToken from None

    def _tag(self, key: str) -> bytes:
        digest = hashlib.sha256(b"namak-page-token/1\x00")
        for part in (*self.parts, key):
            digest.update(len(part.encode()).to_bytes(8, "big"))
            digest.update(part.encode())
        digest.update(len(self.parts).to_bytes(8, "big"))
        return digest.digest()[:_TAG_BYTES]


def page_size(requested: int) -> int:
    """Returns how many items a page has: the default for 0, never more than the maximum. Raises `Malformed`
    below 0.
    """
    if requested < 0:
        raise Malformed("NEGATIVE", "must not be negative")
    return min(requested or limits.PAGE_SIZE_DEFAULT, limits.PAGE_SIZE_MAX)
