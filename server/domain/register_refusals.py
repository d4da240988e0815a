"""What is raised about entries of registers: taken, in use, changed meanwhile, or not there; imported from
`refusals`."""

from server.domain.reasons import Reason
from server.domain.refused import Refused


class AlreadyRegistered(Refused):
    reason = Reason.ALREADY_REGISTERED

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(
            f"the {kind} {name} is registered already, by an earlier request of yours or of somebody else",
            resource=kind,
            name=name,
        )


class NotFound(Refused):
    reason = Reason.NOT_FOUND

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} {name}", resource=kind, name=name)


class DomainNotRegistered(Refused):
    reason = Reason.DOMAIN_NOT_REGISTERED

    def __init__(self, address: str) -> None:
        super().__init__(
            f"{address} does not lie under a domain registered for the organisation", address=address
        )


class EtagMismatch(Refused):
    reason = Reason.ETAG_MISMATCH

    def __init__(self, kind: str, etag: str) -> None:
        super().__init__(
            f"the {kind} was changed since you read it; read it again, and decide again",
            resource=kind,
            current_etag=etag,
        )


class ResourceInUse(Refused):
    reason = Reason.RESOURCE_IN_USE

    def __init__(self, kind: str, name: str, user_kind: str, user_name: str) -> None:
        super().__init__(
            f"the {kind} {name} can't be deleted: the {user_kind} {user_name} depends on it",
            resource=kind,
            name=name,
            used_by=user_kind,
            used_by_name=user_name,
        )


class DomainProofMissing(Refused):
    reason = Reason.DOMAIN_PROOF_MISSING

    def __init__(self, record_name: str, record_text: str) -> None:
        super().__init__(
            f"the DNS shows no TXT record {record_name} with the text {record_text}",
            record_name=record_name,
            record_text=record_text,
        )
