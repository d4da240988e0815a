"""What can go wrong for a caller: one class for each thing to do about it, and the server's reason inside.

Match on the class or on ``reason`` (a name of the enum ``namak.v1.Reason`` without its prefix), never on the
text. Reasons that this version does not know come as the class that their status code asks for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final


@dataclass(frozen=True, slots=True)
class Violation:
    """One wrong field of a request: its path in the request, what is wrong, and why in words."""

    field: str
    reason: str
    description: str


_TOLD: Final = 3
"""So many wrong fields stand in the text of an error; ``violations`` has them all."""


class NamakError(Exception):
    """Anything that kept a call or a local step from succeeding.

    ``reason`` is the server's reason, or a constant of the class for what the client found by itself; it
    never changes, the message may. ``retry_delay`` is in seconds. ``advice`` tells a person what to do.
    ``told`` is what the server says to the person who caused the call, in the language ``told_language`` (BCP
    47), of those that the call asked for if the post speaks it; both are empty for what the client found.
    """

    default_reason: ClassVar[str] = ""
    advice: ClassVar[str] = "Ask the operator of the post."

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[Violation] = (),
        retry_delay: float | None = None,
        told: str = "",
        told_language: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata: Mapping[str, str] = MappingProxyType(dict(metadata or {}))
        self.violations = tuple(violations)
        self.retry_delay = retry_delay
        self.told = told
        self.told_language = told_language

    @property
    def evidence_id(self) -> str | None:
        """The identifier of the evidence that a refused submission left, if it left any."""
        return self.metadata.get("evidence_id") or None


class Refused(NamakError):
    """The server understood and said no. Repeating the same call changes nothing."""

    default_reason = "REFUSED"
    advice = "Mend what the reason names, then try again under a new request id."


class NotAuthenticated(Refused):
    """The certificate says nothing to the server, or no longer: it is unbound or revoked."""

    default_reason = "UNAUTHENTICATED"
    advice = "Have the operator bind your certificate, or use the one that is bound."


class NotPermitted(Refused):
    """The caller is known and may not do this, or not from here, or not to this resource (which may not
    exist).
    """

    default_reason = "PERMISSION_DENIED"
    advice = "Check the identifier, the certificate you use, and the network you call from."


class InvalidRequest(Refused):
    """The request itself is wrong."""

    default_reason = "INVALID_ARGUMENT"
    advice = "Correct the request."


class InvalidFields(InvalidRequest):
    """One or more fields are wrong; ``violations`` names every one. Where the caller noted it, ``values`` has
    by field what was given, and ``options`` what a person typed it by.
    """

    default_reason = "INVALID_FIELDS"
    advice = "Correct the fields named above."
    values: Mapping[str, str] = MappingProxyType({})
    options: Mapping[str, str] = MappingProxyType({})

    def __str__(self) -> str:
        """Returns the message with the first of the wrong fields that it does not name itself."""
        named = [f"{each.field}: {each.description}" for each in self.violations]
        untold = [each for each in named if each not in self.message]
        more = [f"{len(untold) - _TOLD} more"] if len(untold) > _TOLD else []
        told = "; ".join([*untold[:_TOLD], *more])
        return f"{self.message} ({told})" if told else self.message


class TooLarge(InvalidRequest):
    """The request is larger than the post takes; nothing of it was taken."""

    default_reason = "TOO_LARGE"
    advice = "Send less at once: a message may hold 3 MiB, and a request 4 MiB."


class RequestIdReused(InvalidRequest):
    """The request id was used before, with other content."""

    default_reason = "REQUEST_ID_REUSED"
    advice = "Use a new request id for new content, or send exactly the old content."


class NotFound(Refused):
    """What was named does not exist, and the caller may know."""

    default_reason = "NOT_FOUND"
    advice = "Check the address or identifier."


class AlreadyRegistered(Refused):
    """It exists already, with other content."""

    default_reason = "ALREADY_EXISTS"
    advice = "Use what is registered, or register something else."


class WrongState(Refused):
    """The thing is in a state that does not allow this: suspended, closed, not opened yet, already
    confirmed.
    """

    default_reason = "FAILED_PRECONDITION"
    advice = "Bring about the state that the reason asks for, then try again."


class SignatureRefused(Refused):
    """The confirmation's signature, its certificate or its statement was not accepted."""

    default_reason = "SIGNATURE_INVALID"
    advice = "Sign the statement that was issued to you with your own valid signing certificate."


class TryLater(NamakError):
    """The server is busy or a quota is used up; nothing was stored. Try again after ``retry_delay``
    seconds.
    """

    default_reason = "RESOURCE_EXHAUSTED"
    advice = "Wait, then try again."


class Unavailable(NamakError):
    """No definite answer came. Whether the call took effect is unknown: repeat it with the same request
    id.
    """

    default_reason = "UNAVAILABLE"
    advice = "Try again with the same request id; nothing will happen twice."


class DeadlineExceeded(Unavailable):
    """Time ran out before an answer came. Whether the call took effect is unknown."""

    default_reason = "DEADLINE_EXCEEDED"
    advice = "Try again with the same request id and a longer time-out; nothing will happen twice."


class CannotConnect(Unavailable):
    """No connection came about at all, so nothing was asked."""

    default_reason = "CANNOT_CONNECT"
    advice = "Check the address, the network and both certificates."


class NotYetLogged(Unavailable):
    """The evidence is recorded, but its receipt did not come in time."""

    default_reason = "RECEIPT_PENDING"
    advice = "Ask for the receipt again in a little while."


class LogUnreached(Unavailable):
    """The log's public files can't be read now. Nothing was asked of the post."""

    default_reason = "LOG_UNREACHED"
    advice = "Check the address, and look again in a while."


class NotSent(NamakError):
    """This item was never sent, because a request before it failed."""

    default_reason = "NOT_SENT"
    advice = "Send it again, with the same request id."


class ServerFault(NamakError):
    """The server failed, or answered what the contract does not allow."""

    default_reason = "INTERNAL"
    advice = "Tell the operator the text above; it names the call."


class ConfigurationError(NamakError):
    """The configuration file can't be used; ``problems`` names everything that is wrong with it."""

    default_reason = "CONFIGURATION"
    advice = "Correct the configuration file."

    def __init__(self, subject: str, problems: Sequence[str]) -> None:
        super().__init__(f"{subject}: " + "; ".join(problems))
        self.problems = tuple(problems)


class TrustMissing(ConfigurationError):
    """Nothing says what a verifier trusts."""

    default_reason = "TRUST_MISSING"
    advice = (
        "Name it by --log-policy FILE and --citizen-roots FILE, for a certificate's seal and timestamps by "
        "--seal-roots FILE and --tsa-roots FILE too, or in [trust] of a configuration file."
    )


class TimestampsUnreadable(ConfigurationError):
    """Timestamps are to count, and the extra that reads them is not installed."""

    default_reason = "TIMESTAMPS_UNREADABLE"
    advice = "Install what reads them: pip install 'namak-client[timestamps]'"


class OwnCertificateError(ConfigurationError):
    """The caller's own certificate or key is unfit, so connecting would only fail without a reason."""

    default_reason = "OWN_CERTIFICATE"
    advice = "Correct the certificate and key files that the configuration names."


class WrongUsage(NamakError):
    """The command was called in a way that it does not know; nothing was asked."""

    default_reason = "USAGE"
    advice = "See the command's --help."


class ContentMismatch(NamakError):
    """What arrived, or what is to be signed, is not what was announced. Nothing of it was kept or signed."""

    default_reason = "CONTENT_MISMATCH"
    advice = "Try once more; if it happens again, tell the operator."


class SuccessorUnproven(ContentMismatch):
    """A receipt does not lead from one shard of the log to the next one's key."""

    default_reason = "SUCCESSOR_UNPROVEN"
    advice = (
        "Take the file successor.tlog-proof beside the public files of the log that ended; that "
        "log's key must be in your policy."
    )


class FileProblem(NamakError):
    """A file on this machine can't be read or written, or exists already."""

    default_reason = "FILE"
    advice = "Check the path and its permissions."


class FileExistsAlready(FileProblem):
    """A file of that name is there, and it is not overwritten unasked."""

    default_reason = "FILE_EXISTS"
    advice = "Choose another directory, or permit overwriting."


class CardError(NamakError):
    """The card or token could not sign."""

    default_reason = "CARD"
    advice = "Check the card and its reader."


class CardSupportMissing(CardError):
    """The package that talks to cards is not installed."""

    default_reason = "CARD_SUPPORT_MISSING"
    advice = "Install it from a clone of Namak: pip install './clients/python[card]'."


class CardModuleMissing(CardError):
    """The card's PKCS#11 module is not there or is no such module."""

    default_reason = "CARD_MODULE_MISSING"
    advice = "Check [signing] module; the card's software must be installed."


class TokenMissing(CardError):
    """No token of that label is present."""

    default_reason = "TOKEN_MISSING"
    advice = "Insert the card, and check [signing] token."


class WrongPin(CardError):
    """The PIN is wrong. A card locks after a few wrong ones."""

    default_reason = "PIN_WRONG"
    advice = "Try again with the right PIN; the card locks after a few wrong ones."


class PinLocked(CardError):
    """The PIN is locked after too many wrong ones, or was never set."""

    default_reason = "PIN_LOCKED"
    advice = "Unlock the card with its PUK, or have its issuer do it."


class SigningKeyMissing(CardError):
    """The token has no private key of that label, or more than one."""

    default_reason = "KEY_MISSING"
    advice = "Check [signing] label."


class SigningCertificateMisfit(CardError):
    """The certificate that stands in the configuration is not that of the key on the card."""

    default_reason = "CERTIFICATE_MISFIT"
    advice = "Check [signing] certificate: its first must be that of the key which [signing] label names."
