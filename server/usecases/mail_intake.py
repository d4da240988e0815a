"""Mail from senders' ordinary mail clients, on its way into the one intake (ADMIN-6, ADMIN-3, POST-8).

A mail is asked about three times: who sends it, for each recipient whether there is one, and then whole.
Only the last leaves anything: there is a message then, and its outcome is recorded as any submission's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from server.domain import addresses
from server.domain.caller import NO_CERTIFICATE, Caller, Connection, IpAddress, Sender, Stranger
from server.domain.deliveries import Submission
from server.domain.inbound_mail import InboundMail
from server.domain.profile import Profile
from server.domain.reasons import Retry
from server.domain.refusals import Refused, RequestIdReused, RoleNotPermitted, SenderNotPermitted
from server.domain.senders import ContractState
from server.domain.sending_rights import judge_sender, permission_for
from server.usecases.mail_register import Entries, MailRegister
from server.usecases.ports import HostNames
from server.usecases.submission import Accepted, Outcome, SubmissionDesk, SubmitMany

_BYTES_AT_ONCE: Final = 4 * 1024 * 1024
"""So much of one mail goes into one transaction, as of a call of the API; one submission at least."""


class CallerIdentity(Protocol):
    """Decides who stands behind a certificate (`server.usecases.identity`)."""

    async def identify(self, certificate: bytes, address: IpAddress) -> Caller:
        """Returns the caller behind a verified certificate (DER); raises why it is nobody."""
        ...


@dataclass(frozen=True, slots=True)
class MailSender:
    """Who sends a mail.

    Attributes:
        caller: the organisation; with a certificate, as that is bound.
        address: the sender address, in canonical form.
        in_place: the client is where the address may be used from, as far as is known now. To others nothing
            is told of mailboxes.
    """

    caller: Sender
    address: str
    in_place: bool


class Undecided(Exception):
    """Some recipients of a mail have it and others do not, and SMTP has one answer for all.

    Attributes:
        passing: the same mail again is answered clearly: what was accepted is not accepted twice, and who
            can't be a recipient is told so one by one. Otherwise it stays as it is.
        accepted, refused: how many recipients, and the reasons of the others.
    """

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__()
        self.refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
        self.accepted = len(outcomes) - len(self.refused)
        self.passing = not any(isinstance(outcome, RequestIdReused) for outcome in self.refused)


class MailIntake:
    """Takes mails in."""

    def __init__(
        self,
        *,
        register: MailRegister,
        submissions: SubmissionDesk,
        identity: CallerIdentity,
        host_names: HostNames,
        profile: Profile,
        receipts: bool,
    ) -> None:
        """With `receipts` senders get receipts by mail."""
        self._register = register
        self._submissions = submissions
        self._identity = identity
        self._host_names = host_names
        self._profile = profile
        self._receipts = receipts

    async def sender(self, certificate: bytes | None, client: IpAddress, envelope_sender: str) -> MailSender:
        """Returns who sends under an address of MAIL FROM.

        Args:
            certificate: the client's, verified (DER). A bound one must be a sender's, and what it is bound to
                goes before what the address says; one that is bound to nobody counts for nothing.

        Raises:
            Malformed: it is no address.
            SenderNotPermitted: it is registered for nobody, so there is nobody to keep a refusal for.
            RoleNotPermitted, CertificateRevoked, ServiceUnavailable: as for a call.
        """
        address = addresses.sender_address(envelope_sender, self._profile)
        caller = None if certificate is None else await self._identity.identify(certificate, client)
        entries = await self._register.entries(address)
        entry = permission_for(address, entries)
        if caller is None or isinstance(caller, Stranger):
            if entry is None:
                raise SenderNotPermitted(address)
            caller = Sender(Connection(NO_CERTIFICATE, client), entry.organisation_id, None, ())
        if not isinstance(caller, Sender):
            raise RoleNotPermitted(type(caller).__name__.upper(), "mail")
        own = {name: each for name, each in entries.items() if each.organisation_id == caller.organisation_id}
        return MailSender(caller, address, await self._is_in_place(caller, address, own))

    async def recipient(self, sender: MailSender, address: str) -> str:
        """Returns a recipient's address in canonical form.

        Raises:
            Malformed: it is no official address.
            MailboxUnknown, MailboxSuspended, MailboxClosed, MailboxNotConfirmed: to a sender in its place.
        """
        canonical = addresses.recipient_address(address, self._profile)
        if sender.in_place and (why := await self._register.refusal(canonical)):
            raise why
        return canonical

    async def submit(
        self, sender: MailSender, mail: InboundMail, recipients: Sequence[str]
    ) -> Sequence[Accepted]:
        """Submits a mail to its recipients, in canonical form. When it returns, all of it is durable.

        Raises:
            Refused: nobody has it; of several reasons the one that passes, or else the first.
            Undecided: some have it.
        """
        # Nearly always what would divide the answer is seen here, before anything is stored.
        if sender.in_place and len(recipients) > 1 and (why := await self._register.refusal_now(recipients)):
            raise why
        submissions = [
            mail.submission_to(each, receipts=self._receipts) for each in dict.fromkeys(recipients)
        ]
        outcomes: list[Outcome] = []
        for group in _groups(submissions):
            try:
                outcomes += await self._submissions.submit_many(SubmitMany(sender.caller, group, 0))
            except Refused as failure:
                outcomes += [failure] * len(group)
        accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
        refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
        if accepted and refused:
            raise Undecided(outcomes)
        for why in sorted(refused, key=lambda each: not is_passing(each)):
            raise why
        return accepted

    async def _is_in_place(self, caller: Sender, address: str, entries: Entries) -> bool:
        entry = permission_for(address, entries)
        if entry is None:
            return False
        client = caller.connection.address
        hosts = await self._host_names.addresses_of(entry.host_names, like=client) if entry.host_names else {}
        judged = judge_sender(
            address,
            entries,
            only=caller.sender_address_id,
            contract=ContractState.IN_FORCE,
            client=client,
            hosts=hosts,
        )
        return not isinstance(judged, Refused)


def is_passing(refused: Refused) -> bool:
    """Tells whether the same mail may be taken later."""
    return refused.rule.retry in (Retry.LATER, Retry.SAME_REQUEST)


def _groups(submissions: Sequence[Submission]) -> Iterator[Sequence[Submission]]:
    size = sum(part.info.size for part in submissions[0].parts)
    count = max(1, _BYTES_AT_ONCE // max(1, size))
    return (submissions[first : first + count] for first in range(0, len(submissions), count))
