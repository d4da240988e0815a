"""Makes of an accepted text what is recorded of it: an entry, evidence and a job for each phone."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from server.domain.caller import IpAddress
from server.domain.deliveries import Party
from server.domain.facts import Fact
from server.domain.jobs import SEND_SMS, Job
from server.domain.refusals import Refused, SmsNotOffered, SmsNotPermitted
from server.domain.sender_sms import SenderSms, SmsText
from server.domain.senders import SenderAddress
from server.domain.sms import segment_count
from server.domain.sms_evidence import sms_accepted
from server.usecases.ports import Entropy
from server.usecases.stamps import Stamps


@dataclass(frozen=True, slots=True)
class SmsAsked:
    """A text that is accepted: from whom, by which entry of the register, under which request id, from where
    in the network, when; and the delivery that it goes with, with the evidence of its consignment.
    """

    sms: SmsText = field(repr=False)
    party: Party
    sender: str
    sender_address_id: UUID
    request_id: str
    client: IpAddress
    at: datetime
    delivery_id: UUID | None = None
    consignment: Fact | None = None


@dataclass(slots=True)
class AcceptedTexts:
    """What is to be written of texts; all in the order of the phones."""

    texts: list[SenderSms] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)


def accept_texts(asked: SmsAsked, stamps: Stamps, entropy: Entropy) -> AcceptedTexts:
    """Returns what is to be written."""
    accepted, segments = AcceptedTexts(), segment_count(asked.sms.text)
    for phone in asked.sms.phones:
        stamp = stamps.at(asked.at)
        text = SenderSms(
            id=entropy.new_id(),
            organisation_id=asked.party.id,
            sender_address_id=asked.sender_address_id,
            sender=asked.sender,
            request_id=asked.request_id,
            delivery_id=asked.delivery_id,
            phone=phone,
            text=asked.sms.text,
            segments=segments,
            submitted_at=asked.at,
            acceptance_id=stamp.evidence_id,
        )
        accepted.texts.append(text)
        accepted.facts.append(sms_accepted(stamp, asked.party, text, asked.client, asked.consignment))
        accepted.jobs.append(Job(SEND_SMS, {"sms": text.id}))
    return accepted


def sms_refusal(sender: str, entry: SenderAddress, *, offered: bool) -> Refused | None:
    """Returns why a sender that may send messages may send no short ones; None where it may."""
    if not entry.sms_permitted:
        return SmsNotPermitted(sender)
    return None if offered else SmsNotOffered()
