"""What a person is told of each reason; the texts here are English.

They speak to a citizen or an official before a screen, in place of the developer's message that stands beside
them. A value in braces is the metadata's of that name; a time among them is told by local clocks.
"""

from collections.abc import Mapping
from types import MappingProxyType

from server.domain.reasons import Reason

R = Reason


def N_(text: str) -> str:  # noqa: N802 - the name that catalogues' tools know
    """Marks a text for the catalogue."""
    return text


TEXTS: Mapping[Reason, str] = MappingProxyType(
    {
        R.CERTIFICATE_UNBOUND: N_(
            "This certificate is not registered with the post for this purpose. Contact the operator."
        ),
        R.CERTIFICATE_REVOKED: N_("The certificate has been revoked. Use a certificate that is in force."),
        R.REVOCATION_STATUS_UNKNOWN: N_(
            "It cannot be established at the moment whether the certificate is in force. Try again later."
        ),
        R.ROLE_NOT_PERMITTED: N_("You have no right to this action."),
        R.NETWORK_NOT_PERMITTED: N_(
            "The request came from a network address that is not permitted for this sender: {client_address}."
        ),
        R.RESOURCE_NOT_PERMITTED: N_("What you asked for does not exist or does not belong to you."),
        R.INVALID_FIELDS: N_("Some data are missing or incorrect. Correct the fields that are marked."),
        R.REQUEST_ID_REUSED: N_("A request with this number was made before, with other content."),
        R.INVALID_PAGE_TOKEN: N_(
            "The list cannot be continued from this place. Open it again from the beginning."
        ),
        R.ALREADY_REGISTERED: N_("This is registered already."),
        R.NOT_FOUND: N_("No such record was found."),
        R.DOMAIN_NOT_REGISTERED: N_(
            "The address {address} does not belong to a domain that is registered for the organisation."
        ),
        R.ETAG_MISMATCH: N_("The data were changed in the meantime. Look at them again, and decide again."),
        R.INVALID_CURSOR: N_("Events cannot be followed from this place. Begin again."),
        R.RESOURCE_IN_USE: N_("This cannot be deleted while it is in use."),
        R.DOMAIN_PROOF_MISSING: N_(
            "The DNS does not show the record {record_name}, which proves the right to the domain."
        ),
        R.SENDER_NOT_PERMITTED: N_("You have no right to send from the address {sender}."),
        R.SENDER_SUSPENDED: N_("The sender address {sender} is suspended."),
        R.CONTRACT_NOT_IN_FORCE: N_("The organisation has no contract in force with the operator."),
        R.NOTIFICATION_POLICY_NOT_PERMITTED: N_(
            "The contract of the organisation does not permit the notification policy {notification_policy}."
        ),
        R.MAILBOX_UNKNOWN: N_("There is no mailbox with the address {recipient}."),
        R.MAILBOX_SUSPENDED: N_("The mailbox {recipient} is suspended."),
        R.MAILBOX_CLOSED: N_("The mailbox {recipient} is closed."),
        R.TOO_MANY_REFUSALS: N_(
            "Too many submissions of the organisation were refused within a minute. Try again later."
        ),
        R.MESSAGE_OPENED: N_("The recipient has opened the letter; it can no longer be withdrawn."),
        R.DELIVERY_NOTIFIED: N_(
            "The recipient has been properly notified; the letter can no longer be withdrawn."
        ),
        R.DELIVERY_WITHDRAWN: N_("The sender has withdrawn this letter."),
        R.NOT_OPENED: N_("The letter has not been opened yet. Open it first."),
        R.STATEMENT_NOT_ISSUED: N_("No such statement was issued to you for this letter."),
        R.STATEMENT_EXPIRED: N_(
            "The time for signing the statement has run out. Ask for a new one and sign it."
        ),
        R.ALREADY_CONFIRMED: N_("The reading of this letter has been confirmed already."),
        R.SIGNATURE_INVALID: N_("The signature was not accepted."),
        R.SIGNER_NOT_RECIPIENT: N_("The signature is not the recipient's."),
        R.SIGNING_CERTIFICATE_UNTRUSTED: N_(
            "The signing certificate was not issued by a recognised certification authority."
        ),
        R.SIGNING_CERTIFICATE_EXPIRED: N_(
            "The signing certificate is not in force: its period has ended or has not begun."
        ),
        R.SIGNING_CERTIFICATE_REVOKED: N_("The signing certificate has been revoked."),
        R.SIGNING_CERTIFICATE_PURPOSE: N_(
            "This certificate is not intended for signing documents. Use your signing certificate."
        ),
        R.SERVICE_UNAVAILABLE: N_(
            "The service is temporarily unavailable. Repeat the same request a little later; it will not "
            "take effect twice."
        ),
        R.DEADLINE_EXCEEDED: N_(
            "The answer did not come in time. Repeat the same request; it will not take effect twice."
        ),
        R.INTERNAL: N_(
            "An internal error occurred. Contact the operator and quote the number of the request."
        ),
        R.EVIDENCE_CORRUPT: N_(
            "The stored evidence does not pass its own check. The operator has been informed."
        ),
        R.OVERLOADED: N_("The service is overloaded; nothing was recorded. Try again later."),
        R.EVIDENCE_DEBT_EXCEEDED: N_(
            "No messages are accepted at the moment, because nobody can vouch for their time; nothing was"
            " recorded. Try again later."
        ),
        R.READER_TOO_SLOW: N_(
            "The events were read too slowly, and following them was ended. Go on from where you stopped."
        ),
        R.SESSION_UNKNOWN: N_("You are not signed in. Sign in again."),
        R.SESSION_ENDED: N_("The session has ended ({end_time}). Sign in again."),
        R.SESSION_ACTIVE: N_(
            "You are signed in already (since {start_time}). Sign out of that session first."
        ),
        R.SIGN_IN_METHOD_NOT_OFFERED: N_("This way of signing in is not offered here."),
        R.CHALLENGE_EXPIRED: N_("The time for signing in has run out. Begin again."),
        R.CHALLENGE_USED: N_("This attempt to sign in is over already. Begin another one."),
        R.PASSWORD_WRONG: N_("The login or the password is wrong."),
        R.SIGN_IN_LOCKED: N_("Signing in is locked after too many failed attempts. Try again later."),
        R.SIGNATURE_REQUIRED: N_(
            "Official letters need your electronic signature. Confirm your sign-in with it."
        ),
        R.MOBILE_ID_FAILED: N_("Nothing was signed with the phone. Try again."),
        R.VERIFICATION_CODE_WRONG: N_("The code is not the one that the phone shows. Begin again."),
        R.SIGNER_NOT_EXPECTED: N_(
            "The signature is another person's, or by another certificate, than this sign-in was begun with."
        ),
        R.MAILBOX_NOT_CONFIRMED: N_(
            "The holder of the mailbox {recipient} has not yet confirmed their data with an electronic "
            "signature, so official letters are not delivered to it."
        ),
        R.SIGNER_NOT_APPLICANT: N_(
            "The signature is neither the applicant's nor that of a person who may sign for the legal entity."
        ),
        R.AGREEMENT_NOT_CURRENT: N_(
            "The user agreement has changed: version {current_version} is in force. Read and accept it."
        ),
        R.APPLICATION_DECIDED: N_("The application has been decided already."),
        R.APPLICATION_WAITING: N_(
            "The state register does not answer at the moment; the application waits and will be examined "
            "later."
        ),
        R.APPLICATION_CONTRADICTED: N_("The application does not agree with the state register: {findings}."),
        R.REGISTRATION_WAY_CLOSED: N_(
            "Mailboxes of this kind of holder are not opened in this way. Ask the postal operator how to "
            "come by one."
        ),
        R.PRINTING_NOT_OFFERED: N_(
            "This letter came on paper, and no answers are printed here. Answer it by post yourself."
        ),
        R.CERTIFICATES_NOT_OFFERED: N_("This post makes no delivery certificates. Ask for the receipts."),
        R.CERTIFICATE_TOO_LARGE: N_(
            "The delivery has more evidence than fits into a certificate ({limit} pieces). Keep its receipts."
        ),
        R.PAPER_ADDRESS_UNKNOWN: N_(
            "The letter on paper names no sender, or no postal address, to which an answer could be posted."
        ),
        R.LETTERS_NOT_OFFERED: N_(
            "Letters to state bodies can't be written here; you can only receive them."
        ),
        R.OWN_MAILBOX_NOT_OPEN: N_("Your mailbox {sender} is not open, so you can't write letters from it."),
        R.PROFILE_NOT_CONFIRMED: N_(
            "You have not yet confirmed your data with an electronic signature. Confirm them, and then write."
        ),
        R.RECIPIENT_NOT_OFFICIAL: N_(
            "{recipient} is a person. Letters can be written to state bodies and legal entities only."
        ),
        R.TOO_MANY_LETTERS: N_(
            "You have written as many letters today as one person may ({limit_per_day}). Write again "
            "tomorrow."
        ),
        R.SMS_NOT_PERMITTED: N_("The sender address {sender} is not permitted to send SMS."),
        R.SMS_NOT_OFFERED: N_("The post does not send SMS."),
        R.TOO_MANY_SMS: N_(
            "{sender} has sent as many SMS today as one address may ({limit_per_day}). Send again tomorrow."
        ),
        R.WITNESSES_NOT_OFFERED: N_("The post has no witnesses, so there is no witnessed receipt."),
        R.TIMESTAMPS_NOT_OFFERED: N_(
            "No time-stamping authority stamps the post's log, so there is no timestamped receipt."
        ),
        R.FORWARDING_NOT_OFFERED: N_("The post does not forward messages to addresses of this kind."),
        R.TOO_MANY_FORWARDING_TARGETS: N_(
            "You have as many forwarding addresses as are permitted ({limit}). Remove one of them first."
        ),
        R.TOO_MANY_FORWARDING_CODES: N_(
            "As many codes were sent as one day permits ({limit_per_day}). Ask for another one tomorrow."
        ),
        R.FORWARDING_CODE_WRONG: N_("This is not the code that was sent to you. Tries left: {tries_left}."),
        R.FORWARDING_CODE_ENDED: N_("The code is no longer valid. Ask for another one."),
        R.LETTER_LEASE_ENDED: N_(
            "The time for printing this letter is over. Destroy what was printed of it."
        ),
        R.LETTER_OUT_OF_ORDER: N_("The letter is not as far as this report says, or further already."),
        R.LETTER_FILE_DIFFERS: N_("What was printed is not the file that was to be printed."),
        R.LETTER_TRACKING_DIFFERS: N_("The post's number is not the one that is printed on the letter."),
        R.LETTER_CANCELLED: N_("This letter is no longer needed. Destroy what was printed of it."),
        R.PRINT_HOUSE_SUSPENDED: N_(
            "The operator has suspended your print house; it gets no letters. Contact the operator."
        ),
    }
)
"""By reason. A test holds it against the table of reasons, and its values against the metadata."""

VARIANTS: Mapping[Reason, tuple[str, Mapping[str, str]]] = MappingProxyType(
    {
        R.SESSION_ENDED: (
            "ending",
            {
                "EXPIRED": N_("The session's time ran out ({end_time}). Sign in again."),
                "SIGNED_OUT": N_("You signed out ({end_time}). Sign in again."),
                "REPLACED": N_(
                    "The session was ended because you signed in elsewhere ({end_time}). If that was not "
                    "you, contact the operator at once."
                ),
                "TERMINATED": N_("The operator ended the session ({end_time}). Contact the operator."),
                "PASSWORD_SET": N_(
                    "The session was ended because another password was set ({end_time}). Sign in with it."
                ),
            },
        ),
        R.SESSION_ACTIVE: (
            "may_be_ended",
            {
                "true": N_(
                    "You are signed in already (since {start_time}). Sign out of that session, or choose to "
                    "end it when you sign in."
                ),
            },
        ),
        R.APPLICATION_DECIDED: (
            "state",
            {
                "APPROVED": N_("The application has been approved already."),
                "REFUSED": N_("The application has been refused already."),
            },
        ),
    }
)
"""By reason: which key of its metadata tells more, and what is said instead for these of its values."""

FINDINGS: Mapping[str, str] = MappingProxyType(
    {
        "NOT_REGISTERED": N_("there is no such record"),
        "ENDED": N_("the person has died, or the legal entity has ceased to exist"),
        "NAME_DIFFERS": N_("the name is different"),
        "REGISTRATION_DIFFERS": N_("the data of the state registration certificate are different"),
        "SIGNER_NOT_SIGNATORY": N_("the signer is not registered as a person who may sign"),
    }
)
"""What `findings` of APPLICATION_CONTRADICTED names."""
