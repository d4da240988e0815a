"""What each reason means and what to do about it, for people; the texts in the code are English."""

from collections.abc import Mapping
from types import MappingProxyType

from namak.cards.texts import CARD_MEANINGS, words_of
from namak.cli.certificate_reasons import CERTIFYING
from namak.cli.forwarding_reasons import FORWARDING
from namak.cli.letter_reasons import LETTERS
from namak.cli.sms_reasons import SMS
from namak.cli.texts import N_, _, is_translated, language
from namak.cli.writing_reasons import WRITING
from namak.errors import NamakError

_SAME_ID = N_("Try again with the same request id; nothing will happen twice.")
_OF_THE_PATH = (PermissionError, FileNotFoundError, NotADirectoryError, IsADirectoryError)
_NEW_CARD = N_("Get a new card or certificate.")

MEANINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # The post's reasons, in the order of the contract.
        "CERTIFICATE_UNBOUND": (
            N_("The certificate is genuine, but bound to nobody who may do this."),
            N_("Have the operator bind your certificate, or use the one that is bound."),
        ),
        "CERTIFICATE_REVOKED": (
            N_("The certificate, or its binding, has been revoked."),
            N_("Get a new certificate and have the operator bind it."),
        ),
        "REVOCATION_STATUS_UNKNOWN": (
            N_("Whether the certificate is revoked can't be told now."),
            N_("The post has no fresh revocation list now; try again in a few minutes."),
        ),
        "ROLE_NOT_PERMITTED": (
            N_("You are known, but callers of your kind may not do this."),
            N_("This is for another kind of caller; check which certificate you use."),
        ),
        "NETWORK_NOT_PERMITTED": (
            N_("The call came from a network that is not permitted."),
            N_("Send from a registered network, or have the operator add this one."),
        ),
        "RESOURCE_NOT_PERMITTED": (
            N_("It belongs to somebody else or does not exist."),
            N_("Check the identifier and the certificate you use."),
        ),
        "INVALID_FIELDS": (
            N_("One or more fields are wrong."),
            N_("Correct the fields named above."),
        ),
        "REQUEST_ID_REUSED": (
            N_("The request id was used before, with other content."),
            N_("Use a new request id for new content, or send exactly the old content."),
        ),
        "INVALID_PAGE_TOKEN": (
            N_("The list can't be continued from where it stopped."),
            N_("Ask for the list again from its beginning."),
        ),
        "ALREADY_REGISTERED": (
            N_("It is registered already, with other content."),
            N_("Use what is registered, or register something else."),
        ),
        "NOT_FOUND": (
            N_("What was named does not exist."),
            N_("Check the address or identifier."),
        ),
        "DOMAIN_NOT_REGISTERED": (
            N_("The address does not lie under a domain of the organisation."),
            N_("Register the domain first: namak admin domain request-proof, then namak admin domain prove"),
        ),
        "ETAG_MISMATCH": (
            N_("Somebody else changed it in the meantime."),
            N_("Look at it again, then decide again."),
        ),
        "INVALID_CURSOR": (
            N_("The cursor is damaged, of another log, or ahead of the log."),
            N_("Use a cursor that this post gave you, or begin anew without the cursor file."),
        ),
        "RESOURCE_IN_USE": (
            N_("It can't be deleted while something else needs it."),
            N_("Delete first what needs it; the text above names one."),
        ),
        "DOMAIN_PROOF_MISSING": (
            N_("The DNS does not show the record that proves the domain."),
            N_("Put the TXT record into the DNS, wait until it is seen there, then try again."),
        ),
        "SENDER_NOT_PERMITTED": (
            N_("The sender address is not one of yours."),
            N_("Check --from: it must be one of your organisation's registered addresses."),
        ),
        "SENDER_SUSPENDED": (
            N_("The sender address is suspended."),
            N_("Ask the operator why the address is suspended."),
        ),
        "CONTRACT_NOT_IN_FORCE": (
            N_("Your organisation has no contract in force."),
            N_("Ask the operator about your organisation's contract."),
        ),
        "NOTIFICATION_POLICY_NOT_PERMITTED": (
            N_("Your organisation's contract does not permit this notification policy."),
            N_("Leave --policy out, or ask the operator about your organisation's contract."),
        ),
        "MAILBOX_UNKNOWN": (
            N_("No mailbox has that address."),
            N_(
                "Correct the recipient's address; then send to that one alone, or to all again with the same "
                "--request-id: who has the letter gets no second one."
            ),
        ),
        "MAILBOX_SUSPENDED": (
            N_("The recipient's mailbox is suspended."),
            N_("The recipient can't be served this way now; see what the law provides."),
        ),
        "MAILBOX_CLOSED": (
            N_("The recipient's mailbox is closed."),
            N_("The recipient can't be served this way any more; see what the law provides."),
        ),
        "TOO_MANY_REFUSALS": (
            N_("Your organisation had too many refusals within the last minute."),
            N_("Look at the refusals before, then go on in a minute with the same request id."),
        ),
        "MESSAGE_OPENED": (
            N_("The recipient has opened the letter."),
            N_("It can't be withdrawn any more; send another letter that corrects it."),
        ),
        "DELIVERY_NOTIFIED": (
            N_("The recipient has been properly notified."),
            N_("It can't be withdrawn any more; send another letter that corrects it."),
        ),
        "DELIVERY_WITHDRAWN": (
            N_("The sender has withdrawn the letter."),
            N_("There is nothing more to do; the facts of the delivery show when it was withdrawn."),
        ),
        "NOT_OPENED": (
            N_("The letter has not been opened yet."),
            N_("Open it first: namak open {delivery_id}"),
        ),
        "STATEMENT_NOT_ISSUED": (
            N_("No such statement was issued to you for this letter."),
            N_("Sign the statement that was issued to you with your own valid signing certificate."),
        ),
        "STATEMENT_EXPIRED": (
            N_("The statement's time has run out."),
            N_("Confirm again; a new statement will be issued."),
        ),
        "ALREADY_CONFIRMED": (
            N_("The reading has been confirmed already."),
            N_("It is done; to keep the evidence: namak receipt --delivery {delivery_id} -o DIR"),
        ),
        "SIGNATURE_INVALID": (
            N_("The signature was not accepted."),
            N_("Sign the statement that was issued to you with your own valid signing certificate."),
        ),
        "SIGNER_NOT_RECIPIENT": (
            N_("The signer is not the recipient."),
            N_("Sign with the card of the person whose mailbox it is."),
        ),
        "SIGNING_CERTIFICATE_UNTRUSTED": (
            N_("The signing certificate is not vouched for by an authority that the post trusts."),
            N_("The file of [signing] certificate must hold its issuers too."),
        ),
        "SIGNING_CERTIFICATE_EXPIRED": (N_("The signing certificate is not valid now."), _NEW_CARD),
        "SIGNING_CERTIFICATE_REVOKED": (N_("The signing certificate has been revoked."), _NEW_CARD),
        "SIGNING_CERTIFICATE_PURPOSE": (
            N_("The certificate is not one for signing statements of intent."),
            N_("Use the card's signing certificate, not the one for authentication."),
        ),
        "SERVICE_UNAVAILABLE": (
            N_("The post does not answer now; whether it took effect is unknown."),
            _SAME_ID,
        ),
        "DEADLINE_EXCEEDED": (
            N_("Time ran out before an answer came; whether it took effect is unknown."),
            N_("Try again with the same request id and a longer time-out; nothing will happen twice."),
        ),
        "INTERNAL": (
            N_("The post failed."),
            N_("Tell the operator the text above; it names the call."),
        ),
        "WITNESSES_NOT_OFFERED": (
            N_("The post has no witnesses, so there is no witnessed receipt."),
            N_("Save the receipt without --witnessed."),
        ),
        "TIMESTAMPS_NOT_OFFERED": (
            N_("No time-stamping authority stamps the post's log, so there is no timestamped receipt."),
            N_("Save the receipt without --timestamped."),
        ),
        "EVIDENCE_CORRUPT": (
            N_("Stored evidence fails its own check."),
            N_("The operator has been alarmed; keep the receipts you have."),
        ),
        "OVERLOADED": (
            N_("The post has more to do than it takes on now; nothing was recorded."),
            N_("Wait, then try again."),
        ),
        "EVIDENCE_DEBT_EXCEEDED": (
            N_("The witnesses of the post's log have been away for too long; nothing was recorded."),
            N_("Wait, then try again; `namak log status` tells since when."),
        ),
        "READER_TOO_SLOW": (
            N_("What came was not read fast enough, and the stream was ended."),
            N_("Watch again from the last cursor; nothing is lost."),
        ),
        "SESSION_UNKNOWN": (
            N_("No session was issued to this portal under this token."),
            N_("Sign in again."),
        ),
        "SESSION_ENDED": (N_("The session has ended."), N_("Sign in again.")),
        "SESSION_ACTIVE": (
            N_("The holder is signed in already."),
            N_("Sign out there, or sign in and ask for the other session to be ended."),
        ),
        "SIGN_IN_METHOD_NOT_OFFERED": (
            N_("This post does not offer this way to sign in or to sign."),
            N_("Sign in, or sign, another way."),
        ),
        "CHALLENGE_EXPIRED": (N_("The sign-in was not completed in time."), N_("Start another one.")),
        "CHALLENGE_USED": (N_("The sign-in was completed or failed before."), N_("Start another one.")),
        "PASSWORD_WRONG": (
            N_("The login or the password is wrong."),
            N_("Check both; after some wrong passwords the login is locked for a while."),
        ),
        "SIGN_IN_LOCKED": (
            N_("Too many sign-ins failed, or the phone was rung too often."),
            N_("Wait before the next one."),
        ),
        "SIGNATURE_REQUIRED": (
            N_("The session began with a password, and official letters ask for a signature."),
            N_("Step up with a card, a token or mobile id."),
        ),
        "MOBILE_ID_FAILED": (
            N_("The phone signed nothing."),
            N_("See the outcome above, then begin again."),
        ),
        "VERIFICATION_CODE_WRONG": (
            N_("These are not the four digits that the phone shows."),
            N_("Begin again, and enter the digits from the phone."),
        ),
        "SIGNER_NOT_EXPECTED": (
            N_("The signature is by another certificate or person than the sign-in was started for."),
            N_("Sign with the card that the sign-in was started with."),
        ),
        "MAILBOX_NOT_CONFIRMED": (
            N_("The holder of the mailbox has not confirmed their profile yet."),
            N_("Official letters reach it only after that; see what else the law provides."),
        ),
        "SIGNER_NOT_APPLICANT": (
            N_("The signature is not by the applicant or the holder."),
            N_("Sign with the signing certificate of that very person, or of that very entity."),
        ),
        "AGREEMENT_NOT_CURRENT": (
            N_("Another version of the user agreement is in force."),
            N_("Read the version in force, and accept that one."),
        ),
        "APPLICATION_DECIDED": (
            N_("The application has been approved or refused already."),
            N_("Look at what was decided."),
        ),
        "APPLICATION_WAITING": (
            N_("The state's register does not answer about the application."),
            N_("Try again later; nothing is decided before the register answers."),
        ),
        "APPLICATION_CONTRADICTED": (
            N_("The state's register contradicts the application."),
            N_("Compare the data with the register; refuse it, and have the applicant apply anew."),
        ),
        "REGISTRATION_WAY_CLOSED": (
            N_("In this jurisdiction no mailbox of this kind of holder is opened in this way."),
            N_("See the ways that are open, above: by application, or from the register of identity cards."),
        ),
        **WRITING,
        **CERTIFYING,
        **FORWARDING,
        **SMS,
        **LETTERS,
        # What this program finds by itself.
        "TOO_LARGE": (
            N_("The request is larger than the post takes; nothing of it was taken."),
            N_("Send less at once: a message may hold 3 MiB, and a request 4 MiB."),
        ),
        "CANNOT_CONNECT": (
            N_("No connection came about, so nothing was asked."),
            N_("Check the address, the network and both certificates."),
        ),
        "RECEIPT_PENDING": (
            N_("The fact is recorded; only its receipt did not come in time."),
            N_("Ask for the receipt again in a little while."),
        ),
        "NOT_SENT": (
            N_("It was not sent, because a request before it failed."),
            N_("Send it again, with the same request id."),
        ),
        "CONFIGURATION": (
            N_("The configuration can't be used."),
            N_("Correct the configuration file."),
        ),
        "OWN_CERTIFICATE": (
            N_("Your own certificate or key is unfit."),
            N_("Correct the certificate and key files that the configuration names."),
        ),
        "USAGE": (
            N_("The command was called in a wrong way; nothing was asked."),
            N_("See the command's --help."),
        ),
        "CONTENT_MISMATCH": (
            N_("What came, or is to be signed, is not what was announced; nothing of it was kept or signed."),
            N_("Try once more; if it happens again, tell the operator."),
        ),
        "LOG_UNREACHED": (
            N_("The log can't be read now."),
            N_("Check the address, and look again in a while."),
        ),
        "FILE": (
            N_("A file on this machine can't be used."),
            N_("Check the path and its permissions."),
        ),
        "FILE_EXISTS": (
            N_("A file of that name exists already."),
            N_("Choose another place for it, or permit overwriting with --force."),
        ),
        **CARD_MEANINGS,
        "PROGRAM_FAULT": (
            N_("This program failed."),
            N_("Tell those who maintain this program the text above."),
        ),
        # Status codes, where the post gave no reason, and reasons that this version does not know.
        "REFUSED": (
            N_("The post said no."),
            N_("Mend what the reason names, then try again under a new request id."),
        ),
        "UNAUTHENTICATED": (
            N_("The post does not know your certificate."),
            N_("Have the operator bind your certificate, or use the one that is bound."),
        ),
        "PERMISSION_DENIED": (
            N_("You may not do this."),
            N_("Check the identifier, the certificate you use, and the network you call from."),
        ),
        "INVALID_ARGUMENT": (N_("The request is wrong."), N_("Correct the request.")),
        "ALREADY_EXISTS": (
            N_("It exists already."),
            N_("Use what is registered, or register something else."),
        ),
        "FAILED_PRECONDITION": (
            N_("Its state does not permit this."),
            N_("Bring about the state that the reason asks for, then try again."),
        ),
        "RESOURCE_EXHAUSTED": (N_("The post is busy; nothing was stored."), N_("Wait, then try again.")),
        "UNAVAILABLE": (
            N_("The post does not answer now; whether it took effect is unknown."),
            _SAME_ID,
        ),
    }
)
"""By reason: what it means, and what a person can do about it. A test holds it against the contract and
against :mod:`namak.errors`.
"""


def advice_for(error: NamakError, delivery_id: str = "") -> str:
    """Returns what a person can do about a failure; empty where the failure itself says all there is.

    ``delivery_id`` is of the delivery that was asked about, for commands that can be copied.
    """
    if error.reason == "FILE" and not isinstance(error.__cause__, _OF_THE_PATH):
        return ""
    return _spoken(error)[1].replace("{delivery_id}", delivery_id or "ID")


def meaning_of(error: NamakError) -> str:
    """Returns what went wrong, as the reason means it, on one line."""
    return _spoken(error)[0]


def headline_of(error: NamakError) -> str:
    """Returns what went wrong, on one line: in English what the post or this program said of it, in other
    languages what the reason means.
    """
    return _spoken(error)[0] if is_translated() else error.message


def detail_of(error: NamakError) -> str | None:
    """Returns what the post or this program said of it, where the headline does not."""
    return error.message if is_translated() else None


def _spoken(error: NamakError) -> tuple[str, str]:
    if error.reason in CARD_MEANINGS:
        return words_of(error.reason, language())
    reason, kind = MEANINGS.get(error.reason), MEANINGS.get(type(error).default_reason)
    meaning, advice = reason or kind or MEANINGS["REFUSED"]
    return _(meaning), _(advice)
