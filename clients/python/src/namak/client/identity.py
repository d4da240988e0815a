"""Signing holders in at a portal, and their sessions (IdentityService).

For portals' back ends: with the portal's certificate somebody is signed in, and with the session's token the
same connection makes the holder's calls.

    entered = await post.identity.sign_in(signer)                 # a card's key, or a file's in tests
    holder = post.in_session(entered.session_token)
    async for message in holder.mailbox.messages(): ...

In a real portal the key is at the person's place: start there with :meth:`Identity.start_by_certificate`,
have the person's program check and sign the challenge with :func:`sign_challenge`, and complete with what
comes back.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from namak.client.letters import new_request_id
from namak.client.link import Link
from namak.client.paging import paged
from namak.client.signers import DocumentSigner
from namak.errors import ContentMismatch, SigningCertificateMisfit
from namak.evidence.errors import EvidenceError
from namak.evidence.sign_in import Purpose, SignInChallenge
from namak.evidence.signature import build_confirmation_signature
from namak.v1 import identity_pb2, identity_pb2_grpc


def check_challenge(
    challenge: bytes,
    *,
    portal: str | None = None,
    purpose: Purpose | None = None,
    certificate: bytes | None = None,
    at: datetime | None = None,
) -> SignInChallenge:
    """Returns the challenge if it is one, in force, and of this portal, purpose and certificate (DER), as far
    as they are given.

    Who signs MUST check it first: what is not a challenge might be anything. Raises
    :class:`ContentMismatch`.
    """
    try:
        found = SignInChallenge.parse(challenge)
    except EvidenceError as problem:
        raise ContentMismatch(f"nothing was signed: {problem.detail}") from problem
    digest = None if certificate is None else hashlib.sha256(certificate).digest()
    claims = {
        "its portal": portal in (None, found.portal),
        "its purpose": purpose in (None, found.purpose),
        "the certificate": digest in (None, found.certificate_sha256),
        "its time": (at or datetime.now(UTC)) < found.expires,
    }
    wrong = [claim for claim, holds in claims.items() if not holds]
    if wrong:
        raise ContentMismatch("nothing was signed: the challenge is not right about " + ", ".join(wrong))
    return found


def sign_challenge(challenge: bytes, signer: DocumentSigner) -> bytes:
    """Returns the CMS over a challenge's exact bytes, by the authentication key of a card, a token or a file.

    The challenge is checked to be one, and to ask for this very certificate. Waits for the card, so it
    belongs on a thread of its own. Raises :class:`ContentMismatch`, CardError.
    """
    check_challenge(challenge, certificate=signer.certificate)
    try:
        return build_confirmation_signature(challenge, signer.certificate, signer.chain, signer.sign)
    except EvidenceError as problem:
        raise SigningCertificateMisfit(
            f"the key and its certificate do not fit together: {problem.detail}"
        ) from problem


class Identity:
    """The calls of portals, and of holders about their own sessions."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def _stub(self) -> identity_pb2_grpc.IdentityServiceStub:
        return identity_pb2_grpc.IdentityServiceStub(self._link.channel())

    async def start_by_certificate(
        self, certificate: bytes, *, language: str = "", end_other_session: bool = False
    ) -> identity_pb2.StartSignInResponse:
        """Starts a sign-in by card or token: ``certificate`` is the person's authentication certificate, DER.

        Raises SignatureRefused for one that does not count, before anybody is asked for a PIN. In a session
        it starts a step-up.
        """
        return await self._start(
            identity_pb2.StartSignInRequest(
                certificate=identity_pb2.CertificateSignIn(certificate=certificate),
                language=language,
                end_other_session=end_other_session,
            )
        )

    async def start_by_mobile_id(
        self, phone_number: str, person_number: str, *, language: str = "", end_other_session: bool = False
    ) -> identity_pb2.StartSignInResponse:
        """Starts a sign-in by mobile id, and has the phone ring. Show ``verification_code`` to be compared,
        or take the digits from the person where ``verification_code_required`` says so.
        """
        how = identity_pb2.MobileIdSignIn(phone_number=phone_number, person_number=person_number)
        return await self._start(
            identity_pb2.StartSignInRequest(
                mobile_id=how, language=language, end_other_session=end_other_session
            )
        )

    async def start_by_password(self, login: str, *, language: str = "") -> identity_pb2.StartSignInResponse:
        """Starts a sign-in by password. Whether there is such a login, nobody is told."""
        how = identity_pb2.PasswordSignIn(login=login)
        return await self._start(identity_pb2.StartSignInRequest(password=how, language=language))

    async def _start(self, request: identity_pb2.StartSignInRequest) -> identity_pb2.StartSignInResponse:
        return await self._link.unary(self._stub().StartSignIn, request)

    async def complete(
        self,
        sign_in_id: str,
        *,
        cms: bytes | None = None,
        verification_code: str | None = None,
        password: str | None = None,
        within: float | None = None,
    ) -> identity_pb2.SignedIn | None:
        """Completes a sign-in with its proof. None means that the phone has not answered yet: call again.

        A sign-in is completed once. Raises WrongState (CHALLENGE_USED) also where the answer of an earlier
        call was lost: then sign in anew, with ``end_other_session``.
        """
        request = identity_pb2.CompleteSignInRequest(sign_in_id=sign_in_id)
        if cms is not None:
            request.cms = cms
        if verification_code is not None:
            request.verification_code = verification_code
        if password is not None:
            request.password = password
        reply = await self._link.unary(self._stub().CompleteSignIn, request, within=within)
        return reply.signed_in if reply.HasField("signed_in") else None

    async def sign_in(
        self, signer: DocumentSigner, *, language: str = "", end_other_session: bool = False
    ) -> identity_pb2.SignedIn:
        """Signs in by a key at hand, of a card, a token or a file; in a session, steps up.

        Raises WrongState (SESSION_ACTIVE) when the holder is signed in elsewhere, SignatureRefused,
        CardError, :class:`ContentMismatch` for a challenge that is none.
        """
        started = await self.start_by_certificate(
            signer.certificate, language=language, end_other_session=end_other_session
        )
        cms = await asyncio.to_thread(sign_challenge, started.challenge, signer)
        signed_in = await self.complete(started.sign_in_id, cms=cms)
        assert signed_in is not None, "only a phone is waited for"
        return signed_in

    async def session(self) -> identity_pb2.Session:
        """Returns the session that the calls are made in."""
        request = identity_pb2.GetSessionRequest()
        return (await self._link.unary(self._stub().GetSession, request)).session

    def sessions(
        self, *, holder: str = "", show_ended: bool = False, page_size: int = 0
    ) -> AsyncIterator[identity_pb2.Session]:
        """Yields one's own sessions, the newest first; to the operator those of the ``holder``, by national
        number.
        """
        request = identity_pb2.ListSessionsRequest(holder=holder, show_ended=show_ended, page_size=page_size)
        return paged(self._link, self._stub().ListSessions, request, "sessions")

    async def sign_out(self, session_id: str = "") -> identity_pb2.Session:
        """Ends the session that the calls are made in, or another one of the same holder."""
        request = identity_pb2.SignOutRequest(session_id=session_id)
        return (await self._link.unary(self._stub().SignOut, request)).session

    async def set_password(self, password: str, *, login: str = "", request_id: str | None = None) -> str:
        """Sets the password of one's own login, the first one or another; returns the login.

        For holders with their own certificate, or in a session that has a signature. ``login`` is needed by
        whoever has several. Raises WrongState (SIGNATURE_REQUIRED, SIGN_IN_METHOD_NOT_OFFERED), InvalidFields
        for a password that is not good enough, NotPermitted for a login that is not theirs.
        """
        request = identity_pb2.SetPasswordRequest(
            request_id=request_id or new_request_id(), password=password, login=login
        )
        return (await self._link.unary(self._stub().SetPassword, request)).login

    async def terminate_session(
        self, session_id: str, *, request_id: str | None = None
    ) -> identity_pb2.Session:
        """Ends somebody's session; for the operator."""
        request = identity_pb2.TerminateSessionRequest(
            request_id=request_id or new_request_id(), session_id=session_id
        )
        return (await self._link.unary(self._stub().TerminateSession, request)).session

    async def bind_portal(
        self, display_name: str, certificate: bytes, *, request_id: str | None = None
    ) -> identity_pb2.Portal:
        """Binds a machine certificate (DER) as a portal's; for the operator."""
        request = identity_pb2.BindPortalRequest(
            request_id=request_id or new_request_id(), display_name=display_name, certificate=certificate
        )
        return (await self._link.unary(self._stub().BindPortal, request)).portal

    def portals(self, *, page_size: int = 0) -> AsyncIterator[identity_pb2.RegisteredPortal]:
        """Yields the portals, the last registered first; for the operator."""
        request = identity_pb2.ListPortalsRequest(page_size=page_size)
        return paged(self._link, self._stub().ListPortals, request, "portals")

    async def portal(self, portal_id: str) -> identity_pb2.RegisteredPortal:
        """Returns one portal with its certificates; for the operator. Raises NotFound."""
        request = identity_pb2.GetPortalRequest(portal_id=portal_id)
        return (await self._link.unary(self._stub().GetPortal, request)).portal
