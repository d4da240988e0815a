"""The call that is being served, as a context variable: the interceptors fill it in, the servicers read it.

gRPC serves each call in a task of its own, so the variable is set once and never reset: a reset would fail
where a cancelled stream is closed by another task.
"""

import math
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import grpc

from server.domain.caller import Caller, Holder, Sender
from server.domain.reasons import Reason

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Localised:
    """What a person is told, and the language it is in, BCP 47."""

    language: str
    text: str


Wording = Callable[[Reason, Mapping[str, str]], Localised]
"""From a reason and its metadata to what a person is told, in the language that the call asks for."""


def _english() -> str:
    """What is spoken where no texts are wired in."""
    return "en"


def _nothing() -> None:
    """Gives nothing back."""


async def _still_permitted() -> None:
    """Permits: what the caller is suffices."""


@dataclass(slots=True)
class Call:
    """What the edge knows of one call.

    Attributes:
        id: made by this server; goes back as `x-request-id` and stands in every log line of the call.
        method: the full name, `/namak.v1.DeliveryService/Submit`.
        caller: who calls, once that is settled.
        language: tells what to speak to the person who causes the call: one of the profile's languages.
        wording: puts refusals into words for people; None where no texts are wired in.
        endless: it streams until somebody ends it, so a server that stops does not wait for it.
        leave_place: gives back its place among the calls that are served at once.
        recheck: looks again whether the caller may still do what they do; raises the refusal. It is asked
            as long as a stream is open, as often as who calls.
        ends_at: when the call's time runs out, on the event loop's clock.
        status, reason: how it ended, for the access log; the reason is empty for OK and for what no reason is
            documented.
    """

    id: str
    method: str
    caller: Caller | None = None
    language: Callable[[], str] = _english
    wording: Wording | None = None
    ends_at: float = math.inf
    endless: bool = False
    leave_place: Callable[[], None] = _nothing
    recheck: Callable[[], Awaitable[None]] = _still_permitted
    status: str = "OK"
    reason: str = ""

    def follows(self) -> None:
        """Says that it follows the log from now on: those who do are counted there, and by no other limit."""
        self.endless = True
        self.leave_place()


_current: ContextVar[Call] = ContextVar("namak_call")


def begin_call(call: Call) -> None:
    """Makes this the call that the current task serves."""
    _current.set(call)


def current_call() -> Call:
    """Returns the call that the current task serves; without one, that is a fault of the wiring and a
    LookupError.
    """
    return _current.get()


def current_wording() -> Wording | None:
    """Returns how the call's refusals are put into words; None outside of a call."""
    call = _current.get(None)
    return None if call is None else call.wording


def current_caller() -> Caller:
    """Returns who calls, whoever it is."""
    caller = current_call().caller
    if caller is None:
        raise LookupError("the caller was not settled before the call was served")
    return caller


def current_sender() -> Sender:
    """Returns the caller of a method whose access rule admits senders only."""
    caller = current_call().caller
    if not isinstance(caller, Sender):
        raise TypeError(f"the access rule let a {type(caller).__name__} in where a Sender was expected")
    return caller


def current_holder() -> Holder:
    """Returns the caller of a method whose access rule admits holders only."""
    caller = current_call().caller
    if not isinstance(caller, Holder):
        raise TypeError(f"the access rule let a {type(caller).__name__} in where a Holder was expected")
    return caller


def current_party() -> Sender | Holder:
    """Returns the caller of a method whose access rule admits the two parties of a delivery."""
    caller = current_call().caller
    if not isinstance(caller, Sender | Holder):
        raise TypeError(f"the access rule let a {type(caller).__name__} in where a party was expected")
    return caller


# What is left of a call's time for its reply to be made and to travel, in seconds.
REPLY_MARGIN = 0.25


def reply_by() -> float:
    """Returns when the call must have done with waiting, on the event loop's clock."""
    return current_call().ends_at - REPLY_MARGIN
