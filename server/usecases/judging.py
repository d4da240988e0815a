"""Judges new submissions inside the transaction that will record them (POST-8, ADMIN-3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from server.domain.caller import NO_CERTIFICATE, IpAddress, Sender
from server.domain.deliveries import Party
from server.domain.letters import Correspondent, Submitter
from server.domain.mailboxes import Mailbox, MailboxHead
from server.domain.paper_desk import PaperDesk
from server.domain.profile import Correspondence
from server.domain.refusals import (
    CertificateRevoked,
    NotificationPolicyNotPermitted,
    Refused,
    ServiceUnavailable,
    TooManyRefusals,
)
from server.domain.sender_sms import TEXTS_A_DAY
from server.domain.senders import CertificateBinding, SenderAddress
from server.domain.sending_rights import NO_HOSTS, Hosts, host_names_to_ask, judge_sender, permission_names
from server.usecases.asked import Asked, Key
from server.usecases.findings import Findings, mailbox_refusal
from server.usecases.identity import REMEMBERED_SECONDS
from server.usecases.judging_letters import LetterJudge
from server.usecases.judging_paper import judge_papers
from server.usecases.outage_ports import SubmissionGate
from server.usecases.ports import Clock, HostNames, Transaction
from server.usecases.records import SendingSide
from server.usecases.sms_accepting import sms_refusal
from server.usecases.sms_room import SmsRoom

_MINUTE = timedelta(minutes=1)
_KNOWN_AT_THE_DOOR = timedelta(seconds=REMEMBERED_SECONDS)
"""With the age of what the door knew, a revocation counts within a second for submissions too."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The judgement of new submissions: who they are from, by identifier; who is refused why; by which entry
    the others are permitted (a holder's by their own mailbox), under which notification policy an
    organisation's are accepted, and where they go. `at` is the time for which
    that holds, and that evidence of it says.
    """

    at: datetime
    parties: Mapping[UUID, Party]
    permitted: Mapping[Key, UUID]
    policies: Mapping[Key, str]
    mailboxes: Mapping[str, tuple[Mailbox, MailboxHead]]
    refused: Mapping[Key, Refused]


class GivenUp(Exception):
    """A transaction that must be repeated without some submissions: claims can't be taken back.

    Attributes:
        excess: refusals and letters over a limit, and those whose certificate was revoked while they waited,
            as what is answered: nothing is recorded of these.
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


def check_gate(gate: SubmissionGate | None, new: Sequence[Asked]) -> None:
    """Raises `GivenUp` with all that is new while nothing is taken: what was taken before is answered."""
    refused = None if gate is None else gate.refusal()
    if refused is not None:
        raise GivenUp({asked.key: refused for asked in new}, {}, {})


class Judge:
    """Says of new submissions who is refused why."""

    def __init__(
        self,
        *,
        clock: Clock,
        zone: ZoneInfo,
        host_names: HostNames,
        refusals_per_minute: int,
        correspondence: Correspondence,
        usual_policy: str,
        offers_sms: bool = False,
        sms_a_day: int = TEXTS_A_DAY,
    ) -> None:
        """`offers_sms` says whether there is a gateway for SMS, `sms_a_day` how many one address may send;
        `usual_policy` is the notification policy of contracts that name none; `refusals_per_minute` is how
        many refusals of one organisation are recorded within a minute; contracts end with days of the zone.
        """
        self._confirmed_only = correspondence.confirmed_profile
        self._letters = LetterJudge(correspondence, zone)
        self._clock = clock
        self._offers_sms = offers_sms
        self._sms_room = SmsRoom(zone, sms_a_day)
        self._usual_policy = usual_policy
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
        mailboxes = await tx.mailboxes.lock({address for asked in new for address in asked.mailboxes})
        letters = [asked for asked in new if isinstance(asked.caller, Correspondent)]
        papers = [asked for asked in new if isinstance(asked.caller, PaperDesk)]
        apart = letters or papers
        sent = [asked for asked in new if isinstance(asked.caller, Sender)] if apart else new
        senders: dict[UUID, set[str]] = {}
        for asked in sent:
            senders.setdefault(asked.key[0], set()).update(permission_names(asked.submission.sender))
        # After the locks: within a mailbox, times follow the sequence as far as replicas' clocks agree.
        # Before the look at who may send: what ended their right before this time is seen.
        found = Findings(self._clock.now(), mailboxes)
        if senders:
            await self._judge_sent(tx, sent, await tx.sending_sides.of(senders), found)
        if letters:
            await self._letters.judge(tx, letters, found)
        if papers:
            judge_papers(papers, self._confirmed_only, found)
            found.excess |= await self._too_many(
                tx, {asked.key: found.refused[asked.key] for asked in papers if asked.key in found.refused}
            )
        found.excess |= await self._revoked(tx, new, found.at)
        if found.excess or found.unplaced:
            raise GivenUp(found.excess, found.unplaced, found.unknown)
        return Verdicts(found.at, found.parties, found.permitted, found.policies, mailboxes, found.refused)

    async def _judge_sent(
        self, tx: Transaction, sent: Sequence[Asked], sides: Mapping[UUID, SendingSide], found: Findings
    ) -> None:
        """Judges what organisations send."""
        for asked in sent:
            side = sides.get(asked.key[0])
            if side is None:
                raise LookupError("a bound certificate names an organisation that is not there")
            client, names = asked.caller.connection.address, _host_names(asked, side)
            # What is known is only looked at; asking for more takes its time, outside of any transaction.
            hosts = self._host_names.known(names, like=client) if names else NO_HOSTS
            match self._sending(asked, side, hosts, found.at):
                case ServiceUnavailable() as unavailable:
                    found.unplaced[asked.key] = unavailable
                    found.unknown[client] = found.unknown.get(client, frozenset()) | names
                case Refused() as why:
                    found.refused[asked.key] = why
                case entry:
                    found.permitted[asked.key] = entry.id
                    to = asked.submission.recipient
                    wants_sms = asked.submission.sms is not None
                    if wants_sms and (
                        no_sms := sms_refusal(asked.submission.sender, entry, offered=self._offers_sms)
                    ):
                        found.refused[asked.key] = no_sms
                    elif why_not := self._policy_refusal(asked, side, found):
                        found.refused[asked.key] = why_not
                    elif not_there := mailbox_refusal(found.mailboxes, to, self._confirmed_only):
                        found.refused[asked.key] = not_there
        found.excess |= await self._too_many(tx, found.refused)
        await self._sms_room.leave_out(tx, sent, found)
        for organisation in (side.organisation for side in sides.values()):
            found.parties[organisation.id] = Party(organisation.id, organisation.code, organisation.name)

    def _policy_refusal(self, asked: Asked, side: SendingSide, found: Findings) -> Refused | None:
        """Notes the submission's notification policy, or returns why it may not have it (LADDER-2)."""
        wanted = asked.submission.notification_policy
        policy = side.organisation.policy_for(wanted, self._usual_policy)
        if policy is None:
            permitted = side.organisation.notification_policies or (self._usual_policy,)
            return NotificationPolicyNotPermitted(wanted or "", ", ".join(permitted))
        found.policies[asked.key] = policy
        return None

    def _sending(
        self, asked: Asked, side: SendingSide, hosts: Hosts, at: datetime
    ) -> SenderAddress | Refused:
        caller = asked.caller
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
        waited = [
            asked
            for asked in new
            if not timedelta() <= at - asked.at <= _KNOWN_AT_THE_DOOR and _is_bound(asked.caller)
        ]
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


def _is_bound(caller: Submitter) -> bool:
    """Tells whether the register has the caller's certificate; a person's own stands in no register, and a
    mail may come without one.
    """
    if isinstance(caller, Correspondent):
        return caller.at_portal
    return caller.connection.certificate_sha256 != NO_CERTIFICATE


def _is_revoked(binding: CertificateBinding | None) -> bool:
    return binding is None or binding.revoked_at is not None


def _host_names(asked: Asked, side: SendingSide) -> frozenset[str]:
    caller = asked.caller
    return host_names_to_ask(
        [asked.submission.sender],
        side.entries,
        only=caller.sender_address_id,
        client=caller.connection.address,
    )
