"""The fake unit of work's sign-ins, sessions, logins and tries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from server.domain.caller import Assurance
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.logins import Login, skeleton
from server.domain.senders import BindingRole
from server.domain.sessions import Ending, OldSessions, Proof, Session, SignIn, TryLimit
from tests.fakes.state import State


class FakeSignIns:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, sign_in: SignIn, *, may_be_lost: bool = False) -> None:
        self._state.require(sign_in.id not in self._state.sign_ins, "pk_sign_ins")
        self._state.sign_ins[sign_in.id] = sign_in

    async def get(self, sign_in_id: UUID) -> SignIn | None:
        return self._state.sign_ins.get(sign_in_id)

    async def use(
        self, sign_in_id: UUID, at: datetime, proof: Proof | None, *, ending: OldSessions | None = None
    ) -> bool:
        found = self._state.sign_ins.get(sign_in_id)
        if found is None or found.used_at is not None:
            return False
        self._state.sign_ins[sign_in_id] = replace(found, used_at=at)
        if proof is not None:
            self._state.proofs[sign_in_id] = proof
        if ending is not None:
            sessions = FakeSessions(self._state)
            await sessions.end_old(ending.person_number, at, all_of_them=ending.all_of_them)
        return True

    async def forget(self, before: datetime, *, limit: int) -> int:
        return self._forget([each for each in self._old(before) if each not in self._state.proofs][:limit])

    async def forget_proved(self, before: datetime, *, limit: int) -> int:
        proved = [each for each in self._old(before) if each in self._state.proofs]
        return self._forget([each for each in proved if each not in self._state.outstanding_sign_ins][:limit])

    def _old(self, before: datetime) -> list[UUID]:
        return [each.id for each in self._state.sign_ins.values() if each.expires_at < before]

    def _forget(self, found: list[UUID]) -> int:
        for each_id in found:
            del self._state.sign_ins[each_id]
            self._state.proofs.pop(each_id, None)
        return len(found)


class FakeSessions:
    def __init__(self, state: State) -> None:
        self._state = state

    async def begin(self, session: Session, token_sha256: bytes, *, most: int) -> bool:
        self._state.require(session.started_at < session.expires_at, "ck_sessions_expires_at")
        self._state.require(token_sha256 not in self._state.tokens, "ix_sessions_token_sha256")
        if len(self._unended(session.person_number)) >= most:
            return False
        self._state.sessions[session.id] = session
        self._state.tokens[token_sha256] = session.id
        return True

    async def end_old(self, person_number: str, at: datetime, *, all_of_them: bool) -> None:
        for each in self._unended(person_number):
            if each.expires_at <= at:
                self._end(each, each.expires_at, Ending.EXPIRED)
            elif all_of_them:
                self._end(each, at, Ending.REPLACED)

    async def end(self, session_id: UUID, at: datetime, ending: Ending) -> None:
        found = self._usable(session_id, at)
        if found is not None:
            self._end(found, at, ending)

    async def raise_assurance(self, session_id: UUID, at: datetime) -> bool:
        found = self._usable(session_id, at)
        if found is not None:
            self._state.sessions[session_id] = replace(found, assurance=Assurance.SIGNATURE)
        return found is not None

    async def active(self, person_number: str, at: datetime) -> Sequence[Session]:
        found = [each for each in self._unended(person_number) if each.expires_at > at]
        return sorted(found, key=lambda session: (session.started_at, session.id))

    async def of_tokens(self, digests: Collection[bytes]) -> Mapping[bytes, Session]:
        tokens = self._state.tokens
        return {each: self._state.sessions[tokens[each]] for each in digests if each in tokens}

    async def get(self, session_id: UUID) -> Session | None:
        return self._state.sessions.get(session_id)

    async def lock(self, session_id: UUID) -> Session | None:
        return self._state.sessions.get(session_id)

    async def list_newest(
        self, person_number: str, *, active_at: datetime | None, before: UUID | None, limit: int
    ) -> Sequence[Session]:
        found = [
            each
            for each in self._state.sessions.values()
            if each.person_number == person_number
            and (active_at is None or (each.ended_at is None and each.expires_at > active_at))
            and (before is None or each.id < before)
        ]
        return sorted(found, key=lambda session: session.id, reverse=True)[:limit]

    async def end_of_revoked_portals(self, at: datetime, *, limit: int) -> int:
        bindings = self._state.bindings
        revoked = {
            digest
            for digest, each in bindings.items()
            if each.role is BindingRole.PORTAL and each.revoked_at is not None
        }
        sessions = self._state.sessions.values()
        found = [each for each in sessions if each.ended_at is None and each.portal_sha256 in revoked][:limit]
        for each in found:
            is_over = each.expires_at <= at
            self._end(each, min(each.expires_at, at), Ending.EXPIRED if is_over else Ending.TERMINATED)
        return len(found)

    async def forget(self, before: datetime, *, limit: int) -> int:
        found = [each.id for each in self._state.sessions.values() if each.expires_at < before][:limit]
        for each_id in found:
            del self._state.sessions[each_id]
        tokens = {token: session for token, session in self._state.tokens.items() if session not in found}
        self._state.tokens = tokens
        return len(found)

    def _unended(self, person_number: str) -> list[Session]:
        return [
            each
            for each in self._state.sessions.values()
            if each.person_number == person_number and each.ended_at is None
        ]

    def _usable(self, session_id: UUID, at: datetime) -> Session | None:
        found = self._state.sessions.get(session_id)
        return found if found and found.ended_at is None and found.expires_at > at else None

    def _end(self, session: Session, at: datetime, ending: Ending) -> None:
        self._state.sessions[session.id] = replace(session, ended_at=at, ending=ending)


class FakeLogins:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, login: Login) -> bool:
        key = skeleton(login.login)
        if key in self._state.logins:
            return False
        self._state.logins[key] = login
        return True

    async def named(self, login: str) -> Login | None:
        found = self._state.logins.get(skeleton(login))
        return found if found is not None and found.login == login else None

    async def lock(self, login: str) -> Login | None:
        return await self.named(login)

    async def of_person(self, person_number: str) -> Sequence[Login]:
        own = [each for each in self._state.logins.values() if each.person_number == person_number]
        return sorted(own, key=lambda login: login.login)

    async def is_given(self, login: str) -> bool:
        return skeleton(login) in self._state.logins

    async def set_password(self, login: str, password_hash: str) -> None:
        found = await self.named(login)
        if found is None:
            raise LookupError("no such login")
        self._state.logins[skeleton(login)] = replace(found, password_hash=password_hash)


class FakeTries:
    def __init__(self, state: State) -> None:
        self._state = state

    async def take(self, key: bytes, limit: TryLimit, at: datetime) -> datetime | None:
        tries, last_at = self._state.tries.get(key, (0, at))
        if last_at + limit.pause <= at:
            tries = 0
        if tries >= limit.tries:
            return last_at + limit.pause
        self._state.tries[key] = (tries + 1, at)
        return None

    async def clear(self, keys: Sequence[bytes]) -> None:
        for key in keys:
            self._state.tries.pop(key, None)

    async def give_back(self, keys: Sequence[bytes]) -> None:
        for key in keys:
            if key in self._state.tries:
                tries, last_at = self._state.tries[key]
                self._state.tries[key] = (max(0, tries - 1), last_at)

    async def forget(self, before: datetime, *, limit: int) -> int:
        found = [key for key, (_, last_at) in self._state.tries.items() if last_at < before][:limit]
        for key in found:
            del self._state.tries[key]
        return len(found)


class FakeOpenDeliveries:
    def __init__(self, state: State) -> None:
        self._state = state

    async def lock_consigned(
        self, mailbox_id: UUID, policies: Collection[str], *, after: int, up_to: int, limit: int
    ) -> tuple[Sequence[Delivery], int]:
        found = [
            each
            for each in self._state.deliveries.values()
            if each.mailbox_id == mailbox_id
            and after < each.sequence <= up_to
            and each.state is DeliveryState.CONSIGNED
            and each.notification_policy in policies
        ]
        found = sorted(found, key=lambda delivery: delivery.sequence)[:limit]
        reached = up_to if len(found) < limit else found[-1].sequence
        return sorted(found, key=lambda delivery: delivery.id), reached
