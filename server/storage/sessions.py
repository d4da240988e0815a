"""Sign-ins and sessions in tables."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, case, delete, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from namak.evidence.sign_in import Purpose
from server.domain.caller import Assurance
from server.domain.senders import BindingRole
from server.domain.sessions import Ending, Method, OldSessions, Proof, Session, SignIn
from server.storage.register_tables import CertificateBindingRow
from server.storage.session_tables import OutstandingSignInRow, SessionRow, SignInRow
from server.storage.statements import Statements, among
from server.storage.stored import table

_SIGN_INS = table(SignInRow)
_SESSIONS = table(SessionRow)
_OUTSTANDING = table(OutstandingSignInRow)
_BINDINGS = table(CertificateBindingRow)

_KEPT = ("proof", "certificate")
_ADD_SIGN_IN = insert(_SIGN_INS)
_STARTED = tuple(each for each in _SIGN_INS.c if each.name not in _KEPT)
# The setting counts until the transaction ends. Changed in the same statement, it costs no round trip.
_ADD_FLEETING = insert(_SIGN_INS).from_select(
    [each.name for each in _STARTED],
    select(*(bindparam(f"new_{each.name}", type_=each.type) for each in _STARTED)).where(
        func.set_config("synchronous_commit", "off", True) == "off"
    ),
)
_GET_SIGN_IN = select(*(each for each in _SIGN_INS.c if each.name not in _KEPT)).where(
    _SIGN_INS.c.id == bindparam("key")
)
_USE = (
    update(_SIGN_INS)
    .where(_SIGN_INS.c.id == bindparam("key"), _SIGN_INS.c.used_at.is_(None))
    .values(used_at=bindparam("at"), proof=bindparam("signature"), certificate=bindparam("signer"))
)
_FORGET = delete(_SIGN_INS).where(
    _SIGN_INS.c.id.in_(
        select(_SIGN_INS.c.id)
        .where(_SIGN_INS.c.proof.is_(None), _SIGN_INS.c.expires_at < bindparam("before"))
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
)
_STILL_OUTSTANDING = select(_OUTSTANDING.c.sign_in_id).where(_OUTSTANDING.c.sign_in_id == _SIGN_INS.c.id)
_FORGET_PROVED = delete(_SIGN_INS).where(
    _SIGN_INS.c.id.in_(
        select(_SIGN_INS.c.id)
        .where(
            _SIGN_INS.c.proof.is_not(None),
            _SIGN_INS.c.expires_at < bindparam("before"),
            ~_STILL_OUTSTANDING.exists(),
        )
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
)

_OPEN = and_(_SESSIONS.c.person_number == bindparam("person"), _SESSIONS.c.ended_at.is_(None))
_SLOTS = func.generate_series(0, bindparam("most") - 1).table_valued("slot", name="free").render_derived()
_TAKEN = select(_SESSIONS.c.slot).where(_OPEN)
_VALUES = (
    *("id", "sign_in_id", "person_number", "token_sha256", "portal_sha256", "portal_name"),
    *("method", "assurance", "started_at", "expires_at"),
)
# Of two that begin at the same moment the second waits here until the first is through, and then finds the
# slot taken, or free.
_BEGIN = (
    insert(_SESSIONS)
    .from_select(
        ["slot", *_VALUES],
        select(
            _SLOTS.c.slot,
            *(bindparam(f"new_{name}", type_=_SESSIONS.c[name].type) for name in _VALUES),
        )
        .where(_SLOTS.c.slot.not_in(_TAKEN))
        .order_by(_SLOTS.c.slot)
        .limit(1),
    )
    .on_conflict_do_nothing(
        index_elements=[_SESSIONS.c.person_number, _SESSIONS.c.slot],
        index_where=_SESSIONS.c.ended_at.is_(None),
    )
)
_HAS_FREE = select(_SLOTS.c.slot).where(_SLOTS.c.slot.not_in(_TAKEN)).limit(1)
_EXPIRED = _SESSIONS.c.expires_at <= bindparam("at")


def _ended(ending: Ending) -> Mapping[str, Any]:
    """Returns what marks sessions as ended in this way, or as expired where they were before."""
    return {
        "ended_at": func.least(_SESSIONS.c.expires_at, bindparam("at")),
        "ending": case((_EXPIRED, literal(Ending.EXPIRED.value)), else_=literal(ending.value)),
    }


_END_OLD = (
    update(_SESSIONS).where(_OPEN, or_(_EXPIRED, bindparam("all_of_them"))).values(**_ended(Ending.REPLACED))
)
# Revoked portals are few: their sessions are found by the certificate, in an index of those that are open.
_OF_REVOKED = (
    select(_SESSIONS.c.id)
    .join(_BINDINGS, _BINDINGS.c.certificate_sha256 == _SESSIONS.c.portal_sha256)
    .where(
        _SESSIONS.c.ended_at.is_(None),
        _BINDINGS.c.role == BindingRole.PORTAL.value,
        _BINDINGS.c.revoked_at.is_not(None),
    )
    .limit(bindparam("most"))
    .with_for_update(of=_SESSIONS, skip_locked=True)
)
_END_OF_REVOKED = update(_SESSIONS).where(_SESSIONS.c.id.in_(_OF_REVOKED)).values(**_ended(Ending.TERMINATED))
_FORGET_ENDED = delete(_SESSIONS).where(
    _SESSIONS.c.id.in_(
        select(_SESSIONS.c.id)
        .where(_SESSIONS.c.expires_at < bindparam("before"))
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
)
_USED = _USE.returning(_SIGN_INS.c.id).cte("used")
# Ended only once the sign-in is used, and so locked in this order by all.
_USE_AND_END_OLD = (
    select(func.count())
    .select_from(_USED)
    .add_cte(_END_OLD.where(exists().where(_USED.c.id.is_not(None))).returning(_SESSIONS.c.id).cte("ended"))
)
_USABLE = and_(
    _SESSIONS.c.id == bindparam("key"),
    _SESSIONS.c.ended_at.is_(None),
    _SESSIONS.c.expires_at > bindparam("at"),
)
_END = update(_SESSIONS).where(_USABLE).values(ended_at=bindparam("at"), ending=bindparam("how"))
_RAISE = update(_SESSIONS).where(_USABLE).values(assurance=Assurance.SIGNATURE.value)
_WANTED = select(*(each for each in _SESSIONS.c if each.name not in ("slot", "token_sha256")))
_GET = _WANTED.where(_SESSIONS.c.id == bindparam("key"))
_ACTIVE = _WANTED.where(_OPEN, _SESSIONS.c.expires_at > bindparam("at")).order_by(
    _SESSIONS.c.started_at, _SESSIONS.c.id
)
_OF_TOKENS = select(_SESSIONS).where(among(_SESSIONS.c.token_sha256, "keys"))


class SqlSignIns:
    """Sign-ins in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, sign_in: SignIn, *, may_be_lost: bool = False) -> None:
        """Adds one that was started; one that may be lost has its transaction committed without waiting."""
        if may_be_lost:
            fleeting = {f"new_{column.name}": getattr(sign_in, column.name) for column in _STARTED}
            await self._statements.run(_ADD_FLEETING, fleeting)
        else:
            values = {column.name: getattr(sign_in, column.name) for column in _STARTED}
            await self._statements.run(_ADD_SIGN_IN, values)

    async def get(self, sign_in_id: UUID) -> SignIn | None:
        """Returns it, used and expired ones too."""
        row = await self._statements.first(_GET_SIGN_IN, {"key": sign_in_id})
        if row is None:
            return None
        return SignIn(
            id=row.id,
            purpose=Purpose(row.purpose),
            method=Method(row.method),
            text=row.text,
            portal_sha256=row.portal_sha256,
            portal_name=row.portal_name,
            ends_others=row.ends_others,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            person_number=row.person_number,
            certificate_sha256=row.certificate_sha256,
            login=row.login,
            mobile=row.mobile,
            session_id=row.session_id,
            used_at=row.used_at,
        )

    async def use(
        self, sign_in_id: UUID, at: datetime, proof: Proof | None, *, ending: OldSessions | None = None
    ) -> bool:
        """Marks it used, with what proved it, and ends old sessions; returns False if it was used before."""
        values: dict[str, Any] = {
            "key": sign_in_id,
            "at": at,
            "signature": proof.signature if proof else None,
            "signer": proof.certificate if proof else None,
        }
        if ending is None:
            return await self._statements.changed(_USE, values) == 1
        values |= {"person": ending.person_number, "all_of_them": ending.all_of_them}
        used = await self._statements.first(_USE_AND_END_OLD, values)
        return used is not None and used[0] == 1

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Deletes those that expired before then and proved nothing; returns how many."""
        return await self._statements.changed(_FORGET, {"before": before, "most": limit})

    async def forget_proved(self, before: datetime, *, limit: int) -> int:
        """Deletes those that expired before then and are proved, with their proofs; returns how many."""
        return await self._statements.changed(_FORGET_PROVED, {"before": before, "most": limit})


class SqlSessions:
    """Sessions in a table, of which each holder has a bounded number that have not ended."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def begin(self, session: Session, token_sha256: bytes, *, most: int) -> bool:
        """Adds it, unless the holder has `most` that have not ended."""
        values: dict[str, Any] = {f"new_{name}": getattr(session, name, None) for name in _VALUES}
        values |= {"new_token_sha256": token_sha256, "person": session.person_number, "most": most}
        while await self._statements.changed(_BEGIN, values) == 0:
            # Somebody else took the slot that was free when this statement began; another may be.
            if await self._statements.first(_HAS_FREE, values) is None:
                return False
        return True

    async def end_old(self, person_number: str, at: datetime, *, all_of_them: bool) -> None:
        """Marks the holder's expired sessions as ended, or all."""
        values = {"person": person_number, "at": at, "all_of_them": all_of_them}
        await self._statements.run(_END_OLD, values)

    async def end(self, session_id: UUID, at: datetime, ending: Ending) -> None:
        """Ends one; what has ended, or expired, before then stays as it is."""
        await self._statements.run(_END, {"key": session_id, "at": at, "how": ending.value})

    async def raise_assurance(self, session_id: UUID, at: datetime) -> bool:
        """Raises it to SIGNATURE; returns False when it can't be used any more."""
        return await self._statements.changed(_RAISE, {"key": session_id, "at": at}) == 1

    async def active(self, person_number: str, at: datetime) -> Sequence[Session]:
        """Returns the holder's sessions that can be used at this time, the oldest first."""
        rows = await self._statements.rows(_ACTIVE, {"person": person_number, "at": at})
        return [_session(row) for row in rows]

    async def of_tokens(self, digests: Collection[bytes]) -> Mapping[bytes, Session]:
        """Returns those of the sessions that there are, by the digest of their tokens."""
        rows = await self._statements.rows(_OF_TOKENS, {"keys": list(digests)})
        return {row.token_sha256: _session(row) for row in rows}

    async def get(self, session_id: UUID) -> Session | None:
        """Returns it, ended ones too."""
        row = await self._statements.first(_GET, {"key": session_id})
        return None if row is None else _session(row)

    async def lock(self, session_id: UUID) -> Session | None:
        """Returns it, locked until the transaction ends."""
        row = await self._statements.first(_GET.with_for_update(), {"key": session_id})
        return None if row is None else _session(row)

    async def list_newest(
        self, person_number: str, *, active_at: datetime | None, before: UUID | None, limit: int
    ) -> Sequence[Session]:
        """Lists a holder's sessions by descending identifier."""
        query = _WANTED.where(_SESSIONS.c.person_number == bindparam("person"))
        values: dict[str, Any] = {"person": person_number, "most": limit}
        if active_at is not None:
            query = query.where(_SESSIONS.c.ended_at.is_(None), _SESSIONS.c.expires_at > bindparam("at"))
            values["at"] = active_at
        if before is not None:
            query = query.where(_SESSIONS.c.id < bindparam("before"))
            values["before"] = before
        query = query.order_by(_SESSIONS.c.id.desc()).limit(bindparam("most"))
        return [_session(row) for row in await self._statements.rows(query, values)]

    async def end_of_revoked_portals(self, at: datetime, *, limit: int) -> int:
        """Ends sessions with a portal's certificate that was revoked; returns how many."""
        return await self._statements.changed(_END_OF_REVOKED, {"at": at, "most": limit})

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Deletes those that would have expired before then; returns how many."""
        return await self._statements.changed(_FORGET_ENDED, {"before": before, "most": limit})


def _session(row: Row[Any]) -> Session:
    return Session(
        id=row.id,
        sign_in_id=row.sign_in_id,
        person_number=row.person_number,
        portal_sha256=row.portal_sha256,
        portal_name=row.portal_name,
        method=Method(row.method),
        assurance=Assurance(row.assurance),
        started_at=row.started_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        ending=None if row.ending is None else Ending(row.ending),
    )
