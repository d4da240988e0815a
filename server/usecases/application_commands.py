"""What is asked of the desk of applications."""

from dataclasses import dataclass
from uuid import UUID

from server.domain.applications import Application, Scan
from server.domain.caller import Clerk, Holder, Operator
from server.domain.holders import HolderData
from server.domain.mailboxes import Mailbox
from server.usecases.registration_ports import ApplicationFilter


@dataclass(frozen=True, slots=True, repr=False)
class Form:
    """What is applied for. Every field is checked, and in canonical form; `login` and `agreement_version` are
    empty where there is none. The language is one that the text is to be had in.
    """

    data: HolderData
    login: str
    agreement_version: str
    language: str


@dataclass(frozen=True, slots=True, repr=False)
class Paper:
    """A clerk's: the scan, and the person who signed the paper."""

    scan: Scan
    signer_number: str


@dataclass(frozen=True, slots=True, repr=False)
class SubmitApplication:
    """`confirmation` is a holder's signature (CMS, DER), or a clerk's paper."""

    by: Holder | Clerk
    request_id: str
    form: Form
    confirmation: bytes | Paper


@dataclass(frozen=True, slots=True)
class ListApplications:
    """`page_size` is checked."""

    by: Operator | Clerk | Holder
    wanted: ApplicationFilter
    page_size: int
    page_token: str


@dataclass(frozen=True, slots=True)
class CheckApplication:
    """Asks the state's registers once more."""

    by: Operator | Clerk
    request_id: str
    application_id: UUID


@dataclass(frozen=True, slots=True)
class DecideApplication:
    """Approves, or with a `refusal_reason` refuses."""

    by: Operator | Clerk
    request_id: str
    application_id: UUID
    refusal_reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """An application, and the mailbox that was opened for it, if one was."""

    application: Application
    mailbox: Mailbox | None
