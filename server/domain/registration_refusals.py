"""What is raised about applications, user agreements and unconfirmed profiles; imported from `refusals`."""

from collections.abc import Sequence
from uuid import UUID

from server.domain.reasons import Reason
from server.domain.refused import Refused


class MailboxNotConfirmed(Refused):
    """BOX-9: official letters reach a mailbox only once its holder's profile is confirmed."""

    reason = Reason.MAILBOX_NOT_CONFIRMED

    def __init__(self, recipient: str) -> None:
        super().__init__(
            f"the holder of the mailbox {recipient} has not confirmed their profile yet; official letters "
            "can't be laid into it before that",
            recipient=recipient,
        )


class SignerNotApplicant(Refused):
    """Whose certificate it is, is not told: who has the signature can look."""

    reason = Reason.SIGNER_NOT_APPLICANT

    def __init__(self) -> None:
        super().__init__("the signature is not by the person, or for the entity, that it would have to be")


class RegistrationWayClosed(Refused):
    """`kind` is the holder's, `way` what was tried, `open_ways` what the jurisdiction offers them instead."""

    reason = Reason.REGISTRATION_WAY_CLOSED

    def __init__(self, kind: str, way: str, open_ways: Sequence[str]) -> None:
        listed = ", ".join(open_ways) or "none"
        super().__init__(
            f"this jurisdiction does not open a mailbox of this kind of holder ({kind.lower()}) by {way}; "
            f"open to them: {listed}",
            holder_kind=kind,
            way=way,
            open_ways=listed,
        )


class AgreementNotCurrent(Refused):
    """`current` is the version in force; empty where none is, or where there is none to join."""

    reason = Reason.AGREEMENT_NOT_CURRENT

    def __init__(self, version: str, current: str) -> None:
        super().__init__(
            f"the user agreement in force is version {current or 'none'}, not {version or 'none'}",
            version=version,
            current_version=current,
        )


class ApplicationDecided(Refused):
    """`state` is how it was decided."""

    reason = Reason.APPLICATION_DECIDED

    def __init__(self, application_id: UUID, state: str) -> None:
        super().__init__(
            f"the application has been decided already: it is {state}",
            application_id=str(application_id),
            state=state,
        )


class ApplicationWaiting(Refused):
    """Nothing is decided of what a register has not spoken of (BOX-10)."""

    reason = Reason.APPLICATION_WAITING

    def __init__(self, application_id: UUID) -> None:
        super().__init__(
            "the state's register does not answer about this application now; it waits",
            application_id=str(application_id),
        )


class ApplicationContradicted(Refused):
    """`findings` say where."""

    reason = Reason.APPLICATION_CONTRADICTED

    def __init__(self, application_id: UUID, findings: Sequence[str]) -> None:
        listed = ", ".join(findings)
        super().__init__(
            f"the state's register contradicts the application: {listed}",
            application_id=str(application_id),
            findings=listed,
        )
