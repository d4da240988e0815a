"""What is raised from starting a sign-in to its session, and in sessions; imported from `refusals`."""

from datetime import datetime

from namak.evidence.times import format_time
from server.domain.reasons import Reason
from server.domain.refused import Refused


class SessionUnknown(Refused):
    """Also for another portal's token: whether there is such a session is told to nobody else."""

    reason = Reason.SESSION_UNKNOWN

    def __init__(self) -> None:
        super().__init__("no session was issued to this certificate under this token; sign in again")


class SessionEnded(Refused):
    """`ending` is how it ended, by its name in the contract."""

    reason = Reason.SESSION_ENDED

    def __init__(self, ending: str, ended_at: datetime) -> None:
        at = format_time(ended_at)
        super().__init__(f"the session ended at {at} ({ending}); sign in again", ending=ending, end_time=at)


class SessionActive(Refused):
    reason = Reason.SESSION_ACTIVE

    def __init__(self, since: datetime, *, may_be_ended: bool) -> None:
        at = format_time(since)
        way_out = "; sign out there" + (", or sign in and ask for it to be ended" if may_be_ended else "")
        super().__init__(
            f"the holder has been signed in since {at}{way_out}",
            start_time=at,
            may_be_ended="true" if may_be_ended else "false",
        )


class SignInMethodNotOffered(Refused):
    """`wanted` says what is not offered: the method, or something asked for with it."""

    reason = Reason.SIGN_IN_METHOD_NOT_OFFERED

    def __init__(self, wanted: str) -> None:
        super().__init__(f"this post does not offer {wanted}", wanted=wanted)


class ChallengeExpired(Refused):
    reason = Reason.CHALLENGE_EXPIRED

    def __init__(self, expired_at: datetime) -> None:
        at = format_time(expired_at)
        super().__init__(f"the sign-in could be completed until {at}; start another one", expire_time=at)


class ChallengeUsed(Refused):
    reason = Reason.CHALLENGE_USED

    def __init__(self) -> None:
        super().__init__("the sign-in was completed or failed before; start another one")


class PasswordWrong(Refused):
    """Which of the two is wrong is told to nobody."""

    reason = Reason.PASSWORD_WRONG

    def __init__(self) -> None:
        super().__init__("the login or the password is wrong")


class SignInLocked(Refused):
    """`retry_after_seconds` is when to repeat. Logins that do not exist are locked as others are."""

    reason = Reason.SIGN_IN_LOCKED

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            "too many sign-ins failed, or the phone was rung too often; wait before the next one"
        )
        self.retry_after_seconds = retry_after_seconds


class SignatureRequired(Refused):
    reason = Reason.SIGNATURE_REQUIRED

    def __init__(self) -> None:
        super().__init__(
            "the session began with a password, and official letters are for those who signed: "
            "step up with a certificate or mobile id"
        )


class MobileIdFailed(Refused):
    """`outcome` names why nothing was signed (SIGN-2), `pin` which of the phone's two it was about."""

    reason = Reason.MOBILE_ID_FAILED

    def __init__(self, outcome: str, tries_left: int | None = None, *, pin: str | None = None) -> None:
        told = {"outcome": outcome, "pin": pin, "tries_left": None if tries_left is None else str(tries_left)}
        counted = "" if tries_left is None else f", tries left: {tries_left}"
        super().__init__(
            f"the phone signed nothing: {outcome}{counted}",
            **{name: value for name, value in told.items() if value is not None},
        )


class VerificationCodeWrong(Refused):
    reason = Reason.VERIFICATION_CODE_WRONG

    def __init__(self) -> None:
        super().__init__("these are not the four digits that the phone shows; start again")


class SignerNotExpected(Refused):
    reason = Reason.SIGNER_NOT_EXPECTED

    def __init__(self) -> None:
        super().__init__("the signature is by another certificate or person than the sign-in was started for")
