"""What a verification says of a delivery certificate: a part of `namak.cli.verify_words`."""

from collections.abc import Sequence

from namak.cli.texts import N_

CHECKS: Sequence[str] = (N_("proofs"), N_("delivery"), N_("page"), N_("seal"))
"""The names of the checks; programs get them as they are."""

WORDS: Sequence[str] = (
    N_("this is no delivery certificate: {problem}"),
    N_("the file is a delivery certificate with {count} proofs attached"),
    N_("{invalid} of {count} proofs are not valid"),
    N_("all proofs are valid by what you trust"),
    N_("the proofs do not tell of one delivery: {problem}"),
    N_("all proofs are of the delivery {delivery}"),
    N_("the attached statement can't be read: {problem}"),
    N_("the statement is about another delivery than the proofs"),
    N_("the statement names other proofs than those attached, or in another order"),
    N_("the subject in the statement is not that of the evidence"),
    N_("the statement tells of another legal effect than the proofs"),
    N_("the attached statement says what the proofs say"),
    N_("the page could not be compared with the proofs: {problem}"),
    N_("the page says something else than the proofs"),
    N_("the page says, word for word, what follows from the proofs"),
    N_("the file has no seal; the proofs hold without one"),
    N_("the seal does not hold: the file was altered after it was sealed"),
    N_("the seal does not hold: something was put over the pages afterwards"),
    N_("the seal does not hold: {problem}"),
    N_("sealed by {name}, whom you did not name as trusted; the file was not altered since"),
    N_("sealed by {name}, whom you trust; the file was not altered since"),
    N_("sealed by {name}, whom you trust; the file does not tell whether the certificate was revoked"),
    N_("sealed by {name}, but whether the seal counts can't be told: {problem}"),
    N_(
        "The recipient of message {delivery} from {sender} to {recipient} is properly notified since {time}"
        " by rule {rule}."
    ),
    N_("The sender withdrew message {delivery} from {sender} to {recipient}; nobody is notified by it."),
    N_("Among the proofs of message {delivery} from {sender} to {recipient} is no proper notification."),
)
"""Every sentence, as there."""
