"""The sign-ins by certificate that this process started a moment ago.

The database is the truth: whether a sign-in was used, here or on another replica, it alone tells, in the
transaction that uses it. What is kept here never changes from start to use, so it need not be read again.
"""

from collections import OrderedDict
from datetime import datetime
from typing import Final
from uuid import UUID

from server.domain.sessions import Method, SignIn

MOST: Final = 10_000
"""So many are kept; of more, the oldest are read from the database: some two kilobytes each."""


class StartedHere:
    """Keeps sign-ins until they are used, expire, or are too many."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[UUID, SignIn] = OrderedDict()

    def keep(self, sign_in: SignIn) -> None:
        """Keeps one that is in the database; only by certificate, as the others lead to tries, or to a phone,
        that must not be begun for what was used elsewhere.
        """
        if sign_in.method is not Method.CERTIFICATE:
            return
        self._kept[sign_in.id] = sign_in
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def get(self, sign_in_id: UUID, at: datetime) -> SignIn | None:
        """Returns one that can still be completed at this time; None says nothing."""
        found = self._kept.get(sign_in_id)
        if found is not None and found.expires_at <= at:
            del self._kept[sign_in_id]
            return None
        return found

    def forget(self, sign_in_id: UUID) -> None:
        """Forgets one that is about to be used: whoever repeats it is answered by the database."""
        self._kept.pop(sign_in_id, None)
