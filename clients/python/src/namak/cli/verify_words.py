"""What a verification says of a receipt, in the languages of the command.

The verifier is pure and speaks English; here stands every sentence that it may say, as a template. A sentence
is found by the template that it fits, so the verifier needs to know nothing of languages; a test reads the
verifier's sources and finds those that are missing here. What malformed bytes are found to be stays English,
and so do the names of events, rules and policies, which are those of the specification.
"""

import re
from collections.abc import Sequence
from functools import cache

from namak.cli import certificate_words
from namak.cli.texts import N_, _, is_translated

CHECKS: Sequence[str] = (
    N_("file"),
    N_("evidence"),
    N_("log"),
    N_("witnesses"),
    N_("inclusion"),
    N_("timestamp"),
    N_("time"),
    N_("clocks"),
    N_("fact"),
    N_("derivation"),
    N_("lapse"),
    N_("once"),
    N_("statement"),
    N_("statement time"),
    N_("signature"),
    N_("revocation"),
    N_("certificate"),
    N_("signer"),
    N_("consignment"),
    N_("access"),
    N_("unopened"),
    N_("right"),
    N_("custody"),
    N_("copy"),
    *certificate_words.CHECKS,
)
"""The names of the checks; programs get them as they are."""

WORDS: Sequence[str] = (
    N_("this is not a receipt: {problem}"),
    N_("the file is a receipt in its one canonical form"),
    N_("the receipt does not hold the evidence that it is about"),
    N_("what is logged is not an evidence document: {problem}"),
    N_("the evidence is a well-formed document of {event}"),
    N_("no log that you trust signed the checkpoint: {problem}"),
    N_("the log {log} signed the checkpoint of {size} entries"),
    N_("{number} of your witnesses cosigned, which is not the quorum you ask for"),
    N_("{number} of your witnesses cosigned at a time yet to come, and do not count"),
    N_("you ask for no witnesses; {number} of those you know cosigned"),
    N_("{number} of your witnesses cosigned, as many as you ask for"),
    N_("the evidence does not stand in the log at index {index}: {problem}"),
    N_("the evidence stands in the log at index {index}, in exactly these bytes"),
    N_("{authority} stamped the checkpoint at {time}"),
    N_("the timestamp {file} does not count: {problem}"),
    N_("{number} more timestamps were not looked at"),
    N_("recorded at {time}, as the operator says; time not bounded by independent time"),
    N_(
        "recorded at {time}, as the operator says; in the log before {bound} according to {name}, "
        "{seconds} s earlier: it can't have been recorded so late"
    ),
    N_(
        "recorded at {time}, as the operator says; in the log before {bound} according to {name}, "
        "{seconds} s later: time not bounded"
    ),
    N_(
        "recorded at {time}, as the operator says; in the log before {bound} according to {name}, "
        "{seconds} s earlier, within the {most} s that clocks may differ"
    ),
    N_(
        "recorded at {time}, as the operator says; in the log before {bound} according to {name}, "
        "{seconds} s later"
    ),
    N_(
        "{number} independent times stand over it, up to {seconds} s apart: from {first} according to "
        "{name}, which decides, to {last} according to {other}"
    ),
    N_("what was signed is not a statement: {problem}"),
    N_("the statement's sentence is not the one of the evidence's policy"),
    N_("the statement is about another delivery"),
    N_("the statement names another sender"),
    N_("the statement names another recipient"),
    N_("the statement names other parts, or in another order"),
    N_("the statement is about this delivery, its parties and all its parts"),
    N_("the confirmation was not recorded while the statement was good, {start} to {end}"),
    N_("the statement was good from {start} to {end}"),
    N_("the revocation list with SHA-256 {digest} is missing; the operator publishes it"),
    N_("the statement is not signed: {problem}"),
    N_("the signature verifies over exactly the statement"),
    N_("the certificate is for signing and leads to a citizen root you trust"),
    N_("the revocation lists are not those of the signer's path, in its order"),
    N_("not revoked according to the list of {time}"),
    N_("the mailbox is not a person's"),
    N_("the signer is not the recipient"),
    N_("the signer is the recipient: {holder}"),
    N_("the receipt of the act with SHA-256 {digest}, which gave the right, is not among the files"),
    N_(
        "the receipt of the act with SHA-256 {digest}, which made the grantor signatory, is not "
        "among the files"
    ),
    N_("the receipt of the {event} with SHA-256 {digest} is not among the files"),
    N_("what it names as {event} is evidence of something else"),
    N_("the {event} is of another delivery"),
    N_("the {event} was recorded afterwards"),
    N_("the opening and the confirmation name different consignments"),
    N_("the {event} of this delivery was recorded before"),
    N_("the receipt of the fact with SHA-256 {digest} is missing or not valid"),
    N_("the {event} that it rests on does not hold"),
    N_("the fact that it rests on is of another delivery"),
    N_("the effect was recorded before its fact"),
    N_("it rests on the {event} among the files"),
    N_("the sender had withdrawn the message before"),
    N_("under {policy} the {event} has no such effect"),
    N_("under {policy} the {event} has no such effect; the receipt of its {missing} is missing"),
    N_("the rule is {rule}, not {other}"),
    N_("the effect began at {time}"),
    N_("{policy} derives the same: {rule}, since {time}"),
    N_("the effect was recorded before its time, {time}"),
    N_("by the facts among the files the recipient was notified by {rule} since {time}"),
    N_("nothing among the files had notified the recipient before, and its time had come"),
    N_("the operator recorded another effect of the same delivery"),
    N_("no other effect of this delivery is among the files"),
    N_("the {event} of this delivery had been recorded before"),
    N_("no earlier opening of this message is among the files"),
    N_("the operator recorded another withdrawal of the same delivery"),
    N_("no other withdrawal of this delivery is among the files"),
    N_("the statement names another right to sign than the evidence, or none"),
    N_("{person} was entitled to confirm on behalf of {recipient} by the act with SHA-256 {digest}"),
    N_("the act with SHA-256 {digest} entitled to open it"),
    N_("the right is one in another mailbox"),
    N_("the right is somebody else's than the signer's"),
    N_("the right is to read, and not to confirm"),
    N_("the right was not in force then, but from {start} to {end}"),
    N_("the right was granted by nobody who could"),
    N_("the right was granted by somebody else than the holder"),
    N_("the act enters the signatory of another mailbox"),
    N_("the registered signatory is somebody else"),
    N_("the act that gave the right was recorded afterwards"),
    N_("the right had been taken back at {time}"),
    N_("the {steps} steps of custody lead from the paper's receipt at {time} to exactly these scans"),
    N_("the chain of custody does not begin with the paper's receipt"),
    N_("the chain of custody has no scanning"),
    N_("step {number} of the chain of custody is out of place"),
    N_("step {number} of the chain of custody is earlier than the one before it"),
    N_("step {number} of the chain of custody is later than its recording"),
    N_("step {number} of the chain of custody has another digest than what it says"),
    N_("the operator states of the scans what {version} says, word for word"),
    N_("the operator's statement is not the sentence of {version}"),
    N_("Proves nothing: failed on {checks}."),
    N_("{event}: at {time} the operator accepted message {delivery} from {sender} to {recipient}."),
    N_("{event}: at {time} the operator refused a message from {sender} to {recipient}: {reason}."),
    N_(
        "{event}: at {time} message {delivery} from {sender} to {recipient} was laid into the "
        "recipient's mailbox."
    ),
    N_(
        "{event}: at {time} message {delivery} from {sender} to {recipient} was opened for the "
        "first time by its recipient, as the operator recorded."
    ),
    N_(
        "{event}: at {time} message {delivery} from {sender} to {recipient} was opened for the "
        "first time by somebody on its recipient's behalf, as the operator recorded."
    ),
    N_(
        "{event}: at {time} somebody entitled to it had signed on behalf of {holder}, with "
        "their own key, to have read and accepted message {delivery} from {sender} to {recipient}."
    ),
    N_(
        "{event}: at {time} the recipient of message {delivery} from {sender} to {recipient} "
        "signed in at a portal, as the operator recorded."
    ),
    N_(
        "{event}: at {time} the sender withdrew message {delivery} from {sender} to "
        "{recipient}, unopened as the operator recorded."
    ),
    N_(
        "{event}: at {time} {person} had signed, with their own key, to have read and accepted "
        "message {delivery} from {sender} to {recipient}."
    ),
    N_(
        "{event}: {notified} is properly notified of message {delivery} from {sender} to "
        "{recipient} since {time} by {rule} of {policy}."
    ),
    N_(
        "{event}: at {time} it was recorded that a letter was printed of message {delivery} "
        "from {sender} to {recipient}."
    ),
    N_(
        "{event}: at {time} it was recorded that a registered letter was posted of message {delivery} "
        "from {sender} to {recipient}."
    ),
    N_(
        "{event}: at {time} it was recorded that the letter was handed over of message {delivery} "
        "from {sender} to {recipient}."
    ),
    N_(
        "{event}: at {time} it was recorded that the letter was refused of message {delivery} "
        "from {sender} to {recipient}."
    ),
    N_(
        "{event}: at {time} it was recorded that the letter came back of message {delivery} "
        "from {sender} to {recipient}."
    ),
    N_(
        "{event}: at {time} it was recorded that a public notice was published of message {delivery} "
        "from {sender} to {recipient}."
    ),
    N_(
        "{event}: at {time} message {delivery} from {sender} to {recipient} was delivered as the "
        "copy of a letter on paper; who wrote it is not known."
    ),
    N_(
        "{event}: at {time} message {delivery} from {sender} to {recipient} was delivered as the "
        "copy of a letter on paper that names {name} as its sender; nobody has proved that."
    ),
    N_("{event}: at {time} the operator accepted a short message of {sender} to {phone}."),
    N_("{event}: at {time} it was recorded that an SMS centre took a short message of {sender} to {phone}."),
    N_(
        "{event}: at {time} it was recorded that the network of {phone} reported to have delivered a short "
        "message of {sender}."
    ),
    N_("{event}: at {time} it was recorded that {phone} did not get a short message of {sender}."),
    N_(
        "{event}: at {time} the operator stopped taking messages: witnesses had cosigned {size} entries of "
        "{log}, and what came after waited since {since}, longer than the {seconds} s that it may."
    ),
    N_(
        "{event}: at {time} the operator took messages again: witnesses have cosigned {size} entries of "
        "{log}."
    ),
    N_("{event}: at {time} the operator recorded this of message {delivery} from {sender} to {recipient}."),
    N_(
        "{event}: at {time} {actor} announced that the log's shard {log} ends here and goes on as "
        "{successor}, whose verifier key is {key}."
    ),
    N_(
        "{event}: at {time} {actor} gave up the log's shard {log}, whose key is lost: it ends with {signed} "
        "leaves, and {unsigned} that were never signed are logged again in {successor}, whose verifier key "
        "is {key}, or after it."
    ),
    N_(
        "{event}: at {time} {actor} opened the log's shard {log}, whose verifier key is {key}: it goes on "
        "from {predecessor}, which ended with the announcement {announcement}."
    ),
    N_("{event}: at {time} {actor} did {act} on the {thing}, as the operator recorded; it changed {fields}."),
    *certificate_words.WORDS,
)
"""Every sentence, with what it tells of between braces. Of two that a sentence fits the first counts."""

_HOLE = re.compile(r"\\\{([a-z]+)\\\}")


def said(text: str) -> str:
    """Returns a sentence of the verifier in the language spoken now; what no template fits stays as it is."""
    if not is_translated():
        return text
    if (whole := _translated(text)) is not None:
        return whole
    # Several problems of one check stand in one line.
    parts = text.split("; ")
    return "; ".join(_translated(part) or part for part in parts)


def template_of(text: str) -> str | None:
    """Returns the template that a sentence fits; None when there is none."""
    return next((template for template, _begin, form in _forms() if form.fullmatch(text)), None)


def _translated(text: str) -> str | None:
    for template, begin, form in _forms():
        if text.startswith(begin) and (found := form.fullmatch(text)):
            values = found.groupdict()
            if "checks" in values:
                values["checks"] = ", ".join(map(_, values["checks"].split(", ")))
            return _(template).format(**values)
    return None


def _form(template: str) -> re.Pattern[str]:
    def hole(found: re.Match[str]) -> str:
        return f"(?P<{found[1]}>{'[A-Za-z]+' if found[1] == 'event' else '.+?'})"

    return re.compile(_HOLE.sub(hole, re.escape(template)))


@cache
def _forms() -> Sequence[tuple[str, str, re.Pattern[str]]]:
    """Returns each template with how it begins and what fits it. Who reads English needs none."""
    return [(template, template.partition("{")[0], _form(template)) for template in WORDS]
