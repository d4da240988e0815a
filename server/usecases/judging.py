"""Judges new submissions inside the transaction that will record them (POST-8, ADMIN-3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from server.domain.caller import IpAddress, Sender
from server.domain.deliveries import Submission
from server.domain.mailboxes import Mailbox, MailboxHead, MailboxState
from server.domain.refusals import (
    CertificateRevoked,
    MailboxClosed,
    MailboxNotConfirmed,
    MailboxSuspended,
    MailboxUnknown,
    Refused,
    ServiceUnavailable,
    TooManyRefusals,
)
from server.domain.senders import CertificateBinding, SenderAddress
from server.domain.sending_rights import NO_HOSTS, Hosts, host_names_to_ask, judge_sender, permission_names
from server.usecases.identity import REMEMBERED_SECONDS
from server.usecases.ports import Clock, HostNames, Transaction
from server.usecases.records import SendingSide

_MINUTE = timedelta(minutes=1)
_KNOWN_AT_THE_DOOR = timedelta(seconds=REMEMBERED_SECONDS)
"""With the age of what the door knew, a revocation counts within a second for submissions too."""

Key = tuple[UUID, str]
"""Organisation and request id."""


class Asked:
    """One submission as it was asked for, and by whom.

    Attributes:
        key: the organisation and the request id: under these it has one outcome.
        digest: what makes it equal to another one under the same key.
        at: when it came, let in at the door.
    """

    __slots__ = ("at", "caller", "digest", "key", "submission")

    def __init__(self, caller: Sender, submission: Submission, at: datetime) -> None:
        self.at = at
        self.caller = caller
        self.submission = submission
        self.key: Key = (caller.organisation_id, submission.request_id)
        self.digest = submission.digest()


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The judgement of new submissions: who is refused why; and by which entry the others are permitted, and
    where they go. `at` is the time for which that holds, and that evidence of it says.
    """

    at: datetime
    sides: Mapping[UUID, SendingSide]
    permitted: Mapping[Key, SenderAddress]
    mailboxes: Mapping[str, tuple[Mailbox, MailboxHead]]
    refused: Mapping[Key, Refused]


class GivenUp(Exception):
    """A transaction that must be repeated without some submissions: claims can't be taken back.

    Attributes:
        excess: refusals over a limit, and those whose certificate was revoked while they waited, as what is
            answered: nothing is recorded of these.
        unplaced: those that can't be judged, since one of `host_names` is not known, as what is answered.
        host_names: what to look up, by the address that the caller came from.
    """

    def __init__(
        self,
        excess: Mapping[Key, Refused],
        unplaced: Mapping[Key, Refused],
        host_names: Mapping[IpAddress, frozenset[str]],
    ) -> None:
        super().__init__()
        self.excess = excess
        self.unplaced = unplaced
        self.host_names = host_names


class Judge:
    """Says of new submissions who is refused why."""

    def __init__(
        self,
        *,
        clock: Clock,
        zone: ZoneInfo,
        host_names: HostNames,
        refusals_per_minute: int,
        confirmed_only: bool,
    ) -> None:
        """`refusals_per_minute` is how many refusals of one organisation are recorded within a minute;
        contracts end with days of the zone; with `confirmed_only` letters reach only mailboxes whose holders
        have confirmed their profiles (BOX-9).
        """
        self._confirmed_only = confirmed_only
        self._clock = clock
        self._zone = zone
        self._host_names = host_names
        self._refusals_per_minute = refusals_per_minute

    async def judge(self, tx: Transaction, new: Sequence[Asked]) -> Verdicts:
        """Judges new submissions, after their mailboxes are locked.

        Waiting for those locks may take seconds. Who may send is read only then, so that a suspension in
        between counts.

        Raises:
            GivenUp: some must be left out.
        """
        mailboxes = await tx.mailboxes.lock({asked.submission.recipient for asked in new})
        senders: dict[UUID, set[str]] = {}
        for asked in new:
            senders.setdefault(asked.key[0], set()).update(permission_names(asked.submission.sender))
        # After the locks: within a mailbox, times follow the sequence as far as replicas' clocks agree.
        # Before the look at who may send: what ended their right before this time is seen.
        at = self._clock.now()
        sides = await tx.sending_sides.of(senders)
        if len(sides) < len(senders):
            raise LookupError("a bound certificate names an organisation that is not there")
        permitted: dict[Key, SenderAddress] = {}
        refused: dict[Key, Refused] = {}
        unplaced: dict[Key, Refused] = {}
        unknown: dict[IpAddress, frozenset[str]] = {}
        for asked in new:
            client, names = asked.caller.connection.address, _host_names(asked, sides)
            # What is known is only looked at; asking for more takes its time, outside of any transaction.
            hosts = self._host_names.known(names, like=client) if names else NO_HOSTS
            match self._sending(asked, sides, hosts, at):
                case ServiceUnavailable() as unavailable:
                    unplaced[asked.key] = unavailable
                    unknown[client] = unknown.get(client, frozenset()) | names
                case Refused() as why:
                    refused[asked.key] = why
                case entry:
                    permitted[asked.key] = entry
                    to = asked.submission.recipient
                    if not_there := _mailbox_refusal(mailboxes, to, self._confirmed_only):
                        refused[asked.key] = not_there
        excess = await self._too_many(tx, refused) | await self._revoked(tx, new, at)
        if excess or unplaced:
            raise GivenUp(excess, unplaced, unknown)
        return Verdicts(at, sides, permitted, mailboxes, refused)

    def _sending(
        self, asked: Asked, sides: Mapping[UUID, SendingSide], hosts: Hosts, at: datetime
    ) -> SenderAddress | Refused:
        caller = asked.caller
        side = sides[caller.organisation_id]
        return judge_sender(
            asked.submission.sender,
            side.entries,
            only=caller.sender_address_id,
            contract=side.organisation.contract_state_at(at, self._zone),
            client=caller.connection.address,
            hosts=hosts,
        )

    async def _revoked(self, tx: Transaction, new: Sequence[Asked], at: datetime) -> dict[Key, Refused]:
        """Returns those whose certificate was revoked since they came, as what is answered: what the door
        would have said. It is asked for those that waited longer than what the door knew may be old.
        """
        # Also where the clock was put back: how long they waited can't be told.
        waited = [asked for asked in new if not timedelta() <= at - asked.at <= _KNOWN_AT_THE_DOOR]
        if not waited:
            return {}
        bindings = await tx.bindings.of({asked.caller.connection.certificate_sha256 for asked in waited})
        return {
            asked.key: CertificateRevoked()
            for asked in waited
            if _is_revoked(bindings.get(asked.caller.connection.certificate_sha256))
        }

    async def _too_many(self, tx: Transaction, refused: Mapping[Key, Refused]) -> dict[Key, Refused]:
        """Returns those refusals for which their organisation has no room left this minute, as what is
        answered instead.
        """
        by_organisation: dict[UUID, list[Key]] = {}
        for key in refused:
            by_organisation.setdefault(key[0], []).append(key)
        since = self._clock.now() - _MINUTE
        excess: dict[Key, Refused] = {}
        for organisation_id, keys in by_organisation.items():
            room = self._refusals_per_minute - await tx.refusals.count_since(organisation_id, since)
            for key in keys[max(room, 0) :]:
                excess[key] = TooManyRefusals(self._refusals_per_minute, int(_MINUTE.total_seconds()))
        return excess


def _is_revoked(binding: CertificateBinding | None) -> bool:
    return binding is None or binding.revoked_at is not None


def _host_names(asked: Asked, sides: Mapping[UUID, SendingSide]) -> frozenset[str]:
    caller = asked.caller
    return host_names_to_ask(
        [asked.submission.sender],
        sides[caller.organisation_id].entries,
        only=caller.sender_address_id,
        client=caller.connection.address,
    )


def _mailbox_refusal(
    mailboxes: Mapping[str, tuple[Mailbox, MailboxHead]], recipient: str, confirmed_only: bool
) -> Refused | None:
    found = mailboxes.get(recipient)
    if found is None:
        return MailboxUnknown(recipient)
    match found[0].state:
        case MailboxState.OPEN:
            unconfirmed = confirmed_only and found[0].confirmed_at is None
            return MailboxNotConfirmed(recipient) if unconfirmed else None
        case MailboxState.SUSPENDED:
            return MailboxSuspended(recipient)
        case MailboxState.CLOSED:
            return MailboxClosed(recipient)
