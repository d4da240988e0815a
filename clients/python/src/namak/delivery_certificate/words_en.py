"""The words on certificates in English."""

from collections.abc import Mapping
from typing import Final

ENGLISH: Final[Mapping[str, Mapping[str, str]]] = {
    "said": {
        "title": "Delivery certificate",
        "made": "Made",
        "delivery": "Delivery number",
        "zone": "All times: {zone} (UTC{offset})",
        "sender": "Sender",
        "recipient": "Recipient",
        "accepted": "Accepted",
        "subject": "Subject",
        "parts": "What was sent",
        "part": "{name} ({type}, {size} bytes)",
        "story": "What happened",
        "story-sender": "As far as it concerns the sender.",
        "story-holder": "As far as it concerns the holder of the mailbox.",
        "story-delegate": "As far as it concerns whoever acts in the mailbox on the holder's behalf.",
        "reported": "As reported: {time}",
        "channel": "By {channel}",
        "cause": "Cause: {cause}",
        "tracking": "Number of the post: {tracking}",
        "receiver": "Taken by: {receiver}",
        "place": "Place: {place}",
        "method": "By {method}",
        "original": "The paper is kept: {place}",
        "own": "Signed by the recipient with their own key",
        "behalf": "On the recipient's behalf, by the right of the act with SHA-256 {digest}",
        "signer": "The signer by the certificate of the verified signature: {name}",
        "right": "This right: {act}, recorded {time}",
        "effective": "As of {time}, by rule {rule}",
        "entry": "Entry {index} of the log {origin}, SHA-256 {digest}",
        "acts": "Acts that gave the right",
        "effect": "Legal effect",
        "notified": "The recipient ({recipient}) is properly notified of this message of the sender "
        "({sender}) as of {time}.",
        "rule": "By this rule: {words}. It is rule {rule} of the notification policy {policy}; its source: "
        "{source}.",
        "because": "This follows from: {event}, recorded {time}.",
        "withdrawn": "The sender ({sender}) withdrew the message. It notifies nobody, nor the recipient "
        "({recipient}).",
        "none": "Not yet notified: when this certificate was made, {time}, no proper notification of the "
        "recipient ({recipient}) of this message of the sender ({sender}) had been recorded.",
        "ways": "The notification policy {policy} (its source: {source}) lets the recipient be properly "
        "notified in these cases:",
        "way": "– {words} (rule {rule}).",
        "unknown-rule": "see the policy",
        "unknown-source": "see the policy",
        "log": "Log",
        "logged": "Each of these facts stands as an entry in the post's public log, in which nothing can be "
        "altered or removed without its being noticed. The attached proofs show it under this state of the "
        "log:",
        "state": "Log {origin}: {size} entries, root SHA-256 {root}",
        "witnesses": "Cosigned by witnesses, whom whoever checks must know from elsewhere: {witnesses}",
        "no-witnesses": "No witness had cosigned this state.",
        "timestamps": "Stamped by time-stamping authorities, whom whoever checks must know from elsewhere: "
        "{timestamps}",
        "check": "How to check",
        "attached": "Attached to this file are {count} proofs (.tlog-proof). They hold without the post and "
        "without this page. To verify the file, and this page against the proofs:",
        "trust": "Get the log's key and the authorities' root certificates from a source of your own, not "
        "along with this file.",
        "site": "More: {site}",
        "seal": "The post's electronic seal is in the file. A print of it has none: ask for the file.",
        "statement": "Statement SHA-256 {digest}",
    },
    "events": {
        "SubmissionAcceptance": "Accepted for delivery",
        "ContentConsignment": "Laid into the recipient's mailbox",
        "ConsignmentNotification": "The holder was told of the message",
        "ConsignmentNotificationFailure": "Telling the holder failed",
        "RelayToNonERDS": "A copy was forwarded to the holder",
        "RelayToNonERDSFailure": "Forwarding a copy failed",
        "ReceivedFromNonERDS": "Copied from a letter on paper",
        "ContentAccessTracking": "The message was opened",
        "ReadingConfirmed": "The reading was confirmed by signature",
        "HolderSignedIn": "The holder signed in to the mailbox",
        "Withdrawn": "The sender withdrew the message",
        "LetterPrinted": "The letter was printed",
        "LetterPosted": "The letter was handed to the postal service",
        "LetterHandedOver": "The letter was handed over",
        "LetterRefused": "The letter was refused",
        "LetterReturned": "The letter came back",
        "NoticePublished": "A public notice was published",
        "NotificationEffected": "Proper notification",
    },
    "rules": {
        "POST-2": "the message was sent to the official address, and its reading was confirmed "
        "electronically",
        "LADDER-1-SIGN-IN": "the holder signs in while the message lies in the mailbox",
        "LADDER-1-OPENING": "the message is opened",
        "LADDER-1-LETTER": "the letter on paper is handed over; the time is the one reported",
        "LADDER-1-NOTICE": "seven whole days have passed since a public notice was published, which is at "
        "the earliest seven whole days after the letter on paper was due",
    },
    "sources": {
        "am-2015@1": "EKENG's guide to the official electronic post",
        "am-2025@1": "law ZR-415, as reported by the press (ARKA, 11 November 2025)",
        "am-2025@2": "law ZR-415 of 22 December 2025, as reported by the press and by an unofficial "
        "translation of its beginning",
    },
    "codes": {
        "EMAIL": "e-mail",
        "SMS": "SMS",
        "CERTIFICATE": "identity card",
        "MOBILE_ID": "mobile phone",
        "DELEGATION": "right given to another person",
        "SIGNATORY": "signatory of the entity entered",
    },
}
