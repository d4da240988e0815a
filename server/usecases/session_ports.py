"""What sign-ins and sessions ask of the rings around them. `server.usecases.ports` says what holds of all."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from server.domain.deliveries import Delivery
from server.domain.logins import Login
from server.domain.sessions import Ending, OldSessions, Proof, Session, SignIn, TryLimit
from server.domain.sign_in_effects import OutstandingSignIn, SignedInMailbox


class SignIns(Protocol):
    """Sign-ins under way, and the proofs of those that came to a session."""

    async def add(self, sign_in: SignIn, *, may_be_lost: bool = False) -> None:
        """Adds it. With `may_be_lost` the transaction, which holds nothing else then, is not waited for to be
        on disk: everybody sees it at once, but a crash may take it back, unless something was committed after
        it.
        """
        ...

    async def get(self, sign_in_id: UUID) -> SignIn | None: ...

    async def use(
        self, sign_in_id: UUID, at: datetime, proof: Proof | None, *, ending: OldSessions | None = None
    ) -> bool:
        """Marks it used, for ever, with what proved it; returns False when it was used before. Of two at the
        same moment one is told True, once the other is through.

        With `ending` it does besides, if it was not used before, what `Sessions.end_old` does.
        """
        ...

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Deletes those that expired before then and proved nothing; returns how many."""
        ...

    async def forget_proved(self, before: datetime, *, limit: int) -> int:
        """Deletes those that expired before then and are proved, with their proofs; returns how many. One of
        which something is still to be recorded is left.
        """
        ...


class Sessions(Protocol):
    """Sessions, by holder. A holder has a bounded number of them at once."""

    async def begin(self, session: Session, token_sha256: bytes, *, most: int) -> bool:
        """Adds it, unless the holder has `most` that have not ended; returns whether. What another
        transaction is about to begin or end is waited for.
        """
        ...

    async def end_old(self, person_number: str, at: datetime, *, all_of_them: bool) -> None:
        """Marks the holder's expired sessions as ended when they expired; the others too, as REPLACED at this
        time, if all are meant.
        """
        ...

    async def end(self, session_id: UUID, at: datetime, ending: Ending) -> None:
        """Ends one; what has ended, or expired, before then stays as it is."""
        ...

    async def raise_assurance(self, session_id: UUID, at: datetime) -> bool:
        """Raises it to SIGNATURE; returns False when it can't be used any more."""
        ...

    async def active(self, person_number: str, at: datetime) -> Sequence[Session]:
        """Returns the holder's sessions that can be used at this time, the oldest first."""
        ...

    async def of_tokens(self, digests: Collection[bytes]) -> Mapping[bytes, Session]:
        """Returns those of the sessions that there are, by the SHA-256 of their tokens, ended ones too."""
        ...

    async def get(self, session_id: UUID) -> Session | None: ...

    async def lock(self, session_id: UUID) -> Session | None:
        """Returns it, locked until the transaction ends."""
        ...

    async def list_newest(
        self, person_number: str, *, active_at: datetime | None, before: UUID | None, limit: int
    ) -> Sequence[Session]:
        """Lists a holder's sessions by descending identifier; with a time those that can be used then."""
        ...

    async def end_of_revoked_portals(self, at: datetime, *, limit: int) -> int:
        """Ends, as TERMINATED, sessions with a portal's certificate that was revoked; what has expired is
        marked as that. Returns how many; what others have locked is left.
        """
        ...

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Deletes those that would have expired before then, however they ended; returns how many."""
        ...


class Logins(Protocol):
    """Logins with their passwords' hashes, one for each skeleton (`server.domain.logins`)."""

    async def add(self, login: Login) -> bool:
        """Adds it; returns False, changing nothing, when it or one that looks like it is given out."""
        ...

    async def named(self, login: str) -> Login | None:
        """Returns the login in its canonical form."""
        ...

    async def lock(self, login: str) -> Login | None:
        """Returns the same, locked until the transaction ends."""
        ...

    async def of_person(self, person_number: str) -> Sequence[Login]:
        """Returns a person's logins, by name."""
        ...

    async def is_given(self, login: str) -> bool:
        """Tells whether a login, or one that looks like it, is given out."""
        ...

    async def set_password(self, login: str, password_hash: str) -> None:
        """Stores another hash."""
        ...


class Tries(Protocol):
    """Counts what must not be tried without end. A key is a SHA-256 of what is tried, login or number."""

    async def take(self, key: bytes, limit: TryLimit, at: datetime) -> datetime | None:
        """Counts one try; returns None, or, when there are too many, until when there are none. The count
        begins anew after the pause. It is exact however many try at the same moment.
        """
        ...

    async def clear(self, keys: Sequence[bytes]) -> None:
        """Forgets the tries counted so far, one count after the other: one succeeded."""
        ...

    async def give_back(self, keys: Sequence[bytes]) -> None:
        """Counts one try less, one count after the other; the pause stays as it is."""
        ...

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Deletes counts without a try since then; returns how many."""
        ...


class OpenDeliveries(Protocol):
    """The deliveries to a holder that are neither notified nor withdrawn."""

    async def lock_consigned(
        self, mailbox_id: UUID, policies: Collection[str], *, after: int, up_to: int, limit: int
    ) -> tuple[Sequence[Delivery], int]:
        """Returns those under one of these notification policies whose sequence is greater than `after` and
        at most `up_to`, the first `limit` of them, locked in sorted order until the transaction ends; and the
        sequence up to which there are no others: `up_to` when all were found. What another transaction
        notifies or withdraws meanwhile is left out.
        """
        ...


class OutstandingSignIns(Protocol):
    """Sign-ins that are not recorded yet of all the deliveries that were open then."""

    async def add(self, outstanding: OutstandingSignIn) -> None: ...

    async def mailbox_of(self, person_number: str) -> SignedInMailbox | None:
        """Returns, without a lock, what a sign-in needs to know of a person's mailbox; None without one."""
        ...

    async def take(self, except_for: Collection[UUID]) -> OutstandingSignIn | None:
        """Returns one, locked until the transaction ends, that no other transaction has: of each mailbox
        only the oldest, of the mailboxes the one that has waited longest, and none of the sign-ins in
        `except_for`.
        """
        ...

    async def advance(self, sign_in_id: UUID, after: int, at: datetime) -> None:
        """Moves a locked one on: up to this sequence nothing is left."""
        ...

    async def finish(self, sign_in_id: UUID) -> None:
        """Deletes a locked one."""
        ...


class SignInTransaction(Protocol):
    """What sign-ins and sessions have in a transaction (`server.usecases.ports.Transaction`)."""

    @property
    def sign_ins(self) -> SignIns: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def logins(self) -> Logins: ...
    @property
    def tries(self) -> Tries: ...
    @property
    def open_deliveries(self) -> OpenDeliveries: ...
    @property
    def outstanding_sign_ins(self) -> OutstandingSignIns: ...


class SignInSignatures(Protocol):
    """Checks what signs in: authentication certificates and signatures by their keys (SIGN-4).

    Raises, all of it, besides: SigningCertificateUntrusted, SigningCertificateExpired,
    SigningCertificateRevoked, SigningCertificatePurpose, RevocationStatusUnknown. No transaction may be open
    around it.
    """

    async def person_of(self, certificate: bytes, at: datetime) -> str:
        """Returns whose authentication certificate (DER) it is: the person's number."""
        ...

    async def signer(self, cms: bytes, challenge: bytes, at: datetime) -> tuple[str, bytes]:
        """Checks a detached CMS over exactly the challenge, by an authentication certificate; returns the
        person's number and the certificate's SHA-256.

        Raises:
            SignatureInvalid.
        """
        ...


class PasswordHashes(Protocol):
    """Hashes passwords, slowly on purpose. No transaction may be open around it."""

    async def hash(self, password: str) -> str:
        """Returns a new hash of a password, with its salt and parameters."""
        ...

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tells whether the password is the one; without a hash it takes as long, and is not.

        Raises:
            Overloaded: too many wait already.
        """
        ...

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with weaker parameters than those of now."""
        ...
