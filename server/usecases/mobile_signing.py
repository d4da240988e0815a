"""A CMS by the key behind PIN2: a statement is confirmed, or a document signed, by phone (SIGN-1, SIGN-6).

In two steps, between which the holder finds the phone and enters the PIN; each may run on another replica.
What is signed names the certificate, so the certificate is asked for first.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from namak.evidence.failures import CertificateError
from namak.evidence.signature import draft_signature
from server.domain.mobile_identity import (
    Digest,
    Failed,
    Failure,
    MobileKey,
    MobileSession,
    MobileUser,
    ScreenText,
    Signed,
    Started,
    Waiting,
)
from server.usecases.mobile_identity import MobileIdentity
from server.usecases.ports import Clock, Entropy

DIGEST = "sha256"
_NONCE_BYTES: Final = 16


class AuthorityChains(Protocol):
    """The authorities above a person's certificate."""

    async def above(self, certificate: bytes, at: datetime) -> Sequence[bytes]:
        """Returns the certificates (DER) from the issuer's up, without the citizen root.

        Raises:
            SigningCertificateUntrusted, SigningCertificateExpired: there is no path to a citizen root.
        """
        ...


class MobileSigning:
    """Signs bytes with phones. Whoever wants the signature keeps the session, and the bytes."""

    def __init__(
        self, *, mobile: MobileIdentity, chains: AuthorityChains, clock: Clock, entropy: Entropy
    ) -> None:
        self._mobile = mobile
        self._entropy = entropy
        self._chains = chains
        self._clock = clock

    async def start(self, user: MobileUser, content: bytes, screen: ScreenText) -> Started | Failed:
        """Asks the phone for PIN2, once its certificate is known to lead to a citizen root.

        `content` MUST be what the holder has been shown; `screen` says on the phone what it is.

        Raises:
            SigningCertificateUntrusted, SigningCertificateExpired, ServiceUnavailable.
        """
        found = await self._mobile.signing_certificate(user)
        if isinstance(found, Failed):
            return found
        await self._chains.above(found.certificate, self._clock.now())
        # Content and certificate are no secrets of the holder's; the digits that the phone shows are, where
        # they are entered, and they follow from the digest.
        nonce = self._entropy.random(_NONCE_BYTES)
        draft = draft_signature(content, found.certificate, DIGEST, identifier=nonce)
        digest = Digest(draft.digest_value, DIGEST)
        asked = await self._mobile.start_signing(user, digest, screen, found)
        if isinstance(asked, Failed):
            return asked
        return replace(asked, session=replace(asked.session, nonce=nonce))

    async def complete(
        self, session: MobileSession, content: bytes, *, wait: timedelta
    ) -> bytes | Waiting | Failed:
        """Returns the detached CMS over the content that `start` was given (DER), once the phone has
        answered.

        It verifies, and its certificate leads to a citizen root; whether that has been revoked is for whoever
        takes the CMS to say.

        Raises:
            ValueError: the session is not one of a signature over this content.
            SigningCertificateUntrusted, SigningCertificateExpired, ServiceUnavailable.
        """
        if session.certificate is None or session.key is not MobileKey.SIGNATURE:
            raise ValueError("the session is not one of a signature")
        draft = draft_signature(
            content, session.certificate, session.digest.algorithm, identifier=session.nonce
        )
        if draft.digest_value != session.digest.value:
            raise ValueError("the session is of another content")
        outcome = await self._mobile.outcome(session, wait=wait)
        if not isinstance(outcome, Signed):
            return outcome
        chain = await self._chains.above(outcome.certificate, self._clock.now())
        try:
            return draft.finished(outcome.signature, chain)
        except CertificateError:
            # The gateway verified it; a CMS that nobody else could verify is not given out all the same.
            return Failed(Failure.SIGNATURE_INVALID, session.key)
