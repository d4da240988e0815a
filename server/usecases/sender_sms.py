"""Short messages that senders send alone, and what became of all of theirs (ADMIN-3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from server.domain import limits
from server.domain.caller import Sender
from server.domain.deliveries import Party
from server.domain.paging import Page, Query
from server.domain.profile import Profile
from server.domain.refusals import (
    Refused,
    RequestIdReused,
    SenderNotPermitted,
    ServiceUnavailable,
    TooManyRefusals,
    restored,
)
from server.domain.sender_sms import TEXTS_A_DAY, SenderSms, SmsFilter, SmsText, sms_digest
from server.domain.senders import SenderAddress
from server.domain.sending_rights import NO_HOSTS, host_names_to_ask, judge_sender, permission_names
from server.domain.sms_evidence import sms_rejection
from server.usecases.mailboxes import checked_page_size
from server.usecases.ports import Clock, Entropy, HostNames, Log, Transaction, UnitOfWork
from server.usecases.records import Claim, RecordedRefusal, SendingSide
from server.usecases.sms_accepting import SmsAsked, accept_texts, sms_refusal
from server.usecases.sms_room import SmsRoom
from server.usecases.stamps import Stamps

_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SendSms:
    """A text to be sent alone; its fields are checked and in canonical form."""

    caller: Sender
    request_id: str
    sender: str
    sms: SmsText = field(repr=False)


@dataclass(frozen=True, slots=True)
class ListSms:
    """`page_size` as it was asked for: 0 means the default, more than the maximum means the maximum."""

    caller: Sender
    page_size: int
    page_token: str
    wanted: SmsFilter


class SenderSmsDesk:
    """Takes texts in that go alone, and lists all."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        log: Log,
        profile: Profile,
        host_names: HostNames,
        offered: bool,
        refusals_per_minute: int = limits.REFUSALS_PER_MINUTE,
        a_day: int = TEXTS_A_DAY,
    ) -> None:
        """`offered` says that there is a gateway; `refusals_per_minute` is how many refusals of one
        organisation are recorded within a minute; `a_day` how many texts one address may send on a day.
        """
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._log = log
        self._stamps = Stamps(profile, entropy)
        self._zone = ZoneInfo(profile.time_zone)
        self._host_names = host_names
        self._offered = offered
        self._room = SmsRoom(self._zone, a_day)
        self._refusals_per_minute = refusals_per_minute

    async def send(self, command: SendSms) -> Sequence[SenderSms]:
        """Accepts a text for each phone, durably. Repeated under its request id it gives the same ones.

        Raises:
            RequestIdReused.
            SenderNotPermitted, NetworkNotPermitted, SenderSuspended, ContractNotInForce, SmsNotPermitted,
            SmsNotOffered: with evidence.
            TooManyRefusals, TooManySms: nothing was recorded.
            ServiceUnavailable: the outcome is unknown; repeat with the same request id.
        """
        await self._look_up(command)
        refused: Refused | None = None
        texts: Sequence[SenderSms] = ()
        async with self._uow.writing() as tx:
            digest = sms_digest(command.sender, command.sms)
            claim = Claim(command.request_id, digest, self._entropy.new_id())
            owner = command.caller.organisation_id
            earlier = (await tx.claims.claim(owner, [claim])).get(command.request_id)
            if earlier is not None:
                if earlier.digest != digest:
                    raise RequestIdReused(command.request_id)
                return await _repeated(tx, command)
            side = (await tx.sending_sides.of({owner: set(permission_names(command.sender))}))[owner]
            match self._judged(command, side):
                case ServiceUnavailable() as unavailable:
                    raise unavailable
                case Refused() as refused:
                    await self._refuse(tx, command, side, refused)
                case entry:
                    texts = await self._accept(tx, self._asked(command, side, entry))
            await tx.commit()
        self._log.wake()
        if refused is not None:
            raise refused
        return texts

    async def list_sms(self, command: ListSms) -> Page[SenderSms]:
        """Lists those that the caller asks for, newest first. Raises InvalidPageToken, InvalidFields."""
        caller, wanted, size = command.caller, command.wanted, checked_page_size(command.page_size)
        owner = (str(caller.organisation_id), str(caller.sender_address_id or ""))
        query = Query(("ListSms", *owner, *wanted.parts()))
        before = query.identifier(command.page_token)
        async with self._uow.reading() as tx:
            found = await tx.sender_texts.listed(
                caller.organisation_id, caller.sender_address_id, wanted, before=before, limit=size + 1
            )
        shown = found[:size]
        return Page(shown, query.token(str(shown[-1].id)) if len(found) > size else "")

    async def _look_up(self, command: SendSms) -> None:
        """Looks host names up that the judgement depends on, outside of any transaction."""
        caller = command.caller
        async with self._uow.reading() as tx:
            sides = await tx.sending_sides.of({caller.organisation_id: set(permission_names(command.sender))})
        names = _names_to_ask(command, sides[caller.organisation_id])
        if names:
            await self._host_names.addresses_of(names, like=caller.connection.address)

    def _judged(self, command: SendSms, side: SendingSide) -> SenderAddress | Refused:
        caller, names = command.caller, _names_to_ask(command, side)
        client = caller.connection.address
        entry = judge_sender(
            command.sender,
            side.entries,
            only=caller.sender_address_id,
            contract=side.organisation.contract_state_at(self._clock.now(), self._zone),
            client=client,
            hosts=self._host_names.known(names, like=client) if names else NO_HOSTS,
        )
        if isinstance(entry, Refused):
            return entry
        return sms_refusal(command.sender, entry, offered=self._offered) or entry

    def _asked(self, command: SendSms, side: SendingSide, entry: SenderAddress) -> SmsAsked:
        return SmsAsked(
            sms=command.sms,
            party=_party(side),
            sender=command.sender,
            sender_address_id=entry.id,
            request_id=command.request_id,
            client=command.caller.connection.address,
            at=self._clock.now(),
        )

    async def _accept(self, tx: Transaction, asked: SmsAsked) -> Sequence[SenderSms]:
        texts = len(asked.sms.phones)
        over = await self._room.take(tx, asked.sender_address_id, asked.sender, texts, asked.at)
        if over is not None:
            raise over
        accepted = accept_texts(asked, self._stamps, self._entropy)
        await tx.sender_texts.add(accepted.texts)
        await tx.evidence.record(accepted.facts)
        await tx.jobs.defer(accepted.jobs)
        return accepted.texts

    async def _refuse(self, tx: Transaction, command: SendSms, side: SendingSide, refused: Refused) -> None:
        owner, now = command.caller.organisation_id, self._clock.now()
        if await tx.refusals.count_since(owner, now - _MINUTE) >= self._refusals_per_minute:
            raise TooManyRefusals(self._refusals_per_minute, int(_MINUTE.total_seconds()))
        fact = sms_rejection(
            self._stamps.at(now),
            _party(side),
            command.sender,
            command.sms,
            command.request_id,
            refused.reason,
            command.caller.connection.address,
        )
        refused.evidence_id = fact.id
        await tx.evidence.record([fact])
        await tx.refusals.add(
            [
                RecordedRefusal(
                    organisation_id=owner,
                    request_id=command.request_id,
                    reason=refused.reason,
                    text=refused.text,
                    metadata=refused.metadata,
                    evidence_id=fact.id,
                    recorded_at=now,
                )
            ]
        )


async def _repeated(tx: Transaction, command: SendSms) -> Sequence[SenderSms]:
    owner, request_id = command.caller.organisation_id, command.request_id
    if refusal := (await tx.refusals.under(owner, [request_id])).get(request_id):
        raise restored(refusal.reason, refusal.text, refusal.metadata, refusal.evidence_id)
    texts = await tx.sender_texts.under(owner, request_id)
    if not texts:
        raise LookupError("a claimed short message has no outcome")
    if command.caller.sender_address_id not in (None, texts[0].sender_address_id):
        # Accepted from a colleague's certificate; it is not this one's to see.
        raise SenderNotPermitted(command.sender)
    return texts


def _party(side: SendingSide) -> Party:
    organisation = side.organisation
    return Party(organisation.id, organisation.code, organisation.name)


def _names_to_ask(command: SendSms, side: SendingSide) -> frozenset[str]:
    caller = command.caller
    return host_names_to_ask(
        [command.sender], side.entries, only=caller.sender_address_id, client=caller.connection.address
    )
