"""How many calls are served at once, and how many of them may be one caller's.

Counted are calls whose request has come and whose caller is known: what gRPC counts by itself, a call that
has begun, any certificate can hold open without ever sending a message.
"""

from typing import Any

from server.domain.caller import owner_of_places
from server.domain.refusals import Overloaded
from server.interceptors.interceptor import Interceptor, Method, answer
from server.services.call import Context, current_call, current_caller


class Admission(Interceptor):
    """Refuses calls beyond the limit as OVERLOADED, before anything is looked at or recorded.

    A caller gets at most as many places as are left free afterwards, as in the line of submissions
    (`WaitingLine.put`): alone it has half of them, and whoever comes next always finds room. A stream without
    an end of its own gives its place back once it follows the log, where it is counted from then on (`Tail`).
    """

    def __init__(self, most: int) -> None:
        """`most` calls are served at once."""
        self._most = most
        self._taken = 0
        self._taken_by: dict[object, int] = {}

    @property
    def most(self) -> int:
        """How many places there are."""
        return self._most

    @property
    def taken(self) -> int:
        """How many places are taken now."""
        return self._taken

    async def intercept(
        self, method: Method, request_or_iterator: Any, context: Context, method_name: str
    ) -> Any:
        call = current_call()
        owner = owner_of_places(current_caller())
        if self._taken_by.get(owner, 0) + 1 > self._most - self._taken:
            raise Overloaded("server")
        place = _Place(self, owner)
        call.leave_place = place.leave
        try:
            return await answer(method(request_or_iterator, context), context)
        finally:
            place.leave()

    def take(self, owner: object) -> None:
        """Counts a place as taken."""
        self._taken += 1
        self._taken_by[owner] = self._taken_by.get(owner, 0) + 1

    def give_back(self, owner: object) -> None:
        """Counts a place as free; who holds none is forgotten."""
        self._taken -= 1
        if left := self._taken_by[owner] - 1:
            self._taken_by[owner] = left
        else:
            del self._taken_by[owner]


class _Place:
    """One call's place, given back once."""

    def __init__(self, admission: Admission, owner: object) -> None:
        admission.take(owner)
        self._admission: Admission | None = admission
        self._owner = owner

    def leave(self) -> None:
        if self._admission is not None:
            self._admission.give_back(self._owner)
            self._admission = None
