"""What signing in and signing by phone need of the mobile-id service (SIGN-1, SIGN-2)."""

from datetime import timedelta
from typing import Protocol

from server.domain.mobile_identity import (
    Digest,
    Failed,
    MobileSession,
    MobileUser,
    Outcome,
    ScreenText,
    SigningCertificate,
    Started,
)


class MobileIdentity(Protocol):
    """Has a citizen's phone sign digests. No transaction may be open around any of it.

    All of it raises ServiceUnavailable when the service can't be reached or does not make sense; then nothing
    is known of the citizen's doing. Cancelling a call ends what it does.
    """

    async def start_authentication(
        self, user: MobileUser, digest: Digest, screen: ScreenText
    ) -> Started | Failed:
        """Asks for PIN1. The digest is that of a fresh challenge, which nobody else can have made up.

        Is never repeated by itself once it may have reached the phone: two questions frighten.
        """
        ...

    async def signing_certificate(self, user: MobileUser) -> SigningCertificate | Failed:
        """Returns the certificate of the signature key, which a CMS names before it is signed."""
        ...

    async def start_signing(
        self, user: MobileUser, digest: Digest, screen: ScreenText, certificate: SigningCertificate
    ) -> Started | Failed:
        """Asks for PIN2. The answer must be by the certificate's key."""
        ...

    async def outcome(self, session: MobileSession, *, wait: timedelta) -> Outcome:
        """Returns how it ended, or, when nobody has answered after `wait`, that it goes on.

        After the session's end it has timed out. An answer that does not hold is a failure, never `Signed`.
        """
        ...
