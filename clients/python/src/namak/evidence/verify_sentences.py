"""What a receipt proves, in one sentence."""

from typing import Final

from namak.evidence import events
from namak.evidence.administrative_act import ActDetails, ActorKind, RecordedAct
from namak.evidence.details import AccessDetails, ConfirmationDetails, EffectDetails
from namak.evidence.details_outside import OutsideDetails
from namak.evidence.details_paper import PaperDetails
from namak.evidence.document import RecordedFact
from namak.evidence.events import Event
from namak.evidence.lost_key import GivenUp
from namak.evidence.outage import OutageBeganDetails, RecordedOutage
from namak.evidence.succession import RESOURCE_KIND, Opening
from namak.evidence.times import format_time


def outage_sentence(outage: RecordedOutage) -> str:
    """Returns what the receipt of an outage's begin or end proves."""
    document, details = outage.document, outage.document.details
    operator = f"{document.event.name}: at {format_time(document.event_time)} the operator"
    if isinstance(details, OutageBeganDetails):
        return (
            f"{operator} stopped taking messages: witnesses had cosigned {details.witnessed_size} entries of "
            f"{details.shard}, and what came after waited since {format_time(details.unwitnessed_since)}, "
            f"longer than the {details.debt_limit.total_seconds():.0f} s that it may."
        )
    return (
        f"{operator} took messages again: witnesses have cosigned {details.witnessed_size} entries of "
        f"{details.shard}."
    )


def act_sentence(act: RecordedAct) -> str:
    """Returns what the receipt of an administrative act proves."""
    details = act.document.details
    resource, before, after = details.resource, details.before or {}, details.after or {}
    thing = f"{resource.kind.lower().replace('_', ' ')} {resource.identifier}"
    if (lost := GivenUp.of(act.document)) is not None:
        return (
            f"{act.document.event.name}: at {format_time(act.document.event_time)} {_actor_words(details)} "
            f"gave up the log's shard {lost.origin}, whose key is lost: it ends with {lost.signed_size} "
            f"leaves, and {lost.size - lost.signed_size} that were never signed are logged again in "
            f"{lost.successor}, whose verifier key is {lost.successor_vkey}, or after it."
        )
    if resource.kind == RESOURCE_KIND and "successor" in after:
        successor, key = after["successor"], after.get("successor_vkey")
        return (
            f"{act.document.event.name}: at {format_time(act.document.event_time)} {_actor_words(details)} "
            f"announced that the log's shard {resource.identifier} ends here and goes on as "
            f"{successor}, whose verifier key is {key}."
        )
    if (opening := Opening.of(act.document)) is not None:
        origin, key = opening.origin, opening.vkey
        predecessor, announcement = opening.predecessor, opening.announcement
        return (
            f"{act.document.event.name}: at {format_time(act.document.event_time)} {_actor_words(details)} "
            f"opened the log's shard {origin}, whose verifier key is {key}: it goes on from "
            f"{predecessor}, which ended with the announcement {announcement}."
        )
    where = "" if details.acted_from is None else f" from {details.acted_from}"
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return (
        f"{act.document.event.name}: at {format_time(act.document.event_time)} {_actor_words(details)} did "
        f"{details.act} on the {thing}{where}, as the operator recorded; it changed {', '.join(changed)}."
    )


def _actor_words(details: ActDetails) -> str:
    match details.actor.kind:
        case ActorKind.OPERATOR:
            return "the operator"
        case ActorKind.ADMINISTRATOR:
            return f"{details.actor.person}, administrator of {details.organisation},"
        case ActorKind.COMMAND_LINE:
            return "somebody at the server's command line"
        case ActorKind.CLERK:
            return "a clerk"
        case ActorKind.HOLDER:
            return f"{details.actor.person}, holder of a mailbox or applicant for one,"
        case ActorKind.SERVER:
            return "the server by itself"


def sentence_of(fact: RecordedFact) -> str:
    """Returns what the receipt of a fact about a message proves."""
    document = fact.document
    sender, recipient = document.sender.identifier, document.recipient.identifier
    what = f"{document.event.name}: at {format_time(document.event_time)}"
    message = f"message {document.delivery_id} from {sender} to {recipient}"
    if right_of(fact) is not None:
        return _sentence_on_behalf(fact, what, message)
    match document.event:
        case events.SUBMISSION_ACCEPTANCE:
            return f"{what} the operator accepted {message}."
        case events.SUBMISSION_REJECTION:
            return f"{what} the operator refused a message from {sender} to {recipient}: {document.reason}."
        case events.CONTENT_CONSIGNMENT:
            return f"{what} {message} was laid into the recipient's mailbox."
        case events.CONTENT_ACCESS_TRACKING:
            return (
                f"{what} {message} was opened for the first time by its recipient, as the operator recorded."
            )
        case events.HOLDER_SIGNED_IN:
            return f"{what} the recipient of {message} signed in at a portal, as the operator recorded."
        case events.WITHDRAWN:
            return f"{what} the sender withdrew {message}, unopened as the operator recorded."
        case events.READING_CONFIRMED:
            person = recipient.partition("@")[0]
            return f"{what} {person} had signed, with their own key, to have read and accepted {message}."
    return _of_others(fact, what, message)


def _of_others(fact: RecordedFact, what: str, message: str) -> str:
    document = fact.document
    if isinstance(document.details, EffectDetails):
        since, rule = format_time(document.details.effective_time), document.details.rule
        policy = document.notification_policy
        notified = f"{document.recipient.identifier} is properly notified of {message}"
        return f"{document.event.name}: {notified} since {since} by {rule} of {policy}."
    if document.event in _TEXTS:
        return _text(document.event, what, document.sender.identifier, document.recipient.identifier)
    if isinstance(document.details, OutsideDetails):
        return _outside(document.event, what, message)
    if isinstance(document.details, PaperDetails):
        named = document.details.paper_sender
        if named is None or named.name is None:
            return (
                f"{what} {message} was delivered as the copy of a letter on paper; who wrote it is not known."
            )
        return (
            f"{what} {message} was delivered as the copy of a letter on paper that names {named.name} as its "
            "sender; nobody has proved that."
        )
    return f"{what} the operator recorded this of {message}."


_BY_A_RIGHT: Final = (AccessDetails, ConfirmationDetails)
_TEXTS: Final = (events.SMS_ACCEPTED, events.SMS_SENT, events.SMS_DELIVERED, events.SMS_FAILED)


def _text(event: Event, what: str, sender: str, phone: str) -> str:
    """Says what is told of a sender's short message; the networks of phones are others, whose word it is."""
    match event:
        case events.SMS_ACCEPTED:
            return f"{what} the operator accepted a short message of {sender} to {phone}."
        case events.SMS_SENT:
            return f"{what} it was recorded that an SMS centre took a short message of {sender} to {phone}."
        case events.SMS_DELIVERED:
            return (
                f"{what} it was recorded that the network of {phone} reported to have delivered a "
                f"short message of {sender}."
            )
    return f"{what} it was recorded that {phone} did not get a short message of {sender}."


def _outside(event: Event, what: str, message: str) -> str:
    """Says what is told of things that happen outside; that they did is others' word, and the operator's."""
    match event:
        case events.LETTER_PRINTED:
            return f"{what} it was recorded that a letter was printed of {message}."
        case events.LETTER_POSTED:
            return f"{what} it was recorded that a registered letter was posted of {message}."
        case events.LETTER_HANDED_OVER:
            return f"{what} it was recorded that the letter was handed over of {message}."
        case events.LETTER_REFUSED:
            return f"{what} it was recorded that the letter was refused of {message}."
        case events.LETTER_RETURNED:
            return f"{what} it was recorded that the letter came back of {message}."
        case events.NOTICE_PUBLISHED:
            return f"{what} it was recorded that a public notice was published of {message}."
    return f"{what} the operator recorded this of {message}."


def _sentence_on_behalf(fact: RecordedFact, what: str, message: str) -> str:
    if fact.document.event == events.CONTENT_ACCESS_TRACKING:
        return (
            f"{what} {message} was opened for the first time by somebody on its recipient's behalf, as the "
            "operator recorded."
        )
    recipient = fact.document.recipient.identifier
    return (
        f"{what} somebody entitled to it had signed on behalf of {recipient}, with their own key, to have "
        f"read and accepted {message}."
    )


def right_of(fact: RecordedFact) -> str | None:
    """Returns the hex digest of the act that gave the right to what was done on somebody's behalf."""
    details = fact.document.details
    return details.right if isinstance(details, _BY_A_RIGHT) else None
