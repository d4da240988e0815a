"""Sessions after they began: holders look at their own and sign out, the operator ends them (SIGN-5)."""

from dataclasses import dataclass
from uuid import UUID

from server.domain.administration import session_resource, session_snapshot
from server.domain.caller import Holder, Operator
from server.domain.paging import Page, Query
from server.domain.refusals import NotFound, ResourceNotPermitted
from server.domain.sessions import Ending, Session
from server.usecases.administration import Act, Administration, Changed
from server.usecases.ports import Clock, Entropy, Transaction, UnitOfWork


@dataclass(frozen=True, slots=True)
class ListSessions:
    """`person_number` is whose, None for the holder's own; the operator names it. `page_size` is checked."""

    by: Holder | Operator
    person_number: str | None
    with_ended: bool
    page_size: int
    page_token: str


@dataclass(frozen=True, slots=True)
class SignOut:
    """`session_id` is None for the session that the call is made in."""

    holder: Holder
    session_id: UUID | None


@dataclass(frozen=True, slots=True)
class TerminateSession:
    by: Operator
    request_id: str
    session_id: UUID


class SessionDesk:
    """Shows sessions and ends them. Within a second nobody accepts an ended one's token, and its open streams
    have ended.
    """

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, entropy: Entropy, administration: Administration
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._administration = administration

    async def get_session(self, holder: Holder) -> Session:
        """Returns the session that the call is made in.

        Raises:
            ResourceNotPermitted: it is made in none.
        """
        async with self._uow.reading() as tx:
            return await _own(tx, holder, None)

    async def list_sessions(self, command: ListSessions) -> Page[Session]:
        """Lists a person's sessions, the newest first.

        Raises:
            InvalidPageToken.
            ResourceNotPermitted: a holder asks for somebody else's.
        """
        person_number = _whose(command)
        query = Query(("ListSessions", person_number, str(command.with_ended)))
        before = query.identifier(command.page_token)
        async with self._uow.reading() as tx:
            found = await tx.sessions.list_newest(
                person_number,
                active_at=None if command.with_ended else self._clock.now(),
                before=before,
                limit=command.page_size + 1,
            )
        shown = found[: command.page_size]
        more = len(found) > command.page_size
        return Page(shown, query.token(str(shown[-1].id)) if more else "")

    async def sign_out(self, command: SignOut) -> Session:
        """Ends the session of the call, or another one of the same holder.

        Raises:
            ResourceNotPermitted: there is none, or it is somebody else's.
        """
        async with self._uow.writing() as tx:
            session = await _own(tx, command.holder, command.session_id)
            await tx.sessions.end(session.id, self._clock.now(), Ending.SIGNED_OUT)
            ended = await _own(tx, command.holder, session.id)
            await tx.commit()
        return ended

    async def terminate(self, command: TerminateSession) -> Session:
        """Ends somebody's session, as an administrative act; one that has ended stays as it is.

        Raises:
            RequestIdReused, NotFound.
        """

        async def change(tx: Transaction) -> Changed[Session]:
            before = await tx.sessions.lock(command.session_id)
            if before is None:
                raise NotFound("session", str(command.session_id))
            await tx.sessions.end(before.id, self._clock.now(), Ending.TERMINATED)
            after = await again(tx, before.id)
            return Changed(
                result=after,
                resource=session_resource(before.id),
                organisation_id=None,
                before=session_snapshot(before),
                after=session_snapshot(after),
            )

        async def again(tx: Transaction, _subject: UUID) -> Session:
            found = await tx.sessions.get(command.session_id)
            if found is None:
                raise NotFound("session", str(command.session_id))
            return found

        content = (str(command.session_id),)
        act = Act("TerminateSession", command.by, command.request_id, content, self._entropy.new_id())
        return await self._administration.carry_out(act, change, again)


def _whose(command: ListSessions) -> str:
    """Returns whose sessions are listed: a holder's own only."""
    if isinstance(command.by, Operator):
        if command.person_number is None:
            raise TypeError("the operator named nobody")
        return command.person_number
    own = command.by.person_number
    if command.person_number not in (None, own):
        raise ResourceNotPermitted("session")
    return own


async def _own(tx: Transaction, holder: Holder, session_id: UUID | None) -> Session:
    """Returns a session of the holder's, locked; by default the one of the call."""
    wanted = session_id if session_id is not None or holder.via is None else holder.via.session_id
    session = None if wanted is None else await tx.sessions.lock(wanted)
    if session is None or session.person_number != holder.person_number:
        raise ResourceNotPermitted("session")
    return session
